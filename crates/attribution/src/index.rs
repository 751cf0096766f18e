//! Several segments read as one index: common word numbers, common weights, one owner for each cluster.
//!
//! Weights: a word that occurs `c` times among `N` words, `V` of them distinct, weighs `ln((N + V + 1) / (c + 1))`
//! nats; an unknown word `ln(N + V + 1)`. A text that is sealed in two datanets counts once, for the earlier
//! commitment (the lower sequence, which counts across datanets, then the lower name of the datanet).
//! `root` is the Merkle root over the parameters' version and the segments' roots, in the order of their names.
//! Absent: changing an index; a new snapshot is a new join, which is linear in the number of words.

use std::collections::BTreeMap;
use std::sync::Arc;

use openledger_datanet::{ClusterId, merkle};

use crate::logarithm::ln_ratio;
use crate::parameters::{ATTRIBUTION_VERSION, SEGMENTS_MAX};
use crate::segment::{IndexError, Segment, UNKNOWN, View};

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

    /// The segments, ready to be searched.
    pub(crate) fn views(&self) -> Vec<View<'_>> {
        self.segments.iter().map(|segment| segment.view()).collect()
    }

    /// The weight of a word whose number in each segment is given, [`UNKNOWN`] where it does not occur.
    pub(crate) fn weight(&self, ids: impl Iterator<Item = u32>) -> u64 {
        let mut known = ids.zip(&self.weights).filter(|(id, _)| *id != UNKNOWN);
        let weight = known.find_map(|(id, weights)| weights.get(id as usize - 1));
        weight.copied().unwrap_or(self.unknown_weight)
    }
}

fn find_owners(segments: &[Arc<Segment>]) -> Vec<Vec<bool>> {
    let mut owners: BTreeMap<ClusterId, (u64, usize)> = BTreeMap::new();
    for (place, segment) in segments.iter().enumerate() {
        for document in segment.view().documents() {
            let claim = (document.sequence, place);
            owners.entry(document.cluster).and_modify(|owner| *owner = claim.min(*owner)).or_insert(claim);
        }
    }
    let owns = |place: usize, segment: &Segment| {
        segment.view().documents().map(|d| owners.get(&d.cluster) == Some(&(d.sequence, place))).collect()
    };
    segments.iter().enumerate().map(|(place, segment)| owns(place, segment)).collect()
}

/// The weights of each segment's words, and of a word that no owned text holds.
fn weigh(segments: &[Arc<Segment>], owns_cluster: &[Vec<bool>]) -> (Vec<Vec<u64>>, u64) {
    let views: Vec<View<'_>> = segments.iter().map(|segment| segment.view()).collect();
    let mut counts: Vec<Vec<u64>> =
        views.iter().zip(owns_cluster).map(|(view, owns)| owned_counts(view, owns)).collect();
    let distinct = match &views[..] {
        [view] => view.word_total(),
        _ => sum_over_segments(&views, &mut counts),
    };
    let size = owned_words(&views, owns_cluster) + distinct as u64 + 1;
    let weigh = |count: u64| ln_ratio(size, count + 1).max(1);
    let weights = counts.into_iter().map(|counts| counts.into_iter().map(weigh).collect()).collect();
    (weights, weigh(0))
}

/// Replaces the count of each word by its count in all segments; says how many distinct words there are.
fn sum_over_segments(views: &[View<'_>], counts: &mut [Vec<u64>]) -> usize {
    let words: Vec<Vec<Vec<u8>>> = views.iter().map(View::all_words).collect();
    let mut places: BTreeMap<&[u8], Vec<(usize, usize)>> = BTreeMap::new();
    for (segment, words) in words.iter().enumerate() {
        for (place, word) in words.iter().enumerate() {
            places.entry(word).or_default().push((segment, place));
        }
    }
    for places in places.values() {
        let sum: u64 = places.iter().map(|&(segment, place)| counts[segment][place]).sum();
        places.iter().for_each(|&(segment, place)| counts[segment][place] = sum);
    }
    places.len()
}

/// How often each word occurs in the documents that own their clusters.
fn owned_counts(view: &View<'_>, owns: &[bool]) -> Vec<u64> {
    let mut counts = view.counts();
    for (document, _) in owns.iter().enumerate().filter(|(_, owns)| !**owns) {
        for word in view.words_of(document) {
            if let Some(count) = word.checked_sub(1).and_then(|place| counts.get_mut(place)) {
                *count = count.saturating_sub(1);
            }
        }
    }
    counts
}

/// How many words the documents that own their clusters have.
fn owned_words(views: &[View<'_>], owns_cluster: &[Vec<bool>]) -> u64 {
    let words = |view: &View<'_>, owns: &[bool]| {
        let copied = owns.iter().enumerate().filter(|(_, owns)| !**owns);
        let copied: usize = copied.map(|(document, _)| view.words_of(document).count()).sum();
        view.segment.word_count().saturating_sub(copied) as u64
    };
    views.iter().zip(owns_cluster).map(|(view, owns)| words(view, owns)).sum()
}

fn join_root(segments: &[Arc<Segment>]) -> [u8; 32] {
    let mut head = b"openledger/joined-index/1".to_vec();
    head.extend_from_slice(&ATTRIBUTION_VERSION.to_le_bytes());
    let leaves: Vec<_> = std::iter::once(merkle::leaf_hash(&head))
        .chain(segments.iter().map(|segment| merkle::leaf_hash(&segment.root())))
        .collect();
    merkle::root(&leaves)
}
