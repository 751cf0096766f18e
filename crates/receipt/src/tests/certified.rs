//! Receipts with a certificate: honest ones verify, and neither a byte of it nor what both signers agreed to misstate
//! gets past it.

use std::sync::Arc;

use openledger_attribution::{Index, Segment, attribute, certify};
use openledger_datanet::{AuthorRef, Contribution, Entry};
use openledger_types::{ContributionId, Hash};

use super::world::{ANSWER, World, failures, name, verified};
use crate::*;

fn entry(sequence: u64, text: &str) -> Entry {
    let contribution = Contribution {
        external_id: format!("{sequence}"),
        title: "T".into(),
        text: text.into(),
        authors: vec![AuthorRef { name: "X".into(), account: None }],
        others: vec![],
        license: "cc0-1.0".into(),
        source: String::new(),
    };
    Entry { sequence, contribution }
}

/// A world whose answer holds a run of words of each datanet, and its certificate.
fn certified() -> (World, Vec<u8>) {
    certified_by([
        ("mountains", 8, "Aber sie entspringt im Riesengebirge, heißt es."),
        ("rivers", 7, "Man sagt: Die Elbe fließt durch Dresden, wie schön!"),
    ])
}

fn certified_by(texts: [(&str, u64, &str); 2]) -> (World, Vec<u8>) {
    let mut world = World::new();
    let mut segments = Vec::new();
    let terms = world.contributions.values().next().expect("there is one").clone();
    for (place, (datanet, sequence, text)) in texts.into_iter().enumerate() {
        let entry = entry(sequence, text);
        let id = ContributionId(entry.contribution.id().0);
        let segment = Segment::build(datanet, &[entry]).unwrap();
        let root = Hash(segment.root());
        world.predicate.served.snapshots[place].index_root = root;
        world.snapshots.get_mut(&name(datanet)).unwrap().index_root = root;
        world.contributions.insert((name(datanet), id), terms.clone());
        segments.push(Arc::new(segment));
    }
    let index = Index::join(segments).unwrap();
    let attribution = attribute(ANSWER, &index).unwrap();
    world.predicate.served.index_root = Hash(index.root());
    world.predicate.attribution = AttributionFacts::of(&attribution);
    world.settle();
    (world, certify(ANSWER, &attribution, &index).unwrap().to_bytes())
}

fn file(world: &World, settled: bool, certificate: &[u8]) -> ReceiptFile {
    ReceiptFile { certificate: Some(certificate.to_vec()), ..world.file(true, settled) }
}

fn step(report: &Report) -> &Check {
    report.checks.iter().find(|check| check.name == "certificate").unwrap()
}

#[test]
fn an_honest_certificate_is_a_step_that_holds() {
    let (world, certificate) = certified();
    for settled in [false, true] {
        let report = verified(&file(&world, settled, &certificate));
        assert_eq!(failures(&report), Vec::<&str>::new(), "{:?}", report.checks);
        assert!(step(&report).detail.starts_with("2 spans stand in 2 sealed indexes"), "{:?}", step(&report));
    }
    let report = verified(&world.file(true, true));
    assert!(report.ok && step(&report).detail.starts_with("none"), "{:?}", step(&report));
}

