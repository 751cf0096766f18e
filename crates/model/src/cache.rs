//! Keys and values of past positions, in pages of 32 positions that sequences may share.
//!
//! Rule: a page is written only by the one sequence that owns it; a full page may be shared and is
//! then only read. A position's keys and values depend on the tokens up to it alone, bit for bit, so a
//! shared page is indistinguishable from a recomputed one.
//! Absent: the choice of what to keep (that is the engine's), compression of keys and values.

use crate::kernels::{KEYS_PER_PAGE, PageView};
use crate::record::StateDigest;

/// Positions per page.
pub const PAGE_TOKENS: usize = KEYS_PER_PAGE;

/// A page of one [`Cache`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageId(u32);

/// Shape of the keys and values of one position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheShape {
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) head_width: usize,
}

impl CacheShape {
    /// Floats of keys (or of values) of one page, layer and head.
    const fn head_floats(self) -> usize {
        self.head_width * KEYS_PER_PAGE
    }

    const fn page_floats(self) -> usize {
        self.layers * self.heads * 2 * self.head_floats()
    }
}

/// All pages of one engine.
pub struct Cache {
    shape: CacheShape,
    pages: Vec<Page>,
    free: Vec<PageId>,
    pages_max: usize,
    /// Whether digests of hidden states are kept.
    recording: bool,
}

struct Page {
    /// `[layer][head]` of keys `[head width][32]`, then values `[32][head width]`.
    floats: Box<[f32]>,
    /// `[layer][32]`: of the hidden states behind each layer; empty where none are kept.
    digests: Box<[StateDigest]>,
    references: u32,
}

/// The cache has no free page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key-value cache is full: all {pages_max} pages are in use; finish or cancel other sequences")]
pub struct CacheFull {
    /// Pages of the cache.
    pub pages_max: usize,
}

/// One sequence: how many positions are computed, and the pages that hold them.
#[derive(Debug, Default)]
pub struct Sequence {
    pub(crate) pages: Vec<PageId>,
    pub(crate) length: usize,
}

impl Sequence {
    /// Positions computed so far.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Pages that are complete and may be shared, in order.
    pub fn full_pages(&self) -> &[PageId] {
        &self.pages[..self.length / PAGE_TOKENS]
    }
}

impl Cache {
    pub(crate) fn new(shape: CacheShape, tokens_max: usize) -> Cache {
        let pages_max = tokens_max.div_ceil(PAGE_TOKENS);
        Cache { shape, pages: Vec::new(), free: Vec::new(), pages_max, recording: false }
    }

    /// Keeps digests from now on, in pages that are still to be made.
    pub(crate) fn record(&mut self) {
        self.recording = self.pages.is_empty();
    }

    /// Whether digests of hidden states are kept.
    pub(crate) fn is_recording(&self) -> bool {
        self.recording
    }

    /// Digests of the hidden states behind layer `layer` (from 0) at the positions of page `window` of a
    /// sequence, as many as are computed, at most 32. None where no digests are kept
    /// ([`Runner::recording`](crate::Runner::recording)), or the sequence or the model is shorter.
    pub fn states(&self, sequence: &Sequence, window: usize, layer: usize) -> &[StateDigest] {
        let computed = sequence.length.saturating_sub(window.saturating_mul(PAGE_TOKENS)).min(PAGE_TOKENS);
        let Some(page) = sequence.pages.get(window) else { return &[] };
        let start = layer.saturating_mul(PAGE_TOKENS);
        let digests = &self.pages[page.0 as usize].digests;
        digests.get(start..start.saturating_add(computed)).unwrap_or(&[])
    }

    /// Keeps the digest of one position behind one layer.
    pub(crate) fn keep(&mut self, page: PageId, slot: usize, layer: usize, digest: StateDigest) {
        self.pages[page.0 as usize].digests[layer * PAGE_TOKENS + slot] = digest;
    }

    /// Pages that the cache may hold.
    pub fn pages_max(&self) -> usize {
        self.pages_max
    }

    /// Pages that no one holds.
    pub fn pages_free(&self) -> usize {
        self.free.len() + (self.pages_max - self.pages.len())
    }

    /// Starts a sequence on full pages of another one; `pages` hold `32 * pages.len()` positions.
    pub fn start(&mut self, pages: &[PageId]) -> Sequence {
        for page in pages {
            self.retain(*page);
        }
        Sequence { pages: pages.to_vec(), length: pages.len() * PAGE_TOKENS }
    }

    /// Gives `sequence` pages for `tokens` more positions, or none at all when too few are free.
    pub fn reserve(&mut self, sequence: &mut Sequence, tokens: usize) -> Result<(), CacheFull> {
        let wanted = (sequence.length + tokens).div_ceil(PAGE_TOKENS);
        let missing = wanted.saturating_sub(sequence.pages.len());
        if missing > self.pages_free() {
            return Err(CacheFull { pages_max: self.pages_max });
        }
        for _ in 0..missing {
            let page = self.take_free();
            sequence.pages.push(page);
        }
        Ok(())
    }

