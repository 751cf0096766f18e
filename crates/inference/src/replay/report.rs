//! What a replay says.
//!
//! Rule: a difference is a fact that anyone can find again; an error says that nothing was found out.
//! Absent: what follows from it.

use openledger_model::{ForwardError, NUMERIC_SPECIFICATION, RunnerError};

use crate::adapters::RegisterError;
use crate::evidence::{Hash, OPENING_BYTES_MAX, ScopeError};

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The windows that were looked at; none where the claim is wrong by itself.
    pub windows: Vec<u32>,
    /// Positions that were computed, all layers or one.
    pub positions: u32,
    /// Tokens of the answer that were chosen again.
    pub tokens: u32,
    /// What is not as claimed; of one window the first layer alone.
    pub differences: Vec<Difference>,
}

impl Report {
    /// Whether all that was looked at is as claimed.
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Something that is not as the evidence claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// Another prompt or salt.
    #[error("the prompt (or the salt) is not the one of the evidence")]
    Prompt,
    /// Another answer.
    #[error("the answer is not the one of the evidence")]
    Output,
    /// The commitment does not belong to the other fields.
    #[error("the commitment does not belong to the rest of the evidence")]
    Commitment,
    /// Sampling parameters that no engine takes.
    #[error("the evidence claims sampling parameters that are out of range")]
    Sampling,
    /// Another grammar than the one at hand.
    #[error("the answer was made under another grammar than the one given, or under one where none is given")]
    Grammar,
    /// A token that the model does not have.
    #[error("token {token} is not one of the model's {vocabulary}")]
    UnknownToken {
        /// The token.
        token: u32,
        /// How many the model has.
        vocabulary: usize,
    },
    /// The answer goes on after a token that ends it.
    #[error("token {index} of the answer ends the text, and the answer goes on")]
    AfterEnd {
        /// Its index in the answer.
        index: usize,
    },
    /// The shape of what was computed does not follow from prompt, answer and model.
    #[error(
        "the evidence is of {positions} positions behind {layers} layers, which prompt, answer and model do not make"
    )]
    Shape {
        /// The claimed positions.
        positions: u32,
        /// The claimed layers.
        layers: u32,
    },
    /// A token is not the one that the model and the seed choose.
    #[error("token {index} of the answer is {claimed}, the model chooses {found} (window {window})")]
    Token {
        /// The window of the position that it was chosen at.
        window: u32,
        /// Its index in the answer.
        index: usize,
        /// The claimed token.
        claimed: u32,
        /// The recomputed token.
        found: u32,
    },
    /// The hidden states of all windows together differ.
    #[error("the hidden states differ: the model did not compute this")]
    States,
    /// The hidden states of a window differ.
    #[error("window {window} behind layer {layer}: the hidden states differ, the model did not compute this")]
    State {
        /// The window.
        window: u32,
        /// The first layer behind which they differ.
        layer: u32,
    },
    /// The opening does not lead to the commitment.
    #[error("window {window} behind layer {layer}: the provider's opening is not what it committed to")]
    Opening {
        /// The window.
        window: u32,
        /// The layer.
        layer: u32,
    },
    /// What is said to have entered a layer is not what was committed to.
    #[error("window {window}: what is said to have entered layer {layer} is not what was committed to")]
    Inputs {
        /// The window.
        window: u32,
        /// The layer that it is said to have entered.
        layer: u32,
    },
}

impl Difference {
    /// The window that it is in, where it is in one.
    pub fn window(&self) -> Option<u32> {
        match self {
            Difference::Token { window, .. }
            | Difference::State { window, .. }
            | Difference::Opening { window, .. }
            | Difference::Inputs { window, .. } => Some(*window),
            _ => None,
        }
    }
}

fn adapter_name(adapter: &Option<Hash>) -> String {
    adapter.map_or_else(|| "no adapter".to_owned(), |adapter| format!("the adapter {adapter}"))
}

/// Why a replay could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The threads could not start.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The adapter of the answer cannot be read.
    #[error(transparent)]
    Adapter(#[from] RegisterError),
    /// The tokens cannot be computed.
    #[error("the tokens cannot be computed again: {0}")]
    Forward(#[from] ForwardError),
    /// The cache cannot hold prompt and answer together.
    #[error("prompt and answer have {tokens} tokens, the cache holds {limit}; ask with less text")]
    CacheTooSmall {
        /// Positions needed.
        tokens: usize,
        /// Positions of the cache.
        limit: usize,
    },
    /// There is no prompt or no answer.
    #[error("a replay needs at least one token of prompt and of answer")]
    Empty,
    /// The part is none of this answer.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// A part is asked for, and nothing is opened.
    #[error("a part of an answer needs its provider's opening; replay all of it, or ask for the opening")]
    OpeningMissing,
    /// An opening that is more than is sent at once.
    #[error(
        "the opening has {bytes} bytes, at most {OPENING_BYTES_MAX} are sent; ask for earlier windows, or for whole ones"
    )]
    OpeningTooLarge {
        /// Bytes of what enters the layer.
        bytes: usize,
    },
    /// The engine's arithmetic cannot be repeated.
    #[error("the engine is not exact: what it computed cannot be computed again")]
    NotExact,
    /// The evidence is of another version of the arithmetic.
    #[error(
        "the evidence is of numeric specification {claimed}, this build computes {NUMERIC_SPECIFICATION}; replay it with a build that computes {claimed}"
    )]
    OtherSpecification {
        /// The version of the evidence.
        claimed: u32,
    },
    /// The evidence is of another model file.
    #[error("the evidence is of the model file {claimed}, this is {found}; replay it with that file")]
    OtherModel {
        /// The file of the evidence.
        claimed: Hash,
        /// The file at hand.
        found: Hash,
    },
    /// The evidence is of another adapter.
    #[error(
        "the evidence is of {}, this is {}; replay it with that",
        adapter_name(claimed),
        adapter_name(found)
    )]
    OtherAdapter {
        /// The adapter of the evidence.
        claimed: Option<Hash>,
        /// The adapter at hand.
        found: Option<Hash>,
    },
    /// What is to be opened is not what was computed here.
    #[error("this answer cannot be opened: {0}")]
    NotOpened(Difference),
}
