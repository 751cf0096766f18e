//! `cargo xtask bench evidence`: cheats by the windows in which an audit finds them, honest windows without an alarm, and what
//! committing costs.
//!
//! Absent: a peer. No other engine recomputes bit by bit, so there is nothing to compare with.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{report, result};
use crate::shell;

/// The most that committing may add to decoding, in percent.
const COST_MAX: f64 = 3.0;
/// Honest windows without a false alarm.
const HONEST_MIN: f64 = 10_000.0;

const NO_PEER: &str = "none: no other engine is exact";

/// Measures; `arguments` are those of the example.
pub(super) fn run(arguments: &[String]) -> Result<()> {
    let openledger = shell::build_openledger()?;
    shell::run(shell::without_settings(Command::new(openledger).args(["model", "pull"])))?;
    let example =
        ["run", "--quiet", "--release", "--package", "openledger-inference", "--example", "evidence", "--"];
    let printed = shell::output(shell::cargo().args(example).args(arguments))?;
    let line = printed.lines().last().context("the bench printed nothing")?;
    let measured: Value = serde_json::from_str(line).with_context(|| format!("{line:?} is not JSON"))?;
    println!("{measured:#}");
    report("evidence", &results(&measured).context("the bench gave other fields than it should")?)
}

fn results(measured: &Value) -> Option<Vec<Value>> {
    let mut results = Vec::new();
    for cheat in measured["cheats"].as_array()? {
        let (found, touched) = (cheat["found"].as_f64()?, cheat["touched"].as_f64()?);
        let holds = found == touched && cheat["found_where_nothing_is"] == 0;
        let name = format!("windows found of those that the cheat touched: {}", cheat["name"].as_str()?);
        results.push(result(&name, found, touched, holds, NO_PEER));
    }
    let (mut windows, mut alarms) = (0.0, 0.0);
    for honest in measured["honest"].as_array()? {
        windows += honest["windows"].as_f64()?;
        alarms += honest["false_alarms"].as_array()?.len() as f64;
    }
    results.push(result("honest windows", windows, HONEST_MIN, windows >= HONEST_MIN, NO_PEER));
    results.push(result("false alarms among them", alarms, 0.0, alarms == 0.0, NO_PEER));
    for cost in measured["costs"].as_array()? {
        let name = format!("percent of decode time for committing, batch {}, one thread", cost["batch"]);
        let percent = cost["percent"].as_f64()?;
        results.push(result(&name, percent, COST_MAX, percent <= COST_MAX, NO_PEER));
    }
    Some(results)
}
