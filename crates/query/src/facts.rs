//! Facts: what the models are built from. The caller translates finalized blocks and its own receipts into these.
//! Absent: bytes, proofs and signatures; whoever hands a fact over has checked it.

use openledger_types::record::{Pool, Role};
use openledger_types::{AccountId, Action, Amount, ContributionId, Event, Hash, Name, Rejection};

/// A finalized block.
#[derive(Debug, Clone)]
pub struct BlockFacts {
    /// Height, from 1 without gaps.
    pub height: u64,
    /// Digest of the block.
    pub digest: Hash,
    /// Digest of the block before it.
    pub parent: Hash,
    /// Block time in milliseconds since 1970.
    pub timestamp_ms: u64,
    /// Root of the state after the block.
    pub state_root: Hash,
    /// What happened before the first transaction (turn of an epoch); usually nothing.
    pub begin_events: Vec<Event>,
    /// The transactions in order, refused ones included.
    pub transactions: Vec<TransactionFacts>,
}

/// A transaction of a finalized block with what became of it.
#[derive(Debug, Clone)]
pub struct TransactionFacts {
    /// The hash that the sender was told.
    pub hash: Hash,
    /// Who sent it; nobody when the bytes were no transaction.
    pub sender: Option<AccountId>,
    /// The sender's nonce.
    pub nonce: u64,
    /// Name of the action, as wallets show it.
    pub name: String,
    /// What it does, in plain words.
    pub summary: String,
    /// Why the ledger refused it, if it did.
    pub result: Result<(), Rejection>,
    /// What happened, in order; ignored when the transaction was refused.
    pub events: Vec<Event>,
}

impl TransactionFacts {
    /// The facts of a transaction whose action is at hand.
    pub fn of(
        hash: Hash,
        sender: AccountId,
        nonce: u64,
        action: &Action,
        result: Result<(), Rejection>,
        events: Vec<Event>,
    ) -> Self {
        Self {
            hash,
            sender: Some(sender),
            nonce,
            name: action.name().to_owned(),
            summary: action.summary(),
            result,
            events,
        }
    }
}

/// What a receipt says about who made an answer possible and who is paid for it. Texts and salts stay out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptFacts {
    /// Id of the receipt, as its URL shows it.
    pub id: String,
    /// Gateway that issued it.
    pub gateway: AccountId,
    /// Its number at that gateway.
    pub sequence: u64,
    /// When it was issued, in milliseconds since 1970.
    pub issued_at_ms: u64,
    /// Model that answered.
    pub model: Name,
    /// Provider that computed the answer.
    pub provider: AccountId,
    /// Who pays.
    pub consumer: AccountId,
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
    /// Everything the consumer pays.
    pub total: Amount,
    /// Attributed mass, one entry per cluster.
    pub shares: Vec<ShareFacts>,
    /// Mass that nobody explains.
    pub unattributed: u64,
    /// All mass: the shares and the unattributed part.
    pub mass: u64,
    /// Accounts paid.
    pub payouts: Vec<PayoutFacts>,
    /// Pools paid.
    pub pools: Vec<PoolFacts>,
    /// Burned.
    pub burned: Amount,
    /// Change of the data pool's rounding carry, in uC: what the payouts leave, or take from earlier receipts.
    pub carry_change: i64,
    /// Passages that were put into the context.
    pub retrieved: Vec<RetrievedFacts>,
}

/// The attributed mass of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareFacts {
    /// Where it lives.
    pub datanet: Name,
    /// The cluster's earliest contribution.
    pub contribution: ContributionId,
    /// Its mass.
    pub mass: u64,
}

/// What one account gets for one receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutFacts {
    /// For what.
    pub role: Role,
    /// Who.
    pub account: AccountId,
    /// The contribution for data, the model for builders, empty otherwise; the same text as in the ledger's event.
    pub source: String,
    /// How much, before part of it is held in escrow.
    pub amount: Amount,
}

/// What one pool gets for one receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolFacts {
    /// Which pool.
    pub pool: Pool,
    /// How much.
    pub amount: Amount,
}

/// A passage that was put into the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrievedFacts {
    /// Where it lives.
    pub datanet: Name,
    /// Of which contribution.
    pub contribution: ContributionId,
}
