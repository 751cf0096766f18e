//! Random histories of texts that come and go, of merges and of restarts.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Add(Vec<String>),
    Revoke(Vec<usize>),
    Flush,
    Compact,
    Reopen,
}

/// Copies, near-copies and excerpts of each other among them; few are alone.
fn text() -> impl Strategy<Value = String> {
    (0usize..6, 3usize..40, prop::option::of(0usize..40), any::<bool>()).prop_map(
        |(from, length, change, is_upper)| {
            let text = stretch(from * 5, length, change);
            if is_upper { text.to_uppercase() } else { text }
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(text(), 0..4).prop_map(Step::Add),
        4 => prop::collection::vec(any::<usize>(), 1..4).prop_map(Step::Revoke),
        1 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever came and went, the store says what a fresh build of the texts that are there says, and once it is
    /// compact its segment has that build's bytes.
    #[test]
    fn equals_a_fresh_build(
        steps in prop::collection::vec(step(), 1..24), from in 0usize..40, length in 1usize..60, change: usize
    ) {
        let folder = tempfile::tempdir().unwrap();
        let open = || IndexStore::open(folder.path(), "net", LIMITS).unwrap();
        let output = format!("{} {}", stretch(from, length, Some(change)), stretch(0, 30, None));
        let mut store = open();
        let mut live: Vec<Entry> = Vec::new();
        let mut sequence = 0;
        for step in steps.into_iter().chain([Step::Compact]) {
            let is_compacted = matches!(step, Step::Compact);
            match step {
                Step::Add(texts) => {
                    let entries: Vec<Entry> = texts.iter().map(|text| { sequence += 2; entry(sequence, text) }).collect();
                    prop_assert_eq!(store.add(&entries).unwrap(), entries.len());
                    live.extend(entries);
                }
                Step::Revoke(picks) => {
                    let pick = |pick: usize| live.get(pick % live.len().max(1)).map(|entry| entry.contribution.id());
                    let ids: Vec<ContributionId> = picks.into_iter().filter_map(pick).collect();
                    let count = live.len();
                    live.retain(|entry| !ids.contains(&entry.contribution.id()));
                    prop_assert_eq!(store.revoke(&ids).unwrap(), Revoked { texts: count - live.len(), unknown: vec![] });
                }
                Step::Flush => store.flush().unwrap(),
                Step::Compact => store.compact().unwrap(),
                Step::Reopen => {
                    drop(store);
                    store = open();
                }
            }
            let (segment, index) = fresh(&live);
            prop_assert_eq!(said(&output, &store.index()), said(&output, &index));
            prop_assert_eq!(store.status().live, live.len());
            if is_compacted {
                let held: Vec<&[u8]> = Vec::new();
                let index = store.index();
                let found: Vec<&[u8]> = index.segments().iter().map(|segment| segment.as_bytes()).collect();
                let expected = if live.is_empty() { held } else { vec![segment.as_bytes()] };
                prop_assert_eq!(found, expected);
                prop_assert_eq!(store.status().revoked, 0);
            }
        }
    }
}
