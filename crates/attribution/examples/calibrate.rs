//! What other thresholds and caps would do, on the project's own datanets: the figures behind `parameters`.
//!
//! `cargo run --release -p openledger-attribution --example calibrate`. "By chance" is the mass that the pages of one
//! datanet lose to the other two, "quoted" the share of excerpts of so many words whose page is a source of the best span, "common" the
//! mass of whole pages that is common when all are indexed. Absent: assertions, which `tests/demo_datanets.rs` has.

#![expect(clippy::disallowed_methods, reason = "an example reads files; the crate does not")]
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example for people")]

use std::sync::Arc;

use openledger_attribution::parameters::{NAT, Rules};
use openledger_attribution::{Index, attribute_by, index_json_lines};
use openledger_datanet::{Entry, ParseOptions, SealedSnapshot};

const DATANETS: [&str; 3] = ["debian-tools", "devils-dictionary", "gnome-help"];

fn main() {
    let options = ParseOptions {
        default_license: Some("see LICENSES.md".into()),
        default_source: String::new(),
        ..ParseOptions::default()
    };
    let (mut segments, mut snapshots, mut sequence) = (Vec::new(), Vec::new(), 1);
    for name in DATANETS {
        let path = format!("{}/../../data/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let file = index_json_lines(name, &std::fs::read(path).unwrap()[..], &options, sequence).unwrap();
        sequence += file.snapshot.entries().len() as u64;
        segments.push(Arc::new(file.segment));
        snapshots.push(file.snapshot);
    }
    let whole = Index::join(segments).unwrap();
    for nats in [20, 22, 24, 26, 28, 30, 32, 36] {
        let rules = Rules { threshold: nats * NAT, ..Rules::FROZEN };
        let chance: Vec<String> =
            (0..snapshots.len()).map(|place| chance(&whole, &snapshots, place, rules)).collect();
        let quoted: Vec<String> = (4..=8).map(|words| quoted(&whole, &snapshots, words, rules)).collect();
        println!("| {nats} | {} | {} |", chance.join(", "), quoted.join(", "));
    }
    for span_clusters_max in [4, 8, 16, 32, 64, 128, 256] {
        let rules = Rules { span_clusters_max, ..Rules::FROZEN };
        println!("| {span_clusters_max} | {} |", common(&whole, &snapshots, rules).join(", "));
    }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.2} %", 100.0 * part as f64 / whole as f64)
}

/// What the pages of one datanet lose to the others.
fn chance(whole: &Index, snapshots: &[SealedSnapshot], place: usize, rules: Rules) -> String {
    let name = &snapshots[place].header().datanet;
    let others = whole.segments().iter().filter(|segment| segment.datanet() != name).cloned().collect();
    let index = Index::join(others).unwrap();
    let (mut total, mut lost) = (0, 0);
    for entry in snapshots[place].entries() {
        let found = attribute_by(&entry.contribution.text, &index, rules).unwrap();
        total += found.total;
        lost += found.shares.iter().map(|share| share.mass).sum::<u64>();
    }
    percent(lost, total)
}

/// How often the page is first of whose middle some words are quoted.
fn quoted(index: &Index, snapshots: &[SealedSnapshot], count: usize, rules: Rules) -> String {
    let (mut excerpts, mut first) = (0, 0);
    for entry in snapshots.iter().flat_map(SealedSnapshot::entries) {
        let words: Vec<&str> = entry.contribution.text.split_whitespace().collect();
        if words.len() < 16 {
            continue;
        }
        let found = attribute_by(&words[words.len() / 2 - 3..][..count].join(" "), index, rules).unwrap();
        let best = found.spans.iter().max_by_key(|span| (!span.is_common, span.value));
        let sources = best.map(|span| &span.sources[..]).unwrap_or_default();
        excerpts += 1;
        first += u64::from(sources.iter().any(|source| source.contribution == entry.contribution.id()));
    }
    percent(first, excerpts)
}

/// The common mass of each datanet's pages.
fn common(index: &Index, snapshots: &[SealedSnapshot], rules: Rules) -> Vec<String> {
    let of = |entries: &[Entry]| {
        let (mut total, mut common) = (0, 0);
        for entry in entries {
            let found = attribute_by(&entry.contribution.text, index, rules).unwrap();
            (total, common) = (total + found.total, common + found.common);
        }
        percent(common, total)
    };
    snapshots.iter().map(|snapshot| of(snapshot.entries())).collect()
}
