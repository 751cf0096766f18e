//! What spans win of an answer, worked out from the answer alone: the values of their words, and which span each word
//! goes to. Absent: whether the spans are there, which certificates show of those without edits, and whether others were
//! left out.

use std::ops::Range;

use openledger_datanet::ContributionId;

use super::verify::Words;
use crate::attribution::{ByteRange, WordRange};
use crate::near::near_value;
use crate::parameters::{NEAR_EDITS_MAX, THRESHOLD};
use crate::score::{Bid, winners};

/// A span as a receipt tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedSpan {
    /// The bytes of the output.
    pub bytes: ByteRange,
    /// Its value, in 2^-16 nat.
    pub value: u64,
    /// The number of its owner's commitment, and the contribution; `None` when it is common.
    pub owner: Option<(u64, ContributionId)>,
    /// How many edits it has; 0 when it stands in its source word for word.
    pub edits: u64,
    /// Of a span with edits, the bytes of the words that are its source's, in runs that do not touch.
    pub matched: Vec<ByteRange>,
}

/// The mass that each span wins when these are all spans of the output, and the weight of all words. `None` when a span
/// is not of whole words, its value is not that of its words, or the output is longer than any that is attributed.
pub fn masses_of(output: &str, spans: &[ClaimedSpan]) -> Option<(Vec<u64>, u64)> {
    let words = Words::of(output)?;
    let count = words.folded.len();
    let weights: Vec<u64> = (0..count).map(|word| words.weight(word, word + 1)).collect::<Option<_>>()?;
    let bid_of = |claimed: &ClaimedSpan| {
        let whole = range_of(claimed.bytes, &words)?;
        let near = near_of(claimed, &whole, &words)?;
        let matched = near.iter().flat_map(|(_, matched)| matched);
        let runs = if near.is_none() { vec![whole] } else { matched.copied().collect() };
        let value = near_value(runs.iter().flat_map(indexes), claimed.edits, &weights, THRESHOLD)?;
        (value == claimed.value).then_some(Bid { words: whole, value, owner: claimed.owner, near })
    };
    let bids: Vec<Bid> = spans.iter().map(bid_of).collect::<Option<_>>()?;
    let mut masses = vec![0; bids.len()];
    for (winner, weight) in winners(&bids, &weights, THRESHOLD).into_iter().zip(weights) {
        if let Some(place) = winner {
            masses[place] += weight;
        }
    }
    Some((masses, words.weight(0, count)?))
}

/// The words that take just these bytes.
fn range_of(bytes: ByteRange, words: &Words) -> Option<WordRange> {
    let first = words.bytes.binary_search_by_key(&bytes.start, |word| word.start).ok()?;
    let last = words.bytes.binary_search_by_key(&bytes.end, |word| word.end).ok()?;
    (first <= last).then_some(WordRange { start: first as u64, end: last as u64 + 1 })
}

fn indexes(range: &WordRange) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// The edits and matched words of a claimed span, which takes the words `whole`; of one without edits nothing. `None` when
/// its runs are not those of a near span.
#[expect(clippy::option_option, reason = "whether the claim is good, and whether it is of a near span")]
fn near_of(claimed: &ClaimedSpan, whole: &WordRange, words: &Words) -> Option<Option<(u64, Vec<WordRange>)>> {
    if claimed.edits == 0 {
        return claimed.matched.is_empty().then_some(None);
    }
    let runs: Vec<WordRange> =
        claimed.matched.iter().map(|bytes| range_of(*bytes, words)).collect::<Option<_>>()?;
    let ends = (runs.first()?.start, runs.last()?.end);
    let is_apart = runs.windows(2).all(|pair| pair[0].end < pair[1].start);
    let is_few = claimed.edits <= NEAR_EDITS_MAX && runs.len() as u64 <= claimed.edits + 1;
    (is_apart && is_few && claimed.owner.is_some() && ends == (whole.start, whole.end))
        .then_some(Some((claimed.edits, runs)))
}
