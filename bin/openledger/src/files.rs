//! Files that survive a crash and stay private: the old content or the new, never a part, and readable by their owner
//! alone.

use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

/// Creates a folder and its parents; what is created is open to its owner alone.
pub fn private_folder(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{} cannot be created", folder.display()))
}

/// Writes or replaces a file; it is on disk when this returns.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = written(path, bytes)?;
    file.persist(path).with_context(|| format!("{} cannot be written", path.display()))?;
    sync_folder(path)
}

/// Writes a file unless there is one already; `false` when there was. Of two processes, one writes.
pub fn create(path: &Path, bytes: &[u8]) -> Result<bool> {
    let file = written(path, bytes)?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(path).map(|()| true),
        Err(failed) if failed.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(failed) => Err(failed.error).with_context(|| format!("{} cannot be written", path.display())),
    }
}

/// The content of a file, or `None` when there is no file. Any other failure is one.
pub fn read_text(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file beside `path` (mode 0600) with its content on disk; it vanishes unless it is given the name.
fn written(path: &Path, bytes: &[u8]) -> Result<NamedTempFile> {
    let folder = folder_of(path);
    private_folder(folder)?;
    let write = || -> std::io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().with_context(|| format!("{} cannot be written; is the disk full?", path.display()))
}

fn sync_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("{} cannot be written", folder.display()))
}

/// The bytes of a segment's file, mapped.
#[expect(unsafe_code, reason = "mapping a file is unsafe, because another process may change it")]
pub fn map(path: &Path) -> std::io::Result<memmap2::Mmap> {
    let file = fs::File::open(path)?;
    // SAFETY: this program never changes a segment that has its name: it writes another file and renames that. Every place
    // in the map is checked when it is read, whatever stands there, so a process that changes the file can give us wrong
    // answers, and no more; one that cuts it ends this process as any lost disk would.
    unsafe { memmap2::Mmap::map(&file) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_are_private_replaced_whole_and_created_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("secret");
        assert_eq!(read_text(&path).unwrap(), None);
        assert!(create(&path, b"one").unwrap());
        assert!(!create(&path, b"two").unwrap());
        assert_eq!(read_text(&path).unwrap().as_deref(), Some("one"));
        write(&path, b"three").unwrap();
        assert_eq!(read_text(&path).unwrap().as_deref(), Some("three"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
        fs::write(&path, [0xff]).unwrap();
        assert!(read_text(&path).is_err(), "damaged is not absent");
    }
}
