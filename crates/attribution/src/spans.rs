//! The words of an output, and its maximal matching spans found in one go.
//!
//! A span is maximal when it can be lengthened on neither side: for each word the longest match from there is looked
//! up, and it is kept when it reaches further than every earlier one. Absent: which spans count (`score`).

use openledger_datanet::words;

use crate::attribution::{Attribution, ByteRange, WordRange};
use crate::index::Index;
use crate::parameters::{OUTPUT_BYTES_MAX, OUTPUT_WORDS_MAX, Rules};
use crate::score::score;
use crate::search::{Border, Interval};
use crate::segment::{Pattern, View};
use crate::unigrams::Unigrams;

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
    /// How surprising each word is, in 2^-16 nat.
    pub(crate) weights: Vec<u64>,
    /// The words as each segment has them.
    pub(crate) patterns: Vec<Pattern>,
}

impl OutputWords {
    pub(crate) fn new(index: &Index) -> Self {
        let patterns = vec![Pattern::default(); index.segments().len()];
        Self { places: Vec::new(), weights: Vec::new(), patterns }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Adds the word whose folded form is given and which takes the bytes `start..end` of the output.
    pub(crate) fn add(
        &mut self,
        views: &[View<'_>],
        folded: &str,
        (start, end): (usize, usize),
    ) -> Result<(), OutputError> {
        if self.len() == OUTPUT_WORDS_MAX {
            return Err(OutputError::TooLong);
        }
        for (pattern, view) in self.patterns.iter_mut().zip(views) {
            pattern.push(view, view.word_id(folded));
        }
        self.weights.push(Unigrams::frozen().weight(folded));
        self.places.push((start, end));
        Ok(())
    }

    /// The suffixes of each segment that start with the words `start..end`.
    pub(crate) fn ranges(&self, views: &[View<'_>], start: usize, end: usize) -> Vec<Interval> {
        views.iter().zip(&self.patterns).map(|(view, pattern)| view.range(pattern, start, end)).collect()
    }

    /// For each segment, where each word's longest match stands.
    pub(crate) fn borders(&self, views: &[View<'_>]) -> Vec<Vec<Border>> {
        views.iter().zip(&self.patterns).map(|(view, pattern)| view.longest_all(pattern)).collect()
    }

    /// All words of an output.
    fn of(output: &str, index: &Index, views: &[View<'_>]) -> Result<Self, OutputError> {
        if output.len() > OUTPUT_BYTES_MAX {
            return Err(OutputError::TooLong);
        }
        let mut output_words = Self::new(index);
        let mut folded = String::new();
        for (range, word) in words::words(output) {
            words::fold_into(word, &mut folded);
            output_words.add(views, &folded, (range.start, range.end))?;
        }
        Ok(output_words)
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

/// The attribution by other numbers, for those who measure what these would do.
///
/// # Errors
/// The output is too long.
pub fn attribute_by(output: &str, index: &Index, rules: Rules) -> Result<Attribution, OutputError> {
    let views = index.views();
    let words = OutputWords::of(output, index, &views)?;
    let borders = words.borders(&views);
    let spans = maximal_spans(&words, &borders, &views);
    Ok(score(&words, (&spans, &borders), (index, &views), rules))
}

/// A maximal run of words that an output shares with indexed texts, whatever it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// The bytes of the output.
    pub bytes: ByteRange,
    /// The words of the output.
    pub words: WordRange,
    /// How often it occurs in the indexed texts.
    pub count: u64,
}

/// All maximal runs of words that an output shares with indexed texts, in the order of the output: what [`attribute`]
/// values, without values and sources.
///
/// # Errors
/// The output is too long.
pub fn matches(output: &str, index: &Index) -> Result<Vec<Match>, OutputError> {
    let views = index.views();
    let words = OutputWords::of(output, index, &views)?;
    let spans = maximal_spans(&words, &words.borders(&views), &views).into_iter();
    Ok(spans
        .map(|FoundSpan { start, end, ranges }| Match {
            bytes: ByteRange { start: words.places[start].0 as u64, end: words.places[end - 1].1 as u64 },
            words: WordRange { start: start as u64, end: end as u64 },
            count: views.iter().zip(&ranges).map(|(view, range)| view.count(*range, end - start)).sum(),
        })
        .collect())
}

/// How many indexed texts hold each run of words of the output, copies within a snapshot left out. Of one run no more
/// than `limit` texts are counted; a run that is not of the output counts as found nowhere.
///
/// # Errors
/// The output is too long.
pub fn documents_with(
    output: &str,
    runs: &[WordRange],
    index: &Index,
    limit: usize,
) -> Result<Vec<u64>, OutputError> {
    let views = index.views();
    let words = OutputWords::of(output, index, &views)?;
    let place = |word: u64| usize::try_from(word).ok().filter(|word| *word <= words.len());
    let count = |run: &WordRange| {
        let Some((start, end)) = place(run.start).zip(place(run.end)).filter(|(start, end)| start < end)
        else {
            return 0;
        };
        let ranges = words.ranges(&views, start, end);
        let found = views.iter().zip(ranges).filter(|(_, range)| !range.is_empty());
        let counts = found.map(|(view, range)| view.first_ranks(range.start, range.end, limit).len());
        counts.sum::<usize>().min(limit) as u64
    };
    Ok(runs.iter().map(count).collect())
}

fn maximal_spans(words: &OutputWords, longest: &[Vec<Border>], views: &[View<'_>]) -> Vec<FoundSpan> {
    let mut spans = Vec::new();
    let mut last_end = 0;
    for start in 0..words.len() {
        let end = start + longest.iter().map(|borders| borders[start].longest).max().unwrap_or(0);
        if end > last_end && end > start {
            spans.push((start, end));
            last_end = end;
        }
    }
    let mut found: Vec<FoundSpan> = spans
        .iter()
        .map(|&(start, end)| FoundSpan { start, end, ranges: Vec::with_capacity(views.len()) })
        .collect();
    for ((view, pattern), longest) in views.iter().zip(&words.patterns).zip(longest) {
        for (span, range) in found.iter_mut().zip(view.ranges(pattern, longest, &spans)) {
            span.ranges.push(range);
        }
    }
    found
}
