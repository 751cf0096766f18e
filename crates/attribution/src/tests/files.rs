//! The segment's form: round trips, recorded roots, damaged bytes, forged bytes.

use openledger_datanet::clusters_of;
use proptest::prelude::*;

use super::*;
use crate::segment::with_right_checksums;
use crate::{IndexError, attribute};

fn sample() -> Segment {
    let texts = ["Press the key twice.", "press THE key: twice", "Wait, then press the other key.", "日本"];
    let entries: Vec<Entry> =
        texts.iter().zip(5..).map(|(text, sequence)| entry(sequence, "X", text)).collect();
    Segment::build("demo", &entries).expect("builds")
}

fn open(bytes: &[u8]) -> Result<Segment, IndexError> {
    Segment::open(Arc::new(bytes.to_vec()))
}

#[test]
fn roots_are_the_recorded_ones() {
    let hexadecimal = |root: [u8; 32]| hex::encode(root);
    assert_eq!(
        hexadecimal(sample().root()),
        "8c4139e15cc21f0367c69c3ce5f87e19586662ecddcb8163541eb8ab197e6e99"
    );
    let mut builder = Builder::new("demo").expect("a name");
    sample().entries().for_each(|entry| builder.add(&entry.expect("whole")).expect("short"));
    assert_eq!(
        hexadecimal(builder.finish().expect("builds").root()),
        "acba7a58e69602e1c3ea8904e92827238a6d9d0a27749a1d5b3035655ccc658e"
    );
    let index = Index::join(vec![Arc::new(sample())]).expect("joins");
    assert_eq!(hexadecimal(index.root()), "cb817eecf6da60a71fbc62a39f1915e3362ddf11988a5dd11190bf07db7605f6");
}

#[test]
fn a_copy_in_the_same_datanet_is_not_indexed() {
    assert_eq!((sample().document_count(), sample().word_count()), (3, 12));
}

#[test]
fn any_flipped_bit_or_cut_is_refused() {
    let segment = sample();
    let bytes = segment.as_bytes();
    assert_eq!(open(bytes).expect("reads"), segment);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1 << bit;
            assert!(matches!(open(&changed), Err(IndexError::Damaged { .. })), "bit {bit} of byte {at}");
        }
        assert!(matches!(open(&bytes[..at]), Err(IndexError::Damaged { .. })), "cut at {at}");
    }
    open(&[bytes, &[0]].concat()).expect_err("a byte too many");
}

#[test]
fn what_cannot_be_indexed_is_named() {
    let error = Index::join(vec![Arc::new(sample()), Arc::new(sample())]).expect_err("twice");
    assert_eq!(error, IndexError::DatanetTwice { datanet: "demo".into() });
    assert!(matches!(Segment::build("Demo Net", &[]), Err(IndexError::Name { .. })));
    let late = Segment::build("demo", &[entry(2, "X", "a"), entry(1, "X", "b")]).expect_err("out of order");
    assert_eq!(late, IndexError::Order { external_id: "1".into() });
    let long = entry(1, "X", &"a ".repeat(1 << 17));
    Segment::build("demo", std::slice::from_ref(&long)).expect("as long as it may be");
    let longer = entry(1, "X", &("a ".repeat(1 << 17) + "a"));
    let error = Segment::build("demo", &[longer]).expect_err("too long");
    assert_eq!(error, IndexError::TextTooLong { external_id: "1".into(), bytes: (1 << 18) + 1 });
}

/// A forger's right checksums do not help: each part is built again from the texts, whose ids the root holds.
#[test]
fn every_forged_part_is_found_by_verifying() {
    let honest = sample();
    honest.verify().expect("honest");
    let mut at = 512;
    for (name, length) in honest.sections() {
        at = usize::next_multiple_of(at, 64);
        assert!(length > 0, "{name} holds something");
        let mut forged = honest.as_bytes().to_vec();
        forged[at + length / 2] ^= 1;
        let verified = open(&with_right_checksums(&forged).expect("the head is as it was"))
            .and_then(|segment| segment.verify());
        assert!(matches!(verified, Err(IndexError::Damaged { .. })), "{name}: {verified:?}");
        at += length;
    }
}

