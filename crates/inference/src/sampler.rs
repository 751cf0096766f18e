//! The choice of the next token.
//!
//! Rule: the choice is a function of the logits, the answer so far, the parameters, the seed and the
//! index of the token. It uses no state, no clock and no mathematical library, so anyone can repeat
//! it. This is part of numeric specification 2. In order: penalties and the preference for quotations
//! change logits, the temperature divides them, then top_k, min_p and top_p cut what is left of them.
//! Absent: grammars (they take logits away before, see `choose`), beams.

use openledger_model::token_weights;
use serde::{Deserialize, Serialize};

use crate::draw::{Cuts, draw};
use crate::evidence::Hash;
use crate::quote::{QUOTE_BONUS_MAX, QUOTE_MATCH_MAX, Quote, QuoteSource};
use crate::request::SubmitError;

/// How tokens are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 always takes the most likely token; up to 2.
    pub temperature: f32,
    /// Keeps the most likely tokens that together reach this probability; above 0, up to 1.
    pub top_p: f32,
    /// Keeps at most so many tokens; 0 keeps all.
    pub top_k: u32,
    /// Keeps tokens that have at least this part of the most likely token's probability (min-p sampling,
    /// Nguyen et al. 2024); 0 keeps all, up to 1.
    #[serde(default)]
    pub min_p: f32,
    /// Fixed before generation; together with the token's index it fixes every draw.
    pub seed: u64,
    /// Taken off a token's logit for each time it occurs in the answer so far; -2 to 2.
    pub frequency_penalty: f32,
    /// Taken off a token's logit once it occurs in the answer so far; -2 to 2.
    pub presence_penalty: f32,
    /// Favours the words of a part of the prompt.
    #[serde(default)]
    pub quote: Quote,
    /// [`Grammar::hash`](crate::Grammar::hash) of the grammar that the answer follows. The engine sets it from the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grammar: Option<Hash>,
}

/// Version of the encoding of [`Sampling`] in evidence.
const ENCODING: u32 = 2;

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling {
            temperature: 0.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            seed: 0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            quote: Quote::default(),
            grammar: None,
        }
    }
}

impl Sampling {
    /// Refuses parameters out of range, also those that are no numbers.
    pub(crate) fn check(&self) -> Result<(), SubmitError> {
        let in_range = |holds: bool, name, value, accepted| {
            if holds { Ok(()) } else { Err(SubmitError::InvalidSampling { name, value, accepted }) }
        };
        in_range((0.0..=2.0).contains(&self.temperature), "temperature", self.temperature, "0 to 2")?;
        in_range(self.top_p > 0.0 && self.top_p <= 1.0, "top_p", self.top_p, "above 0, up to 1")?;
        in_range((0.0..=1.0).contains(&self.min_p), "min_p", self.min_p, "0 to 1")?;
        let penalty = |value: f32| (-2.0..=2.0).contains(&value);
        in_range(penalty(self.frequency_penalty), "frequency_penalty", self.frequency_penalty, "-2 to 2")?;
        in_range(penalty(self.presence_penalty), "presence_penalty", self.presence_penalty, "-2 to 2")?;
        let bonus = self.quote.bonus;
        in_range((0.0..=QUOTE_BONUS_MAX).contains(&bonus), "quote.bonus", bonus, "0 to 20")
    }

    /// The bytes that evidence commits to.
    pub(crate) fn to_bytes(self) -> [u8; 80] {
        let mut bytes = [0; 80];
        bytes[0..4].copy_from_slice(&self.temperature.to_bits().to_le_bytes());
        bytes[4..8].copy_from_slice(&self.top_p.to_bits().to_le_bytes());
        bytes[8..12].copy_from_slice(&self.top_k.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.seed.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.frequency_penalty.to_bits().to_le_bytes());
        bytes[24..28].copy_from_slice(&self.presence_penalty.to_bits().to_le_bytes());
        bytes[28..32].copy_from_slice(&self.quote.bonus.to_bits().to_le_bytes());
        bytes[32..36].copy_from_slice(&self.quote.start.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.quote.end.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.min_p.to_bits().to_le_bytes());
        bytes[44..48].copy_from_slice(&ENCODING.to_le_bytes());
        // No grammar hashes to zeros.
        bytes[48..80].copy_from_slice(&self.grammar.map_or([0; 32], |hash| hash.0));
        bytes
    }

    /// The next token after `answer`, of which it becomes number `answer.len()`.
    pub(crate) fn choose(&self, logits: &[f32], answer: &[u32], source: &QuoteSource) -> u32 {
        let penalised = self.frequency_penalty != 0.0 || self.presence_penalty != 0.0;
        if !penalised && source.tokens.is_empty() {
            return self.draw(logits, answer.len());
        }
        let mut logits = logits.to_vec();
        let mut seen = answer.to_vec();
        seen.sort_unstable();
        for run in seen.chunk_by(|left, right| left == right).filter(|_| penalised) {
            let penalty = self.frequency_penalty * run.len() as f32 + self.presence_penalty;
            logits[run[0] as usize] -= penalty;
        }
        for (token, matched) in source.continuations(answer) {
            logits[token as usize] += self.quote.bonus * matched as f32 / QUOTE_MATCH_MAX as f32;
        }
        for token in source.repetitions(answer) {
            logits[token as usize] -= self.quote.bonus;
        }
        for token in source.early_ends(answer) {
            logits[*token as usize] -= self.quote.bonus;
        }
        self.draw(&logits, answer.len())
    }

