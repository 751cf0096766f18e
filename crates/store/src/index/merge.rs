//! The one thread that merges: it takes the next job, works without the lock that additions and queries need, and puts
//! the result in the place of what it was made of. Rule: a segment is on disk before the manifest names it, and the
//! manifest is before anything that it no longer names goes.

use std::sync::Arc;

use openledger_attribution::{Hidden, Segment};

use super::files::{Mapped, write_whole};
use super::plan::{self, Job};
use super::state::Part;
use super::{Inner, Shared, journal, segment_path};
use crate::StoreError;

/// Tells those who wait that nobody merges any more, also after a panic.
struct Ended<'a>(&'a Shared);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        let reason = || "the thread that merges has ended".to_owned();
        inner.failure.get_or_insert_with(reason);
        inner.broken.get_or_insert_with(reason);
        drop(inner);
        self.0.done.notify_all();
    }
}

/// Merges until the store is closed.
pub(super) fn work(shared: &Shared) {
    let _ended = Ended(shared);
    let mut inner = shared.lock();
    while !inner.is_closing {
        let job = match inner.failure {
            None => plan::next(&inner.state, &inner.wanted, &shared.limits),
            Some(_) => None,
        };
        let Some(job) = job else {
            inner.wanted.flush = None;
            inner.wanted.compaction = false;
            shared.done.notify_all();
            inner = shared.work.wait(inner).unwrap_or_else(std::sync::PoisonError::into_inner);
            continue;
        };
        let is_compaction =
            inner.wanted.compaction && job.to_file && job.inputs.len() == inner.state.parts.len();
        let sources = match begin(shared, &mut inner, &job) {
            Ok(sources) => sources,
            Err(error) => {
                inner.failure = Some(error.to_string());
                continue;
            }
        };
        drop(inner);
        let made = make(shared, &job, &sources);
        inner = shared.lock();
        match made.and_then(|made| finish(shared, &mut inner, &job, made)) {
            Ok(()) if job.to_file => {
                let is_flushed = inner.wanted.flush.is_some_and(|wanted| inner.state.first_journal > wanted);
                inner.wanted.flush = inner.wanted.flush.filter(|_| !is_flushed);
                // What came meanwhile is the next one's.
                inner.wanted.compaction &= !is_compaction;
            }
            Ok(()) => {}
            Err(error) => inner.failure = Some(error.to_string()),
        }
        shared.done.notify_all();
    }
}

/// A segment to be merged, and what a segment of owners and one of copies leave out of it.
struct Source {
    segment: Arc<Segment>,
    others: Hidden,
    owners: Hidden,
}

/// What came of a merge: segments and whether they are of copies, numbered when they are in files.
type Made = Vec<(u64, Part)>;

/// Under the lock: what is merged, as it is now. For a flush, additions from here on go into a new journal.
fn begin(shared: &Shared, inner: &mut Inner, job: &Job) -> Result<Vec<Source>, StoreError> {
    if job.is_flush {
        let number = inner.state.take_number();
        journal::create(&*shared.files, &shared.dir, number)?;
        inner.state.journal = number;
    }
    let source = |part: &Part| {
        let (others, owners) = inner.state.left_out(part);
        Source { segment: Arc::clone(&part.segment), others, owners }
    };
    Ok(job.inputs.iter().filter_map(|number| inner.state.parts.get(number)).map(source).collect())
}

/// Without the lock: the segments, in files when they are to be.
fn make(shared: &Shared, job: &Job, sources: &[Source]) -> Result<Made, StoreError> {
    let mut made = Vec::new();
    for is_copies in [false, true] {
        let left_out = |source: &Source| if is_copies { &source.owners } else { &source.others }.clone();
        let hidden: Vec<Hidden> = sources.iter().map(left_out).collect();
        let parts: Vec<(&Segment, &Hidden)> =
            sources.iter().map(|source| &*source.segment).zip(&hidden).collect();
        if parts.iter().all(|(segment, hidden)| hidden.count() == segment.document_count()) {
            continue;
        }
        let segment = Segment::merge(&shared.datanet, &parts).map_err(|cause| shared.refused(cause))?;
        let number = shared.lock().state.take_number();
        made.push((
            number,
            if job.to_file {
                shared.put(number, &segment, is_copies)?
            } else {
                Part::new(segment, None, is_copies)
            },
        ));
    }
    Ok(made)
}

/// Under the lock: the result takes its place.
fn finish(shared: &Shared, inner: &mut Inner, job: &Job, made: Made) -> Result<(), StoreError> {
    let old_journals = inner.state.first_journal..inner.state.journal;
    let old = inner.state.replace(&job.inputs, made);
    shared.publish(inner)?;
    if !job.to_file {
        return Ok(());
    }
    if job.is_flush {
        inner.state.first_journal = inner.state.journal;
    }
    if let Err(error) = inner.state.manifest(&shared.datanet).save(&*shared.files, &shared.dir) {
        // What is on disk is the state before; what comes next must not build on this one.
        inner.broken = Some(error.to_string());
        return Err(error);
    }
    old.iter().for_each(|file| file.doom());
    if job.is_flush {
        for number in old_journals {
            let path = journal::path_of(&shared.dir, number);
            if path.exists() {
                // What is left is passed over when the store is opened again.
                let _ = shared.files.remove(&path);
            }
        }
    }
    Ok(())
}

impl Shared {
    /// Writes a segment and maps it.
    pub(super) fn put(&self, number: u64, segment: &Segment, is_copies: bool) -> Result<Part, StoreError> {
        let path = segment_path(&self.dir, number);
        let io = |error: std::io::Error| StoreError::Io { path: path.clone(), reason: error.to_string() };
        write_whole(&*self.files, &path, segment.as_bytes()).map_err(io)?;
        let file = Arc::new(Mapped::open(&path, Arc::clone(&self.files)).map_err(io)?);
        let segment = Segment::open(Arc::clone(&file) as _)
            .map_err(|cause| StoreError::Damaged { path: path.clone(), reason: cause.to_string() })?;
        Ok(Part::new(segment, Some(file), is_copies))
    }
}
