//! `openledger receipt`: fetch, show, verify offline, and recompute from public snapshots (`recompute`).

mod context;
mod recompute;
mod vectors;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use openledger_chain::{InclusionProof, NetworkIdentity, verify_inclusion};
use openledger_inference::Material;
use openledger_receipt::{
    Committed, NetworkRef, Predicate, ProvenRecord, ReceiptFile, Report, ShareFacts, verify,
};
use openledger_types::Hash;
use serde_json::{Value, json};

pub use self::recompute::passages;
use super::Session;
use crate::cli::ReceiptCommand;
use crate::files;
use crate::output::indent;

pub async fn run(session: &Session, command: ReceiptCommand) -> Result<()> {
    match command {
        ReceiptCommand::Fetch { id, out, key } => fetch(session, &id, out, key).await,
        ReceiptCommand::Show { file } => show(session, &file),
        ReceiptCommand::Verify { file, network } => {
            let network = network.unwrap_or_else(|| session.dir.join("network.json"));
            verify_file(session, &file, &network)
        }
        ReceiptCommand::Recompute { file, index, network, model, adapter } => {
            let network = network.unwrap_or_else(|| session.dir.join("network.json"));
            let computed = context::Computed { model, adapter };
            recompute::run(session, &file, (&index, &computed), &network).await
        }
    }
}

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
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
    let stated = file.statement()?;
    let served = &stated.predicate().served;
    match (served.numeric_specification, served.weights.is_unknown()) {
        (0, true) => println!("  nothing stands behind which model answered: that is the provider's word"),
        (0, false) => println!("  the provider's word is that the weights {} answered", served.weights),
        _ => {}
    }
    println!(
        "  {} prompt and {} completion tokens",
        statement["usage"]["prompt_tokens"], statement["usage"]["completion_tokens"]
    );
    if let Some(opening) = &file.opening {
        println!("  answer:\n{}", indent(&opening.answer, "    "));
    }
    for line in shares(file.statement()?.predicate()) {
        println!("  {line}");
    }
    println!("{}", serde_json::to_string_pretty(&statement["settlement"])?);
    println!("Check it with `openledger receipt verify {}`", path.display());
    Ok(())
}

/// One line for each share: its part of the answer, and what of it is for help in the context.
fn shares(predicate: &Predicate) -> Vec<String> {
    let Predicate { attribution, served, response, .. } = predicate;
    let context = attribution.context_weights(served, response).unwrap_or_default();
    let part = |weight: u64| {
        let points = u128::from(weight) * 10_000 / u128::from(attribution.total.max(1));
        format!("{}.{:02} %", points / 100, points % 100)
    };
    let line = |(place, share): (usize, &ShareFacts)| {
        let ShareFacts { datanet, contribution, weight } = share;
        let context = context.get(place).copied().unwrap_or(0);
        let helped = match context {
            0 => String::new(),
            _ => format!(", {} of the answer for help in the context and the rest for words", part(context)),
        };
        format!("{} for contribution {contribution} of {datanet}{helped}", part(*weight))
    };
    attribution.shares.iter().enumerate().map(line).collect()
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
    Ok(check(&read(path)?, identity))
}

/// Verifies the bytes of a receipt file.
pub fn check(bytes: &[u8], identity: &NetworkIdentity) -> Report {
    let reference = NetworkRef { chain_id: identity.chain_id, genesis: Hash(identity.genesis_hash.0) };
    verify(bytes, &reference, &|proof| check_proof(identity, proof), &read_material)
}

/// What an answer is replayed from, if its tokens and its evidence belong together.
fn read_material(bytes: &[u8]) -> Result<Committed, String> {
    let material = Material::from_bytes(bytes).map_err(|error| error.to_string())?;
    material.check().map_err(|error| error.to_string())?;
    let count = |tokens: &[u32]| u32::try_from(tokens.len()).unwrap_or(u32::MAX);
    let evidence = &material.evidence;
    Ok(Committed {
        commitment: evidence.commitment.to_string(),
        salt: material.salt.0,
        weights: Hash(evidence.adapter.unwrap_or(evidence.model_sha256).0),
        numeric_specification: evidence.numeric_specification,
        prompt_tokens: count(&material.prompt),
        completion_tokens: count(&material.output),
        windows: evidence.windows(),
    })
}

fn accepted(path: &Path, report: &Report) -> Result<()> {
    match report.refusal() {
        None => Ok(()),
        Some(check) => bail!("{} is refused: {}: {}", path.display(), check.name, check.detail),
    }
}

/// The identity of a network.
pub fn read_identity(path: &Path) -> Result<NetworkIdentity> {
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
