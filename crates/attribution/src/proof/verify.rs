//! A certificate checked with nothing but the sealed roots, the answer and the frozen table of words.
//!
//! First the trees: what is opened of each segment leads to the root that was sealed. Then the spans, by the claims of
//! `claim`, on what is opened alone. Work is that of reading the certificate, and of comparing each span with what is
//! opened of the text. Absent: whether the roots are sealed, which the caller knows, and spans that are not named.

use std::collections::{BTreeMap, BTreeSet};

use openledger_datanet::merkle::{self, Hash};
use openledger_datanet::multiproof::climb;
use openledger_datanet::{ClusterId, ContributionId, words};

use super::certificate::{Certificate, CertificateFault, SegmentProof, SpanProof, TreeProof};
use super::claim::{Claim, Source};
use super::tree::{DocumentLeaf, LEAF, Leaf, OrderNode, Rank, Summit, leaf_counts, read_ranks};
use crate::attribution::{ByteRange, WordRange};
use crate::parameters::{OUTPUT_BYTES_MAX, OUTPUT_WORDS_MAX, THRESHOLD};
use crate::segment::read_bytes;
use crate::unigrams::Unigrams;

/// The sealed index of a datanet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedIndex<'a> {
    /// The name of the datanet.
    pub datanet: &'a str,
    /// The root that its sealed snapshot names.
    pub root: [u8; 32],
}

/// What a certificate proves of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedSpan {
    /// The bytes of the output.
    pub bytes: ByteRange,
    /// The words of the output. Neither its owner's text nor an earlier one holds one more of them on either side.
    pub words: WordRange,
    /// How surprising it is beyond the threshold, in 2^-16 nat.
    pub value: u64,
    /// How often it occurs in the sealed texts.
    pub count: u64,
    /// The number of the earliest commitment that holds it.
    pub committed: u64,
    /// Its cluster.
    pub cluster: ClusterId,
    /// That commitment.
    pub contribution: ContributionId,
    /// Its datanet.
    pub datanet: String,
}

/// The words of an output.
pub(super) struct Words {
    pub(super) folded: Vec<String>,
    pub(super) bytes: Vec<ByteRange>,
    /// The weight of all words before each, and of all.
    weights: Vec<u64>,
}

impl Words {
    /// `None` when they are more than are attributed.
    pub(super) fn of(output: &str) -> Option<Self> {
        if output.len() > OUTPUT_BYTES_MAX {
            return None;
        }
        let (mut folded, mut bytes, mut weights) = (Vec::new(), Vec::new(), vec![0u64]);
        for (range, word) in words::words(output).take(OUTPUT_WORDS_MAX + 1) {
            let word = words::fold(word);
            let before = weights.last().copied().unwrap_or_default();
            weights.push(before.saturating_add(Unigrams::frozen().weight(&word)));
            bytes.push(ByteRange { start: range.start as u64, end: range.end as u64 });
            folded.push(word);
        }
        (folded.len() <= OUTPUT_WORDS_MAX).then_some(Self { folded, bytes, weights })
    }

    /// What the words from `start` up to `end` weigh together.
    pub(super) fn weight(&self, start: usize, end: usize) -> Option<u64> {
        self.weights.get(end)?.checked_sub(*self.weights.get(start)?)
    }

    /// The words from `start` up to `end`, which are at least one.
    pub(super) fn claim(&self, start: u32, end: u32) -> Option<Claim<'_>> {
        let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
        (start < end && end <= self.folded.len()).then_some(Claim { output: &self.folded, start, end })
    }
}

