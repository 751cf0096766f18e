//! Certificates made: each claim is read from the segment itself, what it reads is recorded, and that is opened.
//!
//! Of each tree the stored nodes are climbed from once, and of the lower levels only the groups that are opened or stand
//! beside are computed again. Takes some milliseconds a span, which whoever reads the certificate is spared. Absent:
//! finding spans (`spans`), and common ones, which pay nobody.

use std::cmp::Ordering;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use openledger_datanet::multiproof::{climb, next_level};

use super::certificate::{
    CERTIFICATE_BYTES_MAX, CERTIFICATE_VERSION, Certificate, SegmentProof, SpanProof, TreeProof,
};
use super::claim::{Absence, Claim, Held, Place, Ranks, Side, Source};
use super::tree::{
    DocumentLeaf, GROUP, LEAF, Leaf, Rank, SHARED_MAX, STORED_LEVEL, leaf_counts, stored_nodes, write_entry,
    write_rank,
};
use super::verify::Words;
use crate::attribution::{Attribution, Span};
use crate::index::Index;
use crate::segment::View;

/// Why there is no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertifyError {
    /// The attribution is of another index or output.
    #[error(
        "the attribution is not the one that this index gives for this answer; attribute the answer again"
    )]
    OtherAttribution,
    /// The index is one to search: trees are missing, documents are hidden, or a datanet has several segments.
    #[error(
        "the index is not sealed, so nothing can be proven of it; take the segments of sealed snapshots (openledger datanet export --segments)"
    )]
    NotSealed,
    /// A segment does not hold what its form says.
    #[error(
        "the index of {datanet} cannot be read where the answer stands in it; build it again from the snapshot"
    )]
    Damaged {
        /// The datanet.
        datanet: String,
    },
    /// It would be longer than any that is read.
    #[error(
        "the certificate would have {bytes} bytes, more than {CERTIFICATE_BYTES_MAX}; let the answer be recomputed instead"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// The certificate of the spans of an attribution that somebody is paid for and that stand in their texts word for word.
/// Spans with edits are left out: they are claimed, and recomputing compares them. The attribution must be the one that
/// [`attribute`](crate::attribute) gives for this output and index.
///
/// # Errors
/// Another attribution, a damaged segment, or a certificate that is too long.
pub fn certify(output: &str, attribution: &Attribution, index: &Index) -> Result<Certificate, CertifyError> {
    let words = Words::of(output).ok_or(CertifyError::OtherAttribution)?;
    if index.sealed_root().ok_or(CertifyError::NotSealed)? != attribution.index_root {
        return Err(CertifyError::OtherAttribution);
    }
    let views = index.views();
    let mut opened: Vec<Opened<'_>> = views.iter().map(Opened::new).collect();
    let damaged = |view: &View<'_>| CertifyError::Damaged { datanet: view.segment.datanet().to_owned() };
    let mut spans = Vec::new();
    for span in attribution.spans.iter().filter(|span| !span.is_common && span.edits == 0) {
        let numbers = (u32::try_from(span.words.start), u32::try_from(span.words.end));
        let (Ok(start), Ok(end)) = numbers else { return Err(CertifyError::OtherAttribution) };
        let claim = words.claim(start, end).ok_or(CertifyError::OtherAttribution)?;
        let mut places = Vec::with_capacity(views.len());
        let mut held = Vec::new();
        for (segment, (view, opened)) in views.iter().zip(&mut opened).enumerate() {
            let place = place_of(claim.span(), view);
            let found = claim.holds(place, opened).ok_or_else(|| damaged(view))?;
            held.extend(found.map(|held| (held, segment)));
            places.push(place);
        }
        let owner = is_of(span, &held).ok_or(CertifyError::OtherAttribution)?;
        let view = &views[owner.1];
        let sides = sides_of(&claim, owner.0, view);
        claim.is_longest(owner.0, sides, &mut opened[owner.1]).ok_or_else(|| damaged(view))?;
        spans.push(SpanProof { start, end, places, sides });
    }
    let segments = opened
        .iter()
        .map(|opened| opened.proof().ok_or_else(|| damaged(opened.view)))
        .collect::<Result<_, _>>()?;
    let certificate = Certificate { version: CERTIFICATE_VERSION, segments, spans };
    match certificate.to_bytes().len() {
        bytes if bytes > CERTIFICATE_BYTES_MAX => Err(CertifyError::TooLong { bytes }),
        _ => Ok(certificate),
    }
}

