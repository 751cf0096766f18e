//! From a folder to a store: the manifest, the segments that it names, the journals. What is damaged is moved aside and
//! built again from where the texts came from; nothing is served without it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openledger_attribution::{Builder, Segment};
use openledger_datanet::Entry;

use super::files::{Mapped, UNFINISHED};
use super::journal::{self, Record};
use super::manifest::{FILE, Manifest, SegmentLine};
use super::state::{Part, State};
use super::{Shared, segment_path};
use crate::StoreError;

/// Where a text comes from when its segment is damaged: by the number of its commitment.
pub type Source<'a> = &'a dyn Fn(u64) -> Option<Entry>;

/// Reads the folder. Names the files that were damaged and built again.
pub(super) fn read(shared: &Shared, source: Option<Source<'_>>) -> Result<(State, Vec<PathBuf>), StoreError> {
    let mut state = State::default();
    let Some(manifest) = Manifest::load(&shared.dir)? else {
        return Ok((create(shared, state)?, Vec::new()));
    };
    if manifest.datanet != shared.datanet {
        return Err(StoreError::OtherDatanet {
            dir: shared.dir.clone(),
            found: manifest.datanet,
            expected: shared.datanet.clone(),
        });
    }
    remove_unnamed(shared, &manifest)?;
    state.next_number = manifest.next_number;
    state.last_sequence = manifest.last_sequence;
    let revoked: BTreeSet<u64> = manifest.revoked.iter().copied().collect();
    let (mut parts, mut repaired) = (Vec::new(), Vec::new());
    for line in &manifest.segments {
        match open_segment(shared, line) {
            Ok(part) => parts.push((line.number, part)),
            Err(reason) => {
                let (number, part) = rebuild(shared, &mut state, (line, &reason), &revoked, source)?;
                parts.push((number, part));
                repaired.push(segment_path(&shared.dir, line.number));
            }
        }
    }
    state.add(parts, |sequence| revoked.contains(&sequence));
    if !repaired.is_empty() {
        state.first_journal = manifest.first_journal;
        state.manifest(&shared.datanet).save(&*shared.files, &shared.dir)?;
    }
    replay(shared, &mut state, &manifest)?;
    Ok((state, repaired))
}

fn create(shared: &Shared, mut state: State) -> Result<State, StoreError> {
    // A process that stopped before the first manifest has acknowledged nothing, but segments without one were named.
    if let Some(path) = numbered(&shared.dir, "segment")?.first() {
        let reason = format!("there is no {FILE} beside it");
        return Err(StoreError::Damaged { path: path.1.clone(), reason });
    }
    let number = state.take_number();
    (state.first_journal, state.journal) = (number, number);
    let path = journal::path_of(&shared.dir, number);
    if path.exists() {
        shared.files.cut(&path, 0).map_err(|error| StoreError::Io { path, reason: error.to_string() })?;
    }
    journal::create(&*shared.files, &shared.dir, number)?;
    state.manifest(&shared.datanet).save(&*shared.files, &shared.dir)?;
    Ok(state)
}

/// The files with this extension whose names are numbers, in their order.
fn numbered(dir: &Path, extension: &str) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let list =
        || -> std::io::Result<Vec<PathBuf>> { fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect() };
    let paths =
        list().map_err(|error| StoreError::Io { path: dir.to_path_buf(), reason: error.to_string() })?;
    let number = |path: &Path| -> Option<u64> { path.file_stem()?.to_str()?.parse().ok() };
    let has = |path: &Path| path.extension().is_some_and(|found| found == extension);
    let mut found: Vec<(u64, PathBuf)> =
        paths.into_iter().filter(|path| has(path)).filter_map(|path| Some((number(&path)?, path))).collect();
    found.sort();
    Ok(found)
}

/// Removes what no manifest names: what was merged, and what was not finished.
fn remove_unnamed(shared: &Shared, manifest: &Manifest) -> Result<(), StoreError> {
    let named: BTreeSet<u64> = manifest.segments.iter().map(|line| line.number).collect();
    let segments =
        numbered(&shared.dir, "segment")?.into_iter().filter(|(number, _)| !named.contains(number));
    let journals =
        numbered(&shared.dir, "journal")?.into_iter().filter(|(number, _)| *number < manifest.first_journal);
    let list = || -> std::io::Result<Vec<PathBuf>> {
        fs::read_dir(&shared.dir)?.map(|entry| Ok(entry?.path())).collect()
    };
    let unfinished = list()
        .map_err(|error| StoreError::Io { path: shared.dir.clone(), reason: error.to_string() })?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|found| found == UNFINISHED));
    for path in segments.chain(journals).map(|(_, path)| path).chain(unfinished) {
        shared.files.remove(&path).map_err(|error| StoreError::Io { path, reason: error.to_string() })?;
    }
    Ok(())
}

