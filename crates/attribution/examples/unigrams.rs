//! Makes the table of words that weights come from: `cargo xtask unigrams --input CORPUS.jsonl --out FILE`.
//!
//! Each line of the corpus is an object with a `text`. The same corpus gives the same bytes. Absent: getting the corpus
//! (`data/README.md`), and putting the hash that is printed into `parameters.rs`: a new table is a new version.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a tool reads and writes files")]
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a tool for people")]

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};

use openledger_attribution::unigrams::{Unigrams, write};
use openledger_datanet::words;
use sha2::{Digest, Sha256};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, out] = <[String; 2]>::try_from(arguments).expect("usage: unigrams CORPUS.jsonl FILE");
    let counts = count(&input);
    let bytes = write(&counts);
    std::fs::write(&out, &bytes).unwrap();

    let table = Unigrams::read(&bytes).unwrap();
    let total: u64 = counts.values().sum();
    let is_known = |word: &String| table.weight(word) < openledger_attribution::parameters::UNKNOWN_WEIGHT;
    let known: u64 = counts.iter().filter(|(word, _)| is_known(word)).map(|(_, count)| count).sum();
    println!(
        "{total} words, {} of them distinct; {} in the table, which are {:.2} % of all",
        counts.len(),
        table.word_count(),
        100.0 * known as f64 / total as f64
    );
    println!("{out}: {} bytes, sha256 {}", bytes.len(), hex::encode(Sha256::digest(&bytes)));
}

/// How often each folded word occurs in the texts of a file of JSON lines.
fn count(path: &str) -> BTreeMap<String, u64> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    let mut folded = String::new();
    for line in BufReader::new(File::open(path).unwrap()).lines() {
        let value: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        for (_, word) in words::words(value["text"].as_str().expect("each line has a text")) {
            words::fold_into(word, &mut folded);
            match counts.get_mut(&folded) {
                Some(count) => *count += 1,
                None => drop(counts.insert(folded.clone(), 1)),
            }
        }
    }
    counts.into_iter().collect()
}
