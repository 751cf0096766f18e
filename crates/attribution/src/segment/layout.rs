//! Where everything stands in the bytes of a segment: a head, then the sections in the order of [`Section`], each
//! from a multiple of 64 bytes on, then a CRC-32 of every 64 KiB of the sections.
//!
//! The head is borsh in 512 bytes, zeros behind it, its own CRC-32 at the end; it holds the length of each section, so
//! places follow. All numbers are little-endian. Bytes are hostile: what `read` accepts has every section inside the
//! file and as long as the head's counts say, and nothing beside them. Whether the sections fit each other only
//! building again can tell (`verify`); no reader relies on it, and none can be made to panic. Absent: files and maps.

use std::ops::Range;

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_datanet::{is_datanet_name, words::WORDS_VERSION};

use super::bits::packed_bytes;
use super::blocks::ROW_BYTES;
use super::dictionary::{group_count, word_bits};
use super::documents::DOCUMENT_BYTES;
use super::listing::{BLOCK, listing_bytes};
use super::{IndexError, code};
use crate::parameters::SEGMENT_WORDS_MAX;
use crate::proof::tree::stored_bytes;

const MAGIC: &[u8; 8] = b"OLSEG\0\0\x03";
const HEAD_BYTES: usize = 512;
const ALIGNMENT: usize = 64;
const CHECKED_BYTES: usize = 64 * 1024;

/// The parts of a segment, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The first eight bytes of each group of words.
    WordHeads,
    /// Where each group of words starts.
    WordGroups,
    /// The words, front-coded.
    Words,
    /// The length of each word in one byte; 255 for that and more.
    WordLengths,
    /// The word of each code.
    WordOfCode,
    /// The code of each word.
    CodeOfWord,
    /// For each word, the first rank of its suffixes; one more at the end.
    Buckets,
    /// The texts as codes of words.
    Codes,
    /// Where in the codes each suffix starts, in the order of the suffixes.
    Suffixes,
    /// The second and third word of every 64th suffix.
    Samples,
    /// Which documents occur where among the suffixes.
    Listing,
    /// What is known of each document.
    Documents,
    /// Where in the codes each document starts; one more at the end.
    DocumentCodes,
    /// Where the blocks of gaps are.
    GapTable,
    /// What the texts have beside their words.
    Gaps,
    /// Where the blocks of labels are.
    LabelTable,
    /// Titles, authors, licences.
    Labels,
    /// Nodes of the trees that the root of a sealed segment is over.
    Trees,
}

/// How many sections there are.
pub(crate) const SECTIONS: usize = 18;

/// All sections with their names, in order.
pub(crate) const ALL: [(Section, &str); SECTIONS] = [
    (Section::WordHeads, "heads of words"),
    (Section::WordGroups, "groups of words"),
    (Section::Words, "words"),
    (Section::WordLengths, "lengths of words"),
    (Section::WordOfCode, "words of codes"),
    (Section::CodeOfWord, "codes of words"),
    (Section::Buckets, "buckets"),
    (Section::Codes, "codes"),
    (Section::Suffixes, "suffixes"),
    (Section::Samples, "samples"),
    (Section::Listing, "listing"),
    (Section::Documents, "documents"),
    (Section::DocumentCodes, "codes of documents"),
    (Section::GapTable, "table of gaps"),
    (Section::Gaps, "gaps"),
    (Section::LabelTable, "table of labels"),
    (Section::Labels, "labels"),
    (Section::Trees, "nodes of trees"),
];

/// What the head says.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Head {
    magic: [u8; 8],
    words_version: u16,
    pub(crate) datanet: String,
    pub(crate) documents: u32,
    /// Words in the texts.
    pub(crate) words: u32,
    /// Distinct words.
    pub(crate) vocabulary: u32,
    /// The width of a place in the codes.
    pub(crate) code_bits: u8,
    /// Whether there are trees, and the root is over them.
    pub(crate) is_sealed: bool,
    pub(crate) root: [u8; 32],
    lengths: [u64; SECTIONS],
    /// The CRC-32 of the list of checksums.
    checks: u32,
}

