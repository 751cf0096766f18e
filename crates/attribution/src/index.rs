//! Several segments read as one index: common word numbers, common weights, one owner for each cluster.
//!
//! Weights: a word that occurs `c` times among `N` words, `V` of them distinct, weighs `ln((N + V + 1) / (c + 1))`
//! nats; an unknown word `ln(N + V + 1)`. A text that is sealed in two datanets counts once, for the earlier
//! commitment (the lower sequence, then the lower name of the datanet).
//! `root` is the Merkle root over the parameters' version and the segments' roots, in the order of their names.
//! Absent: changing an index; a new snapshot is a new join, which is linear in the number of words.

use std::collections::BTreeMap;
use std::sync::Arc;

use openledger_datanet::{ClusterId, merkle};

use crate::logarithm::ln_ratio;
use crate::parameters::{ATTRIBUTION_VERSION, SEGMENTS_MAX};
use crate::search::UNKNOWN;
use crate::segment::{IndexError, Segment};

const MAGIC: &[u8; 8] = b"OLINDEX\x01";

/// Several segments read as one.
#[derive(Debug, Clone)]
pub struct Index {
    segments: Vec<Arc<Segment>>,
    /// For each segment, whether each of its documents owns its cluster in the whole index.
    owns_cluster: Vec<Vec<bool>>,
    /// For each segment, the weight of each of its words, by id from 1.
    weights: Vec<Vec<u64>>,
    unknown_weight: u64,
    root: [u8; 32],
}

/// A word of an output, as the index sees it.
#[derive(Debug, Clone)]
pub(crate) struct KnownWord {
    /// The word's id in each segment; [`UNKNOWN`] where it does not occur.
    pub(crate) ids: Vec<u32>,
    pub(crate) weight: u64,
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
        let (weights, unknown_weight) = weigh(&segments, &owns_cluster);
        let root = join_root(&segments);
        Ok(Self { segments, owns_cluster, weights, unknown_weight, root })
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

    /// What the index knows of a folded word.
    pub(crate) fn look_up(&self, folded: &str) -> KnownWord {
        let ids: Vec<u32> = self.segments.iter().map(|segment| segment.word_id(folded)).collect();
        let known = ids.iter().zip(&self.weights).find(|(id, _)| **id != UNKNOWN);
        let weight = known.map_or(self.unknown_weight, |(id, weights)| weights[*id as usize - 1]);
        KnownWord { ids, weight }
    }

    /// The index as bytes: magic, the number of segments, each behind its length.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(self.segments.len() as u64).to_le_bytes());
        for segment in &self.segments {
            let segment = segment.to_bytes();
            bytes.extend_from_slice(&(segment.len() as u64).to_le_bytes());
            bytes.extend_from_slice(&segment);
        }
        bytes
    }

    /// Reads an index and checks all of it.
    ///
    /// # Errors
    /// The first part that is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IndexError> {
        let damaged = |cause| IndexError::Damaged { part: "list of segments", cause };
        let rest = bytes.strip_prefix(MAGIC).ok_or(damaged("is not that of an index, version 1"))?;
        let (count, mut rest) = rest.split_first_chunk::<8>().ok_or(damaged("is cut off"))?;
        let count = u64::from_le_bytes(*count);
        if count > SEGMENTS_MAX as u64 {
            return Err(damaged("is too long"));
        }
        let mut segments = Vec::new();
        for _ in 0..count {
            let (length, after) = rest.split_first_chunk::<8>().ok_or(damaged("is cut off"))?;
            let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| damaged("is too long"))?;
            let (segment, after) = after.split_at_checked(length).ok_or(damaged("is cut off"))?;
            segments.push(Arc::new(Segment::from_bytes(segment)?));
            rest = after;
        }
        if !rest.is_empty() {
            return Err(damaged("is followed by other bytes"));
        }
        Self::join(segments)
    }
}

fn find_owners(segments: &[Arc<Segment>]) -> Vec<Vec<bool>> {
    let mut owners: BTreeMap<ClusterId, (u64, usize)> = BTreeMap::new();
    for (place, segment) in segments.iter().enumerate() {
        for document in &segment.parts.documents {
            let claim = (document.sequence, place);
            owners.entry(document.cluster).and_modify(|owner| *owner = claim.min(*owner)).or_insert(claim);
        }
    }
    let owns = |place: usize, segment: &Segment| {
        segment.parts.documents.iter().map(|d| owners.get(&d.cluster) == Some(&(d.sequence, place))).collect()
    };
    segments.iter().enumerate().map(|(place, segment)| owns(place, segment)).collect()
}

/// The weights of each segment's words, and of a word that no owned text holds.
fn weigh(segments: &[Arc<Segment>], owns_cluster: &[Vec<bool>]) -> (Vec<Vec<u64>>, u64) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (segment, owns) in segments.iter().zip(owns_cluster) {
        for (word, count) in segment.parts.dictionary.iter().zip(owned_counts(segment, owns)) {
            *counts.entry(word).or_default() += count;
        }
    }
    let size = counts.values().sum::<u64>() + counts.len() as u64 + 1;
    let weight = |word: &String| ln_ratio(size, counts.get(word.as_str()).copied().unwrap_or(0) + 1).max(1);
    let weights =
        segments.iter().map(|segment| segment.parts.dictionary.iter().map(weight).collect()).collect();
    (weights, ln_ratio(size, 1).max(1))
}

/// How often each word occurs in the documents that own their clusters.
fn owned_counts(segment: &Segment, owns: &[bool]) -> Vec<u64> {
    let mut counts: Vec<u64> = segment.parts.counts.iter().map(|&count| u64::from(count)).collect();
    for (place, document) in segment.parts.documents.iter().enumerate().filter(|(place, _)| !owns[*place]) {
        let end = segment
            .parts
            .documents
            .get(place + 1)
            .map_or(segment.parts.ids.len(), |next| next.first_word as usize);
        for &id in segment.parts.ids[document.first_word as usize..end].iter().filter(|&&id| id > 0) {
            counts[id as usize - 1] -= 1;
        }
    }
    counts
}

fn join_root(segments: &[Arc<Segment>]) -> [u8; 32] {
    let mut head = b"openledger/joined-index/1".to_vec();
    head.extend_from_slice(&ATTRIBUTION_VERSION.to_le_bytes());
    let leaves: Vec<_> = std::iter::once(merkle::leaf_hash(&head))
        .chain(segments.iter().map(|segment| merkle::leaf_hash(&segment.root())))
        .collect();
    merkle::root(&leaves)
}
