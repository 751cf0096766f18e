//! How likely a model finds a given continuation.
//!
//! Rule: the result is bit-equal on every machine, like everything else that the model computes.
//! Absent: what follows from it; attribution compares scores with and without a passage.

use std::sync::Arc;

use openledger_model::{ForwardError, Model};

use crate::logprobs::normaliser;
use crate::replay::{ReplayError, teacher_force};

/// The natural logarithm of the probability of each token of `continuation` after `prompt`.
pub fn score(model: &Arc<Model>, prompt: &[u32], continuation: &[u32]) -> Result<Vec<f64>, ReplayError> {
    if prompt.is_empty() || continuation.is_empty() {
        return Err(ReplayError::Empty);
    }
    check_tokens(model, continuation)?;
    let mut scores = Vec::with_capacity(continuation.len());
    teacher_force(model, prompt, continuation, |_, logits| {
        let token = continuation[scores.len()];
        scores.push(log_probability(logits, token));
    })?;
    Ok(scores)
}

/// Every token of the continuation has a probability.
pub(crate) fn check_tokens(model: &Model, continuation: &[u32]) -> Result<(), ForwardError> {
    let vocabulary = model.tokenizer().vocabulary();
    match continuation.iter().find(|token| **token as usize >= vocabulary) {
        Some(token) => Err(ForwardError::TokenOutOfRange { token: *token, vocabulary }),
        None => Ok(()),
    }
}

pub(crate) fn log_probability(logits: &[f32], token: u32) -> f64 {
    normaliser(logits).logprob(logits[token as usize])
}
