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

/// Tokens that are judged together, and the fewest of which something is said: every piece of an answer of so many tokens must be
/// consistent, so that nothing foreign hides in a long one.
pub const CONSISTENT_TOKENS: usize = 32;

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
    /// Bytes at the end of the text that could not be followed, because the engine could not tell a part of them as text.
    pub unfollowed: usize,
    /// Whether the text goes on with bytes that no token of the model writes.
    pub is_foreign: bool,
    roundings: Roundings,
}

/// What roundings explain, in probability. Chosen from what `cargo xtask peers consistency` measured of llama.cpp (decision 0038).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Roundings {
    /// By how much they miss the draws of [`CONSISTENT_TOKENS`] tokens in the mean.
    mean: f64,
    /// What one token counts at most, because one that is far away says little about the others; and by how much the draw of
    /// the token that ends a text may be missed.
    one: f64,
    /// By how much no draw is missed.
    alone: f64,
}

/// What that says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsistencyVerdict {
    /// As near to the model as roundings are.
    Consistent,
    /// Further from it.
    Inconsistent,
    /// Nothing: there are too few tokens, or what could be followed is consistent and the rest could not be.
    Undecided,
}

impl Consistency {
    /// Tokens that the model draws as well.
    pub fn same(&self) -> usize {
        self.drawn.iter().filter(|drawn| drawn.missed == 0.0).count()
    }

    /// By how much the draws of the worst [`CONSISTENT_TOKENS`] tokens in a row are missed in the mean; of all where there are fewer.
    pub fn missed(&self) -> f64 {
        let counted = |drawn: &Drawn| f64::from(drawn.missed).min(self.roundings.one);
        let mean = |piece: &[Drawn]| piece.iter().map(counted).sum::<f64>() / piece.len() as f64;
        let length = CONSISTENT_TOKENS.min(self.drawn.len()).max(1);
        self.drawn.windows(length).map(mean).fold(0.0, f64::max)
    }

    /// By how much they may be missed for roundings to explain it.
    pub fn missed_max(&self) -> f64 {
        self.roundings.mean
    }

    /// What can be said.
    pub fn verdict(&self) -> ConsistencyVerdict {
        if self.is_foreign {
            ConsistencyVerdict::Inconsistent
        } else if self.drawn.len() < CONSISTENT_TOKENS {
            ConsistencyVerdict::Undecided
        } else if self.missed() > self.missed_max() || self.is_ended_otherwise() || self.is_alone() {
            ConsistencyVerdict::Inconsistent
        } else if self.unfollowed > 0 {
            ConsistencyVerdict::Undecided
        } else {
            ConsistencyVerdict::Consistent
        }
    }

    /// Whether a single token is further away than roundings bring any.
    fn is_alone(&self) -> bool {
        self.drawn.iter().any(|drawn| f64::from(drawn.missed) > self.roundings.alone)
    }

    /// Whether the text ends where the model would have gone on.
    fn is_ended_otherwise(&self) -> bool {
        self.drawn.last().is_some_and(|last| last.bytes == 0 && f64::from(last.missed) > self.roundings.one)
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
    let path = Search::new(model, threads, told, draws)?.run()?;
    Ok(Consistency {
        unfollowed: path.bytes_left(),
        is_foreign: path.is_foreign,
        drawn: path.drawn,
        roundings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(missed: &[f32]) -> Consistency {
        let drawn = missed.iter().map(|missed| Drawn { bytes: 3, missed: *missed }).collect();
        let roundings = Roundings { mean: 0.01, one: 0.25, alone: 1.0 };
        Consistency { drawn, unfollowed: 0, is_foreign: false, roundings }
    }

    #[test]
    fn every_piece_must_be_consistent_and_a_few_tokens_say_nothing() {
        use ConsistencyVerdict::{Consistent, Inconsistent, Undecided};
        let mut missed = vec![0.0; CONSISTENT_TOKENS];
        assert_eq!(of(&missed).verdict(), Consistent);
        assert_eq!((of(&missed[1..]).verdict(), of(&[]).verdict()), (Undecided, Undecided));
        missed[3] = 1.0;
        let one = of(&missed);
        assert_eq!((one.same(), one.missed()), (CONSISTENT_TOKENS - 1, 0.25 / CONSISTENT_TOKENS as f64));
        assert_eq!(one.verdict(), Consistent);
        assert_eq!(Consistency { unfollowed: 1, ..one.clone() }.verdict(), Undecided);
        assert_eq!(Consistency { is_foreign: true, ..one }.verdict(), Inconsistent);
        missed[7] = 0.25;
        let long = |tokens| [vec![0.0; tokens], missed.clone(), vec![0.0; tokens]].concat();
        assert_eq!(of(&missed).verdict(), Inconsistent);
        assert_eq!(of(&long(1_000)).verdict(), Inconsistent, "nothing hides in a long answer");
        let strict = Roundings { alone: 0.9, ..of(&[]).roundings };
        let mut lonely = Consistency { roundings: strict, ..of(&[0.0; 40]) };
        lonely.drawn[20].missed = 0.89;
        assert_eq!(lonely.verdict(), Consistent);
        lonely.drawn[20].missed = 0.91;
        assert_eq!(lonely.verdict(), Inconsistent);
        let end = |missed| Drawn { bytes: 0, missed };
        let mut ended = of(&[0.0; 40]);
        ended.drawn.push(end(0.2));
        assert_eq!(ended.verdict(), Consistent);
        ended.drawn[40] = end(0.3);
        assert_eq!(ended.verdict(), Inconsistent);
    }
}
