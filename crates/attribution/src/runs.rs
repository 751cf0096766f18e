//! Which runs of an output's words count, and whose they are.
//!
//! A run counts when its words are surprising enough, some indexed text holds it, and no more clusters hold it than the
//! cap; with more it is common. It belongs to the earliest commitment that holds it. Within a run that counts, a shorter one
//! that counts is held by the same texts and perhaps more, so it belongs to the same commitment or an earlier one: whose a
//! word is, the shortest runs around it decide.
//!
//! 1. From each word on, the shortest run that counts; and up to each word, the shortest that counts. Of all runs that count
//!    and hold some word, one of these has the earliest owner.
//! 2. In the order of the output, each of these that no span of its owner covers yet makes a span: it is lengthened to
//!    the right as far as its owner's text goes on as the output does, and then to the left.
//! 3. From each word on, the longest run that is common makes a common span, unless an earlier one reaches as far.
//!
//! All of them lie inside matches, so words that no text shares cost nothing. Absent: which of the spans around a word
//! is shown as having won it (`score`).

use std::collections::BTreeMap;

use openledger_datanet::{ClusterId, ContributionId};

use crate::index::Index;
use crate::parameters::Rules;
use crate::search::{Border, Interval, furthest};
use crate::segment::{Document, View};
use crate::spans::{FoundSpan, OutputWords};

/// A text that holds a run, in the segment that owns its cluster.
pub(crate) struct Holder {
    pub(crate) sequence: u64,
    pub(crate) cluster: ClusterId,
    pub(crate) contribution: ContributionId,
    pub(crate) segment: usize,
    /// Where the code of the run starts: of several places, the one whose continuation comes first in the order of
    /// suffixes.
    pub(crate) at: usize,
}

/// Who holds a run.
pub(crate) struct Holders {
    /// How often it occurs.
    pub(crate) count: u64,
    /// How many clusters hold it; of a common run, how many more than enough.
    pub(crate) clusters: u64,
    /// One text for each cluster, in the order of commitment; `None` above the cap.
    pub(crate) texts: Option<Vec<Holder>>,
}

/// A text that a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) sequence: u64,
    pub(crate) contribution: ContributionId,
    segment: usize,
    document: usize,
}

/// A run of words, and whose it is; nobody's when it is common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) owner: Option<Owner>,
}

/// An output and what it is compared with.
pub(crate) struct Runs<'a> {
    words: &'a OutputWords,
    index: &'a Index,
    views: &'a [View<'a>],
    rules: Rules,
    /// For each segment, where each word's longest match stands.
    borders: &'a [Vec<Border>],
    /// The weight of the words before each, and of all.
    weights: Vec<u64>,
    /// For each word, where the furthest match ends that starts at it or before.
    reach: Vec<usize>,
}

