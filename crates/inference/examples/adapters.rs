//! What adapters take, on the packaged model: `adapters [THREADS]`. The last line is all of it as JSON.
//!
//! Rule: adapters are random, from a seed, of rank 8, written and read as PEFT's files. What is compared runs by turns in one
//! process, so whatever else runs on the machine slows both sides alike. Decoding: eight sequences of 128 tokens under no
//! adapter, under eight of the attention's four projections, under eight of all seven. Steps: the time between two
//! tokens of a stream of eight at once, with 8 adapters registered, and with 1,000 of which 64 fit in memory and one request in
//! sixteen asks for one that is not there.
//! Absent: bars (`cargo xtask bench inference` has them).

#![expect(clippy::print_stdout, reason = "its output is the result")]

#[path = "../../model/tests/common/peft.rs"]
#[allow(unreachable_pub, clippy::expect_used, reason = "the model's own helper of tests")]
mod peft;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use openledger_inference::{
    Adapter, AdapterBase, AdapterName, AdapterStore, AdapterStoreConfig, CompletionRequest, Engine,
    EngineConfig, Event, Model, Prompt,
};
use openledger_model::{Chunk, Module, Outputs, Runner, RunnerConfig, Sequence};
use serde_json::{Value, json};

const RANK: usize = 8;
const BATCH: usize = 8;
const ATTENTION: [Module; 4] = [Module::Query, Module::Key, Module::Value, Module::Output];
const DECODE_CONTEXT: usize = 128;
const DECODE_STEPS: usize = 24;
const ROUNDS: usize = 5;
const STEP_ROUNDS: u64 = 2;
const FOLDERS: usize = 80;
const HOT: usize = 64;
const REGISTERED: usize = 1_000;

fn main() -> anyhow::Result<()> {
    let threads = match std::env::args().nth(1) {
        Some(threads) => threads.parse()?,
        None => std::thread::available_parallelism()?.get().min(2),
    };
    let model = Arc::new(Model::open(&model_path()?)?);
    let folder = tempfile::tempdir()?;
    for index in 0..FOLDERS {
        let adapter = peft::adapter(model.shape(), index as u64, RANK, &ATTENTION);
        adapter.write(&folder.path().join(index.to_string()), "")?;
    }
    let decode = decode(&model, threads)?;
    println!("{decode}");
    let load = load(&model, folder.path())?;
    println!("{load}");
    let steps = steps(&model, threads, folder.path())?;
    let printed = json!({ "rank": RANK, "threads": threads, "decode": decode, "load": load, "steps": steps });
    println!("{printed}");
    Ok(())
}

/// Tokens per second of eight sequences, without adapters and with eight, by turns.
fn decode(model: &Arc<Model>, threads: usize) -> anyhow::Result<Value> {
    let config = RunnerConfig { threads, cache_tokens_max: 4_096, instruction_set: None };
    let mut runner = Runner::new(Arc::clone(model), config)?;
    let eight = |modules: &[Module]| -> Vec<Option<Arc<Adapter>>> {
        let of = |seed| Some(Arc::new(peft::adapter(model.shape(), seed, RANK, modules)));
        (0..BATCH as u64).map(of).collect()
    };
    let kinds = [("none", vec![None; BATCH]), ("attention", eight(&ATTENTION)), ("all", eight(&Module::ALL))];
    let mut rates = vec![Vec::new(); kinds.len()];
    for _ in 0..ROUNDS {
        for ((_, adapters), rates) in kinds.iter().zip(&mut rates) {
            rates.push(decode_rate(&mut runner, adapters)?);
        }
    }
    let medians: Vec<f64> = rates.iter_mut().map(|rates| quantile(rates, 0.5)).collect();
    Ok(json!({
        "batch": BATCH,
        "none_per_s": medians[0],
        "attention_per_s": medians[1],
        "all_per_s": medians[2],
        "attention_ratio": medians[1] / medians[0],
        "all_ratio": medians[2] / medians[0],
    }))
}

fn decode_rate(runner: &mut Runner, adapters: &[Option<Arc<Adapter>>]) -> anyhow::Result<f64> {
    let tokens: Vec<u32> = (0..DECODE_CONTEXT).map(token).collect();
    let mut sequences: Vec<Sequence> = Vec::new();
    for adapter in adapters {
        let mut sequence = runner.cache.start(&[]);
        runner.cache.reserve(&mut sequence, DECODE_CONTEXT + DECODE_STEPS)?;
        let chunk = Chunk::new(&mut sequence, &tokens, Outputs::Last).under(adapter.clone());
        runner.forward(&mut [chunk])?;
        sequences.push(sequence);
    }
    let start = Instant::now();
    for step in 0..DECODE_STEPS {
        let token = [token(step + 7)];
        let chunks = sequences.iter_mut().zip(adapters);
        let mut chunks: Vec<Chunk<'_>> = chunks
            .map(|(sequence, adapter)| Chunk::new(sequence, &token, Outputs::Last).under(adapter.clone()))
            .collect();
        runner.forward(&mut chunks)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    sequences.into_iter().for_each(|sequence| runner.cache.finish(sequence));
    Ok((adapters.len() * DECODE_STEPS) as f64 / seconds)
}

/// Milliseconds from files in the disk's cache to an adapter that can be computed.
fn load(model: &Model, folder: &Path) -> anyhow::Result<Value> {
    let base = peft::base(model);
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        for index in 0..16 {
            let start = Instant::now();
            let adapter = Adapter::open(&folder.join((round * 16 + index).to_string()), &base)?;
            times.push(start.elapsed().as_secs_f64() * 1_000.0);
            drop(adapter);
        }
    }
    let bytes = Adapter::open(&folder.join("0"), &base)?.bytes();
    Ok(
        json!({ "bytes": bytes, "ms_median": quantile(&mut times, 0.5), "ms_p95": quantile(&mut times, 0.95) }),
    )
}

