//! The words of an output, and its maximal matching spans found in one go.
//!
//! A span is maximal when it can be lengthened on neither side: for each word the longest match from there is looked
//! up, and it is kept when it reaches further than every earlier one. Absent: which spans count (`score`).

use openledger_datanet::words;

use crate::attribution::Attribution;
use crate::index::Index;
use crate::parameters::{OUTPUT_BYTES_MAX, OUTPUT_WORDS_MAX, Rules};
use crate::score::score;
use crate::search::Interval;

/// Why an output cannot be attributed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// The output is too long.
    #[error(
        "the output is longer than {OUTPUT_BYTES_MAX} bytes or {OUTPUT_WORDS_MAX} words; attribute it in parts"
    )]
    TooLong,
    /// The output is no UTF-8.
    #[error("the output is not UTF-8 at byte {at}; pass on the bytes of the text as they are")]
    NotUtf8 {
        /// The first bad byte.
        at: usize,
    },
}

/// The words of an output so far.
#[derive(Debug, Clone)]
pub(crate) struct OutputWords {
    /// The bytes of each word in the output.
    pub(crate) places: Vec<(usize, usize)>,
    pub(crate) weights: Vec<u64>,
    /// For each segment, the ids of the words.
    pub(crate) ids: Vec<Vec<u32>>,
}

impl OutputWords {
    pub(crate) fn new(index: &Index) -> Self {
        Self { places: Vec::new(), weights: Vec::new(), ids: vec![Vec::new(); index.segments().len()] }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Adds the word whose folded form is given and which takes the bytes `start..end` of the output.
    pub(crate) fn add(
        &mut self,
        index: &Index,
        folded: &str,
        start: usize,
        end: usize,
    ) -> Result<(), OutputError> {
        if self.len() == OUTPUT_WORDS_MAX {
            return Err(OutputError::TooLong);
        }
        let known = index.look_up(folded);
        self.places.push((start, end));
        self.weights.push(known.weight);
        for (ids, id) in self.ids.iter_mut().zip(known.ids) {
            ids.push(id);
        }
        Ok(())
    }

    /// The suffixes of each segment that start with the words `start..end`.
    pub(crate) fn ranges(&self, index: &Index, start: usize, end: usize) -> Vec<Interval> {
        index.segments().iter().zip(&self.ids).map(|(segment, ids)| segment.range(&ids[start..end])).collect()
    }
}

/// A maximal span of words, and where it occurs in each segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundSpan {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) ranges: Vec<Interval>,
}

/// The attribution of a whole output. The same as a [`crate::Matcher`]'s, found by looking up each word's longest match.
///
/// # Errors
/// The output is too long.
pub fn attribute(output: &str, index: &Index) -> Result<Attribution, OutputError> {
    attribute_by(output, index, Rules::FROZEN)
}

pub(crate) fn attribute_by(output: &str, index: &Index, rules: Rules) -> Result<Attribution, OutputError> {
    if output.len() > OUTPUT_BYTES_MAX {
        return Err(OutputError::TooLong);
    }
    let mut output_words = OutputWords::new(index);
    let mut folded = String::new();
    for (range, word) in words::words(output) {
        words::fold_into(word, &mut folded);
        output_words.add(index, &folded, range.start, range.end)?;
    }
    let spans = maximal_spans(&output_words, index);
    Ok(score(&output_words, &spans, index, rules))
}

fn maximal_spans(words: &OutputWords, index: &Index) -> Vec<FoundSpan> {
    let mut spans = Vec::new();
    let mut last_end = 0;
    for start in 0..words.len() {
        let lengths =
            index.segments().iter().zip(&words.ids).map(|(segment, ids)| segment.longest(&ids[start..]));
        let end = start + lengths.max().unwrap_or(0);
        if end > last_end && end > start {
            spans.push(FoundSpan { start, end, ranges: words.ranges(index, start, end) });
            last_end = end;
        }
    }
    spans
}
