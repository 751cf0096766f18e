//! The words of maturity: hidden evaluations of contributions, what follows from them, and how uplift is paid.
//! Absent: the rules; they are in `ledger`, folder `maturity`.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::record::Pool;
use crate::{AccountId, Amount, BasisPoints, ContributionId, Hash, Name};

/// A contribution as a model sees it: what an evaluation measures.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct Measured {
    /// The model whose answers get better or worse.
    pub model: Name,
    /// Where the contribution is.
    pub datanet: Name,
    /// Which.
    pub contribution: ContributionId,
}

/// What can be asked for around maturity.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MaturityAction {
    /// Become an evaluator. The bond was raised before.
    RegisterEvaluator,
    /// Cease to be an evaluator.
    RetireEvaluator,
    /// Open a round of evaluations, and pay its fees in advance; who evaluates is drawn after that.
    OpenRound {
        /// What is measured.
        measured: Measured,
    },
    /// Commit to a measured uplift. Sender: an evaluator that was drawn.
    CommitUplift {
        /// What was measured.
        measured: Measured,
        /// Epoch of the beacon that drew: the first after the round was opened.
        beacon: u64,
        /// Hash of the uplift, see [`uplift_commitment`].
        commitment: Hash,
    },
    /// Reveal what was committed to.
    RevealUplift {
        /// What was measured.
        measured: Measured,
        /// The uplift without and with the contribution's cluster on the hidden holdout, in 1/2^16, from -1 to 1.
        uplift: i32,
        /// What hid it.
        salt: Hash,
    },
    /// Declare a contribution mature: what it holds becomes tranches that begin now.
    Mature {
        /// By whose evaluations.
        measured: Measured,
    },
    /// Take money out before maturity, secured by the sender's bond as contributor.
    DrawEarly {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
        /// How much.
        amount: Amount,
    },
    /// Move what a contribution holds for an owner and never matured for to the uplift pool of its datanet.
    SweepImmature {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
        /// For whom it was held.
        owner: AccountId,
    },
    /// Enter a mature contribution for its part of an uplift pool in this epoch.
    EnterUplift {
        /// Which pool: of the model, or of the datanet.
        pool: Pool,
        /// By whose evaluations.
        measured: Measured,
    },
    /// Pay an entry of an earlier epoch. The first payment of an epoch fixes what is shared.
    PayUplift {
        /// Which pool.
        pool: Pool,
        /// In which epoch it was entered.
        epoch: u64,
        /// What was entered.
        measured: Measured,
    },
}

impl MaturityAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RegisterEvaluator => "Register evaluator",
            Self::RetireEvaluator => "Retire evaluator",
            Self::OpenRound { .. } => "Open round",
            Self::CommitUplift { .. } => "Commit uplift",
            Self::RevealUplift { .. } => "Reveal uplift",
            Self::Mature { .. } => "Mature",
            Self::DrawEarly { .. } => "Draw early",
            Self::SweepImmature { .. } => "Sweep immature",
            Self::EnterUplift { .. } => "Enter uplift",
            Self::PayUplift { .. } => "Pay uplift",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        let shown = |measured: &Measured| {
            let Measured { model, datanet, contribution } = measured;
            format!("{contribution} of {datanet} for {model}")
        };
        match self {
            Self::RegisterEvaluator => "Become an evaluator with the bond that was raised".into(),
            Self::RetireEvaluator => "Cease to be an evaluator".into(),
            Self::OpenRound { measured } => format!("Open a round of evaluations of {}", shown(measured)),
            Self::CommitUplift { measured, .. } => format!("Commit to the uplift of {}", shown(measured)),
            Self::RevealUplift { measured, uplift, .. } => {
                format!("Reveal the uplift of {}: {uplift}/65536", shown(measured))
            }
            Self::Mature { measured } => format!("Declare {} mature", shown(measured)),
            Self::DrawEarly { datanet, contribution, amount } => {
                format!("Draw {amount} C of {contribution} of {datanet} early, secured by the bond")
            }
            Self::SweepImmature { datanet, contribution, owner } => {
                format!("Move what {contribution} of {datanet} holds for {owner} to the uplift pool")
            }
            Self::EnterUplift { measured, .. } => format!("Enter {} for its uplift", shown(measured)),
            Self::PayUplift { epoch, measured, .. } => {
                format!("Pay the uplift of {} of epoch {epoch}", shown(measured))
            }
        }
    }
}

