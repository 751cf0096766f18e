//! One process for one directory: an advisory lock on a file, released by the system when the process ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::StoreError;

/// Holds a directory until it is dropped.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Creates the directory when it does not exist, and locks it.
    pub fn acquire(dir: &Path) -> Result<Self, StoreError> {
        let io =
            |error: std::io::Error| StoreError::Io { path: dir.to_path_buf(), reason: error.to_string() };
        fs::create_dir_all(dir).map_err(io)?;
        let path = dir.join("lock");
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                let _ = (&mut file).take(32).read_to_string(&mut process);
                let process = process.trim().to_owned();
                return Err(StoreError::AlreadyRunning { dir: dir.to_path_buf(), process });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        file.set_len(0).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        file.write_all(std::process::id().to_string().as_bytes()).map_err(io)?;
        Ok(Self { _file: file })
    }
}
