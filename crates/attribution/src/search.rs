//! Search among the suffixes of a segment, comparing codes and never twice the same prefix.
//!
//! A word's bucket comes from a table, and the second and third word from the samples, which lie close together; what
//! is left is a window of some 64 suffixes, or a run of suffixes with the same three words, for a binary search that
//! keeps the prefix known on both sides (Manber, Myers 1993, section 3). Equal words are equal bytes, so prefixes are
//! compared eight bytes at a time, and only the first word that differs is decoded and compared by its number.
//! A document's end compares as 0, which no pattern holds, so a match never runs into the next text.
//! In a segment with hidden documents a match goes on only while one that is seen has it (`segment/hidden`).
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

/// Where wanted words stand among the suffixes of a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Border {
    /// The rank.
    at: usize,
    /// The longest prefix of the wanted words that a suffix of the bucket starts with.
    pub(crate) longest: usize,
}

/// What a border is looked for with.
#[derive(Clone, Copy)]
struct Search<'a> {
    bucket: Interval,
    wanted: Wanted<'a>,
    side: Side,
}

/// A binary search under way. The neighbours of the border are probed, and no suffix shares more with the wanted words
/// than the better of them does.
struct Lane {
    /// Of the search in its list.
    place: usize,
    start: usize,
    end: usize,
    /// How many words the suffixes before `start` and from `end` on share with the wanted ones, at least.
    shared_start: usize,
    shared_end: usize,
    longest: usize,
    /// The suffix in the middle, and the first byte of it that is to be compared.
    suffix: usize,
    text: usize,
}

impl Lane {
    fn new(search: &Search<'_>, window: Interval, place: usize) -> Self {
        let longest = usize::from(!search.bucket.is_empty());
        let Interval { start, end } = window;
        Self { place, start, end, shared_start: 1, shared_end: 1, longest, suffix: 0, text: 0 }
    }

    /// Reads the suffix in the middle; `None` when the border is found.
    #[inline]
    fn look(&mut self, view: &View<'_>, search: &Search<'_>) -> Option<()> {
        let width = self.end.checked_sub(self.start).filter(|width| *width > 0)?;
        self.suffix = view.suffixes.get(self.start + width / 2);
        self.text = self.suffix.saturating_add(search.wanted.bytes(self.shared_start.min(self.shared_end)));
        Some(())
    }

