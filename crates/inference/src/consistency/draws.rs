//! How an engine draws a token from what its model computed, and by how much it would have to have drawn otherwise to give
//! another one.
//!
//! Sources: llama.cpp, `src/llama-sampler.cpp` (`llama_sampler_top_k`, `_top_p`, `_min_p`, `_temp`, `_dist`), of September 2026.
//! Absent: penalties, grammars and further samplers, which are refused where a request is read.

use openledger_model::token_weights;

use super::Roundings;
use super::twister::Twister;
use crate::sampler::{Sampling, best};

/// How far roundings move logits against each other, about: tokens that are so near may stand in either order where the server
/// sorts them.
const EQUAL_NATS: f32 = 0.15;

/// How many times likelier the likeliest token may be than one that an engine takes for it: 2 nat. Near-ties of llama.cpp have
/// half a nat at most (decision 0037).
const UNLIKELY: f32 = 7.4;

/// How an engine behind HTTP draws, where that can be done again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Draws {
    /// Always the likeliest token.
    Likeliest,
    /// As llama.cpp's server: its cuts in their order, then the temperature, then one number of a generator for each token.
    LlamaCpp {
        /// Temperature and cuts.
        sampling: Sampling,
        /// What the server was given.
        seed: u32,
    },
}

impl Draws {
    /// What roundings explain of an answer that was drawn like this.
    pub(super) fn roundings(&self) -> Roundings {
        match self {
            Draws::Likeliest => Roundings { mean: 0.01, one: 0.15, alone: 0.45 },
            // Tokens that are about equally likely are far from each other where an engine sorts them otherwise.
            Draws::LlamaCpp { sampling, .. } if is_sorted(sampling) => {
                Roundings { mean: 0.022, one: 0.3, alone: 0.9 }
            }
            Draws::LlamaCpp { .. } => Roundings { mean: 0.015, one: 0.1, alone: 0.3 },
        }
    }
}

/// Whether the server sorts tokens: where a cut needs their order, the likeliest first, and it leaves them so.
fn is_sorted(sampling: &Sampling) -> bool {
    sampling.top_k > 0 || sampling.top_p < 1.0
}

/// One number for each token of an answer.
pub(super) struct Drawing {
    sampling: Option<Sampling>,
    twister: Twister,
    number: f64,
}

/// A place of an answer.
pub(super) struct Place {
    /// `[token]` the probability of each before anything is cut.
    probabilities: Vec<f32>,
    drawn: DrawnBy,
}

enum DrawnBy {
    /// The largest probability.
    Most(f32),
    /// A number on the line from 0 to 1, on which each token has its part, `[token]` from where to where; what the cuts left out
    /// has one of no length, where it would stand.
    Number { number: f64, parts: Vec<(f64, f64)> },
}

impl Drawing {
    pub(super) fn new(draws: Draws) -> Drawing {
        match draws {
            Draws::Likeliest => Drawing { sampling: None, twister: Twister::new(0), number: 0.0 },
            Draws::LlamaCpp { sampling, seed } => {
                Drawing { sampling: Some(sampling), twister: Twister::new(seed), number: 0.0 }
            }
        }
    }

    /// Goes on to the next place of the answer.
    pub(super) fn turn(&mut self) {
        self.number = self.twister.uniform();
    }

    /// This place of the answer, where a model computed these logits.
    pub(super) fn place(&self, logits: &[f32]) -> Place {
        match &self.sampling {
            None => {
                let probabilities = probabilities(logits, 1.0);
                let most = probabilities.iter().copied().fold(0.0, f32::max);
                Place { probabilities, drawn: DrawnBy::Most(most) }
            }
            Some(sampling) => {
                let (number, parts) = (self.number, line(logits, sampling));
                let probabilities = probabilities(logits, sampling.temperature);
                Place { probabilities, drawn: DrawnBy::Number { number, parts } }
            }
        }
    }
}

impl Place {
    /// By how much the draw of this token is missed, in probability: 0 of the one that is drawn. Of the likeliest by how much it is
    /// likelier; of a number how far the token's part of the line is from it.
    pub(super) fn missed(&self, token: usize) -> f32 {
        match &self.drawn {
            DrawnBy::Most(most) if self.probabilities[token] * UNLIKELY < *most => 1.0,
            DrawnBy::Most(most) => most - self.probabilities[token],
            DrawnBy::Number { number, parts } => {
                let (from, to) = parts[token];
                // A float is finer than any difference that is looked at.
                (from - number).max(number - to).max(0.0) as f32
            }
        }
    }

    pub(super) fn probability(&self, token: usize) -> f32 {
        self.probabilities[token]
    }
}

fn probabilities(logits: &[f32], temperature: f32) -> Vec<f32> {
    let mut weights = token_weights(logits, logits[best(logits) as usize], temperature);
    let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    weights.iter_mut().for_each(|weight| *weight = (f64::from(*weight) / total) as f32);
    weights
}

