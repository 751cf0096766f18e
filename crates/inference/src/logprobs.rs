//! How likely a token was.
//!
//! Rule: the logarithm of the softmax over all logits of the model, as it computed them, in the order of the token ids;
//! the same bits on every machine. Of equally likely tokens the one with the smaller id comes first.
//! Absent: what temperature, penalties, cuts and grammars make of the logits.

use openledger_model::{Tokenizer, exp_f64, ln_f64};

use crate::events::{Likelihood, TokenLogprob};

/// The likelihoods of `token` and of the `top` most likely tokens.
pub(crate) fn token_logprob(logits: &[f32], token: u32, top: u8, tokenizer: &Tokenizer) -> TokenLogprob {
    let normaliser = normaliser(logits);
    let likelihood = |token: u32| Likelihood {
        bytes: tokenizer.bytes(token).to_vec(),
        logprob: normaliser.logprob(logits[token as usize]),
    };
    let top = most_likely(logits, usize::from(top)).into_iter().map(likelihood).collect();
    TokenLogprob { chosen: likelihood(token), top }
}

/// What all logits of one step have in common.
pub(crate) struct Normaliser {
    largest: f64,
    ln_total: f64,
}

/// Sums the exponentials of all logits.
pub(crate) fn normaliser(logits: &[f32]) -> Normaliser {
    let largest = f64::from(logits.iter().fold(f32::NEG_INFINITY, |most, logit| most.max(*logit)));
    let total: f64 = logits.iter().map(|logit| exp_f64(offset(*logit, largest))).sum();
    Normaliser { largest, ln_total: ln_f64(total) }
}

impl Normaliser {
    /// The natural logarithm of the probability of a token with this logit.
    pub(crate) fn logprob(&self, logit: f32) -> f64 {
        offset(logit, self.largest) - self.ln_total
    }
}

/// How far a logit is below the largest; far below, its exponential is no longer told from 0.
fn offset(logit: f32, largest: f64) -> f64 {
    (f64::from(logit) - largest).max(-700.0)
}

/// The `count` tokens with the largest logits, largest first.
fn most_likely(logits: &[f32], count: usize) -> Vec<u32> {
    let mut best: Vec<(f32, u32)> = Vec::with_capacity(count + 1);
    for (token, logit) in (0_u32..).zip(logits) {
        if best.len() == count && best.last().is_none_or(|(least, _)| logit <= least) {
            continue;
        }
        let at = best.partition_point(|(other, _)| other >= logit);
        best.insert(at, (*logit, token));
        best.truncate(count);
    }
    best.into_iter().map(|(_, token)| token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_to_one() {
        let logits = [0.0, 3.0, -2.0, 3.0, f32::NEG_INFINITY];
        let normaliser = normaliser(&logits);
        let total: f64 = logits.iter().map(|logit| normaliser.logprob(*logit).exp()).sum();
        assert!((total - 1.0).abs() < 1e-12, "{total}");
        assert!(logits.iter().all(|logit| normaliser.logprob(*logit) <= 0.0));
    }

    #[test]
    fn the_most_likely_come_first_and_equals_by_id() {
        let logits = [0.5, 2.0, -1.0, 2.0, 0.6];
        for (count, expected) in [(0, &[][..]), (1, &[1]), (3, &[1, 3, 4]), (9, &[1, 3, 4, 0, 2])] {
            assert_eq!(most_likely(&logits, count), expected, "{count}");
        }
    }
}
