//! What the embedded engine's arithmetic takes, one JSON line for each task:
//!
//! - `bench [engine] [THREADS]`: prefill of 128 and 512 tokens, decode of one and of eight sequences of 128 tokens.
//!
//! Rule: tokens per second of the wall's clock and of the processor's, the best of two runs of each; the instruction
//! set is the one that the engine would choose. `cargo xtask bench inference` sets the rates beside a peer's.
//! Absent: the cost of HTTP and of the schedule, other programs to compare with, bars.

#![expect(clippy::print_stdout, reason = "its output is the result")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use openledger_model::{Chunk, Model, Outputs, Runner, RunnerConfig, Sequence};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// Tokens that a sequence holds before its decoding is measured, and steps of it that are.
const DECODE_CONTEXT: usize = 128;
const DECODE_STEPS: usize = 32;
const RUNS: usize = 2;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let printed = match arguments[..] {
        [] | ["engine"] => engine(std::thread::available_parallelism()?.get().min(2))?,
        ["engine", threads] => engine(threads.parse()?)?,
        _ => bail!("usage: bench [engine [THREADS]]"),
    };
    println!("{printed}");
    Ok(())
}

fn engine(threads: usize) -> anyhow::Result<Value> {
    let start = Instant::now();
    let model = Arc::new(Model::open(&model_path()?)?);
    let open_s = start.elapsed().as_secs_f64();
    let config = RunnerConfig { threads, cache_tokens_max: 4_096, instruction_set: None };
    let mut runner = Runner::new(Arc::clone(&model), config)?;
    let mut results = Vec::new();
    for tokens in [128, 512] {
        results.push(best(&format!("prefill {tokens}"), || prefill(&mut runner, tokens))?);
    }
    for batch in [1, 8] {
        results.push(best(&format!("decode batch {batch}"), || decode(&mut runner, batch))?);
    }
    Ok(json!({
        "model": model.name(),
        "instruction_set": format!("{:?}", runner.instruction_set()),
        "threads": threads,
        "open_s": open_s,
        "results": results,
    }))
}

/// Tokens in a second of either clock.
struct Rate {
    wall: f64,
    cpu: f64,
}

/// The best of the runs.
fn best(name: &str, mut run: impl FnMut() -> anyhow::Result<Rate>) -> anyhow::Result<Value> {
    let mut best = Rate { wall: 0.0, cpu: 0.0 };
    for _ in 0..RUNS {
        let rate = run()?;
        best = Rate { wall: best.wall.max(rate.wall), cpu: best.cpu.max(rate.cpu) };
    }
    Ok(json!({ "name": name, "tokens_per_s": best.wall, "tokens_per_cpu_s": best.cpu }))
}

/// The rate at which `work` does `tokens`.
fn rate(tokens: usize, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Rate> {
    let (wall, cpu) = (Instant::now(), cpu_s());
    work()?;
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_s() - cpu);
    Ok(Rate { wall: tokens as f64 / wall, cpu: tokens as f64 / cpu })
}

/// Seconds of the processor that this process had, over all of its threads.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Any tokens do: their values do not change the amount of work.
fn token(index: usize) -> u32 {
    u32::try_from(index * 7_919 % 40_000 + 100).unwrap_or(100)
}

fn prefill(runner: &mut Runner, tokens: usize) -> anyhow::Result<Rate> {
    let ids: Vec<u32> = (0..tokens).map(token).collect();
    let mut sequence = runner.cache.start(&[]);
    runner.cache.reserve(&mut sequence, tokens)?;
    let rate = rate(tokens, || {
        runner.forward(&mut [Chunk::new(&mut sequence, &ids, Outputs::Last)])?;
        Ok(())
    })?;
    runner.cache.finish(sequence);
    Ok(rate)
}

fn decode(runner: &mut Runner, batch: usize) -> anyhow::Result<Rate> {
    let mut sequences = Vec::new();
    for offset in 0..batch {
        let ids: Vec<u32> = (offset..offset + DECODE_CONTEXT).map(token).collect();
        let mut sequence = runner.cache.start(&[]);
        runner.cache.reserve(&mut sequence, DECODE_CONTEXT + DECODE_STEPS)?;
        runner.forward(&mut [Chunk::new(&mut sequence, &ids, Outputs::None)])?;
        sequences.push(sequence);
    }
    let rate = rate(batch * DECODE_STEPS, || {
        for step in 0..DECODE_STEPS {
            let ids = [token(step)];
            let mut chunks: Vec<Chunk<'_>> = sequences
                .iter_mut()
                .map(|sequence: &mut Sequence| Chunk::new(sequence, &ids, Outputs::Last))
                .collect();
            runner.forward(&mut chunks)?;
        }
        Ok(())
    })?;
    for sequence in sequences {
        runner.cache.finish(sequence);
    }
    Ok(rate)
}

fn model_path() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("OPENLEDGER_MODEL") {
        return Ok(path.into());
    }
    let home = std::env::var_os("HOME").context("set OPENLEDGER_MODEL to the model file")?;
    Ok(PathBuf::from(home).join(".cache/openledger/models/SmolLM2-135M-Instruct.Q4_1.gguf"))
}