impl Head {
    /// A head before its sections are known.
    pub(crate) fn new(
        datanet: String,
        documents: u32,
        words: u32,
        vocabulary: u32,
        code_bits: u8,
        (is_sealed, root): (bool, [u8; 32]),
    ) -> Self {
        let lengths = [0; SECTIONS];
        Self {
            magic: *MAGIC,
            words_version: WORDS_VERSION,
            datanet,
            documents,
            words,
            vocabulary,
            code_bits,
            is_sealed,
            root,
            lengths,
            checks: 0,
        }
    }

    /// The width of a rank.
    pub(crate) fn rank_bits(&self) -> u32 {
        super::bits::width_of(self.words as usize)
    }

    /// The width of a word's number.
    pub(crate) fn word_bits(&self) -> u32 {
        word_bits(self.vocabulary as usize)
    }

    /// The lengths that follow from the counts.
    fn expected_lengths(&self) -> Vec<(Section, usize)> {
        let (documents, words, vocabulary) =
            (self.documents as usize, self.words as usize, self.vocabulary as usize);
        vec![
            (Section::WordHeads, 8 * group_count(vocabulary)),
            (Section::WordGroups, 4 * group_count(vocabulary)),
            (Section::WordLengths, vocabulary),
            (Section::WordOfCode, packed_bytes(vocabulary, self.word_bits())),
            (Section::CodeOfWord, packed_bytes(vocabulary + 1, self.word_bits())),
            (Section::Buckets, packed_bytes(vocabulary + 2, self.rank_bits())),
            (Section::Suffixes, packed_bytes(words, u32::from(self.code_bits))),
            (Section::Samples, 8 * words.div_ceil(BLOCK)),
            (Section::Listing, listing_bytes(words)),
            (Section::Documents, DOCUMENT_BYTES * documents),
            (Section::DocumentCodes, 4 * (documents + 1)),
            (Section::Trees, if self.is_sealed { stored_bytes(self.words, self.documents) } else { 0 }),
        ]
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = borsh::to_vec(self).expect("writing to memory does not fail");
        bytes.resize(HEAD_BYTES - 4, 0);
        let check = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&check.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let bytes = bytes.get(..HEAD_BYTES).ok_or("is cut off")?;
        if !bytes.starts_with(MAGIC) {
            return Err("is not that of an index, version 3");
        }
        let head = Self::deserialize(&mut &bytes[..]).map_err(|_| "is not readable")?;
        if head.encode() != bytes {
            return Err("does not fit its checksum");
        }
        Ok(head)
    }

    /// The places of the sections, and of the checksums behind them; `None` when they cannot be placed.
    fn places(&self) -> Option<(Vec<Range<usize>>, Range<usize>)> {
        let mut end = HEAD_BYTES;
        let mut places = Vec::with_capacity(SECTIONS);
        for length in self.lengths {
            let start = end.checked_next_multiple_of(ALIGNMENT)?;
            end = start.checked_add(usize::try_from(length).ok()?)?;
            places.push(start..end);
        }
        let start = end.checked_next_multiple_of(ALIGNMENT)?;
        let checks = (start - HEAD_BYTES).div_ceil(CHECKED_BYTES);
        Some((places, start..start.checked_add(4 * checks)?))
    }
}

/// What is where.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) head: Head,
    places: Vec<Range<usize>>,
}

