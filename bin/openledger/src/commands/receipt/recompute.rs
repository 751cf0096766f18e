//! `openledger receipt recompute`: the answer attributed again, the price split again, and every integer compared.
//!
//! The indexes that the receipt names are taken from a folder: from segments as they are, by their roots, or built again
//! from sealed snapshots. Absent: what is compared (`openledger-receipt`), and how help in the context is worked out
//! (`context`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use openledger_attribution::{Index, Segment, attribute};
use openledger_chain::NetworkIdentity;
use openledger_datanet::SealedSnapshot;
use openledger_ledger::{DataTerms, StateKey};
use openledger_receipt::{AttributionFacts, Predicate, ReceiptFile, SnapshotRef, recompute};
use openledger_retrieval::Passage;
use openledger_types::record::{ContributionRecord, ModelRecord, OwnerRecord};
use openledger_types::{
    AccountId, BasisPoints, ContributionId, Hash, Name, Parameters, Royalty, codec, limits,
};
use serde_json::json;

use super::context::{self, Computed, Sources};
use super::vectors;
use super::{accepted, check_file, check_proof, read, read_identity};
use crate::commands::Session;
use crate::commands::index::segments_in;
use crate::node::library::read_snapshot;

/// Attributes the answer again, splits the price again, and compares every integer.
pub async fn run(
    session: &Session,
    path: &Path,
    (folder, computed): (&Path, &Computed),
    network: &Path,
) -> Result<()> {
    let identity = read_identity(network)?;
    accepted(path, &check_file(path, &identity)?)?;
    let file = ReceiptFile::from_bytes(&read(path)?)?;
    let statement = file.statement()?;
    let predicate = statement.predicate();
    let Some(opening) = &file.opening else {
        bail!(
            "{} has no texts, so its answer cannot be traced again; fetch it with the API key that asked",
            path.display()
        );
    };
    let named = Named::find(predicate, folder)?;
    let index = Index::join(named.segments)?;
    let verbatim = AttributionFacts::of(&attribute(&opening.answer, &index)?);
    let records = proven_records(&file, &identity)?;
    let sources = Sources { index: &index, records: &records, computed };
    let (attribution, likelihoods) = context::mixed(predicate, opening, verbatim, &sources)?;
    let (parameters, lineage) = terms(&records, predicate)?;
    let data_terms = |datanet: &Name, contribution: &ContributionId| {
        proven_terms(&records, datanet, contribution)
            .or_else(|| authors_equally(&named.snapshots, datanet, contribution))
    };
    let outcome = recompute(predicate, &attribution, Hash(index.root()), &parameters, &lineage, &data_terms);
    let mut differences = outcome.err().unwrap_or_default();
    let vectors = vectors::differences(predicate, opening).await?;
    let has_vectors = vectors.is_some();
    differences.extend(vectors.into_iter().flatten());
    if session.json {
        session.print_json(&json!({ "ok": differences.is_empty(), "differences": differences, "shares": attribution.shares, "likelihoods": likelihoods }));
    } else if differences.is_empty() {
        println!(
            "{} {}: {} spans, {} shares, {} of {} common or unattributed, and every payout, computed again from {} public snapshots: the same integers",
            session.paint.green("✓"),
            path.display(),
            attribution.spans.len(),
            attribution.shares.len(),
            attribution.unpaid(),
            attribution.total,
            index.segments().len()
        );
        if has_vectors {
            println!("    the vectors made again from the texts: the same bits, tokens and commitment");
        }
        if let Some(said) = likelihoods.said(attribution.context.as_ref()) {
            println!("    {said}");
        }
    }
    if !differences.is_empty() {
        bail!("{} does not recompute: {}", path.display(), differences.join("; "));
    }
    Ok(())
}

/// The passages that a receipt names, from the indexes of the folder; a receipt without any needs no folder.
pub fn passages(predicate: &Predicate, folder: &Path) -> Result<Vec<Passage>> {
    if predicate.served.retrieval.is_empty() {
        return Ok(Vec::new());
    }
    let index = Index::join(Named::find(predicate, folder)?.segments)?;
    context::passages(&index, predicate)
}

/// The indexes that a receipt names.
struct Named {
    segments: Vec<Arc<Segment>>,
    /// The snapshots of those that were built again.
    snapshots: BTreeMap<Name, Arc<SealedSnapshot>>,
}

