//! The Merkle tree over the hidden states of one answer, in the shape of RFC 6962, section 2.1, over SHA-256.
//!
//! Rule: a leaf is the salted hash of the digests of one window behind one layer; the layers of a window lie
//! beside each other, windows ascend. A leaf's hash begins with the name of its use and a node's with the
//! byte 1, so neither passes for the other.
//! Absent: what the digests are of ([`openledger_model::state_digest`]).

use openledger_model::StateDigest;
use sha2::{Digest, Sha256};

use super::hash::{Hash, hasher};

/// The leaf of the digests of window `window` behind layer `layer`, both from 0: one digest for each of its
/// positions, in order.
pub(crate) fn leaf(salt: &[u8; 32], window: u32, layer: u32, digests: &[StateDigest]) -> Hash {
    let mut hasher = hasher("state", salt);
    hasher.update(window.to_le_bytes());
    hasher.update(layer.to_le_bytes());
    for digest in digests {
        hasher.update(digest);
    }
    Hash(hasher.finalize().into())
}

fn node(left: Hash, right: Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left.0);
    hasher.update(right.0);
    Hash(hasher.finalize().into())
}

/// One level up: pairs become nodes, a last one without a partner rises as it is.
fn level_up(level: &[Hash]) -> Vec<Hash> {
    let up = |pair: &[Hash]| if let [left, right] = pair { node(*left, *right) } else { pair[0] };
    level.chunks(2).map(up).collect()
}

/// The root over the leaves; the hash of nothing without any.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level_up(&level);
    }
    level.first().copied().unwrap_or_else(|| Hash(Sha256::digest([]).into()))
}

/// The siblings on the way from leaf `index` to the root, from below (RFC 6962, section 2.1.1).
pub(crate) fn path(leaves: &[Hash], index: usize) -> Vec<Hash> {
    let (mut level, mut index, mut path) = (leaves.to_vec(), index, Vec::new());
    while level.len() > 1 {
        path.extend(level.get(index ^ 1));
        level = level_up(&level);
        index /= 2;
    }
    path
}

/// The root that a leaf at `index` of `count` leads to along `path`; `None` where the path has another
/// length than the tree calls for, or there is no such leaf.
pub(crate) fn root_along(leaf: Hash, index: u64, count: u64, path: &[Hash]) -> Option<Hash> {
    if index >= count {
        return None;
    }
    let (mut found, mut index, mut last) = (leaf, index, count - 1);
    let mut path = path.iter();
    while last > 0 {
        if index % 2 == 1 {
            found = node(*path.next()?, found);
        } else if index < last {
            found = node(found, *path.next()?);
        }
        (index, last) = (index / 2, last / 2);
    }
    path.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u32) -> Vec<Hash> {
        (0..count).map(|index| leaf(&[3; 32], index, 1, &[[7; 32]])).collect()
    }

    /// The definition of RFC 6962, section 2.1, as it is written there.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [only] => *only,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node(defined(&leaves[..split]), defined(&leaves[split..]))
            }
        }
    }

    #[test]
    fn roots_and_paths_are_those_of_the_definition() {
        for count in 1..40_u32 {
            let leaves = leaves(count);
            let expected = defined(&leaves);
            assert_eq!(root(&leaves), expected, "{count}");
            for index in 0..leaves.len() {
                let path = path(&leaves, index);
                let (at, count) = (index as u64, u64::from(count));
                assert_eq!(root_along(leaves[index], at, count, &path), Some(expected));
                assert_ne!(root_along(Hash([9; 32]), at, count, &path), Some(expected));
                for wrong in [(at + 1) % count.max(2), count, u64::MAX] {
                    assert_ne!(root_along(leaves[index], wrong, count, &path), Some(expected), "{wrong}");
                }
                let longer = [path.as_slice(), &[Hash([0; 32])]].concat();
                assert_eq!(root_along(leaves[index], at, count, &longer), None);
                if let Some((_, shorter)) = path.split_last() {
                    assert_eq!(root_along(leaves[index], at, count, shorter), None);
                }
            }
        }
    }

    #[test]
    fn a_leaf_says_where_it_is_and_of_what() {
        let base = leaf(&[1; 32], 2, 3, &[[4; 32], [5; 32]]);
        let others = [
            leaf(&[2; 32], 2, 3, &[[4; 32], [5; 32]]),
            leaf(&[1; 32], 3, 3, &[[4; 32], [5; 32]]),
            leaf(&[1; 32], 2, 2, &[[4; 32], [5; 32]]),
            leaf(&[1; 32], 2, 3, &[[4; 32], [6; 32]]),
            leaf(&[1; 32], 2, 3, &[[5; 32], [4; 32]]),
            leaf(&[1; 32], 2, 3, &[[4; 32]]),
        ];
        assert!(others.iter().all(|other| *other != base));
    }
}
