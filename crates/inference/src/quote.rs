//! A preference for the words of a part of the prompt.
//!
//! Rule: a small model paraphrases where it should quote. A token gets a bonus when it continues, within
//! a sentence of the quoted part, the words with which the answer ends; a small one when it starts a
//! sentence there, at the start of the answer or after the sentence before. The model still decides where
//! to start, where to stop and when to leave the text. It is a function of prompt and answer alone, so a
//! replay repeats it.
//! Absent: any guarantee that the answer is a quotation.

use openledger_model::Tokenizer;
use serde::{Deserialize, Serialize};

/// Largest bonus.
pub(crate) const QUOTE_BONUS_MAX: f32 = 20.0;
/// The full bonus needs so many matching tokens.
pub(crate) const QUOTE_MATCH_MAX: usize = 3;

/// Which part of the prompt to quote from, and how strongly.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Quote {
    /// Added to the logit of a token that continues three or more quoted tokens; a third and two thirds
    /// of it for one and two; a third at most at the start of a sentence. 0 to 20; 0 turns the preference off.
    pub bonus: f32,
    /// First token of the quoted part of the prompt.
    pub start: u32,
    /// The token after the last one of the quoted part.
    pub end: u32,
}

/// The quoted part of one prompt.
#[derive(Debug, Default)]
pub(crate) struct QuoteSource {
    pub(crate) tokens: Vec<u32>,
    /// Whether a token starts a sentence or a line.
    starts: Vec<bool>,
}

impl QuoteSource {
    /// Finds the quoted part; empty when there is none or no bonus.
    pub(crate) fn new(quote: Quote, prompt: &[u32], tokenizer: &Tokenizer) -> QuoteSource {
        let end = (quote.end as usize).min(prompt.len());
        let start = (quote.start as usize).min(end);
        if quote.bonus == 0.0 {
            return QuoteSource::default();
        }
        let tokens = prompt[start..end].to_vec();
        let mut starts = Vec::with_capacity(tokens.len());
        let mut starting = true;
        for token in &tokens {
            let bytes = tokenizer.bytes(*token);
            starts.push(starting && !bytes.iter().all(u8::is_ascii_whitespace));
            let blank = bytes.iter().all(u8::is_ascii_whitespace);
            let ends = bytes.last().is_some_and(|byte| b".!?:\n".contains(byte));
            starting = ends || (starting && blank);
        }
        QuoteSource { tokens, starts }
    }

    /// The tokens that continue `answer`, with the number of tokens that match before them, 1 to 3. Each
    /// token appears once.
    pub(crate) fn continuations(&self, answer: &[u32]) -> Vec<(u32, usize)> {
        let mut found: Vec<(u32, usize)> = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            let matched =
                if self.starts[at] { usize::from(answer.is_empty()) } else { self.matched(at, answer) };
            if matched > 0 {
                found.push((*token, matched));
            }
        }
        found.sort_unstable_by(|left, right| left.0.cmp(&right.0).then(right.1.cmp(&left.1)));
        found.dedup_by_key(|(token, _)| *token);
        found
    }

    /// How many tokens before `at` are those with which the answer ends, up to three.
    fn matched(&self, at: usize, answer: &[u32]) -> usize {
        let before = self.tokens[..at].iter().rev();
        before
            .zip(answer.iter().rev())
            .take(QUOTE_MATCH_MAX)
            .take_while(|(left, right)| left == right)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(tokens: &[u32], starts: &[usize]) -> QuoteSource {
        let starts = (0..tokens.len()).map(|at| starts.contains(&at)).collect();
        QuoteSource { tokens: tokens.to_vec(), starts }
    }

    #[test]
    fn continuations_follow_the_longest_match() {
        let source = source(&[1, 2, 3, 4, 2, 3, 5, 9], &[0, 6]);
        let rows: [(&[u32], &[(u32, usize)]); 6] = [
            (&[], &[(1, 1), (5, 1)]),
            (&[1], &[(2, 1)]),
            (&[7, 2], &[(3, 1)]),
            (&[1, 2, 3], &[(4, 3)]),
            (&[4, 2, 3], &[(4, 2)]),
            (&[8], &[]),
        ];
        for (answer, expected) in rows {
            assert_eq!(source.continuations(answer), expected, "{answer:?}");
        }
    }
}
