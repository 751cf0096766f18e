//! How likely tokens were, as engines tell it in a chat.
//!
//! Rule: it is the engine's word, and taken as told; a token has at most as many alternatives as are told of any.
//! Absent: the form of plain completions, for which none is asked for.

use openledger_inference::{Likelihood, TOP_LOGPROBS_MAX, TokenLogprob};
use serde::Deserialize;

/// The likelihoods of a chunk.
#[derive(Debug, Deserialize)]
pub(crate) struct Logprobs {
    pub(crate) content: Option<Vec<Token>>,
}

/// One token.
#[derive(Debug, Deserialize)]
pub(crate) struct Token {
    #[serde(flatten)]
    chosen: Alternative,
    #[serde(default)]
    top_logprobs: Vec<Alternative>,
}

#[derive(Debug, Deserialize)]
struct Alternative {
    token: String,
    logprob: f64,
    /// What the token stands for where it is part of a character.
    bytes: Option<Vec<u8>>,
}

impl From<Token> for TokenLogprob {
    fn from(told: Token) -> Self {
        let top = told.top_logprobs.into_iter().take(usize::from(TOP_LOGPROBS_MAX));
        Self { chosen: told.chosen.into(), top: top.map(Likelihood::from).collect() }
    }
}

impl From<Alternative> for Likelihood {
    fn from(told: Alternative) -> Self {
        let bytes = told.bytes.unwrap_or_else(|| told.token.into_bytes());
        // Rounding of an engine's own may leave a little above 0.
        Self { bytes, logprob: told.logprob.min(0.0) }
    }
}
