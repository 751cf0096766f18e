//! An index that grows and forgets while it is searched: a log of segments, merged behind everybody's back.
//!
//! Texts of one datanet come in the order of commitment and are found as soon as `add` returns; what is revoked is gone
//! as soon as `revoke` returns: no span, no count, no share. Both are in a journal on disk by then. A query holds the
//! [`Index`] that it began with and waits for nobody; files that were merged away are removed when their last reader is
//! gone. At every moment the index gives what a fresh build of the texts that are there gives, and after
//! [`IndexStore::compact`] its segment is, byte for byte, that build's.
//!
//! The owner of a cluster is the earliest text *that is there*: when it is revoked, the next copy owns what it says, as if
//! the revoked one had never come. So copies and near-copies are kept, in segments of their own that nobody searches.
//! Memory: the segments of the journal, 16 bytes for each fingerprint and about 200 for each text; the files are mapped.
//! Opening reads all words once to know the copies.
//! Absent: several datanets in one store, roots that are sealed (who seals builds the snapshot's segment), and the
//! secure erasing of a disk: a revoked text is in files until the next merge of its segment, which `compact` forces.

mod files;
mod journal;
mod manifest;
mod merge;
mod open;
mod plan;
mod state;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use openledger_attribution::{Builder, ContributionId, Index, IndexError};
use openledger_datanet::Entry;

use self::files::{Disk, Files};
use self::journal::Record;
pub use self::open::Source;
use self::plan::Wanted;
use self::state::{Part, State};
use crate::{DirectoryLock, StoreError};

/// The most text of one addition, in bytes.
const ADD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Segments in memory at which additions wait for the merging thread.
const MEMORY_PARTS_MAX: usize = 256;

/// How much more than [`IndexLimits::memory_bytes`] is in memory when additions wait.
const MEMORY_FACTOR: usize = 4;

/// What a process may choose; nothing that is found depends on it.
#[derive(Debug, Clone, Copy)]
pub struct IndexLimits {
    /// Segments in memory become a file when they have so many bytes.
    pub memory_bytes: usize,
}

impl Default for IndexLimits {
    fn default() -> Self {
        Self { memory_bytes: 8 * 1024 * 1024 }
    }
}

/// What was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// How many texts were taken out.
    pub texts: usize,
    /// The contributions of which none was there.
    pub unknown: Vec<ContributionId>,
}

/// What a store is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexStatus {
    /// Its segments, the oldest first.
    pub segments: Vec<SegmentStatus>,
    /// Texts that are there, copies too.
    pub live: usize,
    /// Texts that are in segments and were taken out.
    pub revoked: usize,
}

/// A segment of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentStatus {
    /// Its texts.
    pub documents: usize,
    /// Those of them that are not searched: copies, and what was taken out.
    pub hidden: usize,
    /// Its size.
    pub bytes: usize,
    /// Whether it is in a file of its own; else it is in the journal and in memory.
    pub is_file: bool,
}

/// The index of one datanet in a folder, which one process has open.
pub struct IndexStore {
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
    repaired: Vec<PathBuf>,
    _lock: DirectoryLock,
}

struct Shared {
    dir: PathBuf,
    datanet: String,
    limits: IndexLimits,
    files: Arc<dyn Files>,
    inner: Mutex<Inner>,
    /// There may be something to merge.
    work: Condvar,
    /// Something was merged, or there is nothing to merge.
    done: Condvar,
    index: RwLock<Arc<Index>>,
}

#[derive(Default)]
struct Inner {
    state: State,
    wanted: Wanted,
    is_closing: bool,
    /// Why the last merge failed; it is tried again when somebody asks for it.
    failure: Option<String>,
    /// Why nothing more is written.
    broken: Option<String>,
}

impl std::fmt::Debug for IndexStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IndexStore({})", self.shared.dir.display())
    }
}

fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016}.segment"))
}

