//! The spans of a receipt against the sealed indexes that it names, by a certificate and without the index.
//!
//! Spans with edits are claimed and not shown here: their masses must be those of the runs that the receipt names, and
//! whether they are there is found out by recomputing. Absent: whether the snapshots are sealed with these roots (`state` proves it of a settled receipt), spans that the
//! receipt leaves out, and how many distinct clusters hold a span.

use openledger_attribution::{
    ByteRange, Certificate, CertifiedSpan, ClaimedSpan, ContributionId, SealedIndex, joined_root, masses_of,
};

use super::{Step, require};
use crate::{Opening, Predicate, SpanFacts};

/// Every span of the receipt that somebody owns is shown with its value, count and owner, no other one is, and all spans
/// win the masses that the receipt says.
pub(super) fn spans(predicate: &Predicate, opening: Option<&Opening>, certificate: Option<&[u8]>) -> Step {
    let Some(bytes) = certificate else {
        return Ok("none: the spans are compared with the index by `openledger receipt recompute`".to_owned());
    };
    let Some(Opening { answer, .. }) = opening else {
        return Err("the file has a certificate and not the answer that it is of".to_owned());
    };
    let snapshots = &predicate.served.snapshots;
    let joined = joined_root(snapshots.iter().map(|snapshot| snapshot.index_root.0));
    require(joined == predicate.served.index_root.0, || {
        "the snapshots do not make up the index that the receipt names".to_owned()
    })?;
    let indexes: Vec<SealedIndex<'_>> = snapshots
        .iter()
        .map(|snapshot| SealedIndex { datanet: snapshot.datanet.as_str(), root: snapshot.index_root.0 })
        .collect();
    let certificate = Certificate::from_bytes(bytes).map_err(|fault| fault.to_string())?;
    let shown = certificate.check(&indexes, answer).map_err(|fault| fault.to_string())?;
    let spans = predicate.attribution.spans.iter();
    let owned: Vec<&SpanFacts> = spans.filter(|span| !span.common && span.edits == 0).collect();
    require(owned.len() == shown.len(), || {
        format!("the certificate shows {} spans, and the receipt owes {}", shown.len(), owned.len())
    })?;
    for (said, shown) in owned.iter().zip(&shown) {
        require(is_shown(said, shown), || {
            format!("the certificate shows the span at bytes {} to {} otherwise", said.start, said.end)
        })?;
    }
    masses(predicate, answer)?;
    let edited = predicate.attribution.spans.iter().filter(|span| span.edits > 0).count();
    let claimed = match edited {
        0 => String::new(),
        _ => format!("; {edited} with edits are claimed, and `openledger receipt recompute` compares them"),
    };
    Ok(format!(
        "{} spans stand in {} sealed indexes as the receipt says: their counts, values, owners and masses{claimed}",
        shown.len(),
        indexes.len()
    ))
}

fn is_shown(said: &SpanFacts, shown: &CertifiedSpan) -> bool {
    let owner = said.sources.first();
    let is_owner = owner.is_some_and(|owner| {
        (owner.datanet.as_str(), owner.contribution.0) == (shown.datanet.as_str(), shown.contribution.0)
    });
    let range = ByteRange { start: said.start, end: said.end };
    let facts = (range, said.value, said.count, said.committed);
    is_owner && facts == (shown.bytes, shown.value, shown.count, shown.committed)
}

/// The spans win what the receipt says, and all words weigh as much as it says.
fn masses(predicate: &Predicate, answer: &str) -> Result<(), String> {
    let facts = &predicate.attribution;
    let claimed = facts.spans.iter().map(|span| ClaimedSpan {
        bytes: ByteRange { start: span.start, end: span.end },
        value: span.value,
        owner: span.sources.first().map(|owner| (span.committed, ContributionId(owner.contribution.0))),
        edits: span.edits,
        matched: span.matched.iter().map(|run| ByteRange { start: run.start, end: run.end }).collect(),
    });
    let (masses, total) = masses_of(answer, &claimed.collect::<Vec<_>>())
        .ok_or("a span is not of whole words of the answer, or its value is not theirs")?;
    require(total == facts.total, || format!("the answer weighs {total}, not {}", facts.total))?;
    for (span, mass) in facts.spans.iter().zip(masses) {
        require(span.mass == mass, || {
            format!("the span at bytes {} to {} wins {mass}, not {}", span.start, span.end, span.mass)
        })?;
    }
    Ok(())
}
