//! The steps in which a store of an index changes its folder, one trait so that tests can stop after any of them, and
//! files as maps that are removed when their last reader is gone. Absent: what stands in the files.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What changes a folder. Each call is one step: a process or a machine may stop before, in or after it.
pub(crate) trait Files: Send + Sync + Debug {
    /// Appends to a file, which is created when it does not exist.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Makes the content of a file durable.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Gives a file another name, which may be another file's until then.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Cuts a file.
    fn cut(&self, path: &Path, bytes: u64) -> io::Result<()>;
    /// Makes the names of a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// The system's files.
#[derive(Debug)]
pub(crate) struct Disk;

impl Files for Disk {
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().append(true).create(true).open(path)?.write_all(bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        OpenOptions::new().append(true).open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn cut(&self, path: &Path, bytes: u64) -> io::Result<()> {
        OpenOptions::new().write(true).open(path)?.set_len(bytes)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

/// The extension of a file that is not whole yet.
pub(crate) const UNFINISHED: &str = "unfinished";

/// Writes or replaces a file: a new one beside it, then the name. It is on disk when this returns.
pub(crate) fn write_whole(files: &dyn Files, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_added_extension(UNFINISHED);
    if unfinished.exists() {
        files.remove(&unfinished)?;
    }
    files.append(&unfinished, bytes)?;
    files.sync(&unfinished)?;
    files.rename(&unfinished, path)?;
    files.sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// A file's bytes, mapped.
pub(crate) struct Mapped {
    map: memmap2::Mmap,
    path: PathBuf,
    files: Arc<dyn Files>,
    is_doomed: AtomicBool,
}

impl Mapped {
    pub(crate) fn open(path: &Path, files: Arc<dyn Files>) -> io::Result<Self> {
        let map = map(&File::open(path)?)?;
        Ok(Self { map, path: path.to_path_buf(), files, is_doomed: AtomicBool::new(false) })
    }

    /// Has the file removed when its last reader is gone.
    pub(crate) fn doom(&self) {
        self.is_doomed.store(true, Ordering::Release);
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.map
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        if self.is_doomed.load(Ordering::Acquire) {
            // The manifest does not name it: what is left of it now is removed when the store is opened again.
            let _ = self.files.remove(&self.path);
        }
    }
}

#[expect(unsafe_code, reason = "mapping a file is unsafe, because another process may change it")]
fn map(file: &File) -> io::Result<memmap2::Mmap> {
    // SAFETY: the store's lock keeps a second store out of the folder, and this one never changes a segment that has its
    // name: it writes another file and renames that. Every place in the map is checked when it is read, whatever stands
    // there, so a process that changes the file can give us wrong answers, and no more; one that cuts it ends this
    // process as any lost disk would.
    unsafe { memmap2::Mmap::map(file) }
}
