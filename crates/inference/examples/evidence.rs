//! What evidence finds, and what it costs: cheats by the windows that they touch, honest windows in every way of making
//! them, and the time and bytes of committing. Prints one JSON line.
//!
//! Rule: the packaged model for cheats and cost; the tiny model of the tests for most of the honest windows, because what
//! must not matter (threads, batches, pieces, memory, instruction sets) is the same code for both. Time is the time that the
//! one computing thread ran, so what else runs on the machine counts little.
//! Absent: a real adapter; low-rank products merged into the weights, made from a seed, stand for two of them.
//!
//! Arguments: honest windows on the tiny model [10000], on the packaged one [200], windows of each cheat [50].

#![expect(clippy::print_stdout, reason = "its output is the result")]

#[path = "../tests/cheats/mod.rs"]
mod cheats;
#[path = "../../model/tests/common/mod.rs"]
mod common;
#[path = "../tests/cheats/honest.rs"]
mod honest;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use cheats::{Cheat, Numbers, SALT, answer, differing_at_once, rewritten};
use openledger_inference::{Answer, Auditor, Evidence, Hash, Material, Model, Sampling};
use openledger_model::{Chunk, Outputs, Runner, RunnerConfig};
use serde_json::{Value, json};

/// Tokens of the prompt and of the answer of a cheat that touches every window: 13 windows.
const LONG: (usize, usize) = (384, 32);
/// And of one that changes one token.
const SHORT: (usize, usize) = (40, 24);
/// Steps of one measured run, and runs of each kind.
const STEPS: usize = 48;
const RUNS: usize = 5;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| match arguments.next() {
        Some(text) => text.parse().with_context(|| format!("{text:?} is no number of windows")),
        None => Ok(default),
    };
    let (tiny_windows, real_windows, cheat_windows) = (number(10_000)?, number(200)?, number(50)?);
    let path = common::real_model_path();
    let model = Arc::new(Model::open(&path)?);
    let costs = [cost(&model, 1)?, cost(&model, 8)?];
    let tiny = Arc::new(Model::from_bytes(&common::tiny().bytes())?);
    let honest = [("tiny", &tiny, tiny_windows, 1), ("packaged", &model, real_windows, 2)].map(
        |(name, model, windows, seed)| {
            let begun = Instant::now();
            let found = honest::audit(model, windows, seed);
            json!({
                "model": name, "answers": found.answers, "windows": found.windows,
                "remembered_tokens": found.remembered, "false_alarms": found.false_alarms,
                "seconds": begun.elapsed().as_secs_f64(),
            })
        },
    );
    let line = json!({
        "model": model.name(), "costs": costs, "honest": honest, "bytes": bytes(&model),
        "cheats": all_cheats(&path, &model, cheat_windows)?,
    });
    println!("{line}");
    Ok(())
}

/// Every cheat, by the windows that it touches and those in which it was found.
fn all_cheats(path: &Path, shipped: &Arc<Model>, windows: usize) -> Result<Vec<Value>> {
    let file = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let made = |bits, adapter| Model::from_bytes(&rewritten(&file, bits, adapter)).map(Arc::new);
    let adapted = made(8, Some(1))?;
    let plain = Cheat::default();
    let mut found = Vec::new();
    for bits in [8, 6, 5, 4] {
        let cheap = made(bits, None)?;
        found.push(caught(&format!("{bits}-bit weights"), shipped, &cheap, windows, |_| plain)?);
        if bits == 8 {
            found.push(caught("no adapter", &adapted, &cheap, windows, |_| plain)?);
        }
    }
    found.push(caught("another adapter", &adapted, &made(8, Some(2))?, windows, |_| plain)?);
    let edited = |_: &mut Numbers| Cheat { edited: Some(0), ..plain };
    found.push(caught("edited prompt", shipped, shipped, windows, edited)?);
    let rounded = |_: &mut Numbers| Cheat { rounds_cache: true, ..plain };
    found.push(caught("8-bit keys and values", shipped, shipped, windows, rounded)?);
    let token = |numbers: &mut Numbers| Cheat { second_best: Some(numbers.below(SHORT.1)), ..plain };
    found.push(caught("one changed token", shipped, shipped, windows, token)?);
    Ok(found)
}

