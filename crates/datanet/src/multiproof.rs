//! One proof for several leaves of a tree in the shape of RFC 6962, section 2.1: what is shared is said once.
//!
//! Rule: the tree is climbed level by level and from left to right. A known node whose sibling is known needs nothing;
//! another takes the next hash of the proof; an odd last node moves up unchanged. So for a number of leaves and a set of
//! places there is one proof, of a fixed length, and each other sequence of hashes is refused. Of no leaves the proof is
//! the root alone. A prover and a verifier climb by the same function ([`climb`]), for any kind of node: a node may say
//! more of the leaves below it than their hash. Absent: how many leaves a tree has, which its root must be bound to.

use crate::merkle::{Hash, node_hash};

/// What a tree is made of.
pub trait Node: Clone {
    /// The node over two others.
    fn join(left: &Self, right: &Self) -> Self;
}

impl Node for Hash {
    fn join(left: &Self, right: &Self) -> Self {
        node_hash(left, right)
    }
}

/// The nodes of the next level.
pub fn next_level<N: Node>(level: &[N]) -> Vec<N> {
    level
        .chunks(2)
        .map(|pair| pair.get(1).map_or_else(|| pair[0].clone(), |right| N::join(&pair[0], right)))
        .collect()
}

/// The root that the leaves lead to, each with its place among `count`, rising. `sibling` gives the node of a level
/// (leaves are level 0) at a place, in the order in which a proof has them. `None` when the places are not such, or a
/// sibling is missing. Takes the number of leaves times the height of the tree.
pub fn climb<N: Node>(
    count: u64,
    leaves: Vec<(u64, N)>,
    mut sibling: impl FnMut(u32, u64) -> Option<N>,
) -> Option<N> {
    let is_rising = leaves.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let last = leaves.last().map_or(count.checked_sub(1)?, |(place, _)| *place);
    if !is_rising || last >= count {
        return None;
    }
    let (mut level, mut nodes, mut width) = (0, leaves, count);
    while width > 1 {
        if nodes.is_empty() {
            // Nothing is known: the proof is the root, which has the number 0 on the first level of one node.
            (level, width) = (level + 1, width.div_ceil(2));
            continue;
        }
        let mut above = Vec::with_capacity(nodes.len());
        let mut rest = nodes.into_iter().peekable();
        while let Some((place, node)) = rest.next() {
            let parent = if place % 2 == 1 {
                N::join(&sibling(level, place - 1)?, &node)
            } else if let Some((_, right)) = rest.next_if(|(next, _)| *next == place + 1) {
                N::join(&node, &right)
            } else if place + 1 < width {
                N::join(&node, &sibling(level, place + 1)?)
            } else {
                node
            };
            above.push((place / 2, parent));
        }
        (level, nodes, width) = (level + 1, above, width.div_ceil(2));
    }
    match nodes.pop() {
        Some((_, root)) => Some(root),
        None => sibling(level, 0),
    }
}

/// The proof of the leaves at `places`, which rise; `None` when there are no such leaves.
pub fn multiproof(leaves: &[Hash], places: &[u64]) -> Option<Vec<Hash>> {
    let mut levels = vec![leaves.to_vec()];
    while let Some(level) = levels.last().filter(|level| level.len() > 1) {
        levels.push(next_level(level));
    }
    let at = |level: u32, place: u64| levels.get(level as usize)?.get(usize::try_from(place).ok()?).copied();
    let known = places.iter().map(|&place| Some((place, at(0, place)?))).collect::<Option<_>>()?;
    let mut path = Vec::new();
    climb(leaves.len() as u64, known, |level, place| {
        let node = at(level, place)?;
        path.push(node);
        Some(node)
    })?;
    Some(path)
}

