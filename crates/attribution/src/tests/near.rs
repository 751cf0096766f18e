//! Near-verbatim spans against a plain model: the rule at the head of `near` by trying everything, on texts of a few words.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use openledger_datanet::{ContributionId, words};
use proptest::prelude::*;

use super::*;
use crate::parameters::*;
use crate::score::{Bid, shares_of, winners};
use crate::spans::attribute_by;
use crate::unigrams::Unigrams;
use crate::{Attribution, ClaimedSpan, Matcher, Span, masses_of};

struct Text {
    sequence: u64,
    contribution: ContributionId,
    words: Vec<String>,
}

/// An occurrence of a seed: its words in the output, its text, and where it starts there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Occurrence {
    start: usize,
    end: usize,
    text: usize,
    at: usize,
}

/// A seed of a chain: which of its words the seed before it leaves, the words that are matched between them, and the
/// edits.
#[derive(Debug, Clone)]
struct Step {
    seed: Occurrence,
    start: usize,
    between: Vec<usize>,
    edits: u64,
}

/// A chain from its last seed to its first.
#[derive(Debug, Clone)]
struct Chain {
    score: i64,
    steps: Vec<Step>,
}

impl Chain {
    fn edits(&self) -> u64 {
        self.steps.iter().map(|step| step.edits).sum()
    }

    fn matched(&self) -> BTreeSet<usize> {
        let words =
            self.steps.iter().flat_map(|step| (step.start..step.seed.end).chain(step.between.clone()));
        words.collect()
    }
}

pub(crate) struct Model {
    output: Vec<String>,
    weights: Vec<u64>,
    texts: Vec<Text>,
}

fn split(text: &str) -> Vec<String> {
    words::words(text).map(|(_, word)| words::fold(word)).collect()
}

/// What a near span is compared by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    words: (usize, usize),
    contribution: ContributionId,
    matched: Vec<usize>,
    edits: u64,
    value: u64,
    mass: u64,
}

impl Found {
    fn of(span: &Span) -> Self {
        let matched = span.matched.iter().flat_map(|run| run.words.start as usize..run.words.end as usize);
        Self {
            words: (span.words.start as usize, span.words.end as usize),
            contribution: span.sources[0].contribution,
            matched: matched.collect(),
            edits: span.edits,
            value: span.value,
            mass: span.mass,
        }
    }
}

impl Model {
    /// Texts whose words differ, each in the datanet that committed it first.
    fn new(output: &str, datanets: &[(String, Vec<Entry>)]) -> Self {
        let mut texts: BTreeMap<Vec<String>, Text> = BTreeMap::new();
        for Entry { sequence, contribution } in datanets.iter().flat_map(|(_, entries)| entries) {
            let words = split(&contribution.text);
            let text = Text { sequence: *sequence, contribution: contribution.id(), words: words.clone() };
            let known = texts.get(&words).map(|text| text.sequence);
            if !words.is_empty() && known.is_none_or(|known| *sequence < known) {
                texts.insert(words, text);
            }
        }
        let output = split(output);
        let weights = output.iter().map(|word| Unigrams::frozen().weight(word)).collect();
        Self { output, weights, texts: texts.into_values().collect() }
    }

    fn weight(&self, start: usize, end: usize) -> i64 {
        self.weights[start..end].iter().sum::<u64>() as i64
    }

    fn occurrences(&self, start: usize, end: usize) -> Vec<Occurrence> {
        let mut found = Vec::new();
        for (text, Text { words, .. }) in self.texts.iter().enumerate() {
            for at in 0..words.len() {
                if words[at..].starts_with(&self.output[start..end]) {
                    found.push(Occurrence { start, end, text, at });
                }
            }
        }
        found
    }

    /// The words of the output from `start` up to `end` that nobody holds longer, or that were paid.
    fn seeds(&self, exact: &[&Span]) -> Vec<Occurrence> {
        let is_held = |start: usize, end: usize| !self.occurrences(start, end).is_empty();
        let mut seeds = Vec::new();
        for start in 0..self.output.len() {
            for end in start + 1..=self.output.len() {
                let is_maximal = is_held(start, end)
                    && (start == 0 || !is_held(start - 1, end))
                    && (end == self.output.len() || !is_held(start, end + 1));
                let is_paid = exact
                    .iter()
                    .any(|span| (span.words.start as usize, span.words.end as usize) == (start, end));
                let found = self.occurrences(start, end);
                let holders: BTreeSet<usize> = found.iter().map(|seed| seed.text).collect();
                if (is_maximal || is_paid)
                    && end - start >= NEAR_SEED_WORDS_MIN
                    && self.weight(start, end) >= NEAR_SEED_WEIGHT_MIN as i64
                    && holders.len() <= NEAR_SEED_CLUSTERS_MAX
                {
                    seeds.push(found);
                }
            }
        }
        seeds.concat()
    }

