//! Many streams on the embedded engine, with callers who leave in the middle: gaps between tokens, times to the first token,
//! memory, and what stays held afterwards.
//!
//! Bars: every request of a caller who stays is answered, no page stays held, memory does not grow once the cache is filled.
//! The times are printed and not judged: they are the machine's.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{report, result};
use crate::{UsageError, shell};

/// How long the load runs unless it is named.
const SECONDS: &str = "600";
/// What memory may still grow a minute: allocators keep what many threads freed.
const GROWTH_MIB_MAX: f64 = 4.0;

/// `cargo xtask bench load [--seconds N]`.
pub(super) fn run(arguments: &[String]) -> Result<()> {
    let seconds = match arguments {
        [] => SECONDS,
        [flag, seconds] if flag == "--seconds" && seconds.parse::<u64>().is_ok() => seconds.as_str(),
        _ => return Err(UsageError("usage: cargo xtask bench load [--seconds N]".to_owned()).into()),
    };
    let openledger = shell::build_openledger()?;
    let pulled = shell::output(shell::without_settings(Command::new(openledger).args(["model", "pull"])))?;
    let model = pulled.split_whitespace().rfind(|word| word.ends_with(".gguf"));
    let model = model.context("`openledger model pull` did not say where the model is")?;
    let example =
        ["run", "--quiet", "--release", "--package", "openledger-inference", "--example", "load", "--"];
    let printed = shell::output(shell::cargo().args(example).args([model, seconds]))?;
    let measured: Value = serde_json::from_str(printed.trim()).context("the load printed no JSON")?;
    println!("{measured:#}");
    let number = |place: &str| {
        measured.pointer(place).and_then(Value::as_f64).with_context(|| format!("the load gave no {place}"))
    };
    let (failed, pages) = (number("/requests/failed")?, number("/pages_held")?);
    let growth = number("/resident_mib_per_minute")?;
    let no_peer = "none: what is left behind is compared with nothing";
    report(
        "load",
        &[
            result("requests refused or broken off", failed, 0.0, failed == 0.0, no_peer),
            result("pages held afterwards", pages, 0.0, pages == 0.0, no_peer),
            result(
                "growth of memory in the second half, MiB a minute",
                growth,
                GROWTH_MIB_MAX,
                growth <= GROWTH_MIB_MAX,
                no_peer,
            ),
        ],
    )
}