impl<'a> Runs<'a> {
    /// The runs of these words, inside these matches.
    pub(crate) fn new(
        words: &'a OutputWords,
        (found, borders): (&[FoundSpan], &'a [Vec<Border>]),
        (index, views): (&'a Index, &'a [View<'a>]),
        rules: Rules,
    ) -> Self {
        let mut weights = vec![0];
        weights.extend(words.weights.iter().scan(0u64, |sum, weight| {
            *sum += weight;
            Some(*sum)
        }));
        let mut reach = vec![0; words.len()];
        for span in found {
            reach[span.start] = span.end;
        }
        let mut furthest = 0;
        for end in &mut reach {
            furthest = furthest.max(*end);
            *end = furthest;
        }
        Self { words, index, views, rules, borders, weights, reach }
    }

    /// What the words are worth beyond the threshold.
    pub(crate) fn value(&self, start: usize, end: usize) -> Option<u64> {
        (self.weights[end] - self.weights[start]).checked_sub(self.rules.threshold).filter(|value| *value > 0)
    }

    /// The suffixes of a segment that start with the words `start..end`.
    fn range(&self, segment: usize, start: usize, end: usize) -> Interval {
        let border = self.borders[segment][start];
        self.views[segment].around(&self.words.patterns[segment], border, start, end)
    }

    fn ranges(&self, start: usize, end: usize) -> Vec<Interval> {
        (0..self.views.len()).map(|segment| self.range(segment, start, end)).collect()
    }

    /// Who holds a run.
    pub(crate) fn holders(&self, run: Run) -> Holders {
        let ranges = self.ranges(run.start, run.end);
        let length = run.end - run.start;
        let count = self.views.iter().zip(&ranges).map(|(view, range)| view.count(*range, length)).sum();
        let texts = run.owner.and_then(|_| self.list(&ranges));
        let clusters = texts.as_ref().map_or(self.rules.span_clusters_max + 1, Vec::len) as u64;
        Holders { count, clusters, texts }
    }

    /// One text for each cluster, in the order of commitment; `None` above the cap.
    fn list(&self, ranges: &[Interval]) -> Option<Vec<Holder>> {
        let cap = self.rules.span_clusters_max;
        let mut clusters: BTreeMap<ClusterId, Option<Holder>> = BTreeMap::new();
        for (segment, (view, range)) in self.views.iter().zip(ranges).enumerate() {
            if range.is_empty() {
                continue;
            }
            for (rank, document) in view.first_ranks(range.start, range.end, cap + 1) {
                let Some(facts) = view.document(document) else { continue };
                let holder = clusters.entry(facts.cluster).or_default();
                if self.index.owns_cluster(segment, document) {
                    let (sequence, contribution, at) =
                        (facts.sequence, facts.contribution, view.suffixes.get(rank));
                    *holder = Some(Holder { sequence, cluster: facts.cluster, contribution, segment, at });
                }
            }
            if clusters.len() > cap {
                return None;
            }
        }
        let mut holders: Vec<Holder> = clusters.into_values().flatten().collect();
        holders.sort_by_key(|holder| (holder.sequence, holder.contribution));
        Some(holders)
    }

    /// All spans, common ones too, in the order of the output.
    pub(crate) fn spans(&self) -> Vec<Run> {
        let (shortest, mut spans) = self.shortest();
        let mut covered: BTreeMap<Owner, Vec<(usize, usize)>> = BTreeMap::new();
        for (start, end, owner) in shortest {
            let covered = covered.entry(owner).or_default();
            if covered.iter().rev().any(|span| span.0 <= start && end <= span.1) {
                continue;
            }
            let end = furthest(self.reach[start] - end, |more| self.holds(owner, start, end + more)) + end;
            let left = (0..start).rev().take_while(|before| end <= self.reach[*before]).count();
            let start = start - furthest(left, |more| self.holds(owner, start - more, end));
            covered.push((start, end));
            spans.push(Run { start, end, owner: Some(owner) });
        }
        spans.sort_unstable();
        spans
    }

    /// The shortest runs that count, from each word on and up to each, in the order of the output; and the longest that
    /// are common.
    fn shortest(&self) -> (Vec<(usize, usize, Owner)>, Vec<Run>) {
        let (mut owned, mut common) = (Vec::new(), Vec::<Run>::new());
        // No run from the word in turn, or from a later one, that ends before `end` counts.
        let mut end = 0;
        for start in 0..self.words.len() {
            let reach = self.reach[start];
            let mut owner = None;
            end = end.max(start + 1);
            while end <= reach {
                owner = self.owner(start, end);
                if owner.is_some() {
                    break;
                }
                end += 1;
            }
            let common_end = reach.min(end - 1);
            let is_covered = common.last().is_some_and(|last| last.end >= common_end);
            if common_end > start && !is_covered && self.value(start, common_end).is_some() {
                common.push(Run { start, end: common_end, owner: None });
            }
            owned.extend(owner.map(|owner| (start, end, owner)));
        }
        let ends = self.shortest_ends(&owned);
        owned.extend(ends);
        owned.sort_unstable();
        (owned, common)
    }

    /// Up to each word, the shortest run that counts, unless it is also the shortest from its first word on.
    fn shortest_ends(&self, starts: &[(usize, usize, Owner)]) -> Vec<(usize, usize, Owner)> {
        let mut ends = Vec::new();
        for (place, &(start, shortest, _)) in starts.iter().enumerate() {
            // From where a run from a later word counts, that is the shorter one.
            let next = starts.get(place + 1).map_or(usize::MAX, |next| next.1);
            for end in shortest + 1..next.min(self.reach[start] + 1) {
                ends.extend(self.owner(start, end).map(|owner| (start, end, owner)));
            }
        }
        ends
    }

    /// Whose the run is; `None` when it does not count. The texts of a segment stand in the order of commitments.
    fn owner(&self, start: usize, end: usize) -> Option<Owner> {
        self.value(start, end)?;
        let ranges = self.ranges(start, end);
        if self.is_common(&ranges) {
            return None;
        }
        let earliest = |(segment, range): (usize, &Interval)| {
            let view = &self.views[segment];
            let document = view.first_document(*range, self.rules.span_clusters_max)?;
            let Document { sequence, contribution, .. } = view.document(document)?;
            Some(Owner { sequence, contribution, segment, document })
        };
        ranges.iter().enumerate().filter_map(earliest).min()
    }

    /// Whether more clusters than the cap hold what stands in these ranges.
    fn is_common(&self, ranges: &[Interval]) -> bool {
        let cap = self.rules.span_clusters_max;
        if ranges.iter().map(Interval::len).sum::<usize>() <= cap {
            return false;
        }
        let listed =
            |(view, range): (&View<'_>, &Interval)| view.first_ranks(range.start, range.end, cap + 1);
        let texts: Vec<usize> = self.views.iter().zip(ranges).map(|pair| listed(pair).len()).collect();
        // A cluster is in a segment once, and may be in several.
        texts.iter().any(|texts| *texts > cap)
            || texts.iter().sum::<usize>() > cap && self.list(ranges).is_none()
    }

    /// Whether the text holds words around a run that it owns, so that no more texts hold them than the cap.
    fn holds(&self, owner: Owner, start: usize, end: usize) -> bool {
        let (view, range) = (&self.views[owner.segment], self.range(owner.segment, start, end));
        let texts = view.first_ranks(range.start, range.end, self.rules.span_clusters_max);
        !range.is_empty() && texts.into_iter().any(|(_, document)| document == owner.document)
    }
}
