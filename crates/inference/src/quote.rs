//! A preference for the words of a part of the prompt.
//!
//! Rule: a small model paraphrases where it should quote. A token gets a bonus when it continues, within
//! a sentence of the quoted part, the words with which the answer ends; a third of it when it starts a
//! sentence there at the start of the answer. After a sentence no token is preferred, so that the model
//! can end there. A token that would repeat four tokens of the answer loses as much, and so does one that
//! would end an answer of fewer than eight tokens, which is a title and no answer. The model still
//! decides where to start, where to stop and when to leave the text. All of it is a function of prompt
//! and answer, so a replay repeats it.
//! Absent: any guarantee that the answer is a quotation.

use std::ops::Range;

use openledger_model::{Model, Tokenizer};
use serde::{Deserialize, Serialize};

use crate::request::{Prompt, SubmitError, prompt_tokens};

/// Largest bonus.
pub(crate) const QUOTE_BONUS_MAX: f32 = 20.0;
/// The full bonus needs so many matching tokens.
pub(crate) const QUOTE_MATCH_MAX: usize = 3;

/// An answer should have so many tokens before it ends.
const ANSWER_TOKENS_MIN: usize = 8;
/// An answer should not repeat so many tokens.
const REPEAT_TOKENS: usize = 4;

/// Which part of the prompt to quote from, and how strongly.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Quote {
    /// Added to the logit of a token that continues three or more quoted tokens; two thirds and a third of
    /// it for two and one, and a third for the first token of a sentence at the start of the answer. 0 to
    /// 20; 0 turns the preference off, 10 makes small models quote.
    pub bonus: f32,
    /// First token of the quoted part of the prompt.
    pub start: u32,
    /// The token after the last one of the quoted part.
    pub end: u32,
}

/// The token range of the bytes `range` of a plain prompt, for [`Quote`]; tokens that lie in the range
/// only in part belong to it.
pub fn quote_part(model: &Model, text: &str, range: Range<usize>, bonus: f32) -> Result<Quote, SubmitError> {
    let tokens = prompt_tokens(model, &Prompt::Text(text.to_owned()))?;
    let mut reached = 0;
    let (mut start, mut end) = (0, 0);
    for (index, token) in (1_u32..).zip(&tokens) {
        reached += model.tokenizer().bytes(*token).len();
        if reached <= range.start {
            start = index;
        }
        if reached < range.end {
            end = index + 1;
        }
    }
    Ok(Quote { bonus, start, end: end.max(start) })
}

