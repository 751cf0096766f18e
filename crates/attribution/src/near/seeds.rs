//! Seeds: which runs of an output's words links can begin and end with, and where they occur.
//!
//! An occurrence is looked at where it stands among the others of its seed, which lies next to what the search has just
//! read: no text is touched, and documents are looked up only for what occurs often. Absent: links (`chain`).

use std::ops::Range;

use super::chain::Chains;
use super::matched::Link;
use crate::parameters::{
    NEAR_SEED_CLUSTERS_MAX, NEAR_SEED_OCCURRENCES_MAX, NEAR_SEED_WEIGHT_MIN, NEAR_SEED_WORDS_MIN,
};
use crate::search::Interval;
use crate::segment::View;
use crate::spans::FoundSpan;

/// A run of the output's words that links can begin and end with.
#[derive(Debug, Clone)]
pub(super) struct Seed {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Its nodes, by their segments, then by their places.
    pub(super) nodes: Range<usize>,
}

impl Seed {
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }
}

/// An occurrence of a seed, and the best chain that ends with it.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) seed: usize,
    pub(super) segment: usize,
    /// Where its code starts.
    pub(super) at: usize,
    /// The weight of all matched words of the chain, less that of the edits.
    pub(super) score: u64,
    pub(super) edits: u32,
    /// How the chain comes here; `None` at its first seed.
    pub(super) link: Option<Link>,
    /// Whether no chain goes on from here.
    pub(super) is_last: bool,
}

impl Chains<'_> {
    /// Whether the words may be a seed, wherever they occur.
    fn is_heavy(&self, start: usize, end: usize) -> bool {
        end - start >= NEAR_SEED_WORDS_MIN && self.weight(start, end) >= NEAR_SEED_WEIGHT_MIN
    }

    /// All seeds with their occurrences, in the order of the output.
    pub(super) fn find_seeds(&mut self, found: &[FoundSpan], paid: &[(usize, usize)]) {
        let is_match = |run: &&(usize, usize)| found.binary_search_by_key(*run, |f| (f.start, f.end)).is_ok();
        let mut paid: Vec<(usize, usize)> = paid.iter().filter(|run| !is_match(run)).copied().collect();
        paid.sort_unstable();
        paid.dedup();
        let mut paid = paid.into_iter().peekable();
        for span in found {
            while let Some((start, end)) = paid.next_if(|run| *run < (span.start, span.end)) {
                self.add_seed(start, end, &self.words.ranges(self.views, start, end));
            }
            self.add_seed(span.start, span.end, &span.ranges);
        }
        for (start, end) in paid {
            self.add_seed(start, end, &self.words.ranges(self.views, start, end));
        }
    }

    fn add_seed(&mut self, start: usize, end: usize, ranges: &[Interval]) {
        if !self.is_heavy(start, end) {
            return;
        }
        let seen = |(view, range): (&View<'_>, &Interval)| view.count(*range, end - start);
        let count: u64 = self.views.iter().zip(ranges).map(seen).sum();
        let Some(firsts) = self.first_ranks(ranges, count) else { return };
        let (seed, first, score) = (self.seeds.len(), self.nodes.len(), self.weight(start, end));
        for (segment, (view, range)) in self.views.iter().zip(ranges).enumerate() {
            let places = self.nodes.len();
            let node = |rank| Node {
                seed,
                segment,
                at: view.suffixes.get(rank),
                score,
                edits: 0,
                link: None,
                is_last: true,
            };
            if count <= NEAR_SEED_OCCURRENCES_MAX as u64 {
                let ranks = (range.start..range.end).filter(|rank| view.is_seen_at(*rank));
                self.nodes.extend(ranks.map(node));
            } else {
                self.nodes.extend(firsts[segment].iter().copied().map(node));
            }
            self.nodes[places..].sort_unstable_by_key(|node| node.at);
        }
        self.seeds.push(Seed { start, end, nodes: first..self.nodes.len() });
    }

    /// In each segment, the first rank of every text that holds a seed, if it occurs so often that it is asked for; `None`
    /// when too many clusters hold it.
    fn first_ranks(&self, ranges: &[Interval], count: u64) -> Option<Vec<Vec<usize>>> {
        let mut firsts = Vec::new();
        let mut clusters = 0;
        // What occurs no more often than so many clusters may hold it, is held by no more.
        let ranges = if count > NEAR_SEED_CLUSTERS_MAX as u64 { ranges } else { &[] };
        for (segment, (view, range)) in self.views.iter().zip(ranges).enumerate() {
            let found = match range.is_empty() {
                true => Vec::new(),
                false => view.first_ranks(range.start, range.end, NEAR_SEED_CLUSTERS_MAX + 1),
            };
            // A segment holds one text of a cluster, and one segment has the text that owns it.
            let owned = found.iter().filter(|(_, document)| self.index.owns_cluster(segment, *document));
            clusters += owned.count();
            if found.len().max(clusters) > NEAR_SEED_CLUSTERS_MAX {
                return None;
            }
            firsts.push(found.into_iter().map(|(rank, _)| rank).collect());
        }
        Some(firsts)
    }
}