impl Named {
    /// Those of the folder, by the roots that the receipt names. A segment with the right root spares building.
    fn find(predicate: &Predicate, folder: &Path) -> Result<Self> {
        // What names no snapshot needs no folder.
        let found = if predicate.served.snapshots.is_empty() { Vec::new() } else { segments_in(folder)? };
        let mut ready: BTreeMap<[u8; 32], Segment> =
            found.into_iter().map(|segment| (segment.root(), segment)).collect();
        let mut named = Self { segments: Vec::new(), snapshots: BTreeMap::new() };
        for snapshot in &predicate.served.snapshots {
            let is_of = |segment: &Segment| segment.datanet() == snapshot.datanet.as_str();
            if let Some(segment) = ready.remove(&snapshot.index_root.0).filter(is_of) {
                named.segments.push(Arc::new(segment));
                continue;
            }
            let (sealed, segment) = rebuilt(snapshot, folder)?;
            named.segments.push(segment);
            named.snapshots.insert(snapshot.datanet.clone(), sealed);
        }
        Ok(named)
    }
}

/// The sealed snapshot in the folder that the receipt names, and its index, built again.
fn rebuilt(named: &SnapshotRef, folder: &Path) -> Result<(Arc<SealedSnapshot>, Arc<Segment>)> {
    let SnapshotRef { datanet, version, root, index_root, .. } = named;
    let path = folder.join(format!("{datanet}.v{version}.jsonl"));
    let manifest = std::fs::read(&path).with_context(|| {
        format!(
            "{} cannot be read, and no segment in {} is of {datanet} with the root {index_root} that the receipt \
             names; write either with `openledger datanet export {datanet} --segments --out {1}`",
            path.display(),
            folder.display(),
        )
    })?;
    let sealed = read_snapshot(datanet.as_str(), *version, &manifest)?;
    if Hash(sealed.snapshot.root()) != *root {
        bail!(
            "{} has another root than the receipt names; it is another version or was changed",
            path.display()
        );
    }
    Ok((sealed.snapshot, sealed.segment))
}

/// On which terms the ledger pays a contribution, as the receipt proves.
fn proven_terms(
    records: &BTreeMap<Vec<u8>, Vec<u8>>,
    datanet: &Name,
    contribution: &ContributionId,
) -> Option<DataTerms> {
    let key = StateKey::Contribution(datanet.clone(), *contribution);
    record::<ContributionRecord>(records, &key).ok().map(DataTerms::from)
}

/// For a contribution of which the receipt proves nothing: co-authors share equally, as a datanet imports them.
fn authors_equally(
    snapshots: &BTreeMap<Name, Arc<SealedSnapshot>>,
    datanet: &Name,
    contribution: &ContributionId,
) -> Option<DataTerms> {
    let entry = snapshots.get(datanet)?.find(&openledger_datanet::ContributionId(contribution.0))?;
    let owners: Option<Arc<[OwnerRecord]>> = entry
        .contribution
        .authors
        .iter()
        .map(|author| Some(OwnerRecord { account: AccountId(author.account?), parts: 1 }))
        .collect();
    Some(DataTerms { owners: owners?, factor: BasisPoints::WHOLE })
}

/// Records that the receipt carries with proofs, by state key.
fn proven_records(file: &ReceiptFile, identity: &NetworkIdentity) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let Some(inclusion) = &file.inclusion else {
        bail!("the receipt is not settled yet; fetch it again in a moment");
    };
    inclusion
        .proofs
        .iter()
        .map(|proof| {
            let proven = check_proof(identity, proof).map_err(anyhow::Error::msg)?;
            Ok((proven.key, proven.value))
        })
        .collect()
}

fn terms(records: &BTreeMap<Vec<u8>, Vec<u8>>, predicate: &Predicate) -> Result<(Parameters, Vec<Royalty>)> {
    let parameters = record::<Parameters>(records, &StateKey::Parameters)?;
    let model = record::<ModelRecord>(records, &StateKey::Model(predicate.served.model.clone()))?;
    Ok((parameters, model.lineage))
}

pub fn record<T: borsh::BorshDeserialize>(records: &BTreeMap<Vec<u8>, Vec<u8>>, key: &StateKey) -> Result<T> {
    let bytes =
        records.get(&key.encode()).with_context(|| format!("the receipt proves no record under {key:?}"))?;
    Ok(codec::decode("record", bytes, limits::RECORD_BYTES_MAX)?)
}