/// The root that a proof leads to from leaves at places that rise, among `count`; `None` when the proof does not fit
/// them to the last hash.
pub fn root_of_multiproof(leaves: &[(u64, Hash)], count: u64, path: &[Hash]) -> Option<Hash> {
    let mut rest = path.iter();
    let root = climb(count, leaves.to_vec(), |_, _| rest.next().copied())?;
    rest.next().is_none().then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{leaf_hash, proof, root};
    use proptest::prelude::*;

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|place| leaf_hash(&(place as u64).to_le_bytes())).collect()
    }

    fn opened(all: &[Hash], places: &[u64]) -> Vec<(u64, Hash)> {
        places.iter().map(|&place| (place, all[place as usize])).collect()
    }

    /// The places whose bits are set.
    fn places(count: usize, bits: u64) -> Vec<u64> {
        (0..count as u64).filter(|place| bits >> place & 1 == 1).collect()
    }

    /// A node that counts the leaves below it.
    #[derive(Clone, PartialEq, Debug)]
    struct Counted(Hash, u64);

    impl Node for Counted {
        fn join(left: &Self, right: &Self) -> Self {
            Self(node_hash(&left.0, &right.0), left.1 + right.1)
        }
    }

    #[test]
    fn every_set_of_leaves_of_small_trees_is_proven() {
        for count in 1..=9usize {
            let all = leaves(count);
            for bits in 0..1 << count {
                let places = places(count, bits);
                let path = multiproof(&all, &places).expect("the leaves exist");
                let found = root_of_multiproof(&opened(&all, &places), count as u64, &path);
                assert_eq!(found, Some(root(&all)), "{places:?} of {count}");
            }
        }
    }

    #[test]
    fn of_one_leaf_it_is_the_ordinary_proof_and_of_all_it_is_empty() {
        for count in 1..40usize {
            let all = leaves(count);
            for place in 0..count {
                assert_eq!(multiproof(&all, &[place as u64]), proof(&all, place), "{place} of {count}");
            }
            assert_eq!(multiproof(&all, &places(count, u64::MAX)), Some(vec![]));
            assert_eq!(multiproof(&all, &[]), Some(vec![root(&all)]));
            assert_eq!(multiproof(&all, &[count as u64]), None);
        }
        assert_eq!(multiproof(&[], &[]), None, "an empty tree has no node to show");
        assert_eq!(root_of_multiproof(&[], 0, &[]), None);
    }

    #[test]
    fn places_must_rise_and_exist() {
        let all = leaves(6);
        let path = multiproof(&all, &[1, 4]).expect("the leaves exist");
        let rows = [
            vec![(4, all[4]), (1, all[1])],
            vec![(1, all[1]), (1, all[1]), (4, all[4])],
            vec![(1, all[1]), (6, all[4])],
        ];
        for row in rows {
            assert_eq!(root_of_multiproof(&row, 6, &path), None, "{row:?}");
            assert_eq!(multiproof(&all, &row.iter().map(|(place, _)| *place).collect::<Vec<_>>()), None);
        }
        let everywhere = [(0, all[0]), (u64::MAX - 1, all[1])];
        assert_eq!(
            root_of_multiproof(&everywhere, u64::MAX, &[]),
            None,
            "the end of numbers is no end of the tree"
        );
    }

    #[test]
    fn nodes_may_say_more_than_a_hash() {
        let all: Vec<Counted> = leaves(11).into_iter().map(|hash| Counted(hash, 1)).collect();
        let mut levels = vec![all.clone()];
        while levels[levels.len() - 1].len() > 1 {
            levels.push(next_level(&levels[levels.len() - 1]));
        }
        let known = [2usize, 9].map(|place| (place as u64, all[place].clone()));
        let mut counted = 0;
        let found = climb(11, known.to_vec(), |level, place| {
            let node = levels[level as usize][place as usize].clone();
            counted += node.1;
            Some(node)
        });
        assert_eq!(found, Some(Counted(root(&leaves(11)), 11)));
        assert_eq!(counted, 9, "siblings cover all other leaves, each once");
    }

    proptest! {
        #[test]
        fn a_forged_proof_leads_nowhere(
            count in 1usize..60, bits: u64, at: usize, flip in 1u8.., other: usize, pick: usize
        ) {
            let (all, places) = (leaves(count), places(count, bits));
            let honest = root(&all);
            let known = opened(&all, &places);
            let path = multiproof(&all, &places).expect("the leaves exist");
            let refused = |known: &[(u64, Hash)], path: &[Hash]| root_of_multiproof(known, count as u64, path) != Some(honest);
            prop_assert!(!refused(&known, &path));
            // A byte of a hash, a hash too few or too many, two in the wrong order.
            if !path.is_empty() {
                let mut changed = path.clone();
                changed[at % path.len()][other % 32] ^= flip;
                prop_assert!(refused(&known, &changed));
                let mut missing = path.clone();
                missing.remove(at % path.len());
                prop_assert!(refused(&known, &missing));
                let mut swapped = path.clone();
                swapped.swap(at % path.len(), other % path.len());
                prop_assert_eq!(refused(&known, &swapped), swapped != path);
            }
            let mut extra = path.clone();
            extra.insert(at % (path.len() + 1), all[other % count]);
            prop_assert!(refused(&known, &extra));
            // A leaf changed, at another place, left out, or in a tree of another size.
            if !known.is_empty() {
                let mut changed = known.clone();
                changed[pick % known.len()].1[other % 32] ^= flip;
                prop_assert!(refused(&changed, &path));
                let mut moved = known.clone();
                let place = &mut moved[pick % known.len()].0;
                *place = (*place + 1 + other as u64 % count as u64) % (count as u64 + 1);
                prop_assert_eq!(refused(&moved, &path), moved != known);
                let mut missing = known.clone();
                missing.remove(pick % known.len());
                prop_assert!(refused(&missing, &path));
            }
        }

        #[test]
        fn a_proof_has_the_length_that_places_and_count_give(count in 1usize..60, bits: u64, other in 1u64..80) {
            let (all, places) = (leaves(count), places(count, bits));
            let (known, path) = (opened(&all, &places), multiproof(&all, &places).expect("the leaves exist"));
            // Another number of leaves that needs as many hashes may lead to the same root: roots are bound to theirs.
            let mut hashes = 0;
            let fits = climb(other, known.clone(), |_, _| { hashes += 1; Some([0; 32]) }).is_some() && hashes == path.len();
            prop_assert_eq!(root_of_multiproof(&known, other, &path).is_some(), fits);
        }
    }
}
