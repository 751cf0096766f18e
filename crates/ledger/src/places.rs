//! Where things are in a list, by a hash of what they are. The hash decides nothing but where to look: whoever asks compares,
//! and nothing ever goes through the places in their order, which is not the same everywhere.

use hashbrown::HashTable;

/// Places by hash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(HashTable<(u64, usize)>);

impl Places {
    /// Room for so many places.
    pub(crate) fn with_capacity(places: usize) -> Self {
        Self(HashTable::with_capacity(places))
    }

    /// The place under this hash for which `is` holds.
    pub(crate) fn find(&self, hash: u64, is: impl Fn(usize) -> bool) -> Option<usize> {
        self.0.find(hash, |(_, place)| is(*place)).map(|(_, place)| *place)
    }

    /// Adds a place that is not under this hash yet.
    pub(crate) fn add(&mut self, hash: u64, place: usize) {
        self.0.insert_unique(hash, (hash, place), |(hash, _)| *hash);
    }
}