impl Certificate {
    /// Checks everything, and says what is proven: each span in its bytes, its value and its number of occurrences, that
    /// its owner holds no more around it, and whose it is. `indexes` are those that were searched, in the order of their names.
    ///
    /// # Errors
    /// The first thing that is not shown.
    pub fn check(
        &self,
        indexes: &[SealedIndex<'_>],
        output: &str,
    ) -> Result<Vec<CertifiedSpan>, CertificateFault> {
        if indexes.windows(2).any(|pair| pair[0].datanet >= pair[1].datanet) {
            return Err(CertificateFault::Indexes);
        }
        if self.segments.len() != indexes.len() {
            return Err(CertificateFault::Segments { found: self.segments.len(), expected: indexes.len() });
        }
        let root = |index: &SealedIndex<'_>| CertificateFault::Root { datanet: index.datanet.to_owned() };
        let mut shown = Vec::with_capacity(indexes.len());
        for (proof, index) in self.segments.iter().zip(indexes) {
            shown.push(Shown::open(proof, index).ok_or_else(|| root(index))?);
        }
        let words = Words::of(output).ok_or(CertificateFault::Output { start: 0, end: u32::MAX })?;
        if self.spans.windows(2).any(|pair| (pair[0].start, pair[0].end) >= (pair[1].start, pair[1].end)) {
            return Err(CertificateFault::Order);
        }
        let certified = self
            .spans
            .iter()
            .map(|span| certify(span, &words, indexes, &mut shown))
            .collect::<Result<_, _>>()?;
        match indexes.iter().zip(&shown).find(|(_, shown)| !shown.is_used()) {
            Some((index, _)) => Err(CertificateFault::Unused { datanet: index.datanet.to_owned() }),
            None => Ok(certified),
        }
    }
}

fn certify(
    span: &SpanProof,
    words: &Words,
    indexes: &[SealedIndex<'_>],
    shown: &mut [Shown<'_>],
) -> Result<CertifiedSpan, CertificateFault> {
    let &SpanProof { start, end, ref places, sides } = span;
    let claim = words.claim(start, end).ok_or(CertificateFault::Output { start, end })?;
    if places.len() != indexes.len() {
        return Err(CertificateFault::Segments { found: places.len(), expected: indexes.len() });
    }
    let fault = |segment: usize| {
        let datanet = indexes[segment].datanet.to_owned();
        move || CertificateFault::Claim { start, end, datanet }
    };
    let mut held = Vec::new();
    for (segment, (place, shown)) in places.iter().zip(&mut *shown).enumerate() {
        let found = claim.holds(*place, shown).ok_or_else(fault(segment))?;
        held.extend(found.map(|held| (held, segment)));
    }
    let (first, past) = (claim.start, claim.end);
    let value = words.weight(first, past).and_then(|weight| weight.checked_sub(THRESHOLD));
    let owner = held.iter().min_by_key(|(held, segment)| (held.earliest.commitment(), *segment));
    let (Some(&(owner, segment)), Some(value)) = (owner, value.filter(|value| *value > 0)) else {
        return Err(CertificateFault::Unpaid { start, end });
    };
    claim.is_longest(owner, sides, &mut shown[segment]).ok_or_else(fault(segment))?;
    Ok(CertifiedSpan {
        bytes: ByteRange { start: words.bytes[first].start, end: words.bytes[past - 1].end },
        words: WordRange { start: u64::from(start), end: u64::from(end) },
        value,
        count: held.iter().map(|(held, _)| u64::from(held.count())).sum(),
        committed: owner.earliest.sequence,
        cluster: owner.earliest.cluster(),
        contribution: owner.earliest.contribution(),
        datanet: indexes[segment].datanet.to_owned(),
    })
}

/// What a certificate opens of a segment, once it is known to lead to the root.
struct Shown<'a> {
    words: u32,
    text: BTreeMap<u32, Vec<&'a [u8]>>,
    order: BTreeMap<u32, Vec<Rank>>,
    /// Nodes beside what is opened of the order, by the first of the leaves below them.
    beside: BTreeMap<u64, OrderNode>,
    documents: BTreeMap<u32, (u32, DocumentLeaf)>,
    /// The leaves of each tree that were read.
    used: [BTreeSet<u32>; 3],
}

impl<'a> Shown<'a> {
    fn open(proof: &'a SegmentProof, index: &SealedIndex<'_>) -> Option<Self> {
        let SegmentProof { words, documents, .. } = *proof;
        let [text, order, document_tree] = leaf_counts(words, documents);
        let mut beside = BTreeMap::new();
        let summit = Summit {
            words,
            documents,
            text: open(&proof.text, text, |_, _, _| {})?,
            order: open(&proof.order, order, |level, place, node| {
                beside.insert(place << level, *node);
            })?,
            document_tree: open(&proof.document_tree, document_tree, |_, _, _| {})?,
        };
        if summit.root(index.datanet) != index.root {
            return None;
        }
        let text = proof.text.leaves.iter().map(|(place, data)| Some((*place, read_entries(data)?)));
        let order = proof.order.leaves.iter().map(|(place, data)| Some((*place, read_ranks(data)?)));
        let document = |(place, data): &(u32, Vec<u8>)| {
            let leaf: DocumentLeaf = borsh::from_slice(data).ok()?;
            Some((leaf.first_entry, (*place, leaf)))
        };
        Some(Self {
            words,
            text: text.collect::<Option<_>>()?,
            order: order.collect::<Option<_>>()?,
            beside,
            documents: proof.document_tree.leaves.iter().map(document).collect::<Option<_>>()?,
            used: Default::default(),
        })
    }

    /// Whether all that is opened was read.
    fn is_used(&self) -> bool {
        [self.text.len(), self.order.len(), self.documents.len()] == self.used.each_ref().map(BTreeSet::len)
    }
}

/// The hash of the root that a tree's proof leads to. `beside` is told the nodes beside what is opened.
fn open<N: Leaf>(proof: &TreeProof<N>, count: u64, mut beside: impl FnMut(u32, u64, &N)) -> Option<Hash> {
    if count == 0 {
        return (proof.leaves.is_empty() && proof.path.is_empty()).then(|| merkle::root(&[]));
    }
    let leaves = proof.leaves.iter().map(|(place, data)| Some((u64::from(*place), N::of(data)?)));
    let mut rest = proof.path.iter();
    let root = climb(count, leaves.collect::<Option<_>>()?, |level, place| {
        let node = rest.next()?;
        beside(level, place, node);
        Some(node.clone())
    })?;
    rest.next().is_none().then(|| root.hash())
}

/// The words of a leaf of the text.
fn read_entries(data: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut rest, mut entries) = (data, Vec::with_capacity(LEAF));
    while !rest.is_empty() && entries.len() < LEAF {
        entries.push(read_bytes(&mut rest)?);
    }
    rest.is_empty().then_some(entries)
}

impl Source for Shown<'_> {
    fn words(&self) -> u32 {
        self.words
    }