    /// Compares the suffix in the middle.
    #[inline]
    fn step(&mut self, view: &View<'_>, search: &Search<'_>) {
        let middle = self.start + (self.end - self.start) / 2;
        let known = self.shared_start.min(self.shared_end);
        let shared = view.shared_words(self.text, search.wanted, known);
        self.longest = self.longest.max(shared);
        let is_below = match search.wanted.id(shared) {
            None => search.side == Side::PastLast,
            Some(word) => view.word_at(self.suffix.saturating_add(search.wanted.bytes(shared))) < word,
        };
        if is_below {
            (self.start, self.shared_start) = (middle + 1, shared);
        } else {
            (self.end, self.shared_end) = (middle, shared);
        }
    }
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
        self.seen(Interval { start, end })
    }

    /// The suffixes that start with the words `from..to` of the pattern; none for no words.
    pub(crate) fn range(&self, pattern: &Pattern, from: usize, to: usize) -> Interval {
        if !pattern.is_known(from, to) {
            return Interval::default();
        }
        let wanted = Wanted { pattern, from, to };
        let bucket = self.bucket(pattern.ids[from]);
        if wanted.len() == 1 {
            return self.seen(bucket);
        }
        let start = self.border(Search { bucket, wanted, side: Side::First }).at;
        let rest = Interval { start, end: bucket.end };
        let end = self.border(Search { bucket: rest, wanted, side: Side::PastLast }).at;
        self.seen(Interval { start, end })
    }

    /// For each word, how many words from it on occur in a row in this segment, and near which rank.
    pub(crate) fn longest_all(&self, pattern: &Pattern) -> Vec<Border> {
        let mut searches = Vec::with_capacity(pattern.ids.len());
        let mut to = pattern.ids.len();
        for from in (0..pattern.ids.len()).rev() {
            let is_known = pattern.is_known(from, from + 1);
            let bucket = if is_known { self.bucket(pattern.ids[from]) } else { Interval::default() };
            to = if is_known { to } else { from };
            // A word that is not known is no search: its bucket is empty.
            searches.push(Search { bucket, wanted: Wanted { pattern, from, to }, side: Side::First });
        }
        searches.reverse();
        let mut borders = self.borders(&searches);
        if self.hidden.is_some() {
            self.shorten(pattern, &mut borders);
        }
        borders
    }

    /// Shortens each match to what a document that is seen holds, which no part of a match loses: a search for the length
    /// where the last such document goes. Near the border still stand suffixes that start with what is left.
    fn shorten(&self, pattern: &Pattern, borders: &mut [Border]) {
        let mut before = 0usize;
        for (from, border) in borders.iter_mut().enumerate() {
            let is_seen = |length: usize| !self.range(pattern, from, from + length).is_empty();
            // A match from the last word on goes on from this one.
            let (mut low, mut high) = (before.saturating_sub(1), border.longest);
            if low < high && is_seen(high) {
                low = high;
            }
            while low + 1 < high {
                let middle = low + (high - low) / 2;
                if is_seen(middle) { low = middle } else { high = middle }
            }
            border.longest = low;
            before = low;
        }
    }

    /// The suffixes that start with each of the `spans` of the pattern, which [`View::longest_all`] found.
    pub(crate) fn ranges(
        &self,
        pattern: &Pattern,
        longest: &[Border],
        spans: &[(usize, usize)],
    ) -> Vec<Interval> {
        if self.hidden.is_some() {
            return spans.iter().map(|&(from, to)| self.range(pattern, from, to)).collect();
        }
        let mut searches = Vec::with_capacity(2 * spans.len());
        for &(from, to) in spans {
            let Border { at, longest } = longest[from];
            let bucket = match pattern.ids.get(from) {
                Some(&word) if longest == to - from => self.bucket(word),
                _ => Interval::default(),
            };
            let wanted = Wanted { pattern, from, to };
            let at = at.clamp(bucket.start, bucket.end.max(bucket.start));
            searches.push(Search {
                bucket: Interval { start: bucket.start, end: at },
                wanted,
                side: Side::First,
            });
            searches.push(Search {
                bucket: Interval { start: at, end: bucket.end },
                wanted,
                side: Side::PastLast,
            });
        }
        let borders = self.borders(&searches);
        borders
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[first, last]| Interval { start: first.at, end: last.at })
            .collect()
    }

    /// The suffixes that start with the words `from..to` of the pattern, looked for outwards from the border that
    /// [`View::longest_all`] found for the word `from`: near it, when they are few.
    pub(crate) fn around(&self, pattern: &Pattern, border: Border, from: usize, to: usize) -> Interval {
        if to - from > border.longest {
            return Interval::default();
        }
        let words = &pattern.codes[pattern.byte(from)..pattern.byte(to)];
        let bucket = self.bucket(pattern.ids[from]);
        let starts = |rank: usize| {
            let rest = self.codes.get(self.suffixes.get(rank)..).unwrap_or_default();
            (bucket.start..bucket.end).contains(&rank) && rest.starts_with(words)
        };
        let Some(inside) =
            [border.at.checked_sub(1), Some(border.at)].into_iter().flatten().find(|rank| starts(*rank))
        else {
            return Interval::default();
        };
        let below = furthest(inside - bucket.start, |by| starts(inside - by));
        let above = furthest(bucket.end - 1 - inside, |by| starts(inside + by));
        Interval { start: inside - below, end: inside + above + 1 }
    }

    /// The border of one search.
    fn border(&self, search: Search<'_>) -> Border {
        let mut lane = Lane::new(&search, self.window(search.bucket, search.wanted, search.side), 0);
        while lane.look(self, &search).is_some() {
            lane.step(self, &search);
        }
        Border { at: lane.start, longest: lane.longest }
    }

    /// The borders of many searches. Several go on side by side: each waits for memory at every step, and the
    /// processor waits for all of them at once.
    fn borders(&self, searches: &[Search<'_>]) -> Vec<Border> {
        const LANES: usize = 16;
        let mut borders = vec![Border::default(); searches.len()];
        let mut lanes: Vec<Lane> = Vec::with_capacity(LANES);
        let mut waiting = searches.iter().enumerate();
        loop {
            let free = LANES - lanes.len();
            lanes.extend(waiting.by_ref().take(free).map(|(place, search)| {
                Lane::new(search, self.window(search.bucket, search.wanted, search.side), place)
            }));
            lanes.retain_mut(|lane| {
                let goes_on = lane.look(self, &searches[lane.place]).is_some();
                if !goes_on {
                    borders[lane.place] = Border { at: lane.start, longest: lane.longest };
                }
                goes_on
            });
            if lanes.is_empty() && waiting.len() == 0 {
                return borders;
            }
            // The texts are touched before any is compared, so that they come from memory together.
            let touched =
                lanes.iter().fold(0, |sum, lane| sum ^ self.codes.get(lane.text).copied().unwrap_or(0));
            std::hint::black_box(touched);
            lanes.iter_mut().for_each(|lane| lane.step(self, &searches[lane.place]));
        }
    }

    /// The part of a bucket in which the border lies, by the samples alone. A sampled suffix before and one behind the
    /// border, where there are such, are inside, so that the border's neighbours are.
    fn window(&self, bucket: Interval, wanted: Wanted<'_>, side: Side) -> Interval {
        let (first, last) =
            (bucket.start.div_ceil(SAMPLED), bucket.end.div_ceil(SAMPLED).min(self.samples.len()));
        if wanted.len() < 2 {
            // All of the bucket starts with the one word.
            let at = if side == Side::First { bucket.start } else { bucket.end };
            return Interval { start: at, end: at };
        }
        if first >= last {
            return bucket;
        }
        // A pattern of two words stands before all that go on with any third word, or behind them.
        let third = wanted.id(2).unwrap_or(if side == Side::First { 0 } else { u32::MAX });
        let key = u64::from(wanted.id(1).unwrap_or(0)) << 32 | u64::from(third);
        let sample = |place: usize| u64::from_le_bytes(self.samples[place]);
        let below = partition_point(first, last, |place| sample(place) < key);
        let behind = match (wanted.len() > 3, side) {
            (false, Side::First) => below,
            _ if below == last || sample(below) != key => below,
            _ => partition_point(below, last, |place| sample(place) == key),
        };
        let before = if wanted.len() <= 3 && side == Side::PastLast { behind } else { below };
        Interval {
            start: if before > first { (before - 1) * SAMPLED } else { bucket.start },
            end: if behind < last { behind * SAMPLED + 1 } else { bucket.end },
        }
    }

    /// How many words a suffix and the wanted ones share at their start; `known` of them are known, and `text` is where
    /// the suffix goes on behind them.
    fn shared_words(&self, text: usize, wanted: Wanted<'_>, known: usize) -> usize {
        let Wanted { pattern, from, to } = wanted;
        let start = pattern.byte(from + known);
        let rest = &pattern.codes[start..pattern.byte(to)];
        let text = self.codes.get(text..).unwrap_or_default();
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

/// The highest number up to `most` for which `holds`, which holds for 0 and for no number behind one for which it does
/// not; in few steps when it is low.
pub(crate) fn furthest(most: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (0, 1);
    while low + step <= most && holds(low + step) {
        low += step;
        step *= 2;
    }
    while step > 1 {
        step /= 2;
        if low + step <= most && holds(low + step) {
            low += step;
        }
    }
    low
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