/// Texts of any characters, among them those that a folded word does not give back.
fn hostile_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "B",
        "the",
        "The",
        "THE",
        "tHe",
        "İ",
        "ß",
        "ǅ",
        "don\u{2019}t",
        "\u{301}",
        "日本",
        "7.5",
        " ",
        "  ",
        "\n",
        "\n\n",
        ". ",
        ", ",
        "😀",
        "\t",
        "...",
        "\u{200D}",
        "ﬀ",
    ]);
    prop_oneof![prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat()), any::<String>()]
}

/// The entries that own their clusters, as datanets say it, and have words.
fn owners(entries: &[Entry]) -> Vec<Entry> {
    let texts: Vec<&str> = entries.iter().map(|entry| entry.contribution.text.as_str()).collect();
    let owners = clusters_of(&texts).into_iter().map(|cluster| entries[cluster.owner].clone());
    owners.filter(|owner| crate::words::words(&owner.contribution.text).next().is_some()).collect()
}

/// A text, and others that are pieces of it with a word changed here and there, or texts of their own.
fn family() -> impl Strategy<Value = Vec<String>> {
    let copy = (0usize..40, 12usize..80, prop::collection::vec((0usize..80, "[a-c]{1,9}"), 0..3));
    prop::collection::vec((copy, "[ .]|, ?"), 0..16).prop_map(|copies| {
        let words: Vec<String> = (0..80).map(|word| format!("w{}", word * word % 67)).collect();
        let text = |((from, length, changes), between): ((usize, usize, Vec<(usize, String)>), String)| {
            let mut words = words.clone();
            changes.into_iter().for_each(|(at, word)| words[at] = word);
            words[from..words.len().min(from + length)].join(&between)
        };
        copies.into_iter().map(text).collect()
    })
}

proptest! {
    /// The builder leaves out what datanets take for near-copies, and leaves no trace of it: no word, no gap, no byte.
    #[test]
    fn near_copies_leave_no_trace(texts in family()) {
        let entries: Vec<Entry> = texts.iter().zip(1..).map(|(text, sequence)| entry(sequence, "X", text)).collect();
        let segment = Segment::build("demo", &entries).expect("builds");
        let owners = owners(&entries);
        let found: Vec<Entry> = (0..segment.document_count()).map(|at| segment.entry(at).expect("reads")).collect();
        prop_assert_eq!(&found, &owners);
        prop_assert_eq!(&segment, &Segment::build("demo", &owners).expect("builds"));
        prop_assert_eq!(segment.verify(), Ok(()));
    }

    #[test]
    fn texts_come_back_byte_for_byte(texts in prop::collection::vec(hostile_text(), 0..8)) {
        let entries: Vec<Entry> = texts.iter().zip(1..).map(|(text, sequence)| entry(sequence, "X", text)).collect();
        let segment = Segment::build("demo", &entries).expect("builds");
        let found: Vec<Entry> = (0..segment.document_count()).map(|at| segment.entry(at).expect("reads")).collect();
        prop_assert_eq!(found, owners(&entries));
        prop_assert!(segment.entry(segment.document_count()).is_err());
        prop_assert_eq!(open(segment.as_bytes()), Ok(segment.clone()));
        prop_assert_eq!(segment.verify(), Ok(()));
    }

    /// Whatever bytes a forger writes, nothing panics; and what verifies has the honest texts and gives their answer.
    #[test]
    fn forged_bytes_never_panic(corpus in corpus(), changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..4)) {
        let output = "a b a don't 日 a b x1 é é a";
        for (name, entries) in entries_of(&corpus) {
            let honest = Segment::build(&name, &entries).expect("builds");
            let mut bytes = honest.as_bytes().to_vec();
            for (at, value) in &changes {
                let at = 512 + at % (bytes.len() - 512);
                bytes[at] = *value;
            }
            let Some(Ok(forged)) = with_right_checksums(&bytes).as_deref().map(open) else { continue };
            let is_verified = forged.verify() == Ok(());
            let texts = |segment: &Segment| (0..honest.document_count()).map(|at| segment.entry(at)).collect::<Vec<_>>();
            let (forged_texts, honest_texts) = (texts(&forged), texts(&honest));
            let answer = |segment| attribute(output, &Index::join(vec![Arc::new(segment)]).expect("joins")).expect("short");
            let (found, expected) = (answer(forged), answer(honest.clone()));
            if is_verified {
                prop_assert_eq!(forged_texts, honest_texts);
                prop_assert_eq!(found, expected);
            }
        }
    }
}
