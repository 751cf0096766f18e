//! The validator's directory: one process at a time, one network for life.
//!
//! `lock` is held while the engine runs, `network.json` says whose chain it is, `engine/` belongs to the engine.
//! Absent: what the engine writes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::error::StartError;
use crate::identity::NetworkIdentity;
use crate::limits::IDENTITY_BYTES_MAX;

const LOCK_NAME: &str = "lock";
const IDENTITY_NAME: &str = "network.json";
const ENGINE_NAME: &str = "engine";

/// An opened directory.
pub(crate) struct Directory {
    /// Unlocks when dropped.
    pub(crate) lock: File,
    /// Where the engine stores.
    pub(crate) engine: PathBuf,
}

/// Creates, locks and checks the directory.
pub(crate) fn open(dir: &Path, identity: &NetworkIdentity) -> Result<Directory, StartError> {
    let failed = |error: io::Error| StartError::Directory { dir: dir.to_owned(), reason: error.to_string() };
    fs::create_dir_all(dir).map_err(failed)?;
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join(LOCK_NAME))
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StartError::AlreadyRunning { dir: dir.to_owned() }),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let engine = dir.join(ENGINE_NAME);
    let file = dir.join(IDENTITY_NAME);
    match read_identity(&file).map_err(failed)? {
        Some(text) => check(dir, identity, &text)?,
        None if engine.exists() => {
            let reason = format!("{IDENTITY_NAME} is missing beside stored blocks");
            return Err(StartError::Damaged { dir: dir.to_owned(), reason });
        }
        None => write_identity(dir, &file, &identity.to_json()).map_err(failed)?,
    }
    Ok(Directory { lock, engine })
}

fn check(dir: &Path, identity: &NetworkIdentity, text: &str) -> Result<(), StartError> {
    let stored = NetworkIdentity::from_json(text).map_err(|error| StartError::Damaged {
        dir: dir.to_owned(),
        reason: format!("{IDENTITY_NAME}: {error}"),
    })?;
    if stored.genesis_hash != identity.genesis_hash {
        return Err(StartError::AnotherNetwork {
            dir: dir.to_owned(),
            found: stored.genesis_hash,
            expected: identity.genesis_hash,
        });
    }
    Ok(())
}

fn read_identity(file: &Path) -> io::Result<Option<String>> {
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    // One byte more than allowed, so that the reader notices a longer file.
    opened.take(IDENTITY_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Either the whole file is there, durably, or none.
fn write_identity(dir: &Path, file: &Path, text: &str) -> io::Result<()> {
    let partial = file.with_extension("partial");
    let mut writer = File::create(&partial)?;
    writer.write_all(text.as_bytes())?;
    writer.sync_all()?;
    fs::rename(&partial, file)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::identity::Validator;

    fn identity(seed: u8) -> NetworkIdentity {
        NetworkIdentity::new("test", 1, vec![Validator::from_seed(&[seed; 32])], &BTreeMap::new())
    }

    #[test]
    fn one_process_and_one_network() {
        let temporary = tempfile::tempdir().expect("a directory");
        let dir = temporary.path();
        let first = open(dir, &identity(1)).expect("opens");
        assert!(matches!(open(dir, &identity(1)), Err(StartError::AlreadyRunning { .. })));
        drop(first);
        assert!(matches!(open(dir, &identity(2)), Err(StartError::AnotherNetwork { .. })));
        assert!(open(dir, &identity(1)).is_ok());
    }

    #[test]
    fn damage_is_named() {
        let temporary = tempfile::tempdir().expect("a directory");
        let dir = temporary.path();
        drop(open(dir, &identity(1)).expect("opens"));
        fs::create_dir(dir.join(ENGINE_NAME)).expect("created");
        for text in ["", "{", &"x".repeat(IDENTITY_BYTES_MAX + 1)] {
            fs::write(dir.join(IDENTITY_NAME), text).expect("written");
            assert!(matches!(open(dir, &identity(1)), Err(StartError::Damaged { .. })), "{}", text.len());
        }
        fs::remove_file(dir.join(IDENTITY_NAME)).expect("removed");
        assert!(matches!(open(dir, &identity(1)), Err(StartError::Damaged { .. })));
    }
}
