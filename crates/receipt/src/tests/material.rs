//! What an answer is replayed from: bound to the receipt in every fact, and in every byte.

use openledger_types::Hash;

use super::world::{SALT, World, failures, material_of, verified};
use crate::*;

fn committed(world: &World) -> Committed {
    let Predicate { served, usage, evidence, .. } = &world.predicate;
    Committed {
        commitment: evidence.commitment.clone(),
        salt: SALT,
        weights: served.weights,
        numeric_specification: served.numeric_specification,
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        windows: evidence.windows,
    }
}

fn file(world: &World, committed: &Committed) -> ReceiptFile {
    ReceiptFile { material: Some(material_of(committed)), ..world.file(true, true) }
}

fn said(report: &Report) -> &str {
    &report.checks.iter().find(|check| check.name == "evidence").unwrap().detail
}

#[test]
fn material_is_the_one_that_was_committed_to() {
    type Row = (&'static str, fn(&mut Committed));
    let rows: [Row; 7] = [
        ("commitment", |told| told.commitment = "cd".repeat(32)),
        ("salt", |told| told.salt[31] ^= 1),
        ("model", |told| told.weights.0[0] ^= 1),
        ("numeric specification", |told| told.numeric_specification += 1),
        ("number of prompt tokens", |told| told.prompt_tokens += 1),
        ("number of completion tokens", |told| told.completion_tokens -= 1),
        ("number of windows", |told| told.windows += 1),
    ];
    let world = World::new();
    let honest = committed(&world);
    let report = verified(&file(&world, &honest));
    assert_eq!(failures(&report), Vec::<&str>::new(), "{:?}", report.checks);
    assert!(report.settled && said(&report).starts_with("exact: "), "{}", said(&report));
    for (what, change) in rows {
        let mut told = honest.clone();
        change(&mut told);
        let report = verified(&file(&world, &told));
        assert_eq!(failures(&report), ["evidence"], "{what}");
        assert!(said(&report).starts_with(&format!("the {what} of the receipt is ")), "{}", said(&report));
    }
}

#[test]
fn every_byte_of_material_counts_and_it_comes_with_its_texts() {
    let world = World::new();
    let honest = file(&world, &committed(&world));
    assert_eq!(ReceiptFile::from_bytes(&honest.to_bytes()).as_ref(), Ok(&honest));
    for place in 0..honest.material.as_ref().map_or(0, Vec::len) {
        let mut changed = honest.clone();
        changed.material.as_mut().unwrap()[place] ^= 1 << (place % 8);
        assert_eq!(failures(&verified(&changed)), ["evidence"], "byte {place}");
    }
    let closed = ReceiptFile { opening: None, ..honest };
    assert_eq!(failures(&verified(&closed)), ["evidence"]);
}

#[test]
fn what_has_nothing_to_replay_says_why() {
    let mut world = World::new();
    assert!(said(&verified(&world.file(true, true))).contains("not in the file"));
    world.predicate.evidence = EvidenceFacts { commitment: String::new(), windows: 0 };
    world.predicate.response.finish_reason = "cancelled".into();
    assert!(said(&verified(&world.file(true, false))).contains("ended with \"cancelled\" before"));
    world.predicate.evidence = EvidenceFacts { commitment: "ab".repeat(32), windows: 0 };
    world.predicate.request.endpoint = EMBEDDINGS_ENDPOINT.into();
    assert!(said(&verified(&world.file(true, false))).contains("committed to the vectors"));
    world.predicate.evidence.commitment.clear();
    world.predicate.served.numeric_specification = 0;
    assert!(
        said(&verified(&world.file(true, false))).starts_with("consistent at best: an engine behind HTTP")
    );
    world.predicate.served.weights = Hash::UNKNOWN;
    let report = verified(&world.file(true, false));
    assert_eq!(said(&report), "none: an engine behind HTTP; nothing to replay");
}
