//! Matching while an output streams, so that the attribution is there with the last token.
//!
//! State: the longest match that ends with the last word, as an interval of suffixes in each segment. A new word
//! narrows the intervals; when nothing is left the match was maximal, and its start moves on until a match goes on
//! through the new word. Pieces may cut words and characters anywhere: bytes wait until their character is whole, and
//! words until no further text can change them (`words::settled_bytes`). Absent: threads and channels; who streams
//! calls [`Matcher::push`].

use std::sync::Arc;

use openledger_datanet::words;

use crate::attribution::Attribution;
use crate::index::Index;
use crate::parameters::{OUTPUT_BYTES_MAX, Rules};
use crate::score::score;
use crate::search::Interval;
use crate::segment::View;
use crate::spans::{FoundSpan, OutputError, OutputWords};

/// Attributes an output that arrives in pieces.
#[derive(Debug, Clone)]
pub struct Matcher {
    index: Arc<Index>,
    words: OutputWords,
    /// Bytes whose words may still change: whole characters, then at most three bytes of an unfinished one.
    pending: Vec<u8>,
    /// How many bytes of the output came before `pending`.
    settled_bytes: usize,
    /// The word at which the current match starts; it ends with the last word.
    match_start: usize,
    ranges: Vec<Interval>,
    spans: Vec<FoundSpan>,
}

impl Matcher {
    /// A matcher before the first piece.
    pub fn new(index: Arc<Index>) -> Self {
        Self {
            words: OutputWords::new(&index),
            ranges: vec![Interval::default(); index.segments().len()],
            index,
            pending: Vec::new(),
            settled_bytes: 0,
            match_start: 0,
            spans: Vec::new(),
        }
    }

    /// Takes the next bytes of the output.
    ///
    /// # Errors
    /// The output is too long, or no UTF-8. The matcher is of no further use then.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), OutputError> {
        if self.settled_bytes + self.pending.len() + piece.len() > OUTPUT_BYTES_MAX {
            return Err(OutputError::TooLong);
        }
        self.pending.extend_from_slice(piece);
        let whole = self.whole_characters(false)?;
        let settled = words::settled_bytes(&whole);
        self.take_words(&whole[..settled])
    }

    /// The attribution of everything that was pushed.
    ///
    /// # Errors
    /// The output is too long, or ends inside a character.
    pub fn finish(self) -> Result<Attribution, OutputError> {
        self.finish_by(Rules::FROZEN)
    }

    pub(crate) fn finish_by(mut self, rules: Rules) -> Result<Attribution, OutputError> {
        let rest = self.whole_characters(true)?;
        self.take_words(&rest)?;
        self.close_match(self.words.len());
        let views = self.index.views();
        let borders = self.words.borders(&views);
        Ok(score(&self.words, (&self.spans, &borders), (&self.index, &views), rules))
    }

    /// The whole characters of `pending`; an unfinished one at the end is an error when the output `is_complete`.
    fn whole_characters(&self, is_complete: bool) -> Result<String, OutputError> {
        let whole = match std::str::from_utf8(&self.pending) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() && !is_complete => {
                std::str::from_utf8(&self.pending[..error.valid_up_to()]).expect("checked up to here")
            }
            Err(error) => return Err(OutputError::NotUtf8 { at: self.settled_bytes + error.valid_up_to() }),
        };
        Ok(whole.to_owned())
    }

    /// Moves `text`, the start of `pending`, into the words.
    fn take_words(&mut self, text: &str) -> Result<(), OutputError> {
        let index = Arc::clone(&self.index);
        let views = index.views();
        let mut folded = String::new();
        for (range, word) in words::words(text) {
            words::fold_into(word, &mut folded);
            let place = (self.settled_bytes + range.start, self.settled_bytes + range.end);
            self.words.add(&views, &folded, place)?;
            self.extend_match(&views);
        }
        self.pending.drain(..text.len());
        self.settled_bytes += text.len();
        Ok(())
    }

    /// Carries the match through the word that was just added.
    fn extend_match(&mut self, views: &[View<'_>]) {
        let last = self.words.len() - 1;
        let mut ranges = self.narrowed(views, last);
        while ranges.iter().all(Interval::is_empty) {
            self.close_match(last);
            self.match_start += 1;
            if self.match_start > last {
                break;
            }
            ranges = self.words.ranges(views, self.match_start, last + 1);
        }
        self.ranges = ranges;
    }

    /// The current match with the word at `last` appended, in each segment.
    fn narrowed(&self, views: &[View<'_>], last: usize) -> Vec<Interval> {
        let from = self.match_start;
        let segments = views.iter().zip(&self.words.patterns).zip(&self.ranges);
        segments
            .map(|((view, pattern), range)| match last - from {
                0 => view.range(pattern, from, last + 1),
                _ => view.narrow(*range, pattern, from, last),
            })
            .collect()
    }

    /// Keeps the match that ends before the word `end`, unless an earlier one covers it.
    fn close_match(&mut self, end: usize) {
        let last_end = self.spans.last().map_or(0, |span| span.end);
        if end > self.match_start && end > last_end {
            let ranges = self.ranges.clone();
            self.spans.push(FoundSpan { start: self.match_start, end, ranges });
        }
    }
}
