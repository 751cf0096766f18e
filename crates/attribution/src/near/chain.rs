//! Seeds, where they occur, and how the occurrences in one text are linked to chains.
//!
//! An occurrence is looked at where it stands among the others of its seed: that lies next to what the search has just
//! read, and whether two of them can be linked is told by the bytes between them, so no text is touched for seeds that
//! have no neighbours. Absent: whose a text is, and who wins the words (`near`).

use std::cmp::Reverse;
use std::ops::Range;

use super::align::{Alignment, TEXT_WORDS_MAX, align};
use crate::index::Index;
use crate::parameters::{
    NEAR_DRIFT_WORDS_MAX, NEAR_EDITS_MAX, NEAR_GAP_WORDS_MAX, NEAR_SEED_CLUSTERS_MAX,
    NEAR_SEED_OCCURRENCES_MAX, NEAR_SEED_WEIGHT_MIN, NEAR_SEED_WORDS_MIN, NEAR_SEEDS_BEFORE_MAX,
};
use crate::search::Interval;
use crate::segment::View;
use crate::spans::{FoundSpan, OutputWords};

/// The most bytes that the code of a word takes.
const WORD_BYTES_MAX: usize = 4;

/// A run of the output's words that links can begin and end with.
#[derive(Debug, Clone)]
struct Seed {
    start: usize,
    end: usize,
    /// Its nodes, by their segments, then by their places.
    nodes: Range<usize>,
}

impl Seed {
    fn len(&self) -> usize {
        self.end - self.start
    }
}

/// An occurrence of a seed, and the best chain that ends with it.
#[derive(Debug, Clone)]
pub(super) struct Node {
    seed: usize,
    pub(super) segment: usize,
    /// Where its code starts.
    pub(super) at: usize,
    /// The weight of all matched words of the chain, less that of the edits.
    pub(super) score: u64,
    pub(super) edits: u32,
    /// How the chain comes here; `None` at its first seed.
    link: Option<Link>,
    /// Whether no chain goes on from here.
    pub(super) is_last: bool,
}

/// A link between two occurrences in one text.
#[derive(Debug, Clone, Copy)]
struct Link {
    /// The node before.
    before: usize,
    /// The words of the text from the start of one to the start of the other.
    offset: usize,
    /// The words of the later seed that the earlier one leaves.
    start: usize,
    between: Alignment,
}

/// A seed of a chain, and how the chain comes to it.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// The seed's words, less those that the seed before it has.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The words that the seed before it has, too.
    pub(super) cut: usize,
    /// The number of the seed, and where its occurrence starts in the segment.
    pub(super) place: (usize, usize),
    /// The words of the text that the occurrence takes.
    length: usize,
    link: Option<Link>,
}

/// Adds up a chain, or what is left of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Matched {
    /// Runs of matched words, in the order of the output; no two of them touch.
    pub(super) runs: Vec<(usize, usize)>,
    pub(super) edits: u64,
    /// How many words of the text it takes.
    pub(super) text_words: usize,
}

impl Matched {
    /// What the pieces match. The link to the first of them does not count.
    pub(super) fn of(pieces: &[Piece]) -> Self {
        let mut found = Self { runs: Vec::new(), edits: 0, text_words: 0 };
        for pair in pieces.windows(2) {
            let Some(Link { offset, between, .. }) = pair[1].link else { continue };
            found.push(pair[0].start, pair[0].end);
            for word in (pair[0].end..pair[1].start).filter(|word| between.is_matched(word - pair[0].end)) {
                found.push(word, word + 1);
            }
            found.edits += u64::from(between.edits.0);
            found.text_words += offset;
        }
        if let Some(last) = pieces.last() {
            found.push(last.start, last.end);
            found.text_words += last.length;
        }
        found
    }

    fn push(&mut self, start: usize, end: usize) {
        match self.runs.last_mut() {
            Some(run) if run.1 == start => run.1 = end,
            _ => self.runs.push((start, end)),
        }
    }
}

/// The seeds of an output and their chains.
pub(super) struct Chains<'a> {
    words: &'a OutputWords,
    index: &'a Index,
    views: &'a [View<'a>],
    /// The weight of the words before each, and of all.
    weights: Vec<u64>,
    seeds: Vec<Seed>,
    pub(super) nodes: Vec<Node>,
}

