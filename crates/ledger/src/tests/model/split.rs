//! What completions pay, from the prose of the rule alone: one sum after the other in wide integers, no netting tricks.
//! Not checked here: what of it is liquid.

use std::collections::BTreeMap;

use openledger_types::{AccountId, Batch, ContributionId, Name, Parameters};

use crate::{CompletionTerms, DataShare};

/// `floor(amount * numerator / denominator)`.
pub(crate) fn part(amount: u128, numerator: u128, denominator: u128) -> u128 {
    amount * numerator / denominator
}

/// What a contribution's attribution counts, by its provenance.
fn counted(share: &DataShare) -> u128 {
    part(u128::from(share.weight), u128::from(share.factor.0), 10_000)
}

/// The payments of a batch of completions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PlainBatch {
    pub(crate) reference: u128,
    pub(crate) premium: u128,
    pub(crate) fee: u128,
    pub(crate) providers: BTreeMap<AccountId, u128>,
    pub(crate) builders: BTreeMap<(Name, AccountId), u128>,
    pub(crate) data: BTreeMap<(Name, ContributionId, AccountId), u128>,
    pub(crate) uplift: BTreeMap<Name, u128>,
    pub(crate) carries: BTreeMap<Name, (u128, u128)>,
    pub(crate) verification: u128,
    pub(crate) maintenance: u128,
    pub(crate) insurance: u128,
    pub(crate) capacity: u128,
    pub(crate) burn: u128,
    /// By class, round and provider: receipts, reference prices, premiums.
    pub(crate) classes: BTreeMap<(Name, u64, AccountId), (u32, u128, u128)>,
}

/// What the quote adds to the reference price, and what of it counts for the provider: under a cap, at most that part
/// of the reference price.
fn premium_of(terms: &CompletionTerms, parameters: &Parameters) -> (u128, u128) {
    let Some(quote) = &terms.quote else { return (0, 0) };
    let reference = u128::from(terms.reference.0);
    let premium = reference * (u128::from(quote.price) - 1_000_000) / 1_000_000;
    let cap = part(reference, u128::from(parameters.markets.capped_premium.0), 10_000);
    (premium, if quote.capped { premium.min(cap) } else { premium })
}

impl PlainBatch {
    /// Adds up completions; each begins with the carry that the one before it left for its model.
    pub(crate) fn of(completions: &[CompletionTerms], parameters: &Parameters) -> Self {
        let mut batch = Self::default();
        for terms in completions {
            batch.add(terms, parameters);
        }
        batch
    }

    fn add(&mut self, terms: &CompletionTerms, parameters: &Parameters) {
        let reference = u128::from(terms.reference.0);
        let (premium, eligible) = premium_of(terms, parameters);
        self.add_class(terms, reference, premium);
        let of = |amount, share: openledger_types::BasisPoints| part(amount, u128::from(share.0), 10_000);
        self.reference += reference;
        self.premium += premium;
        self.fee += of(reference, terms.router_fee);
        // The reference price: seven parts, each floored; what is left goes to maintenance.
        let split = &parameters.split;
        let (provider, builder) = (of(reference, split.provider), of(reference, split.builder));
        let (data, verification) = (of(reference, split.data), of(reference, split.verification));
        let (insurance, burn) = (of(reference, split.insurance), of(reference, split.burn));
        self.verification += verification;
        self.insurance += insurance;
        self.burn += burn;
        self.maintenance += reference - provider - builder - data - verification - insurance - burn;
        // The premium: burn, and the provider's part of what the cap leaves, floored; what is left goes to the capacity fund.
        let (of_provider, burned) =
            (of(eligible, parameters.premium.provider), of(premium, parameters.premium.burn));
        self.burn += burned;
        self.capacity += premium - of_provider - burned;
        *self.providers.entry(terms.provider).or_default() += provider + of_provider;
        self.add_builders(terms, builder);
        self.add_data(terms, data, u128::from(split.attributed.0));
    }

