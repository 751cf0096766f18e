//! Which segments are merged when: a decision on counts alone. Absent: the merging (`merge`).
//!
//! Texts come as segments in memory. Four of about one size become one; when they are as large as a file should be at
//! least, all of them become one, in a file; and four files of about one size become one. So a text is merged again as
//! often as its segment grows fourfold. A merge gives one segment of the texts that own their clusters and, where there
//! are such, one of copies, which is not searched, and merged with its like only: what is searched holds next to no copies.

use super::IndexLimits;
use super::state::{Part, State};

/// How many segments of one tier are merged, and how much larger the next tier is.
const RATIO: usize = 4;

/// A file of which one in this many texts was taken out is written anew.
const GONE_DIVISOR: usize = 16;

/// Words of the lowest tier.
const TIER_WORDS: usize = 1024;

/// Segments that become one, or two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) inputs: Vec<u64>,
    /// Whether what comes of it is put into files.
    pub(super) to_file: bool,
    /// Whether all that is in memory is among it, so that the journal can go.
    pub(super) is_flush: bool,
}

/// What callers wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Journals up to this one are to go.
    pub(super) flush: Option<u64>,
    pub(super) compaction: bool,
}

/// The next merge, if there is one to do.
pub(super) fn next(state: &State, wanted: &Wanted, limits: &IndexLimits) -> Option<Job> {
    let all = |filter: &dyn Fn(&Part) -> bool| -> Vec<u64> {
        state.parts.iter().filter(|(_, part)| filter(part)).map(|(number, _)| *number).collect()
    };
    let memory = all(&is_memory);
    if wanted.compaction && !is_compact(state) {
        return Some(Job { inputs: all(&|_| true), to_file: true, is_flush: !memory.is_empty() });
    }
    let is_flushed = wanted.flush.is_some() || memory_bytes(state) >= limits.memory_bytes;
    if is_flushed && !memory.is_empty() {
        return Some(Job { inputs: memory, to_file: true, is_flush: true });
    }
    let is_worn = |part: &Part| !is_memory(part) && part.gone() * GONE_DIVISOR >= part.texts.len().max(1);
    let worn = all(&|part| is_worn(part) && part.gone() > 0);
    if let Some(first) = worn.first() {
        return Some(Job { inputs: vec![*first], to_file: true, is_flush: false });
    }
    tiered(state, &memory)
}

/// The first tier that is full, of memory or of files, of copies or of others.
fn tiered(state: &State, memory: &[u64]) -> Option<Job> {
    let class = |part: &Part| (is_memory(part), part.is_copies, tier(part.segment.word_count()));
    let mut classes: Vec<((bool, bool, u32), u64)> =
        state.parts.iter().map(|(number, part)| (class(part), *number)).collect();
    classes.sort_unstable();
    let full = classes.chunk_by(|one, other| one.0 == other.0).find(|run| run.len() >= RATIO)?;
    let inputs: Vec<u64> = full.iter().map(|(_, number)| *number).collect();
    let to_file = !memory.contains(&inputs[0]);
    Some(Job { inputs, to_file, is_flush: false })
}

fn tier(words: usize) -> u32 {
    (words / TIER_WORDS).max(1).ilog(RATIO)
}

fn is_memory(part: &Part) -> bool {
    part.file.is_none()
}

/// How much is in the journal only.
pub(super) fn memory_bytes(state: &State) -> usize {
    state.parts.values().filter(|part| is_memory(part)).map(|part| part.segment.as_bytes().len()).sum()
}

/// How many segments are in the journal only.
pub(super) fn memory_parts(state: &State) -> usize {
    state.parts.values().filter(|part| is_memory(part)).count()
}

/// Whether there is one segment of what is seen, and one of copies at most.
fn is_compact(state: &State) -> bool {
    let is_clean = |part: &Part| {
        let hidden = if part.is_copies { part.texts.len() } else { 0 };
        !is_memory(part) && part.gone() == 0 && part.hidden.count() == hidden
    };
    let count = |is_copies: bool| state.parts.values().filter(|part| part.is_copies == is_copies).count();
    state.parts.values().all(is_clean) && count(false) <= 1 && count(true) <= 1
}
