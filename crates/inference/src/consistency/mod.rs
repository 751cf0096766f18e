//! Whether a model could have written an answer of an engine whose bits cannot be repeated: the model writes along, with the same draws.
//!
//! An engine behind HTTP rounds in its own way, so its answer cannot be computed again bit by bit. But what it draws with follows
//! from the request's seed, which leaves it nearly no choice: at each place the model at hand says which token the same number
//! would have drawn, and how far from it the engine's token is. Rounding moves the line a little, so that tokens part at its
//! borders; other weights, another prompt or another adapter move it more. The idea is Token-DiFR's (arXiv 2511.20621), measured in
//! probability instead of logits, so that one measure serves for likeliest tokens and for drawn ones.
//!
//! Rule: the result is called consistent or inconsistent, never proved: a provider that stays as near as rounding passes.
//! Only the answer's text is needed: which tokens made it is searched along the draws (`search`), because another division of the
//! same text would take other numbers for its tokens.
//! Absent: evidence of exact engines ([`crate::Auditor`]); how an engine was asked (`upstream`).

mod draws;
mod path;
mod search;
mod twister;

use std::sync::Arc;

use openledger_model::Model;

pub use draws::Draws;
use search::Search;

use crate::replay::ReplayError;

/// Fewest tokens of which something is said.
pub const CONSISTENT_TOKENS_MIN: usize = 32;
/// An answer as it was told.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The tokens of the prompt.
    pub prompt: &'a [u32],
    /// What was written.
    pub text: &'a str,
    /// White space before the first word is not in the text.
    pub is_trimmed: bool,
    /// How it ended.
    pub end: TextEnd,
}

/// What stands behind the last word of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEnd {
    /// The token that ends a text.
    EndToken,
    /// Nothing that is known: a limit, or a string that is not told, cut it, in the middle of a token perhaps.
    Cut,
}

/// A token of the answer, beside what the model would have drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// How many bytes of the text it is; 0 for white space that is left out and for the token that ends the text.
    pub bytes: usize,
    /// By how much its draw is missed, in probability: 0 where the model draws the same.
    pub missed: f32,
}

/// What was found about one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Consistency {
    /// The tokens of the answer in order, as far as they were followed.
    pub drawn: Vec<Drawn>,
    roundings: Roundings,
}

/// What roundings explain, in probability. Chosen from what `cargo xtask peers consistency` measured of llama.cpp (decision 0038).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Roundings {
    /// By how much they miss the draws of a long answer in the mean.
    mean: f64,
    /// What one token counts at most, and what an answer may have beyond the mean: one token that is far away says little about
    /// the others.
    one: f64,
}

/// What that says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsistencyVerdict {
    /// As near to the model as roundings are.
    Consistent,
    /// Further from it.
    Inconsistent,
    /// Too few tokens to say anything.
    TooShort,
}

impl Consistency {
    /// Tokens that the model draws as well.
    pub fn same(&self) -> usize {
        self.drawn.iter().filter(|drawn| drawn.missed == 0.0).count()
    }

    /// By how much the draws are missed in the mean, where no token counts more than one that roundings explain; 0 of no tokens.
    pub fn missed(&self) -> f64 {
        let missed = self.drawn.iter().map(|drawn| f64::from(drawn.missed).min(self.roundings.one));
        missed.sum::<f64>() / self.drawn.len().max(1) as f64
    }

    /// By how much they may be missed in the mean for roundings to explain it.
    pub fn missed_max(&self) -> f64 {
        self.roundings.mean + self.roundings.one / self.drawn.len().max(1) as f64
    }

    /// What can be said.
    pub fn verdict(&self) -> ConsistencyVerdict {
        if self.drawn.len() < CONSISTENT_TOKENS_MIN {
            ConsistencyVerdict::TooShort
        } else if self.missed() <= self.missed_max() {
            ConsistencyVerdict::Consistent
        } else {
            ConsistencyVerdict::Inconsistent
        }
    }
}

/// Lets `model` write along an answer on `threads` threads, the caller's included.
///
/// # Errors
/// There is no prompt or no text, both do not fit the model's context, or the threads cannot start.
pub fn consistency(
    model: &Arc<Model>,
    threads: usize,
    told: &Told<'_>,
    draws: Draws,
) -> Result<Consistency, ReplayError> {
    if told.prompt.is_empty() || told.text.is_empty() {
        return Err(ReplayError::Empty);
    }
    let roundings = draws.roundings();
    Ok(Consistency { drawn: Search::new(model, threads, told, draws)?.run()?, roundings })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(missed: &[f32]) -> Consistency {
        let drawn = missed.iter().map(|missed| Drawn { bytes: 3, missed: *missed }).collect();
        Consistency { drawn, roundings: Roundings { mean: 0.007, one: 0.3 } }
    }

    #[test]
    fn the_mean_decides_and_a_few_tokens_say_nothing() {
        let mut missed = vec![0.0; CONSISTENT_TOKENS_MIN];
        assert_eq!(of(&missed).verdict(), ConsistencyVerdict::Consistent);
        assert_eq!(of(&missed[1..]).verdict(), ConsistencyVerdict::TooShort);
        missed[3] = 1.0;
        let one = of(&missed);
        assert_eq!(
            (one.same(), one.missed()),
            (CONSISTENT_TOKENS_MIN - 1, 0.3 / CONSISTENT_TOKENS_MIN as f64)
        );
        assert_eq!(one.verdict(), ConsistencyVerdict::Consistent);
        missed[7] = 0.25;
        assert_eq!(of(&missed).verdict(), ConsistencyVerdict::Inconsistent);
        // What one token may be beyond the mean counts less the longer an answer is.
        let long: Vec<f32> = missed.iter().copied().chain(vec![0.0; 50]).collect();
        assert_eq!(of(&long).verdict(), ConsistencyVerdict::Consistent);
        assert_eq!(of(&vec![0.011; 60]).verdict(), ConsistencyVerdict::Consistent);
        assert_eq!(of(&vec![0.011; 90]).verdict(), ConsistencyVerdict::Inconsistent);
        assert_eq!(of(&[]).missed(), 0.0);
    }
}