    fn add_class(&mut self, terms: &CompletionTerms, reference: u128, premium: u128) {
        let Some(quote) = terms.quote.as_ref().filter(|_| reference > 0) else { return };
        let sums = self.classes.entry((quote.class.clone(), quote.round, terms.provider)).or_default();
        *sums = (sums.0 + 1, sums.1 + reference, sums.2 + premium);
    }

    /// The builder share follows the lineage; the first line gets what flooring leaves.
    fn add_builders(&mut self, terms: &CompletionTerms, share: u128) {
        let mut rest = share;
        for line in &terms.lineage {
            let floored = part(share, u128::from(line.share.0), 10_000);
            rest -= floored;
            *self.builders.entry((terms.model.clone(), line.account)).or_default() += floored;
        }
        let first = &terms.lineage[0];
        *self.builders.entry((terms.model.clone(), first.account)).or_default() += rest;
    }

    /// Four fifths and the carry follow attribution, the unattributed part a cluster of its own; the rest, and what
    /// nobody explains, goes to the model's uplift pool.
    fn add_data(&mut self, terms: &CompletionTerms, share: u128, attributed: u128) {
        let carry = self
            .carries
            .entry(terms.model.clone())
            .or_insert((u128::from(terms.carry_in.0), u128::from(terms.carry_in.0)));
        let following = part(share, attributed, 10_000);
        let pool = following + carry.1;
        let whole: u128 = terms.shares.iter().map(counted).sum::<u128>() + u128::from(terms.unattributed);
        let uplift = self.uplift.entry(terms.model.clone()).or_default();
        *uplift += share - following;
        if whole == 0 {
            *uplift += pool;
            carry.1 = 0;
            return;
        }
        let unexplained = part(pool, u128::from(terms.unattributed), whole);
        *uplift += unexplained;
        let mut left = pool - unexplained;
        for share in &terms.shares {
            let pay = part(pool, counted(share), whole);
            left -= pay;
            let parts: u128 = share.owners.iter().map(|owner| u128::from(owner.parts)).sum();
            let mut rest = pay;
            for (place, owner) in share.owners.iter().enumerate().rev() {
                let floored = part(pay, u128::from(owner.parts), parts);
                let paid = if place == 0 { rest } else { floored };
                rest -= paid;
                let key = (share.datanet.clone(), share.contribution, owner.account);
                *self.data.entry(key).or_default() += paid;
            }
        }
        carry.1 = left;
    }

    /// Whether a batch says the same.
    pub(crate) fn check(&self, batch: &Batch) {
        let wide = |amount: openledger_types::Amount| u128::from(amount.0);
        let found = Self {
            reference: wide(batch.reference_total),
            premium: wide(batch.premium_total),
            fee: wide(batch.router_fee_total),
            providers: batch.providers.iter().map(|line| (line.provider, wide(line.amount))).collect(),
            builders: batch
                .builders
                .iter()
                .map(|line| ((line.model.clone(), line.account), wide(line.amount)))
                .collect(),
            data: batch
                .data
                .iter()
                .map(|line| ((line.datanet.clone(), line.contribution, line.owner), wide(line.amount)))
                .collect(),
            uplift: batch.uplift.iter().map(|line| (line.model.clone(), wide(line.amount))).collect(),
            carries: batch
                .carries
                .iter()
                .map(|line| (line.model.clone(), (wide(line.before), wide(line.after))))
                .collect(),
            verification: wide(batch.verification),
            maintenance: wide(batch.maintenance),
            insurance: wide(batch.insurance),
            capacity: wide(batch.capacity),
            burn: wide(batch.burn),
            classes: batch
                .classes
                .iter()
                .map(|line| {
                    let sums = (line.receipts, wide(line.reference), wide(line.premium));
                    ((line.class.clone(), line.round, line.provider), sums)
                })
                .collect(),
        };
        // A batch leaves zero lines out.
        let mut expected = self.clone();
        expected.providers.retain(|_, amount| *amount > 0);
        expected.builders.retain(|_, amount| *amount > 0);
        expected.data.retain(|_, amount| *amount > 0);
        expected.uplift.retain(|_, amount| *amount > 0);
        expected.carries.retain(|_, carry| *carry != (0, 0));
        assert_eq!(found, expected, "the batch against the reference model");
    }
}
