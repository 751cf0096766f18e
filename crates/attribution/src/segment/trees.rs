//! The trees of a segment (`proof::tree`) from its words and their order: the nodes that it stores, and its root.
//!
//! Each leaf is written where it is hashed, and the nodes of a group are joined in place: nothing is allocated for a leaf.
//! Shared words come from the order of texts in linear time (Kärkkäinen, Manzini, Puglisi: Permuted
//! Longest-Common-Prefix Array, 2009).

use openledger_datanet::merkle::{Hash, LeafWriter};

use super::documents::Document;
use super::write_length;
use crate::proof::tree::{
    DocumentLeaf, GROUP, LEAF, Leaf, OrderNode, Rank, SHARED_MAX, Summit, rank_bytes, summit_of,
    unsealed_root,
};

/// The words by their final numbers as leaves hold them, one behind the other; that of 0 is the empty one of ends.
pub(super) struct Spelled {
    bytes: Vec<u8>,
    /// Where the word of each number ends.
    ends: Vec<usize>,
}

impl Spelled {
    pub(super) fn of<'a>(words: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut spelled = Self { bytes: Vec::new(), ends: Vec::new() };
        for word in std::iter::once(&[][..]).chain(words) {
            write_length(word.len(), &mut spelled.bytes);
            spelled.bytes.extend_from_slice(word);
            spelled.ends.push(spelled.bytes.len());
        }
        spelled
    }

    fn write(&self, number: usize, leaf: &mut LeafWriter) {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        leaf.push_part(&self.bytes, start, self.ends[number] - start);
    }
}

/// A tree under construction: leaves come in their order, and the nodes of one level are kept.
struct Growing<N> {
    group: Vec<N>,
    stored: Vec<N>,
}

impl<N: Leaf> Growing<N> {
    fn new(leaves: usize) -> Self {
        Self { group: Vec::with_capacity(GROUP), stored: Vec::with_capacity(leaves.div_ceil(GROUP)) }
    }

    fn push(&mut self, leaf: N) {
        self.group.push(leaf);
        if self.group.len() == GROUP {
            self.close();
        }
    }

    /// Joins pairs level by level, each node in the place of its first child's half.
    fn close(&mut self) {
        let group = &mut self.group;
        while group.len() > 1 {
            let (pairs, odd) = (group.len() / 2, group.len() % 2);
            for pair in 0..pairs {
                group[pair] = N::join(&group[2 * pair], &group[2 * pair + 1]);
            }
            if odd == 1 {
                group.swap(pairs, 2 * pairs);
            }
            group.truncate(pairs + odd);
        }
        self.stored.append(group);
    }

    /// Appends the stored nodes to `bytes`; gives the hash of the root.
    fn finish(mut self, bytes: &mut Vec<u8>) -> Hash {
        self.close();
        for node in &self.stored {
            node.serialize(bytes).expect("writing to memory does not fail");
        }
        summit_of(self.stored)
    }
}

/// The root of a segment that is not sealed: over its documents, of which each names the cluster of its words.
pub(super) fn root_of_documents(datanet: &str, documents: &[Document], entries: usize) -> Hash {
    let tree = grow_documents(documents, entries, &mut Vec::new());
    unsealed_root(datanet, documents.len() as u32, tree)
}

/// The stored nodes of a segment, and what its root is made of. `words` are the numbers of the entries, 0 for ends;
/// `suffixes` the entries by rank. Takes four bytes a word for a while.
pub(super) fn grow(
    words: &[i32],
    suffixes: &[i32],
    documents: &[Document],
    spelled: &Spelled,
) -> (Vec<u8>, Summit) {
    let mut bytes = Vec::new();
    let text = grow_text(words, spelled, &mut bytes);
    let order = grow_order(suffixes, &shared_words(words, suffixes), &mut bytes);
    let document_tree = grow_documents(documents, words.len(), &mut bytes);
    let (words, documents) = (suffixes.len() as u32, documents.len() as u32);
    (bytes, Summit { words, documents, text, order, document_tree })
}

fn grow_text(words: &[i32], spelled: &Spelled, bytes: &mut Vec<u8>) -> Hash {
    let (mut tree, mut leaf) = (Growing::<Hash>::new(words.len() / LEAF), LeafWriter::new());
    for entries in words.chunks(LEAF) {
        entries.iter().for_each(|word| spelled.write(*word as usize, &mut leaf));
        tree.push(leaf.finish());
    }
    tree.finish(bytes)
}

fn grow_order(suffixes: &[i32], shared: &[u32], bytes: &mut Vec<u8>) -> Hash {
    let (mut tree, mut leaf) = (Growing::<OrderNode>::new(suffixes.len() / LEAF), LeafWriter::new());
    for entries in suffixes.chunks(LEAF) {
        let (mut least_entry, mut least_shared) = (u32::MAX, u16::MAX);
        for &entry in entries {
            let shared = shared[entry as usize].min(SHARED_MAX as u32) as u16;
            let rank = Rank { entry: entry as u32, shared };
            (least_entry, least_shared) = (least_entry.min(rank.entry), least_shared.min(shared));
            leaf.push(&rank_bytes(rank));
        }
        tree.push(OrderNode { hash: leaf.finish(), least_entry, least_shared });
    }
    tree.finish(bytes)
}

fn grow_documents(documents: &[Document], entries: usize, bytes: &mut Vec<u8>) -> Hash {
    let (mut tree, mut leaf) = (Growing::<Hash>::new(documents.len()), LeafWriter::new());
    let nexts = documents.iter().skip(1).map(|document| document.first_entry).chain([entries as u32]);
    for (document, next) in documents.iter().zip(nexts) {
        leaf.push(&DocumentLeaf::new(document, next).encode());
        tree.push(leaf.finish());
    }
    tree.finish(bytes)
}

/// For each entry, how many words its suffix shares with the one before it in the order. What a suffix shares, the one
/// that starts a word later shares too, less that word: so going through the text compares each word twice at most.
fn shared_words(words: &[i32], suffixes: &[i32]) -> Vec<u32> {
    const FIRST: u32 = u32::MAX;
    let mut shared = vec![FIRST; words.len()];
    for pair in suffixes.windows(2) {
        shared[pair[1] as usize] = pair[0] as u32;
    }
    let mut known = 0usize;
    for entry in 0..words.len() {
        let before = shared[entry];
        if before == FIRST {
            (shared[entry], known) = (0, 0);
            continue;
        }
        let rest = words[entry + known..].iter().zip(&words[before as usize + known..]);
        known += rest.take_while(|(one, other)| one == other && **one > 0).count();
        shared[entry] = known as u32;
        known = known.saturating_sub(1);
    }
    shared
}