/// The 95th percentile of the time between two tokens, with few adapters and with many, by turns.
fn steps(model: &Arc<Model>, threads: usize, folder: &Path) -> anyhow::Result<Value> {
    let few = serve(model, threads, folder, BATCH)?;
    let many = serve(model, threads, folder, REGISTERED)?;
    let (mut few_ms, mut many_ms) = (Vec::new(), Vec::new());
    for round in 0..STEP_ROUNDS {
        few_ms.extend(gaps(&few, round, &|_| 0)?);
        many_ms.extend(gaps(&many, round, &|turn| if turn % 16 == 15 { REGISTERED } else { HOT })?);
    }
    let (few_p95, many_p95) = (quantile(&mut few_ms, 0.95), quantile(&mut many_ms, 0.95));
    Ok(json!({
        "few": { "registered": BATCH, "ms_p50": quantile(&mut few_ms, 0.5), "ms_p95": few_p95 },
        "many": {
            "registered": REGISTERED,
            "hot": many.adapters().map(|store| store.hot().count),
            "ms_p50": quantile(&mut many_ms, 0.5),
            "ms_p95": many_p95,
        },
        "p95_ratio": many_p95 / few_p95,
    }))
}

/// An engine with so many adapters; the files of some are the same.
fn serve(model: &Arc<Model>, threads: usize, folder: &Path, registered: usize) -> anyhow::Result<Engine> {
    let base = AdapterBase { shape: *model.shape(), names: Vec::new() };
    let store = AdapterStore::start(base, AdapterStoreConfig { hot_max: HOT, ..Default::default() })?;
    for index in 0..registered {
        store.register(name(index)?, folder.join((index % FOLDERS).to_string()))?;
    }
    let config = EngineConfig { threads, sequences_max: BATCH, ..EngineConfig::default() };
    Ok(Engine::start_with(Arc::clone(model), config, Some(store))?)
}

fn name(index: usize) -> anyhow::Result<AdapterName> {
    Ok(AdapterName::new(&format!("adapter-{index}"))?)
}

/// Milliseconds between tokens of eight callers, of whom each asks several times. `among` says of how many adapters a turn's
/// is one; 0 is the caller's own.
fn gaps(engine: &Engine, round: u64, among: &(dyn Fn(u64) -> usize + Sync)) -> anyhow::Result<Vec<f64>> {
    let turns = AtomicU64::new(round * 10_007);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..BATCH)
            .map(|caller| {
                let turns = &turns;
                scope.spawn(move || -> anyhow::Result<Vec<f64>> {
                    let mut found = Vec::new();
                    for _ in 0..4 {
                        let turn = turns.fetch_add(1, Ordering::Relaxed);
                        let index = match among(turn) {
                            0 => caller,
                            count => (turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize % count,
                        };
                        found.extend(stream(engine, caller, name(index)?)?);
                    }
                    Ok(found)
                })
            })
            .collect();
        let mut all = Vec::new();
        for caller in callers {
            match caller.join() {
                Ok(found) => all.extend(found?),
                Err(_) => bail!("a caller panicked"),
            }
        }
        Ok(all)
    })
}

fn stream(engine: &Engine, caller: usize, adapter: AdapterName) -> anyhow::Result<Vec<f64>> {
    let prompt = Prompt::Tokens((0..24).map(|index| token(index + caller)).collect());
    let mut completion = engine.submit(CompletionRequest {
        max_tokens: Some(24),
        adapter: Some(adapter),
        lane: caller as u64,
        ..CompletionRequest::new(prompt)
    })?;
    let mut last = None;
    let mut gaps = Vec::new();
    while let Some(event) = completion.events.blocking_recv() {
        match event {
            Event::Token { .. } => {
                let now = Instant::now();
                gaps.extend(last.map(|last: Instant| (now - last).as_secs_f64() * 1_000.0));
                last = Some(now);
            }
            Event::Done(_) => return Ok(gaps),
            Event::Error(error) => return Err(error.into()),
        }
    }
    bail!("the answer has no end")
}

/// The value below which a part of the values lies.
fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = ((values.len() - 1) as f64 * part).round() as usize;
    values[place]
}

fn token(index: usize) -> u32 {
    (index as u32 * 911 + 17) % 40_000
}

/// The file that the environment names, or the packaged one.
fn model_path() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("OPENLEDGER_MODEL") {
        return Ok(path.into());
    }
    let home = std::env::var_os("HOME").context("HOME is not set")?;
    let path = Path::new(&home).join(".cache/openledger/models/SmolLM2-135M-Instruct.Q4_1.gguf");
    if !path.is_file() {
        bail!("{} is missing; run `cargo xtask test` once, or set OPENLEDGER_MODEL", path.display());
    }
    Ok(path)
}
