//! Who plays: the clusters behind the passages of a prompt. Absent: passages of texts that are not indexed; they belong to
//! no player and stay in every prompt.

use std::collections::BTreeMap;

use openledger_datanet::{ClusterId, ContributionId};

use crate::index::Index;

/// A cluster with passages in the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    /// The cluster.
    pub cluster: ClusterId,
    /// The cluster's earliest commitment in the whole index, which receives its mass.
    pub contribution: ContributionId,
    /// The datanet of that commitment.
    pub datanet: String,
    /// Which passages are the cluster's, by their place in the prompt, rising.
    pub passages: Vec<usize>,
}

/// The players behind passages of these contributions, each with its datanet, sorted by cluster. Takes time linear in the
/// documents of the index.
pub fn players(index: &Index, passages: &[(&str, ContributionId)]) -> Vec<Player> {
    let mut clusters: BTreeMap<ClusterId, Vec<usize>> = BTreeMap::new();
    for (place, (datanet, contribution)) in passages.iter().enumerate() {
        let segment = index.segments().iter().find(|segment| segment.datanet() == *datanet);
        let document =
            segment.and_then(|segment| segment.view().documents().find(|d| d.contribution == *contribution));
        if let Some(document) = document {
            clusters.entry(document.cluster).or_default().push(place);
        }
    }
    let mut players = BTreeMap::new();
    for (place, segment) in index.segments().iter().enumerate() {
        for (row, document) in segment.view().documents().enumerate() {
            if index.owns_cluster(place, row)
                && let Some(passages) = clusters.get(&document.cluster)
            {
                let (cluster, contribution) = (document.cluster, document.contribution);
                let datanet = segment.datanet().to_owned();
                players
                    .insert(cluster, Player { cluster, contribution, datanet, passages: passages.clone() });
            }
        }
    }
    players.into_values().collect()
}
