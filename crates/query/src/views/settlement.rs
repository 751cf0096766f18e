//! Receipts and batches.

use openledger_types::record::{Pool, Role};
use openledger_types::{AccountId, Amount, ChannelId, ContributionId, Hash, Name};
use serde::Serialize;

use super::{AccountRef, Page, Paid};

/// What a payment was earned by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceView {
    /// A contribution.
    Contribution {
        /// Where it lives, if the ledger knows it.
        datanet: Option<Name>,
        /// Which.
        id: ContributionId,
        /// Where readers find it.
        label: Option<String>,
    },
    /// A model.
    Model {
        /// Which.
        name: Name,
    },
}

/// A receipt in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptSummary {
    /// Its id.
    pub id: String,
    /// The gateway that issued it.
    pub gateway: AccountRef,
    /// Its number there.
    pub sequence: u64,
    /// When it was issued.
    pub issued_at_ms: u64,
    /// Model that answered.
    pub model: Name,
    /// Everything the consumer pays.
    pub total: Amount,
    /// Part of the answer that is attributed, in basis points of its mass.
    pub attributed_basis_points: u64,
    /// Datanets that the answer used.
    pub datanets: Vec<Name>,
    /// Owners of data who are paid for it.
    pub contributors: u64,
    /// The three best paid owners of data.
    pub top_contributors: Vec<AccountRef>,
    /// The batch that settled it.
    pub settled: Option<SettledView>,
}

/// How a receipt was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SettledView {
    /// Number of the batch at the receipt's gateway.
    pub batch: u64,
    /// Height of the block.
    pub height: u64,
    /// Time of that block.
    pub timestamp_ms: u64,
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptView {
    /// The receipt as in a list.
    #[serde(flatten)]
    pub summary: ReceiptSummary,
    /// Provider that computed the answer.
    pub provider: AccountRef,
    /// Who pays.
    pub consumer: AccountRef,
    /// Tokens read.
    pub prompt_tokens: u32,
    /// Tokens written.
    pub completion_tokens: u32,
    /// Reference price.
    pub reference: Amount,
    /// Congestion premium.
    pub premium: Amount,
    /// Router fee.
    pub router_fee: Amount,
    /// Attributed mass, largest first.
    pub shares: Vec<ShareView>,
    /// Mass that nobody explains.
    pub unattributed: u64,
    /// All mass.
    pub mass: u64,
    /// Accounts paid.
    pub payouts: Vec<PayoutView>,
    /// Pools paid.
    pub pools: Vec<ReceiptPoolView>,
    /// Burned.
    pub burned: Amount,
    /// Change of the data pool's rounding carry, in uC.
    pub carry_change: i64,
    /// Whether payouts, pools, carry and burn sum to the total.
    pub adds_up: bool,
    /// Passages that were put into the context.
    pub retrieved: Vec<SourceView>,
}

/// A cluster's part of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShareView {
    /// Where it lives.
    pub datanet: Name,
    /// The cluster's earliest contribution.
    pub contribution: ContributionId,
    /// Where readers find it.
    pub label: Option<String>,
    /// Its owners.
    pub owners: Vec<AccountRef>,
    /// Its mass.
    pub mass: u64,
    /// Its part of all mass, in basis points.
    pub basis_points: u64,
}

/// What one account gets for a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PayoutView {
    /// For what.
    pub role: Role,
    /// Who.
    pub account: AccountRef,
    /// What it was earned by.
    pub source: Option<SourceView>,
    /// How much, before escrow.
    pub amount: Amount,
    /// By when it can be spent, once settled. The ledger divides the netted line of a batch; a line of several
    /// receipts is divided among them in proportion, floored towards escrow.
    pub paid: Option<Paid>,
}

/// What one pool gets for a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptPoolView {
    /// Which.
    pub pool: Pool,
    /// How much.
    pub amount: Amount,
}

/// A batch in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchSummary {
    /// Whose.
    pub gateway: AccountRef,
    /// Its number there.
    pub number: u64,
    /// Height of the block.
    pub height: u64,
    /// Time of that block.
    pub timestamp_ms: u64,
    /// How many receipts.
    pub receipts: u32,
    /// Everything it charged.
    pub charged: Amount,
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchView {
    /// The batch as in a list.
    #[serde(flatten)]
    pub summary: BatchSummary,
    /// Merkle root over its receipts.
    pub receipts_root: Hash,
    /// Number of its first receipt.
    pub first_receipt: u64,
    /// Who paid.
    pub debits: Vec<DebitView>,
    /// Who was paid, largest first.
    pub payouts: Vec<BatchPayoutView>,
    /// Payouts and debits that this node no longer keeps one by one.
    pub lines_dropped: u64,
    /// Pools paid.
    pub pools: Vec<ReceiptPoolView>,
    /// Carries changed.
    pub carries: Vec<CarryView>,
    /// Burned.
    pub burned: Amount,
    /// Whether debits, charge, and everything given are equal.
    pub adds_up: bool,
    /// Its receipts, as far as this node knows them.
    pub receipt_list: Page<ReceiptSummary>,
}

/// What one consumer paid in a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DebitView {
    /// From which channel.
    pub channel: Option<ChannelId>,
    /// Who.
    pub consumer: AccountRef,
    /// How much.
    pub amount: Amount,
}

/// What one account was paid by a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchPayoutView {
    /// For what.
    pub role: Option<Role>,
    /// Who.
    pub account: AccountRef,
    /// What it was earned by.
    pub source: Option<SourceView>,
    /// How much, and when it can be spent.
    pub paid: Paid,
    /// The epoch of the escrow.
    pub epoch: Option<u64>,
}

/// A carry before and after a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CarryView {
    /// Of which model's data pool.
    pub model: Name,
    /// Whose.
    pub gateway: AccountId,
    /// Before.
    pub before: Amount,
    /// After.
    pub after: Amount,
}
