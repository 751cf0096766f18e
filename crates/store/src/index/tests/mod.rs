//! A store against fresh builds of the texts that are there: `model` over random histories, `crash` over every step at
//! which a process or a machine can stop.

mod crash;
mod model;

use std::path::PathBuf;

use openledger_attribution::{Attribution, Builder, Index, Segment, attribute, matches};
use openledger_datanet::{AuthorRef, Contribution, Entry};

use super::*;

fn entry(sequence: u64, text: &str) -> Entry {
    let contribution = Contribution {
        external_id: format!("{sequence}"),
        title: "T".into(),
        text: text.to_owned(),
        authors: vec![AuthorRef { name: "A".into(), account: None }],
        others: vec![],
        license: "MIT".into(),
        source: String::new(),
    };
    Entry { sequence, contribution }
}

/// The words `from..from + length` of one long text, with one of them changed.
fn stretch(from: usize, length: usize, change: Option<usize>) -> String {
    let mut words: Vec<String> = (from..from + length).map(|word| format!("w{word}")).collect();
    if let Some(at) = change {
        let at = at % length;
        words[at] = format!("x{}", at % 3);
    }
    words.join(" ")
}

fn fresh(entries: &[Entry]) -> (Arc<Segment>, Index) {
    let mut builder = Builder::new("net").unwrap();
    entries.iter().for_each(|entry| builder.add(entry).unwrap());
    let segment = Arc::new(builder.finish().unwrap());
    (Arc::clone(&segment), Index::join(vec![segment]).unwrap())
}

/// What an index says of an output, but for its root, which is of the layout.
fn said(output: &str, index: &Index) -> (Attribution, Vec<openledger_attribution::Match>) {
    let found = attribute(output, index).unwrap();
    (Attribution { index_root: [0; 32], ..found }, matches(output, index).unwrap())
}

fn files_with(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    found.sort();
    found
}

const LIMITS: IndexLimits = IndexLimits { memory_bytes: 20_000 };

#[test]
fn a_text_is_found_at_once_and_a_revoked_one_is_gone_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = IndexStore::open(folder.path(), "net", IndexLimits::default()).unwrap();
    let entries = [entry(5, &stretch(0, 20, None)), entry(9, &stretch(0, 20, Some(3))), entry(11, "...")];
    assert_eq!(store.add(&entries).unwrap(), 2, "a text without words is passed over");
    let output = stretch(5, 9, None);
    let owner =
        |store: &IndexStore| said(&output, &store.index()).0.shares.first().map(|share| share.contribution);
    assert_eq!(owner(&store), Some(entries[0].contribution.id()));
    let held = store.index();
    let unknown = ContributionId([7; 32]);
    let ids = [entries[0].contribution.id(), unknown];
    assert_eq!(store.revoke(&ids).unwrap(), Revoked { texts: 1, unknown: vec![unknown] });
    assert_eq!(owner(&store), Some(entries[1].contribution.id()), "the copy owns what is left");
    assert_eq!(said(&output, &held).0.shares[0].contribution, ids[0], "who began before goes on as it was");
    assert_eq!(store.revoke(&[entries[1].contribution.id()]).unwrap().texts, 1);
    assert_eq!((owner(&store), store.status().live), (None, 0));
    // What was taken out can come again, behind the others.
    assert!(matches!(store.add(&entries[..1]), Err(StoreError::NotRising { last: 9, given: 5 })));
    store.add(&[entry(12, &stretch(0, 20, None))]).unwrap();
    assert!(owner(&store).is_some());
}

#[test]
fn old_files_live_as_long_as_their_readers() {
    let folder = tempfile::tempdir().unwrap();
    let store = IndexStore::open(folder.path(), "net", LIMITS).unwrap();
    for number in 0..3 {
        store.add(&[entry(number, &stretch(number as usize * 50, 30, None))]).unwrap();
        store.flush().unwrap();
    }
    let held = store.index();
    let before = files_with(folder.path(), "segment");
    assert_eq!(before.len(), 3);
    let output = stretch(50, 10, None);
    let expected = said(&output, &held);
    store.compact().unwrap();
    assert!(before.iter().all(|path| path.exists()));
    assert_eq!(said(&output, &held), expected);
    drop(held);
    assert!(before.iter().all(|path| !path.exists()));
    assert_eq!(said(&output, &store.index()), expected);
    store.close().unwrap();
}

#[test]
fn a_damaged_segment_is_moved_aside_and_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let entries: Vec<Entry> =
        (0..6).map(|number| entry(number, &stretch(number as usize * 7, 30, None))).collect();
    let open = || IndexStore::open(folder.path(), "net", LIMITS);
    let store = open().unwrap();
    store.add(&entries).unwrap();
    store.revoke(&[entries[2].contribution.id()]).unwrap();
    store.close().unwrap();
    let path = files_with(folder.path(), "segment").remove(0);
    let whole = std::fs::read(&path).unwrap();
    let live: Vec<Entry> = entries.iter().filter(|entry| entry.sequence != 2).cloned().collect();
    let output = stretch(0, 70, None);
    let source = |sequence: u64| entries.iter().find(|entry| entry.sequence == sequence).cloned();
    for at in [0, whole.len() / 2, whole.len() - 1] {
        let path = files_with(folder.path(), "segment").remove(0);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        for _ in 0..2 {
            let error = open().unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()) && error.contains("moved aside"), "{error}");
        }
        assert!(path.with_added_extension("damaged").exists() && !path.exists());
        let others = |sequence: u64| Some(entry(sequence, "other words"));
        let error =
            IndexStore::open_or_rebuild(folder.path(), "net", LIMITS, &others).unwrap_err().to_string();
        assert!(error.contains("are others"), "{error}");
        let store = IndexStore::open_or_rebuild(folder.path(), "net", LIMITS, &source).unwrap();
        assert_eq!(store.repaired(), [path]);
        assert_eq!(said(&output, &store.index()), said(&output, &fresh(&live).1));
        drop(store);
        let store = open().unwrap();
        assert_eq!(said(&output, &store.index()), said(&output, &fresh(&live).1));
    }
    assert!(matches!(IndexStore::open(folder.path(), "other", LIMITS), Err(StoreError::OtherDatanet { .. })));
}

/// Queries go on while texts come and go, and each sees one state of the store: the text that it looks for is there with
/// all its words, or not at all.
#[test]
fn readers_see_whole_states() {
    let folder = tempfile::tempdir().unwrap();
    let store = IndexStore::open(folder.path(), "net", LIMITS).unwrap();
    let text = stretch(0, 12, None);
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                let found = said(&text, &store.index()).1;
                assert!(found.is_empty() || (found.len() == 1 && found[0].words.end == 12), "{found:?}");
            }
        });
        for round in 0..40u64 {
            let entries =
                [entry(3 * round, &text), entry(3 * round + 1, &stretch(100 + round as usize, 40, None))];
            store.add(&entries).unwrap();
            store.revoke(&[entries[0].contribution.id()]).unwrap();
        }
        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    store.compact().unwrap();
    assert_eq!(
        store.status().segments.iter().map(|segment| segment.documents).sum::<usize>(),
        store.status().live
    );
}
