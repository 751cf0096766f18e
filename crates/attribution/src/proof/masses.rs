//! What spans win of an answer, worked out from the answer alone: the values of their words, and which span each word
//! goes to. Absent: whether the spans are there, which certificates show, and whether others were left out.

use super::verify::Words;
use crate::attribution::{ByteRange, Span, WordRange};
use crate::parameters::THRESHOLD;
use crate::score::winners;

/// A span as a receipt tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimedSpan {
    /// The bytes of the output.
    pub bytes: ByteRange,
    /// Its value, in 2^-16 nat.
    pub value: u64,
    /// Whether it is common.
    pub is_common: bool,
}

/// The mass that each span wins when these are all spans of the output, and the weight of all words. `None` when a span
/// is not of whole words, its value is not that of its words, or the output is longer than any that is attributed.
pub fn masses_of(output: &str, spans: &[ClaimedSpan]) -> Option<(Vec<u64>, u64)> {
    let words = Words::of(output)?;
    let span_of = |claimed: &ClaimedSpan| {
        let ByteRange { start, end } = claimed.bytes;
        let first = words.bytes.binary_search_by_key(&start, |word| word.start).ok()?;
        let last = words.bytes.binary_search_by_key(&end, |word| word.end).ok()?;
        let weight = words.weight(first, last.checked_add(1)?)?;
        (weight.checked_sub(THRESHOLD) == Some(claimed.value) && claimed.value > 0).then(|| Span {
            bytes: claimed.bytes,
            words: WordRange { start: first as u64, end: last as u64 + 1 },
            value: claimed.value,
            mass: 0,
            count: 0,
            clusters: 0,
            is_common: claimed.is_common,
            sources: Vec::new(),
        })
    };
    let mut spans: Vec<Span> = spans.iter().map(span_of).collect::<Option<_>>()?;
    for (word, winner) in winners(&spans, words.folded.len()).into_iter().enumerate() {
        if let Some(place) = winner {
            spans[place].mass += words.weight(word, word + 1)?;
        }
    }
    let total = words.weight(0, words.folded.len())?;
    Some((spans.into_iter().map(|span| span.mass).collect(), total))
}
