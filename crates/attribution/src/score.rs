//! From spans to shares, in integers.
//!
//! 1. Every word of the output weighs its surprise, from a frozen table: what is indexed moves no weight.
//! 2. A span is a maximal run of words that some indexed text holds: no text holds a longer run around it. Its value is
//!    the weight of its words less the threshold; a span without value is dropped.
//! 3. Its distinct clusters are listed, up to the cap; a span of more clusters is common.
//! 4. Each word of the output goes to the most valuable span that covers it: spans that can be attributed before
//!    common ones, then the higher value, the longer, the earlier. The span's mass is the weight of the words it won.
//! 5. The earliest commitment among the clusters of a span owns it and receives its whole mass; of several with the same
//!    number, the cluster with the lowest id. The others are shown as sources and receive nothing.
//! 6. The mass of common spans is common; the weight of words that no span covers is unattributed. Nothing is divided,
//!    so nothing is rounded: shares, common and unattributed mass sum to the weight of all words.

use std::collections::BTreeMap;

use openledger_datanet::ClusterId;

use crate::attribution::{Attribution, ByteRange, Share, SourceRef, Span, WordRange};
use crate::index::Index;
use crate::parameters::{ATTRIBUTION_VERSION, Rules, SPAN_SOURCES_MAX, UNIGRAMS_VERSION};
use crate::search::Interval;
use crate::segment::{Unpacker, View};
use crate::spans::{FoundSpan, OutputWords};

/// Spans in the order in which they may choose words.
pub(crate) fn rank_spans(spans: &[Span]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|&place| {
        let span = &spans[place];
        let length = span.words.end.saturating_sub(span.words.start);
        (span.is_common, u64::MAX - span.value, u64::MAX - length, span.words.start)
    });
    order
}

/// The span that each of `word_count` words goes to.
pub(crate) fn winners(spans: &[Span], word_count: usize) -> Vec<Option<usize>> {
    let mut winners = vec![None; word_count];
    // `next_free[n]` leads to the first word from `n` on that nobody has; each word is passed once and then skipped.
    let mut next_free: Vec<usize> = (0..=word_count).collect();
    for place in rank_spans(spans) {
        let end = usize::try_from(spans[place].words.end).unwrap_or(usize::MAX).min(word_count);
        let start = usize::try_from(spans[place].words.start).unwrap_or(usize::MAX).min(end);
        let mut word = find_free(&mut next_free, start);
        while word < end {
            winners[word] = Some(place);
            next_free[word] = word + 1;
            word = find_free(&mut next_free, word + 1);
        }
    }
    winners
}

fn find_free(next_free: &mut [usize], from: usize) -> usize {
    let mut free = from;
    while next_free[free] != free {
        free = next_free[free];
    }
    let mut passed = from;
    while next_free[passed] != free && passed != free {
        passed = std::mem::replace(&mut next_free[passed], free);
    }
    free
}

/// A span that counts, and where its sources are found.
struct Valued<'a> {
    found: &'a FoundSpan,
    /// One for each source of `span`.
    occurrences: Vec<Occurrence>,
    span: Span,
}

/// One occurrence of a span in a text that owns its cluster.
struct Occurrence {
    sequence: u64,
    segment: usize,
    /// Where its code starts.
    at: usize,
    source: SourceRef,
}

