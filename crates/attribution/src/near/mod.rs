//! Near-verbatim reuse: words that stand in a text as they do in the output, but for a few edits.
//!
//! Near spans add to what is attributed and take nothing from it: they are paid for words alone that no other span won.
//!
//! 1. A seed is a match that no text holds longer, or a span that was paid, of at least three words and some weight, that
//!    few enough clusters hold. Where it occurs very often, only one place in each text counts: the one whose continuation
//!    comes first in the order of words.
//! 2. Two seeds in one text are linked when the later one begins and ends later in the output and begins later in the text,
//!    when few words of the output lie between them, and about as many of the text's. What both hold is the earlier's.
//! 3. The words between are aligned: one put in, left out or changed for another is an edit, and so are two neighbours
//!    swapped. Of all ways counts the one with the most weight of words that are the same, less that of the edits; then
//!    the one with fewer edits; then the one that matches earlier words. Without an edit, or where the edits weigh as much
//!    as either seed with the matched words between, there is no link.
//! 4. A chain is as many seeds of one text as are linked one behind the other. Of the chains that end with a seed counts
//!    the one whose matched words weigh most, less the edits; then the one with fewer edits, the later seed before the
//!    last, and that at the later place. A chain that goes on counts for nothing by itself.
//! 5. A chain is worth the weight of its matched words, less the edits and the threshold. In the order of commitments,
//!    each text that owns its cluster takes by its chains that are worth something what nobody won before. Seeds whose words
//!    are all somebody else's are left off both ends. What is left is a near span when the words that nobody else won are
//!    worth something by themselves, the same edits counted: nobody is paid for words beside somebody else's.
//! 6. Of the near spans of one text, a word goes to the most valuable, the longest, the earliest, the one with the earlier
//!    last seed, the earlier in the text. Of those with the same first and last word only the first counts.
//!
//! Each seed is compared with a bounded number of seeds before it, at a bounded number of places. Absent: edits before
//! the first and behind the last seed of a span, and changed words that mean the same: a paraphrase leaves no trace.

mod align;
mod chain;
mod matched;
mod seeds;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use openledger_datanet::{ClusterId, ContributionId};

use crate::index::Index;
use crate::parameters::{NEAR_EDIT_WEIGHT, Rules};
use crate::segment::View;
use crate::spans::{FoundSpan, OutputWords};
use chain::Chains;
use matched::{Matched, Piece};
use seeds::Node;

/// The number of a commitment, and what was committed.
type Owner = (u64, ContributionId);

/// Who has a word of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Free,
    /// A span of this owner has it; of nobody, when it is common.
    Won(Option<Owner>),
}

/// A near span that won words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NearSpan {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The words that are the text's, in runs that do not touch.
    pub(crate) matched: Vec<(usize, usize)>,
    pub(crate) edits: u64,
    pub(crate) value: u64,
    pub(crate) mass: u64,
    pub(crate) text: NearText,
}

/// The text that a near span belongs to, and where it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NearText {
    pub(crate) sequence: u64,
    pub(crate) contribution: ContributionId,
    pub(crate) cluster: ClusterId,
    pub(crate) segment: usize,
    /// Where the code of the first word starts.
    pub(crate) at: usize,
    /// How many words of the text, from the first matched to the last.
    pub(crate) words: usize,
}

/// What matched words are worth less the edits and the threshold; `None` when that is nothing.
pub(crate) fn near_value(
    words: impl Iterator<Item = usize>,
    edits: u64,
    weights: &[u64],
    threshold: u64,
) -> Option<u64> {
    let weight: u64 = words.filter_map(|word| weights.get(word)).sum();
    let cost = edits.checked_mul(NEAR_EDIT_WEIGHT)?.checked_add(threshold)?;
    weight.checked_sub(cost).filter(|value| *value > 0)
}

