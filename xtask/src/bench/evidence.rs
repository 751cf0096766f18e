//! `cargo xtask bench evidence`: cheats by the windows in which an audit finds them, honest windows without an alarm, and what
//! committing costs.
//!
//! Rule: of 10,000 honest windows as many as `--windows` says are of the packaged model, the others of the tiny one of the tests: what
//! must not matter is the same code for both, and a window of the packaged model takes much longer.
//! Absent: a peer. No other engine recomputes bit by bit, so there is nothing to compare with. Cheats with a trained adapter;
//! low-rank products in the weights stand for them.

use anyhow::{Context, Result};
use serde_json::Value;

use super::table::{Bar, Table, less};
use super::{inference, report};
use crate::{UsageError, shell};

/// The most that committing may add to decoding, in percent.
const COST_MAX: f64 = 3.0;
/// Honest windows without a false alarm.
const HONEST: u32 = 10_000;
/// Of them on the packaged model, unless it is named, and windows that each cheat touches at least.
const PACKAGED: u32 = 200;
const CHEAT: u32 = 50;

const NO_PEER: &str = "none: no other engine is exact";

/// Measures and prints one row for each bar.
pub(super) fn run(arguments: &[String]) -> Result<()> {
    let usage = || UsageError("usage: cargo xtask bench evidence [--windows N] [--cheats N]".to_owned());
    let (mut packaged, mut cheats) = (PACKAGED, CHEAT);
    for pair in arguments.chunks(2) {
        let [flag, number] = pair else { return Err(usage().into()) };
        let number: u32 = number.parse().map_err(|_| usage())?;
        match flag.as_str() {
            "--windows" => packaged = number,
            "--cheats" => cheats = number,
            _ => return Err(usage().into()),
        }
    }
    let model = inference::model()?;
    let example =
        ["run", "--quiet", "--release", "--package", "openledger-inference", "--example", "evidence", "--"];
    let counts = [HONEST.saturating_sub(packaged), packaged, cheats].map(|count| count.to_string());
    let printed = shell::output(shell::cargo().env("OPENLEDGER_MODEL", model).args(example).args(counts))?;
    let line = printed.lines().last().context("the bench printed nothing")?;
    let measured: Value = serde_json::from_str(line).with_context(|| format!("{line:?} is not JSON"))?;
    println!("{measured:#}");
    let table = results(&measured).context("the bench gave other fields than it should")?;
    table.print();
    report("evidence", &table.results)
}

fn results(measured: &Value) -> Option<Table> {
    let mut table = Table::new(NO_PEER.to_owned(), NO_PEER);
    let mut add = |name: &str, ours: f64, bar: Bar| table.add(name, ours, None, less, bar);
    for cheat in measured["cheats"].as_array()? {
        let (name, touched) = (cheat["name"].as_str()?, cheat["touched"].as_f64()?);
        let found = cheat["found"].as_f64()? * 100.0 / touched;
        add(&format!("% found of {touched} windows: {name}"), found, Bar::AtLeast(100.0));
        let beside = cheat["found_where_nothing_is"].as_f64()?;
        add(&format!("windows that it did not touch, and were found: {name}"), beside, Bar::AtMost(0.0));
    }
    let (mut windows, mut alarms) = (0.0, 0.0);
    for honest in measured["honest"].as_array()? {
        windows += honest["windows"].as_f64()?;
        alarms += honest["false_alarms"].as_array()?.len() as f64;
        let (model, seconds) = (honest["model"].as_str()?, honest["seconds"].as_f64()?);
        let count = honest["windows"].as_f64()?;
        add(&format!("honest windows of the {model} model, in {seconds:.0} s"), count, Bar::None);
    }
    add("honest windows", windows, Bar::AtLeast(f64::from(HONEST)));
    add("false alarms among them", alarms, Bar::AtMost(0.0));
    for cost in measured["costs"].as_array()? {
        let name = format!("% of decode time for committing, batch {}, one thread", cost["batch"]);
        add(&name, cost["percent"].as_f64()?, Bar::AtMost(COST_MAX));
    }
    for (name, field) in [
        ("bytes a token of digests in the cache", "digests_per_token_in_the_cache"),
        ("bytes of evidence an answer, as JSON", "evidence_json_per_answer"),
        ("bytes a token of material beside the evidence, as JSON", "material_json_per_token"),
        ("bytes of the opening of one window", "opening_of_one_window"),
        ("bytes a token of what enters one layer", "inputs_of_one_layer_per_token"),
    ] {
        add(name, measured["bytes"][field].as_f64()?, Bar::None);
    }
    Some(table)
}