    /// Ends a sequence; pages that no one else holds become free.
    pub fn finish(&mut self, sequence: Sequence) {
        for page in sequence.pages {
            self.release(page);
        }
    }

    /// Holds a full page beyond the life of its sequence.
    pub fn retain(&mut self, page: PageId) {
        self.pages[page.0 as usize].references += 1;
    }

    /// Gives back one hold on a page.
    pub fn release(&mut self, page: PageId) {
        let references = &mut self.pages[page.0 as usize].references;
        *references = references.checked_sub(1).expect("a page is released once for every hold");
        if *references == 0 {
            self.free.push(page);
        }
    }

    /// How many hold the page.
    pub fn references(&self, page: PageId) -> u32 {
        self.pages[page.0 as usize].references
    }

    fn take_free(&mut self) -> PageId {
        if let Some(page) = self.free.pop() {
            self.pages[page.0 as usize].references = 1;
            return page;
        }
        let floats = vec![0.0; self.shape.page_floats()].into_boxed_slice();
        let digests = if self.recording { self.shape.layers * PAGE_TOKENS } else { 0 };
        let digests = vec![[0; 32]; digests].into_boxed_slice();
        self.pages.push(Page { floats, digests, references: 1 });
        PageId(u32::try_from(self.pages.len() - 1).expect("a cache has fewer than 2^32 pages"))
    }

    /// What head `head` of layer `layer` sees of a page.
    pub(crate) fn view(&self, page: PageId, layer: usize, head: usize) -> PageView<'_> {
        let size = self.shape.head_floats();
        let start = (layer * self.shape.heads + head) * 2 * size;
        let floats = &self.pages[page.0 as usize].floats[start..start + 2 * size];
        let (keys, values) = floats.split_at(size);
        PageView { keys, values }
    }

    /// Writes keys and values of one position and head (`head width` floats each).
    pub(crate) fn write(
        &mut self,
        page: PageId,
        slot: usize,
        (layer, head): (usize, usize),
        keys: &[f32],
        values: &[f32],
    ) {
        let size = self.shape.head_floats();
        let width = self.shape.head_width;
        let start = (layer * self.shape.heads + head) * 2 * size;
        let floats = &mut self.pages[page.0 as usize].floats[start..start + 2 * size];
        let (page_keys, page_values) = floats.split_at_mut(size);
        for (element, key) in keys.iter().enumerate() {
            page_keys[element * KEYS_PER_PAGE + slot] = *key;
        }
        page_values[slot * width..][..width].copy_from_slice(values);
    }
}

#[cfg(feature = "cheats")]
impl Cache {
    /// Changes the keys and values of some positions of a sequence, one vector after the other: what a
    /// provider does who keeps less of them than it should. For tests that must find it out.
    pub fn spoil(
        &mut self,
        sequence: &Sequence,
        positions: std::ops::Range<usize>,
        change: impl Fn(&mut [f32]),
    ) {
        let (size, width) = (self.shape.head_floats(), self.shape.head_width);
        for position in positions {
            let page = sequence.pages[position / PAGE_TOKENS].0 as usize;
            let slot = position % PAGE_TOKENS;
            for part in self.pages[page].floats.chunks_exact_mut(2 * size) {
                let (keys, values) = part.split_at_mut(size);
                let mut key: Vec<f32> = keys.iter().skip(slot).step_by(KEYS_PER_PAGE).copied().collect();
                change(&mut key);
                for (element, value) in key.iter().enumerate() {
                    keys[element * KEYS_PER_PAGE + slot] = *value;
                }
                change(&mut values[slot * width..][..width]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(tokens_max: usize) -> Cache {
        Cache::new(CacheShape { layers: 2, heads: 1, head_width: 64 }, tokens_max)
    }

    #[test]
    fn pages_are_reserved_shared_and_given_back() {
        let mut cache = cache(128);
        assert_eq!((cache.pages_max(), cache.pages_free()), (4, 4));
        let mut first = cache.start(&[]);
        cache.reserve(&mut first, 70).expect("three pages are free");
        first.length = 70;
        assert_eq!(cache.pages_free(), 1);
        assert_eq!(first.full_pages().len(), 2);

        let shared = first.full_pages().to_vec();
        let mut second = cache.start(&shared);
        assert_eq!(second.length(), 64);
        assert_eq!(cache.reserve(&mut second, 64), Err(CacheFull { pages_max: 4 }));
        assert_eq!(cache.pages_free(), 1, "a refused reservation takes nothing");
        cache.reserve(&mut second, 32).expect("one page is free");

        cache.finish(first);
        assert_eq!(cache.pages_free(), 1, "shared pages stay, the partial one is free");
        assert_eq!(cache.references(shared[0]), 1);
        cache.finish(second);
        assert_eq!(cache.pages_free(), 4);
    }
}
