//! A text as an entry, for examples that measure.

use openledger_datanet::{AuthorRef, Contribution, Entry};

/// The entry of a text of nobody's.
pub(crate) fn entry(sequence: u64, text: &str) -> Entry {
    let contribution = Contribution {
        external_id: format!("document/{sequence}"),
        title: format!("Document {sequence}"),
        text: text.to_owned(),
        authors: vec![AuthorRef { name: "Nobody".into(), account: None }],
        others: vec![],
        license: "MIT".into(),
        source: String::new(),
    };
    Entry { sequence, contribution }
}
