//! Measures prefill and decode of the embedded engine's arithmetic and prints one JSON line.
//!
//! Rule: tokens per second of wall-clock time, the best of three runs, on one and on all (up to two)
//! threads; the instruction set is the one that the engine would choose.
//! Absent: the cost of HTTP and of the schedule.

#![expect(clippy::print_stdout, reason = "its output is the result")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use openledger_model::{Chunk, Model, Outputs, Runner, RunnerConfig, Sequence};

const DECODE_CONTEXT: usize = 128;
const DECODE_STEPS: usize = 32;
const RUNS: usize = 3;

fn main() -> anyhow::Result<()> {
    let start = Instant::now();
    let model = Arc::new(Model::open(&model_path()?)?);
    let open_seconds = start.elapsed().as_secs_f64();
    let mut results = Vec::new();
    let cores = std::thread::available_parallelism()?.get();
    let mut set = None;
    for threads in (1..=cores.min(2)).rev() {
        let config = RunnerConfig { threads, cache_tokens_max: 4_096, instruction_set: None };
        let mut runner = Runner::new(Arc::clone(&model), config)?;
        set = Some(runner.instruction_set());
        for tokens in [128, 512] {
            let rate = best(|| prefill(&mut runner, tokens))?;
            results.push(entry("prefill", tokens, threads, rate));
        }
        for batch in [1, 8] {
            let rate = best(|| decode(&mut runner, batch))?;
            results.push(entry("decode", batch, threads, rate));
        }
    }
    let line = serde_json::json!({
        "model": model.name(),
        "instruction_set": format!("{set:?}"),
        "cores": cores,
        "open_seconds": open_seconds,
        "results": results,
    });
    println!("{line}");
    Ok(())
}

fn entry(kind: &str, size: usize, threads: usize, rate: f64) -> serde_json::Value {
    let name = if kind == "prefill" { format!("prefill {size}") } else { format!("decode batch {size}") };
    serde_json::json!({ "name": name, "threads": threads, "tokens_per_second": rate })
}

fn best(mut run: impl FnMut() -> anyhow::Result<f64>) -> anyhow::Result<f64> {
    let mut best = 0.0_f64;
    for _ in 0..RUNS {
        best = best.max(run()?);
    }
    Ok(best)
}

/// Any tokens do: their values do not change the amount of work.
fn token(index: usize) -> u32 {
    u32::try_from(index * 7_919 % 40_000 + 100).unwrap_or(100)
}

fn prefill(runner: &mut Runner, tokens: usize) -> anyhow::Result<f64> {
    let ids: Vec<u32> = (0..tokens).map(token).collect();
    let mut sequence = runner.cache.start(&[]);
    runner.cache.reserve(&mut sequence, tokens)?;
    let start = Instant::now();
    runner.forward(&mut [Chunk::new(&mut sequence, &ids, Outputs::Last)])?;
    let seconds = start.elapsed().as_secs_f64();
    runner.cache.finish(sequence);
    Ok(tokens as f64 / seconds)
}

fn decode(runner: &mut Runner, batch: usize) -> anyhow::Result<f64> {
    let mut sequences = Vec::new();
    for offset in 0..batch {
        let ids: Vec<u32> = (offset..offset + DECODE_CONTEXT).map(token).collect();
        let mut sequence = runner.cache.start(&[]);
        runner.cache.reserve(&mut sequence, DECODE_CONTEXT + DECODE_STEPS)?;
        runner.forward(&mut [Chunk::new(&mut sequence, &ids, Outputs::None)])?;
        sequences.push(sequence);
    }
    let start = Instant::now();
    for step in 0..DECODE_STEPS {
        let ids = [token(step)];
        let mut chunks: Vec<Chunk<'_>> = sequences
            .iter_mut()
            .map(|sequence: &mut Sequence| Chunk::new(sequence, &ids, Outputs::Last))
            .collect();
        runner.forward(&mut chunks)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    for sequence in sequences {
        runner.cache.finish(sequence);
    }
    Ok((batch * DECODE_STEPS) as f64 / seconds)
}

fn model_path() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("OPENLEDGER_MODEL") {
        return Ok(path.into());
    }
    let home = std::env::var_os("HOME").context("set OPENLEDGER_MODEL to the model file")?;
    Ok(PathBuf::from(home).join(".cache/openledger/models/SmolLM2-135M-Instruct.Q4_1.gguf"))
}