impl<'a> Chains<'a> {
    /// The chains of the seeds among these matches and these runs that were paid.
    pub(super) fn new(
        words: &'a OutputWords,
        (found, paid): (&[FoundSpan], &[(usize, usize)]),
        (index, views): (&'a Index, &'a [View<'a>]),
    ) -> Self {
        let mut weights = Vec::with_capacity(words.len() + 1);
        weights.push(0);
        weights.extend(words.weights.iter().scan(0u64, |sum, weight| {
            *sum += weight;
            Some(*sum)
        }));
        let mut chains = Self { words, index, views, weights, seeds: Vec::new(), nodes: Vec::new() };
        chains.find_seeds(found, paid);
        for later in 1..chains.seeds.len() {
            for earlier in later.saturating_sub(NEAR_SEEDS_BEFORE_MAX)..later {
                chains.link_seeds(earlier, later);
            }
        }
        for place in 0..chains.nodes.len() {
            if let Some(link) = chains.nodes[place].link {
                chains.nodes[link.before].is_last = false;
            }
        }
        chains
    }

    fn weight(&self, start: usize, end: usize) -> u64 {
        self.weights[end] - self.weights[start]
    }

    /// Whether the words may be a seed, wherever they occur.
    fn is_heavy(&self, start: usize, end: usize) -> bool {
        end - start >= NEAR_SEED_WORDS_MIN && self.weight(start, end) >= NEAR_SEED_WEIGHT_MIN
    }

    /// All seeds with their occurrences, in the order of the output.
    fn find_seeds(&mut self, found: &[FoundSpan], paid: &[(usize, usize)]) {
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
        let count: usize = ranges.iter().map(Interval::len).sum();
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
            if count <= NEAR_SEED_OCCURRENCES_MAX {
                self.nodes.extend((range.start..range.end).map(node));
            } else {
                self.nodes.extend(firsts[segment].iter().copied().map(node));
            }
            self.nodes[places..].sort_unstable_by_key(|node| node.at);
        }
        self.seeds.push(Seed { start, end, nodes: first..self.nodes.len() });
    }

    /// In each segment, the first rank of every text that holds a seed, if it occurs so often that it is asked for; `None`
    /// when too many clusters hold it.
    fn first_ranks(&self, ranges: &[Interval], count: usize) -> Option<Vec<Vec<usize>>> {
        let mut firsts = Vec::new();
        let mut clusters = 0;
        // What occurs no more often than so many clusters may hold it, is held by no more.
        let ranges = if count > NEAR_SEED_CLUSTERS_MAX { ranges } else { &[] };
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

    /// Lets chains that end with one seed go on with the other, where that is better than what is known.
    fn link_seeds(&mut self, earlier: usize, later: usize) {
        let (one, other) = (self.seeds[earlier].clone(), self.seeds[later].clone());
        let is_in_reach =
            one.start < other.start && one.end < other.end && other.start <= one.end + NEAR_GAP_WORDS_MAX;
        if !is_in_reach {
            return;
        }
        let mut from = other.nodes.start;
        for before in one.nodes.clone() {
            let (segment, least, most) = self.window(before, &one, &other);
            let place = |node: &Node| (node.segment, node.at);
            while from < other.nodes.end && place(&self.nodes[from]) < (segment, least) {
                from += 1;
            }
            let candidates = self.nodes[from..other.nodes.end].iter();
            let count = candidates.take_while(|node| place(node) <= (segment, most)).count();
            for behind in from..from + count {
                if let Some(link) = self.link(before, behind) {
                    self.improve(behind, link);
                }
            }
        }
    }

    /// Between which places of its segment the later seed can be linked with this occurrence of the earlier.
    fn window(&self, before: usize, one: &Seed, other: &Seed) -> (usize, usize, usize) {
        let Node { segment, at, .. } = self.nodes[before];
        let pattern = &self.words.patterns[segment];
        let bytes = |words: usize| {
            let inside = words.min(one.len());
            let known = pattern.byte(one.start + inside).saturating_sub(pattern.byte(one.start));
            (known, words - inside)
        };
        let distance = other.start - one.start;
        let (least, _) = bytes(distance.saturating_sub(NEAR_DRIFT_WORDS_MAX).max(1));
        let (known, rest) = bytes(distance + NEAR_DRIFT_WORDS_MAX);
        (segment, at.saturating_add(least), at.saturating_add(known + WORD_BYTES_MAX * rest))
    }

    /// The link between two occurrences in one segment, if there is one.
    fn link(&self, before: usize, behind: usize) -> Option<Link> {
        let (node, next) = (&self.nodes[before], &self.nodes[behind]);
        let (one, other) = (&self.seeds[node.seed], &self.seeds[next.seed]);
        let (view, pattern) = (&self.views[node.segment], &self.words.patterns[node.segment]);
        let first_byte = pattern.byte(one.start);
        let inside = next.at - node.at;
        let past = node.at + (pattern.byte(one.end) - first_byte);
        // The words of the text behind the earlier seed, and where the later one starts among all from its start on.
        let mut text = [0; TEXT_WORDS_MAX];
        let (mut read, mut at) = (0, past);
        while at < next.at && read < TEXT_WORDS_MAX {
            (text[read], at) = view.word_behind(at)?;
            read += 1;
        }
        let offset = if next.at >= past {
            (at == next.at).then_some(one.len() + read)?
        } else {
            pattern.word_of_byte(first_byte + inside) - one.start
        };
        let distance = other.start - one.start;
        if offset.abs_diff(distance) > NEAR_DRIFT_WORDS_MAX {
            return None;
        }
        // What both have is the earlier seed's.
        let cut = one.end.saturating_sub(other.start).max(one.len().saturating_sub(offset));
        if cut >= other.len() {
            return None;
        }
        let start = other.start + cut;
        let text_words = offset + cut - one.len();
        while read < text_words.min(TEXT_WORDS_MAX) {
            (text[read], at) = view.word_behind(at)?;
            read += 1;
        }
        let gap = start.checked_sub(one.end).filter(|gap| *gap <= NEAR_GAP_WORDS_MAX)?;
        let mut output = [(0, 0); NEAR_GAP_WORDS_MAX];
        for (word, place) in output.iter_mut().zip(one.end..start) {
            *word = (pattern.ids[place], self.words.weights[place]);
        }
        let between = align(&output[..gap], text.get(..text_words)?);
        let is_cheap = |start, end| between.score + self.weight(start, end) as i64 > 0;
        let links = between.edits.0 > 0
            && u64::from(node.edits + between.edits.0) <= NEAR_EDITS_MAX
            && is_cheap(one.start, one.end)
            && is_cheap(start, other.end);
        links.then_some(Link { before, offset, start, between })
    }

    /// Takes the link if the chain through it is the best that ends here.
    fn improve(&mut self, behind: usize, link: Link) {
        let (before, node) = (&self.nodes[link.before], &self.nodes[behind]);
        let end = self.seeds[node.seed].end;
        let gained = link.between.score + self.weight(link.start, end) as i64;
        let score = before.score.saturating_add_signed(gained);
        let edits = before.edits + link.between.edits.0;
        // A later seed, and of one seed a later place, is closer.
        let rank = |score: u64, edits: u32, before: Option<usize>| (score, Reverse(edits), before);
        let known = rank(node.score, node.edits, node.link.map(|link| link.before));
        if rank(score, edits, Some(link.before)) > known {
            let node = &mut self.nodes[behind];
            (node.score, node.edits, node.link) = (score, edits, Some(link));
        }
    }

    /// The chain that ends here.
    pub(super) fn trace(&self, end: &Node) -> Vec<Piece> {
        let (mut pieces, mut next) = (Vec::new(), Some(end));
        while let Some(node) = next {
            let seed = &self.seeds[node.seed];
            let start = node.link.map_or(seed.start, |link| link.start);
            let place = (node.seed, node.at);
            let (cut, length) = (start - seed.start, seed.len());
            pieces.push(Piece { start, end: seed.end, cut, place, length, link: node.link });
            next = node.link.map(|link| &self.nodes[link.before]);
        }
        pieces.reverse();
        pieces
    }
}
