//! The result: spans with their sources, shares that sum exactly, and how it is shown and checked again.
//! Absent: names and accounts of authors; who shows or pays looks the contribution up.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_datanet::{ClusterId, ContributionId, words};
use serde::{Deserialize, Serialize};

use crate::index::Index;
use crate::parameters::{ATTRIBUTION_VERSION, NEAR_EDITS_MAX, SPAN_SOURCES_MAX, UNIGRAMS_VERSION};
use crate::score::{common_mass, shares_of, winning_spans};
use crate::spans::{OutputError, attribute};
use crate::unigrams::Unigrams;

/// A range of bytes, end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByteRange {
    /// The first byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

/// A range of words, end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordRange {
    /// The first word.
    pub start: u64,
    /// One past the last word.
    pub end: u64,
}

/// Words of a near-verbatim span that are its source's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchedRun {
    /// The bytes of the output.
    pub bytes: ByteRange,
    /// The words of the output.
    pub words: WordRange,
}

/// Where a span stands in one contribution.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRef {
    /// The cluster.
    pub cluster: ClusterId,
    /// The cluster's earliest commitment.
    pub contribution: ContributionId,
    /// The datanet of that commitment.
    pub datanet: String,
    /// The bytes of the contribution's text.
    pub bytes: ByteRange,
}

/// A run of words that the output shares with sealed texts, as long as the text that owns it goes on as the output does.
/// Spans of several owners may cross and lie inside each other.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The bytes of the output.
    pub bytes: ByteRange,
    /// The words of the output.
    pub words: WordRange,
    /// How surprising it is beyond the threshold, in 2^-16 nat.
    pub value: u64,
    /// The weight of the words that went to this span, in 2^-16 nat.
    pub mass: u64,
    /// How often it occurs in the indexed texts.
    pub count: u64,
    /// How many distinct clusters hold it; of a common span, how many more than enough.
    pub clusters: u64,
    /// Whether it occurs in too many clusters to be attributed; it has no sources then.
    pub is_common: bool,
    /// The number of the earliest commitment that holds it, which owns it; 0 of a common span.
    pub committed: u64,
    /// How many edits of words lead from its source to the output; 0 when it stands there word for word.
    pub edits: u64,
    /// Of a span with edits, the runs of words that are its source's, in order; no two of them touch. Of others none.
    pub matched: Vec<MatchedRun>,
    /// One source for each cluster, in the order of commitment, no more than
    /// [`SPAN_SOURCES_MAX`](crate::parameters::SPAN_SOURCES_MAX) of them. The first receives the mass.
    pub sources: Vec<SourceRef>,
}

/// What one cluster receives.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The cluster.
    pub cluster: ClusterId,
    /// The cluster's earliest commitment, whose authors are paid.
    pub contribution: ContributionId,
    /// The datanet of that commitment.
    pub datanet: String,
    /// Its part of the output's weight, in 2^-16 nat.
    pub mass: u64,
}

/// Which texts an output reuses, and how much each counts. `shares`, `common` and `unattributed` sum to `total`.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribution {
    /// [`ATTRIBUTION_VERSION`].
    pub version: u16,
    /// The version of the table that the weights of words come from.
    pub unigrams: u16,
    /// The root of the index that was searched.
    #[serde(with = "root_text")]
    pub index_root: [u8; 32],
    /// The spans that won words, in the order of the output.
    pub spans: Vec<Span>,
    /// The shares, the largest first, equal ones by cluster.
    pub shares: Vec<Share>,
    /// The mass of common spans: what so many hold that it is nobody's.
    pub common: u64,
    /// What nobody explains.
    pub unattributed: u64,
    /// The weight of all words of the output.
    pub total: u64,
}

/// A root as `0x` and digits in JSON, as the ids are.
mod root_text {
    use openledger_datanet::ClusterId;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(root: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        ClusterId(*root).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        ClusterId::deserialize(deserializer).map(|root| root.0)
    }
}

/// What is inconsistent in an attribution, whatever the output was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttributionFault {
    /// It is of a version that this program does not know.
    #[error(
        "the attribution is of version {found}, not {ATTRIBUTION_VERSION}; verify it with a program of that version"
    )]
    Version {
        /// Its version.
        found: u16,
    },
    /// Its weights come from a table that this program does not have.
    #[error(
        "the attribution weighs words by table {found}, not {UNIGRAMS_VERSION}; verify it with a program that has it"
    )]
    Unigrams {
        /// The version of its table.
        found: u16,
    },
    /// The spans are not in canonical order, or one is empty or has sources although it is common.
    #[error("the spans are not in canonical form; the attribution is damaged")]
    Spans,
    /// The shares or the common mass are not what the spans give.
    #[error("the shares are not the masses of the spans; the attribution is damaged")]
    Shares,
    /// Shares, common and unattributed mass do not make up the whole.
    #[error(
        "the shares, the common and the unattributed mass do not sum to the total; the attribution is damaged"
    )]
    Sum,
}

/// Why an attribution is not the one that the index gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecomputeError {
    /// The index is another one.
    #[error("the attribution was made with another index; load the snapshots that it names")]
    OtherIndex,
    /// The output itself cannot be attributed.
    #[error(transparent)]
    Output(OutputError),
    /// The result differs.
    #[error("the recomputed {field} differ from the claimed; dispute the receipt")]
    Differs {
        /// What differs first: "spans", "shares", "common masses", "unattributed masses" or "totals".
        field: &'static str,
    },
}

