//! `openledger receipt`: fetch, show, verify offline, recompute from public snapshots.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use openledger_attribution::{Index, attribute};
use openledger_chain::{InclusionProof, NetworkIdentity, verify_inclusion};
use openledger_ledger::{DataTerms, StateKey};
use openledger_receipt::{
    AttributionFacts, NetworkRef, Predicate, ProvenRecord, ReceiptFile, Report, recompute, verify,
};
use openledger_types::record::{ContributionRecord, ModelRecord, OwnerRecord};
use openledger_types::{BasisPoints, ContributionId, Hash, Name, Parameters, Royalty, codec, limits};
use serde_json::{Value, json};

use super::Session;
use crate::cli::ReceiptCommand;
use crate::files;
use crate::node::library::{Sealed, read_snapshot};
use crate::output::indent;

pub async fn run(session: &Session, command: ReceiptCommand) -> Result<()> {
    match command {
        ReceiptCommand::Fetch { id, out, key } => fetch(session, &id, out, key).await,
        ReceiptCommand::Show { file } => show(session, &file),
        ReceiptCommand::Verify { file, network } => {
            let network = network.unwrap_or_else(|| session.dir.join("network.json"));
            verify_file(session, &file, &network)
        }
        ReceiptCommand::Recompute { file, index, network } => {
            let network = network.unwrap_or_else(|| session.dir.join("network.json"));
            recompute_file(session, &file, &index, &network)
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// The statement of a receipt file as JSON.
pub fn statement_json(file: &[u8]) -> Result<Value> {
    let statement = ReceiptFile::from_bytes(file)?.statement()?;
    Ok(serde_json::to_value(statement.predicate())?)
}

async fn fetch(session: &Session, id: &str, out: Option<PathBuf>, key: Option<String>) -> Result<()> {
    let client = session.client(key.or_else(|| session.api_key(None).ok()));
    let file = client.receipt(id).await?;
    let path = out.unwrap_or_else(|| PathBuf::from(format!("{id}.json")));
    files::write(&path, &file)?;
    let settled = ReceiptFile::from_bytes(&file)?.inclusion.is_some();
    if session.json {
        session.print_json(&json!({ "file": path, "settled": settled }));
    } else {
        println!(
            "{} ({})",
            path.display(),
            if settled { "settled" } else { "not settled yet; fetch it again in a moment" }
        );
    }
    Ok(())
}

fn show(session: &Session, path: &Path) -> Result<()> {
    let bytes = read(path)?;
    let statement = statement_json(&bytes)?;
    if session.json {
        session.print_json(&statement);
        return Ok(());
    }
    let file = ReceiptFile::from_bytes(&bytes)?;
    println!("{}", session.paint.bold(&format!("Receipt {}", statement["id"].as_str().unwrap_or_default())));
    println!("  model {} by provider {}", statement["served"]["model"], statement["served"]["provider"]);
    println!(
        "  {} prompt and {} completion tokens",
        statement["usage"]["prompt_tokens"], statement["usage"]["completion_tokens"]
    );
    if let Some(opening) = &file.opening {
        println!("  answer:\n{}", indent(&opening.answer, "    "));
    }
    println!("{}", serde_json::to_string_pretty(&statement["settlement"])?);
    println!("Check it with `openledger receipt verify {}`", path.display());
    Ok(())
}

fn verify_file(session: &Session, path: &Path, network: &Path) -> Result<()> {
    let report = check_file(path, &read_identity(network)?)?;
    if session.json {
        session.print_json(&serde_json::to_value(&report)?);
    } else {
        print_report(session, path, &report);
    }
    accepted(path, &report)
}

fn check_file(path: &Path, identity: &NetworkIdentity) -> Result<Report> {
    let reference = NetworkRef { chain_id: identity.chain_id, genesis: Hash(identity.genesis_hash.0) };
    Ok(verify(&read(path)?, &reference, &|proof| check_proof(identity, proof)))
}

fn accepted(path: &Path, report: &Report) -> Result<()> {
    match report.refusal() {
        None => Ok(()),
        Some(check) => bail!("{} is refused: {}: {}", path.display(), check.name, check.detail),
    }
}

fn read_identity(path: &Path) -> Result<NetworkIdentity> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    NetworkIdentity::from_json(&text)
        .with_context(|| format!("{} is not a network's identity", path.display()))
}

fn print_report(session: &Session, path: &Path, report: &Report) {
    println!("{}", session.paint.bold(&path.display().to_string()));
    for check in &report.checks {
        let mark = if check.ok { session.paint.green("✓") } else { session.paint.red("✗") };
        println!("  {mark} {}: {}", check.name, check.detail);
    }
    if report.ok {
        for line in &report.money_trail {
            println!("    {line}");
        }
        println!("  {}", session.paint.dim(report.notice));
    }
}

fn check_proof(identity: &NetworkIdentity, proof: &str) -> Result<ProvenRecord, String> {
    let proof = InclusionProof::from_hex(proof).map_err(|error| error.to_string())?;
    let verified = verify_inclusion(identity, &proof).map_err(|error| error.to_string())?;
    Ok(ProvenRecord {
        height: verified.height,
        timestamp_ms: verified.timestamp_ms,
        key: verified.key,
        value: verified.value,
    })
}

/// Attributes the answer again, splits the price again, and compares every integer.
fn recompute_file(session: &Session, path: &Path, folder: &Path, network: &Path) -> Result<()> {
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
    let snapshots = snapshots(predicate, folder)?;
    let segments = snapshots.values().map(|sealed| sealed.segment.clone()).collect();
    let index = Arc::new(Index::join(segments)?);
    let attribution = AttributionFacts::of(&attribute(&opening.answer, &index)?);
    let records = proven_records(&file, &identity)?;
    let (parameters, lineage) = terms(&records, predicate)?;
    let data_terms = |datanet: &Name, contribution: &ContributionId| {
        proven_terms(&records, datanet, contribution)
            .or_else(|| authors_equally(&snapshots, datanet, contribution))
    };
    let outcome = recompute(predicate, &attribution, Hash(index.root()), &parameters, &lineage, &data_terms);
    let differences = outcome.err().unwrap_or_default();
    if session.json {
        session.print_json(&json!({ "ok": differences.is_empty(), "differences": differences, "shares": attribution.shares }));
    } else if differences.is_empty() {
        println!(
            "{} {}: {} spans, {} shares, {} of {} common or unattributed, and every payout, computed again from {} public snapshots: the same integers",
            session.paint.green("✓"),
            path.display(),
            attribution.spans.len(),
            attribution.shares.len(),
            attribution.unpaid(),
            attribution.total,
            snapshots.len()
        );
    }
    if !differences.is_empty() {
        bail!("{} does not recompute: {}", path.display(), differences.join("; "));
    }
    Ok(())
}

/// The snapshots that the receipt names, by the roots that it names.
fn snapshots(predicate: &Predicate, folder: &Path) -> Result<BTreeMap<Name, Sealed>> {
    let mut found = BTreeMap::new();
    for named in &predicate.served.snapshots {
        let path = folder.join(format!("{}.v{}.jsonl", named.datanet, named.version));
        let manifest = std::fs::read(&path).with_context(|| {
            format!(
                "{} cannot be read; write it with `openledger datanet export {} --out {}`",
                path.display(),
                named.datanet,
                folder.display()
            )
        })?;
        let sealed = read_snapshot(named.datanet.as_str(), named.version, &manifest)?;
        if Hash(sealed.snapshot.root()) != named.root {
            bail!(
                "{} has another root than the receipt names; it is another version or was changed",
                path.display()
            );
        }
        found.insert(named.datanet.clone(), sealed);
    }
    Ok(found)
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
    snapshots: &BTreeMap<Name, Sealed>,
    datanet: &Name,
    contribution: &ContributionId,
) -> Option<DataTerms> {
    let sealed = snapshots.get(datanet)?;
    let entry = sealed.snapshot.find(&openledger_datanet::ContributionId(contribution.0))?;
    let owners: Option<std::sync::Arc<[OwnerRecord]>> = entry
        .contribution
        .authors
        .iter()
        .map(|author| Some(OwnerRecord { account: openledger_types::AccountId(author.account?), parts: 1 }))
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

fn record<T: borsh::BorshDeserialize>(records: &BTreeMap<Vec<u8>, Vec<u8>>, key: &StateKey) -> Result<T> {
    let bytes =
        records.get(&key.encode()).with_context(|| format!("the receipt proves no record under {key:?}"))?;
    Ok(codec::decode("record", bytes, limits::RECORD_BYTES_MAX)?)
}