    fn draw(&self, logits: &[f32], index: usize) -> u32 {
        let best = best(logits);
        if self.temperature == 0.0 {
            return best;
        }
        let weights = token_weights(logits, logits[best as usize], self.temperature);
        let cuts = Cuts { top_k: self.top_k as usize, min_p: self.min_p, top_p: f64::from(self.top_p) };
        draw(&weights, cuts, uniform(self.seed, index)).unwrap_or(best)
    }
}

/// The token with the largest logit; of equals the one with the smallest id.
pub(crate) fn best(logits: &[f32]) -> u32 {
    let mut best = (0, f32::NEG_INFINITY);
    for (token, logit) in (0_u32..).zip(logits) {
        if *logit > best.1 {
            best = (token, *logit);
        }
    }
    best.0
}

/// A number from 0 (included) to 1 (excluded) that depends on seed and index alone.
fn uniform(seed: u64, index: usize) -> f64 {
    let bits = mix(mix(seed).wrapping_add(index as u64));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greedy_takes_the_first_of_the_largest() {
        let sampling = Sampling::default();
        assert_eq!(sampling.choose(&[0.5, 2.0, 2.0, -1.0], &[], &QuoteSource::default()), 1);
        assert_eq!(sampling.choose(&[-3.0, -2.0], &[1, 1], &QuoteSource::default()), 1);
    }

    #[test]
    fn penalties_count_occurrences() {
        let logits = [1.0, 0.9, 0.0];
        let once = Sampling { presence_penalty: 0.2, ..Sampling::default() };
        assert_eq!(once.choose(&logits, &[], &QuoteSource::default()), 0);
        assert_eq!(once.choose(&logits, &[0], &QuoteSource::default()), 1);
        let counted = Sampling { frequency_penalty: 0.2, ..Sampling::default() };
        assert_eq!(counted.choose(&logits, &[0, 1], &QuoteSource::default()), 0);
        assert_eq!(counted.choose(&logits, &[0, 0, 1], &QuoteSource::default()), 1);
    }

    #[test]
    fn draws_follow_the_weights_and_repeat() {
        let logits = [2.0, 1.0, 0.0, -30.0];
        let sampling = |seed| Sampling { temperature: 1.0, seed, ..Sampling::default() };
        let mut counts = [0_u32; 4];
        for seed in 0..4_000 {
            let token = sampling(seed).choose(&logits, &[], &QuoteSource::default());
            assert_eq!(token, sampling(seed).choose(&logits, &[], &QuoteSource::default()));
            counts[token as usize] += 1;
        }
        // Probabilities 0.665, 0.245, 0.090; three standard deviations are below 90.
        for (count, expected) in counts.iter().zip([2_661, 979, 360, 0]) {
            assert!(count.abs_diff(expected) < 90, "{counts:?}");
        }
        assert_eq!(counts[3], 0);
    }

    #[test]
    fn cuts_leave_only_the_likely() {
        let logits = [1.0, 3.0, 2.0, 0.0];
        for seed in 0..200 {
            let base = Sampling { temperature: 2.0, seed, ..Sampling::default() };
            let two = Sampling { top_k: 2, ..base }.choose(&logits, &[], &QuoteSource::default());
            assert!(two == 1 || two == 2);
            assert_eq!(Sampling { top_p: 0.3, ..base }.choose(&logits, &[], &QuoteSource::default()), 1);
            // At temperature 2 the probabilities are 1, 0.61, 0.37 and 0.22 of the best one's.
            let half = Sampling { min_p: 0.5, ..base }.choose(&logits, &[], &QuoteSource::default());
            assert!(half == 1 || half == 2);
            assert_eq!(Sampling { min_p: 1.0, ..base }.choose(&logits, &[], &QuoteSource::default()), 1);
        }
    }

    #[test]
    fn every_parameter_is_in_the_bytes() {
        let base = Sampling::default();
        let changed = [
            Sampling { temperature: 1.0, ..base },
            Sampling { top_p: 0.5, ..base },
            Sampling { top_k: 1, ..base },
            Sampling { min_p: 0.5, ..base },
            Sampling { seed: 1, ..base },
            Sampling { frequency_penalty: 1.0, ..base },
            Sampling { presence_penalty: 1.0, ..base },
            Sampling { quote: Quote { bonus: 1.0, ..base.quote }, ..base },
            Sampling { quote: Quote { start: 1, ..base.quote }, ..base },
            Sampling { quote: Quote { end: 1, ..base.quote }, ..base },
            Sampling { grammar: Some(Hash([1; 32])), ..base },
        ];
        let mut seen: Vec<[u8; 80]> = changed.iter().map(|sampling| sampling.to_bytes()).collect();
        seen.push(base.to_bytes());
        seen.sort_unstable();
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn different_tokens_of_one_answer_get_different_draws() {
        let draws: Vec<f64> = (0..64).map(|index| uniform(9, index)).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        assert!(draws.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(uniform(0, 0).to_bits(), uniform(0, 0).to_bits());
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let rows = [
            (Sampling { temperature: f32::NAN, ..Sampling::default() }, "temperature"),
            (Sampling { temperature: 2.1, ..Sampling::default() }, "temperature"),
            (Sampling { top_p: 0.0, ..Sampling::default() }, "top_p"),
            (Sampling { min_p: -0.1, ..Sampling::default() }, "min_p"),
            (Sampling { min_p: f32::NAN, ..Sampling::default() }, "min_p"),
            (Sampling { frequency_penalty: f32::INFINITY, ..Sampling::default() }, "frequency_penalty"),
            (Sampling { presence_penalty: -3.0, ..Sampling::default() }, "presence_penalty"),
        ];
        for (sampling, expected) in rows {
            match sampling.check() {
                Err(SubmitError::InvalidSampling { name, .. }) => assert_eq!(name, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
        assert!(Sampling::default().check().is_ok());
    }
}
