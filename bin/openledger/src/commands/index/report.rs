//! What `index attribute` answers: the attribution with its sources' names and authors, as one JSON object.
//!
//! Masses are exact and sum: `shares`, `common` and `unattributed` to `total`, those of `contributors` to those of `shares`
//! (co-authors equally, what does not divide to the first). Basis points are of `total` and floored. Absent: money.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use openledger_attribution::parameters::SPAN_CLUSTERS_MAX;
use openledger_attribution::{
    Attribution, ByteRange, ClusterId, ContributionId, Index, MatchedRun, Segment, SourceRef, WordRange,
    documents_with,
};
use openledger_datanet::{AuthorRef, Contribution, split_equally};
use serde::Serialize;
use serde_json::Value;

use super::folder::shown_root;

#[derive(Debug, Serialize)]
pub struct Report {
    /// What the line of a batch is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    pub version: u16,
    pub unigrams: u16,
    pub index_root: String,
    /// The roots of the segments that `spans` name.
    pub segment_roots: BTreeMap<String, String>,
    pub spans: Vec<SpanLine>,
    pub shares: Vec<ShareLine>,
    pub contributors: Vec<ContributorLine>,
    pub common: u64,
    pub common_basis_points: u64,
    pub unattributed: u64,
    pub unattributed_basis_points: u64,
    pub total: u64,
    pub timings: Timings,
    /// For whom shows it.
    #[serde(skip)]
    pub attribution: Attribution,
}

/// Masses and values are in 2^-16 nat.
#[derive(Debug, Serialize)]
pub struct SpanLine {
    pub bytes: ByteRange,
    pub words: WordRange,
    pub text: String,
    /// Occurrences, indexed texts that hold it, and distinct clusters of these. Of a common span the last two stop at one
    /// more than makes it common.
    pub count: u64,
    pub documents: u64,
    pub clusters: u64,
    pub value: u64,
    pub mass: u64,
    pub common: bool,
    /// By how many edits it differs from its source: none when it stands there word for word.
    pub edits: u64,
    /// Where there are edits, the words that are its source's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<MatchedRun>,
    /// In the order of commitment; the first receives the mass.
    pub sources: Vec<SourceLine>,
}

#[derive(Debug, Serialize)]
pub struct SourceLine {
    #[serde(flatten)]
    pub named: Named,
    /// In its text.
    pub bytes: ByteRange,
}

/// A contribution by its names.
#[derive(Debug, Clone, Serialize)]
pub struct Named {
    pub contribution: ContributionId,
    pub cluster: ClusterId,
    pub datanet: String,
    pub external_id: String,
    pub title: String,
    pub license: String,
    pub source: String,
    pub contributors: Vec<AuthorRef>,
}

#[derive(Debug, Serialize)]
pub struct ShareLine {
    #[serde(flatten)]
    pub named: Named,
    pub mass: u64,
    pub basis_points: u64,
}

#[derive(Debug, Serialize)]
pub struct ContributorLine {
    #[serde(flatten)]
    pub contributor: AuthorRef,
    pub mass: u64,
    pub basis_points: u64,
}

/// In microseconds: opening the index (once for a batch), finding spans and shares, naming their sources, and the last two
/// together.
#[derive(Debug, Default, Serialize)]
pub struct Timings {
    pub open_us: u64,
    pub attribute_us: u64,
    pub sources_us: u64,
    pub total_us: u64,
}

pub fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

impl Report {
    pub fn of(output: &str, found: Attribution, index: &Index, directory: &Directory<'_>) -> Result<Self> {
        let runs: Vec<WordRange> = found.spans.iter().map(|span| span.words).collect();
        let documents = documents_with(output, &runs, index, SPAN_CLUSTERS_MAX + 1)?;
        let mut spans = Vec::with_capacity(found.spans.len());
        for (span, documents) in found.spans.iter().zip(documents) {
            let sources = span.sources.iter().map(|source| {
                let SourceRef { cluster, contribution, ref datanet, bytes } = *source;
                Ok(SourceLine { named: directory.named(datanet, contribution, cluster)?, bytes })
            });
            spans.push(SpanLine {
                bytes: span.bytes,
                words: span.words,
                text: place(span.bytes).and_then(|place| output.get(place)).unwrap_or_default().to_owned(),
                count: span.count,
                documents: if span.edits > 0 { span.clusters } else { documents },
                clusters: span.clusters,
                value: span.value,
                mass: span.mass,
                common: span.is_common,
                edits: span.edits,
                matched: span.matched.clone(),
                sources: sources.collect::<Result<_>>()?,
            });
        }
        let basis_points = |mass: u64| basis_points(mass, found.total);
        let shares: Vec<ShareLine> = found
            .shares
            .iter()
            .map(|share| {
                let named = directory.named(&share.datanet, share.contribution, share.cluster)?;
                Ok(ShareLine { named, mass: share.mass, basis_points: basis_points(share.mass) })
            })
            .collect::<Result<_>>()?;
        let named: BTreeSet<&str> =
            spans.iter().flat_map(|span| &span.sources).map(|source| source.named.datanet.as_str()).collect();
        let roots = index.segments().iter().filter(|segment| named.contains(segment.datanet()));
        Ok(Self {
            id: None,
            version: found.version,
            unigrams: found.unigrams,
            index_root: shown_root(found.index_root),
            segment_roots: roots.map(|s| (s.datanet().to_owned(), shown_root(s.root()))).collect(),
            contributors: contributors(&shares, found.total),
            common_basis_points: basis_points(found.common),
            unattributed_basis_points: basis_points(found.unattributed),
            common: found.common,
            unattributed: found.unattributed,
            total: found.total,
            spans,
            shares,
            timings: Timings::default(),
            attribution: found,
        })
    }
}

