//! Merkle trees in the shape of RFC 6962, section 2.1, over SHA-256.
//!
//! Rule: a leaf is `SHA-256(0x00 || data)`, a node `SHA-256(0x01 || left || right)`, and the left part of `n` leaves is
//! the largest power of two below `n`. Pairing level by level, with an odd last node moving up unchanged, gives the
//! same tree. The prefixes keep a node from being read as a leaf; callers put their own domain in front of `data`.

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The longest proof that is looked at: a tree of 2^64 leaves has no longer one.
pub const PROOF_STEPS_MAX: usize = 64;

/// The hash of one leaf.
pub fn leaf_hash(data: &[u8]) -> Hash {
    let mut hasher = Sha256::new_with_prefix([0u8]);
    hasher.update(data);
    hasher.finalize().into()
}

/// The hash of two nodes.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    inner_hash(&[left, right])
}

/// The hash of an inner node over `parts`, where a tree's nodes say more than hashes.
#[inline]
pub fn inner_hash(parts: &[&[u8]]) -> Hash {
    let mut message = [0; 2 * BLOCK];
    message[0] = 1;
    let mut length = 1;
    for part in parts {
        let Some(room) = message.get_mut(length..length + part.len()) else { return long_inner_hash(parts) };
        room.copy_from_slice(part);
        length += part.len();
    }
    let rest = (message.len() - length).checked_sub(PADDING_MIN);
    if length < BLOCK || rest.is_none() {
        return long_inner_hash(parts);
    }
    message[length] = 0x80;
    message[2 * BLOCK - 8..].copy_from_slice(&(8 * length as u64).to_be_bytes());
    compressed(message.as_chunks().0)
}

