//! How much of an excerpt is still found when its words are edited, by the kind of edit and how many there are: for the
//! table in `docs/attribution.md`. Absent: paraphrase, which nothing here finds.

use std::collections::BTreeMap;
use std::sync::Arc;

use openledger_attribution::{Attribution, ContributionId, Index, attribute, index_json_lines, words};
use openledger_datanet::ParseOptions;

use crate::support::Numbers;

const DATANETS: [(&str, &str); 3] = [
    ("debian-tools", include_str!("../../../../data/debian-tools.jsonl")),
    ("devils-dictionary", include_str!("../../../../data/devils-dictionary.jsonl")),
    ("gnome-help", include_str!("../../../../data/gnome-help.jsonl")),
];

const EXCERPT_WORDS: usize = 100;

/// One edit in so many words; 0: none.
pub(crate) const RATES: [usize; 6] = [0, 32, 16, 8, 6, 4];

/// What an edit does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Edit {
    Substitute,
    Insert,
    Delete,
    Swap,
    Write,
}

const EDITS: [(Edit, &str); 5] = [
    (Edit::Substitute, "a word changed for another"),
    (Edit::Insert, "a word put in"),
    (Edit::Delete, "a word left out"),
    (Edit::Swap, "two neighbours swapped"),
    (Edit::Write, "case and punctuation"),
];

/// What is found of the excerpts, in tenths of a percent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Recall {
    /// Words of the excerpts that are attributed: word for word, and with near spans.
    pub(crate) words: [usize; 2],
    /// Excerpts whose owner receives most, likewise.
    pub(crate) owners: [usize; 2],
}

/// One kind of edit, by [`RATES`].
pub(crate) struct Decay {
    pub(crate) about: &'static str,
    pub(crate) recalls: Vec<Recall>,
}

/// What is attributed of an output: which words, and to whom most of it; of spans word for word, or of all.
struct Seen {
    words: Vec<bool>,
    owner: Option<ContributionId>,
}

fn seen(found: &Attribution, output: &str, with_near: bool) -> Seen {
    let counts = |span: Option<usize>| span.is_some_and(|span| with_near || found.spans[span].edits == 0);
    let runs = found.segments(output);
    let places = words::words(output).map(|(range, _)| range.start as u64);
    let run = |at: u64| runs.iter().find(|run| (run.bytes.start..run.bytes.end).contains(&at));
    let words = places.map(|at| run(at).is_some_and(|run| counts(run.span))).collect();
    let mut masses: BTreeMap<ContributionId, u64> = BTreeMap::new();
    for (place, span) in found.spans.iter().enumerate() {
        if let Some(owner) = span.sources.first().filter(|_| counts(Some(place))) {
            *masses.entry(owner.contribution).or_default() += span.mass;
        }
    }
    Seen { words, owner: masses.into_iter().max_by_key(|(_, mass)| *mass).map(|(owner, _)| owner) }
}

/// The excerpt with one word in `rate` edited, and which of the words that come of it are the excerpt's, in their forms.
fn edited(excerpt: &[String], (edit, rate): (Edit, usize), numbers: &mut Numbers) -> (String, Vec<bool>) {
    let mut edited: Vec<(String, bool)> = Vec::new();
    let mut rest = excerpt.iter().peekable();
    while let Some(word) = rest.next() {
        let foreign = (excerpt[numbers.below(excerpt.len())].clone(), false);
        let is_edited = rate > 0 && numbers.below(rate) == 0;
        match edit {
            _ if !is_edited => edited.push((word.clone(), true)),
            Edit::Substitute => edited.push(foreign),
            Edit::Insert => edited.extend([foreign, (word.clone(), true)]),
            Edit::Delete => {}
            Edit::Swap => {
                edited.extend(rest.next().map(|next| (next.clone(), true)));
                edited.push((word.clone(), true));
            }
            Edit::Write => edited.push((format!("({})...", word.to_uppercase()), true)),
        }
    }
    edited.into_iter().map(|(word, is_own)| (word + " ", is_own)).unzip()
}

/// The decay of every kind of edit.
pub(crate) fn decays() -> Vec<Decay> {
    let options = ParseOptions { default_license: Some("see LICENSES.md".into()), ..ParseOptions::default() };
    let (mut segments, mut excerpts, mut sequence) = (Vec::new(), Vec::new(), 1);
    let mut numbers = Numbers(4);
    for (name, lines) in DATANETS {
        let file =
            index_json_lines(name, lines.as_bytes(), &options, sequence).expect("the project's data is good");
        sequence += file.snapshot.entries().len() as u64;
        for entry in file.snapshot.entries() {
            let words: Vec<String> =
                words::words(&entry.contribution.text).map(|(_, word)| word.to_owned()).collect();
            if let Some(room) = words.len().checked_sub(EXCERPT_WORDS) {
                excerpts.push(words[numbers.below(room + 1)..][..EXCERPT_WORDS].to_vec());
            }
        }
        segments.push(Arc::new(file.segment));
    }
    let index = Index::join(segments).expect("joins");
    let owner = |excerpt: &Vec<String>| {
        let output = excerpt.join(" ");
        seen(&attribute(&output, &index).expect("short"), &output, false).owner
    };
    let owners: Vec<_> = excerpts.iter().map(owner).collect();
    let decay = |(edit, about)| {
        let recalls = RATES.map(|rate| recall(&excerpts, &owners, (edit, rate), &index));
        Decay { about, recalls: recalls.to_vec() }
    };
    EDITS.into_iter().map(decay).collect()
}

fn recall(
    excerpts: &[Vec<String>],
    owners: &[Option<ContributionId>],
    edit: (Edit, usize),
    index: &Index,
) -> Recall {
    let mut numbers = Numbers(edit.1 as u64);
    let (mut own, mut recall) = (0, Recall::default());
    for (excerpt, owner) in excerpts.iter().zip(owners) {
        let (output, is_own) = edited(excerpt, edit, &mut numbers);
        let found = attribute(&output, index).expect("short");
        own += is_own.iter().filter(|is_own| **is_own).count();
        for with_near in [false, true] {
            let seen = seen(&found, &output, with_near);
            recall.words[usize::from(with_near)] +=
                is_own.iter().zip(&seen.words).filter(|(is_own, is_seen)| **is_own && **is_seen).count();
            recall.owners[usize::from(with_near)] +=
                usize::from(seen.owner.is_some() && seen.owner == *owner);
        }
    }
    Recall {
        words: recall.words.map(|words| words * 1000 / own.max(1)),
        owners: recall.owners.map(|owners| owners * 1000 / excerpts.len().max(1)),
    }
}
