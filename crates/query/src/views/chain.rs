//! Blocks and transactions.

use openledger_types::{Event, Hash, Rejection};
use serde::Serialize;

use super::{AccountRef, Page};

/// A block in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlockSummary {
    /// Height.
    pub height: u64,
    /// Digest.
    pub digest: Hash,
    /// Time.
    pub timestamp_ms: u64,
    /// How many transactions.
    pub transactions: u64,
    /// How many events.
    pub events: u64,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlockView {
    /// Height.
    pub height: u64,
    /// Digest.
    pub digest: Hash,
    /// Digest of the block before it.
    pub parent: Hash,
    /// Time.
    pub timestamp_ms: u64,
    /// Root of the state after it.
    pub state_root: Hash,
    /// How many events.
    pub events: u64,
    /// Whether there is a block after it that this node knows.
    pub has_next: bool,
    /// Its transactions, as far as they are kept.
    pub transactions: Page<TransactionSummary>,
}

/// A transaction in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransactionSummary {
    /// Hash.
    pub hash: Hash,
    /// Height.
    pub height: u64,
    /// Place in the block, from 0.
    pub index: u32,
    /// Time of the block.
    pub timestamp_ms: u64,
    /// Who sent it; nobody when it was no transaction.
    pub sender: Option<AccountRef>,
    /// The sender's nonce.
    pub nonce: u64,
    /// Name of the action.
    pub action: String,
    /// What it does, in plain words.
    pub summary: String,
    /// Why it was refused, if it was.
    pub rejection: Option<RejectionView>,
    /// How many events it had.
    pub events: u64,
}

/// A transaction with its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransactionView {
    /// The transaction.
    #[serde(flatten)]
    pub summary: TransactionSummary,
    /// Its events, at most a page of them; none when they are no longer kept.
    pub event_list: Option<Vec<Event>>,
}

/// Why a transaction was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectionView {
    /// The stable number.
    pub number: u16,
    /// What is wrong and what to do.
    pub text: String,
}

impl RejectionView {
    pub(crate) fn of(rejection: Rejection) -> Self {
        Self { number: rejection.number(), text: rejection.text().to_owned() }
    }
}
