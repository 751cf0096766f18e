//! Clusters: texts that count as one. The earliest commitment owns a cluster; every later copy earns nothing.
//!
//! Rule, version 1: same sequence of folded words, same cluster. The room for near-duplicates is here: they become
//! further members of an existing cluster, under a new version of the rule. A passage that several clusters share is
//! not a matter of clusters; it is divided at attribution.

use std::collections::BTreeMap;

use crate::ids::ClusterId;

/// Texts that count as one, as positions in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The hash of the words that the members share.
    pub id: ClusterId,
    /// The position of the earliest commitment.
    pub owner: usize,
    /// All positions, rising; the first is the owner.
    pub members: Vec<usize>,
}

/// Groups the clusters of texts that stand in commitment order, in the order of their owners.
pub fn clusters_of(ids: &[ClusterId]) -> Vec<Cluster> {
    let mut places: BTreeMap<ClusterId, usize> = BTreeMap::new();
    let mut clusters: Vec<Cluster> = Vec::new();
    for (position, id) in ids.iter().enumerate() {
        match places.get(id) {
            Some(&place) => clusters[place].members.push(position),
            None => {
                places.insert(*id, clusters.len());
                clusters.push(Cluster { id: *id, owner: position, members: vec![position] });
            }
        }
    }
    clusters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::cluster_of;

    #[test]
    fn the_earliest_commitment_owns_its_copies() {
        let texts = ["a b", "c", "A, b!", "c.", "d", "a\nb"];
        let ids: Vec<_> = texts.iter().map(|text| cluster_of(text)).collect();
        let found: Vec<_> = clusters_of(&ids).into_iter().map(|c| (c.owner, c.members)).collect();
        assert_eq!(found, vec![(0, vec![0, 2, 5]), (1, vec![1, 3]), (4, vec![4])]);
    }
}
