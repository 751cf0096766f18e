//! What spans win of an answer, worked out from the answer alone: the values of their words, and which span each word
//! goes to. Absent: whether the spans are there, which certificates show, and whether others were left out.

use openledger_datanet::ContributionId;

use super::verify::Words;
use crate::attribution::{ByteRange, WordRange};
use crate::parameters::THRESHOLD;
use crate::score::{Bid, winners};

/// A span as a receipt tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimedSpan {
    /// The bytes of the output.
    pub bytes: ByteRange,
    /// Its value, in 2^-16 nat.
    pub value: u64,
    /// The number of its owner's commitment, and the contribution; `None` when it is common.
    pub owner: Option<(u64, ContributionId)>,
}

/// The mass that each span wins when these are all spans of the output, and the weight of all words. `None` when a span
/// is not of whole words, its value is not that of its words, or the output is longer than any that is attributed.
pub fn masses_of(output: &str, spans: &[ClaimedSpan]) -> Option<(Vec<u64>, u64)> {
    let words = Words::of(output)?;
    let bid_of = |claimed: &ClaimedSpan| {
        let ByteRange { start, end } = claimed.bytes;
        let first = words.bytes.binary_search_by_key(&start, |word| word.start).ok()?;
        let last = words.bytes.binary_search_by_key(&end, |word| word.end).ok()?;
        let weight = words.weight(first, last.checked_add(1)?)?;
        let words = WordRange { start: first as u64, end: last as u64 + 1 };
        let value = weight.checked_sub(THRESHOLD).filter(|value| *value > 0)?;
        (value == claimed.value).then_some(Bid { words, value, owner: claimed.owner })
    };
    let bids: Vec<Bid> = spans.iter().map(bid_of).collect::<Option<_>>()?;
    let mut masses = vec![0; bids.len()];
    let count = words.folded.len();
    let weights: Vec<u64> = (0..count).map(|word| words.weight(word, word + 1)).collect::<Option<_>>()?;
    for (winner, weight) in winners(&bids, &weights, THRESHOLD).into_iter().zip(weights) {
        if let Some(place) = winner {
            masses[place] += weight;
        }
    }
    Some((masses, words.weight(0, count)?))
}
