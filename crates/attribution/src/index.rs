//! Several segments read as one index, with one owner for each cluster.
//!
//! A text that is sealed in two datanets counts once, for the earlier commitment (the lower sequence, which counts across
//! datanets, then the lower contribution id, then the lower name of the datanet). `root` is the Merkle root over the version of the parameters with the
//! hash of the table of words, and over the segments' roots, in the order of their names.
//! Absent: weights, which no index has a say in (`unigrams`); changing an index: a new snapshot is a new join, which is
//! linear in the number of documents.

use std::collections::BTreeMap;
use std::sync::Arc;

use openledger_datanet::merkle;

use crate::parameters::{ATTRIBUTION_VERSION, SEGMENTS_MAX, UNIGRAMS_SHA256};
use crate::segment::{Document, IndexError, Segment, View};

/// Several segments read as one.
#[derive(Debug, Clone)]
pub struct Index {
    segments: Vec<Arc<Segment>>,
    /// For each segment, whether each of its documents owns its cluster in the whole index.
    owns_cluster: Vec<Vec<bool>>,
    root: [u8; 32],
}

impl Index {
    /// Reads the segments as one index. Their order does not matter.
    ///
    /// # Errors
    /// Too many segments, or two of the same datanet.
    pub fn join(mut segments: Vec<Arc<Segment>>) -> Result<Self, IndexError> {
        if segments.len() > SEGMENTS_MAX {
            return Err(IndexError::TooManySegments { count: segments.len() });
        }
        segments.sort_by(|a, b| a.datanet().cmp(b.datanet()));
        if let Some(pair) = segments.windows(2).find(|pair| pair[0].datanet() == pair[1].datanet()) {
            return Err(IndexError::DatanetTwice { datanet: pair[0].datanet().to_owned() });
        }
        let owns_cluster = find_owners(&segments);
        let root = joined_root(segments.iter().map(|segment| segment.root()));
        Ok(Self { segments, owns_cluster, root })
    }

    /// The one hash that names the index.
    pub fn root(&self) -> [u8; 32] {
        self.root
    }

    /// The segments, in the order of their datanets' names.
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// Whether the document owns its cluster in the whole index.
    pub(crate) fn owns_cluster(&self, segment: usize, document: usize) -> bool {
        self.owns_cluster[segment][document]
    }

    /// The segments, ready to be searched.
    pub(crate) fn views(&self) -> Vec<View<'_>> {
        self.segments.iter().map(|segment| segment.view()).collect()
    }
}

fn find_owners(segments: &[Arc<Segment>]) -> Vec<Vec<bool>> {
    let claim = |document: &Document, place: usize| (document.sequence, document.contribution, place);
    let mut owners = BTreeMap::new();
    for (place, segment) in segments.iter().enumerate() {
        for document in segment.view().documents() {
            let claim = claim(&document, place);
            owners.entry(document.cluster).and_modify(|owner| *owner = claim.min(*owner)).or_insert(claim);
        }
    }
    let owns = |place: usize, segment: &Segment| {
        segment.view().documents().map(|d| owners.get(&d.cluster) == Some(&claim(&d, place))).collect()
    };
    segments.iter().enumerate().map(|(place, segment)| owns(place, segment)).collect()
}

/// The root of the index over segments with these roots, in the order of their datanets' names.
pub fn joined_root(segments: impl IntoIterator<Item = [u8; 32]>) -> [u8; 32] {
    let mut head = b"openledger/joined-index/2".to_vec();
    head.extend_from_slice(&ATTRIBUTION_VERSION.to_le_bytes());
    head.extend_from_slice(&UNIGRAMS_SHA256);
    let leaves: Vec<_> = std::iter::once(merkle::leaf_hash(&head))
        .chain(segments.into_iter().map(|root| merkle::leaf_hash(&root)))
        .collect();
    merkle::root(&leaves)
}
