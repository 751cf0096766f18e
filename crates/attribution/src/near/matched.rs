//! What a chain matches, seed by seed: the runs of words, the edits, and how much of the text it takes. Absent: how
//! chains come about (`chain`).

use super::align::Alignment;

/// A link between two occurrences in one text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    /// The node before.
    pub(super) before: usize,
    /// The words of the text from the start of one to the start of the other.
    pub(super) offset: usize,
    /// The first word of the later seed that the earlier one leaves.
    pub(super) start: usize,
    pub(super) between: Alignment,
}

/// A seed of a chain, and how the chain comes to it.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// The seed's words, less those that the seed before it has.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The words that the seed before it has, too.
    pub(super) cut: usize,
    /// The number of the seed, and where its occurrence starts in the segment.
    pub(super) place: (usize, usize),
    /// The words of the text that the occurrence takes.
    pub(super) length: usize,
    pub(super) link: Option<Link>,
}

/// Adds up a chain, or what is left of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Matched {
    /// Runs of matched words, in the order of the output; no two of them touch.
    pub(super) runs: Vec<(usize, usize)>,
    pub(super) edits: u64,
    /// How many words of the text it takes.
    pub(super) text_words: usize,
}

impl Matched {
    /// What the pieces match. The link to the first of them does not count.
    pub(super) fn of(pieces: &[Piece]) -> Self {
        let mut found = Self { runs: Vec::new(), edits: 0, text_words: 0 };
        for pair in pieces.windows(2) {
            let Some(Link { offset, between, .. }) = pair[1].link else { continue };
            found.push(pair[0].start, pair[0].end);
            for word in (pair[0].end..pair[1].start).filter(|word| between.is_matched(word - pair[0].end)) {
                found.push(word, word + 1);
            }
            found.edits += u64::from(between.edits.0);
            found.text_words += offset;
        }
        if let Some(last) = pieces.last() {
            found.push(last.start, last.end);
            found.text_words += last.length;
        }
        found
    }

    fn push(&mut self, start: usize, end: usize) {
        match self.runs.last_mut() {
            Some(run) if run.1 == start => run.1 = end,
            _ => self.runs.push((start, end)),
        }
    }
}
