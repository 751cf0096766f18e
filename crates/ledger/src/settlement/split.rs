//! The split of one completion: pure functions over integers, used by the gateway that signs a receipt, by whoever
//! verifies it, and by tests of the ledger. Every function is exact: its parts sum to what was given.
//! `None` means that the parameters' parts exceed the whole or an amount overflows; neither happens with parameters
//! that a genesis accepted and amounts that exist.

use std::sync::Arc;

use openledger_types::markets::PRICE_WHOLE;
use openledger_types::parameters::{PremiumParameters, SplitParameters};
use openledger_types::record::{ContributionRecord, OwnerRecord};
use openledger_types::{
    AccountId, Amount, BasisPoints, BuilderLine, ContributionId, DataLine, Name, Parameters, Royalty,
};
use openledger_types::{MarketParameters, Quoted};
use serde::{Deserialize, Serialize};

/// The split of a reference price, in uC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// To the provider.
    pub provider: Amount,
    /// To the builders of the lineage.
    pub builder: Amount,
    /// To the data behind the answer.
    pub data: Amount,
    /// To the verification fund.
    pub verification: Amount,
    /// To the maintenance fund, with what flooring leaves.
    pub maintenance: Amount,
    /// To the insurance fund.
    pub insurance: Amount,
    /// Burned.
    pub burn: Amount,
}

/// The split of a congestion premium, in uC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PremiumSplit {
    /// To the provider.
    pub provider: Amount,
    /// To the capacity fund, with what flooring leaves.
    pub capacity: Amount,
    /// Burned.
    pub burn: Amount,
}

/// The split of a data share, in uC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSplit<K> {
    /// What each share gets, in the order given, zeros included.
    pub attributed: Vec<(K, Amount)>,
    /// The pay of the unattributed part; it is inside `uplift`.
    pub unattributed: Amount,
    /// To the model's uplift pool: what does not follow attribution, and the pay of the unattributed part.
    pub uplift: Amount,
    /// What flooring left; the next completion of the model at this gateway adds it to its pool.
    pub carry_out: Amount,
}

/// Splits a reference price: each part floored, the remainder to maintenance.
pub fn split_reference(reference: Amount, parameters: &SplitParameters) -> Option<Split> {
    let part = |share: BasisPoints| reference.basis_points(share);
    let mut split = Split {
        provider: part(parameters.provider),
        builder: part(parameters.builder),
        data: part(parameters.data),
        verification: part(parameters.verification),
        maintenance: Amount::ZERO,
        insurance: part(parameters.insurance),
        burn: part(parameters.burn),
    };
    let others = Amount::sum([
        split.provider,
        split.builder,
        split.data,
        split.verification,
        split.insurance,
        split.burn,
    ])?;
    split.maintenance = reference.minus(others)?;
    Some(split)
}

/// What of a premium pays the provider its part: all of it, or, where the quote is capped, what it is up to the cap.
pub(super) fn eligible_premium(
    reference: Amount,
    premium: Amount,
    quote: &Quoted,
    markets: &MarketParameters,
) -> Amount {
    if quote.capped { premium.min(reference.basis_points(markets.capped_premium)) } else { premium }
}

/// Splits a premium, of which `eligible` pays the provider its part: each part floored, the remainder to capacity.
pub fn split_premium(
    premium: Amount,
    eligible: Amount,
    parameters: &PremiumParameters,
) -> Option<PremiumSplit> {
    let provider = eligible.min(premium).basis_points(parameters.provider);
    let burn = premium.basis_points(parameters.burn);
    let capacity = premium.minus(provider.plus(burn)?)?;
    Some(PremiumSplit { provider, capacity, burn })
}

