//! A segment's sections, ready to be searched: made once for an output, and cheap to make.
//!
//! Every read is of a checked place, so that a forged segment gives wrong answers and no panic.

use super::bits::Packed;
use super::blocks::Blocks;
use super::dictionary::Dictionary;
use super::documents::{DOCUMENT_BYTES, Document};
use super::hidden::Hidden;
use super::layout::Section;
use super::listing::Listing;
use super::{Segment, code};

/// The number of a word that the segment does not hold.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// What a search reads of a segment.
#[derive(Debug, Clone)]
pub(crate) struct View<'a> {
    pub(crate) segment: &'a Segment,
    /// The documents that are not to be seen, where there are such.
    pub(crate) hidden: Option<&'a Hidden>,
    pub(crate) codes: &'a [u8],
    pub(crate) suffixes: Packed<'a>,
    pub(crate) buckets: Packed<'a>,
    pub(crate) samples: &'a [[u8; 8]],
    pub(super) dictionary: Dictionary<'a>,
    pub(super) gaps: Blocks<'a>,
    pub(super) labels: Blocks<'a>,
    word_of_code: Packed<'a>,
    code_of_word: Packed<'a>,
    listing: Listing<'a>,
    /// The stored nodes of the trees.
    pub(crate) trees: &'a [u8],
    documents: &'a [[u8; DOCUMENT_BYTES]],
    document_codes: &'a [[u8; 4]],
}

impl Segment {
    /// The segment, ready to be searched.
    pub(crate) fn view(&self) -> View<'_> {
        let head = &self.layout.head;
        let section = |section| self.section(section);
        let blocks = |table, packed| Blocks { table: section(table).as_chunks().0, packed: section(packed) };
        View {
            segment: self,
            hidden: None,
            codes: section(Section::Codes),
            suffixes: Packed::new(section(Section::Suffixes), u32::from(head.code_bits)),
            buckets: Packed::new(section(Section::Buckets), head.rank_bits()),
            samples: section(Section::Samples).as_chunks().0,
            dictionary: Dictionary {
                heads: section(Section::WordHeads).as_chunks().0,
                groups: section(Section::WordGroups).as_chunks().0,
                words: section(Section::Words),
                lengths: section(Section::WordLengths),
            },
            gaps: blocks(Section::GapTable, Section::Gaps),
            labels: blocks(Section::LabelTable, Section::Labels),
            word_of_code: Packed::new(section(Section::WordOfCode), head.word_bits()),
            code_of_word: Packed::new(section(Section::CodeOfWord), head.word_bits()),
            listing: Listing::new(section(Section::Listing).as_chunks().0, head.words as usize),
            trees: section(Section::Trees),
            documents: section(Section::Documents).as_chunks().0,
            document_codes: section(Section::DocumentCodes).as_chunks().0,
        }
    }
}

impl View<'_> {
    /// The number of a folded word; [`UNKNOWN`] when it does not occur.
    pub(crate) fn word_id(&self, folded: &str) -> u32 {
        self.dictionary.find(folded.as_bytes()).unwrap_or(UNKNOWN)
    }

    /// The number of the word whose code starts at `at`; 0 at the end of a document.
    #[inline]
    pub(crate) fn word_at(&self, at: usize) -> u32 {
        code::read(self.codes, at).map_or(0, |(code, _)| self.word_of_code.get(code) as u32)
    }

    /// The word whose code starts at `at` by its number, and where the next code starts; `None` at the end of a document.
    #[inline]
    pub(crate) fn word_behind(&self, at: usize) -> Option<(u32, usize)> {
        code::read(self.codes, at).map(|(code, length)| (self.word_of_code.get(code) as u32, at + length))
    }

    /// How many distinct words there are.
    pub(crate) fn word_total(&self) -> usize {
        self.dictionary.len()
    }

    /// The document that holds the code at `at`.
    pub(crate) fn document_at(&self, at: usize) -> usize {
        let starts = &self.document_codes[..self.document_codes.len().saturating_sub(1)];
        starts.partition_point(|start| u32::from_le_bytes(*start) as usize <= at).saturating_sub(1)
    }

    /// What is known of a document, if there is one of this number.
    pub(crate) fn document(&self, document: usize) -> Option<Document> {
        self.documents.get(document).map(Document::read)
    }

    /// The document that holds an entry, or whose end it is.
    pub(crate) fn document_of_entry(&self, entry: u32) -> Option<usize> {
        self.documents.partition_point(|row| Document::read(row).first_entry <= entry).checked_sub(1)
    }

    /// All documents, in commitment order.
    pub(crate) fn documents(&self) -> impl Iterator<Item = Document> {
        self.documents.iter().map(Document::read)
    }

    /// The words of a document by their numbers.
    pub(crate) fn words_of(&self, document: usize) -> impl Iterator<Item = usize> {
        let start =
            self.document_codes.get(document).map_or(usize::MAX, |start| u32::from_le_bytes(*start) as usize);
        self.words_from(start)
    }

    /// The words from the code at `at` to the end of its document, by their numbers.
    pub(super) fn words_from(&self, mut at: usize) -> impl Iterator<Item = usize> {
        std::iter::from_fn(move || {
            let (code, length) = code::read(self.codes, at)?;
            at += length;
            Some(self.word_of_code.get(code))
        })
    }

    /// The first rank of each distinct document that is seen among the ranks `start..end`, rising, each with its
    /// document; no more than `limit` of them.
    pub(crate) fn first_ranks(&self, start: usize, end: usize, limit: usize) -> Vec<(usize, usize)> {
        let document_of = |rank| self.document_at(self.suffixes.get(rank));
        self.listing.first_ranks(start, end, limit, document_of, |document| self.is_seen(document))
    }

    pub(super) fn word_of_code(&self, code: usize) -> usize {
        self.word_of_code.get(code)
    }
}

/// Words that are looked for in one segment, with their codes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pattern {
    /// The words' numbers in the segment.
    pub(crate) ids: Vec<u32>,
    pub(crate) codes: Vec<u8>,
    /// Where in the codes each word starts; unknown words have no code.
    starts: Vec<u32>,
    /// The word that each byte of the codes belongs to.
    word_of_byte: Vec<u32>,
    /// For each word, the first word from which on all up to it are known.
    known_from: Vec<u32>,
}

impl Pattern {
    /// Appends a word by its number.
    pub(crate) fn push(&mut self, view: &View<'_>, id: u32) {
        let place = self.ids.len() as u32;
        self.ids.push(id);
        self.starts.push(self.codes.len() as u32);
        if id != UNKNOWN {
            code::write(view.code_of_word.get(id as usize), &mut self.codes);
        }
        self.word_of_byte.resize(self.codes.len(), place);
        let known = if id == UNKNOWN { place + 1 } else { self.known_from.last().copied().unwrap_or(0) };
        self.known_from.push(known);
    }

    /// Where the code of a word starts; the end of all codes behind the last word.
    #[inline]
    pub(crate) fn byte(&self, word: usize) -> usize {
        self.starts.get(word).map_or(self.codes.len(), |start| *start as usize)
    }

    /// The word that a byte of the codes belongs to.
    #[inline]
    pub(crate) fn word_of_byte(&self, byte: usize) -> usize {
        self.word_of_byte.get(byte).map_or(self.ids.len(), |word| *word as usize)
    }

    /// Whether the segment holds all of the words `start..end`, each by itself.
    pub(crate) fn is_known(&self, start: usize, end: usize) -> bool {
        start < end && self.known_from[end - 1] as usize <= start
    }
}
