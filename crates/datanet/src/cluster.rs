//! Clusters: texts that count as one. The earliest commitment owns a cluster; every later copy earns nothing.
//!
//! Rule, version 2, one pass in the order of commitment: a text with the same sequence of folded words as an earlier one
//! joins that one's cluster; a text that repeats the owner of a cluster for the most part (`near`) joins that cluster,
//! the earliest of several; every other text opens a cluster. Only owners are compared, so a copy of a near-copy is
//! measured against the text that both go back to, and no chain of small changes leads from one text to another.
//! Which copies are exact is the ledger's business too (its record of a cluster); which are near is the snapshot's.
//! A passage that several clusters share is not a matter of clusters; it is divided at attribution.

use std::collections::BTreeMap;

use crate::ids::ClusterId;
use crate::near::{NearCopies, word_hash};
use crate::words::{self, ClusterHasher};

/// Texts that count as one, as positions in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The hash of the owner's words.
    pub id: ClusterId,
    /// The position of the earliest commitment.
    pub owner: usize,
    /// All positions, rising; the first is the owner.
    pub members: Vec<usize>,
    /// Those of the members that do not have the owner's words, rising.
    pub near: Vec<usize>,
}

/// Groups texts that stand in the order of commitment; the clusters are in the order of their owners.
///
/// Splits every text into words once, and those a second time that are compared with each other. Keeps about three bytes
/// a word, and four a word for texts that are compared.
pub fn clusters_of(texts: &[&str]) -> Vec<Cluster> {
    let mut near_copies = NearCopies::default();
    let mut by_id: BTreeMap<ClusterId, usize> = BTreeMap::new();
    // The first text with certain words, and for each text the number of the first with its words.
    let (mut firsts, mut firsts_of_texts) = (Vec::new(), Vec::with_capacity(texts.len()));
    for (position, text) in texts.iter().enumerate() {
        let (id, hashes) = read(text);
        let first = *by_id.entry(id).or_insert_with(|| {
            near_copies.add(&hashes);
            firsts.push((id, position));
            firsts.len() - 1
        });
        firsts_of_texts.push(first);
    }
    let repeated = near_copies.find(|first| {
        let mut hashes = Vec::new();
        words::for_each_folded(texts[firsts[first].1], |folded| hashes.push(word_hash(folded)));
        hashes
    });
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut cluster_of_first: Vec<usize> = Vec::with_capacity(firsts.len());
    for (&(id, owner), repeated) in firsts.iter().zip(&repeated) {
        cluster_of_first.push(match repeated {
            Some(earlier) => cluster_of_first[*earlier],
            None => {
                clusters.push(Cluster { id, owner, members: Vec::new(), near: Vec::new() });
                clusters.len() - 1
            }
        });
    }
    for (position, first) in firsts_of_texts.into_iter().enumerate() {
        let cluster = &mut clusters[cluster_of_first[first]];
        cluster.members.push(position);
        if repeated[first].is_some() {
            cluster.near.push(position);
        }
    }
    clusters
}

/// The cluster id of a text and the hashes of its words, in one go.
fn read(text: &str) -> (ClusterId, Vec<u64>) {
    let (mut hasher, mut hashes) = (ClusterHasher::default(), Vec::new());
    words::for_each_folded(text, |folded| {
        hasher.push(folded);
        hashes.push(word_hash(folded));
    });
    (hasher.finish(), hashes)
}
