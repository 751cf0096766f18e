//! Which documents of a segment are not to be seen: texts that were taken out, and copies of texts in other segments.
//!
//! A segment never changes, so what goes is hidden until a merge leaves it out. Nothing of a hidden document is found:
//! a match goes on only while a document that is seen has it, and counts leave it out. Absent: the merge (`merge`).

use std::collections::BTreeSet;

use super::view::View;
use crate::search::Interval;

/// Ranks of an interval that are looked at one by one before the hidden documents are read instead.
const RANKS_MAX: usize = 4096;

/// A set of documents of one segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hidden {
    documents: BTreeSet<u32>,
}

impl Hidden {
    /// Hides a document, or shows it again.
    pub fn set(&mut self, document: u32, is_hidden: bool) {
        if is_hidden {
            self.documents.insert(document);
        } else {
            self.documents.remove(&document);
        }
    }

    /// Whether the document is hidden.
    pub fn contains(&self, document: usize) -> bool {
        u32::try_from(document).is_ok_and(|document| self.documents.contains(&document))
    }

    /// How many are hidden.
    pub fn count(&self) -> usize {
        self.documents.len()
    }

    /// They, rising.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.documents.iter().copied()
    }
}

impl<'a> View<'a> {
    /// The view without these documents.
    pub(crate) fn hiding(mut self, hidden: Option<&'a Hidden>) -> Self {
        self.hidden = hidden;
        self
    }

    /// Whether a document may be seen.
    pub(crate) fn is_seen(&self, document: usize) -> bool {
        self.hidden.is_none_or(|hidden| !hidden.contains(document))
    }

    /// Whether the document of the suffix at a rank may be seen.
    pub(crate) fn is_seen_at(&self, rank: usize) -> bool {
        self.hidden.is_none() || self.is_seen(self.document_at(self.suffixes.get(rank)))
    }

    /// The interval, or an empty one when nothing in it is seen.
    pub(crate) fn seen(&self, found: Interval) -> Interval {
        let is_seen = self.hidden.is_none()
            || (!found.is_empty() && !self.first_ranks(found.start, found.end, 1).is_empty());
        if is_seen { found } else { Interval::default() }
    }

    /// The first of the documents, which are at most `limit`, that the suffixes of an interval are of.
    pub(crate) fn first_document(&self, found: Interval, limit: usize) -> Option<usize> {
        if found.len() <= limit && self.hidden.is_none() {
            let places = (found.start..found.end).map(|rank| self.suffixes.get(rank));
            return places.min().map(|at| self.document_at(at));
        }
        let texts = self.first_ranks(found.start, found.end, limit).into_iter();
        texts.map(|(_, document)| document).min()
    }

    /// How many of the suffixes of an interval, which start with the same `words` words, are seen.
    pub(crate) fn count(&self, found: Interval, words: usize) -> u64 {
        let Some(hidden) = self.hidden else { return found.len() as u64 };
        if found.len() <= RANKS_MAX {
            let documents = (found.start..found.end).map(|rank| self.document_at(self.suffixes.get(rank)));
            return documents.filter(|document| !hidden.contains(*document)).count() as u64;
        }
        let run: Vec<usize> = self.words_from(self.suffixes.get(found.start)).take(words).collect();
        let unseen = hidden.iter().map(|document| {
            let text: Vec<usize> = self.words_of(document as usize).collect();
            text.windows(run.len().max(1)).filter(|window| *window == run).count()
        });
        (found.len() - unseen.sum::<usize>().min(found.len())) as u64
    }
}
