//! What a contribution says beside its text (title, authors, licence), so that a segment needs no other file to name
//! whom it pays, and its entries can be taken out again. Absent: compression (`blocks`).

use borsh::BorshDeserialize;
use openledger_datanet::{Contribution, Entry};

/// The contribution without its text.
pub(crate) fn encode(entry: &Entry) -> Vec<u8> {
    let contribution = &entry.contribution;
    let fields = (
        (&contribution.external_id, &contribution.title, &contribution.authors),
        (&contribution.others, &contribution.license, &contribution.source),
    );
    borsh::to_vec(&fields).expect("writing to memory does not fail")
}

/// Takes a contribution off the front of a block, with an empty text; `None` when there is no whole one.
pub(crate) fn decode(block: &mut &[u8]) -> Option<Contribution> {
    let ((external_id, title, authors), (others, license, source)) =
        BorshDeserialize::deserialize(block).ok()?;
    Some(Contribution { external_id, title, text: String::new(), authors, others, license, source })
}
