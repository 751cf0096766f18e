//! The manifest: a snapshot as a file that anyone can re-seal.
//!
//! Form: JSON lines. The first line holds the format's name, the root and the header; each further line is one entry.
//! It is canonical: reading seals the entries again, writes them again and compares every byte, so that a manifest
//! with a single changed byte is refused. Absent: files, compression.

use serde::{Deserialize, Serialize};

use crate::contribution::limits;
use crate::hexadecimal;
use crate::merkle::Hash;
use crate::snapshot::{Entry, SealedSnapshot, SnapshotError, SnapshotHeader};

const FORMAT: &str = "openledger-snapshot/2";

/// JSON writes a byte of text as at most six; the other fields take less than the text's limit.
const LINE_BYTES_MAX: usize = 8 * limits::TEXT_BYTES_MAX;

/// What the first line of every version starts with.
#[derive(Deserialize)]
struct Format {
    format: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    format: String,
    #[serde(with = "hexadecimal::fixed")]
    root: Hash,
    header: SnapshotHeader,
}

impl SealedSnapshot {
    /// The canonical manifest.
    pub fn to_manifest(&self) -> Vec<u8> {
        let first = FirstLine { format: FORMAT.to_owned(), root: self.root(), header: self.header().clone() };
        let mut bytes = Vec::new();
        write_line(&mut bytes, &first);
        for entry in self.entries() {
            write_line(&mut bytes, entry);
        }
        bytes
    }

    /// Reads a manifest, seals its entries again and checks that the root is the one it names.
    ///
    /// # Errors
    /// A line that is no entry, entries that cannot be sealed, or a manifest that is not what it says.
    pub fn from_manifest(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut lines = (1u64..).zip(bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()));
        let (_, first) =
            lines.next().ok_or(SnapshotError::Manifest { line: 1, cause: "nothing is there".into() })?;
        let Format { format } = read_line(1, first)?;
        if format != FORMAT {
            let format = format.chars().take(80).collect();
            return Err(SnapshotError::Format { format, expected: FORMAT });
        }
        let first: FirstLine = read_line(1, first)?;
        let mut entries = Vec::new();
        for (line, text) in lines {
            if entries.len() == limits::CONTRIBUTIONS_MAX {
                let (count, limit) = (entries.len() + 1, limits::CONTRIBUTIONS_MAX);
                return Err(SnapshotError::TooManyEntries { count, limit });
            }
            entries.push(read_line::<Entry>(line, text)?);
        }
        let sealed = Self::seal(&first.header.datanet, entries, first.header.index_root)?;
        if sealed.root() != first.root || sealed.to_manifest() != bytes {
            return Err(SnapshotError::ManifestChanged);
        }
        Ok(sealed)
    }
}

fn write_line(bytes: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(&mut *bytes, value).expect("writing to memory does not fail");
    bytes.push(b'\n');
}

fn read_line<'a, T: Deserialize<'a>>(line: u64, text: &'a [u8]) -> Result<T, SnapshotError> {
    if text.len() > LINE_BYTES_MAX {
        let cause = format!("longer than {LINE_BYTES_MAX} bytes");
        return Err(SnapshotError::Manifest { line, cause });
    }
    serde_json::from_slice(text).map_err(|error| SnapshotError::Manifest { line, cause: error.to_string() })
}
