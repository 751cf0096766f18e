//! What an index of a corpus costs: `cargo run --release -p openledger-attribution --example measure -- TASK ...`, one
//! process for each task, so that its processor time and its memory are the task's alone:
//!
//! - `sample CORPUS.jsonl MEGABYTES SAMPLE.jsonl`: texts drawn by their hashes, cut to what a contribution may hold;
//! - `build SAMPLE.jsonl SEGMENT`: from the lines of a file to an index on the disk; `seal SAMPLE.jsonl SEGMENT`: the same with
//!   the trees that certificates are made of;
//! - `outputs SAMPLE.jsonl HELDOUT.jsonl OUTPUTS.json`: outputs that are held out, copied from the sample, and mixed;
//! - `query SEGMENT OUTPUTS.json ROUNDS`: the time of spans with counts, and of shares, on one thread and on two;
//! - `words SEGMENT OUTPUTS.json WORDS SPANS.json`: the indexed texts and the outputs as word numbers that owe nothing to
//!   the index, and the spans that it finds, for another program to find;
//! - `copies SAMPLE.jsonl`: what a copier earns whose copies come after the texts, by how much the copies are edited.
//!
//! Each line of a file is an object with a `text`; each task prints one JSON object. `cargo xtask bench attribution`
//! runs them all. Absent: other programs to compare with, bars, and assertions.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example measures, reads files and runs threads; the crate does none of it"
)]
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "an example for people")]

mod copies;
mod entry;
mod query;
mod texts;
mod words;

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use openledger_attribution::{Builder, Index, IndexError, Segment};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let printed = match arguments[..] {
        ["sample", corpus, megabytes, out] => {
            texts::write_sample(corpus, megabytes.parse::<usize>().unwrap() * 1_000_000, out)
        }
        ["build", sample, out] => build(sample, out, Builder::finish),
        ["seal", sample, out] => build(sample, out, Builder::seal),
        ["outputs", sample, heldout, out] => texts::write_outputs(sample, heldout, out),
        ["query", segment, outputs, rounds] => query::measure(segment, outputs, rounds.parse().unwrap()),
        ["words", segment, outputs, words, spans] => words::write(segment, outputs, words, spans),
        ["copies", sample] => copies::measure(sample),
        _ => panic!(
            "tasks: sample, build, seal, outputs, query, words, copies; the head of this file says how"
        ),
    };
    println!("{printed}");
}

fn build(
    sample: &str,
    out: &str,
    finish: impl Fn(Builder) -> Result<Segment, IndexError>,
) -> serde_json::Value {
    let mut builder = Builder::new("bench").unwrap();
    let (mut documents, mut text_bytes) = (0, 0);
    for text in texts::lines(sample) {
        builder.add(&entry::entry(documents, &text)).unwrap();
        (documents, text_bytes) = (documents + 1, text_bytes + text.len());
    }
    let added = seconds(ClockId::ProcessCPUTime);
    let segment = finish(builder).unwrap();
    let finished = seconds(ClockId::ProcessCPUTime);
    File::create(out).unwrap().write_all(segment.as_bytes()).unwrap();
    let cpu_s = seconds(ClockId::ProcessCPUTime);
    let peak_bytes = peak_memory();
    let indexed: usize = (0..segment.document_count()).map(|at| segment.text(at).unwrap().len()).sum();
    let sections: serde_json::Map<_, _> =
        segment.sections().map(|(name, bytes)| (name.to_owned(), bytes.into())).collect();
    json!({
        "documents": documents, "text_bytes": text_bytes,
        "documents_indexed": segment.document_count(), "text_bytes_indexed": indexed, "words": segment.word_count(),
        "cpu_s": cpu_s, "cpu_adding_s": added, "cpu_finishing_s": finished - added,
        "peak_bytes": peak_bytes, "segment_bytes": segment.as_bytes().len(), "sections": sections,
    })
}

/// An index of one file.
fn index(segment: &str) -> Index {
    let segment = Segment::open(Arc::new(std::fs::read(segment).unwrap())).unwrap();
    Index::join(vec![Arc::new(segment)]).unwrap()
}

/// What a clock of this thread or this process shows.
fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that this process has had, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    1024 * line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
}
