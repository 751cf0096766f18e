//! Properties of the whole crate on small random corpora. `reference` is the model that they are held against.

mod exactness;
mod files;
mod growth;
mod near;
mod proof;
mod reference;
mod search;

use std::sync::Arc;

use openledger_datanet::{AuthorRef, Contribution, Entry};
use proptest::prelude::*;

use crate::parameters::{NAT, Rules};
use crate::{Builder, Index, Segment};

/// The texts of each datanet, the position in the outer list being its name. Sequences run across the datanets.
pub(crate) type Corpus = Vec<Vec<String>>;

pub(crate) fn entry(sequence: u64, author: &str, text: &str) -> Entry {
    let contribution = Contribution {
        external_id: format!("{sequence}"),
        title: "T".into(),
        text: text.to_owned(),
        authors: vec![AuthorRef { name: author.into(), account: None }],
        others: vec![],
        license: "MIT".into(),
        source: String::new(),
    };
    Entry { sequence, contribution }
}

pub(crate) fn entries_of(corpus: &Corpus) -> Vec<(String, Vec<Entry>)> {
    let mut sequence = 0;
    let mut datanets = Vec::new();
    for (place, texts) in corpus.iter().enumerate() {
        let mut entries = Vec::new();
        for text in texts {
            sequence += 1;
            entries.push(entry(sequence, "X", text));
        }
        datanets.push((format!("net-{place}"), entries));
    }
    // The last datanet commits first, so that the order of names is not the order of commitments.
    let highest = sequence + 1;
    let count = datanets.len();
    for (place, (_, entries)) in datanets.iter_mut().enumerate() {
        entries.iter_mut().for_each(|entry| entry.sequence += highest * (count - place) as u64);
    }
    datanets
}

pub(crate) fn index_of(datanets: &[(String, Vec<Entry>)]) -> Arc<Index> {
    let segments = datanets
        .iter()
        .map(|(name, entries)| {
            let mut entries = entries.clone();
            entries.sort_by_key(|entry| entry.sequence);
            Arc::new(Segment::build(name, &entries).expect("builds"))
        })
        .collect();
    Arc::new(Index::join(segments).expect("joins"))
}

/// Words of few kinds, so that matches are frequent; some are long in bytes, some only differ in case.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "A", "b", "é", "日", "don't", "don\u{2019}t", "x1"])
}

fn text(longest: usize) -> impl Strategy<Value = String> {
    let gap = prop::sample::select(vec![" ", "\n", ", ", " \u{301}", "-", "😀"]);
    prop::collection::vec((word(), gap), 0..longest)
        .prop_map(|pieces| pieces.into_iter().map(|(word, gap)| format!("{word}{gap}")).collect())
}

pub(crate) fn corpus() -> impl Strategy<Value = Corpus> {
    prop::collection::vec(prop::collection::vec(text(12), 0..5), 0..4)
}

/// An output of free words and of pieces of the corpus.
pub(crate) fn output() -> impl Strategy<Value = Vec<(usize, usize, String)>> {
    prop::collection::vec((any::<usize>(), any::<usize>(), text(5)), 0..4)
}

/// Puts pieces of the corpus's texts between the free words.
pub(crate) fn spliced(corpus: &Corpus, parts: &[(usize, usize, String)]) -> String {
    let texts: Vec<&String> = corpus.iter().flatten().collect();
    let mut output = String::new();
    for (pick, cut, free) in parts {
        if let Some(text) = texts.get(pick % texts.len().max(1)) {
            let start = text.char_indices().nth(cut % 7).map_or(0, |(at, _)| at);
            output.push_str(&text[start..]);
            output.push(' ');
        }
        output.push_str(free);
    }
    output
}

pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    (0u64..24 * NAT, 1usize..4)
        .prop_map(|(threshold, span_clusters_max)| Rules { threshold, span_clusters_max })
}
