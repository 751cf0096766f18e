//! Several segments read as one index, with one owner for each cluster.
//!
//! A text that is sealed in two datanets counts once, for the earlier commitment (the lower sequence, which counts across
//! datanets, then the lower contribution id, then the lower name of the datanet). `root` is the Merkle root over the
//! version of the parameters with the hash of the table of words, and over the segments' roots, in the order of their names.
//! A live index ([`Index::live`]) may have several segments of a datanet, and hidden documents in each. It gives the spans
//! and shares that one segment of what is seen gives; its root is of this layout alone, and no receipt names it.
//! Absent: weights, which no index has a say in (`unigrams`); changing an index: a new snapshot is a new join, which is
//! linear in the number of documents where there are several datanets.

use std::collections::BTreeMap;
use std::sync::Arc;

use openledger_datanet::merkle;

use crate::parameters::{ATTRIBUTION_VERSION, SEGMENTS_MAX, UNIGRAMS_SHA256};
use crate::segment::{Hidden, IndexError, IndexedText, Segment, View};

/// A segment of a live index.
#[derive(Debug, Clone)]
pub struct LiveSegment {
    /// The segment.
    pub segment: Arc<Segment>,
    /// The documents of it that are not to be seen.
    pub hidden: Arc<Hidden>,
}

/// Several segments read as one.
#[derive(Debug, Clone)]
pub struct Index {
    segments: Vec<Arc<Segment>>,
    /// For each segment its hidden documents, where there are such.
    hidden: Vec<Option<Arc<Hidden>>>,
    /// For each segment, whether each of its documents owns its cluster in the whole index; none: all that are seen do.
    owns_cluster: Option<Vec<Vec<bool>>>,
    root: [u8; 32],
}

impl Index {
    /// Reads the segments as one index. Their order does not matter.
    ///
    /// # Errors
    /// Too many segments, or two of the same datanet.
    pub fn join(mut segments: Vec<Arc<Segment>>) -> Result<Self, IndexError> {
        check_count(segments.len())?;
        segments.sort_by(|a, b| a.datanet().cmp(b.datanet()));
        if let Some(pair) = segments.windows(2).find(|pair| pair[0].datanet() == pair[1].datanet()) {
            return Err(IndexError::DatanetTwice { datanet: pair[0].datanet().to_owned() });
        }
        let hidden = vec![None; segments.len()];
        let owns_cluster = Some(find_owners(&segments, &hidden));
        let root = joined_root(segments.iter().map(|segment| segment.root()));
        Ok(Self { segments, hidden, owns_cluster, root })
    }

    /// Reads segments of any datanets as one index, of which some documents are hidden. The order of segments does not
    /// matter. Whoever has several segments of a datanet hides copies and near-copies in them: only copies across
    /// datanets are found here.
    ///
    /// # Errors
    /// Too many segments.
    pub fn live(mut segments: Vec<LiveSegment>) -> Result<Self, IndexError> {
        check_count(segments.len())?;
        segments.sort_by_cached_key(|part| {
            (part.segment.datanet().to_owned(), part.segment.documents().next().map(|text| text.sequence))
        });
        let is_one = segments.windows(2).all(|pair| pair[0].segment.datanet() == pair[1].segment.datanet());
        let root = joined_root(segments.iter().map(|part| part.root()));
        let some = |hidden: Arc<Hidden>| Some(hidden).filter(|hidden| hidden.count() > 0);
        let (segments, hidden): (Vec<_>, Vec<_>) =
            segments.into_iter().map(|part| (part.segment, some(part.hidden))).unzip();
        let owns_cluster = (!is_one).then(|| find_owners(&segments, &hidden));
        Ok(Self { segments, hidden, owns_cluster, root })
    }

    /// The one hash that names the index.
    pub fn root(&self) -> [u8; 32] {
        self.root
    }

    /// The root, where each segment is a whole sealed snapshot's: of such an index alone certificates can be made.
    pub(crate) fn sealed_root(&self) -> Option<[u8; 32]> {
        let is_sealed = self.hidden.iter().all(Option::is_none)
            && self.segments.iter().all(|segment| segment.is_sealed())
            && self.segments.windows(2).all(|pair| pair[0].datanet() != pair[1].datanet());
        is_sealed.then_some(self.root)
    }

    /// The segments, in the order of their datanets' names.
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// Whether the document, which is seen, owns its cluster in the whole index.
    pub(crate) fn owns_cluster(&self, segment: usize, document: usize) -> bool {
        self.owns_cluster.as_ref().is_none_or(|owns| owns[segment][document])
    }

    /// The segments, ready to be searched.
    pub(crate) fn views(&self) -> Vec<View<'_>> {
        let parts = self.segments.iter().zip(&self.hidden);
        parts.map(|(segment, hidden)| segment.view().hiding(hidden.as_deref())).collect()
    }
}

impl LiveSegment {
    /// The segment's root; with hidden documents, a hash over it and them.
    fn root(&self) -> [u8; 32] {
        if self.hidden.count() == 0 {
            return self.segment.root();
        }
        let mut bytes = b"openledger/live-segment/1".to_vec();
        bytes.extend_from_slice(&self.segment.root());
        self.hidden.iter().for_each(|document| bytes.extend_from_slice(&document.to_le_bytes()));
        merkle::leaf_hash(&bytes)
    }
}

fn check_count(count: usize) -> Result<(), IndexError> {
    if count > SEGMENTS_MAX { Err(IndexError::TooManySegments { count }) } else { Ok(()) }
}

fn find_owners(segments: &[Arc<Segment>], hidden: &[Option<Arc<Hidden>>]) -> Vec<Vec<bool>> {
    let is_seen = |place: usize, document: usize| {
        hidden[place].as_ref().is_none_or(|hidden| !hidden.contains(document))
    };
    let claim = |document: &IndexedText, place: usize| (document.sequence, document.contribution, place);
    let mut owners = BTreeMap::new();
    for (place, segment) in segments.iter().enumerate() {
        let seen = segment.documents().enumerate().filter(|(number, _)| is_seen(place, *number));
        for (_, document) in seen {
            let claim = claim(&document, place);
            owners.entry(document.cluster).and_modify(|owner| *owner = claim.min(*owner)).or_insert(claim);
        }
    }
    let owns = |place: usize, segment: &Segment| {
        segment.documents().map(|d| owners.get(&d.cluster) == Some(&claim(&d, place))).collect()
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
