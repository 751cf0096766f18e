//! `cargo xtask bench NAME`: measures, prints what it measures beside its bar, and ends with one JSON line.
//!
//! Absent: peers that cannot be had without a build of their own; then `peer` is null and says why.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::shell;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    match arguments.first().map(String::as_str) {
        Some("inference") => inference(),
        Some("build") => build(),
        _ => bail!("usage: cargo xtask bench NAME, where NAME is inference or build"),
    }
}

/// Tokens per second of the embedded engine on the packaged model.
fn inference() -> Result<()> {
    let openledger = shell::build_openledger()?;
    shell::run(std::process::Command::new(openledger).args(["model", "pull"]))?;
    let printed = shell::output(shell::cargo().args([
        "run",
        "--quiet",
        "--package",
        "openledger-inference",
        "--example",
        "bench",
    ]))?;
    let line = printed.lines().last().context("the bench printed nothing")?;
    let measured: Value = serde_json::from_str(line).with_context(|| format!("{line:?} is not JSON"))?;
    println!("{measured:#}");
    let lines = measured["results"].as_array().context("the bench gave no results")?;
    let decode = lines
        .iter()
        .find(|line| line["name"] == "decode batch 1" && line["threads"] == 1)
        .and_then(|line| line["tokens_per_second"].as_f64())
        .context("no decode rate")?;
    report("inference", &[result("decode, batch 1, one thread, tokens/s", decode, 20.0, decode >= 20.0)]);
    Ok(())
}

/// Seconds of a build after an edit of the largest assembly.
fn build() -> Result<()> {
    shell::build_openledger()?;
    let main = shell::root().join("bin/openledger/src/main.rs");
    let text = std::fs::read(&main)?;
    std::fs::write(&main, &text)?;
    let begun = Instant::now();
    shell::build_openledger()?;
    let warm = begun.elapsed().as_secs_f64();
    report("build", &[result("build after an edit of the binary, seconds", warm, 60.0, warm <= 60.0)]);
    Ok(())
}

fn result(name: &str, ours: f64, bar: f64, holds: bool) -> Value {
    json!({ "name": name, "ours": ours, "peer": null, "peer_name": "none in this run", "ratio": null, "bar": bar, "holds": holds })
}

fn report(bench: &str, results: &[Value]) {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let machine = json!({ "cores": cores, "arch": std::env::consts::ARCH, "os": std::env::consts::OS });
    println!("{}", json!({ "bench": bench, "machine": machine, "results": results }));
}