/// Attributes the output again and compares every integer.
///
/// # Errors
/// Another index, an output beyond the limits, or the first part that differs.
pub fn recompute(output: &str, index: &Index, claimed: &Attribution) -> Result<(), RecomputeError> {
    let said = (claimed.index_root, claimed.version, claimed.unigrams);
    if said != (index.root(), ATTRIBUTION_VERSION, UNIGRAMS_VERSION) {
        return Err(RecomputeError::OtherIndex);
    }
    let found = attribute(output, index).map_err(RecomputeError::Output)?;
    let rows = [
        ("spans", found.spans == claimed.spans),
        ("shares", found.shares == claimed.shares),
        ("common masses", found.common == claimed.common),
        ("unattributed masses", found.unattributed == claimed.unattributed),
        ("totals", found.total == claimed.total),
    ];
    match rows.into_iter().find(|(_, is_equal)| !is_equal) {
        Some((field, _)) => Err(RecomputeError::Differs { field }),
        None => Ok(()),
    }
}

/// A run of the output's text, and the span that won it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSegment {
    /// The bytes of the output.
    pub bytes: ByteRange,
    /// The position in [`Attribution::spans`]; `None` between spans.
    pub span: Option<usize>,
}

impl Span {
    /// Whether it is a span that an attribution may hold, whatever the output was.
    fn is_canonical(&self) -> bool {
        let is_run = self.words.start < self.words.end && self.bytes.start < self.bytes.end;
        let shown = self.sources.len();
        let names_sources = if self.is_common {
            shown == 0 && self.committed == 0
        } else {
            shown > 0 && shown as u64 == self.clusters.min(SPAN_SOURCES_MAX as u64)
        };
        let is_exact = self.edits == 0 && self.matched.is_empty();
        is_run && self.mass > 0 && self.value > 0 && names_sources && (is_exact || self.is_near())
    }

    /// Whether its matched runs are those of a near span: inside it from end to end, apart from each other, and no more
    /// than its edits leave.
    fn is_near(&self) -> bool {
        let is_run = |run: &MatchedRun| run.words.start < run.words.end && run.bytes.start < run.bytes.end;
        let rises = |pair: &[MatchedRun]| {
            pair[0].words.end < pair[1].words.start && pair[0].bytes.end <= pair[1].bytes.start
        };
        let ends = self.matched.first().zip(self.matched.last()).is_some_and(|(first, last)| {
            (first.words.start, first.bytes.start) == (self.words.start, self.bytes.start)
                && (last.words.end, last.bytes.end) == (self.words.end, self.bytes.end)
        });
        let is_one_text = self.count == 1 && self.clusters == 1 && !self.is_common;
        let is_few =
            (1..=NEAR_EDITS_MAX).contains(&self.edits) && self.matched.len() as u64 <= self.edits + 1;
        is_one_text && is_few && ends && self.matched.iter().all(is_run) && self.matched.windows(2).all(rises)
    }

    /// Where it stands among the spans of an attribution.
    pub(crate) fn place(&self) -> impl Ord + use<> {
        let owner = self.sources.first().filter(|_| self.edits > 0).map(|owner| owner.contribution);
        (self.words.start, self.words.end, !self.is_common, owner.map(|owner| (self.committed, owner)))
    }
}

impl Attribution {
    /// Checks what can be checked without output and index: versions, the form of the spans, that shares and common mass
    /// are the spans' masses, and the sum.
    ///
    /// # Errors
    /// The first thing that is inconsistent.
    pub fn check(&self) -> Result<(), AttributionFault> {
        if self.version != ATTRIBUTION_VERSION {
            return Err(AttributionFault::Version { found: self.version });
        }
        if self.unigrams != UNIGRAMS_VERSION {
            return Err(AttributionFault::Unigrams { found: self.unigrams });
        }
        let rises = |pair: &[Span]| pair[0].place() < pair[1].place();
        if !self.spans.iter().all(Span::is_canonical) || !self.spans.windows(2).all(rises) {
            return Err(AttributionFault::Spans);
        }
        if self.shares != shares_of(&self.spans) || self.common != common_mass(&self.spans) {
            return Err(AttributionFault::Shares);
        }
        let attributed = self.shares.iter().try_fold(self.common, |sum, share| sum.checked_add(share.mass));
        if attributed.and_then(|sum| sum.checked_add(self.unattributed)) != Some(self.total) {
            return Err(AttributionFault::Sum);
        }
        Ok(())
    }

    /// Cuts the output into runs in order, each with the span that won it, for highlighting. They cover every byte.
    /// White space and punctuation between two words of one span belong to it.
    pub fn segments(&self, output: &str) -> Vec<TextSegment> {
        let weigh = |word: &str| Unigrams::frozen().weight(&words::fold(word));
        let (places, weights): (Vec<_>, Vec<u64>) =
            words::words(output).map(|(range, word)| (range, weigh(word))).unzip();
        let mut segments: Vec<TextSegment> = Vec::new();
        let mut push = |start: usize, end: usize, span: Option<usize>| {
            let (start, end) = (start as u64, end as u64);
            match segments.last_mut() {
                Some(last) if last.span == span => last.bytes.end = end,
                _ if start == end => {}
                _ => segments.push(TextSegment { bytes: ByteRange { start, end }, span }),
            }
        };
        let winners = winning_spans(&self.spans, &weights);
        let (mut reached, mut previous) = (0, None);
        for (place, winner) in places.into_iter().zip(winners) {
            let gap = if winner == previous { winner } else { None };
            push(reached, place.start, gap);
            push(place.start, place.end, winner);
            (reached, previous) = (place.end, winner);
        }
        push(reached, output.len(), None);
        segments
    }
}