    /// All alignments of `output` and `text`, each as its score, its edits and the words that it matches.
    fn alignments(&self, output: &[usize], text: &[String]) -> Vec<(i64, Reverse<u64>, Vec<bool>)> {
        if output.is_empty() && text.is_empty() {
            return vec![(0, Reverse(0), vec![])];
        }
        let mut all = Vec::new();
        let mut step = |taken: usize, left: usize, edits: u64, is_matched: bool| {
            for (score, Reverse(rest), matched) in self.alignments(&output[taken..], &text[left..]) {
                let weight: u64 =
                    output[..taken].iter().filter(|_| is_matched).map(|w| self.weights[*w]).sum();
                let score = score + weight as i64 - (edits * NEAR_EDIT_WEIGHT) as i64;
                let matched = [vec![is_matched; taken], matched].concat();
                all.push((score, Reverse(rest + edits), matched));
            }
        };
        let word = |place: usize| &self.output[output[place]];
        if !output.is_empty() {
            step(1, 0, 1, false);
        }
        if !text.is_empty() {
            step(0, 1, 1, false);
        }
        if !output.is_empty() && !text.is_empty() {
            let is_same = *word(0) == text[0];
            step(1, 1, u64::from(!is_same), is_same);
        }
        if output.len() > 1 && text.len() > 1 && *word(0) == text[1] && *word(1) == text[0] {
            step(2, 2, 1, true);
        }
        all
    }

    /// The chain that goes on with another seed.
    fn extended(&self, chain: &Chain, seeds: &[Occurrence], next: Occurrence) -> Option<Chain> {
        let last = chain.steps.first()?.seed;
        let number = |seed: Occurrence| {
            let mut runs: Vec<_> = seeds.iter().map(|seed| (seed.start, seed.end)).collect();
            runs.dedup();
            runs.iter().position(|run| *run == (seed.start, seed.end))
        };
        let is_near = number(next)? - number(last)? <= NEAR_SEEDS_BEFORE_MAX;
        let is_later =
            last.text == next.text && last.start < next.start && last.end < next.end && last.at < next.at;
        let drift = (next.at as i64 - last.at as i64) - (next.start as i64 - last.start as i64);
        if !is_near || !is_later || drift.unsigned_abs() > NEAR_DRIFT_WORDS_MAX as u64 {
            return None;
        }
        // What both hold is the earlier's.
        let (mut start, mut at) = (next.start, next.at);
        let text_end = last.at + last.end - last.start;
        while start < last.end || at < text_end {
            (start, at) = (start + 1, at + 1);
        }
        if start >= next.end || start - last.end > NEAR_GAP_WORDS_MAX {
            return None;
        }
        let between: Vec<usize> = (last.end..start).collect();
        let text = &self.texts[last.text].words[text_end..at];
        let (score, Reverse(edits), matched) = self.alignments(&between, text).into_iter().max()?;
        let is_link = edits > 0
            && edits + chain.edits() <= NEAR_EDITS_MAX
            && score + self.weight(last.start, last.end) > 0
            && score + self.weight(start, next.end) > 0;
        let matched = between.into_iter().zip(matched).filter(|(_, is_matched)| *is_matched);
        let step = Step { seed: next, start, between: matched.map(|(word, _)| word).collect(), edits };
        is_link.then(|| Chain {
            score: chain.score + score + self.weight(start, next.end),
            steps: [vec![step], chain.steps.clone()].concat(),
        })
    }

    /// For each seed the best chain that ends with it, without those that go on.
    fn chains(&self, seeds: &[Occurrence]) -> Vec<Chain> {
        let mut best: Vec<Chain> = Vec::new();
        for &seed in seeds {
            let step = Step { seed, start: seed.start, between: vec![], edits: 0 };
            let alone = Chain { score: self.weight(seed.start, seed.end), steps: vec![step] };
            let mut all: Vec<Chain> =
                best.iter().filter_map(|chain| self.extended(chain, seeds, seed)).collect();
            all.push(alone);
            let before = |chain: &Chain| chain.steps.get(1).map(|step| step.seed);
            best.extend(
                all.into_iter().max_by_key(|chain| (chain.score, Reverse(chain.edits()), before(chain))),
            );
        }
        let goes_on: BTreeSet<Occurrence> =
            best.iter().filter_map(|chain| chain.steps.get(1)).map(|step| step.seed).collect();
        best.retain(|chain| !goes_on.contains(&chain.steps[0].seed));
        best
    }

