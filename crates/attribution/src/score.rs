//! From spans to shares, in integers.
//!
//! 1. Every word of the output weighs its surprise, from a frozen table: what is indexed moves no weight.
//! 2. A run of words counts when its weight exceeds the threshold, an indexed text holds it, and no more clusters hold it
//!    than the cap; with more it is common. It belongs to the earliest commitment that holds it; of several with the same
//!    number, to the lowest contribution id.
//! 3. In the order of commitments, each owner takes the words of its runs that no earlier one took, in stretches that
//!    weigh more than the threshold by themselves. So no later commitment takes a word from an earlier one, whatever else it
//!    holds; and whoever commits somebody's words with a guess of how answers go on is not paid for a lucky guess. What is
//!    left goes to common runs, by the same rule, and the rest is unattributed.
//! 4. What is shown of an owner are spans: runs lengthened as far as its text goes on as the output does (`runs`). Of
//!    the spans of one owner, and of common ones, a word goes to the higher value, the longer, the earlier; the mass of a
//!    span is the weight of the words that went to it.
//! 5. Words that are left go to near spans, which match them but for edits around (`near`).
//! 6. The other texts that hold a span are shown as sources and receive nothing. Nothing is divided, so nothing is
//!    rounded: shares, common and unattributed mass sum to the weight of all words.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use openledger_datanet::{ClusterId, ContributionId};

use crate::attribution::{Attribution, ByteRange, MatchedRun, Share, SourceRef, Span, WordRange};
use crate::index::Index;
use crate::near::{NearSpan, NearText, Word, near_spans, near_value};
use crate::parameters::{ATTRIBUTION_VERSION, Rules, SPAN_SOURCES_MAX, THRESHOLD, UNIGRAMS_VERSION};
use crate::runs::{Holder, Holders, Run, Runs};
use crate::search::Border;
use crate::segment::{Unpacker, View};
use crate::spans::{FoundSpan, OutputWords};

/// What decides which of the spans around a word it goes to.
#[derive(Debug, Clone)]
pub(crate) struct Bid {
    pub(crate) words: WordRange,
    pub(crate) value: u64,
    /// The number of the owner's commitment, and its contribution; `None` when the span is common.
    pub(crate) owner: Option<(u64, ContributionId)>,
    /// Of a near span, its edits and the words that it matches.
    pub(crate) near: Option<(u64, Vec<WordRange>)>,
}

impl Bid {
    pub(crate) fn of(span: &Span) -> Self {
        let owner = span.sources.first().map(|owner| (span.committed, owner.contribution));
        let matched = || span.matched.iter().map(|run| run.words).collect();
        let near = (span.edits > 0).then(|| (span.edits, matched()));
        Self { words: span.words, value: span.value, owner, near }
    }
}

/// The span that each word goes to, by the words' weights.
pub(crate) fn winners(bids: &[Bid], weights: &[u64], threshold: u64) -> Vec<Option<usize>> {
    let mut winners = vec![None; weights.len()];
    // `next_free[n]` leads to the first word from `n` on that nobody has.
    let mut next_free: Vec<usize> = (0..=weights.len()).collect();
    let ranked = rank(bids);
    let (exact, near) = ranked.split_at(ranked.partition_point(|place| bids[*place].near.is_none()));
    for mine in exact.chunk_by(|a, b| bids[*a].owner == bids[*b].owner) {
        let mut taken = Vec::new();
        for &place in mine {
            let Range { start, end } = inside(bids[place].words, weights.len());
            let mut word = find_free(&mut next_free, start);
            while word < end {
                if winners[word].is_none() {
                    winners[word] = Some(place);
                    taken.push(word);
                }
                word = find_free(&mut next_free, word + 1);
            }
        }
        taken.sort_unstable();
        for stretch in taken.chunk_by(|one, next| one + 1 == *next) {
            let is_enough = stretch.iter().map(|word| weights[*word]).sum::<u64>() > threshold;
            for &word in stretch {
                if is_enough {
                    next_free[word] = word + 1;
                } else {
                    winners[word] = None;
                }
            }
        }
    }
    for &place in near {
        let Bid { owner, near: Some((edits, matched)), .. } = &bids[place] else { continue };
        let words = || matched.iter().flat_map(|run| inside(*run, weights.len()));
        let is_own = |won: Option<usize>| won.is_none_or(|other| bids[other].owner == *owner);
        let own = words().filter(|word| is_own(winners[*word]));
        if near_value(own, *edits, weights, threshold).is_some() {
            words().for_each(|word| {
                winners[word].get_or_insert(place);
            });
        }
    }
    winners
}

/// The part of a range that is not behind the last word.
fn inside(range: WordRange, word_count: usize) -> Range<usize> {
    let end = usize::try_from(range.end).unwrap_or(usize::MAX).min(word_count);
    usize::try_from(range.start).unwrap_or(usize::MAX).min(end)..end
}

