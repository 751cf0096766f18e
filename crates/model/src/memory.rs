//! Memory for weights and adapters: read by every token from its first byte to its last, and written once.
//!
//! Rule: it is asked for in large pieces for which the system may use huge pages. A core reads those half as fast again,
//! because it looks up 512 times fewer addresses and its prefetcher stops at the end of a page.
//! Absent: giving back less than everything.

#![expect(
    unsafe_code,
    reason = "regions of one mapping are disjoint slices, which the types cannot say; see `Region`"
)]

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use memmap2::{MmapMut, MmapRaw};

/// Bytes of a piece; a larger region has a piece of its own.
const PIECE_BYTES: usize = 32 << 20;

/// Regions start at multiples of this, a line of the cache.
const LINE_BYTES: usize = 64;

/// A huge page of the usual processors. The system puts one only where all of it is asked for.
const HUGE_BYTES: usize = 2 << 20;

/// Hands out regions, which outlive it.
pub(crate) struct Memory {
    /// Bytes that are asked for at once.
    piece_bytes: usize,
    piece: Option<Arc<MmapRaw>>,
    /// Bytes of the piece that are handed out.
    used: usize,
}

/// The system has no room for so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoMemory {
    pub(crate) bytes: usize,
}

/// Zeroed bytes of its own in a piece; the piece is unmapped with the last region in it.
#[derive(Debug)]
pub(crate) struct Region {
    piece: Arc<MmapRaw>,
    start: usize,
    bytes: usize,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory { piece_bytes: PIECE_BYTES, piece: None, used: 0 }
    }
}

impl Memory {
    /// Memory for regions of these bytes, in one piece.
    pub(crate) fn of(regions: impl IntoIterator<Item = usize>) -> Memory {
        let bytes = regions.into_iter().map(|bytes| bytes.next_multiple_of(LINE_BYTES)).sum::<usize>();
        let whole = if bytes < HUGE_BYTES { bytes } else { bytes.next_multiple_of(HUGE_BYTES) };
        Memory { piece_bytes: whole, ..Memory::default() }
    }

    /// A region of so many numbers.
    pub(crate) fn take_floats(&mut self, count: usize) -> Result<Floats, NoMemory> {
        let bytes = count.checked_mul(size_of::<f32>()).ok_or(NoMemory { bytes: usize::MAX })?;
        self.take(bytes).map(Floats)
    }

    /// A region of so many bytes.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<Region, NoMemory> {
        let start = self.used.next_multiple_of(LINE_BYTES);
        let piece = match &self.piece {
            Some(piece) if piece.len().checked_sub(start).is_some_and(|left| left >= bytes) => {
                self.used = start + bytes;
                return Ok(Region { piece: Arc::clone(piece), start, bytes });
            }
            _ => Arc::new(map(bytes.max(self.piece_bytes)).ok_or(NoMemory { bytes })?),
        };
        self.used = bytes;
        self.piece = Some(Arc::clone(&piece));
        Ok(Region { piece, start: 0, bytes })
    }
}

/// Zeroed memory, in huge pages where the system has them.
fn map(bytes: usize) -> Option<MmapRaw> {
    let map = MmapMut::map_anon(bytes).ok()?;
    // A system that refuses gives ordinary pages: slower, and otherwise the same.
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage);
    Some(MmapRaw::from(map))
}

impl Deref for Region {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `take` made the region inside of the mapping, which lives as long as the region holds it; no two
        // regions of a mapping overlap, and this one is borrowed, so nobody writes these bytes meanwhile.
        unsafe { std::slice::from_raw_parts(self.piece.as_ptr().add(self.start), self.bytes) }
    }
}

impl DerefMut for Region {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and this region is borrowed by one writer alone. The mapping is writable.
        unsafe { std::slice::from_raw_parts_mut(self.piece.as_mut_ptr().add(self.start), self.bytes) }
    }
}

/// A region of numbers.
#[derive(Debug)]
pub(crate) struct Floats(Region);

impl Deref for Floats {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        let bytes: &[u8] = &self.0;
        // SAFETY: regions start at lines of the cache, the length is that of whole numbers, and every bit pattern is one.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / size_of::<f32>()) }
    }
}

impl DerefMut for Floats {
    fn deref_mut(&mut self) -> &mut [f32] {
        let bytes: &mut [u8] = &mut self.0;
        let (start, count) = (bytes.as_mut_ptr().cast(), bytes.len() / size_of::<f32>());
        // SAFETY: as above, and the region is borrowed by one writer alone.
        unsafe { std::slice::from_raw_parts_mut(start, count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_zeroed_disjoint_and_outlive_their_memory() {
        let mut memory = Memory::default();
        let sizes = [1, 64, 0, 100, PIECE_BYTES - 300, PIECE_BYTES + 1, 7];
        let mut regions: Vec<Region> =
            sizes.iter().map(|bytes| memory.take(*bytes).expect("a few megabytes")).collect();
        drop(memory);
        for (region, bytes) in regions.iter_mut().zip(sizes) {
            assert_eq!(region.len(), bytes);
            assert_eq!(region.as_ptr() as usize % LINE_BYTES, 0);
            assert!(region.iter().all(|byte| *byte == 0));
            region.fill(0xff);
        }
        let first = regions.remove(1);
        drop(regions);
        assert!(first.iter().all(|byte| *byte == 0xff));
    }

    #[test]
    fn numbers_lie_in_one_piece_where_it_is_known_how_many_there_are() {
        let counts = [3, 0, 1 << 19, 100];
        let mut memory = Memory::of(counts.map(|count| 4 * count));
        let mut regions = counts.map(|count| memory.take_floats(count).expect("a few megabytes"));
        for (region, count) in regions.iter_mut().zip(counts) {
            assert!(region.len() == count && region.iter().all(|value| *value == 0.0));
            region.fill(count as f32);
        }
        let piece = &regions[0].0.piece;
        assert!(regions.iter().all(|region| Arc::ptr_eq(&region.0.piece, piece)));
        assert_eq!(piece.len(), 4 << 20, "two megabytes and a little, in whole huge pages");
        for (region, count) in regions.iter().zip(counts) {
            assert!(region.iter().all(|value| *value == count as f32));
        }
        assert!(memory.take_floats(usize::MAX / 2).is_err());
    }

    #[test]
    fn too_much_is_refused() {
        assert_eq!(Memory::default().take(usize::MAX / 4).err(), Some(NoMemory { bytes: usize::MAX / 4 }));
    }
}
