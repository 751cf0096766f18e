//! From a file of JSON lines to its index and sealed snapshot in one step, for use outside any ledger.
//! Absent: reading the file, and commitments: the order of the lines stands for the order of commitment.

use openledger_datanet::{ParseError, ParseOptions, SealedSnapshot, SnapshotError, number, parse_json_lines};

use crate::segment::{IndexError, Segment};

/// A file that was indexed and sealed. The snapshot names the segment's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedFile {
    /// What the file holds.
    pub snapshot: SealedSnapshot,
    /// The index over it.
    pub segment: Segment,
}

/// Why a file cannot be indexed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexFileError {
    /// A line is refused.
    #[error(transparent)]
    Parse(ParseError),
    /// The texts cannot be indexed.
    #[error(transparent)]
    Index(IndexError),
    /// The contributions cannot be sealed.
    #[error(transparent)]
    Snapshot(SnapshotError),
}

/// Parses, indexes and seals `lines` as the datanet `datanet`. Sequences start at `first_sequence`: give each file of
/// one index its own range, the earlier file the lower one, since the lower number owns a text that both hold.
///
/// # Errors
/// The first step that fails, with the line where there is one.
pub fn index_json_lines(
    datanet: &str,
    lines: &[u8],
    options: &ParseOptions,
    first_sequence: u64,
) -> Result<IndexedFile, IndexFileError> {
    let entries = number(parse_json_lines(lines, options).map_err(IndexFileError::Parse)?, first_sequence);
    let segment = Segment::build(datanet, &entries).map_err(IndexFileError::Index)?;
    let snapshot =
        SealedSnapshot::seal(datanet, entries, segment.root()).map_err(IndexFileError::Snapshot)?;
    Ok(IndexedFile { snapshot, segment })
}
