//! How the occurrences of seeds in one text are linked to chains.
//!
//! Whether two of them can be linked is told by the bytes between their places first, so no text is touched for seeds
//! that have no neighbours. Absent: whose a text is, and who wins the words (`near`).

use std::cmp::Reverse;

use super::align::{TEXT_WORDS_MAX, align};
use super::matched::{Link, Piece};
use super::seeds::{Node, Seed};
use crate::index::Index;
use crate::parameters::{NEAR_DRIFT_WORDS_MAX, NEAR_EDITS_MAX, NEAR_GAP_WORDS_MAX, NEAR_SEEDS_BEFORE_MAX};
use crate::segment::View;
use crate::spans::{FoundSpan, OutputWords};

/// The most bytes that the code of a word takes.
const WORD_BYTES_MAX: usize = 4;

/// The seeds of an output and their chains.
pub(super) struct Chains<'a> {
    pub(super) words: &'a OutputWords,
    pub(super) index: &'a Index,
    pub(super) views: &'a [View<'a>],
    /// The weight of the words before each, and of all.
    weights: Vec<u64>,
    pub(super) seeds: Vec<Seed>,
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

    /// What the words weigh.
    pub(super) fn weight(&self, start: usize, end: usize) -> u64 {
        self.weights[end] - self.weights[start]
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
        let offset = self.offset(node, next)?;
        if offset.abs_diff(other.start - one.start) > NEAR_DRIFT_WORDS_MAX {
            return None;
        }
        // What both have is the earlier seed's.
        let cut = one.end.saturating_sub(other.start).max(one.len().saturating_sub(offset));
        let (start, text_words) = (other.start + cut, offset + cut - one.len());
        if start >= other.end || start - one.end > NEAR_GAP_WORDS_MAX {
            return None;
        }
        let mut text = [0; TEXT_WORDS_MAX];
        let mut at = self.past(node);
        for word in text.get_mut(..text_words)? {
            (*word, at) = self.views[node.segment].word_behind(at)?;
        }
        let mut output = [(0, 0); NEAR_GAP_WORDS_MAX];
        for (word, place) in output.iter_mut().zip(one.end..start) {
            *word = (self.words.patterns[node.segment].ids[place], self.words.weights[place]);
        }
        let between = align(&output[..start - one.end], &text[..text_words]);
        let is_cheap = |start, end| between.score + self.weight(start, end) as i64 > 0;
        let links = between.edits.0 > 0
            && u64::from(node.edits + between.edits.0) <= NEAR_EDITS_MAX
            && is_cheap(one.start, one.end)
            && is_cheap(start, other.end);
        links.then_some(Link { before, offset, start, between })
    }

    /// Where the code behind an occurrence starts.
    fn past(&self, node: &Node) -> usize {
        let (seed, pattern) = (&self.seeds[node.seed], &self.words.patterns[node.segment]);
        node.at + pattern.byte(seed.end).saturating_sub(pattern.byte(seed.start))
    }

    /// How many words of the text from the start of one occurrence to the start of a later one; `None` when it is too
    /// far, or in another text.
    fn offset(&self, node: &Node, next: &Node) -> Option<usize> {
        let (seed, pattern) = (&self.seeds[node.seed], &self.words.patterns[node.segment]);
        let mut at = self.past(node);
        if next.at < at {
            let byte = pattern.byte(seed.start) + next.at.checked_sub(node.at)?;
            return pattern.word_of_byte(byte).checked_sub(seed.start);
        }
        let mut words = seed.len();
        while at < next.at && words < seed.len() + TEXT_WORDS_MAX {
            at = self.views[node.segment].word_behind(at)?.1;
            words += 1;
        }
        (at == next.at).then_some(words)
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
