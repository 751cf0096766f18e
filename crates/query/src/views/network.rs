//! The network as a whole.

use openledger_types::record::Pool;
use openledger_types::{Amount, Hash};
use serde::Serialize;

use super::EarningsView;

/// The network at its latest finalized height.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Name of the network.
    pub network: String,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Whether this is a local network with a faucet.
    pub local: bool,
    /// Height; 0 before the first block.
    pub height: u64,
    /// Digest of the latest block.
    pub digest: Option<Hash>,
    /// Root of the state after it.
    pub state_root: Option<Hash>,
    /// Its time.
    pub timestamp_ms: u64,
    /// The epoch that it is in.
    pub epoch: u64,
    /// Everything that consumers were charged.
    pub charged: Amount,
    /// What roles were paid, all batches together.
    pub paid: Vec<EarningsView>,
    /// Supply and where it is.
    pub supply: SupplyView,
    /// How many of what.
    pub counts: Counts,
}

/// Where all money is. Credits: deposited − withdrawn − burned = held; OPEN: issued = held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SupplyView {
    /// Credits ever deposited.
    pub credits_deposited: Amount,
    /// Credits ever withdrawn.
    pub credits_withdrawn: Amount,
    /// Credits ever burned.
    pub credits_burned: Amount,
    /// Credits in balances.
    pub credits_in_balances: Amount,
    /// Credits in channels.
    pub credits_in_channels: Amount,
    /// Credits in escrow.
    pub credits_in_escrow: Amount,
    /// Credits in pools, carries included.
    pub credits_in_pools: Amount,
    /// Credits in records of steps: jobs, deposits, treasuries, auctions.
    pub credits_in_custody: Amount,
    /// The pools that hold something: the funds first, then those of models, at most a page of them.
    pub pools: Vec<PoolView>,
    /// OPEN ever issued.
    pub open_issued: Amount,
    /// OPEN in balances.
    pub open_in_balances: Amount,
    /// OPEN at stake.
    pub open_bonded: Amount,
    /// OPEN in pools: what slashes took.
    pub open_in_pools: Amount,
    /// OPEN in records of steps.
    pub open_in_custody: Amount,
    /// OPEN ever burned.
    pub open_burned: Amount,
    /// Whether both equations hold, recomputed from events alone.
    pub conserved: bool,
}

/// A pool and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolView {
    /// Which.
    pub pool: Pool,
    /// How much.
    pub amount: Amount,
}

/// How many of what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Accounts that ever held something.
    pub accounts: u64,
    /// Datanets.
    pub datanets: u64,
    /// Contributions committed.
    pub contributions: u64,
    /// Distinct authors of contributions.
    pub authors: u64,
    /// Models.
    pub models: u64,
    /// Providers.
    pub providers: u64,
    /// Gateways.
    pub gateways: u64,
    /// Channels, closed ones included.
    pub channels: u64,
    /// Receipts that this node knows.
    pub receipts: u64,
    /// Receipts settled on the ledger.
    pub receipts_settled: u64,
    /// Batches settled.
    pub batches: u64,
    /// Transactions, refused ones included.
    pub transactions: u64,
    /// Transactions refused.
    pub transactions_refused: u64,
}

/// What a hit of a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchKind {
    /// A block: `id` is its height.
    Block,
    /// A transaction: `id` is its hash.
    Transaction,
    /// A receipt: `id` is its id.
    Receipt,
    /// A datanet: `id` is its name.
    Datanet,
    /// A contribution: `id` is its id, `parent` its datanet.
    Contribution,
    /// A model: `id` is its name.
    Model,
    /// An account: `id` is its address.
    Account,
}

/// A hit of a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SearchHit {
    /// What it is.
    pub kind: SearchKind,
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Where it lives, for a contribution.
    pub parent: Option<String>,
}
