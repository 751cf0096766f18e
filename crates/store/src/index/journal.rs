//! What came since the last segment was written: records that are appended and on disk before anybody is told.
//!
//! A record is its length, the CRC-32 of that, the CRC-32 of its content, and the content. An addition is the segment of
//! its texts. The last record may be torn: nobody was told of it, and it is cut off. Every other bad record is damage,
//! and named: what was acknowledged never goes silently.

use std::path::{Path, PathBuf};

use borsh::{BorshDeserialize, BorshSerialize};

use super::files::Files;
use crate::StoreError;

/// The longest record. A segment of the most texts that are added at once is shorter.
const RECORD_BYTES_MAX: usize = 1 << 30;

const HEAD_BYTES: usize = 12;

#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum Record {
    /// A segment, as its bytes.
    Add(Vec<u8>),
    /// These commitments are taken out.
    Revoke(Vec<u64>),
}

/// A journal that was read.
pub(super) struct Journal {
    pub(super) records: Vec<Record>,
    /// How long it is up to the end of the last whole record, where a torn one follows.
    pub(super) whole_bytes: Option<u64>,
}

pub(super) fn path_of(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016}.journal"))
}

/// Creates an empty journal; its name is on disk when this returns.
pub(super) fn create(files: &dyn Files, dir: &Path, number: u64) -> Result<(), StoreError> {
    let path = path_of(dir, number);
    let created =
        files.append(&path, &[]).and_then(|()| files.sync(&path)).and_then(|()| files.sync_folder(dir));
    created.map_err(|error| StoreError::Io { path, reason: error.to_string() })
}

/// Appends a record; it is on disk when this returns.
pub(super) fn append(files: &dyn Files, path: &Path, record: &Record) -> Result<(), StoreError> {
    let io = |error: std::io::Error| StoreError::Io { path: path.to_path_buf(), reason: error.to_string() };
    let content = borsh::to_vec(record).expect("writing to memory does not fail");
    if content.len() > RECORD_BYTES_MAX {
        return Err(StoreError::TooLarge {
            what: "one addition",
            bytes: content.len(),
            bytes_max: RECORD_BYTES_MAX,
        });
    }
    let mut bytes = (content.len() as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&content).to_le_bytes());
    bytes.extend_from_slice(&content);
    files.append(path, &bytes).map_err(io)?;
    files.sync(path).map_err(io)
}

/// Reads a journal.
///
/// # Errors
/// A record that is damaged, with whole ones behind it.
pub(super) fn read(path: &Path) -> Result<Journal, StoreError> {
    let bytes = std::fs::read(path)
        .map_err(|error| StoreError::Io { path: path.to_path_buf(), reason: error.to_string() })?;
    let mut records = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let Some((record, after)) = take(rest) else {
            let at = bytes.len() - rest.len();
            if is_torn(rest) {
                return Ok(Journal { records, whole_bytes: Some(at as u64) });
            }
            let reason = format!("the record at byte {at} does not fit its checksum, and others follow");
            return Err(StoreError::Damaged { path: path.to_path_buf(), reason });
        };
        records.push(record);
        rest = after;
    }
    Ok(Journal { records, whole_bytes: None })
}

/// How long the content of a record is, by its head; `None` when there is no whole head.
fn length_of(bytes: &[u8]) -> Option<usize> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let is_whole = rest.first_chunk::<4>() == Some(&crc32fast::hash(length).to_le_bytes());
    is_whole.then_some(u32::from_le_bytes(*length) as usize)
}

/// The first record, and what follows it; `None` when it is not whole.
fn take(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let length = length_of(bytes)?;
    let (check, rest) = bytes.get(8..)?.split_first_chunk::<4>()?;
    let (content, after) = rest.split_at_checked(length)?;
    if crc32fast::hash(content).to_le_bytes() != *check {
        return None;
    }
    Some((Record::try_from_slice(content).ok()?, after))
}

/// Whether a bad record can be one whose writing was cut short: it would end with the file or behind it, or the file was
/// lengthened and not filled.
fn is_torn(bytes: &[u8]) -> bool {
    let would_end = length_of(bytes).map(|length| length.saturating_add(HEAD_BYTES));
    bytes.len() < HEAD_BYTES
        || would_end.is_some_and(|end| end >= bytes.len())
        || bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::super::files::Disk;
    use super::*;

    #[test]
    fn a_torn_tail_is_cut_and_damage_before_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_of(folder.path(), 1);
        let records = [Record::Add(vec![5; 40]), Record::Revoke(vec![1, 2]), Record::Add(vec![9; 7])];
        let mut ends = vec![0];
        for record in &records {
            append(&Disk, &path, record).unwrap();
            ends.push(std::fs::metadata(&path).unwrap().len() as usize);
        }
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let found = read(&path).unwrap();
            let count = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(found.records, records[..count], "cut at {cut}");
            let is_whole = cut == ends[count];
            assert_eq!(found.whole_bytes, (!is_whole).then_some(ends[count] as u64), "cut at {cut}");
        }
        // A file that was lengthened before it was filled.
        std::fs::write(&path, [&whole[..], &[0; 30]].concat()).unwrap();
        assert_eq!(read(&path).unwrap().whole_bytes, Some(whole.len() as u64));
        for at in 0..ends[2] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            assert!(matches!(read(&path), Err(StoreError::Damaged { .. })), "byte {at}");
        }
    }
}
