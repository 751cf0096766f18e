//! Binary search among the suffixes of a segment, comparing words and never twice the same prefix.
//!
//! All functions take patterns of word ids of this segment; [`UNKNOWN`] matches nothing. Every document ends with a
//! separator, which no pattern holds, so a comparison never runs past the end. Absent: values and clusters.

use crate::segment::Segment;

/// The id of a word that the segment does not hold.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// An interval of ranks, end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Interval {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Interval {
    pub(crate) fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    pub(crate) fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }
}

/// Which side of the suffixes that start with the pattern is looked for.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    First,
    PastLast,
}

impl Segment {
    /// The suffixes that start with `word`.
    pub(crate) fn bucket(&self, word: u32) -> Interval {
        let word = word as usize;
        match (self.buckets.get(word), self.buckets.get(word.saturating_add(1))) {
            (Some(&start), Some(&end)) => Interval { start: start as usize, end: end as usize },
            _ => Interval::default(),
        }
    }

    /// Of suffixes that share `depth` words, those that go on with `word`.
    pub(crate) fn narrow(&self, shared: Interval, depth: usize, word: u32) -> Interval {
        if shared.is_empty() {
            return Interval::default();
        }
        let suffixes = &self.parts.suffixes[shared.start..shared.end];
        let next = |suffix: &u32| self.parts.ids[*suffix as usize + depth];
        let below = suffixes.partition_point(|suffix| next(suffix) < word);
        let equal = suffixes[below..].partition_point(|suffix| next(suffix) == word);
        Interval { start: shared.start + below, end: shared.start + below + equal }
    }

    /// The suffixes that start with all of `pattern`; none for the empty pattern.
    pub(crate) fn range(&self, pattern: &[u32]) -> Interval {
        let Some(&first) = pattern.first() else { return Interval::default() };
        let bucket = self.bucket(first);
        let (start, _) = self.partition(bucket, pattern, Side::First);
        let (end, _) = self.partition(Interval { start, end: bucket.end }, pattern, Side::PastLast);
        Interval { start, end }
    }

    /// How many leading words of `pattern` occur in a row somewhere in this segment.
    pub(crate) fn longest(&self, pattern: &[u32]) -> usize {
        let Some(&first) = pattern.first() else { return 0 };
        self.partition(self.bucket(first), pattern, Side::First).1
    }

    /// The border of `pattern` among the suffixes of a bucket, and the longest prefix of it that any probe shares.
    ///
    /// The two neighbours of the border are probed, and no suffix shares more than the better of them does.
    fn partition(&self, bucket: Interval, pattern: &[u32], side: Side) -> (usize, usize) {
        let Interval { mut start, mut end } = bucket;
        let (mut shared_start, mut shared_end) = (1, 1);
        let mut longest = usize::from(!bucket.is_empty());
        while start < end {
            let middle = start + (end - start) / 2;
            let suffix = &self.parts.ids[self.parts.suffixes[middle] as usize..];
            let known = shared_start.min(shared_end);
            let shared = known + common_prefix(&suffix[known..], &pattern[known..]);
            longest = longest.max(shared);
            let is_below = match pattern.get(shared) {
                None => side == Side::PastLast,
                Some(word) => suffix[shared] < *word,
            };
            if is_below {
                (start, shared_start) = (middle + 1, shared);
            } else {
                (end, shared_end) = (middle, shared);
            }
        }
        (start, longest)
    }
}

/// How many words two sequences share at their start; whole blocks at a time, because long quotations are compared
/// in full. A separator never equals a word of a pattern.
fn common_prefix(suffix: &[u32], pattern: &[u32]) -> usize {
    const BLOCK: usize = 32;
    let blocks = suffix.as_chunks::<BLOCK>().0.iter().zip(pattern.as_chunks::<BLOCK>().0);
    let shared = BLOCK * blocks.take_while(|(a, b)| a == b).count();
    let rest = suffix[shared..].iter().zip(&pattern[shared..]);
    shared + rest.take_while(|(a, b)| a == b).count()
}