/// The attribution of an output with these words and maximal spans.
pub(crate) fn score(
    words: &OutputWords,
    found: &[FoundSpan],
    (index, views): (&Index, &[View<'_>]),
    rules: Rules,
) -> Attribution {
    let valued = found.iter().filter_map(|span| value_span(span, words, index, views, rules));
    let (mut spans, places): (Vec<Span>, Vec<(&FoundSpan, Vec<Occurrence>)>) =
        valued.map(|valued| (valued.span, (valued.found, valued.occurrences))).unzip();
    for (word, winner) in winners(&spans, words.len()).into_iter().enumerate() {
        if let Some(place) = winner {
            spans[place].mass += words.weights[word];
        }
    }
    // Only spans that won words are shown, so only theirs are looked up in the texts.
    let mut unpacker = Unpacker::new();
    for (span, (found, occurrences)) in spans.iter_mut().zip(places).filter(|(span, _)| span.mass > 0) {
        let locate = |occurrence| locate(occurrence, found.end - found.start, views, &mut unpacker);
        span.sources = occurrences.into_iter().take(SPAN_SOURCES_MAX).map(locate).collect();
    }
    spans.retain(|span| span.mass > 0);
    let total: u64 = words.weights.iter().sum();
    let (shares, common) = (shares_of(&spans), common_mass(&spans));
    let unattributed = total - common - shares.iter().map(|share| share.mass).sum::<u64>();
    Attribution {
        version: ATTRIBUTION_VERSION,
        unigrams: UNIGRAMS_VERSION,
        index_root: index.root(),
        spans,
        shares,
        common,
        unattributed,
        total,
    }
}

/// The span with its value; `None` when it does not count.
fn value_span<'a>(
    found: &'a FoundSpan,
    words: &OutputWords,
    index: &Index,
    views: &[View<'_>],
    rules: Rules,
) -> Option<Valued<'a>> {
    let weight: u64 = words.weights[found.start..found.end].iter().sum();
    let value = weight.checked_sub(rules.threshold).filter(|value| *value > 0)?;
    let occurrences = list_occurrences(found, index, views, rules.span_clusters_max);
    let (first, last) = (words.places[found.start], words.places[found.end - 1]);
    let span = Span {
        bytes: ByteRange { start: first.0 as u64, end: last.1 as u64 },
        words: WordRange { start: found.start as u64, end: found.end as u64 },
        value,
        mass: 0,
        count: found.ranges.iter().map(|range| range.len() as u64).sum(),
        clusters: occurrences.as_ref().map_or(rules.span_clusters_max + 1, Vec::len) as u64,
        is_common: occurrences.is_none(),
        sources: Vec::new(),
    };
    Some(Valued { found, occurrences: occurrences.unwrap_or_default(), span })
}

/// One occurrence for each distinct cluster, in the order of commitment; `None` above the cap.
///
/// Of several occurrences in one text, the one whose continuation comes first in the order of suffixes is named.
fn list_occurrences(
    found: &FoundSpan,
    index: &Index,
    views: &[View<'_>],
    clusters_max: usize,
) -> Option<Vec<Occurrence>> {
    let mut clusters: BTreeMap<ClusterId, Option<Occurrence>> = BTreeMap::new();
    for (segment, (view, range)) in views.iter().zip(&found.ranges).enumerate() {
        let Interval { start, end } = *range;
        if range.is_empty() {
            continue;
        }
        for (rank, place) in view.first_ranks(start, end, clusters_max + 1) {
            let Some(document) = view.document(place) else { continue };
            let occurrence = clusters.entry(document.cluster).or_default();
            if index.owns_cluster(segment, place) {
                let (cluster, contribution) = (document.cluster, document.contribution);
                let datanet = view.segment.datanet().to_owned();
                let source =
                    SourceRef { cluster, contribution, datanet, bytes: ByteRange { start: 0, end: 0 } };
                let (sequence, at) = (document.sequence, view.suffixes.get(rank));
                *occurrence = Some(Occurrence { sequence, segment, at, source });
            }
        }
        if clusters.len() > clusters_max {
            return None;
        }
    }
    let mut occurrences: Vec<Occurrence> = clusters.into_values().flatten().collect();
    occurrences.sort_by(|a, b| (a.sequence, &a.source.cluster).cmp(&(b.sequence, &b.source.cluster)));
    Some(occurrences)
}

/// The source with its bytes; none of them in a segment that lies.
fn locate(occurrence: Occurrence, words: usize, views: &[View<'_>], unpacker: &mut Unpacker) -> SourceRef {
    let place = views[occurrence.segment].place(occurrence.at, words, unpacker);
    let (start, end) = place.unwrap_or_default();
    SourceRef { bytes: ByteRange { start, end }, ..occurrence.source }
}

/// What each cluster receives, the largest first, equal ones by their id: the masses of the spans whose first source it
/// is.
pub(crate) fn shares_of(spans: &[Span]) -> Vec<Share> {
    let mut shares: BTreeMap<ClusterId, Share> = BTreeMap::new();
    for (span, owner) in spans.iter().filter_map(|span| Some((span, span.sources.first()?))) {
        let share = shares.entry(owner.cluster).or_insert_with(|| Share {
            cluster: owner.cluster,
            contribution: owner.contribution,
            datanet: owner.datanet.clone(),
            mass: 0,
        });
        share.mass = share.mass.saturating_add(span.mass);
    }
    let mut shares: Vec<Share> = shares.into_values().collect();
    shares.sort_by(|a, b| b.mass.cmp(&a.mass).then(a.cluster.cmp(&b.cluster)));
    shares
}

/// The mass of the spans that belong to nobody because too many hold them.
pub(crate) fn common_mass(spans: &[Span]) -> u64 {
    spans.iter().filter(|span| span.is_common).fold(0, |sum: u64, span| sum.saturating_add(span.mass))
}