    fn word(&mut self, entry: u32) -> Option<&[u8]> {
        let place = entry / LEAF as u32;
        let word = *self.text.get(&place)?.get(entry as usize % LEAF)?;
        self.used[0].insert(place);
        Some(word)
    }

    fn rank(&mut self, rank: u32) -> Option<Rank> {
        let place = rank / LEAF as u32;
        let found = *self.order.get(&place)?.get(rank as usize % LEAF)?;
        self.used[1].insert(place);
        Some(found)
    }

    fn least(&mut self, first: u32, past: u32) -> Option<Rank> {
        let (low, high) = (first / LEAF as u32, past / LEAF as u32);
        // The leaves of `first` and `past` are opened, and each between them is, or a node beside is above it and above
        // nothing else.
        self.order.contains_key(&low).then_some(())?;
        (past == self.words || self.order.contains_key(&high)).then_some(())?;
        let mut least = Rank { entry: u32::MAX, shared: u16::MAX };
        for (place, ranks) in self.order.range(low..=high) {
            for (number, rank) in (place * LEAF as u32..).zip(ranks) {
                if (first..past).contains(&number) {
                    least.entry = least.entry.min(rank.entry);
                }
                if (first..past).contains(&number) && number != first {
                    least.shared = least.shared.min(rank.shared);
                }
            }
        }
        let end = if past == self.words { u64::from(high) + 1 } else { u64::from(high) };
        for node in self.beside.range(u64::from(low)..end).map(|(_, node)| node) {
            least.entry = least.entry.min(node.least_entry);
            least.shared = least.shared.min(node.least_shared);
        }
        Some(least)
    }

    fn document(&mut self, entry: u32) -> Option<DocumentLeaf> {
        let (_, &(place, leaf)) = self.documents.range(..=entry).next_back()?;
        let is_inside = entry.checked_sub(leaf.first_entry)? < leaf.words;
        self.used[2].insert(place);
        is_inside.then_some(leaf)
    }
}
