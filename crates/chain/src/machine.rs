//! The replicated rules, as the chain sees them: bytes in, bytes out, pure and synchronous.
//!
//! The state lives on disk and is read asynchronously, the rules are synchronous. So a rule that needs a key it was
//! not given answers [`Step::Load`] and is called again with that key: load on miss, and run again from the start.
//! Absent: any knowledge of the encoding of keys, values, transactions or outputs.

use std::collections::BTreeMap;

/// State that was read so far; `None` means that the key is absent from the state.
///
/// It may hold more keys than the present transaction asked for (it is shared by the whole block), so a machine looks
/// keys up in it and never iterates over it.
pub type Loaded = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Where in the chain a transaction is executed. Equal on every validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockContext {
    /// Height of the block, from 1.
    pub height: u64,
    /// The block's time in milliseconds since 1970; strictly greater than its parent's.
    pub timestamp_ms: u64,
    /// The network's number.
    pub chain_id: u64,
    /// Randomness of the block, known to nobody before the block before it was proposed.
    pub randomness: [u8; 32],
}

/// What a rule answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// These keys are needed first: load them and call again.
    Load(Vec<Vec<u8>>),
    /// Executed.
    Done(Outcome),
}

/// The result of one transaction. It is part of the block: every validator must compute the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Accepted, or the number of the rejection. A rejected transaction stays in its block.
    pub result: Result<(), u16>,
    /// Canonical bytes for readers: events, the rejection's details. At most [`crate::limits::OUTPUT_BYTES_MAX`].
    pub output: Vec<u8>,
    /// Changes of the state; `None` deletes. Applied also when the transaction is rejected (a nonce, a fee).
    pub changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Outcome {
    /// Accepted, with nothing to say and nothing changed.
    pub fn accepted() -> Self {
        Self { result: Ok(()), output: Vec::new(), changes: BTreeMap::new() }
    }

    /// Rejected with `number`, nothing changed.
    pub fn rejected(number: u16) -> Self {
        Self { result: Err(number), output: Vec::new(), changes: BTreeMap::new() }
    }
}

/// The rules that validators agree on. Object safe: the chain keeps one as `Arc<dyn StateMachine>`.
///
/// Every method is a pure function of its arguments. A panic stops the validator.
pub trait StateMachine: Send + Sync + 'static {
    /// Checks a transaction for the mempool against the finalized state (context: the next block, by the local
    /// clock). Not replicated; `changes` are ignored. The default admits everything.
    fn check(&self, _transaction: &[u8], _context: &BlockContext, _loaded: &Loaded) -> Step {
        Step::Done(Outcome::accepted())
    }

    /// Runs first in each block (turn of an epoch, schedules that fall due). The default does nothing.
    fn begin_block(&self, _context: &BlockContext, _loaded: &Loaded) -> Step {
        Step::Done(Outcome::accepted())
    }

    /// Executes one transaction.
    fn execute(&self, transaction: &[u8], context: &BlockContext, loaded: &Loaded) -> Step;
}

/// Rejection numbers that belong to the chain. The transaction stays in its block with the number, an empty output
/// and no changes. Numbers below [`FIRST`](rejection::FIRST) belong to the state machine.
pub mod rejection {
    /// The first number that belongs to the chain.
    pub const FIRST: u16 = 65_280;
    /// The machine asked for keys more than [`crate::limits::LOAD_ROUNDS_MAX`] times.
    pub const LOAD_ROUNDS: u16 = 65_281;
    /// The machine asked only for keys that it already had.
    pub const LOAD_NOTHING: u16 = 65_282;
    /// The machine asked for more than [`crate::limits::LOADED_KEYS_MAX`] keys.
    pub const LOADED_KEYS: u16 = 65_283;
    /// A key is empty or longer than [`crate::limits::STATE_KEY_BYTES_MAX`].
    pub const KEY_SIZE: u16 = 65_284;
    /// A value is longer than [`crate::limits::STATE_VALUE_BYTES_MAX`].
    pub const VALUE_SIZE: u16 = 65_285;
    /// More than [`crate::limits::CHANGED_KEYS_MAX`] keys were changed.
    pub const CHANGED_KEYS: u16 = 65_286;
    /// The output is longer than [`crate::limits::OUTPUT_BYTES_MAX`].
    pub const OUTPUT_SIZE: u16 = 65_287;
    /// The machine used a number that belongs to the chain.
    pub const NUMBER: u16 = 65_288;

    /// The name of one of the chain's numbers, in plain words.
    pub fn describe(number: u16) -> Option<&'static str> {
        Some(match number {
            LOAD_ROUNDS => "the transaction needs too many rounds of loading",
            LOAD_NOTHING => "the rules asked again for keys they already had",
            LOADED_KEYS => "the transaction reads too many keys",
            KEY_SIZE => "a state key is empty or too long",
            VALUE_SIZE => "a state value is too long",
            CHANGED_KEYS => "the transaction changes too many keys",
            OUTPUT_SIZE => "the transaction's output is too long",
            NUMBER => "the rules used a rejection number of the chain",
            _ => return None,
        })
    }
}