/// The quoted part of one prompt.
#[derive(Debug, Default)]
pub(crate) struct QuoteSource {
    pub(crate) tokens: Vec<u32>,
    /// Whether a token starts a sentence or a line.
    starts: Vec<bool>,
    /// Tokens that end an answer: those that the model ends with, and the ends of lines.
    ends: Vec<u32>,
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
        let starts = sentence_starts(&tokens, tokenizer);
        let vocabulary = u32::try_from(tokenizer.vocabulary()).unwrap_or(u32::MAX);
        let ends = |token: &u32| tokenizer.is_end(*token) || tokenizer.bytes(*token).contains(&b'\n');
        QuoteSource { tokens, starts, ends: (0..vocabulary).filter(ends).collect() }
    }

    /// The tokens that would end `answer` too early.
    pub(crate) fn early_ends(&self, answer: &[u32]) -> &[u32] {
        if answer.len() < ANSWER_TOKENS_MIN { &self.ends } else { &[] }
    }

    /// Whether a sentence may start after `answer`: at its start, and after a sentence that is too short.
    fn may_start(&self, answer: &[u32]) -> bool {
        let Some(last) = answer.last() else { return true };
        let closes = |(token, next): (&u32, &bool)| token == last && *next;
        answer.len() < ANSWER_TOKENS_MIN && self.tokens.iter().zip(self.starts.iter().skip(1)).any(closes)
    }

    /// The tokens that continue `answer`, with the number of tokens that match before them, 1 to 3. Each
    /// token appears once.
    pub(crate) fn continuations(&self, answer: &[u32]) -> Vec<(u32, usize)> {
        let may_start = self.may_start(answer);
        let mut found: Vec<(u32, usize)> = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            let matched = if self.starts[at] { usize::from(may_start) } else { self.matched(at, answer) };
            if matched > 0 {
                found.push((*token, matched));
            }
        }
        found.sort_unstable_by(|left, right| left.0.cmp(&right.0).then(right.1.cmp(&left.1)));
        found.dedup_by_key(|(token, _)| *token);
        found
    }

    /// The tokens that would repeat four tokens of `answer`. Each appears once.
    pub(crate) fn repetitions(&self, answer: &[u32]) -> Vec<u32> {
        let Some(last) = answer.len().checked_sub(REPEAT_TOKENS).filter(|_| !self.tokens.is_empty()) else {
            return Vec::new();
        };
        let last = &answer[last + 1..];
        let mut found: Vec<u32> = answer
            .windows(REPEAT_TOKENS)
            .filter(|window| window.starts_with(last))
            .map(|window| window[REPEAT_TOKENS - 1])
            .collect();
        found.sort_unstable();
        found.dedup();
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

/// Which tokens start a sentence or a line.
fn sentence_starts(tokens: &[u32], tokenizer: &Tokenizer) -> Vec<bool> {
    let mut starts = Vec::with_capacity(tokens.len());
    let mut starting = true;
    let mut word_bytes = 0;
    for token in tokens {
        let bytes = tokenizer.bytes(*token);
        let blank = bytes.iter().all(u8::is_ascii_whitespace);
        starts.push(starting && !blank);
        let ends = match bytes.last() {
            // A stop after a single letter abbreviates a word, as in "n." and "e.g.".
            Some(b'.') => word_bytes != 1,
            Some(b'!' | b'?' | b':' | b'\n') => true,
            _ => false,
        };
        starting = ends || (starting && blank);
        word_bytes = bytes.trim_ascii().len();
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(tokens: &[u32], starts: &[usize]) -> QuoteSource {
        let starts = (0..tokens.len()).map(|at| starts.contains(&at)).collect();
        QuoteSource { tokens: tokens.to_vec(), starts, ends: vec![99] }
    }

    #[test]
    fn continuations_follow_the_longest_match() {
        let source = source(&[1, 2, 3, 4, 2, 3, 5, 9], &[0, 6]);
        let rows: [(&[u32], &[(u32, usize)]); 7] = [
            (&[], &[(1, 1), (5, 1)]),
            (&[1], &[(2, 1)]),
            (&[7, 2], &[(3, 1)]),
            // Token 3 ended a sentence too early, so that one may start.
            (&[1, 2, 3], &[(1, 1), (4, 3), (5, 1)]),
            (&[4, 2, 3], &[(1, 1), (4, 2), (5, 1)]),
            (&[8, 8, 8, 8, 8, 4, 2, 3], &[(4, 2)]),
            (&[4, 2, 3, 4], &[(2, 3)]),
        ];
        for (answer, expected) in rows {
            assert_eq!(source.continuations(answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn an_answer_does_not_end_as_a_title() {
        let source = source(&[1, 2], &[0]);
        assert_eq!(source.early_ends(&[1; ANSWER_TOKENS_MIN - 1]), [99]);
        assert!(source.early_ends(&[1; ANSWER_TOKENS_MIN]).is_empty());
        assert!(QuoteSource::default().early_ends(&[]).is_empty());
    }

    #[test]
    fn repetitions_are_the_fourth_of_four() {
        let source = source(&[1], &[0]);
        assert_eq!(source.repetitions(&[1, 2, 3, 4, 9, 1, 2, 3]), [4]);
        assert!(source.repetitions(&[1, 2, 3]).is_empty());
        assert_eq!(source.repetitions(&[5, 5, 5, 5]), [5]);
        assert!(QuoteSource::default().repetitions(&[5, 5, 5, 5]).is_empty());
    }
}
