//! What a process chooses for its read models: labels of the network, the parameters it shows, and limits.
//! Absent: anything that changes what the models say about the same facts, other than how far back they reach.

use openledger_types::{AccountId, Amount, Parameters};

/// Entries on one page of a list, at most.
pub const PAGE_ENTRIES_MAX: usize = 100;
/// Hits of one search, at most.
pub const SEARCH_HITS_MAX: usize = 20;
/// Bytes of a search text that are read.
pub const SEARCH_TEXT_BYTES_MAX: usize = 128;
/// Entries that one search looks at in lists without an order.
pub const SEARCH_SCAN_MAX: usize = 100_000;
/// Receipts listed behind one line of a statement; a line counts all of them.
pub const RECEIPTS_PER_LINE_MAX: usize = 32;
/// Bytes of an account's display name.
pub const ACCOUNT_NAME_BYTES_MAX: usize = 128;
/// Bytes of an account's note.
pub const ACCOUNT_NOTE_BYTES_MAX: usize = 512;

/// How the models are labelled and bounded.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the network, for people.
    pub network: String,
    /// Its parameters: chain id, epochs, escrow.
    pub parameters: Parameters,
    /// What accounts held before the first block.
    pub genesis: Vec<GenesisBalance>,
    /// Bounds of memory.
    pub limits: Limits,
}

/// What an account held before the first block.
#[derive(Debug, Clone)]
pub struct GenesisBalance {
    /// Who.
    pub account: AccountId,
    /// Credits.
    pub credits: Amount,
    /// OPEN.
    pub open: Amount,
}

impl Settings {
    /// Settings with the default limits, for a network whose genesis gives no balances.
    pub fn new(network: impl Into<String>, parameters: Parameters) -> Self {
        Self { network: network.into(), parameters, genesis: Vec::new(), limits: Limits::default() }
    }
}

/// How much is remembered. Balances, datanets, models, providers, gateways and channels are all kept: they are the
/// ledger's state and grow with it. What follows grows with time and is kept newest first.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Blocks (about 200 bytes each).
    pub blocks_max: usize,
    /// Transactions (about 500 bytes each).
    pub transactions_max: usize,
    /// Events kept with their transactions (about 300 bytes each).
    pub events_max: usize,
    /// Lines of all statements together (about 250 bytes each).
    pub lines_max: usize,
    /// Settled batches, without their lines (about 1 KiB each).
    pub batches_max: usize,
    /// Receipts (about 2 KiB each).
    pub receipts_max: usize,
    /// Contributions with owners and label (about 400 bytes each); later ones are counted, not listed.
    pub contributions_max: usize,
    /// Account names.
    pub names_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            blocks_max: 200_000,
            transactions_max: 100_000,
            events_max: 200_000,
            lines_max: 500_000,
            batches_max: 50_000,
            receipts_max: 50_000,
            contributions_max: 500_000,
            names_max: 100_000,
        }
    }
}
