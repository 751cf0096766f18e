//! Offline verification: given a file and the network's public identity, one [`Check`] for each step, none skipped.
//!
//! Each step looks at what the earlier ones leave open. The statement says; the signatures tie it to two keys; the state
//! proofs say that the ledger knows those keys as the gateway's, the provider's and the payer's, and which weights, snapshots,
//! owners, lineage and parameters it holds; the path ties the receipt to a settled batch. What nothing in the file can prove is
//! named in the detail of its step.
//!
//! Absent: whether the answer is true, whether the provider ran the model (a replay of the evidence finds out), and whether the
//! attribution is that of the index ([`crate::recompute()`]); a certificate shows as much for the spans that are named.

mod certificate;
mod facts;
mod material;
mod money;
mod state;

use serde::Serialize;

pub use crate::recompute::recompute;
use crate::{NetworkRef, ReceiptFile};
pub use material::Committed;
use state::Evidence;
pub use state::required_keys;

/// Shown wherever a receipt is shown.
pub const NOTICE: &str = "A receipt proves provenance and payment, not truth.";

/// The steps, in order.
const STEPS: [&str; 14] = [
    "canonical file",
    "statement",
    "network",
    "signatures",
    "texts",
    "attribution sums",
    "certificate",
    "evidence",
    "price",
    "split",
    "voucher",
    "inclusion in the batch",
    "state proofs",
    "finality",
];

/// A record that the network's validators finalized, as the function that checks chain proofs found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenRecord {
    /// Height of the block after which the state holds it.
    pub height: u64,
    /// Time of that block, milliseconds since 1970.
    pub timestamp_ms: u64,
    /// The encoded state key.
    pub key: Vec<u8>,
    /// The encoded record.
    pub value: Vec<u8>,
}

/// One step of the verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which step.
    pub name: &'static str,
    /// Whether nothing speaks against it.
    pub ok: bool,
    /// What was found, in plain words.
    pub detail: String,
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether every step holds.
    pub ok: bool,
    /// Whether the file also proves that the receipt is settled.
    pub settled: bool,
    /// Every step, in order.
    pub checks: Vec<Check>,
    /// Where the money went, in plain words; empty when a step fails.
    pub money_trail: Vec<String>,
    /// What a receipt does not prove.
    pub notice: &'static str,
}

impl Report {
    /// The check to tell of first when the file is refused: steps that need the state proofs fail with them, and the
    /// proofs say why.
    pub fn refusal(&self) -> Option<&Check> {
        let first = self.checks.iter().find(|check| !check.ok)?;
        let readable = self.checks.iter().take(2).all(|check| check.ok);
        let proofs = self.checks.iter().find(|check| check.name == "state proofs" && !check.ok);
        Some(proofs.filter(|_| readable).unwrap_or(first))
    }
}

/// The outcome of a step: what was found, or what is wrong.
type Step = Result<String, String>;

/// Verifies a file against a network. `check_proof` checks one chain proof against that network's identity and returns
/// what it establishes; `read_material` reads what an answer is replayed from, and tells what every byte of it is bound to.
pub fn verify(
    file: &[u8],
    network: &NetworkRef,
    check_proof: &dyn Fn(&str) -> Result<ProvenRecord, String>,
    read_material: &dyn Fn(&[u8]) -> Result<Committed, String>,
) -> Report {
    let receipt = match ReceiptFile::from_bytes(file) {
        Ok(receipt) => receipt,
        Err(error) => return unreadable(vec![Err(error.to_string())], "the file cannot be read"),
    };
    let read = Ok(format!("{} bytes, the only encoding of this receipt", file.len()));
    let statement = match receipt.statement() {
        Ok(statement) => statement,
        Err(error) => return unreadable(vec![read, Err(error.to_string())], "the statement cannot be read"),
    };
    let predicate = statement.predicate();
    let evidence = state::evidence(predicate, receipt.inclusion.as_ref(), check_proof);
    let steps = vec![
        read,
        facts::statement(predicate),
        facts::network(predicate, network),
        facts::signatures(&receipt.envelope, &evidence),
        facts::texts(predicate, receipt.opening.as_ref()),
        facts::attribution_sums(predicate, receipt.opening.as_ref()),
        certificate::spans(predicate, receipt.opening.as_ref(), receipt.certificate.as_deref()),
        material::evidence(predicate, receipt.opening.as_ref(), receipt.material.as_deref(), read_material),
        facts::price(predicate),
        state::split(predicate, &evidence),
        facts::voucher(predicate, &evidence),
        state::inclusion(predicate, &receipt.envelope.payload, receipt.inclusion.as_ref(), &evidence),
        state::proofs(predicate, &evidence),
        state::finality(&evidence),
    ];
    let mut report = report(steps);
    report.settled = report.ok && matches!(evidence, Evidence::Proven(_));
    if report.ok {
        report.money_trail = money::trail(predicate, &evidence);
    }
    report
}

/// A report whose later steps could not be taken.
fn unreadable(mut steps: Vec<Step>, reason: &str) -> Report {
    steps.resize(STEPS.len(), Err(format!("not checked: {reason}")));
    report(steps)
}

fn report(steps: Vec<Step>) -> Report {
    let checks: Vec<Check> = STEPS
        .into_iter()
        .zip(steps)
        .map(|(name, step)| {
            let ok = step.is_ok();
            Check { name, ok, detail: step.unwrap_or_else(|wrong| wrong) }
        })
        .collect();
    let ok = checks.len() == STEPS.len() && checks.iter().all(|check| check.ok);
    Report { ok, settled: false, checks, money_trail: Vec::new(), notice: NOTICE }
}

/// `Err(wrong)` unless `holds`.
fn require(holds: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(wrong()) }
}
