//! The words of invoice advances: a pool that pays locked tranches out early, at a discount.
//! Absent: the rules; they are in `ledger`, folder `advances`.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::record::Role;
use crate::{AccountId, Amount, BasisPoints};

/// What can be asked of the advance pool.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AdvanceAction {
    /// Put credits into the pool, for shares of it.
    FundAdvances {
        /// How much at most: what buys no whole share stays with the sender.
        amount: Amount,
    },
    /// Give shares back, for what they are worth, as far as the pool has it.
    RedeemShares {
        /// How many.
        shares: u64,
    },
    /// Sell what a tranche of the sender will unlock, at a discount by reputation.
    TakeAdvance {
        /// Role of the tranche.
        role: Role,
        /// Epoch in which it began.
        epoch: u64,
        /// How much of the tranche is sold.
        amount: Amount,
    },
    /// Collect what has unlocked of sold tranches for the pool. Anybody may.
    CollectAdvances {
        /// Whose tranches.
        account: AccountId,
        /// Their role.
        role: Role,
        /// Epochs in which they began, at most `TRANCHES_PER_CLAIM_MAX`.
        epochs: Vec<u64>,
    },
}

impl AdvanceAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FundAdvances { .. } => "Fund advances",
            Self::RedeemShares { .. } => "Redeem shares",
            Self::TakeAdvance { .. } => "Take advance",
            Self::CollectAdvances { .. } => "Collect advances",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::FundAdvances { amount } => format!("Put at most {amount} C into the advance pool"),
            Self::RedeemShares { shares } => format!("Give {shares} shares of the advance pool back"),
            Self::TakeAdvance { role, epoch, amount } => {
                format!("Sell {amount} C of the tranche of epoch {epoch} as {} at a discount", role.name())
            }
            Self::CollectAdvances { account, role, epochs } => {
                format!("Collect from {} tranches of {account} as {}", epochs.len(), role.name())
            }
        }
    }
}

/// The advance pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AdvancePoolRecord {
    /// Credits in hand.
    pub cash: Amount,
    /// What is owed by sold tranches.
    pub owed: Amount,
    /// What was paid for that, as far as it is not repaid: it counts for the shares, the gain does not before it is made.
    pub paid: Amount,
    /// Shares of everybody, in this generation.
    pub shares: u64,
    /// How many times the pool lost everything and began anew. Shares of an earlier generation are worth nothing.
    pub generation: u64,
}

/// What somebody has of the advance pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SharesRecord {
    /// Of which generation the shares are.
    pub generation: u64,
    /// How many.
    pub shares: u64,
}

/// What happened to the advance pool, beyond movements of money.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's documented fields")]
pub enum AdvanceEvent {
    /// Somebody holds that many shares now.
    SharesChanged { account: AccountId, shares: u64, pool: AdvancePoolRecord },
    /// A part of a tranche was sold for `paid`.
    AdvanceTaken { account: AccountId, role: Role, epoch: u64, amount: Amount, paid: Amount },
    /// What had unlocked of a sold tranche was repaid.
    AdvanceRepaid { account: AccountId, role: Role, epoch: u64, amount: Amount },
    /// A fault took what was owed: the pool bears it.
    AdvanceLost { amount: Amount },
}

/// The rules of advances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AdvanceParameters {
    /// Discount at reputation 0.
    pub discount_high: BasisPoints,
    /// Discount at reputation 1.
    pub discount_low: BasisPoints,
    /// The most of a tranche that can be sold.
    pub tranche_share_max: BasisPoints,
}

impl AdvanceParameters {
    /// The starting values.
    pub fn starting() -> Self {
        Self {
            discount_high: BasisPoints(3_000),
            discount_low: BasisPoints(200),
            tranche_share_max: BasisPoints(8_000),
        }
    }
}