    /// The near spans beside these exact ones.
    fn near(&self, exact: &[&Span], rules: Rules) -> Vec<Found> {
        let mut won: Vec<Option<Option<ContributionId>>> = vec![None; self.output.len()];
        for (word, winner) in won.iter_mut().enumerate() {
            // Each word that an exact span won lies in one of its owner's.
            *winner = self.exact_owner(word, exact, rules);
        }
        let mut chains = self.chains(&self.seeds(exact));
        chains.retain(|chain| chain.edits() > 0 && chain.score > rules.threshold as i64);
        let mut owners: BTreeMap<(u64, ContributionId), Vec<Chain>> = BTreeMap::new();
        for chain in chains {
            let text = &self.texts[chain.steps[0].seed.text];
            owners.entry((text.sequence, text.contribution)).or_default().push(chain);
        }
        let mut found = Vec::new();
        for ((_, owner), chains) in owners {
            let is_open = |word: &usize| won[*word].is_none_or(|other| other == Some(owner));
            let mut left: Vec<(i64, Chain)> =
                chains.into_iter().filter_map(|chain| self.left(chain, is_open, rules)).collect();
            let range = |chain: &Chain| (chain.steps[chain.steps.len() - 1].start, chain.steps[0].seed.end);
            left.sort_by_key(|(value, chain)| {
                let (start, end) = range(chain);
                (Reverse(*value), Reverse(end - start), start, chain.steps[0].seed)
            });
            let mut seen = BTreeSet::new();
            left.retain(|(_, chain)| seen.insert(range(chain)));
            for (value, chain) in left {
                let matched = chain.matched();
                let free: Vec<usize> = matched.iter().copied().filter(|word| won[*word].is_none()).collect();
                free.iter().for_each(|word| won[*word] = Some(Some(owner)));
                let mass = free.iter().map(|word| self.weights[*word]).sum();
                if mass > 0 {
                    found.push(Found {
                        words: range(&chain),
                        contribution: owner,
                        matched: matched.into_iter().collect(),
                        edits: chain.edits(),
                        value: value as u64,
                        mass,
                    });
                }
            }
        }
        found.sort();
        found
    }

    /// Who won a word by exact spans; nobody when it is common.
    fn exact_owner(&self, word: usize, exact: &[&Span], rules: Rules) -> Option<Option<ContributionId>> {
        let bids: Vec<Bid> = exact.iter().map(|span| Bid::of(span)).collect();
        let place = winners(&bids, &self.weights, rules.threshold)[word]?;
        Some(exact[place].sources.first().map(|source| source.contribution))
    }

    /// What is left of a chain when seeds of others at its ends are left off, with its value.
    fn left(&self, mut chain: Chain, is_open: impl Fn(&usize) -> bool, rules: Rules) -> Option<(i64, Chain)> {
        let is_kept = |step: &Step| (step.start..step.seed.end).any(|word| is_open(&word));
        while !is_kept(chain.steps.last()?) {
            chain.steps.pop();
        }
        while !is_kept(chain.steps.first()?) {
            chain.steps.remove(0);
        }
        let first = chain.steps.last_mut()?;
        *first = Step { start: first.seed.start, between: vec![], edits: 0, ..first.clone() };
        let cost = (rules.threshold + chain.edits() * NEAR_EDIT_WEIGHT) as i64;
        let worth =
            |words: Vec<usize>| words.iter().map(|word| self.weights[*word] as i64).sum::<i64>() - cost;
        let own = worth(chain.matched().into_iter().filter(is_open).collect());
        (chain.edits() > 0 && own > 0).then(|| (worth(chain.matched().into_iter().collect()), chain))
    }
}

/// An output that edits a text: words left out, put in, changed, swapped.
fn edited(text: &str, edits: &[(usize, u8)]) -> String {
    let mut words = split(text);
    for (place, kind) in edits {
        let place = place % words.len().max(1);
        match kind % 4 {
            0 if place < words.len() => drop(words.remove(place)),
            1 => words.insert(place, "new".to_owned()),
            2 if place < words.len() => words[place] = "other".to_owned(),
            3 if place + 1 < words.len() => words.swap(place, place + 1),
            _ => {}
        }
    }
    words.join(" ")
}

