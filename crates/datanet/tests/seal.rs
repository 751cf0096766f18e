//! Sealing, proving and re-sealing: what the root fixes, and what it does not depend on.

use openledger_datanet::{
    AuthorRef, Contribution, Entry, JsonLinesParser, ParseOptions, SealedSnapshot, SnapshotError,
    commitment_order, merkle, number, parse_json_lines,
};
use proptest::prelude::*;

fn contribution(name: usize, text: &str) -> Contribution {
    Contribution {
        external_id: format!("page/{name}"),
        title: format!("Page {name}"),
        text: text.to_owned(),
        authors: vec![AuthorRef { name: "X".into(), account: Some([name as u8; 20]) }],
        others: vec!["Editor".into()],
        license: "MIT".into(),
        source: String::new(),
    }
}

fn entries(count: usize) -> Vec<Entry> {
    number((0..count).map(|name| contribution(name, &format!("text of page {name}"))).collect(), 10)
}

fn sealed(count: usize) -> SealedSnapshot {
    SealedSnapshot::seal("demo-net", entries(count), [5; 32]).expect("the entries are good")
}

#[test]
fn root_is_the_recorded_one() {
    assert_eq!(
        openledger_datanet::ContributionId(sealed(3).root()).to_string(),
        "0xdc91dbbf613704a341146fc934bef5c1b54e1b2848cff09c6bd9d6bd602c0e48"
    );
}

#[test]
fn bad_snapshots_are_refused() {
    let seal = |datanet: &str, entries| SealedSnapshot::seal(datanet, entries, [0; 32]).expect_err("refused");
    assert!(matches!(seal("Demo net", entries(1)), SnapshotError::Name { .. }));
    assert!(matches!(seal("demo", vec![]), SnapshotError::NoEntries { .. }));
    let mut reversed = entries(2);
    reversed.reverse();
    assert_eq!(seal("demo", reversed), SnapshotError::Order { previous: 11, sequence: 10 });
    let same = number(vec![contribution(1, "a"), contribution(1, "b")], 0);
    assert!(matches!(seal("demo", same), SnapshotError::Twice { .. }));
    let bad = number(vec![contribution(1, "a\0")], 0);
    assert!(matches!(seal("demo", bad), SnapshotError::Contribution { .. }));
}

/// The block comes before the number, and no place is shared or wraps around.
#[test]
fn commitments_are_ordered_by_block_then_number() {
    let (last_block, last_number) = ((1 << 40) - 1, (1 << 24) - 1);
    let rising = [(0, 0), (0, 1), (0, last_number), (1, 0), (7, 3), (8, 0), (last_block, last_number)];
    let places: Vec<_> = rising.iter().map(|(height, number)| commitment_order(*height, *number)).collect();
    assert!(places.iter().all(Option::is_some) && places.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(commitment_order(last_block, last_number), Some(u64::MAX));
    assert_eq!((commitment_order(1 << 40, 0), commitment_order(0, 1 << 24)), (None, None));
}

#[test]
fn every_entry_is_proven_and_nothing_else() {
    for count in [1, 2, 3, 7, 8, 33] {
        let snapshot = sealed(count);
        for (entry, id) in snapshot.entries().iter().zip(snapshot.ids()) {
            let proof = snapshot.prove(id).expect("the entry is in the snapshot");
            proof.verify(&snapshot.root(), entry.sequence, id).expect("the proof holds");
            proof.verify(&snapshot.root(), entry.sequence + 1, id).expect_err("another sequence");
            proof.verify(&[0; 32], entry.sequence, id).expect_err("another snapshot");
        }
        assert_eq!(snapshot.prove(&contribution(999, "else").id()), None);
    }
}

#[test]
fn a_proof_with_any_flipped_byte_fails() {
    let snapshot = sealed(13);
    let (entry, id) = (&snapshot.entries()[6], snapshot.ids()[6]);
    let bytes = borsh::to_vec(&snapshot.prove(&id).expect("the entry is there")).expect("encodes");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if let Ok(proof) = borsh::from_slice::<openledger_datanet::InclusionProof>(&changed) {
            proof.verify(&snapshot.root(), entry.sequence, &id).expect_err("a changed proof");
        }
    }
    let json = serde_json::to_string(&snapshot.prove(&id)).expect("encodes");
    let back: openledger_datanet::InclusionProof = serde_json::from_str(&json).expect("decodes");
    back.verify(&snapshot.root(), entry.sequence, &id).expect("the proof survives JSON");
}