/// Of what the segments hold, the owner's part, when the span of an attribution is the one that was found.
fn is_of(span: &Span, held: &[(Held, usize)]) -> Option<(Held, usize)> {
    let count: u64 = held.iter().map(|(held, _)| u64::from(held.count())).sum();
    let owner = held.iter().min_by_key(|(held, segment)| (held.earliest.commitment(), *segment))?;
    let source = span.sources.first()?;
    let commitment = (span.committed, source.contribution);
    (count == span.count && owner.0.earliest.commitment() == commitment).then_some(*owner)
}

/// Where words stand in a segment.
fn place_of(words: &[String], view: &View<'_>) -> Place {
    let first = bound(view, words, |order| order == Ordering::Less);
    let past = bound(view, words, |order| order != Ordering::Greater);
    if first < past { Place::Held(Ranks { first, past }) } else { Place::Absent(absence_of(words, view)) }
}

/// Where the span with one more word stands, on either side, unless its neighbours in the text say enough.
fn sides_of(claim: &Claim<'_>, held: Held, view: &View<'_>) -> [Option<Place>; 2] {
    let sides = [claim.left(), claim.right()];
    sides.map(|words| words.filter(|_| held.count() > 1).map(|words| place_of(words, view)))
}

fn absence_of(words: &[String], view: &View<'_>) -> Absence {
    let at = bound(view, words, |order| order == Ordering::Less);
    let speaks = |before: usize| {
        let is_last = at as usize == view.segment.word_count();
        is_last || view.compare(before, words).1 > view.shared_with_previous(at as usize, SHARED_MAX)
    };
    let side = if (at as usize).checked_sub(1).is_some_and(speaks) { Side::Before } else { Side::Behind };
    Absence { at, side }
}

/// The first rank whose suffix does not compare with the words as those before it do.
fn bound(view: &View<'_>, words: &[String], is_before: impl Fn(Ordering) -> bool) -> u32 {
    let (mut start, mut end) = (0, view.segment.word_count());
    while start < end {
        let middle = start + (end - start) / 2;
        (start, end) =
            if is_before(view.compare(middle, words).0) { (middle + 1, end) } else { (start, middle) };
    }
    start as u32
}

/// A segment, and which leaves of its trees were read.
struct Opened<'a> {
    view: &'a View<'a>,
    read: [BTreeSet<u32>; 3],
    word: Vec<u8>,
}

impl<'a> Opened<'a> {
    fn new(view: &'a View<'a>) -> Self {
        Self { view, read: Default::default(), word: Vec::new() }
    }

    fn counts(&self) -> (u32, u32) {
        (self.view.segment.word_count() as u32, self.view.segment.document_count() as u32)
    }

    /// What was read, opened.
    fn proof(&self) -> Option<SegmentProof> {
        let (words, documents) = self.counts();
        let counts = leaf_counts(words, documents);
        let mut stored = self.view.trees;
        let [text, order, document] = &self.read;
        Some(SegmentProof {
            words,
            documents,
            text: open(&mut stored, counts[0], text, |leaf| self.text_leaf(leaf))?,
            order: open(&mut stored, counts[1], order, |leaf| self.order_leaf(leaf))?,
            document_tree: open(&mut stored, counts[2], document, |leaf| {
                Some(self.document_leaf(leaf)?.encode())
            })?,
        })
    }

    fn text_leaf(&self, leaf: u32) -> Option<Vec<u8>> {
        let mut data = Vec::new();
        self.view.each_word(leaf.checked_mul(LEAF as u32)?, LEAF, |word| write_entry(word, &mut data))?;
        Some(data)
    }

    fn order_leaf(&self, leaf: u32) -> Option<Vec<u8>> {
        let first = leaf.checked_mul(LEAF as u32)?;
        let mut data = Vec::new();
        for rank in (first..self.counts().0).take(LEAF) {
            write_rank(self.rank_at(rank)?, &mut data);
        }
        Some(data)
    }

    fn document_leaf(&self, leaf: u32) -> Option<DocumentLeaf> {
        let (words, documents) = self.counts();
        let place = leaf as usize;
        let next =
            self.view.document(place + 1).map_or(words.checked_add(documents)?, |next| next.first_entry);
        Some(DocumentLeaf::new(&self.view.document(place)?, next))
    }

    fn rank_at(&self, rank: u32) -> Option<Rank> {
        let rank = rank as usize;
        let entry = self.view.entry_of_code(self.view.suffixes.get(rank))?;
        Some(Rank { entry, shared: self.view.shared_with_previous(rank, SHARED_MAX) as u16 })
    }
}

