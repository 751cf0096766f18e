//! What is proven of a span in one segment, and how: the same reading, whether the segment is there or only what a
//! certificate opens of it. Whoever reads records what is read, so a certificate opens that and nothing else.
//!
//! 1. *Held*: the ranks `first..past` are all those whose suffixes start with the span's words. Shared words are fewer
//!    than the span has at `first` and at `past`, and no fewer between; and the earliest of these entries has the words.
//!    Its text is the earliest commitment in the segment that holds the span, since texts stand in that order.
//! 2. *Longest*, in the segment of the owner: no text up to the owner's holds the span with the next word of the output,
//!    or with the one before. Where it occurs once, its neighbours in the text say it; otherwise the longer span is
//!    absent, or held, and the earliest text that holds it is a later one.
//! 3. *Absent*: words that would stand before the rank `at` in the order, and are neither there nor at the rank before.
//!    If a suffix shares more words with them than with the other rank's suffix, it speaks for both; else both are read.

use std::cmp::Ordering;

use borsh::{BorshDeserialize, BorshSerialize};

use super::tree::{DocumentLeaf, Rank};

/// A segment, or what is opened of it.
pub(crate) trait Source {
    /// How many words, and so ranks, there are.
    fn words(&self) -> u32;
    /// The word of an entry; empty at the end of a text. `None` when it cannot be told, as in all that follows.
    fn word(&mut self, entry: u32) -> Option<&[u8]>;
    /// What stands at a rank.
    fn rank(&mut self, rank: u32) -> Option<Rank>;
    /// The least entry of the ranks `first..past`, which are at least one, and the least number of shared words of those
    /// behind `first`. `first` is read before, and `past`, if there is one.
    fn least(&mut self, first: u32, past: u32) -> Option<Rank>;
    /// The text of an entry.
    fn document(&mut self, entry: u32) -> Option<DocumentLeaf>;
}

/// Which suffix is read first when words are absent: the one that shares more with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Side {
    Before,
    Behind,
}

/// Where absent words would stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Absence {
    pub(crate) at: u32,
    pub(crate) side: Side,
}

/// Where a span stands in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Place {
    Absent(Absence),
    Held(Ranks),
}

/// The ranks whose suffixes start with some words: at least one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Ranks {
    pub(crate) first: u32,
    pub(crate) past: u32,
}

/// What a segment holds of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) ranks: Ranks,
    pub(crate) entry: u32,
    pub(crate) earliest: DocumentLeaf,
}

impl Held {
    pub(crate) fn count(&self) -> u32 {
        self.ranks.past - self.ranks.first
    }
}

/// Words of an output, and a span of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) output: &'a [String],
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Ranks whose suffixes are known to start with so many of the words looked for.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    first: u32,
    past: u32,
    shared: usize,
}