/// A byte range as a place in memory.
pub fn place(bytes: ByteRange) -> Option<std::ops::Range<usize>> {
    Some(usize::try_from(bytes.start).ok()?..usize::try_from(bytes.end).ok()?)
}

fn basis_points(mass: u64, total: u64) -> u64 {
    let points = u128::from(mass) * 10_000 / u128::from(total.max(1));
    u64::try_from(points).unwrap_or(u64::MAX)
}

/// Who wrote what was reused, the most first, equal ones by name. Accounts tell apart, and names those without one.
fn contributors(shares: &[ShareLine], total: u64) -> Vec<ContributorLine> {
    let mut masses: BTreeMap<(Option<[u8; 20]>, String), (AuthorRef, u64)> = BTreeMap::new();
    for share in shares {
        let authors = &share.named.contributors;
        for (author, mass) in authors.iter().zip(split_equally(u128::from(share.mass), authors.len())) {
            let name = if author.account.is_some() { String::new() } else { author.name.clone() };
            let (_, sum) = masses.entry((author.account, name)).or_insert_with(|| (author.clone(), 0));
            *sum = sum.saturating_add(u64::try_from(mass).unwrap_or(u64::MAX));
        }
    }
    let mut lines: Vec<ContributorLine> = masses
        .into_values()
        .map(|(contributor, mass)| {
            let basis_points = basis_points(mass, total);
            ContributorLine { contributor, mass, basis_points }
        })
        .collect();
    lines.sort_by(|a, b| b.mass.cmp(&a.mass).then_with(|| a.contributor.name.cmp(&b.contributor.name)));
    lines
}

/// Contributions by their ids, each looked up once.
pub struct Directory<'a> {
    segments: BTreeMap<&'a str, (&'a Segment, OnceCell<Vec<(ContributionId, u32)>>)>,
    labels: RefCell<BTreeMap<(String, ContributionId), Rc<Contribution>>>,
}

/// Labels that are kept; beyond that all are read again.
const LABELS_KEPT_MAX: usize = 100_000;

impl<'a> Directory<'a> {
    pub fn new(segments: &'a [Arc<Segment>]) -> Self {
        let segments = segments.iter().map(|s| (s.datanet(), (&**s, OnceCell::new()))).collect();
        Self { segments, labels: RefCell::default() }
    }

    /// The text of a contribution.
    pub fn text(&self, datanet: &str, contribution: ContributionId) -> Result<String> {
        let (segment, document) = self.find(datanet, contribution)?;
        Ok(segment.text(document)?)
    }

    fn named(&self, datanet: &str, contribution: ContributionId, cluster: ClusterId) -> Result<Named> {
        let label = self.label(datanet, contribution)?;
        Ok(Named {
            contribution,
            cluster,
            datanet: datanet.to_owned(),
            external_id: label.external_id.clone(),
            title: label.title.clone(),
            license: label.license.clone(),
            source: label.source.clone(),
            contributors: label.authors.clone(),
        })
    }

    fn label(&self, datanet: &str, contribution: ContributionId) -> Result<Rc<Contribution>> {
        let key = (datanet.to_owned(), contribution);
        if let Some(label) = self.labels.borrow().get(&key) {
            return Ok(Rc::clone(label));
        }
        let (segment, document) = self.find(datanet, contribution)?;
        let label = Rc::new(segment.label(document)?);
        let mut labels = self.labels.borrow_mut();
        if labels.len() >= LABELS_KEPT_MAX {
            labels.clear();
        }
        labels.insert(key, Rc::clone(&label));
        Ok(label)
    }

    fn find(&self, datanet: &str, contribution: ContributionId) -> Result<(&'a Segment, usize)> {
        let lost =
            || format!("{datanet}.segment does not hold its own contribution {contribution}; build it again");
        let (segment, places) = self.segments.get(datanet).with_context(lost)?;
        let places = places.get_or_init(|| {
            let mut places: Vec<(ContributionId, u32)> = segment.contributions().zip(0..).collect();
            places.sort_unstable();
            places
        });
        let found = places.binary_search_by(|(other, _)| other.cmp(&contribution));
        let place = found.ok().map(|at| places[at].1).with_context(lost)?;
        Ok((segment, place as usize))
    }
}