/// Splits a data share by weights (attribution mass); `attributed` is the part that follows them.
///
/// `data_share + carry_in = sum of attributed + uplift + carry_out`, exactly.
pub fn split_data<K: Clone>(
    data_share: Amount,
    carry_in: Amount,
    shares: &[(K, u64)],
    unattributed: u64,
    attributed: BasisPoints,
) -> Option<DataSplit<K>> {
    let following = data_share.basis_points(attributed);
    let by_uplift = data_share.minus(following)?;
    let pool = following.plus(carry_in)?;
    let weights = shares.iter().map(|(_, weight)| u128::from(*weight));
    let whole = weights.chain([u128::from(unattributed)]).try_fold(0u128, u128::checked_add)?;
    if whole == 0 {
        let attributed = shares.iter().map(|(key, _)| (key.clone(), Amount::ZERO)).collect();
        let uplift = by_uplift.plus(pool)?;
        return Some(DataSplit { attributed, unattributed: Amount::ZERO, uplift, carry_out: Amount::ZERO });
    }
    let pay = |weight: u64| {
        let product = u128::from(pool.0).checked_mul(u128::from(weight))?;
        u64::try_from(product.checked_div(whole)?).ok().map(Amount)
    };
    let pays: Option<Vec<(K, Amount)>> =
        shares.iter().map(|(key, weight)| Some((key.clone(), pay(*weight)?))).collect();
    let pays = pays?;
    let unattributed = pay(unattributed)?;
    let paid = Amount::sum(pays.iter().map(|(_, amount)| *amount).chain([unattributed]))?;
    Some(DataSplit {
        attributed: pays,
        unattributed,
        uplift: by_uplift.plus(unattributed)?,
        carry_out: pool.minus(paid)?,
    })
}

/// Splits among owners by their parts, in order: each floored, the remainder to the first. No owners, no parts.
pub fn split_owners(amount: Amount, parts: &[u64]) -> Vec<Amount> {
    let whole = parts.iter().fold(0u64, |sum, part| sum.saturating_add(*part));
    split_parts(amount, parts, whole)
}

/// Splits a builder share along a resolved lineage: each line floored, the remainder to the lineage's first line.
pub fn split_lineage(amount: Amount, lineage: &[Royalty]) -> Vec<(AccountId, Amount)> {
    let parts: Vec<u64> = lineage.iter().map(|line| u64::from(line.share.0)).collect();
    let amounts = split_parts(amount, &parts, u64::from(BasisPoints::WHOLE.0));
    lineage.iter().map(|line| line.account).zip(amounts).collect()
}

fn split_parts(amount: Amount, parts: &[u64], whole: u64) -> Vec<Amount> {
    let mut rest = amount;
    let mut amounts: Vec<Amount> = Vec::with_capacity(parts.len());
    for part in parts {
        let floored = amount.fraction(*part, whole).unwrap_or(Amount::ZERO).min(rest);
        rest = rest.minus(floored).unwrap_or(Amount::ZERO);
        amounts.push(floored);
    }
    if let Some(first) = amounts.first_mut() {
        *first = first.plus(rest).expect("parts of an amount sum to the amount");
    }
    amounts
}

/// One contribution's weight in an answer, with its owners as the ledger holds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataShare {
    /// Where the contribution lives.
    pub datanet: Name,
    /// The contribution that owns the cluster.
    pub contribution: ContributionId,
    /// Attribution mass.
    pub weight: u64,
    /// What the mass counts, by the provenance of the contribution.
    pub factor: BasisPoints,
    /// Its owners, in order; answers from the same text share them.
    pub owners: Arc<[OwnerRecord]>,
}

impl DataShare {
    /// The weight by which it is paid: the mass as its provenance counts, floored.
    fn paid_weight(&self) -> u64 {
        Amount(self.weight).basis_points(self.factor).0
    }
}

/// What the ledger's record of a contribution says about paying it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataTerms {
    /// Its owners, in order.
    pub owners: Arc<[OwnerRecord]>,
    /// What its attribution counts.
    pub factor: BasisPoints,
}

impl From<ContributionRecord> for DataTerms {
    fn from(record: ContributionRecord) -> Self {
        Self { owners: record.owners.into(), factor: record.factor }
    }
}

/// Everything that fixes what one completion pays to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionTerms {
    /// Reference price.
    pub reference: Amount,
    /// The posted price that it was quoted at; without one there is no premium.
    pub quote: Option<Quoted>,
    /// The gateway's router fee, on top of the reference price.
    pub router_fee: BasisPoints,
    /// Who computed the answer.
    pub provider: AccountId,
    /// The model that served.
    pub model: Name,
    /// Its resolved lineage.
    pub lineage: Vec<Royalty>,
    /// What the answer came from.
    pub shares: Vec<DataShare>,
    /// Attribution mass that nothing explains.
    pub unattributed: u64,
    /// The carry of the model's data pool at this gateway before this completion.
    pub carry_in: Amount,
}