/// Maps a segment and compares it with what the manifest says of it.
fn open_segment(shared: &Shared, line: &SegmentLine) -> Result<Part, String> {
    let path = segment_path(&shared.dir, line.number);
    let file = Mapped::open(&path, Arc::clone(&shared.files)).map_err(|error| error.to_string())?;
    let file = Arc::new(file);
    let segment = Segment::open(Arc::clone(&file) as _).map_err(|cause| cause.to_string())?;
    let is_named = segment.datanet() == shared.datanet
        && segment.root() == line.root
        && segment.documents().map(|text| text.sequence).eq(line.sequences());
    if !is_named {
        return Err("it is not the segment that the manifest names".to_owned());
    }
    Ok(Part::new(segment, Some(file), line.is_copies))
}

/// Moves a damaged segment aside and builds it again, without what was taken out.
fn rebuild(
    shared: &Shared,
    state: &mut State,
    (line, reason): (&SegmentLine, &str),
    revoked: &BTreeSet<u64>,
    source: Option<Source<'_>>,
) -> Result<(u64, Part), StoreError> {
    let path = segment_path(&shared.dir, line.number);
    if path.exists() {
        let aside = path.with_added_extension("damaged");
        let moved = shared.files.rename(&path, &aside);
        moved.map_err(|error| StoreError::Io { path: path.clone(), reason: error.to_string() })?;
    }
    let damaged =
        |more: String| StoreError::Damaged { path: path.clone(), reason: format!("{reason}; {more}") };
    let mut builder = Builder::keeping_copies(&shared.datanet).map_err(|cause| shared.refused(cause))?;
    let mut is_whole = true;
    for sequence in line.sequences() {
        if revoked.contains(&sequence) {
            is_whole = false;
            continue;
        }
        let entry = source.and_then(|source| source(sequence)).filter(|entry| entry.sequence == sequence);
        let entry = entry.ok_or_else(|| {
            damaged(format!(
                "it was moved aside, and to build it again the text with the commitment {sequence} is needed"
            ))
        })?;
        builder.add(&entry).map_err(|cause| shared.refused(cause))?;
    }
    let segment = builder.finish().map_err(|cause| shared.refused(cause))?;
    if is_whole && segment.root() != line.root {
        return Err(damaged("the texts that it is to be built from again are others".to_owned()));
    }
    let number = state.take_number();
    Ok((number, shared.put(number, &segment, line.is_copies)?))
}

/// Takes in what the journals say, and goes on with the last of them.
fn replay(shared: &Shared, state: &mut State, manifest: &Manifest) -> Result<(), StoreError> {
    state.first_journal = manifest.first_journal;
    state.journal = manifest.first_journal;
    let (mut parts, mut gone) = (Vec::new(), BTreeSet::new());
    for (number, path) in numbered(&shared.dir, "journal")? {
        let found = journal::read(&path)?;
        let io = |error: std::io::Error| StoreError::Io { path: path.clone(), reason: error.to_string() };
        if let Some(bytes) = found.whole_bytes {
            shared.files.cut(&path, bytes).and_then(|()| shared.files.sync(&path)).map_err(io)?;
        }
        state.journal = number;
        state.next_number = state.next_number.max(number + 1);
        for record in found.records {
            match record {
                Record::Add(bytes) => {
                    let segment = Segment::open(Arc::new(bytes)).ok();
                    let segment = segment.filter(|segment| segment.datanet() == shared.datanet);
                    let reason = "an addition in it is no segment".to_owned();
                    let segment = segment.ok_or(StoreError::Damaged { path: path.clone(), reason })?;
                    parts.push((state.take_number(), Part::new(segment, None, false)));
                }
                Record::Revoke(sequences) => gone.extend(sequences),
            }
        }
    }
    if !journal::path_of(&shared.dir, state.journal).exists() {
        journal::create(&*shared.files, &shared.dir, state.journal)?;
    }
    state.add(parts, |sequence| gone.contains(&sequence));
    state.revoke(&gone.into_iter().collect::<Vec<_>>());
    Ok(())
}
