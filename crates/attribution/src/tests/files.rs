//! The file form: round trips, recorded roots, and hostile bytes.

use proptest::prelude::*;

use super::*;
use crate::segment::Parts;
use crate::{IndexError, attribute, format};

fn sample() -> Segment {
    let texts = ["Press the key twice.", "press THE key: twice", "Wait, then press the other key.", "日本"];
    let entries: Vec<Entry> =
        texts.iter().zip(5..).map(|(text, sequence)| entry(sequence, "X", text)).collect();
    Segment::build("demo", &entries).expect("builds")
}

#[test]
fn roots_are_the_recorded_ones() {
    let hexadecimal = |root: [u8; 32]| hex::encode(root);
    assert_eq!(
        hexadecimal(sample().root()),
        "ac9d0a8bdd73aecc2d0304b1ef3494fb3656550cdad8624231ccb7e3d690fb73"
    );
    let index = Index::join(vec![Arc::new(sample())]).expect("joins");
    assert_eq!(hexadecimal(index.root()), "268dd345120c5dff5378c3deb2d882a71f0eeee2de92983bf660e09f312c9ae8");
}

#[test]
fn a_copy_in_the_same_datanet_is_not_indexed() {
    assert_eq!((sample().document_count(), sample().word_count()), (3, 12));
}

#[test]
fn any_flipped_bit_or_cut_is_refused() {
    let bytes = Index::join(vec![Arc::new(sample())]).expect("joins").to_bytes();
    assert_eq!(
        Index::from_bytes(&bytes).expect("reads").root(),
        Index::join(vec![Arc::new(sample())]).expect("joins").root()
    );
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            Index::from_bytes(&changed).expect_err("a changed file");
        }
        Index::from_bytes(&bytes[..at]).expect_err("a cut file");
    }
}

#[test]
fn the_same_datanet_twice_is_refused() {
    let error = Index::join(vec![Arc::new(sample()), Arc::new(sample())]).expect_err("twice");
    assert_eq!(error, IndexError::DatanetTwice { datanet: "demo".into() });
    assert!(matches!(Segment::build("Demo Net", &[]), Err(IndexError::Name { .. })));
}

/// A file with a right checksum over wrong parts is refused for what is wrong.
#[test]
fn forged_parts_are_refused() {
    type Forge = fn(&mut Parts);
    let rows: &[(Forge, &str)] = &[
        (|p| p.datanet = "A b".into(), "header"),
        (|p| p.dictionary.swap(0, 1), "dictionary"),
        (|p| p.dictionary.push("龍".into()), "counts"),
        (|p| p.ids[0] = 99, "ids"),
        (|p| p.ids[0] = p.ids[1], "counts"),
        (|p| p.counts[0] += 1, "counts"),
        (|p| p.documents[1].first_word += 1, "documents"),
        (|p| p.documents[1].cluster = p.documents[0].cluster, "documents"),
        (|p| p.documents[1].sequence = 0, "documents"),
        (|p| p.places[0].end = 0, "places"),
        (|p| p.places.swap(0, 1), "places"),
        (|p| p.suffixes.swap(3, 4), "suffixes"),
        (|p| p.suffixes[0] = p.suffixes[1], "suffixes"),
        (|p| p.suffixes[0] = u32::MAX, "suffixes"),
        (|p| p.suffixes.truncate(2), "suffixes"),
        (|p| p.ids.truncate(2), "counts"),
    ];
    Segment::from_bytes(&format::encode(&sample().parts)).expect("the honest parts are read");
    for (row, (forge, expected)) in rows.iter().enumerate() {
        let mut parts = sample().parts;
        forge(&mut parts);
        match Segment::from_bytes(&format::encode(&parts)) {
            Err(IndexError::Damaged { part, .. }) => assert_eq!(part, *expected, "row {row}"),
            other => panic!("row {row}: {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn reading_gives_what_was_written(corpus in corpus()) {
        for (name, entries) in entries_of(&corpus) {
            let segment = Segment::build(&name, &entries).expect("builds");
            prop_assert_eq!(Segment::from_bytes(&segment.to_bytes()).expect("reads"), segment);
        }
    }

    /// Whatever numbers a forger writes, reading refuses them or the search still works.
    #[test]
    fn forged_numbers_never_panic(corpus in corpus(), part in 0usize..4, at: usize, value in 0u32..20) {
        for (name, entries) in entries_of(&corpus) {
            let mut parts = Segment::build(&name, &entries).expect("builds").parts;
            let list = match part {
                0 => &mut parts.ids,
                1 => &mut parts.suffixes,
                _ => &mut parts.counts,
            };
            let place = at % list.len().max(1);
            list.iter_mut().skip(place).take(1 + part).for_each(|number| *number = value);
            if let Ok(segment) = Segment::from_bytes(&format::encode(&parts)) {
                let index = Index::join(vec![Arc::new(segment)]).expect("joins");
                attribute("a b a don't 日 a b x1", &index).expect("short");
            }
        }
    }
}