/// What an evaluator commits to.
pub fn uplift_commitment(
    evaluator: &AccountId,
    measured: &Measured,
    round: u32,
    uplift: i32,
    salt: &Hash,
) -> Hash {
    crate::sha256(&crate::codec::encode(&("openledger uplift", evaluator, measured, round, uplift, salt)))
}

/// An evaluator.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct EvaluatorRecord {
    /// Since which epoch; only rounds opened later can draw it.
    pub since_epoch: u64,
}

/// The evaluations of a contribution for a model.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// How many were revealed.
    pub count: u64,
    /// Sum of the uplifts, in 1/2^16.
    pub sum: i64,
    /// Sum of their squares, in 1/2^32.
    pub squares: u64,
    /// The last round, from 1.
    pub round: u32,
    /// Epoch in which it was opened.
    pub opened_in: u64,
    /// How many evaluators there were then: everybody's chance to be drawn follows from it.
    pub evaluators: u64,
    /// What the contribution's attribution counts, by its uplift: whole until the upper bound is below zero.
    pub quality: BasisPoints,
}

/// A commitment of an evaluator in a round.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct UpliftCommitment {
    /// In which round.
    pub round: u32,
    /// Epoch of the beacon that drew the evaluator.
    pub beacon: u64,
    /// The hash.
    pub commitment: Hash,
}

/// An uplift pool in one epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct UpliftRecord {
    /// Sum of the weights of all entries.
    pub weights: u64,
    /// Weights that are not paid yet.
    pub unpaid: u64,
    /// What is shared, once the first payment has fixed it.
    pub pot: Option<Amount>,
    /// What is left of it.
    pub left: Amount,
}

/// What happened around maturity.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's documented fields")]
pub enum MaturityEvent {
    /// Somebody became an evaluator.
    EvaluatorRegistered { evaluator: AccountId },
    /// Somebody ceased to be an evaluator.
    EvaluatorRetired { evaluator: AccountId },
    /// A round was opened.
    RoundOpened { measured: Measured, round: u32, epoch: u64 },
    /// An evaluator committed.
    UpliftCommitted { evaluator: AccountId, measured: Measured, round: u32 },
    /// An uplift was revealed and counted; `lower` and `upper` bound the mean (in 1/2^16), `fee` was paid.
    UpliftRevealed {
        evaluator: AccountId,
        measured: Measured,
        uplift: i32,
        count: u64,
        lower: i64,
        upper: i64,
        quality: BasisPoints,
        fee: Amount,
    },
    /// A contribution is mature: `amounts` began to unlock for its owners in this epoch.
    Matured { measured: Measured, epoch: u64, amounts: Vec<(AccountId, Amount)> },
    /// A contribution was entered for its uplift.
    UpliftEntered { pool: Pool, epoch: u64, measured: Measured, weight: u64 },
    /// An entry was paid.
    UpliftPaid { pool: Pool, epoch: u64, measured: Measured, amount: Amount },
    /// A contribution was found to do harm and is mature no more: what it earns from this epoch on is held.
    MaturityLost { measured: Measured, epoch: u64 },
}

/// The rules of maturity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct MaturityParameters {
    /// Evaluations before anything follows from them.
    pub evaluations_min: u64,
    /// Epochs after which a contribution that is not mature loses what it holds.
    pub wait_epochs_max: u64,
    /// Least bond of an evaluator, in OPEN.
    pub evaluator_bond_min: Amount,
    /// What one evaluation is paid.
    pub evaluation_fee: Amount,
    /// How many evaluators are drawn in a round, on average.
    pub evaluators_per_round: u64,
    /// Epochs to commit, and as many to reveal.
    pub window_epochs: u64,
    /// What a model's uplift pool must hold before rounds about it are opened: somebody uses it.
    pub uplift_pool_min: Amount,
    /// By how much quality falls per unit of negative uplift.
    pub quality_slope: u64,
}

impl MaturityParameters {
    /// The starting values.
    pub fn starting() -> Self {
        Self {
            evaluations_min: 30,
            wait_epochs_max: 180,
            evaluator_bond_min: Amount(100_000_000),
            evaluation_fee: Amount(10_000),
            evaluators_per_round: 4,
            window_epochs: 2,
            uplift_pool_min: Amount(10_000),
            quality_slope: 10,
        }
    }
}