fn near_of(attribution: &Attribution) -> Vec<Found> {
    let mut found: Vec<Found> =
        attribution.spans.iter().filter(|span| span.edits > 0).map(Found::of).collect();
    found.sort();
    found
}

/// Texts that share much: cut out of one long text, some of them edited.
fn related() -> impl Strategy<Value = (Corpus, String)> {
    let alphabet = prop::sample::select(vec!["the", "ab", "zyx", "river", "cold", "lamp", "yet"]);
    let edits = || prop::collection::vec((any::<usize>(), any::<u8>()), 0..6);
    let long = prop::collection::vec(alphabet, 1..32);
    let piece = (any::<usize>(), any::<usize>(), edits());
    (long, prop::collection::vec(prop::collection::vec(piece, 1..4), 1..3), edits()).prop_map(
        |(long, nets, last)| {
            let cut = |(from, length, edits): &(usize, usize, Vec<(usize, u8)>)| {
                let from = from % long.len();
                let piece = &long[from..(from + 1 + length % 32).min(long.len())];
                edited(&piece.join(" "), edits)
            };
            let corpus = nets.iter().map(|net| net.iter().map(cut).collect()).collect();
            (corpus, edited(&long.join(" "), &last))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn near_spans_equal_the_model(
        (corpus, output) in related(), threshold in prop_oneof![Just(THRESHOLD), 0u64..80 * NAT], cap in 1usize..4
    ) {
        let rules = Rules { threshold, span_clusters_max: cap };
        let datanets = whole(entries_of(&corpus));
        let found = attribute_by(&output, &index_of(&datanets), rules).expect("short");
        let exact: Vec<&Span> = found.spans.iter().filter(|span| span.edits == 0).collect();
        let model = Model::new(&output, &datanets);
        prop_assert_eq!(near_of(&found), model.near(&exact, rules));
        found.check().expect("canonical");
        // Whoever has the answer alone finds the same masses.
        if rules.threshold == THRESHOLD {
            let claimed: Vec<ClaimedSpan> = found.spans.iter().map(claimed).collect();
            let masses = found.spans.iter().map(|span| span.mass).collect();
            prop_assert_eq!(masses_of(&output, &claimed), Some((masses, found.total)));
        }
    }

    /// Edits are of words: how they are written, and in what pieces they arrive, changes nothing.
    #[test]
    fn streaming_equals_batch_with_edits((corpus, output) in related(), cut in 1usize..9, threshold in 0u64..60 * NAT) {
        let rules = Rules { threshold, span_clusters_max: 4 };
        let index = index_of(&entries_of(&corpus));
        let mut matcher = Matcher::new(index.clone());
        output.as_bytes().chunks(cut).for_each(|piece| matcher.push(piece).expect("good bytes"));
        prop_assert_eq!(matcher.finish_by(rules), attribute_by(&output, &index, rules));
    }

    /// In which datanet a text lies changes nothing.
    #[test]
    fn permuting_texts_changes_no_near_span(
        (corpus, output) in related(), threshold in 0u64..60 * NAT, nets: u32
    ) {
        let rules = Rules { threshold, span_clusters_max: 4 };
        let one: Vec<Entry> = whole(entries_of(&vec![corpus.concat()])).swap_remove(0).1;
        let (two, other) = one.iter().cloned().zip(0..).partition::<Vec<_>, _>(|(_, place)| nets >> place & 1 == 0);
        let entries = |part: Vec<(Entry, u32)>| part.into_iter().map(|(entry, _)| entry).collect();
        let paid = |datanets: &[(String, Vec<Entry>)]| {
            let found = attribute_by(&output, &index_of(datanets), rules).expect("short");
            let spans: Vec<_> = found.spans.iter().map(|s| (s.words, s.mass, s.edits, s.matched.clone())).collect();
            (spans, found.shares.iter().map(|s| (s.contribution, s.mass)).collect::<Vec<_>>(), found.unattributed)
        };
        prop_assert_eq!(paid(&[("one".into(), one)]), paid(&[("two".into(), entries(two)), ("a".into(), entries(other))]));
    }

    /// Whatever is committed later, nobody is paid less for what stands in the output word for word.
    #[test]
    fn near_spans_take_no_word_of_others((corpus, output) in related(), threshold in 0u64..60 * NAT) {
        let rules = Rules { threshold, span_clusters_max: 4 };
        let found = attribute_by(&output, &index_of(&entries_of(&corpus)), rules).expect("short");
        let exact: Vec<Span> = found.spans.iter().filter(|span| span.edits == 0).cloned().collect();
        let weights: Vec<u64> = split(&output).iter().map(|word| Unigrams::frozen().weight(word)).collect();
        let bids: Vec<Bid> = exact.iter().map(Bid::of).collect();
        let mut masses = vec![0; exact.len()];
        for (winner, weight) in winners(&bids, &weights, threshold).into_iter().zip(&weights) {
            if let Some(place) = winner {
                masses[place] += weight;
            }
        }
        prop_assert_eq!(masses, exact.iter().map(|span| span.mass).collect::<Vec<_>>());
    }
}

pub(crate) fn claimed(span: &Span) -> ClaimedSpan {
    ClaimedSpan {
        bytes: span.bytes,
        value: span.value,
        owner: span.sources.first().map(|owner| (span.committed, owner.contribution)),
        edits: span.edits,
        matched: span.matched.iter().map(|run| run.bytes).collect(),
    }
}

/// The attribution without its near spans.
pub(crate) fn without_near(mut found: Attribution) -> Attribution {
    found.spans.retain(|span| span.edits == 0);
    let attributed: u64 = found.spans.iter().map(|span| span.mass).sum();
    found.shares = shares_of(&found.spans);
    found.unattributed = found.total - attributed;
    found
}

/// Without the near-copies of each datanet, which no index holds.
fn whole(datanets: Vec<(String, Vec<Entry>)>) -> Vec<(String, Vec<Entry>)> {
    let indexed = |(name, entries): (String, Vec<Entry>)| {
        let segment = Segment::build(&name, &entries).expect("builds");
        let entries = (0..segment.document_count()).map(|at| segment.entry(at).expect("reads")).collect();
        (name, entries)
    };
    datanets.into_iter().map(indexed).collect()
}

/// A text that holds a passage ever again does not keep it from being a seed of another; enough texts do.
#[test]
fn only_many_texts_make_a_seed_common() {
    let mine = entry(1, "Author", "one zqa zqb zqc and zqd zqe zqf two");
    let id = mine.contribution.id();
    let output = "zqa zqb zqc or zqd zqe zqf";
    let paid = |others: Vec<String>| {
        let entries: Vec<Entry> = others.iter().zip(2..).map(|(text, at)| entry(at, "Other", text)).collect();
        let datanets = [("n".to_owned(), vec![mine.clone()]), ("a".to_owned(), entries)];
        let found =
            attribute_by(output, &index_of(&datanets), Rules { threshold: 50 * NAT, ..Rules::FROZEN })
                .expect("short");
        found.check().expect("canonical");
        near_of(&found)
            .iter()
            .map(|near| (near.contribution == id, near.edits, near.mass))
            .collect::<Vec<_>>()
    };
    let other = |place: usize| {
        let own: Vec<String> = (0..30).map(|word| format!("own{place}x{word}")).collect();
        format!("{} zqa zqb zqc {}", own.join(" "), own.concat())
    };
    let near = vec![(true, 1, 6 * UNKNOWN_WEIGHT)];
    for others in [vec![], vec!["zqa zqb zqc no ".repeat(65)], (0..15).map(other).collect()] {
        assert_eq!(paid(others.clone()), near, "{} others", others.len());
    }
    assert_eq!(paid((0..16).map(other).collect()), vec![]);
}

/// The worst text: every seed occurs as often as is looked at, and each place can be linked with many.
#[test]
fn a_text_that_repeats_itself() {
    let cycle = "zqa zqb zqc zqd zqe zqf zqg ";
    let index = index_of(&entries_of(&vec![vec![cycle.repeat(60)]]));
    let mut words = split(&cycle.repeat(OUTPUT_WORDS_MAX / 7));
    words.iter_mut().step_by(5).for_each(|word| *word = "other".to_owned());
    let found = attribute_by(&words.join(" "), &index, Rules { threshold: 60 * NAT, ..Rules::FROZEN })
        .expect("at the limit");
    found.check().expect("canonical");
    // Four words stand between two edits, and they are all found.
    let edited = words.iter().filter(|word| *word == "other").count() as u64;
    assert_eq!(found.unattributed, edited * Unigrams::frozen().weight("other"));
    assert!(near_of(&found).iter().all(|near| near.edits <= NEAR_EDITS_MAX));
}
