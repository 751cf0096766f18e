//! What an index of a corpus costs: CPU time to build, bytes of each part, and the time of attributing outputs.
//!
//! `cargo run --release -p openledger-attribution --example bench -- DOCS.jsonl HELDOUT.jsonl [MEGABYTES]`, each line
//! an object with a `text`. Outputs of about 660 bytes, which are 200 tokens of a common tokenizer: held out, copied
//! from the corpus, and mixed. Times are of the thread on its core, and of the wall. Absent: other programs to compare
//! with, and assertions.

#![expect(clippy::disallowed_types, reason = "an example measures and reads files; the crate does neither")]
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example for people")]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::time::Instant;

use openledger_attribution::{Builder, Index, Segment, attribute, matches};
use openledger_datanet::limits::TEXT_BYTES_MAX;
use openledger_datanet::{AuthorRef, Contribution, Entry};

const OUTPUT_BYTES: usize = 660;
const OUTPUTS: usize = 1000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let megabytes = arguments.get(2).map_or(100, |text| text.parse().unwrap());
    let corpus = texts(&arguments[0], megabytes * 1_000_000);
    let heldout = texts(&arguments[1], usize::MAX);
    let text_bytes: usize = corpus.iter().map(String::len).sum();
    let entries: Vec<Entry> =
        corpus.iter().enumerate().map(|(place, text)| entry(place as u64, text)).collect();

    let begun = cpu_seconds();
    let mut builder = Builder::new("bench").unwrap();
    entries.iter().for_each(|entry| builder.add(entry).unwrap());
    let added = cpu_seconds();
    let segment = builder.finish().unwrap();
    let built = cpu_seconds();
    let words = segment.word_count();
    println!("{} texts, {text_bytes} bytes, {words} words", entries.len());
    println!(
        "build: {:.2} CPU-s (adding {:.2}, finishing {:.2}) = {:.1} MB per CPU-s, {:.0} ns a word; peak {} with the texts",
        built - begun,
        added - begun,
        built - added,
        text_bytes as f64 / 1e6 / (built - begun),
        (built - begun) / words as f64 * 1e9,
        peak_memory()
    );
    for (name, bytes) in segment.sections().chain([("all", segment.as_bytes().len())]) {
        println!(
            "{name:>20} {bytes:>12} bytes {:>7.3} a word {:>7.4} of the text",
            bytes as f64 / words as f64,
            bytes as f64 / text_bytes as f64
        );
    }
    drop(entries);
    let begun = cpu_seconds();
    let segment = Segment::open(Arc::new(segment.as_bytes().to_vec())).unwrap();
    let opened = cpu_seconds();
    let index = Index::join(vec![Arc::new(segment)]).unwrap();
    println!(
        "open: {:.3} CPU-s, a copy of the bytes included; join: {:.3} CPU-s",
        opened - begun,
        cpu_seconds() - opened
    );

    let mut random = 1u64;
    let mut pick = |count: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % count
    };
    let held: Vec<String> = (0..OUTPUTS).map(|_| piece(&heldout, OUTPUT_BYTES, &mut pick)).collect();
    let copy: Vec<String> = (0..OUTPUTS).map(|_| piece(&corpus, OUTPUT_BYTES, &mut pick)).collect();
    let mix: Vec<String> = (0..OUTPUTS)
        .map(|_| (0..4).map(|_| piece(&corpus, 100, &mut pick) + &piece(&heldout, 65, &mut pick)).collect())
        .collect();
    for (name, outputs) in [("held out", held), ("copy", copy), ("mix", mix)] {
        for round in ["first", "warm"] {
            measure(&format!("{name}, spans, {round}"), &outputs, |output| {
                (matches(output, &index).unwrap().len(), 0)
            });
            measure(&format!("{name}, all, {round}"), &outputs, |output| {
                let found = attribute(output, &index).unwrap();
                (found.spans.len(), found.shares.len())
            });
        }
    }
}

fn measure(name: &str, outputs: &[String], find: impl Fn(&str) -> (usize, usize)) {
    let (begun, mut micros, mut spans, mut paid) = (cpu_seconds(), Vec::new(), 0, 0);
    for output in outputs {
        let begun = Instant::now();
        let found = find(output);
        micros.push(begun.elapsed().as_secs_f64() * 1e6);
        spans += found.0;
        paid += found.1;
    }
    let cpu = (cpu_seconds() - begun) * 1e6 / outputs.len() as f64;
    micros.sort_by(f64::total_cmp);
    let at = |percent: usize| micros[(micros.len() - 1) * percent / 100];
    println!(
        "{name:>24}: least {:.0}, p50 {:.0}, p99 {:.0} us, CPU {cpu:.0} us an output; {:.1} spans, {:.1} shares",
        micros[0],
        at(50),
        at(99),
        spans as f64 / outputs.len() as f64,
        paid as f64 / outputs.len() as f64
    );
}

/// The texts of a file, in parts that a contribution may have, up to `bytes_max` in all.
fn texts(path: &str, bytes_max: usize) -> Vec<String> {
    let (mut texts, mut bytes) = (Vec::new(), 0);
    for line in BufReader::new(File::open(path).unwrap()).lines() {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let mut rest = line["text"].as_str().unwrap();
        while !rest.is_empty() && bytes < bytes_max {
            let (part, after) = rest.split_at(rest.floor_char_boundary(TEXT_BYTES_MAX));
            bytes += part.len();
            texts.push(part.to_owned());
            rest = after;
        }
    }
    texts
}

fn entry(sequence: u64, text: &str) -> Entry {
    let contribution = Contribution {
        external_id: format!("document/{sequence}"),
        title: format!("Document {sequence}"),
        text: text.to_owned(),
        authors: vec![AuthorRef { name: "Nobody".into(), account: None }],
        others: vec![],
        license: "MIT".into(),
        source: String::new(),
    };
    Entry { sequence, contribution }
}

/// A run of whole words somewhere in a text that is long enough.
fn piece(texts: &[String], bytes: usize, pick: &mut impl FnMut(usize) -> usize) -> String {
    loop {
        let text = &texts[pick(texts.len())];
        if text.len() > 2 * bytes {
            let start = text.ceil_char_boundary(pick(text.len() - bytes));
            let rest = text[start..].find(' ').map_or("", |at| &text[start + at..]);
            let taken = &rest[..rest.floor_char_boundary(bytes)];
            return taken[..taken.rfind(' ').unwrap_or(0)].to_owned();
        }
    }
}

/// The time that this thread has run, in seconds.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned()
}
