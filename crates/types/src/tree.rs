//! The Merkle tree over the receipts of a batch, in sequence order, in the shape of RFC 6962, section 2.1, over SHA-256.
//! Leaves and nodes are hashed in different domains, so a node cannot be passed as a leaf.
//! Absent: consistency proofs; a batch never grows.

use crate::Hash;
use sha2::{Digest, Sha256};

/// The leaf of a receipt: SHA-256 over 0x00 and the envelope's payload.
pub fn leaf(payload: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0u8]).chain_update(payload).finalize().into())
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([1u8]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// Pairs of one level; an odd last hash rises unchanged.
fn next_level(level: &[Hash]) -> Vec<Hash> {
    let joined = level.chunks(2).map(|pair| match pair {
        [left, right] => node(left, right),
        rest => rest.first().copied().unwrap_or(Hash([0; 32])),
    });
    joined.collect()
}

/// The root over `leaves`; over none, SHA-256 of nothing.
pub fn batch_root(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = next_level(&level);
    }
    level.first().copied().unwrap_or_else(|| crate::sha256(&[]))
}

/// The hashes that lead from the leaf at `index` (from 0) to the root, the lowest first; `None` when there is no such leaf.
pub fn batch_path(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    leaves.get(index)?;
    let mut level = leaves.to_vec();
    let mut place = index;
    let mut path = Vec::new();
    while level.len() > 1 {
        if let Some(sibling) = level.get(place ^ 1) {
            path.push(*sibling);
        }
        level = next_level(&level);
        place /= 2;
    }
    Some(path)
}

/// Whether `path` leads from `leaf`, at `index` (from 0) of `leaves`, to `root`.
pub fn verify_path(root: &Hash, leaf: &Hash, index: u32, leaves: u32, path: &[Hash]) -> bool {
    let Some(mut last) = leaves.checked_sub(1) else { return false };
    let mut place = index;
    if place > last {
        return false;
    }
    let mut hash = *leaf;
    let mut siblings = path.iter();
    while last > 0 {
        let has_sibling = place & 1 == 1 || place < last;
        if has_sibling {
            let Some(sibling) = siblings.next() else { return false };
            hash = if place & 1 == 1 { node(sibling, &hash) } else { node(&hash, sibling) };
        }
        place /= 2;
        last /= 2;
    }
    siblings.next().is_none() && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962, section 2.1, word for word: split at the largest power of two below the count.
    fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => crate::sha256(&[]),
            [one] => *one,
            many => {
                let (left, right) = many.split_at(largest_power_below(many.len()));
                node(&naive_root(left), &naive_root(right))
            }
        }
    }

    fn naive_path(leaves: &[Hash], index: usize) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let split = largest_power_below(leaves.len());
        let (left, right) = leaves.split_at(split);
        let (mut path, sibling) = if index < split {
            (naive_path(left, index), naive_root(right))
        } else {
            (naive_path(right, index - split), naive_root(left))
        };
        path.push(sibling);
        path
    }

    fn largest_power_below(count: usize) -> usize {
        let mut power = 1;
        while power * 2 < count {
            power *= 2;
        }
        power
    }

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|number| leaf(format!("receipt {number}").as_bytes())).collect()
    }

    #[test]
    fn roots_and_paths_are_those_of_the_standard() {
        assert_eq!(batch_root(&[]), naive_root(&[]));
        for count in 1..=70 {
            let leaves = leaves(count);
            let root = batch_root(&leaves);
            assert_eq!(root, naive_root(&leaves), "{count} leaves");
            for index in 0..count {
                let path = batch_path(&leaves, index).unwrap();
                assert_eq!(path, naive_path(&leaves, index), "leaf {index} of {count}");
                assert!(verify_path(&root, &leaves[index], index as u32, count as u32, &path));
            }
            assert_eq!(batch_path(&leaves, count), None);
        }
    }

    #[test]
    fn a_path_is_of_one_leaf_place_and_root() {
        for count in 1..=33usize {
            let leaves = leaves(count);
            let root = batch_root(&leaves);
            for index in 0..count {
                let path = batch_path(&leaves, index).unwrap();
                let holds = |root: &Hash, leaf: &Hash, index: usize, path: &[Hash]| {
                    verify_path(root, leaf, index as u32, count as u32, path)
                };
                assert!(!holds(&Hash([9; 32]), &leaves[index], index, &path));
                assert!(!holds(&root, &leaf(b"another"), index, &path));
                assert!(!holds(&root, &leaves[index], count, &path));
                for other in (0..count).filter(|other| *other != index) {
                    assert!(!holds(&root, &leaves[index], other, &path), "{index} as {other} of {count}");
                }
                let longer = [path.as_slice(), &[root]].concat();
                assert!(!holds(&root, &leaves[index], index, &longer));
                if let Some((_, shorter)) = path.split_last() {
                    assert!(!holds(&root, &leaves[index], index, shorter));
                }
                for place in 0..path.len() {
                    let mut changed = path.clone();
                    changed[place].0[0] ^= 1;
                    assert!(!holds(&root, &leaves[index], index, &changed));
                }
            }
            assert!(!verify_path(&root, &leaves[0], 0, 0, &[]));
        }
    }
}