/// Bids in the order in which they may choose words.
fn rank(bids: &[Bid]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..bids.len()).collect();
    order.sort_by_key(|&place| {
        let Bid { words: WordRange { start, end }, value, owner, ref near } = bids[place];
        (near.is_some(), owner.is_none(), owner, Reverse(value), Reverse(end.saturating_sub(start)), start)
    });
    order
}

/// The span that each word went to, by the words' weights.
pub(crate) fn winning_spans(spans: &[Span], weights: &[u64]) -> Vec<Option<usize>> {
    winners(&spans.iter().map(Bid::of).collect::<Vec<_>>(), weights, THRESHOLD)
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

/// The attribution of an output with these words and matches.
pub(crate) fn score(
    words: &OutputWords,
    (found, borders): (&[FoundSpan], &[Vec<Border>]),
    (index, views): (&Index, &[View<'_>]),
    rules: Rules,
) -> Attribution {
    let runs = Runs::new(words, (found, borders), (index, views), rules);
    let bid = |run: Run| {
        let Run { start, end, owner } = run;
        let owner = owner.map(|owner| (owner.sequence, owner.contribution));
        let words = WordRange { start: start as u64, end: end as u64 };
        Bid { words, value: runs.value(start, end).unwrap_or_default(), owner, near: None }
    };
    let owned = runs.spans();
    let bids: Vec<Bid> = owned.iter().copied().map(bid).collect();
    let (mut masses, mut won) = (vec![0; bids.len()], vec![Word::Free; words.len()]);
    for (word, winner) in winners(&bids, &words.weights, rules.threshold).into_iter().enumerate() {
        if let Some(place) = winner {
            masses[place] += words.weights[word];
            won[word] = Word::Won(bids[place].owner);
        }
    }
    // Only spans that won words are shown, so only theirs are looked up in the texts.
    let mut unpacker = Unpacker::new();
    let mut spans = Vec::new();
    let mut paid = Vec::new();
    for ((run, bid), mass) in owned.into_iter().zip(bids).zip(masses).filter(|(_, mass)| *mass > 0) {
        paid.push((run.start, run.end));
        spans.push(show((run, bid, mass), runs.holders(run), words, views, &mut unpacker));
    }
    for near in near_spans(words, (found, &paid), (index, views), won, rules) {
        spans.push(show_near(near, words, views, &mut unpacker));
    }
    spans.sort_by_cached_key(Span::place);
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

/// A span as it is shown.
fn show(
    (run, bid, mass): (Run, Bid, u64),
    holders: Holders,
    words: &OutputWords,
    views: &[View<'_>],
    unpacker: &mut Unpacker,
) -> Span {
    let Run { start, end, owner } = run;
    let Holders { count, clusters, texts } = holders;
    let locate = |holder| locate(holder, end - start, views, unpacker);
    Span {
        bytes: ByteRange { start: words.places[start].0 as u64, end: words.places[end - 1].1 as u64 },
        words: bid.words,
        value: bid.value,
        mass,
        count,
        clusters,
        is_common: owner.is_none(),
        committed: owner.map_or(0, |owner| owner.sequence),
        edits: 0,
        matched: Vec::new(),
        sources: texts.unwrap_or_default().into_iter().take(SPAN_SOURCES_MAX).map(locate).collect(),
    }
}

/// A near span as it is shown.
fn show_near(near: NearSpan, words: &OutputWords, views: &[View<'_>], unpacker: &mut Unpacker) -> Span {
    let run = |(start, end): (usize, usize)| MatchedRun {
        bytes: ByteRange { start: words.places[start].0 as u64, end: words.places[end - 1].1 as u64 },
        words: WordRange { start: start as u64, end: end as u64 },
    };
    let NearText { sequence, contribution, cluster, segment, at, words: text_words } = near.text;
    let (start, end) = views[segment].place(at, text_words, unpacker).unwrap_or_default();
    let datanet = views[segment].segment.datanet().to_owned();
    let MatchedRun { bytes, words } = run((near.start, near.end));
    Span {
        bytes,
        words,
        value: near.value,
        mass: near.mass,
        count: 1,
        clusters: 1,
        is_common: false,
        committed: sequence,
        edits: near.edits,
        matched: near.matched.into_iter().map(run).collect(),
        sources: vec![SourceRef { cluster, contribution, datanet, bytes: ByteRange { start, end } }],
    }
}

/// The source with its bytes; none of them in a segment that lies.
fn locate(holder: Holder, words: usize, views: &[View<'_>], unpacker: &mut Unpacker) -> SourceRef {
    let Holder { cluster, contribution, segment, at, .. } = holder;
    let place = views[segment].place(at, words, unpacker);
    let (start, end) = place.unwrap_or_default();
    let datanet = views[segment].segment.datanet().to_owned();
    SourceRef { cluster, contribution, datanet, bytes: ByteRange { start, end } }
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