impl Source for Opened<'_> {
    fn words(&self) -> u32 {
        self.counts().0
    }

    fn word(&mut self, entry: u32) -> Option<&[u8]> {
        let Self { view, word, read } = self;
        view.each_word(entry, 1, |found| {
            word.clear();
            word.extend_from_slice(found);
        })?;
        read[0].insert(entry / LEAF as u32);
        Some(word)
    }

    fn rank(&mut self, rank: u32) -> Option<Rank> {
        self.read[1].insert(rank / LEAF as u32);
        self.rank_at(rank)
    }

    /// The ranks were found by search, so all of them share the span's words.
    fn least(&mut self, first: u32, past: u32) -> Option<Rank> {
        let code = (first..past).map(|rank| self.view.suffixes.get(rank as usize)).min()?;
        Some(Rank { entry: self.view.entry_of_code(code)?, shared: SHARED_MAX as u16 })
    }

    fn document(&mut self, entry: u32) -> Option<DocumentLeaf> {
        let place = self.view.document_of_entry(entry)? as u32;
        self.read[2].insert(place);
        self.document_leaf(place)
    }
}

/// Opens the leaves of a tree. Takes the tree's stored nodes off the front of `stored`.
fn open<N: Leaf>(
    stored: &mut &[u8],
    count: u64,
    places: &BTreeSet<u32>,
    leaf: impl Fn(u32) -> Option<Vec<u8>>,
) -> Option<TreeProof<N>> {
    let nodes = (0..stored_nodes(count)).map(|_| N::deserialize(stored).ok());
    let mut upper: Vec<Vec<N>> = vec![nodes.collect::<Option<_>>()?];
    while let Some(level) = upper.last().filter(|level| level.len() > 1) {
        upper.push(next_level(level));
    }
    let mut leaves = Vec::with_capacity(places.len());
    let mut known = Vec::with_capacity(places.len());
    for &place in places {
        let data = leaf(place)?;
        known.push((u64::from(place), N::of(&data)?));
        leaves.push((place, data));
    }
    if count == 0 {
        return Some(TreeProof { leaves, path: Vec::new() });
    }
    let mut groups: BTreeMap<u64, Vec<Vec<N>>> = BTreeMap::new();
    let mut path = Vec::new();
    climb(count, known, |level, place| {
        let level = level as usize;
        let node = match STORED_LEVEL.checked_sub(level).filter(|below| *below > 0) {
            None => upper.get(level - STORED_LEVEL)?.get(usize::try_from(place).ok()?)?.clone(),
            Some(below) => {
                let group = place >> below;
                let levels = match groups.entry(group) {
                    Entry::Occupied(levels) => levels.into_mut(),
                    Entry::Vacant(place) => place.insert(lower_levels(group, count, &leaf)?),
                };
                levels.get(level)?.get((place - (group << below)) as usize)?.clone()
            }
        };
        path.push(node.clone());
        Some(node)
    })?;
    Some(TreeProof { leaves, path })
}

/// The nodes below a stored one, from the leaves up.
fn lower_levels<N: Leaf>(
    group: u64,
    count: u64,
    leaf: impl Fn(u32) -> Option<Vec<u8>>,
) -> Option<Vec<Vec<N>>> {
    let first = group * GROUP as u64;
    let places = first..count.min(first + GROUP as u64);
    let leaves = places.map(|place| N::of(&leaf(u32::try_from(place).ok()?)?));
    let mut levels: Vec<Vec<N>> = vec![leaves.collect::<Option<_>>()?];
    while levels.len() < STORED_LEVEL {
        levels.push(next_level(levels.last()?));
    }
    Some(levels)
}

/// How often the run of words occurs, when it can be shown that its owner's text holds no more around it.
#[cfg(test)]
pub(crate) fn count_of_longest(words: &[String], (start, end): (usize, usize), index: &Index) -> Option<u64> {
    let claim = Claim { output: words, start, end };
    let (views, mut held) = (index.views(), Vec::new());
    for view in &views {
        held.extend(
            claim.holds(place_of(claim.span(), view), &mut Opened::new(view))?.map(|held| (held, view)),
        );
    }
    let count = held.iter().map(|(held, _)| u64::from(held.count())).sum();
    let Some(&(owner, view)) = held.iter().min_by_key(|(held, _)| held.earliest.commitment()) else {
        return Some(0);
    };
    claim.is_longest(owner, sides_of(&claim, owner, view), &mut Opened::new(view))?;
    Some(count)
}

/// The certificate with other places.
#[cfg(test)]
pub(crate) fn with_spans(certificate: &Certificate, change: impl Fn(&mut Place)) -> Certificate {
    let mut forged = certificate.clone();
    for span in &mut forged.spans {
        span.places.iter_mut().chain(span.sides.iter_mut().flatten()).for_each(&change);
    }
    forged
}
