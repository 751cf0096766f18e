//! What the engine thread tells everybody else: the tip, and whether the chain still runs. Plus the public shapes of
//! finalized data. Absent: the way it gets there.

use std::sync::Arc;

use bytes::Bytes;
use commonware_cryptography::Digestible as _;
use tokio::sync::watch;

use crate::block::{Block, Executed};
use crate::error::ChainError;
use crate::identity::Digest;

/// The newest finalized block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Its height; 0 before the first block.
    pub height: u64,
    /// Its digest.
    pub digest: Digest,
    /// The root of the state after it (the genesis hash at height 0).
    pub state_root: Digest,
    /// Its time in milliseconds since 1970.
    pub timestamp_ms: u64,
}

impl Tip {
    pub(crate) fn of(block: &Block) -> Self {
        Self {
            height: block.header.height.get(),
            digest: block.digest().into(),
            state_root: block.header.state_root.into(),
            timestamp_ms: block.header.timestamp_ms,
        }
    }
}

/// Result and output of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionOutcome {
    /// Accepted, or the number of the rejection.
    pub result: Result<(), u16>,
    /// The canonical bytes that the rules gave.
    pub output: Bytes,
}

impl From<&Executed> for TransactionOutcome {
    fn from(executed: &Executed) -> Self {
        Self { result: executed.result, output: executed.output.clone() }
    }
}

/// A finalized transaction: it is on disk and will never be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finalized {
    /// The transaction's hash.
    pub hash: Digest,
    /// Height of its block.
    pub height: u64,
    /// Its place in the block, from 0.
    pub index: u32,
    /// Accepted, or the number of the rejection.
    pub result: Result<(), u16>,
    /// The canonical bytes that the rules gave.
    pub output: Bytes,
}

impl Finalized {
    pub(crate) fn at(block: &Block, index: usize) -> Option<Self> {
        let transaction = block.transactions.get(index)?;
        let executed = block.executed.get(index)?;
        Some(Self {
            hash: transaction.hash.into(),
            height: block.header.height.get(),
            index: u32::try_from(index).ok()?,
            result: executed.result,
            output: executed.output.clone(),
        })
    }
}

/// A finalized block as readers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalizedBlock {
    /// Height, from 1 (0 is the empty genesis block).
    pub height: u64,
    /// The block's digest.
    pub digest: Digest,
    /// The parent's digest.
    pub parent: Digest,
    /// Milliseconds since 1970.
    pub timestamp_ms: u64,
    /// Root of the state after the block.
    pub state_root: Digest,
    /// The block's own first step.
    pub begin: TransactionOutcome,
    /// The transactions, in order.
    pub transactions: Vec<Bytes>,
    /// One for each transaction.
    pub outcomes: Vec<TransactionOutcome>,
}

impl From<&Block> for FinalizedBlock {
    fn from(block: &Block) -> Self {
        let tip = Tip::of(block);
        Self {
            height: tip.height,
            digest: tip.digest,
            parent: block.header.parent.into(),
            timestamp_ms: tip.timestamp_ms,
            state_root: tip.state_root,
            begin: (&block.begin).into(),
            transactions: block.transactions.iter().map(|transaction| transaction.bytes.clone()).collect(),
            outcomes: block.executed.iter().map(Into::into).collect(),
        }
    }
}

/// The newest applied block, for the engine's own use.
pub(crate) type TipBlock = Arc<Block>;

/// Whether the chain runs; set once.
#[derive(Clone)]
pub(crate) struct Stopped(watch::Sender<Option<ChainError>>);

impl Stopped {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(crate) fn set(&self, error: ChainError) {
        self.0.send_if_modified(|state| {
            let first = state.is_none();
            if first {
                *state = Some(error);
            }
            first
        });
    }

    pub(crate) fn get(&self) -> Option<ChainError> {
        self.0.borrow().clone()
    }

    /// Why the chain does not answer, when a channel to it is closed.
    pub(crate) fn reason(&self) -> ChainError {
        self.get().unwrap_or(ChainError::ShutDown)
    }

    pub(crate) async fn wait(&self) -> ChainError {
        let mut receiver = self.0.subscribe();
        match receiver.wait_for(Option::is_some).await {
            Ok(state) => state.clone().unwrap_or(ChainError::ShutDown),
            Err(_) => ChainError::ShutDown,
        }
    }
}
