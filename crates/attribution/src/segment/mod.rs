//! The immutable index of one snapshot as bytes that are read where they stand: in memory, or in a file's map.
//!
//! Only the earliest commitment of each cluster is indexed, so copies and near-copies change neither weights nor counts,
//! and are never paid. Words are numbered from 1 in their order, 0 ends a document; suffixes start at words only.
//! [`Segment::open`] checks what is damaged, [`Segment::verify`] what is forged. Absent: files and maps (who has them
//! passes their bytes), several snapshots (`index` joins them). A segment never changes: documents that go are hidden
//! (`hidden`) until a merge (`merge`) leaves them out.

mod bits;
mod blocks;
mod build;
mod code;
mod collect;
mod dictionary;
mod documents;
mod entries;
mod gaps;
mod hashes;
mod hidden;
mod intern;
mod labels;
mod layout;
mod listing;
mod merge;
mod texts;
mod trees;
mod view;

use std::fmt;
use std::sync::Arc;

use openledger_datanet::Entry;
use openledger_datanet::limits::TEXT_BYTES_MAX;

use crate::parameters::{SEGMENT_WORDS_MAX, SEGMENTS_MAX};

pub(crate) use blocks::Unpacker;
pub use build::Builder;
pub(crate) use dictionary::{read_bytes, write_length};
pub(crate) use documents::Document;
pub use hashes::WordHashes;
pub use hidden::Hidden;
pub(crate) use intern::Interner;
pub use layout::with_right_checksums;
use layout::{Layout, Section};
pub use merge::IndexedText;
pub(crate) use view::{Pattern, View};

/// Why an index cannot be built or read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The datanet's name is no name.
    #[error("{name:?} cannot name a datanet; use 1 to 64 characters of a-z, 0-9, '.', '-', '_'")]
    Name {
        /// The name, cut to 80 characters.
        name: String,
    },
    /// A text is longer than a contribution may be.
    #[error("the text of {external_id:?} has {bytes} bytes, more than {TEXT_BYTES_MAX}; split it")]
    TextTooLong {
        /// The contribution's external id, cut to 80 characters.
        external_id: String,
        /// The text's length.
        bytes: usize,
    },
    /// An entry does not come behind the one before it.
    #[error(
        "{external_id:?} was committed before the entry in front of it; add entries in the order of their commitments"
    )]
    Order {
        /// The contribution's external id, cut to 80 characters.
        external_id: String,
    },
    /// The texts have more words than one segment holds.
    #[error(
        "the datanet {datanet} has more than {SEGMENT_WORDS_MAX} words, or too many distinct ones; split it"
    )]
    TooManyWords {
        /// The datanet.
        datanet: String,
    },
    /// The sorter could not work, which happens when memory runs out.
    #[error("the suffixes of {datanet} could not be sorted ({cause}); free memory and try again")]
    Sorting {
        /// The datanet.
        datanet: String,
        /// What the sorter says.
        cause: String,
    },
    /// The packer could not work, which happens when memory runs out.
    #[error("the texts of {datanet} could not be packed ({cause}); free memory and try again")]
    Packing {
        /// The datanet.
        datanet: String,
        /// What the packer says.
        cause: String,
    },
    /// Two segments are of the same datanet.
    #[error("the datanet {datanet} is given twice; an index holds one snapshot of each datanet")]
    DatanetTwice {
        /// The datanet.
        datanet: String,
    },
    /// A segment is of another datanet than what it is to be merged into.
    #[error("a segment of the datanet {datanet} is no part of this one; merge segments of one datanet")]
    OtherDatanet {
        /// The segment's datanet.
        datanet: String,
    },
    /// There are more segments than an index holds.
    #[error("{count} segments are more than the {SEGMENTS_MAX} of one index; use several indexes")]
    TooManySegments {
        /// How many there are.
        count: usize,
    },
    /// The bytes are not an index, or were changed.
    #[error("the index file is damaged: {part} {cause}; build it again from the snapshot")]
    Damaged {
        /// The part of the file.
        part: &'static str,
        /// What is wrong with it.
        cause: &'static str,
    },
}

/// Bytes that a segment is read from: a `Vec<u8>`, or the map of a file that nobody changes.
pub type SegmentBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// The immutable index of one snapshot.
#[derive(Clone)]
pub struct Segment {
    bytes: SegmentBytes,
    layout: Layout,
}

impl Segment {
    /// Indexes and seals the entries of a snapshot, which stand in commitment order. Texts without words are passed over.
    ///
    /// # Errors
    /// A bad name, too long a text, too many words, or no memory.
    pub fn build(datanet: &str, entries: &[Entry]) -> Result<Self, IndexError> {
        let mut builder = Builder::new(datanet)?;
        entries.iter().try_for_each(|entry| builder.add(entry))?;
        builder.seal()
    }

    /// Reads a segment and compares its checksums: one pass over the bytes, and no copy of them. Compare
    /// [`Segment::root`] with the sealed snapshot's to know whose it says it is; whether it tells the truth, for
    /// bytes from strangers, [`Segment::verify`] finds out. A forged segment gives wrong answers and does no harm.
    ///
    /// # Errors
    /// The first part that is damaged.
    pub fn open(bytes: SegmentBytes) -> Result<Self, IndexError> {
        let layout = Layout::read((*bytes).as_ref())?;
        Ok(Self { bytes, layout })
    }

    /// The segment as bytes, checksums included.
    pub fn as_bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    /// The name of the datanet.
    pub fn datanet(&self) -> &str {
        &self.layout.head.datanet
    }

    /// Whether the segment has trees, of which certificates can be made.
    pub fn is_sealed(&self) -> bool {
        self.layout.head.is_sealed
    }

    /// Of a sealed segment the hash that its snapshot names, over the trees of the texts, of their order and of their
    /// commitments; of others one over the commitments alone, which name the words of their texts.
    pub fn root(&self) -> [u8; 32] {
        self.layout.head.root
    }

    /// How many words are indexed.
    pub fn word_count(&self) -> usize {
        self.layout.head.words as usize
    }

    /// How many texts are indexed: one for each cluster.
    pub fn document_count(&self) -> usize {
        self.layout.head.documents as usize
    }

    /// The parts of the file with their lengths in bytes, for those who measure.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, usize)> {
        layout::ALL.into_iter().map(|(section, name)| (name, self.layout.place(section).len()))
    }

    /// The bytes of a section; none when the bytes became shorter since they were read, as a cut file's map does.
    fn section(&self, section: Section) -> &[u8] {
        self.as_bytes().get(self.layout.place(section)).unwrap_or_default()
    }
}

impl PartialEq for Segment {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Segment {}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (documents, words) = (self.document_count(), self.word_count());
        f.debug_struct("Segment")
            .field("datanet", &self.datanet())
            .field("documents", &documents)
            .field("words", &words)
            .finish_non_exhaustive()
    }
}
