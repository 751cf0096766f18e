//! From spans to shares, in integers.
//!
//! 1. A span's value is the weight of its words less the threshold; a span without value is dropped.
//! 2. Its distinct clusters are listed, up to the cap; above it the span is common.
//! 3. Each word of the output goes to the most valuable span that covers it: spans that can be attributed before
//!    common ones, then the higher value, the longer, the earlier.
//! 4. The clusters of a span divide the weight of the words that it won, equally and floored. Remainders, common spans
//!    and uncovered words are unattributed. So the sum is exact, and no division gains by rounding.

use std::collections::BTreeMap;

use openledger_datanet::ClusterId;

use crate::attribution::{Attribution, ByteRange, Share, SourceRef, Span, WordRange};
use crate::index::Index;
use crate::parameters::{ATTRIBUTION_VERSION, Rules};
use crate::search::Interval;
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

/// The attribution of an output with these words and maximal spans.
pub(crate) fn score(words: &OutputWords, found: &[FoundSpan], index: &Index, rules: Rules) -> Attribution {
    let mut spans: Vec<Span> =
        found.iter().filter_map(|span| value_span(span, words, index, rules)).collect();
    for (word, winner) in winners(&spans, words.len()).into_iter().enumerate() {
        if let Some(place) = winner {
            spans[place].mass += words.weights[word];
        }
    }
    spans.retain(|span| span.mass > 0);
    let total: u64 = words.weights.iter().sum();
    let shares = divide(&spans);
    let unattributed = total - shares.iter().map(|share| share.mass).sum::<u64>();
    Attribution { version: ATTRIBUTION_VERSION, index_root: index.root(), spans, shares, unattributed, total }
}

/// The span with its value and sources; `None` when it does not count.
fn value_span(found: &FoundSpan, words: &OutputWords, index: &Index, rules: Rules) -> Option<Span> {
    let weight: u64 = words.weights[found.start..found.end].iter().sum();
    let value = weight.checked_sub(rules.threshold).filter(|value| *value > 0)?;
    let sources = list_sources(found, index, rules.span_clusters_max);
    let (first, last) = (words.places[found.start], words.places[found.end - 1]);
    Some(Span {
        bytes: ByteRange { start: first.0 as u64, end: last.1 as u64 },
        words: WordRange { start: found.start as u64, end: found.end as u64 },
        value,
        mass: 0,
        count: found.ranges.iter().map(|range| range.len() as u64).sum(),
        is_common: sources.is_none(),
        sources: sources.unwrap_or_default(),
    })
}

/// One source for each distinct cluster, in the order of commitment; `None` above the cap.
///
/// Of several occurrences in one text, the one whose continuation comes first in the order of suffixes is named.
fn list_sources(found: &FoundSpan, index: &Index, clusters_max: usize) -> Option<Vec<SourceRef>> {
    let mut sources: BTreeMap<ClusterId, Option<(u64, SourceRef)>> = BTreeMap::new();
    for (place, (segment, range)) in index.segments().iter().zip(&found.ranges).enumerate() {
        let Interval { start, end } = *range;
        if range.is_empty() {
            continue;
        }
        for rank in segment.listing.first_ranks(start, end, clusters_max + 1) {
            let position = segment.parts.suffixes[rank];
            let at = segment.document_at(position);
            let document = &segment.parts.documents[at];
            let source = sources.entry(document.cluster).or_default();
            if index.owns_cluster(place, at) {
                let last = position as usize + (found.end - found.start) - 1;
                let bytes = ByteRange {
                    start: u64::from(segment.parts.places[position as usize].start),
                    end: u64::from(segment.parts.places[last].end),
                };
                let datanet = segment.datanet().to_owned();
                let (cluster, contribution) = (document.cluster, document.contribution);
                *source = Some((document.sequence, SourceRef { cluster, contribution, datanet, bytes }));
            }
        }
        if sources.len() > clusters_max {
            return None;
        }
    }
    let mut sources: Vec<_> = sources.into_values().flatten().collect();
    sources.sort_by(|a, b| (a.0, &a.1.cluster).cmp(&(b.0, &b.1.cluster)));
    Some(sources.into_iter().map(|(_, source)| source).collect())
}

/// What each cluster receives, the largest first, equal ones by their id.
fn divide(spans: &[Span]) -> Vec<Share> {
    let mut shares: BTreeMap<ClusterId, Share> = BTreeMap::new();
    for span in spans.iter().filter(|span| !span.sources.is_empty()) {
        let part = span.mass / span.sources.len() as u64;
        for source in &span.sources {
            let share = shares.entry(source.cluster).or_insert_with(|| Share {
                cluster: source.cluster,
                contribution: source.contribution,
                datanet: source.datanet.clone(),
                mass: 0,
            });
            share.mass += part;
        }
    }
    let mut shares: Vec<Share> = shares.into_values().filter(|share| share.mass > 0).collect();
    shares.sort_by(|a, b| b.mass.cmp(&a.mass).then(a.cluster.cmp(&b.cluster)));
    shares
}
