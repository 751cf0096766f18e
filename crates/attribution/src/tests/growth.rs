//! Segments that are merged, and such of which documents are hidden, against one segment of what is left.

use proptest::prelude::*;

use super::*;
use crate::spans::{attribute_by, matches};
use crate::{Attribution, Hidden, LiveSegment, Matcher};

/// Distinct texts of one datanet in the order of commitment, the segment that each is put into, and whether it is taken
/// out again.
fn texts() -> impl Strategy<Value = Vec<(String, usize, bool)>> {
    prop::collection::btree_map("[abA]([ ,\n][abcdé]){0,9}[.]?", (0usize..4, any::<bool>()), 0..9)
        .prop_map(|texts| {
            texts.into_iter().map(|(text, (part, goes))| (text, part, goes)).collect::<Vec<_>>()
        })
        .prop_shuffle()
}

struct Parts {
    live: Vec<Entry>,
    parts: Vec<LiveSegment>,
}

/// The segments that hold the texts, each of any, and the entries that are not taken out and are no copies.
fn parts_of(texts: &[(String, usize, bool)]) -> Parts {
    let entries: Vec<(Entry, usize, bool)> = texts
        .iter()
        .zip(1..)
        .map(|((text, part, goes), number)| (entry(number, "X", text), *part, *goes))
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    let live: Vec<Entry> = entries
        .iter()
        .filter(|(entry, _, goes)| !goes && seen.insert(entry.contribution.cluster()))
        .map(|(entry, ..)| entry.clone())
        .collect();
    let part_of = |place: usize| {
        let mut builder = Builder::keeping_copies("net").expect("a name");
        let held: Vec<&Entry> =
            entries.iter().filter(|(_, part, _)| *part == place).map(|(entry, ..)| entry).collect();
        held.iter().for_each(|entry| builder.add(entry).expect("short"));
        let mut hidden = Hidden::default();
        for (document, entry) in (0..).zip(&held) {
            hidden.set(document, !live.iter().any(|other| other.sequence == entry.sequence));
        }
        LiveSegment { segment: Arc::new(builder.finish().expect("builds")), hidden: Arc::new(hidden) }
    };
    let parts = (0..4).map(part_of).collect();
    Parts { live, parts }
}

/// All but the root, which is of the layout.
fn without_root(found: Attribution) -> Attribution {
    Attribution { index_root: [0; 32], ..found }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What is left after texts went, cut into segments in any way and merged again, is the segment of a fresh build.
    #[test]
    fn a_merge_is_a_fresh_build(texts in texts()) {
        let Parts { live, parts } = parts_of(&texts);
        let merged: Vec<(&Segment, &Hidden)> = parts.iter().map(|part| (&*part.segment, &*part.hidden)).collect();
        let merged = Segment::merge("net", &merged).expect("merges");
        let mut fresh = Builder::new("net").expect("a name");
        live.iter().for_each(|entry| fresh.add(entry).expect("short"));
        let fresh = fresh.finish().expect("builds");
        prop_assert_eq!(merged.as_bytes(), fresh.as_bytes());
        let found: Vec<Entry> = merged.entries().collect::<Result<_, _>>().expect("whole");
        prop_assert_eq!(found, live);
    }

    /// Hidden documents leave no trace: spans, counts, sources and shares are those of what is left, in one piece, in a
    /// stream, and as bare matches.
    #[test]
    fn what_is_hidden_is_not_there(
        texts in texts(), parts in output(), rules in rules(), cut in 0usize..60
    ) {
        let corpus: Corpus = vec![texts.iter().map(|(text, ..)| text.clone()).collect()];
        let output = spliced(&corpus, &parts);
        let Parts { live, parts } = parts_of(&texts);
        let fresh = index_of(&[("net".into(), live)]);
        let index = Arc::new(Index::live(parts).expect("joins"));
        let expected = without_root(attribute_by(&output, &fresh, rules).expect("short"));
        prop_assert_eq!(without_root(attribute_by(&output, &index, rules).expect("short")), expected.clone());
        prop_assert_eq!(matches(&output, &index), matches(&output, &fresh));
        let mut matcher = Matcher::new(index);
        let (one, other) = output.as_bytes().split_at(cut.min(output.len()));
        matcher.push(one).expect("good bytes");
        matcher.push(other).expect("good bytes");
        prop_assert_eq!(without_root(matcher.finish_by(rules).expect("short")), expected);
    }
}

/// A run that stands in hidden documents thousands of times is counted by reading these.
#[test]
fn frequent_runs_are_counted_without_the_hidden() {
    let texts = ["a b ".repeat(4000), format!("c {}", "a b ".repeat(700))];
    let mut builder = Builder::keeping_copies("net").expect("a name");
    for (number, text) in (1..).zip(&texts) {
        builder.add(&entry(number, "X", text)).expect("short");
    }
    let segment = Arc::new(builder.finish().expect("builds"));
    let mut hidden = Hidden::default();
    hidden.set(0, true);
    let index = Index::live(vec![LiveSegment { segment, hidden: Arc::new(hidden) }]).expect("joins");
    let found: Vec<u64> =
        matches("a b x b a b a", &index).expect("short").iter().map(|found| found.count).collect();
    assert_eq!(found, [700, 698]);
}

/// A datanet's own copies are hidden by whoever has its segments; copies in another datanet are found here, among those
/// that are seen.
#[test]
fn the_earliest_that_is_seen_owns_across_datanets() {
    let text = "one two three four five";
    let part = |datanet: &str, number: u64, is_hidden: bool| {
        let mut hidden = Hidden::default();
        hidden.set(0, is_hidden);
        let segment = Segment::build(datanet, &[entry(number, "X", text)]).expect("builds");
        LiveSegment { segment: Arc::new(segment), hidden: Arc::new(hidden) }
    };
    for (is_hidden, owner) in [(false, "b"), (true, "a")] {
        let index = Index::live(vec![part("a", 2, false), part("b", 1, is_hidden)]).expect("joins");
        let found = attribute_by(text, &index, Rules { threshold: 0, span_clusters_max: 9 }).expect("short");
        assert_eq!((found.shares.len(), found.shares[0].datanet.as_str()), (1, owner));
    }
}
