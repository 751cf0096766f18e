//! How long an index that grows takes to find what is added and to forget what is revoked:
//! `cargo run --release -p openledger-store --example growth -- SAMPLE.jsonl MEGABYTES ROUNDS FOLDER`.
//!
//! Each line of the sample is an object with a `text`. So many megabytes of it are put into a store in an own folder below
//! FOLDER; then, while merges go on, a text is added and looked for, and revoked and looked for, so many times.
//! Prints one JSON object, times in milliseconds of the wall's clock. Absent: assertions, and bars.

#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "an example for people")]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Instant;

use openledger_attribution::attribute;
use openledger_datanet::limits::TEXT_BYTES_MAX;
use openledger_datanet::{AuthorRef, Contribution, Entry};
use openledger_store::{IndexLimits, IndexStore};
use serde_json::{Value, json};

/// Text of one addition while the store is filled.
const BATCH_BYTES: usize = 1 << 20;

fn entry(sequence: u64, text: &str) -> Entry {
    let contribution = Contribution {
        external_id: format!("t{sequence}"),
        title: "A text".into(),
        text: text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned(),
        authors: vec![AuthorRef { name: "Author".into(), account: None }],
        others: vec![],
        license: "MIT".into(),
        source: String::new(),
    };
    Entry { sequence, contribution }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [sample, megabytes, rounds, folder] = &arguments[..] else {
        panic!("SAMPLE.jsonl MEGABYTES ROUNDS FOLDER; the head of this file says what they are")
    };
    let megabytes: usize = megabytes.parse().unwrap();
    let folder = tempfile::tempdir_in(folder).unwrap();
    let store = IndexStore::open(folder.path(), "bench", IndexLimits::default()).unwrap();
    let (mut sequence, mut bytes) = (0, 0);
    let start = Instant::now();
    let mut lines = BufReader::new(File::open(sample).unwrap()).lines();
    while bytes < megabytes * 1_000_000 {
        let (mut batch, mut batch_bytes) = (Vec::new(), 0);
        for line in lines.by_ref() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            batch.push(entry(sequence, line["text"].as_str().unwrap()));
            sequence += 1;
            batch_bytes += batch.last().unwrap().contribution.text.len();
            if batch_bytes >= BATCH_BYTES {
                break;
            }
        }
        assert!(!batch.is_empty(), "the sample is shorter than that");
        store.add(&batch).unwrap();
        bytes += batch_bytes;
    }
    let filled = start.elapsed();
    let ms = |from: Instant| from.elapsed().as_secs_f64() * 1e3;
    let (mut adding, mut found, mut revoking, mut unpaid) = (vec![], vec![], vec![], vec![]);
    for round in 0..rounds.parse::<u64>().unwrap() {
        let words: Vec<String> = (0..400).map(|word| format!("canary{round}x{word}")).collect();
        let new = entry(sequence, &words.join(" "));
        sequence += 1;
        let output = words[100..300].join(" ");
        let is_paid = || {
            let shares = attribute(&output, &store.index()).unwrap().shares;
            shares.iter().any(|share| share.contribution == new.contribution.id())
        };
        // Each clock starts with the call; the second list counts from where the call returns.
        let called = Instant::now();
        store.add(std::slice::from_ref(&new)).unwrap();
        let returned = Instant::now();
        assert!(is_paid(), "added and not found");
        found.push(ms(returned));
        adding.push(ms(called));
        let called = Instant::now();
        store.revoke(&[new.contribution.id()]).unwrap();
        let returned = Instant::now();
        assert!(!is_paid(), "revoked and paid");
        unpaid.push(ms(returned));
        revoking.push(ms(called));
    }
    let compacting = Instant::now();
    store.compact().unwrap();
    let compacted_s = compacting.elapsed().as_secs_f64();
    let status = store.status();
    drop(store);
    let opening = Instant::now();
    let store = IndexStore::open(folder.path(), "bench", IndexLimits::default()).unwrap();
    assert_eq!(store.status().live, status.live);
    let summary = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        json!({ "p50": times[times.len() / 2], "max": times[times.len() - 1] })
    };
    println!(
        "{}",
        json!({
            "text_bytes": bytes, "texts": sequence, "live": status.live,
            "fill_s": filled.as_secs_f64(), "compact_s": compacted_s, "open_s": opening.elapsed().as_secs_f64(),
            "index_bytes": status.segments.iter().map(|segment| segment.bytes).sum::<usize>(),
            "found_ms": summary(found), "add_and_found_ms": summary(adding),
            "unpaid_ms": summary(unpaid), "revoke_and_unpaid_ms": summary(revoking),
        })
    );
}
