//! The words of reputation: domains, evidence, what is remembered about counterparties, and the parameters.
//! Absent: the formulas; they are in `ledger`, folder `reputation`.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Amount, BasisPoints, Name};

/// What somebody is good or bad at. Evidence about one says nothing about the others.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// Computing answers.
    Serving,
    /// Auditing the work of others.
    Auditing,
    /// Contributing to a datanet.
    Data(Name),
    /// Labelling for a datanet.
    Labelling(Name),
    /// Evaluating contributions.
    Evaluating,
    /// Building models and adapters.
    Building,
    /// Working as an agent.
    Agent,
    /// Routing requests: attribution, receipts, batches.
    Routing,
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serving => f.write_str("serving"),
            Self::Auditing => f.write_str("auditing"),
            Self::Data(datanet) => write!(f, "data of {datanet}"),
            Self::Labelling(datanet) => write!(f, "labelling of {datanet}"),
            Self::Evaluating => f.write_str("evaluating"),
            Self::Building => f.write_str("building"),
            Self::Agent => f.write_str("agent"),
            Self::Routing => f.write_str("routing"),
        }
    }
}

/// Evidence about a subject in a domain: a Beta distribution, as it was when it was last touched. One unit is 2^32.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// One, and the good evidence.
    pub alpha: u64,
    /// Four, and five times the bad evidence.
    pub beta: u64,
    /// Good evidence with its own half-life: what votes in the contributor house are counted by.
    pub units: u64,
    /// Epoch in which it was last touched.
    pub epoch: u64,
    /// Reputation (in 1/2^32) at the end of the epoch before: it rises from there by a limited step.
    pub base: u32,
    /// Epoch of the last proven fraud. Nothing else counts in that epoch.
    pub fraud_epoch: Option<u64>,
}

/// What one cluster of counterparties has given as evidence about one cluster of subjects. Units are 2^32.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CounterpartyRecord {
    /// Epoch in which it was last touched.
    pub epoch: u64,
    /// Evidence that was counted before that epoch, decayed to it.
    pub counted: u64,
    /// Evidence before that epoch, decayed and before any discount: the spending that was seen.
    pub seen: u64,
    /// Good evidence of that epoch, before the discount for repetition.
    pub good: u64,
    /// Bad evidence that was counted in that epoch.
    pub bad: u64,
    /// Evidence of that epoch before any discount.
    pub seen_now: u64,
}

/// What one cluster of counterparties has given as evidence about everybody in a domain. Units are 2^32.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct RequesterRecord {
    /// Epoch in which it was last touched.
    pub epoch: u64,
    /// Evidence before that epoch, decayed to it.
    pub seen: u64,
    /// Evidence of that epoch.
    pub seen_now: u64,
}

/// A proven fraud by an account of a cluster: it weighs on every linked account and in every domain.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct FraudRecord {
    /// Epoch of the last one.
    pub epoch: u64,
    /// The last epoch before that one with another: what weighs on the epochs in between, so that the order of what is
    /// said in an epoch does not matter.
    pub before: Option<u64>,
}

impl FraudRecord {
    /// What marks by both frauds: the last epoch, and the last before it.
    pub fn and(&self, other: &Self) -> Self {
        let epoch = self.epoch.max(other.epoch);
        let earlier = [Some(self.epoch), self.before, Some(other.epoch), other.before];
        let before = earlier.into_iter().flatten().filter(|one| *one < epoch).max();
        Self { epoch, before }
    }

    /// The epoch of the fraud that weighs in `epoch`.
    pub fn weighing_in(&self, epoch: u64) -> Option<u64> {
        [Some(self.epoch), self.before].into_iter().flatten().find(|one| *one <= epoch)
    }
}

/// What happened to somebody's reputation.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the record's documented fields")]
pub enum ReputationEvent {
    /// Evidence was counted. `good` and `bad` are what it weighed (in 1/2^32), `evidence` is what is known now, and
    /// `reputation` what follows from it (in 1/2^32).
    EvidenceRecorded {
        subject: AccountId,
        domain: Domain,
        counterparty: Option<AccountId>,
        good: u64,
        bad: u64,
        evidence: EvidenceRecord,
        reputation: u32,
    },
    /// A fraud was proven; the cluster is marked.
    FraudMarked { subject: AccountId, domain: Domain, cluster: AccountId, evidence: EvidenceRecord },
}

/// How evidence becomes reputation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ReputationParameters {
    /// Epochs until good evidence has lost half its weight.
    pub good_half_life_epochs: u64,
    /// Epochs until bad evidence has lost half its weight.
    pub bad_half_life_epochs: u64,
    /// Epochs until verified evidence has lost half its weight in the contributor house.
    pub units_half_life_epochs: u64,
    /// Epochs until half of what a counterparty has given is forgotten.
    pub counterparty_half_life_epochs: u64,
    /// The most by which a reputation rises in one epoch.
    pub rise_max: BasisPoints,
    /// The most evidence that is remembered, in units, the prior included.
    pub evidence_max: u64,
    /// How many units of good evidence one unit of bad evidence outweighs.
    pub bad_weight: u64,
    /// The fee from which on a job gives a whole unit of evidence.
    pub fee_full: Amount,
    /// Units of one counterparty after which the next counts half.
    pub counterparty_units: u64,
    /// The least that remains of evidence by a counterparty who spends everything with the subject.
    pub share_floor: BasisPoints,
}

impl ReputationParameters {
    /// The starting values.
    pub fn starting() -> Self {
        Self {
            good_half_life_epochs: 60,
            bad_half_life_epochs: 180,
            units_half_life_epochs: 90,
            counterparty_half_life_epochs: 60,
            rise_max: BasisPoints(500),
            evidence_max: 205,
            bad_weight: 5,
            fee_full: Amount(100_000),
            counterparty_units: 10,
            share_floor: BasisPoints(2_500),
        }
    }
}