impl Layout {
    /// Reads the head and compares all checksums.
    ///
    /// # Errors
    /// The first part that is damaged.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, IndexError> {
        let damaged = |part, cause| IndexError::Damaged { part, cause };
        let head = Head::decode(bytes).map_err(|cause| damaged("head", cause))?;
        let is_sound = head.words_version == WORDS_VERSION
            && is_datanet_name(&head.datanet)
            && (1..=32).contains(&head.code_bits)
            && head.words as usize + head.documents as usize <= SEGMENT_WORDS_MAX
            && head.vocabulary as usize <= code::VOCABULARY_MAX;
        if !is_sound {
            return Err(damaged("head", "says what no index of this version has"));
        }
        let (places, checks) = head.places().ok_or(damaged("head", "names lengths that no file has"))?;
        if bytes.len() != checks.end {
            return Err(damaged("file", "is not as long as its head says"));
        }
        if crc32fast::hash(&bytes[checks.clone()]) != head.checks {
            return Err(damaged("checksums", "do not fit the head"));
        }
        let blocks = bytes[HEAD_BYTES..checks.start].chunks(CHECKED_BYTES);
        for (block, check) in blocks.zip(bytes[checks.clone()].as_chunks::<4>().0) {
            if crc32fast::hash(block) != u32::from_le_bytes(*check) {
                return Err(damaged("content", "does not fit its checksums"));
            }
        }
        let starts = places.iter().skip(1).map(|place| place.start).chain([checks.start]);
        if places.iter().zip(starts).any(|(place, next)| bytes[place.end..next].iter().any(|byte| *byte != 0))
        {
            return Err(damaged("space between parts", "is not empty"));
        }
        let layout = Self { head, places };
        for (section, length) in layout.head.expected_lengths() {
            if layout.place(section).len() != length {
                return Err(damaged(ALL[section as usize].1, "are not as many as the head says"));
            }
        }
        for table in [Section::GapTable, Section::LabelTable] {
            if !layout.place(table).len().is_multiple_of(ROW_BYTES) {
                return Err(damaged(ALL[table as usize].1, "is cut off"));
            }
        }
        Ok(layout)
    }

    /// The place of a section in the file.
    pub(crate) fn place(&self, section: Section) -> Range<usize> {
        self.places[section as usize].clone()
    }
}

/// Puts a segment together, section by section.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    lengths: Vec<u64>,
}

impl Writer {
    /// A writer with room for about `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + capacity);
        bytes.resize(HEAD_BYTES, 0);
        Self { bytes, lengths: Vec::with_capacity(SECTIONS) }
    }

    /// Adds the next section, which `write` appends to what it is given.
    pub(crate) fn section(&mut self, section: Section, write: impl FnOnce(&mut Vec<u8>)) {
        debug_assert_eq!(section as usize, self.lengths.len(), "sections come in order");
        self.align();
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.lengths.push((self.bytes.len() - start) as u64);
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }

    /// The whole file, with its checksums and its head.
    pub(crate) fn finish(mut self, mut head: Head) -> Vec<u8> {
        self.align();
        head.lengths.copy_from_slice(&self.lengths);
        let checks = checks_of(&self.bytes);
        head.checks = crc32fast::hash(&checks);
        self.bytes.extend_from_slice(&checks);
        self.bytes[..HEAD_BYTES].copy_from_slice(&head.encode());
        self.bytes
    }
}

/// The checksums of a file that ends with its last section.
fn checks_of(bytes: &[u8]) -> Vec<u8> {
    bytes[HEAD_BYTES..].chunks(CHECKED_BYTES).flat_map(|block| crc32fast::hash(block).to_le_bytes()).collect()
}

/// What a forger does: any bytes in the head and the sections, and right checksums over them. `None` when the head names
/// sections that are not there. For tests and fuzz targets.
#[doc(hidden)]
pub fn with_right_checksums(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut head = Head::deserialize(&mut bytes.get(..HEAD_BYTES)?).ok()?;
    let (_, checks) = head.places()?;
    let mut forged = bytes.get(..checks.start)?.to_vec();
    let checks = checks_of(&forged);
    head.checks = crc32fast::hash(&checks);
    forged.extend_from_slice(&checks);
    forged[..HEAD_BYTES].copy_from_slice(&head.encode());
    Some(forged)
}