/// What one completion pays, line by line. Zero lines are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionLines {
    /// Reference price.
    pub reference: Amount,
    /// Congestion premium.
    pub premium: Amount,
    /// Router fee, on top, to the gateway.
    pub router_fee: Amount,
    /// Who computed the answer.
    pub provider: AccountId,
    /// The model that served.
    pub model: Name,
    /// The split of the reference price.
    pub reference_split: Split,
    /// The split of the premium.
    pub premium_split: PremiumSplit,
    /// The builder share along the lineage.
    pub builders: Vec<BuilderLine>,
    /// The attributed data share, by contribution and owner, in the order of the shares.
    pub data: Vec<DataLine>,
    /// To the model's uplift pool.
    pub uplift: Amount,
    /// The carry before.
    pub carry_in: Amount,
    /// The carry after.
    pub carry_out: Amount,
    /// The posted price that it was quoted at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quoted>,
}

impl CompletionLines {
    /// What the consumer pays: reference, premium and router fee; `None` on overflow.
    pub fn charged(&self) -> Option<Amount> {
        Amount::sum([self.reference, self.premium, self.router_fee])
    }

    /// Whether every price is the sum of its parts and every line belongs to the model: nothing is made or lost.
    pub fn is_exact(&self) -> bool {
        let split = &self.reference_split;
        let premium = &self.premium_split;
        let reference = Amount::sum([
            split.provider,
            split.builder,
            split.data,
            split.verification,
            split.maintenance,
            split.insurance,
            split.burn,
        ]);
        let builders = Amount::sum(self.builders.iter().map(|line| line.amount));
        let data = self.data.iter().map(|line| line.amount).chain([self.uplift, self.carry_out]);
        reference == Some(self.reference)
            && Amount::sum([premium.provider, premium.capacity, premium.burn]) == Some(self.premium)
            && builders == Some(split.builder)
            && self.builders.iter().all(|line| line.model == self.model)
            && Amount::sum(data).is_some_and(|data| Some(data) == split.data.plus(self.carry_in))
    }
}

/// Works out every line of one completion.
pub fn split_completion(terms: &CompletionTerms, parameters: &Parameters) -> Option<CompletionLines> {
    let reference_split = split_reference(terms.reference, &parameters.split)?;
    let (premium, eligible) = premium_of(terms.reference, terms.quote.as_ref(), &parameters.markets)?;
    let premium_split = split_premium(premium, eligible, &parameters.premium)?;
    let weights: Vec<(usize, u64)> =
        terms.shares.iter().enumerate().map(|(place, share)| (place, share.paid_weight())).collect();
    let data_split = split_data(
        reference_split.data,
        terms.carry_in,
        &weights,
        terms.unattributed,
        parameters.split.attributed,
    )?;
    let mut data = Vec::with_capacity(terms.shares.len());
    for (share, (_, pay)) in terms.shares.iter().zip(&data_split.attributed) {
        if *pay == Amount::ZERO {
            continue;
        }
        let mut line = |owner: &OwnerRecord, amount: Amount| {
            let (datanet, contribution) = (share.datanet.clone(), share.contribution);
            data.push(DataLine { datanet, contribution, owner: owner.account, amount });
        };
        if let [owner] = &share.owners[..] {
            line(owner, *pay);
            continue;
        }
        let parts: Vec<u64> = share.owners.iter().map(|owner| owner.parts).collect();
        let amounts = share.owners.iter().zip(split_owners(*pay, &parts));
        amounts.filter(|(_, amount)| *amount > Amount::ZERO).for_each(|(owner, amount)| line(owner, amount));
    }
    let builders = split_lineage(reference_split.builder, &terms.lineage)
        .into_iter()
        .filter(|(_, amount)| *amount > Amount::ZERO)
        .map(|(account, amount)| BuilderLine { model: terms.model.clone(), account, amount })
        .collect();
    Some(CompletionLines {
        reference: terms.reference,
        premium,
        router_fee: terms.reference.basis_points(terms.router_fee),
        provider: terms.provider,
        model: terms.model.clone(),
        reference_split,
        premium_split,
        builders,
        data,
        uplift: data_split.uplift,
        carry_in: terms.carry_in,
        carry_out: data_split.carry_out,
        quote: terms.quote.clone(),
    })
}

/// The premium that a quote makes of a reference price, and what of it pays the provider its part.
fn premium_of(
    reference: Amount,
    quote: Option<&Quoted>,
    markets: &MarketParameters,
) -> Option<(Amount, Amount)> {
    let Some(quote) = quote else { return Some((Amount::ZERO, Amount::ZERO)) };
    let premium = reference.fraction(quote.price.checked_sub(PRICE_WHOLE)?, PRICE_WHOLE)?;
    Some((premium, eligible_premium(reference, premium, quote, markets)))
}
