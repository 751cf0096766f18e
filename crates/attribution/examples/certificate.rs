//! How long certificates are, and what making and checking them takes, by the number of paid spans.
//!
//! `cargo run --release -p openledger-attribution --example certificate -- MEGABYTES DOCS.jsonl...`, each file a datanet
//! and each line an object with a `text`; MEGABYTES of each file are indexed. Outputs hold 1, 3 and 5 runs of about 160
//! bytes out of the texts, with words that nobody knows between. Times are of the thread on its core. Absent: assertions.

#![expect(clippy::disallowed_types, reason = "an example measures and reads files; the crate does neither")]
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example for people")]

#[path = "measure/entry.rs"]
mod entry;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

use openledger_attribution::{Builder, Certificate, Index, SealedIndex, attribute, certify};
use openledger_datanet::limits::TEXT_BYTES_MAX;

use entry::entry;

const RUN_BYTES: usize = 160;
const OUTPUTS: usize = 300;
const CHECKS: usize = 3000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let megabytes: usize = arguments[0].parse().unwrap();
    let (mut corpus, mut segments) = (Vec::new(), Vec::new());
    for (place, path) in arguments[1..].iter().enumerate() {
        let texts = texts(path, megabytes * 1_000_000);
        let begun = cpu_seconds();
        let mut builder = Builder::new(&format!("datanet-{place}")).unwrap();
        let first = corpus.len() as u64;
        (first..).zip(&texts).for_each(|(sequence, text)| builder.add(&entry(sequence, text)).unwrap());
        let segment = builder.seal().unwrap();
        println!(
            "{path}: {} documents, {} words, {} bytes of text, {} of index, {:.1} CPU-s",
            segment.document_count(),
            segment.word_count(),
            texts.iter().map(String::len).sum::<usize>(),
            segment.as_bytes().len(),
            cpu_seconds() - begun
        );
        segments.push(Arc::new(segment));
        corpus.extend(texts);
    }
    let index = Index::join(segments).unwrap();
    let sealed: Vec<SealedIndex<'_>> = index
        .segments()
        .iter()
        .map(|segment| SealedIndex { datanet: segment.datanet(), root: segment.root() })
        .collect();
    let mut random = 1u64;
    let mut pick = |count: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % count
    };
    for runs in [1, 3, 5] {
        measure(runs, &corpus, &index, &sealed, &mut pick);
    }
}

/// Certificates of outputs that have just so many paid spans.
fn measure(
    runs: usize,
    corpus: &[String],
    index: &Index,
    sealed: &[SealedIndex<'_>],
    pick: &mut impl FnMut(usize) -> usize,
) {
    let (mut sizes, mut made, mut checked) = (Vec::new(), Vec::new(), 0.0);
    let mut certificates = Vec::new();
    while sizes.len() < OUTPUTS {
        let output: String = (0..runs).map(|_| piece(corpus, RUN_BYTES, pick) + " qzxv vxzq ").collect();
        let attribution = attribute(&output, index).unwrap();
        if attribution.spans.iter().filter(|span| !span.is_common).count() != runs {
            continue;
        }
        let begun = cpu_seconds();
        let bytes = certify(&output, &attribution, index).unwrap().to_bytes();
        made.push((cpu_seconds() - begun) * 1e3);
        sizes.push(bytes.len() as f64);
        certificates.push((bytes, output));
    }
    // The system counts a thread's time in steps of milliseconds, so many checks are timed together.
    let begun = cpu_seconds();
    for (bytes, output) in certificates.iter().cycle().take(CHECKS) {
        checked += Certificate::from_bytes(bytes).unwrap().check(sealed, output).unwrap().len() as f64;
    }
    let micros = (cpu_seconds() - begun) * 1e6 / checked;
    let line = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let at = |percent: usize| values[(values.len() - 1) * percent / 100];
        format!("least {:.0}, p50 {:.0}, p99 {:.0}, most {:.0}", values[0], at(50), at(99), at(100))
    };
    println!("{runs} paid spans: bytes {}", line(sizes));
    println!("    check, CPU us a span: {micros:.0}; make, CPU ms: {}", line(made));
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