/// What is near is sealed: the manifest holds the texts, and the header which of them were taken for copies.
#[test]
fn the_header_fixes_which_texts_are_copies() {
    let page =
        "press the key that is marked with a lock until the small light goes out and then let it go again";
    let texts = [page, "something else", &format!("Note: {page}"), &page.to_uppercase(), "SOMETHING, else"];
    let contributions = texts.iter().enumerate().map(|(name, text)| contribution(name, text)).collect();
    let snapshot = SealedSnapshot::seal("d", number(contributions, 5), [1; 32]).expect("good");
    let found: Vec<_> = snapshot.clusters().iter().map(|c| (c.members.clone(), c.near.clone())).collect();
    assert_eq!(found, [(vec![0, 2, 3], vec![2]), (vec![1, 4], vec![])]);
    let leaf = |sequence: u64, owner: u64, is_near: bool| {
        let mut data = b"openledger/membership/1".to_vec();
        borsh::to_writer(&mut data, &(sequence, owner, is_near)).expect("encodes");
        merkle::leaf_hash(&data)
    };
    let leaves =
        [leaf(5, 5, false), leaf(6, 6, false), leaf(7, 5, true), leaf(8, 5, false), leaf(9, 6, false)];
    assert_eq!(snapshot.header().clusters_root, merkle::root(&leaves));
}

#[test]
fn manifests_of_other_versions_say_what_to_do() {
    let manifest = String::from_utf8(sealed(2).to_manifest()).expect("JSON");
    let old = manifest.replace("openledger-snapshot/2", "openledger-snapshot/1");
    let told = SealedSnapshot::from_manifest(old.as_bytes()).expect_err("another version").to_string();
    assert!(told.contains("openledger-snapshot/1") && told.contains("seal the datanet again"), "{told}");
}

#[test]
fn a_manifest_with_any_flipped_bit_is_refused() {
    let manifest = sealed(3).to_manifest();
    for at in 0..manifest.len() {
        for bit in 0..8 {
            let mut changed = manifest.clone();
            changed[at] ^= 1 << bit;
            SealedSnapshot::from_manifest(&changed).expect_err("a changed manifest");
        }
    }
    for length in 0..manifest.len() {
        SealedSnapshot::from_manifest(&manifest[..length]).expect_err("a cut manifest");
    }
}

proptest! {
    #[test]
    fn a_manifest_re_seals_to_the_same_root(texts in prop::collection::vec("[a-zé\"\\\\\n漢]{0,20}x", 1..8), first: u32) {
        let contributions = texts.iter().enumerate().map(|(name, text)| contribution(name, text)).collect();
        let snapshot = SealedSnapshot::seal("d", number(contributions, u64::from(first)), [1; 32]).expect("good");
        let again = SealedSnapshot::from_manifest(&snapshot.to_manifest()).expect("the manifest is good");
        prop_assert_eq!(again.root(), snapshot.root());
        prop_assert_eq!(again, snapshot);
    }

    /// The root does not know how the input arrived, and any change of a field changes it.
    #[test]
    fn root_depends_on_content_alone(cuts in prop::collection::vec(1usize..90, 1..30), field in 0usize..8, bit in 0u8..3) {
        let lines = r#"{"id":"a","text":"one two","authors":["X","Y"],"license":"L"}
{"id":"b","title":"B","text":"three","authors":["Y"],"others":["E"],"license":"L","source":"s","version":"1"}"#;
        let mut parser = JsonLinesParser::new(ParseOptions::default());
        let (mut rest, mut sizes) = (lines.as_bytes(), cuts.iter().cycle());
        while !rest.is_empty() {
            let size = (*sizes.next().expect("cycles")).min(rest.len());
            parser.push(&rest[..size]).expect("good");
            rest = &rest[size..];
        }
        let seal = |contributions| SealedSnapshot::seal("d", number(contributions, 0), [0; 32]).expect("good").root();
        let whole = parse_json_lines(lines.as_bytes(), &ParseOptions::default()).expect("good");
        let root = seal(whole.clone());
        prop_assert_eq!(seal(parser.finish().expect("good")), root);

        let mut changed = whole;
        let c = &mut changed[1];
        let value = [&mut c.external_id, &mut c.title, &mut c.text, &mut c.license, &mut c.source,
            &mut c.authors[0].name, &mut c.others[0]].into_iter().nth(field);
        match value {
            Some(value) => {
                let flipped = char::from(value.as_bytes()[0] ^ (1 << bit));
                value.replace_range(0..1, flipped.encode_utf8(&mut [0; 4]));
            }
            None => c.authors[0].account = Some([bit; 20]),
        }
        prop_assert_ne!(seal(changed), root);
    }
}
