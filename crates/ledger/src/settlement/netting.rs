//! Netting: many completions into the lines of one batch. The gateway uses it to settle, an auditor to recompute a
//! batch from its receipts. Order and grouping are fixed, so the same completions give the same batch.
//! Absent: receipts, vouchers and signatures; the caller brings the root and the debits.

use std::collections::BTreeMap;

use openledger_types::{
    AccountId, Amount, Batch, BuilderLine, CarryLine, ClassLine, ContributionId, DataLine, Debit, Hash, Name,
    ProviderLine, UpliftLine, limits,
};

use super::split::CompletionLines;
use crate::places::Places;

/// Bytes that bound one line of any kind in an encoded batch.
const LINE_BYTES_MAX: usize = 136;

/// Why a completion cannot be added to a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NettingError {
    /// A sum exceeds the range of amounts.
    #[error("an amount overflows; settle fewer receipts at a time")]
    Overflow,
    /// The carry does not continue the model's carry in this batch.
    #[error(
        "the completion of {model} begins at a carry of {given}, but the batch is at {expected}; add receipts in order"
    )]
    CarryBroken {
        /// The model.
        model: Name,
        /// What the completion says.
        given: Amount,
        /// What the batch is at.
        expected: Amount,
    },
    /// The lines do not sum to what was charged.
    #[error("the lines of the completion do not sum to its price; split it again")]
    Inexact,
    /// The batch is full.
    #[error("the batch is full; settle it and begin another")]
    Full,
}

/// Whose share it is: contribution, owner, datanet, and the model that served.
type DataKey = (ContributionId, AccountId, Name, Name);

/// The lines of a batch in the making.
#[derive(Debug, Clone, Default)]
pub struct Netting {
    receipts: u32,
    /// Everything charged and every first carry: no sum of lines can exceed it.
    total: Amount,
    reference: Amount,
    premium: Amount,
    router_fee: Amount,
    providers: BTreeMap<AccountId, Amount>,
    builders: BTreeMap<(Name, AccountId), Amount>,
    data: Vec<(DataKey, Amount)>,
    /// Where a share is in `data`, by [`hash`].
    places: Places,
    uplift: BTreeMap<Name, Amount>,
    carries: BTreeMap<Name, (Amount, Amount)>,
    verification: Amount,
    maintenance: Amount,
    insurance: Amount,
    capacity: Amount,
    burn: Amount,
    classes: BTreeMap<(Name, u64, AccountId), (u32, Amount, Amount)>,
}

impl Netting {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many completions it holds.
    pub fn receipts(&self) -> u32 {
        self.receipts
    }

    /// Whether another completion surely fits the limits of a batch and of a transaction.
    pub fn fits(&self, lines: &CompletionLines) -> bool {
        let data = self.data.len().saturating_add(lines.data.len());
        let builders = self.builders.len().saturating_add(lines.builders.len());
        let providers = self.providers.len().saturating_add(1);
        let uplift = self.uplift.len().saturating_add(1);
        let carries = self.carries.len().saturating_add(1);
        let debits = usize::try_from(self.receipts).unwrap_or(usize::MAX).saturating_add(1);
        let classes = self.classes.len().saturating_add(1);
        let counts = [data, builders, providers, uplift, carries, debits, classes];
        let lines = counts.into_iter().fold(8, usize::saturating_add);
        self.receipts < limits::BATCH_RECEIPTS_MAX
            && counts.into_iter().all(|count| count <= limits::BATCH_LINES_MAX)
            && lines.saturating_mul(LINE_BYTES_MAX) <= limits::TRANSACTION_BYTES_MAX
    }

    /// Adds the next completion. On an error the batch is unchanged; the caller settles it and begins another.
    pub fn add(&mut self, lines: &CompletionLines) -> Result<(), NettingError> {
        if !self.fits(lines) {
            return Err(NettingError::Full);
        }
        if let Some((_, expected)) = self.carries.get(&lines.model)
            && *expected != lines.carry_in
        {
            let (model, expected) = (lines.model.clone(), *expected);
            return Err(NettingError::CarryBroken { model, given: lines.carry_in, expected });
        }
        if !lines.is_exact() {
            return Err(NettingError::Inexact);
        }
        let fresh = if self.carries.contains_key(&lines.model) { Amount::ZERO } else { lines.carry_in };
        let charged = lines.charged().and_then(|charged| charged.plus(fresh)?.plus(self.total));
        self.total = charged.ok_or(NettingError::Overflow)?;
        self.add_lines(lines);
        Ok(())
    }

