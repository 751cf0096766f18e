//! Many streams on the embedded engine, with callers who leave in the middle: gaps between tokens, times to the first token,
//! memory, and what stays held afterwards.
//!
//! Bars: every request of a caller who stays is answered, nobody starves, no page stays held, memory does not grow once the cache is
//! filled. The times are printed and not judged: they are the machine's.

use anyhow::{Context, Result};
use serde_json::Value;

use super::table::{Bar, Table, less};
use super::{inference, report};
use crate::{UsageError, shell};

/// How long the load runs unless it is named.
const MINUTES: u64 = 10;
/// What memory may still grow a minute: allocators keep what many threads freed.
const GROWTH_MIB_MAX: f64 = 4.0;
/// Tokens of the least served caller, in parts of the most served one's. Callers ask for as much as each other by chance alone.
const LEAST_SERVED_MIN: f64 = 0.2;

const NO_PEER: &str = "none: what is left behind is compared with nothing";

/// `cargo xtask bench load [--minutes N]`.
pub(super) fn run(arguments: &[String]) -> Result<()> {
    let usage = || UsageError("usage: cargo xtask bench load [--minutes N], N at least 1".to_owned());
    let minutes = match arguments {
        [] => MINUTES,
        [flag, minutes] if flag == "--minutes" => {
            minutes.parse().ok().filter(|n| *n > 0).ok_or_else(usage)?
        }
        _ => return Err(usage().into()),
    };
    let model = inference::model()?;
    let example =
        ["run", "--quiet", "--release", "--package", "openledger-inference", "--example", "load", "--"];
    let seconds = minutes.saturating_mul(60).to_string();
    let printed = shell::output(shell::cargo().args(example).arg(model).arg(seconds))?;
    let measured: Value = serde_json::from_str(printed.trim()).context("the load printed no JSON")?;
    println!("{measured:#}");
    let table = results(&measured)?;
    table.print();
    report("load", &table.results)
}

fn results(measured: &Value) -> Result<Table> {
    let number = |place: &str| {
        measured.pointer(place).and_then(Value::as_f64).with_context(|| format!("the load gave no {place}"))
    };
    let mut table = Table::new(NO_PEER.to_owned(), NO_PEER);
    let mut add = |name: &str, ours: f64, bar: Bar| table.add(name, ours, None, less, bar);
    let streams = number("/streams")?;
    add("requests refused or broken off", number("/requests/failed")?, Bar::AtMost(0.0));
    let least = number("/tokens_of_the_least_served")? / number("/tokens_of_the_most_served")?.max(1.0);
    let name = format!("tokens of the least served of {streams} callers, in parts of the most served one's");
    add(&name, least, Bar::AtLeast(LEAST_SERVED_MIN));
    add("pages held afterwards", number("/pages_held")?, Bar::AtMost(0.0));
    let growth = number("/resident_mib_per_minute")?;
    add("growth of memory in the second half, MiB a minute", growth, Bar::AtMost(GROWTH_MIB_MAX));
    add("resident memory at the beginning, MiB", number("/resident_mib_begin")?, Bar::None);
    add("resident memory at the end, MiB", number("/resident_mib_end")?, Bar::None);
    add("tokens a second", number("/tokens")? / number("/seconds")?, Bar::None);
    for part in ["p50", "p99", "max"] {
        let name = format!("ms between two tokens of {streams} streams, {part}");
        add(&name, number(&format!("/gap_ms/{part}"))?, Bar::None);
    }
    let phases = measured["first_token_by_clients"].as_array().context("the load gave no phases")?;
    for (place, phase) in phases.iter().enumerate() {
        for part in ["p50", "p99"] {
            let ms = number(&format!("/first_token_by_clients/{place}/ms/{part}"))?;
            add(&format!("ms to the first token under {} clients, {part}", phase["clients"]), ms, Bar::None);
        }
    }
    Ok(table)
}
