//! An attribution in the receipt's words, and what of it must hold whatever the index was. Absent: which shares can be
//! paid, which only the ledger's records say.

use std::collections::BTreeMap;

use openledger_attribution::{Attribution, SourceRef, Span};
use openledger_types::ContributionId;

use crate::context::{Division, Key, VERBATIM};
use crate::{AttributionFacts, PassageRef, ResponseFacts, RunFacts, ServedFacts, ShareFacts, SpanFacts};

impl AttributionFacts {
    /// What a receipt says of an attribution when every share of it is paid.
    pub fn of(attribution: &Attribution) -> Self {
        let mut shares: Vec<ShareFacts> = attribution
            .shares
            .iter()
            .filter_map(|share| {
                let contribution = ContributionId(share.contribution.0);
                Some(ShareFacts { datanet: share.datanet.parse().ok()?, contribution, weight: share.mass })
            })
            .collect();
        shares.sort_by(|one, two| (&one.datanet, one.contribution).cmp(&(&two.datanet, two.contribution)));
        Self {
            method: VERBATIM.to_owned(),
            version: attribution.version,
            unigrams: attribution.unigrams,
            total: attribution.total,
            common: attribution.common,
            unattributed: attribution.unattributed,
            spans: attribution.spans.iter().map(SpanFacts::of).collect(),
            shares,
            context: None,
        }
    }

    /// The weight that pays no contribution: what nothing explains, and what is common.
    pub fn unpaid(&self) -> u64 {
        self.unattributed.saturating_add(self.common)
    }

    /// Whether the common mass and each share are what spans, values and mixes make them. An owner that has no share cannot
    /// be paid, and its weight is unattributed.
    ///
    /// # Errors
    /// One sentence for the first mass that is another.
    pub(crate) fn check_masses(&self, served: &ServedFacts, response: &ResponseFacts) -> Result<(), String> {
        let Division { weights, common } = self.divide(served, response)?;
        if common != self.common {
            return Err(format!("the common spans weigh {common}, not {}", self.common));
        }
        for ShareFacts { datanet, contribution, weight } in &self.shares {
            let mass = weights.get(&(datanet.clone(), *contribution)).map_or(0, |weight| weight.sum);
            if mass != *weight {
                let what = if self.context.is_some() { "spans and passages" } else { "spans" };
                return Err(format!(
                    "the {what} of contribution {contribution} of {datanet} weigh {mass}, not {weight}"
                ));
            }
        }
        Ok(())
    }

    /// What the spans of each owner weigh, and the common ones.
    ///
    /// # Errors
    /// One sentence for the first span whose mass cannot be.
    pub(crate) fn span_masses(&self) -> Result<(BTreeMap<Key, u64>, u64), String> {
        let (mut common, mut owned) = (0u64, BTreeMap::<Key, u64>::new());
        for span in &self.spans {
            let place = || format!("the span at bytes {} to {}", span.start, span.end);
            if span.mass == 0 {
                return Err(format!("{} has won no words", place()));
            }
            let sum = match span.sources.first() {
                Some(owner) => owned.entry((owner.datanet.clone(), owner.contribution)).or_default(),
                None if span.common => &mut common,
                None => return Err(format!("{} has no source and is not common", place())),
            };
            *sum =
                sum.checked_add(span.mass).ok_or_else(|| format!("the mass of {} is too large", place()))?;
        }
        Ok((owned, common))
    }
}

impl SpanFacts {
    /// Where it stands among the spans of a receipt: those with edits behind the one without, then by their owners.
    pub(crate) fn place(&self) -> (u64, u64, Option<(u64, Option<ContributionId>)>) {
        let owner = (self.committed, self.sources.first().map(|owner| owner.contribution));
        (self.start, self.end, (self.edits > 0).then_some(owner))
    }

    /// Whether its edits and matched runs are those of a span with edits, or there are none.
    pub(crate) fn has_good_runs(&self) -> bool {
        let Some((first, last)) = self.matched.first().zip(self.matched.last()) else {
            return self.edits == 0;
        };
        let is_apart = self.matched.windows(2).all(|pair| pair[0].end <= pair[1].start);
        let is_few = self.matched.len() as u64 <= self.edits.saturating_add(1);
        let is_one_text = self.count == 1 && self.clusters == 1 && !self.common && self.sources.len() == 1;
        self.edits > 0
            && is_apart
            && is_few
            && is_one_text
            && self.matched.iter().all(|run| run.start < run.end)
            && (first.start, last.end) == (self.start, self.end)
    }

    fn of(span: &Span) -> Self {
        Self {
            start: span.bytes.start,
            end: span.bytes.end,
            value: span.value,
            mass: span.mass,
            count: span.count,
            clusters: span.clusters,
            common: span.is_common,
            committed: span.committed,
            edits: span.edits,
            matched: span
                .matched
                .iter()
                .map(|run| RunFacts { start: run.bytes.start, end: run.bytes.end })
                .collect(),
            sources: span.sources.iter().filter_map(PassageRef::of).collect(),
        }
    }
}

impl PassageRef {
    /// `None` when the datanet's name is no name, which no sealed datanet has.
    fn of(source: &SourceRef) -> Option<Self> {
        Some(Self {
            datanet: source.datanet.parse().ok()?,
            contribution: ContributionId(source.contribution.0),
            start: source.bytes.start,
            end: source.bytes.end,
        })
    }
}