    fn add_lines(&mut self, lines: &CompletionLines) {
        let (reference, premium) = (&lines.reference_split, &lines.premium_split);
        self.receipts = self.receipts.saturating_add(1);
        raise(&mut self.reference, lines.reference);
        raise(&mut self.premium, lines.premium);
        raise(&mut self.router_fee, lines.router_fee);
        let provider = self.providers.entry(lines.provider).or_default();
        raise(provider, reference.provider);
        raise(provider, premium.provider);
        for line in &lines.builders {
            raise(self.builders.entry((line.model.clone(), line.account)).or_default(), line.amount);
        }
        for line in &lines.data {
            let place = self.place(line, &lines.model);
            raise(&mut self.data[place].1, line.amount);
        }
        raise(self.uplift.entry(lines.model.clone()).or_default(), lines.uplift);
        let carry = self.carries.entry(lines.model.clone()).or_insert((lines.carry_in, lines.carry_in));
        carry.1 = lines.carry_out;
        raise(&mut self.verification, reference.verification);
        raise(&mut self.maintenance, reference.maintenance);
        raise(&mut self.insurance, reference.insurance);
        raise(&mut self.capacity, premium.capacity);
        raise(&mut self.burn, reference.burn);
        raise(&mut self.burn, premium.burn);
        if let Some(quote) = lines.quote.as_ref().filter(|_| lines.reference > Amount::ZERO) {
            let key = (quote.class.clone(), quote.round, lines.provider);
            let line = self.classes.entry(key).or_default();
            line.0 = line.0.saturating_add(1);
            raise(&mut line.1, lines.reference);
            raise(&mut line.2, lines.premium);
        }
    }

    fn place(&mut self, line: &DataLine, model: &Name) -> usize {
        let is = |place: usize| {
            let (contribution, owner, datanet, served) = &self.data[place].0;
            *contribution == line.contribution
                && *owner == line.owner
                && *datanet == line.datanet
                && served == model
        };
        let hash = hash(&line.contribution, &line.owner);
        self.places.find(hash, is).unwrap_or_else(|| {
            let place = self.data.len();
            let key = (line.contribution, line.owner, line.datanet.clone(), model.clone());
            self.data.push((key, Amount::ZERO));
            self.places.add(hash, place);
            place
        })
    }

    /// Moves what a contribution would get to the uplift pools of the models that served: it was revoked before the
    /// batch was settled.
    pub fn revoke(&mut self, datanet: &Name, contribution: ContributionId) {
        let data = std::mem::take(&mut self.data);
        let is_revoked = |((id, _, name, _), _): &(DataKey, Amount)| *id == contribution && name == datanet;
        let (revoked, kept): (Vec<_>, Vec<_>) = data.into_iter().partition(is_revoked);
        for ((_, _, _, model), amount) in revoked {
            raise(self.uplift.entry(model).or_default(), amount);
        }
        self.places = Places::with_capacity(kept.len());
        for (place, ((contribution, owner, _, _), _)) in kept.iter().enumerate() {
            self.places.add(hash(contribution, owner), place);
        }
        self.data = kept;
    }

    /// The batch, with its lines sorted and zero lines left out.
    pub fn finish(
        self,
        number: u64,
        first_receipt: u64,
        receipts_root: Hash,
        mut debits: Vec<Debit>,
    ) -> Batch {
        debits.sort_by_key(|debit| debit.channel);
        let some = |amount: &Amount| *amount > Amount::ZERO;
        let mut data: BTreeMap<(Name, ContributionId, AccountId), Amount> = BTreeMap::new();
        for ((contribution, owner, datanet, _), amount) in self.data {
            raise(data.entry((datanet, contribution, owner)).or_default(), amount);
        }
        let data = data.into_iter().map(|((datanet, contribution, owner), amount)| DataLine {
            datanet,
            contribution,
            owner,
            amount,
        });
        let class = |((class, round, provider), (receipts, reference, premium))| ClassLine {
            class,
            round,
            provider,
            receipts,
            reference,
            premium,
        };
        Batch {
            number,
            first_receipt,
            receipts: self.receipts,
            receipts_root,
            reference_total: self.reference,
            premium_total: self.premium,
            router_fee_total: self.router_fee,
            debits,
            providers: self
                .providers
                .into_iter()
                .map(|(provider, amount)| ProviderLine { provider, amount })
                .filter(|line| some(&line.amount))
                .collect(),
            builders: self
                .builders
                .into_iter()
                .map(|((model, account), amount)| BuilderLine { model, account, amount })
                .collect(),
            data: data.collect(),
            uplift: self
                .uplift
                .into_iter()
                .map(|(model, amount)| UpliftLine { model, amount })
                .filter(|line| some(&line.amount))
                .collect(),
            carries: self
                .carries
                .into_iter()
                .map(|(model, (before, after))| CarryLine { model, before, after })
                .filter(|line| some(&line.before) || some(&line.after))
                .collect(),
            verification: self.verification,
            maintenance: self.maintenance,
            insurance: self.insurance,
            capacity: self.capacity,
            burn: self.burn,
            classes: self.classes.into_iter().map(class).collect(),
        }
    }
}

/// Ids are hashes themselves, so their beginnings are enough; what else differs is compared.
fn hash(contribution: &ContributionId, owner: &AccountId) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = contribution.0;
    let [i, j, k, l, m, n, o, p, ..] = owner.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ u64::from_le_bytes([i, j, k, l, m, n, o, p])
}

fn raise(sum: &mut Amount, amount: Amount) {
    *sum = sum.plus(amount).expect("exact lines sum to at most the total, which was checked");
}
