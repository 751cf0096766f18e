//! What belongs to an index on disk: one small file that is replaced as a whole. Files that it does not name are none of
//! the index, but for journals from the first that it counts on.

use std::path::Path;

use borsh::{BorshDeserialize, BorshSerialize};

use super::files::{Files, write_whole};
use crate::StoreError;

/// The file's name.
pub(super) const FILE: &str = "manifest";

const MAGIC: &[u8; 8] = b"OLSTORE\x01";

/// The longest file.
const BYTES_MAX: u64 = 1 << 30;

#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Manifest {
    pub(super) datanet: String,
    /// The number that the next file gets.
    pub(super) next_number: u64,
    /// The last commitment that ever came.
    pub(super) last_sequence: Option<u64>,
    /// Texts of earlier journals are in segments, or are gone.
    pub(super) first_journal: u64,
    pub(super) segments: Vec<SegmentLine>,
    /// The commitments in these segments that were taken out, rising.
    pub(super) revoked: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct SegmentLine {
    pub(super) number: u64,
    pub(super) root: [u8; 32],
    /// Whether it holds copies.
    pub(super) is_copies: bool,
    /// The commitments in it, rising: the first of a row of them, and how many they are.
    pub(super) runs: Vec<(u64, u64)>,
}

impl SegmentLine {
    /// Rising commitments as runs.
    pub(super) fn runs_of(sequences: impl Iterator<Item = u64>) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for sequence in sequences {
            match runs.last_mut() {
                Some((first, count)) if first.checked_add(*count) == Some(sequence) => *count += 1,
                _ => runs.push((sequence, 1)),
            }
        }
        runs
    }

    /// The commitments.
    pub(super) fn sequences(&self) -> impl Iterator<Item = u64> {
        self.runs.iter().flat_map(|(first, count)| *first..first.saturating_add(*count))
    }
}

impl Manifest {
    pub(super) fn save(&self, files: &dyn Files, dir: &Path) -> Result<(), StoreError> {
        let path = dir.join(FILE);
        let content = borsh::to_vec(self).expect("writing to memory does not fail");
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&crc32fast::hash(&content).to_le_bytes());
        bytes.extend_from_slice(&content);
        write_whole(files, &path, &bytes).map_err(|error| StoreError::Io { path, reason: error.to_string() })
    }

    /// The manifest of a folder; `None` when it has none.
    pub(super) fn load(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = dir.join(FILE);
        let length = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::Io { path, reason: error.to_string() }),
        };
        let damaged = |reason: &str| StoreError::Damaged { path: path.clone(), reason: reason.to_owned() };
        if length > BYTES_MAX {
            return Err(damaged("it is longer than any manifest"));
        }
        let bytes = std::fs::read(&path)
            .map_err(|error| StoreError::Io { path: path.clone(), reason: error.to_string() })?;
        let content = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it is no manifest, version 1"))?;
        let (check, content) = content.split_at_checked(4).ok_or_else(|| damaged("it is cut off"))?;
        if check != crc32fast::hash(content).to_le_bytes() {
            return Err(damaged("it does not fit its checksum"));
        }
        Self::try_from_slice(content).map(Some).map_err(|error| damaged(&error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::Disk;
    use super::*;

    #[test]
    fn a_manifest_is_read_back_and_no_byte_of_it_can_change() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::load(folder.path()).unwrap(), None);
        let line = SegmentLine {
            number: 3,
            root: [7; 32],
            is_copies: true,
            runs: SegmentLine::runs_of([1, 2, 3, 9, 11, 12].into_iter()),
        };
        assert_eq!(line.runs, [(1, 3), (9, 1), (11, 2)]);
        assert_eq!(line.sequences().collect::<Vec<_>>(), [1, 2, 3, 9, 11, 12]);
        let manifest = Manifest {
            datanet: "notes".into(),
            next_number: 4,
            last_sequence: Some(12),
            first_journal: 2,
            segments: vec![line],
            revoked: vec![9],
        };
        manifest.save(&Disk, folder.path()).unwrap();
        assert_eq!(Manifest::load(folder.path()).unwrap(), Some(manifest));
        let path = folder.path().join(FILE);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x20;
            std::fs::write(&path, &changed).unwrap();
            assert!(matches!(Manifest::load(folder.path()), Err(StoreError::Damaged { .. })), "byte {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(matches!(Manifest::load(folder.path()), Err(StoreError::Damaged { .. })), "cut at {at}");
        }
    }
}
