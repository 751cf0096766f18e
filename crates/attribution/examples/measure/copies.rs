//! What a copier earns whose edited copies are committed after the texts: the share of the mass of outputs that quote
//! the texts. The edits put another word of the same text in the place of one word in so many.

use std::sync::Arc;

use openledger_attribution::{Index, Segment, attribute};
use serde_json::{Value, json};

use crate::entry;
use crate::texts::{self, Random};

const TEXTS: usize = 300;
const COPIES: usize = 9;
const QUOTED_BYTES: usize = 680;

pub(crate) fn measure(sample: &str) -> Value {
    let long = |text: &String| (2_000..20_000).contains(&text.len());
    let originals: Vec<String> = texts::lines(sample).filter(long).take(TEXTS).collect();
    let mut random = Random(1);
    let quotes: Vec<String> = originals
        .iter()
        .map(|text| texts::piece(std::slice::from_ref(text), QUOTED_BYTES, &mut random))
        .collect();
    let alone = paid(&originals, &[], &quotes);
    let rows: Vec<Value> = [0, 64, 32, 16, 8]
        .into_iter()
        .map(|one_in| {
            let copies: Vec<String> = (0..COPIES)
                .flat_map(|_| originals.iter())
                .map(|text| edited(text, one_in, &mut random))
                .collect();
            let with = paid(&originals, &copies, &quotes);
            json!({
                "one_word_in": one_in, "copies": COPIES,
                "copier_share": with.1 / (with.0 + with.1), "authors_keep": with.0 / alone.0,
            })
        })
        .collect();
    json!({ "texts": originals.len(), "rows": rows })
}

/// The masses that the originals and the copies receive for the quotes.
fn paid(originals: &[String], copies: &[String], quotes: &[String]) -> (f64, f64) {
    let all = originals.iter().chain(copies);
    let entries: Vec<_> = (0..).zip(all).map(|(sequence, text)| entry::entry(sequence, text)).collect();
    let segment = Segment::build("bench", &entries).unwrap();
    let index = Index::join(vec![Arc::new(segment)]).unwrap();
    let authors: Vec<_> = entries[..originals.len()].iter().map(|entry| entry.contribution.id()).collect();
    let (mut to_authors, mut to_copier) = (0.0, 0.0);
    for share in quotes.iter().flat_map(|quote| attribute(quote, &index).unwrap().shares) {
        let receiver = if authors.contains(&share.contribution) { &mut to_authors } else { &mut to_copier };
        *receiver += share.mass as f64;
    }
    (to_authors, to_copier)
}

/// The text with one word in so many put in another's place; 0 changes none.
fn edited(text: &str, one_in: usize, random: &mut Random) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let mut pick = |place: usize| {
        if one_in > 0 && random.below(one_in) == 0 { words[random.below(words.len())] } else { words[place] }
    };
    (0..words.len()).map(&mut pick).collect::<Vec<_>>().join(" ")
}
