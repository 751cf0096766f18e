//! Remembered beginnings of prompts.
//!
//! Rule: a full page of 32 positions is named by the hash of the adapter and of all tokens up to its end. A prompt that
//! starts with the same tokens under the same adapter takes those pages instead of computing them; the bits are the same.
//! Absent: partial pages (at most 31 tokens are computed again).

use std::collections::BTreeMap;

use openledger_model::{AdapterId, Cache, PAGE_TOKENS, PageId};
use sha2::{Digest, Sha256};

type Key = [u8; 32];

/// Remembered pages by the tokens up to their end.
#[derive(Default)]
pub(crate) struct PrefixIndex {
    pages: BTreeMap<Key, Remembered>,
    /// Counts uses, so that the oldest can be found without a clock.
    uses: u64,
}

struct Remembered {
    page: PageId,
    last_use: u64,
    depth: usize,
}

impl PrefixIndex {
    /// The longest remembered run of pages with which `tokens` start; at least one token is left over.
    pub(crate) fn longest(&mut self, adapter: Option<AdapterId>, tokens: &[u32]) -> Vec<PageId> {
        self.uses += 1;
        let most = tokens.len().saturating_sub(1) / PAGE_TOKENS;
        let mut found = Vec::new();
        for key in keys(adapter, tokens).take(most) {
            let Some(remembered) = self.pages.get_mut(&key) else { break };
            remembered.last_use = self.uses;
            found.push(remembered.page);
        }
        found
    }

    /// Remembers the full pages of a sequence whose tokens are `tokens`.
    pub(crate) fn remember(
        &mut self,
        cache: &mut Cache,
        adapter: Option<AdapterId>,
        tokens: &[u32],
        pages: &[PageId],
    ) {
        self.uses += 1;
        for (depth, (key, page)) in keys(adapter, tokens).zip(pages).enumerate() {
            let last_use = self.uses;
            match self.pages.get_mut(&key) {
                Some(remembered) => remembered.last_use = last_use,
                None => {
                    cache.retain(*page);
                    self.pages.insert(key, Remembered { page: *page, last_use, depth });
                }
            }
        }
    }

    /// How many pages are only remembered: no sequence holds them.
    pub(crate) fn idle(&self, cache: &Cache) -> usize {
        self.pages.values().filter(|remembered| cache.references(remembered.page) == 1).count()
    }

    /// Forgets pages until `wanted` are free, the longest unused first, or until none can be freed.
    pub(crate) fn make_room(&mut self, cache: &mut Cache, wanted: usize) {
        while cache.pages_free() < wanted {
            let oldest = self
                .pages
                .iter()
                .filter(|(_, remembered)| cache.references(remembered.page) == 1)
                .min_by_key(|(_, remembered)| (remembered.last_use, usize::MAX - remembered.depth))
                .map(|(key, _)| *key);
            let Some(key) = oldest else { return };
            if let Some(remembered) = self.pages.remove(&key) {
                cache.release(remembered.page);
            }
        }
    }
}

/// One key for each full page of `tokens`.
fn keys(adapter: Option<AdapterId>, tokens: &[u32]) -> impl Iterator<Item = Key> + '_ {
    let mut previous = adapter.unwrap_or([0; 32]);
    tokens.chunks_exact(PAGE_TOKENS).map(move |page| {
        let mut hasher = Sha256::new();
        hasher.update(previous);
        for token in page {
            hasher.update(token.to_le_bytes());
        }
        previous = hasher.finalize().into();
        previous
    })
}
