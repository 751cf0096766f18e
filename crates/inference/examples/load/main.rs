//! Many streams for a long time on the packaged model: `load MODEL SECONDS [STREAMS]`. Prints one JSON object: gaps between tokens,
//! times to the first token, memory, and what the engine holds afterwards.
#![allow(clippy::print_stdout, reason = "an example prints what it measured")]

mod clients;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use openledger_inference::{Engine, EngineConfig, Model};
use serde_json::{Value, json};

use crate::clients::{Plan, Seen, idle, run};

/// Callers of the phases that measure times to the first token.
const CLIENTS: [usize; 3] = [1, 8, 32];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().context("usage: load MODEL SECONDS [STREAMS]")?;
    let seconds: u64 = arguments.get(1).context("how many seconds?")?.parse()?;
    let streams: usize = arguments.get(2).map_or(Ok(64), |text| text.parse())?;
    let model = Arc::new(Model::open(Path::new(path))?);
    let config = EngineConfig { sequences_max: 64, cache_tokens_max: 32_768, ..EngineConfig::default() };
    let engine = Engine::start(model, config)?;
    let timed = |clients, seconds| Plan {
        requests: None,
        time: Duration::from_secs(seconds),
        ..Plan::requests(clients, 0)
    };
    let mut first_tokens = Vec::new();
    for clients in CLIENTS {
        let seen = run(&engine, &timed(clients, (seconds / 20).clamp(3, 30)));
        first_tokens.push(json!({ "clients": clients, "ms": quantiles(seen.first_token_ms) }));
    }
    let (seen, memory) = watched(|| run(&engine, &timed(streams, seconds)));
    let load = idle(&engine);
    println!("{}", report(streams, seconds, seen, &memory, &first_tokens, load.pages_held));
    Ok(())
}

fn report(
    streams: usize,
    seconds: u64,
    seen: Seen,
    memory: &[(f64, f64)],
    first_tokens: &[Value],
    pages_held: usize,
) -> Value {
    json!({
        "streams": streams,
        "seconds": seconds,
        "requests": { "begun": seen.begun, "finished": seen.finished, "left": seen.left, "failed": seen.failed },
        "tokens": seen.tokens,
        "tokens_of_the_least_served": seen.tokens_by_caller.iter().min(),
        "tokens_of_the_most_served": seen.tokens_by_caller.iter().max(),
        "gap_ms": quantiles(seen.gap_ms),
        "first_token_ms": quantiles(seen.first_token_ms),
        "first_token_by_clients": first_tokens,
        "resident_mib_begin": memory.first().map(|(_, mib)| mib),
        "resident_mib_end": memory.last().map(|(_, mib)| mib),
        // The cache fills once; what grows afterwards would be a leak.
        "resident_mib_per_minute": slope(&memory[memory.len() / 2..]) * 60.0,
        "pages_held": pages_held,
    })
}

/// The middle, the 99th of a hundred and the largest.
fn quantiles(mut values: Vec<f64>) -> Value {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| values.get(((values.len() as f64 - 1.0).max(0.0) * part) as usize).copied();
    json!({ "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
}

/// Runs a load and looks at the memory of this process every second: seconds and MiB.
fn watched(load: impl FnOnce() -> Seen) -> (Seen, Vec<(f64, f64)>) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let begun = Instant::now();
            let mut memory = Vec::new();
            while !over.load(Ordering::Relaxed) {
                memory.push((begun.elapsed().as_secs_f64(), resident_mib()));
                std::thread::sleep(Duration::from_secs(1));
            }
            memory
        });
        let seen = load();
        over.store(true, Ordering::Relaxed);
        (seen, watcher.join().expect("the watcher only reads"))
    })
}

/// Resident memory, from the second number of `/proc/self/statm` in pages of 4 KiB; 0 where there is no such file.
fn resident_mib() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split_whitespace().nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.unwrap_or(0.0) / 256.0
}

/// The slope of the straight line that fits best (least squares), in MiB a second.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (time, memory) = (mean(|point| point.0), mean(|point| point.1));
    let above: f64 = points.iter().map(|point| (point.0 - time) * (point.1 - memory)).sum();
    let below: f64 = points.iter().map(|point| (point.0 - time).powi(2)).sum();
    if below > 0.0 { above / below } else { 0.0 }
}