impl<'a> Claim<'a> {
    pub(crate) fn span(&self) -> &'a [String] {
        &self.output[self.start..self.end]
    }

    /// The span with the word before it.
    pub(crate) fn left(&self) -> Option<&'a [String]> {
        Some(&self.output[self.start.checked_sub(1)?..self.end])
    }

    /// The span with the word behind it.
    pub(crate) fn right(&self) -> Option<&'a [String]> {
        self.output.get(self.start..self.end + 1)
    }

    /// What the segment holds of the span, which is there as `place` says; `None` when that is not so, or not shown.
    pub(crate) fn holds(&self, place: Place, source: &mut impl Source) -> Option<Option<Held>> {
        match place {
            // A segment without words needs no proof.
            Place::Absent(Absence { at: 0, side: Side::Behind }) if source.words() == 0 => Some(None),
            Place::Absent(absence) => {
                is_absent(self.span(), absence, Known::default(), source)?;
                Some(None)
            }
            Place::Held(ranks) => {
                let entry = earliest(self.span(), ranks, source)?;
                Some(Some(Held { ranks, entry, earliest: source.document(entry)? }))
            }
        }
    }

    /// Whether the owner's text, and all before it, hold no more of the output around the span than it; `sides` say
    /// where the span with the word before it, and with the word behind it, stand.
    pub(crate) fn is_longest(
        &self,
        held: Held,
        sides: [Option<Place>; 2],
        source: &mut impl Source,
    ) -> Option<()> {
        if held.count() == 1 {
            require(sides == [None, None])?;
            return self.has_other_neighbours(held.entry, source);
        }
        let Ranks { first, past } = held.ranks;
        let known = Known { first, past, shared: self.span().len() };
        let end = held.earliest.first_entry.checked_add(held.earliest.words)?;
        for (words, place, known) in
            [(self.left(), sides[0], Known::default()), (self.right(), sides[1], known)]
        {
            match (words, place) {
                (Some(words), Some(Place::Absent(absence))) => is_absent(words, absence, known, source)?,
                (Some(words), Some(Place::Held(ranks))) => require(earliest(words, ranks, source)? >= end)?,
                (None, None) => {}
                _ => return None,
            }
        }
        Some(())
    }

    /// Whether the text goes on otherwise than the output on both sides of the only place of the span.
    fn has_other_neighbours(&self, entry: u32, source: &mut impl Source) -> Option<()> {
        let length = u32::try_from(self.span().len()).ok()?;
        if let (Some(words), Some(entry)) = (self.left(), entry.checked_sub(1)) {
            require(source.word(entry)? != words[0].as_bytes())?;
        }
        if let Some(word) = self.right().and_then(<[String]>::last) {
            require(source.word(entry.checked_add(length)?)? != word.as_bytes())?;
        }
        Some(())
    }
}

/// The earliest entry of the words, when these ranks are those that start with them.
fn earliest(words: &[String], Ranks { first, past }: Ranks, source: &mut impl Source) -> Option<u32> {
    require(first < past && past <= source.words())?;
    require(usize::from(source.rank(first)?.shared) < words.len())?;
    if past < source.words() {
        require(usize::from(source.rank(past)?.shared) < words.len())?;
    }
    let least = source.least(first, past)?;
    require(past - first == 1 || usize::from(least.shared) >= words.len())?;
    for (entry, word) in (least.entry..).zip(words) {
        require(source.word(entry)? == word.as_bytes())?;
    }
    Some(least.entry)
}

/// Whether the words occur nowhere, and would stand where `absence` says.
fn is_absent(words: &[String], absence: Absence, known: Known, source: &mut impl Source) -> Option<()> {
    let Absence { at, side } = absence;
    let behind = (at < source.words()).then_some(at);
    let before = at.checked_sub(1);
    let shared = behind.map_or(Some(None), |rank| Some(Some(usize::from(source.rank(rank)?.shared))))?;
    let mut shares = |rank: Option<u32>, expected: Ordering| -> Option<Option<usize>> {
        let Some(rank) = rank else { return Some(None) };
        let (order, length) = compare(words, rank, known, source)?;
        require(order == expected)?;
        Some(Some(length))
    };
    match side {
        Side::Behind => {
            let length = shares(Some(behind?), Ordering::Greater)??;
            if before.is_some() && Some(length) <= shared {
                // Only where neither suffix alone would do are both read, so that there is one proof.
                require(shares(before, Ordering::Less)?? <= shared?)?;
            }
        }
        Side::Before => {
            let length = shares(Some(before?), Ordering::Less)??;
            require(behind.is_none() || Some(length) > shared)?;
        }
    }
    Some(())
}

/// How the suffix at a rank compares with the words, and how many of them it starts with; `None` when it starts with
/// all.
fn compare(words: &[String], rank: u32, known: Known, source: &mut impl Source) -> Option<(Ordering, usize)> {
    let is_known = (known.first..known.past).contains(&rank);
    let skipped = if is_known { known.shared } else { 0 };
    let entry = source.rank(rank)?.entry;
    for (place, word) in words.iter().enumerate().skip(skipped) {
        let order = source.word(entry.checked_add(u32::try_from(place).ok()?)?)?.cmp(word.as_bytes());
        if order != Ordering::Equal {
            return Some((order, place));
        }
    }
    None
}

/// `None` unless it holds.
fn require(holds: bool) -> Option<()> {
    holds.then_some(())
}
