//! A small index and an output that repeats some of it: what hostile bytes are made from.

use std::sync::{Arc, OnceLock};

use openledger_attribution::{Index, Segment};
use openledger_datanet::{AuthorRef, Contribution, Entry};

/// Two runs of the texts, one of which two texts hold, and words that none holds.
pub(crate) const OUTPUT: &str = "It is said that nineteen crooked lanterns swung above the harbour; while \
    the Pilot counted herons aloud, somebody said: press the key twice and wait for the quiet bell to ring.";

const TEXTS: [&str; 5] = [
    "Nineteen crooked lanterns swung above the harbour while the pilot counted herons aloud.",
    "Press the key twice and wait for the quiet bell to ring. Then press it again.",
    "The bell rings: press the key twice and wait for the quiet bell to ring, says İstanbul's 日本 handbook \u{2014} in 7.5 ways.",
    "the the the the the the the the the the the the the the the the the the the the the the the",
    "A text of its own, about ferns, don\u{2019}ts and ﬀ ligatures.\n\n\nWith empty lines.",
];

/// The index of these texts in two datanets.
pub(crate) fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let segments = [("ferns", 0..3), ("keys", 3..5)].map(|(name, texts)| {
            let entries: Vec<Entry> = texts.map(|at| entry(at as u64, TEXTS[at])).collect();
            Arc::new(Segment::build(name, &entries).expect("the texts can be indexed"))
        });
        Index::join(segments.to_vec()).expect("two datanets")
    })
}

fn entry(sequence: u64, text: &str) -> Entry {
    let contribution = Contribution {
        external_id: format!("text/{sequence}"),
        title: "A text".into(),
        text: text.to_owned(),
        authors: vec![AuthorRef { name: "Ann".into(), account: None }],
        others: vec![],
        license: "CC0-1.0".into(),
        source: String::new(),
    };
    Entry { sequence, contribution }
}