impl IndexStore {
    /// Opens a folder with the index of a datanet, and creates it when there is none.
    ///
    /// # Errors
    /// The folder is in use, of another datanet, cannot be read, or a file in it is damaged, which is named.
    pub fn open(dir: &Path, datanet: &str, limits: IndexLimits) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(Disk), dir, datanet, limits, None)
    }

    /// The same; a segment that is damaged or missing is moved aside (`*.damaged`) and built again from `source`, which
    /// gives texts by the numbers of their commitments.
    ///
    /// # Errors
    /// As `open`, or a text of a damaged segment that `source` does not give.
    pub fn open_or_rebuild(
        dir: &Path,
        datanet: &str,
        limits: IndexLimits,
        source: Source<'_>,
    ) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(Disk), dir, datanet, limits, Some(source))
    }

    fn open_on(
        files: Arc<dyn Files>,
        dir: &Path,
        datanet: &str,
        limits: IndexLimits,
        source: Option<Source<'_>>,
    ) -> Result<Self, StoreError> {
        let lock = DirectoryLock::acquire(dir)?;
        let refused = |cause| StoreError::Index { dir: dir.to_path_buf(), cause };
        Builder::new(datanet).map_err(refused)?;
        let shared = Shared {
            dir: dir.to_path_buf(),
            datanet: datanet.to_owned(),
            limits,
            files,
            inner: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
            index: RwLock::new(Arc::new(Index::live(Vec::new()).map_err(refused)?)),
        };
        let (state, repaired) = open::read(&shared, source)?;
        {
            let mut inner = shared.lock();
            inner.state = state;
            shared.publish(&inner)?;
        }
        let shared = Arc::new(shared);
        let worker = std::thread::Builder::new().name("index-merge".into()).spawn({
            let shared = Arc::clone(&shared);
            move || merge::work(&shared)
        });
        let io =
            |error: std::io::Error| StoreError::Io { path: dir.to_path_buf(), reason: error.to_string() };
        Ok(Self { shared, worker: Some(worker.map_err(io)?), repaired, _lock: lock })
    }

    /// The files that were damaged when the store was opened, and were built again.
    pub fn repaired(&self) -> &[PathBuf] {
        &self.repaired
    }

    /// The index as it is now. It stays as it is, whatever comes.
    pub fn index(&self) -> Arc<Index> {
        Arc::clone(&self.shared.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds texts, which come behind all that are there in the order of commitment, all or none. When this returns they
    /// are on disk and are found. Texts without words are passed over; says how many were not. Waits while much more is
    /// in memory than may be.
    ///
    /// # Errors
    /// Texts out of order or too long, too many at once, or a write that failed: then nothing more is taken.
    pub fn add(&self, entries: &[Entry]) -> Result<usize, StoreError> {
        let shared = &*self.shared;
        let bytes = entries.iter().map(|entry| entry.contribution.text.len()).sum();
        if bytes > ADD_BYTES_MAX {
            return Err(StoreError::TooLarge { what: "one addition", bytes, bytes_max: ADD_BYTES_MAX });
        }
        let mut builder = Builder::keeping_copies(&shared.datanet).map_err(|cause| shared.refused(cause))?;
        entries.iter().try_for_each(|entry| builder.add(entry)).map_err(|cause| shared.refused(cause))?;
        let segment = builder.finish().map_err(|cause| shared.refused(cause))?;
        let count = segment.document_count();

        let mut inner = shared.lock();
        while shared.is_full(&inner) && inner.failure.is_none() {
            inner = shared.done.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        shared.check_writable(&inner)?;
        if let Some(reason) = inner.failure.clone().filter(|_| shared.is_full(&inner)) {
            return Err(StoreError::Stopped { dir: shared.dir.clone(), reason });
        }
        let mut last = inner.state.last_sequence;
        for entry in entries {
            match last {
                Some(last) if entry.sequence <= last => {
                    return Err(StoreError::NotRising { last, given: entry.sequence });
                }
                _ => last = Some(entry.sequence),
            }
        }
        if count > 0 {
            shared.write(&mut inner, &Record::Add(segment.as_bytes().to_vec()))?;
            let number = inner.state.take_number();
            inner.state.add(vec![(number, Part::new(segment, None, false))], |_| false);
            shared.publish(&inner)?;
            shared.work.notify_one();
        }
        Ok(count)
    }

    /// Takes the texts of these contributions out. When this returns that is on disk and in effect.
    ///
    /// # Errors
    /// A write that failed: then nothing more is taken.
    pub fn revoke(&self, ids: &[ContributionId]) -> Result<Revoked, StoreError> {
        let shared = &*self.shared;
        let mut inner = shared.lock();
        shared.check_writable(&inner)?;
        let (sequences, unknown) = inner.state.find(ids);
        let texts = sequences.len();
        if texts > 0 {
            shared.write(&mut inner, &Record::Revoke(sequences.clone()))?;
            inner.state.revoke(&sequences);
            shared.publish(&inner)?;
            shared.work.notify_one();
        }
        Ok(Revoked { texts, unknown })
    }

    /// Puts all texts that are in memory into files.
    ///
    /// # Errors
    /// A write that failed.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.want(|inner| inner.wanted.flush = Some(inner.state.journal))
    }

    /// Merges everything into one segment of what is searched, and one of copies. What was revoked is gone from the files
    /// then, once no reader has the old ones.
    ///
    /// # Errors
    /// A write that failed.
    pub fn compact(&self) -> Result<(), StoreError> {
        self.want(|inner| inner.wanted.compaction = true)
    }

    /// Has the thread do something and waits until it is done, and whatever else there was to merge.
    fn want(&self, set: impl FnOnce(&mut Inner)) -> Result<(), StoreError> {
        let shared = &*self.shared;
        let mut inner = shared.lock();
        shared.check_writable(&inner)?;
        inner.failure = None;
        set(&mut inner);
        shared.work.notify_one();
        while inner.wanted != Wanted::default() && inner.failure.is_none() {
            inner = shared.done.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        match inner.failure.clone() {
            Some(reason) => Err(StoreError::Stopped { dir: shared.dir.clone(), reason }),
            None => Ok(()),
        }
    }

    /// What the store is made of.
    pub fn status(&self) -> IndexStatus {
        let inner = self.shared.lock();
        let parts = inner.state.parts.values();
        let segments = parts.clone().map(|part| SegmentStatus {
            documents: part.segment.document_count(),
            hidden: part.hidden.count(),
            bytes: part.segment.as_bytes().len(),
            is_file: part.file.is_some(),
        });
        let revoked = parts.clone().map(Part::gone).sum();
        IndexStatus { segments: segments.collect(), live: inner.state.live(), revoked }
    }

    /// Puts everything into files, and ends the merging.
    ///
    /// # Errors
    /// A write that failed; nothing that was acknowledged is lost.
    pub fn close(self) -> Result<(), StoreError> {
        self.flush()
    }
}

impl Drop for IndexStore {
    fn drop(&mut self) {
        self.shared.lock().is_closing = true;
        self.shared.work.notify_one();
        if let Some(worker) = self.worker.take() {
            // A thread that panicked has said so, and holds nothing any more.
            let _ = worker.join();
        }
    }
}

impl Shared {
    /// A thread that panicked may have left the bookkeeping half changed; what is on disk is whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| {
            let mut inner = poisoned.into_inner();
            inner.broken.get_or_insert_with(|| "a thread of the store panicked".to_owned());
            inner
        })
    }

    fn refused(&self, cause: IndexError) -> StoreError {
        StoreError::Index { dir: self.dir.clone(), cause }
    }

    fn check_writable(&self, inner: &Inner) -> Result<(), StoreError> {
        match &inner.broken {
            Some(reason) => Err(StoreError::Stopped { dir: self.dir.clone(), reason: reason.clone() }),
            None => Ok(()),
        }
    }

    fn is_full(&self, inner: &Inner) -> bool {
        plan::memory_bytes(&inner.state) > self.limits.memory_bytes.saturating_mul(MEMORY_FACTOR)
            || plan::memory_parts(&inner.state) >= MEMORY_PARTS_MAX
    }

    /// Writes to the journal. After a failure nobody knows what of the record is there, so nothing follows it.
    fn write(&self, inner: &mut Inner, record: &Record) -> Result<(), StoreError> {
        let path = journal::path_of(&self.dir, inner.state.journal);
        let written = journal::append(&*self.files, &path, record);
        if let Err(error) = &written {
            inner.broken = Some(error.to_string());
        }
        written
    }

    /// Shows the index of what is there now.
    fn publish(&self, inner: &Inner) -> Result<(), StoreError> {
        let index = inner.state.index().map_err(|cause| self.refused(cause))?;
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(index);
        Ok(())
    }
}