/// The part of each token on the line from 0 to 1 behind all cuts.
fn line(logits: &[f32], sampling: &Sampling) -> Vec<(f64, f64)> {
    let largest = logits[best(logits) as usize];
    let mut order: Vec<usize> = (0..logits.len()).collect();
    if is_sorted(sampling) {
        order.sort_by(|left, right| logits[*right].total_cmp(&logits[*left]));
    }
    let mut kept = order.clone();
    if sampling.top_k > 0 {
        kept.truncate(sampling.top_k as usize);
    }
    if sampling.top_p < 1.0 {
        nucleus(&mut kept, &token_weights(logits, largest, 1.0), f64::from(sampling.top_p));
    }
    if sampling.min_p > 0.0 {
        let least = largest + sampling.min_p.ln();
        kept.retain(|token| logits[*token] >= least);
    }
    let all = token_weights(logits, largest, sampling.temperature);
    let total: f64 = kept.iter().map(|token| f64::from(all[*token])).sum();
    let mut weights = vec![0.0; logits.len()];
    for token in kept {
        weights[token] = f64::from(all[token]) / total;
    }
    if is_sorted(sampling) { by_likelihood(logits, &order, &weights) } else { by_number(&weights) }
}

/// The parts of tokens that stand in the order of their numbers.
fn by_number(weights: &[f64]) -> Vec<(f64, f64)> {
    let mut sum = 0.0;
    let part = |weight: &f64| {
        let from = sum;
        sum += weight;
        (from, sum)
    };
    weights.iter().map(part).collect()
}

/// The parts of tokens that stand in `order`, the likeliest first. Roundings change the order of tokens that are about equally
/// likely: from where a token stands behind none of them to where it stands behind all is its part.
fn by_likelihood(logits: &[f32], order: &[usize], weights: &[f64]) -> Vec<(f64, f64)> {
    let mut parts = vec![(1.0, 1.0); weights.len()];
    let (mut surely_before, mut perhaps_before) = (0, 0);
    let (mut from, mut to) = (0.0, 0.0);
    for token in order {
        let logit = logits[*token];
        while logits[order[surely_before]] > logit + EQUAL_NATS {
            from += weights[order[surely_before]];
            surely_before += 1;
        }
        while perhaps_before < order.len() && logits[order[perhaps_before]] >= logit - EQUAL_NATS {
            to += weights[order[perhaps_before]];
            perhaps_before += 1;
        }
        parts[*token] = (from, to);
    }
    parts
}

/// The likeliest tokens of a sorted order that together reach `part` of the weight of all of them.
fn nucleus(order: &mut Vec<usize>, weights: &[f32], part: f64) {
    let wanted = part * order.iter().map(|token| f64::from(weights[*token])).sum::<f64>();
    let mut reached = 0.0;
    let last = order.iter().position(|token| {
        reached += f64::from(weights[*token]);
        reached >= wanted
    });
    order.truncate(last.map_or(order.len(), |last| last + 1));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities 0.1, 0.4, 0.2, 0.3 at temperature 1.
    fn logits() -> Vec<f32> {
        [0.1_f32, 0.4, 0.2, 0.3].map(f32::ln).to_vec()
    }

    fn sampling() -> Sampling {
        Sampling { temperature: 1.0, ..Sampling::default() }
    }

    fn parts(sampling: Sampling) -> Vec<(i64, i64)> {
        let hundredths = |part: f64| (part * 100.0).round() as i64;
        line(&logits(), &sampling).into_iter().map(|(from, to)| (hundredths(from), hundredths(to))).collect()
    }

    #[test]
    fn tokens_stand_in_the_order_in_which_the_server_walks_them() {
        assert_eq!(parts(sampling()), [(0, 10), (10, 50), (50, 70), (70, 100)]);
        // Sorted, the last one cut: 0.4, 0.3, 0.2 of 0.9.
        let expected = [(100, 100), (0, 44), (78, 100), (44, 78)];
        assert_eq!(parts(Sampling { top_p: 0.85, ..sampling() }), expected);
        assert_eq!(parts(Sampling { top_k: 3, ..sampling() }), expected);
        assert_eq!(
            parts(Sampling { top_k: 3, top_p: 0.6, ..sampling() }),
            [(100, 100), (0, 57), (100, 100), (57, 100)]
        );
        // In the vocabulary's order, what is below a third of the likeliest one's cut where it stands.
        assert_eq!(parts(Sampling { min_p: 0.34, ..sampling() }), [(0, 0), (0, 44), (44, 67), (67, 100)]);
        // At a temperature of one half the probabilities are squared: 1, 16, 4, 9 of 30.
        let cold = Sampling { temperature: 0.5, ..sampling() };
        assert_eq!(parts(cold), [(0, 3), (3, 57), (57, 70), (70, 100)]);
    }

    #[test]
    fn a_draw_is_missed_by_what_it_is_away() {
        let missed = |drawn| {
            let place = Place { probabilities: probabilities(&logits(), 1.0), drawn };
            [0, 1, 2, 3].map(|token| (place.missed(token) * 100.0).round() as i32)
        };
        let parts = line(&logits(), &sampling());
        assert_eq!(missed(DrawnBy::Number { number: 0.6, parts }), [50, 10, 0, 10]);
        assert_eq!(missed(DrawnBy::Most(0.4)), [30, 0, 20, 10]);
        assert_eq!(missed(DrawnBy::Most(0.8)), [100, 40, 60, 50], "what is much less likely is no near-tie");
    }

    #[test]
    fn numbers_follow_from_the_seed() {
        let numbers = |seed| {
            let mut drawing = Drawing::new(Draws::LlamaCpp { sampling: sampling(), seed });
            let number = |place: Place| match place.drawn {
                DrawnBy::Number { number, .. } => number,
                DrawnBy::Most(_) => panic!("it is sampled"),
            };
            [0; 4].map(|_: u8| {
                drawing.turn();
                number(drawing.place(&logits()))
            })
        };
        assert_eq!(numbers(3), numbers(3));
        assert_ne!(numbers(3), numbers(4));
    }
}
