//! Search among the suffixes of a segment, comparing codes and never twice the same prefix.
//!
//! A word's bucket comes from a table, and the second and third word from the samples, which lie close together; what
//! is left is a window of some 64 suffixes, or a run of suffixes with the same three words, for a binary search that
//! keeps the prefix known on both sides (Manber, Myers 1993, section 3). Equal words are equal bytes, so prefixes are
//! compared eight bytes at a time, and only the first word that differs is decoded and compared by its number.
//! A document's end compares as 0, which no pattern holds, so a match never runs into the next text.
//! Absent: values and clusters.

use crate::segment::{Pattern, View};

/// Suffixes for which one sample stands.
const SAMPLED: usize = 64;

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

/// The words `from..to` of a pattern, all of which the segment knows.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    pattern: &'a Pattern,
    from: usize,
    to: usize,
}

impl Wanted<'_> {
    fn len(&self) -> usize {
        self.to - self.from
    }

    fn id(&self, word: usize) -> Option<u32> {
        self.pattern.ids[self.from..self.to].get(word).copied()
    }

    /// How many bytes the first `words` words take.
    fn bytes(&self, words: usize) -> usize {
        self.pattern.byte(self.from + words) - self.pattern.byte(self.from)
    }
}

impl View<'_> {
    /// The suffixes that start with `word`.
    pub(crate) fn bucket(&self, word: u32) -> Interval {
        let word = word as usize;
        if word == 0 || word > self.word_total() {
            return Interval::default();
        }
        let end = self.buckets.get(word + 1).min(self.segment.word_count());
        Interval { start: self.buckets.get(word), end }
    }

    /// Of suffixes that share the words `from..last` of the pattern, those that go on with the word `last`.
    pub(crate) fn narrow(&self, shared: Interval, pattern: &Pattern, from: usize, last: usize) -> Interval {
        if shared.is_empty() || !pattern.is_known(last, last + 1) {
            return Interval::default();
        }
        if last - from < 3 {
            return self.range(pattern, from, last + 1);
        }
        let (depth, word) = (pattern.byte(last) - pattern.byte(from), pattern.ids[last]);
        let next = |rank: usize| self.word_at(self.suffixes.get(rank).saturating_add(depth));
        let start = partition_point(shared.start, shared.end, |rank| next(rank) < word);
        let end = partition_point(start, shared.end, |rank| next(rank) == word);
        Interval { start, end }
    }

    /// The suffixes that start with the words `from..to` of the pattern; none for no words.
    pub(crate) fn range(&self, pattern: &Pattern, from: usize, to: usize) -> Interval {
        if !pattern.is_known(from, to) {
            return Interval::default();
        }
        let wanted = Wanted { pattern, from, to };
        let bucket = self.bucket(pattern.ids[from]);
        if wanted.len() == 1 {
            return bucket;
        }
        let (start, _) = self.border(bucket, wanted, Side::First);
        let (end, _) = self.border(Interval { start, end: bucket.end }, wanted, Side::PastLast);
        Interval { start, end }
    }

    /// How many leading words of the words `from..to` of the pattern, all known, occur in a row in this segment.
    pub(crate) fn longest(&self, pattern: &Pattern, from: usize, to: usize) -> usize {
        let Some(&first) = pattern.ids[..to].get(from) else { return 0 };
        let bucket = self.bucket(first);
        match to - from {
            1 => usize::from(!bucket.is_empty()),
            _ => self.border(bucket, Wanted { pattern, from, to }, Side::First).1,
        }
    }

    /// The border of the wanted words among the suffixes of a bucket, and the longest prefix of them that any probe
    /// shares: the neighbours of the border are probed, and no suffix shares more than the better of them does.
    fn border(&self, bucket: Interval, wanted: Wanted<'_>, side: Side) -> (usize, usize) {
        let Interval { mut start, mut end } = self.window(bucket, wanted, side);
        let (mut shared_start, mut shared_end) = (1, 1);
        let mut longest = usize::from(!bucket.is_empty());
        while start < end {
            let middle = start + (end - start) / 2;
            let suffix = self.suffixes.get(middle);
            let shared = self.shared_words(suffix, wanted, shared_start.min(shared_end));
            longest = longest.max(shared);
            let is_below = match wanted.id(shared) {
                None => side == Side::PastLast,
                Some(word) => self.word_at(suffix.saturating_add(wanted.bytes(shared))) < word,
            };
            if is_below {
                (start, shared_start) = (middle + 1, shared);
            } else {
                (end, shared_end) = (middle, shared);
            }
        }
        (start, longest)
    }

    /// The part of a bucket in which the border lies, by the samples alone. A sampled suffix before and one behind the
    /// border, where there are such, are inside, so that the border's neighbours are.
    fn window(&self, bucket: Interval, wanted: Wanted<'_>, side: Side) -> Interval {
        let (first, last) =
            (bucket.start.div_ceil(SAMPLED), bucket.end.div_ceil(SAMPLED).min(self.samples.len()));
        if first >= last || wanted.len() < 2 {
            return bucket;
        }
        // A pattern of two words stands before all that go on with any third word, or behind them.
        let third = wanted.id(2).unwrap_or(if side == Side::First { 0 } else { u32::MAX });
        let key = u64::from(wanted.id(1).unwrap_or(0)) << 32 | u64::from(third);
        let sample = |place: usize| u64::from_le_bytes(self.samples[place]);
        let below = partition_point(first, last, |place| sample(place) < key);
        let behind = match (wanted.len() > 3, side) {
            (false, Side::First) => below,
            _ => partition_point(below, last, |place| sample(place) == key),
        };
        let before = if wanted.len() <= 3 && side == Side::PastLast { behind } else { below };
        Interval {
            start: if before > first { (before - 1) * SAMPLED } else { bucket.start },
            end: if behind < last { behind * SAMPLED + 1 } else { bucket.end },
        }
    }

    /// How many words the suffix at `suffix` and the wanted ones share at their start; `known` of them are known.
    fn shared_words(&self, suffix: usize, wanted: Wanted<'_>, known: usize) -> usize {
        let Wanted { pattern, from, to } = wanted;
        let start = pattern.byte(from + known);
        let rest = &pattern.codes[start..pattern.byte(to)];
        let text = self.codes.get(suffix.saturating_add(wanted.bytes(known))..).unwrap_or_default();
        pattern.word_of_byte(start + common_prefix(text, rest)).min(to) - from
    }
}

/// The first place in `start..end` where `is_before` no longer holds.
fn partition_point(start: usize, end: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut start, mut end) = (start, end);
    while start < end {
        let middle = start + (end - start) / 2;
        if is_before(middle) {
            start = middle + 1;
        } else {
            end = middle;
        }
    }
    start
}

/// How many bytes two sequences share at their start.
fn common_prefix(text: &[u8], pattern: &[u8]) -> usize {
    let blocks = text.as_chunks::<8>().0.iter().zip(pattern.as_chunks::<8>().0);
    let mut shared = 0;
    for (a, b) in blocks {
        let difference = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if difference != 0 {
            return shared + (difference.trailing_zeros() / 8) as usize;
        }
        shared += 8;
    }
    let rest = text[shared..].iter().zip(&pattern[shared..]);
    shared + rest.take_while(|(a, b)| a == b).count()
}
