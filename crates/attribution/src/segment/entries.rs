//! The entries of a segment, which are its words and the ends of its texts in the order of commitment, by number; and
//! the words of a suffix. Absent: what is proven of them (`proof`).

use std::cmp::Ordering;

use super::code::{self, SEPARATOR};
use super::view::View;

impl View<'_> {
    /// The place behind the code at `at`; `None` when there is no whole one.
    fn behind(&self, at: usize) -> Option<usize> {
        match code::read(self.codes, at) {
            Some((_, length)) => Some(at + length),
            None => (self.codes.get(at) == Some(&SEPARATOR)).then_some(at + 1),
        }
    }

    /// Where the code of an entry starts. Reads the codes of a block at most.
    fn code_of_entry(&self, entry: u32) -> Option<usize> {
        let row = self.gaps.row(self.gaps.last(|row| row.first_entry <= entry)?)?;
        (row.first_entry..entry).try_fold(row.first_code as usize, |at, _| self.behind(at))
    }

    /// The entry whose code starts at `code`.
    pub(crate) fn entry_of_code(&self, code: usize) -> Option<u32> {
        let row = self.gaps.row(self.gaps.last(|row| row.first_code as usize <= code)?)?;
        let (mut entry, mut at) = (row.first_entry, row.first_code as usize);
        while at < code {
            (entry, at) = (entry.checked_add(1)?, self.behind(at)?);
        }
        Some(entry)
    }

    /// Calls `each` with the words of the entries from `first` on, as many as `count` or as there are; ends are empty.
    pub(crate) fn each_word(&self, first: u32, count: usize, mut each: impl FnMut(&[u8])) -> Option<()> {
        let mut at = self.code_of_entry(first)?;
        let mut word = Vec::new();
        for _ in 0..count {
            if at == self.codes.len() {
                break;
            }
            self.dictionary.word(self.word_at(at) as usize, &mut word);
            each(&word);
            at = self.behind(at)?;
        }
        Some(())
    }

    /// How the suffix at a rank compares with the words, and how many of them it starts with; equal when with all.
    pub(crate) fn compare(&self, rank: usize, words: &[String]) -> (Ordering, usize) {
        let (mut at, mut found) = (self.suffixes.get(rank), Vec::new());
        for (place, word) in words.iter().enumerate() {
            self.dictionary.word(self.word_at(at) as usize, &mut found);
            let order = found.as_slice().cmp(word.as_bytes());
            match self.behind(at).filter(|_| order == Ordering::Equal) {
                Some(next) => at = next,
                None => return (order, place),
            }
        }
        (Ordering::Equal, words.len())
    }

    /// How many words the suffix at a rank shares with the one before it, up to the end of either text and `limit`.
    pub(crate) fn shared_with_previous(&self, rank: usize, limit: usize) -> usize {
        let Some(previous) = rank.checked_sub(1) else { return 0 };
        let (mut one, mut other) = (self.suffixes.get(previous), self.suffixes.get(rank));
        let mut shared = 0;
        while shared < limit {
            match (code::read(self.codes, one), code::read(self.codes, other)) {
                (Some((word, length)), Some((same, _))) if word == same => {
                    (one, other, shared) = (one + length, other + length, shared + 1);
                }
                _ => break,
            }
        }
        shared
    }
}
