//! Where the ledger says that a text stands among all commitments, and snapshots that say the same.
//!
//! Rule: an entry's sequence is [`commitment_order`] of the contribution's record. A curator writes the manifest, so a
//! node compares every entry with the ledger before it serves a snapshot: with a sequence of one's own choice a text
//! would be taken from whoever committed it to another datanet. Absent: reading the records.

use anyhow::{Context, Result, bail};
use openledger_datanet::{Contribution, Entry, commitment_order};
use openledger_types::record::ContributionRecord;

/// The place of a commitment among those of all datanets.
pub fn order_of(record: &ContributionRecord) -> Result<u64> {
    commitment_order(record.height, record.sequence).with_context(|| {
        format!(
            "{:?} is commitment {} of its datanet at height {}, more than an index can order; use another datanet",
            record.label, record.sequence, record.height
        )
    })
}

/// The entry of a contribution; nothing for one that was revoked.
pub fn entry_of(contribution: &Contribution, record: &ContributionRecord) -> Result<Option<Entry>> {
    if record.revoked_at.is_some() {
        return Ok(None);
    }
    Ok(Some(Entry { sequence: order_of(record)?, contribution: contribution.clone() }))
}

/// Refuses entries that the ledger does not have, or has at another place. `records` are the entries', in their order.
pub fn check_order(entries: &[Entry], records: &[Option<ContributionRecord>]) -> Result<()> {
    for (entry, record) in entries.iter().zip(records) {
        let label = &entry.contribution.external_id;
        let Some(record) = record else {
            bail!("{label:?} was never committed; commit it and seal the datanet again");
        };
        let order = order_of(record)?;
        if entry.sequence != order {
            bail!(
                "{label:?} stands at {} in the snapshot and at {order} on the ledger; seal the datanet again",
                entry.sequence
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use openledger_attribution::{Index, Segment, attribute};
    use openledger_datanet::{ParseOptions, parse_json_lines};
    use openledger_types::datanets::Provenance;
    use openledger_types::{BasisPoints, Hash};

    use super::*;

    const TEXT: &str =
        "Bounce keys ignore key presses that follow each other quickly, which helps whoever trembles.";

    fn contribution(id: &str, author: &str, text: &str) -> Contribution {
        let line = format!(r#"{{"id":"{id}","text":"{text}","authors":["{author}"],"license":"CC0-1.0"}}"#);
        let options =
            ParseOptions { default_license: None, default_source: "test".into(), ..ParseOptions::default() };
        parse_json_lines(line.as_bytes(), &options).unwrap().remove(0)
    }

    fn record(height: u64, sequence: u64) -> ContributionRecord {
        ContributionRecord {
            sequence,
            cluster: Hash([0; 32]),
            owners: Vec::new(),
            license: "CC0-1.0".into(),
            label: "page".into(),
            height,
            revoked_at: None,
            mature: false,
            provenance: Provenance::Unverified,
            factor: BasisPoints::WHOLE,
            contributor: None,
        }
    }

    fn segment(datanet: &str, texts: &[(Contribution, ContributionRecord)]) -> Arc<Segment> {
        let entry = |(text, record): &(Contribution, ContributionRecord)| entry_of(text, record).unwrap();
        let mut entries: Vec<Entry> = texts.iter().filter_map(entry).collect();
        entries.sort_by_key(|entry| entry.sequence);
        Arc::new(Segment::build(datanet, &entries).unwrap())
    }

    /// A text was committed as the 901st of its datanet. Whoever commits it later as the first of another one, whose
    /// name comes first too, was once its owner: each datanet counts from 0.
    #[test]
    fn a_later_datanet_cannot_take_a_text() {
        let mine = contribution("page", "Ann", TEXT);
        let victim = segment("victim", &[(mine.clone(), record(41, 900))]);
        let thief = segment("a-thief", &[(contribution("stolen", "Bob", TEXT), record(42, 0))]);
        let index = Index::join(vec![thief, victim]).unwrap();
        let found = attribute(TEXT, &index).unwrap();
        let owners: Vec<_> = found.shares.iter().map(|share| share.contribution).collect();
        assert_eq!(owners, [mine.id()]);
    }

    /// An open contribution is numbered when it is accepted, and owns its text since it was committed.
    #[test]
    fn the_commitment_counts_and_not_the_acceptance() {
        let (first, second) = (contribution("first", "Ann", TEXT), contribution("second", "Bob", TEXT));
        let texts = [(second, record(31, 4)), (first.clone(), record(30, 5))];
        let index = Index::join(vec![segment("open", &texts)]).unwrap();
        let found = attribute(TEXT, &index).unwrap();
        assert_eq!(found.shares.first().map(|share| share.contribution), Some(first.id()));
    }

    #[test]
    fn snapshots_say_what_the_ledger_says() {
        let records = [record(7, 0), record(7, 1), record(9, 2)];
        let texts = ["a", "b", "c"].map(|id| contribution(id, "Ann", TEXT));
        let entries: Vec<Entry> = texts
            .iter()
            .zip(&records)
            .map(|(text, record)| entry_of(text, record).unwrap().unwrap())
            .collect();
        let known: Vec<_> = records.iter().cloned().map(Some).collect();
        check_order(&entries, &known).unwrap();
        let mut early = entries.clone();
        early[2].sequence = 0;
        let told = check_order(&early, &known).unwrap_err().to_string();
        assert!(told.contains("\"c\" stands at 0") && told.contains("seal the datanet again"), "{told}");
        let mut unknown = known.clone();
        unknown[1] = None;
        assert!(
            check_order(&entries, &unknown).unwrap_err().to_string().contains("\"b\" was never committed")
        );
        // A revocation does not move a text, and keeps it out of what is sealed next.
        let revoked = ContributionRecord { revoked_at: Some(12), ..records[2].clone() };
        assert_eq!(entry_of(&texts[2], &revoked).unwrap(), None);
        check_order(&entries[2..], &[Some(revoked)]).unwrap();
        assert!(order_of(&record(1 << 40, 0)).unwrap_err().to_string().contains("use another datanet"));
    }
}