/// The same for parts of any length.
#[cold]
fn long_inner_hash(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new_with_prefix([1u8]);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// Bytes that SHA-256 takes in at once.
const BLOCK: usize = 64;

/// What at least follows a message: a byte that ends it, and its length in bits (FIPS 180-4, section 5.1.1).
const PADDING_MIN: usize = 9;

/// SHA-256 of a message in whole blocks, its padding included.
fn compressed(blocks: &[[u8; BLOCK]]) -> Hash {
    // The square roots of the first eight primes: FIPS 180-4, section 5.3.3.
    let mut state = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    compress256(&mut state, blocks);
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

/// Leaves that are hashed where they are written, one after the other: for whoever has millions of short ones.
#[derive(Debug, Clone)]
pub struct LeafWriter {
    message: Vec<u8>,
}

impl LeafWriter {
    /// Nothing is written yet.
    pub fn new() -> Self {
        Self { message: vec![0] }
    }

    /// Appends to the leaf.
    #[inline]
    pub fn push(&mut self, data: &[u8]) {
        self.message.extend_from_slice(data);
    }

    /// Appends the `length` bytes of `data` from `start` on. Where as many as 16 are there they are copied at once, which
    /// takes less time than copying just so many.
    ///
    /// # Panics
    /// `data` does not have them.
    #[inline]
    pub fn push_part(&mut self, data: &[u8], start: usize, length: usize) {
        match data.get(start..).and_then(|data| data.first_chunk::<16>()) {
            Some(sixteen) if length <= sixteen.len() => {
                let end = self.message.len() + length;
                self.message.extend_from_slice(sixteen);
                self.message.truncate(end);
            }
            _ => self.message.extend_from_slice(&data[start..start + length]),
        }
    }

    /// The hash of what was written since the last call: that of [`leaf_hash`].
    #[inline]
    pub fn finish(&mut self) -> Hash {
        let length = self.message.len();
        let whole = (length + PADDING_MIN).next_multiple_of(BLOCK);
        self.message.push(0x80);
        self.message.resize(whole - 8, 0);
        self.message.extend_from_slice(&(8 * length as u64).to_be_bytes());
        let hash = compressed(self.message.as_chunks().0);
        self.message.truncate(1);
        hash
    }
}

impl Default for LeafWriter {
    fn default() -> Self {
        Self::new()
    }
}

fn next_level(level: &[Hash]) -> Vec<Hash> {
    level
        .chunks(2)
        .map(|pair| match pair {
            [left, right] => node_hash(left, right),
            [single] => *single,
            _ => unreachable!("chunks of two hold one or two"),
        })
        .collect()
}

/// The root over leaf hashes in order; the hash of nothing when there are none.
pub fn root(leaves: &[Hash]) -> Hash {
    if leaves.is_empty() {
        return Sha256::digest([]).into();
    }
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = next_level(&level);
    }
    level[0]
}

/// The siblings from the leaf at `index` up to the root; `None` when there is no such leaf.
pub fn proof(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let mut path = Vec::new();
    let mut level = leaves.to_vec();
    let mut at = index;
    while level.len() > 1 {
        if let Some(sibling) = level.get(at ^ 1) {
            path.push(*sibling);
        }
        level = next_level(&level);
        at /= 2;
    }
    Some(path)
}

/// The root that `path` leads to from the leaf `leaf` at `index` of `count`; `None` when the path does not fit.
pub fn root_of_proof(leaf: Hash, index: u64, count: u64, path: &[Hash]) -> Option<Hash> {
    if index >= count || path.len() > PROOF_STEPS_MAX {
        return None;
    }
    let (mut at, mut last, mut node) = (index, count - 1, leaf);
    let mut siblings = path.iter();
    while last > 0 {
        if at % 2 == 1 {
            node = node_hash(siblings.next()?, &node);
        } else if at < last {
            node = node_hash(&node, siblings.next()?);
        }
        at /= 2;
        last /= 2;
    }
    siblings.next().is_none().then_some(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|i| leaf_hash(&(i as u64).to_le_bytes())).collect()
    }

    /// The definition of RFC 6962, as it is written there.
    fn root_by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [single] => *single,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node_hash(&root_by_definition(&leaves[..split]), &root_by_definition(&leaves[split..]))
            }
        }
    }

    /// Hashes that are written in blocks are those of SHA-256, at every length around a block's end.
    #[test]
    fn short_ways_give_the_same_hashes() {
        let data: Vec<u8> = (0..400u32).map(|number| (number * 7) as u8).collect();
        let mut writer = LeafWriter::new();
        for length in 0..data.len() {
            let (left, right) = data[..length].split_at(length / 3);
            let whole = [&[1], left, right].concat();
            assert_eq!(inner_hash(&[left, right]), Hash::from(Sha256::digest(&whole)), "{length}");
            writer.push(left);
            writer.push_part(&data, left.len(), right.len());
            assert_eq!(writer.finish(), leaf_hash(&data[..length]), "{length}");
            writer.push_part(&data[..length], left.len(), right.len());
            assert_eq!(writer.finish(), leaf_hash(right), "{length}");
        }
    }

    #[test]
    fn shape_is_that_of_the_rfc() {
        for count in 0..70 {
            assert_eq!(root(&leaves(count)), root_by_definition(&leaves(count)), "{count} leaves");
        }
    }

    #[test]
    fn every_leaf_is_proven_at_its_place_only() {
        for count in 1..40usize {
            let all = leaves(count);
            for index in 0..count {
                let path = proof(&all, index).expect("the leaf exists");
                for claimed in 0..count {
                    let found = root_of_proof(all[index], claimed as u64, count as u64, &path);
                    assert_eq!(
                        found == Some(root(&all)),
                        claimed == index,
                        "{index} as {claimed} of {count}"
                    );
                }
            }
            assert_eq!(proof(&all, count), None);
        }
    }

    proptest! {
        #[test]
        fn a_changed_proof_leads_elsewhere(count in 2usize..50, pick: u64, flip: usize, bit in 0u8..8) {
            let all = leaves(count);
            let index = (pick % count as u64) as usize;
            let mut path = proof(&all, index).expect("the leaf exists");
            let at = flip % (path.len() * 32);
            path[at / 32][at % 32] ^= 1 << bit;
            prop_assert_ne!(root_of_proof(all[index], index as u64, count as u64, &path), Some(root(&all)));
            path.pop();
            prop_assert_ne!(root_of_proof(all[index], index as u64, count as u64, &path), Some(root(&all)));
        }
    }
}
