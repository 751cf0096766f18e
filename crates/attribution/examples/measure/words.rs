//! The indexed texts and some outputs as numbers of words in the order of their arrival, from 1; 0 stands before each
//! text, and an output's word that no text holds has the number behind the last. The spans are [start, end, count] in
//! words.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};

use openledger_attribution::{matches, words};
use serde_json::{Value, json};

use crate::{index, texts};

/// Outputs of each kind.
const COMPARED: usize = 100;

pub(crate) fn write(segment: &str, outputs: &str, out: &str, spans: &str) -> Value {
    let index = index(segment);
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut file = BufWriter::new(File::create(out).unwrap());
    let mut folded = String::new();
    for segment in index.segments() {
        for document in 0..segment.document_count() {
            file.write_all(&0u32.to_le_bytes()).unwrap();
            for (_, word) in words::words(&segment.text(document).unwrap()) {
                words::fold_into(word, &mut folded);
                let next = numbers.len() as u32 + 1;
                let number = match numbers.get(&folded) {
                    Some(number) => *number,
                    None => *numbers.entry(folded.clone()).or_insert(next),
                };
                file.write_all(&number.to_le_bytes()).unwrap();
            }
        }
    }
    file.flush().unwrap();
    let unknown = numbers.len() as u32 + 1;
    let mut compared = Vec::new();
    for (kind, outputs) in texts::read_outputs(outputs) {
        for output in &outputs[..COMPARED] {
            let number = |(_, word)| numbers.get(&words::fold(word)).copied().unwrap_or(unknown);
            let found = matches(output, &index).unwrap().into_iter();
            let found: Vec<[u64; 3]> = found.map(|m| [m.words.start, m.words.end, m.count]).collect();
            let words: Vec<u32> = words::words(output).map(number).collect();
            compared.push(json!({ "kind": kind, "words": words, "spans": found }));
        }
    }
    let count = compared.len();
    std::fs::write(spans, Value::Array(compared).to_string()).unwrap();
    json!({ "vocabulary": numbers.len(), "outputs": count })
}
