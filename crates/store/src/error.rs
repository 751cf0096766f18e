//! What can go wrong with a store, and what to do then.

use std::path::{Path, PathBuf};

/// Why a store refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the directory.
    #[error("{} is in use by process {process}; stop it or choose another directory with --dir", dir.display())]
    AlreadyRunning {
        /// The directory.
        dir: PathBuf,
        /// The process that holds it, as it wrote itself.
        process: String,
    },
    /// The file is not what this store wrote.
    #[error("{} is damaged ({reason}); restore it from a backup, or move it aside to start without it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file was written by another version.
    #[error("{} has format {found}, this version reads format {expected}; use the version that wrote it", path.display())]
    WrongVersion {
        /// The file.
        path: PathBuf,
        /// The format found.
        found: u64,
        /// The format expected.
        expected: u64,
    },
    /// Reading or writing failed.
    #[error("{} cannot be read or written: {reason}; check free space and permissions, then start again", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A receipt does not continue the sequence.
    #[error("receipt {given} does not follow; the next one is {expected}")]
    SequenceNotNext {
        /// The next sequence number.
        expected: u64,
        /// The one given.
        given: u64,
    },
    /// A receipt with this id is stored already.
    #[error("a receipt with the id {id} is stored already")]
    IdKnown {
        /// The id.
        id: String,
    },
    /// A batch with this number is stored already and may be under way.
    #[error(
        "batch {number} is stored already and may be under way; it is submitted again or dropped, never replaced"
    )]
    BatchKnown {
        /// The number.
        number: u64,
    },
    /// The texts cannot be indexed.
    #[error("the index in {} cannot take this: {cause}", dir.display())]
    Index {
        /// The index's directory.
        dir: PathBuf,
        /// Why not.
        cause: openledger_attribution::IndexError,
    },
    /// The index is of another datanet.
    #[error("{} holds the index of the datanet {found}, not of {expected}; name another directory", dir.display())]
    OtherDatanet {
        /// The directory.
        dir: PathBuf,
        /// The datanet that it holds.
        found: String,
        /// The one wanted.
        expected: String,
    },
    /// A text does not come behind those that are there.
    #[error(
        "the text with the commitment {given} does not come after the last, {last}; add texts in the order of commitment"
    )]
    NotRising {
        /// The last commitment.
        last: u64,
        /// The one given.
        given: u64,
    },
    /// An earlier write failed.
    #[error("{} takes nothing more, because a write failed ({reason}); free space or mend the disk, and open it again", dir.display())]
    Stopped {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A value is larger than its limit.
    #[error("{what} has {bytes} bytes, more than the limit of {bytes_max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
}

/// Translates the library's errors, naming the file.
pub(crate) fn failed(path: &Path, error: impl Into<redb::Error>) -> StoreError {
    let path = path.to_path_buf();
    match error.into() {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            StoreError::Damaged { path, reason: error.to_string() }
        }
        redb::Error::Corrupted(reason) => StoreError::Damaged { path, reason },
        error @ (redb::Error::UpgradeRequired(_) | redb::Error::TableTypeMismatch { .. }) => {
            StoreError::Damaged { path, reason: error.to_string() }
        }
        error => StoreError::Io { path, reason: error.to_string() },
    }
}