/// What stands in the answer but for a few words is claimed, with masses that the answer bears out.
#[test]
fn a_span_with_edits_is_claimed() {
    let (world, certificate) = certified_by([
        ("mountains", 8, "Aber nichts von hier."),
        ("rivers", 7, "Die Elbe fließt quer Dresden nun, sie entspringt im Tal."),
    ]);
    let edited =
        |world: &World| world.predicate.attribution.spans.iter().position(|span| span.edits > 0).unwrap();
    let span = &world.predicate.attribution.spans[edited(&world)];
    let matched: Vec<&str> =
        span.matched.iter().map(|run| &ANSWER[run.start as usize..run.end as usize]).collect();
    assert_eq!((span.edits, matched), (2, vec!["Die Elbe fließt", "Dresden. Sie entspringt im"]));
    let report = verified(&file(&world, true, &certificate));
    assert_eq!(failures(&report), Vec::<&str>::new(), "{:?}", report.checks);
    assert!(step(&report).detail.contains("; 1 with edits are claimed"), "{:?}", step(&report));
    type Lie = (fn(&mut SpanFacts), &'static str, &'static [&'static str]);
    let table: &[Lie] = &[
        (|span| span.edits += 1, "its value is not theirs", &["certificate"]),
        (|span| span.value += 1, "its value is not theirs", &["certificate"]),
        (|span| span.matched[1].start += 1, "its value is not theirs", &["certificate"]),
        (|span| span.matched[0].end += 6, "its value is not theirs", &["certificate"]),
        (|span| span.matched.truncate(1), "its value is not theirs", &["attribution sums", "certificate"]),
        (|span| span.matched.clear(), "its value is not theirs", &["attribution sums", "certificate"]),
        (
            |span| span.edits = 0,
            "shows 2 spans, and the receipt owes 3",
            &["attribution sums", "certificate"],
        ),
        (|span| span.count = 2, "1 with edits", &["attribution sums"]),
    ];
    for (place, (change, said, steps)) in table.iter().enumerate() {
        let mut world = World { predicate: world.predicate.clone(), ..certified().0 };
        let span = edited(&world);
        change(&mut world.predicate.attribution.spans[span]);
        let report = verified(&file(&world, false, &certificate));
        assert!(step(&report).detail.contains(said), "lie {place}: {:?}", step(&report));
        assert_eq!(failures(&report), *steps, "lie {place}");
    }
}

#[test]
fn every_byte_of_a_certificate_counts() {
    let (world, certificate) = certified();
    let honest = file(&world, false, &certificate);
    for place in 0..certificate.len() {
        let mut changed = honest.clone();
        changed.certificate.as_mut().unwrap()[place] ^= 1 << (place % 8);
        assert_eq!(failures(&verified(&changed)), ["certificate"], "byte {place}");
    }
}

#[test]
fn what_it_is_not_of_is_refused() {
    let (world, certificate) = certified();
    let closed = ReceiptFile { opening: None, ..file(&world, true, &certificate) };
    let report = verified(&closed);
    assert_eq!(failures(&report), ["certificate"]);
    assert!(step(&report).detail.contains("not the answer"), "{:?}", step(&report));
    assert_eq!(failures(&verified(&file(&World::new(), true, &certificate))), ["certificate"]);
    assert_eq!(failures(&verified(&file(&world, true, &[]))), ["certificate"]);
}

/// A name, a change, and what the step says.
type Row = (&'static str, fn(&mut World), &'static str);

#[test]
fn what_both_signed_against_the_index_is_refused() {
    let table: &[Row] = &[
        ("value", |w| w.predicate.attribution.spans[0].value += 1, "the span at bytes 0 to "),
        ("count", |w| w.predicate.attribution.spans[1].count += 1, "otherwise"),
        ("commitment", |w| w.predicate.attribution.spans[1].committed += 1, "otherwise"),
        ("place", |w| w.predicate.attribution.spans[0].start += 4, "otherwise"),
        (
            "owner",
            |w| {
                let other = w.predicate.attribution.spans[1].sources.clone();
                w.predicate.attribution.spans[0].sources = other;
            },
            "otherwise",
        ),
        ("no source", |w| drop(w.predicate.attribution.spans[0].sources.remove(0)), "otherwise"),
        (
            "span left out",
            |w| drop(w.predicate.attribution.spans.remove(0)),
            "shows 2 spans, and the receipt owes 1",
        ),
        (
            "called common",
            |w| w.predicate.attribution.spans[0].common = true,
            "shows 2 spans, and the receipt owes 1",
        ),
        (
            "mass",
            |w| {
                w.predicate.attribution.spans[0].mass -= 7;
                w.predicate.attribution.unattributed += 7;
            },
            "wins",
        ),
        ("total", |w| w.predicate.attribution.total += 7, "the answer weighs"),
        ("index", |w| w.predicate.served.index_root = Hash([1; 32]), "do not make up the index"),
        (
            "snapshot",
            |w| w.predicate.served.snapshots[1].index_root = Hash([1; 32]),
            "do not make up the index",
        ),
    ];
    for (lie, change, said) in table {
        let (mut world, certificate) = certified();
        change(&mut world);
        let report = verified(&file(&world, true, &certificate));
        let step = step(&report);
        assert!(!step.ok && step.detail.contains(said), "{lie}: {step:?}");
    }
}