/// The near spans of an output, in its order, given its matches and the runs that were paid. `won` says who has which
/// word.
pub(crate) fn near_spans(
    words: &OutputWords,
    (found, paid): (&[FoundSpan], &[(usize, usize)]),
    (index, views): (&Index, &[View<'_>]),
    mut won: Vec<Word>,
    rules: Rules,
) -> Vec<NearSpan> {
    if !won.contains(&Word::Free) {
        return Vec::new();
    }
    let chains = Chains::new(words, (found, paid), (index, views));
    let mut ends: BTreeMap<Owner, (ClusterId, Vec<&Node>)> = BTreeMap::new();
    for node in
        chains.nodes.iter().filter(|node| node.is_last && node.edits > 0 && node.score > rules.threshold)
    {
        let view = &views[node.segment];
        let place = view.document_at(node.at);
        if let Some(document) = view.document(place).filter(|_| index.owns_cluster(node.segment, place)) {
            let owner = (document.sequence, document.contribution);
            ends.entry(owner).or_insert_with(|| (document.cluster, Vec::new())).1.push(node);
        }
    }
    let mut spans = Vec::new();
    for (owner, (cluster, ends)) in ends {
        let mut claims: Vec<Claim> =
            ends.into_iter().filter_map(|node| Claim::of(&chains, node, owner, &won, words, rules)).collect();
        claims.sort_unstable_by_key(Claim::rank);
        let mut seen = BTreeSet::new();
        claims.retain(|claim| seen.insert((claim.start, claim.end)));
        for claim in claims {
            let mut mass = 0;
            for word in claim.matched.runs.iter().flat_map(|run| run.0..run.1) {
                if won[word] == Word::Free {
                    won[word] = Word::Won(Some(owner));
                    mass += words.weights[word];
                }
            }
            if mass > 0 {
                spans.push(claim.won(mass, owner, cluster));
            }
        }
    }
    spans.sort_unstable_by_key(|span| (span.start, span.end, span.text.sequence, span.text.contribution));
    spans
}

/// What is left of a chain between the words of others.
struct Claim {
    start: usize,
    end: usize,
    matched: Matched,
    value: u64,
    /// The number of the last seed, and where its occurrence starts.
    last: (usize, usize),
    segment: usize,
    at: usize,
}

impl Claim {
    /// `None` when it takes no words.
    fn of(
        chains: &Chains<'_>,
        node: &Node,
        owner: Owner,
        won: &[Word],
        words: &OutputWords,
        rules: Rules,
    ) -> Option<Self> {
        let is_open = |word: &usize| [Word::Free, Word::Won(Some(owner))].contains(&won[*word]);
        let mut pieces = chains.trace(node);
        let is_kept = |piece: &Piece| (piece.start..piece.end).any(|word| is_open(&word));
        let first = pieces.iter().position(is_kept)?;
        let last = pieces.iter().rposition(is_kept)?;
        let pieces = &mut pieces[first..=last];
        pieces[0].start -= std::mem::take(&mut pieces[0].cut);
        let (first, last) = (pieces.first()?, pieces.last()?);
        let matched = Matched::of(pieces);
        let value_of = |words_of: &mut dyn Iterator<Item = usize>| {
            near_value(words_of, matched.edits, &words.weights, rules.threshold)
        };
        let each = || matched.runs.iter().flat_map(|run| run.0..run.1);
        value_of(&mut each().filter(is_open)).filter(|_| matched.edits > 0)?;
        let value = value_of(&mut each())?;
        let (start, end) = (first.start, last.end);
        let (last, segment, at) = (last.place, node.segment, first.place.1);
        Some(Self { start, end, matched, value, last, segment, at })
    }

    /// Claims of one owner choose words in this order.
    fn rank(&self) -> (Reverse<u64>, Reverse<usize>, usize, (usize, usize)) {
        (Reverse(self.value), Reverse(self.end - self.start), self.start, self.last)
    }

    fn won(self, mass: u64, (sequence, contribution): Owner, cluster: ClusterId) -> NearSpan {
        let Self { start, end, matched: Matched { runs, edits, text_words }, value, segment, at, .. } = self;
        let text = NearText { sequence, contribution, cluster, segment, at, words: text_words };
        NearSpan { start, end, matched: runs, edits, value, mass, text }
    }
}