/// Answers of one cheat until it has touched `windows` windows.
fn caught(
    name: &str,
    honest: &Arc<Model>,
    weights: &Arc<Model>,
    windows: usize,
    cheat: impl Fn(&mut Numbers) -> Cheat,
) -> Result<Value> {
    let mut numbers = Numbers(99);
    let mut auditor = Auditor::new(Arc::clone(honest), 2, None)?;
    let (mut touched, mut found, mut beside) = (0, 0, 0);
    while touched < windows {
        let cheat = cheat(&mut numbers);
        let (prompt, length) = if cheat.second_best.is_some() { SHORT } else { LONG };
        let prompt: Vec<u32> = (0..prompt).map(|_| 100 + numbers.below(40_000) as u32).collect();
        let made = answer(weights, honest.sha256(), &prompt, length, cheat);
        let expected: Vec<u32> = match cheat.second_best {
            // An answer that ends before the index is honest.
            Some(index) if index >= made.output.len() => Vec::new(),
            Some(index) => vec![u32::try_from((prompt.len() + index - 1) / 32)?],
            None => (0..made.evidence.windows()).collect(),
        };
        let differing = differing_at_once(&mut auditor, &made);
        touched += expected.len();
        found += expected.iter().filter(|window| differing.contains(window)).count();
        beside += differing.iter().filter(|window| !expected.contains(window)).count();
    }
    Ok(json!({ "name": name, "touched": touched, "found": found, "found_where_nothing_is": beside }))
}

/// Nanoseconds that this thread ran; of the clock where the system does not say.
fn ran(begun: Instant) -> f64 {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let said = said.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    said.unwrap_or_else(|| begun.elapsed().as_nanos() as f64)
}

/// What keeping digests and making the evidence adds to decoding, in percent, with one thread.
fn cost(model: &Arc<Model>, batch: usize) -> Result<Value> {
    let (mut plain, mut recording) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..RUNS {
        plain = plain.min(decode(model, batch, false)?);
        recording = recording.min(decode(model, batch, true)?);
    }
    let tokens = (STEPS * batch) as f64;
    Ok(json!({
        "batch": batch, "plain_us_per_token": plain / tokens / 1e3, "committing_us_per_token": recording / tokens / 1e3,
        "percent": (recording / plain - 1.0) * 100.0,
    }))
}

fn decode(model: &Arc<Model>, batch: usize, records: bool) -> Result<f64> {
    let config = RunnerConfig { threads: 1, cache_tokens_max: 4_096, instruction_set: None };
    let mut runner = Runner::new(Arc::clone(model), config)?;
    if records {
        runner = runner.recording();
    }
    let prompt: Vec<u32> = (0..128).map(|index| 100 + index * 31).collect();
    let mut sequences = Vec::new();
    for _ in 0..batch {
        let mut sequence = runner.cache.start(&[]);
        runner.cache.reserve(&mut sequence, prompt.len() + STEPS)?;
        runner.forward(&mut [Chunk::new(&mut sequence, &prompt, Outputs::None)])?;
        sequences.push(sequence);
    }
    let begun = Instant::now();
    let before = ran(begun);
    for step in 0..STEPS {
        let token = [200 + step as u32];
        let mut chunks: Vec<Chunk<'_>> =
            sequences.iter_mut().map(|sequence| Chunk::new(sequence, &token, Outputs::Last)).collect();
        runner.forward(&mut chunks)?;
    }
    if records {
        let sampling = Sampling::default();
        let (model_sha256, output) = (model.sha256(), [0; STEPS]);
        let answer =
            Answer { model_sha256, adapter: None, prompt: &prompt, output: &output, sampling, salt: SALT };
        for sequence in &sequences {
            std::hint::black_box(Evidence::of(&answer, model.shape().layers, &runner.cache, sequence));
        }
    }
    Ok(ran(begun) - before)
}

/// How much is kept and handed out.
fn bytes(model: &Arc<Model>) -> Value {
    let prompt: Vec<u32> = (0..100).map(|index| 100 + index * 31).collect();
    let made = answer(model, model.sha256(), &prompt, 61, Cheat::default());
    let (prompt, output, evidence) = (made.prompt.clone(), made.output.clone(), made.evidence.clone());
    let tokens = prompt.len() + output.len();
    let material = Material { salt: Hash(SALT), prompt, output, evidence }.to_bytes().len();
    let evidence = serde_json::to_string(&made.evidence).map_or(0, |text| text.len());
    json!({
        "digests_per_token_in_the_cache": model.shape().layers * 32,
        "evidence_json_per_answer": evidence,
        "material_json_per_token": (material - evidence) as f64 / tokens as f64,
        "opening_of_one_window": made.openings[0].to_bytes().len(),
        "inputs_of_one_layer_per_token": model.shape().width * 4,
    })
}
