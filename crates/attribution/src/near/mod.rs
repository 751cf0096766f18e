//! Near-verbatim reuse: words that stand in a text as they do in the output, but for a few edits.
//!
//! Near spans add to what is attributed and take nothing from it: they are paid for words alone that no other span won.
//!
//! 1. A seed is a match that no text holds longer, or a span that was paid, of enough words and weight, that occurs
//!    often enough nowhere: [`NEAR_SEED_WORDS_MIN`](crate::parameters::NEAR_SEED_WORDS_MIN) and those below it.
//! 2. Two seeds in one text are linked when the later one begins and ends later in the output and begins later in the text,
//!    when few words of the output lie between them, and about as many of the text's. What both hold is the earlier's.
//! 3. The words between are aligned: one put in, left out or changed for another is an edit, and so are two neighbours
//!    swapped. Of all ways counts the one with the most weight of words that are the same, less that of the edits; then the
//!    one with fewer edits; then the one that matches earlier words. Without an edit, or where the edits weigh as much as
//!    either seed with the matched words between, there is no link.
//! 4. A chain is as many seeds of one text as are linked one behind the other. Of the chains that end with a seed counts
//!    the one whose matched words weigh most, less the edits; then the one with fewer edits, the later seed before the
//!    last, and that at the later place. A chain that goes on counts for no span.
//! 5. A chain is a near span when it is worth something: the weight of its matched words, less the edits and the threshold.
//!    It belongs to its text, which owns its cluster.
//! 6. A word that no other span won goes to the near span that matches it of the earliest commitment; of several of one
//!    text, to the most valuable, the longest, the earliest, the one with the earlier last seed, the earlier in the text.
//!    Of those with one range of words in one text only the first counts.
//!
//! Each seed is compared with a bounded number of seeds before it, at a bounded number of places. Absent: edits before
//! the first and behind the last seed of a span, and changed words that mean the same: a paraphrase leaves no trace.

mod align;
mod chain;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use openledger_datanet::{ClusterId, ContributionId};

use crate::index::Index;
use crate::parameters::Rules;
use crate::segment::View;
use crate::spans::{FoundSpan, OutputWords};
use chain::{Chains, Node};

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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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

/// The near spans of an output, in its order, given its matches, the runs that were paid, and which words nobody has won.
pub(crate) fn near_spans(
    words: &OutputWords,
    (found, paid): (&[FoundSpan], &[(usize, usize)]),
    (index, views): (&Index, &[View<'_>]),
    mut is_free: Vec<bool>,
    rules: Rules,
) -> Vec<NearSpan> {
    if !is_free.contains(&true) {
        return Vec::new();
    }
    let chains = Chains::new(words, found, paid, views);
    let ends = chains.nodes.iter().filter(|node| node.is_last && node.edits > 0);
    let mut ranked: Vec<_> = ends.filter_map(|node| rank(node, &chains, (index, views), rules)).collect();
    ranked.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    let (mut spans, mut seen) = (Vec::new(), BTreeSet::new());
    for ((sequence, contribution, Reverse(value), ..), cluster, node) in ranked {
        let (start, end) = (node.start, chains.end(node));
        if !seen.insert((contribution, start, end)) {
            continue;
        }
        let traced = chains.trace(node);
        let mut mass = 0;
        for word in traced.runs.iter().flat_map(|run| run.0..run.1) {
            mass += if std::mem::take(&mut is_free[word]) { words.weights[word] } else { 0 };
        }
        if mass > 0 {
            let text = NearText {
                sequence,
                contribution,
                cluster,
                segment: node.segment,
                at: traced.at,
                words: traced.text_words,
            };
            let (matched, edits) = (traced.runs, u64::from(node.edits));
            spans.push(NearSpan { start, end, matched, edits, value, mass, text });
        }
    }
    spans.sort_unstable_by_key(|span| (span.start, span.end, span.text.sequence, span.text.contribution));
    spans
}

/// Near spans choose words in this order.
type Rank = (u64, ContributionId, Reverse<u64>, Reverse<usize>, usize, usize, usize);

/// Whose the chain is, and when it may choose; `None` when it is worth nothing, or its text does not own its cluster.
fn rank<'n>(
    node: &'n Node,
    chains: &Chains<'_>,
    (index, views): (&Index, &[View<'_>]),
    rules: Rules,
) -> Option<(Rank, ClusterId, &'n Node)> {
    let value = node.score.checked_sub(rules.threshold).filter(|value| *value > 0)?;
    let view = &views[node.segment];
    let place = view.document_at(node.at);
    let document = view.document(place).filter(|_| index.owns_cluster(node.segment, place))?;
    let length = chains.end(node) - node.start;
    let place = (chains.last_seed(node), node.at);
    let commitment = (document.sequence, document.contribution);
    let rank =
        (commitment.0, commitment.1, Reverse(value), Reverse(length), node.start, place.0, place.1);
    Some((rank, document.cluster, node))
}
