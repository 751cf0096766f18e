//! The time that outputs take: each in several rounds over all of them, so that no output follows itself.
//!
//! An output's time is its least over the rounds; percentiles are over outputs. That is said of the wall's clock and
//! of the thread's, which does not go on while others have the core. Means are of the thread's clock over all rounds.

use std::sync::Barrier;
use std::time::Instant;

use openledger_attribution::{Index, attribute, matches};
use rustix::time::ClockId;
use serde_json::{Value, json};

use crate::{index, seconds, texts};

/// Outputs of one burst, short enough to find both cores free now and then.
const BURST: usize = 64;

pub(crate) fn measure(segment: &str, outputs: &str, rounds: usize) -> Value {
    let begun = seconds(ClockId::ThreadCPUTime);
    let index = index(segment);
    let open_cpu_s = seconds(ClockId::ThreadCPUTime) - begun;
    let outputs = texts::read_outputs(outputs);
    let mut kinds = Vec::new();
    for (kind, outputs) in &outputs {
        let spans = |output: &str| matches(output, &index).unwrap().len();
        let shares = |output: &str| attribute(output, &index).unwrap().shares.len();
        kinds.push(json!({
            "kind": kind, "outputs": outputs.len(),
            "spans": times(outputs, rounds, spans), "shares": times(outputs, rounds, shares),
        }));
    }
    let all: Vec<&str> = outputs.iter().flat_map(|(_, outputs)| outputs).map(String::as_str).collect();
    let threads: Vec<Value> = [1, 2].map(|threads| bursts(&index, &all, threads, rounds)).into();
    json!({ "open_cpu_s": open_cpu_s, "rounds": rounds, "kinds": kinds, "threads": threads })
}

fn times(outputs: &[String], rounds: usize, find: impl Fn(&str) -> usize) -> Value {
    let (mut wall, mut thread) = (vec![f64::MAX; outputs.len()], vec![f64::MAX; outputs.len()]);
    let (mut cpu, mut found) = (0.0, 0);
    for _ in 0..rounds {
        found = 0;
        for (place, output) in outputs.iter().enumerate() {
            let (begun, cpu_begun) = (Instant::now(), seconds(ClockId::ThreadCPUTime));
            found += find(output);
            let taken = seconds(ClockId::ThreadCPUTime) - cpu_begun;
            wall[place] = begun.elapsed().as_secs_f64().min(wall[place]);
            thread[place] = taken.min(thread[place]);
            cpu += taken;
        }
    }
    let at = |times: &mut Vec<f64>, percent: usize| {
        times.sort_by(f64::total_cmp);
        times[(times.len() - 1) * percent / 100] * 1e3
    };
    json!({
        "p50_ms": at(&mut wall, 50), "p99_ms": at(&mut wall, 99),
        "p50_cpu_ms": at(&mut thread, 50), "p99_cpu_ms": at(&mut thread, 99),
        "cpu_ms": cpu * 1e3 / (rounds * outputs.len()) as f64,
        "found": found as f64 / outputs.len() as f64,
    })
}

/// Outputs in a second of the wall with their shares, in the best of many short bursts of so many threads at once; and
/// outputs in a second of a core, over all bursts.
fn bursts(index: &Index, outputs: &[&str], threads: usize, rounds: usize) -> Value {
    let (mut best, mut cpu) = (0.0f64, 0.0);
    let passes = outputs.chunks_exact(BURST * threads).cycle();
    let bursts = rounds * outputs.len() / (BURST * threads);
    for outputs in passes.take(bursts) {
        let barrier = Barrier::new(threads);
        let taken: Vec<(Instant, Instant, f64)> = std::thread::scope(|scope| {
            let mine = outputs.chunks_exact(BURST);
            let running: Vec<_> = mine.map(|mine| scope.spawn(|| burst(index, mine, &barrier))).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let begun = taken.iter().map(|(begun, ..)| begun).min().unwrap();
        let ended = taken.iter().map(|(_, ended, _)| ended).max().unwrap();
        best = best.max(outputs.len() as f64 / (*ended - *begun).as_secs_f64());
        cpu += taken.iter().map(|(.., cpu)| cpu).sum::<f64>();
    }
    let measured = (bursts * BURST * threads) as f64;
    json!({ "threads": threads, "outputs_per_s": best, "outputs_per_cpu_s": measured / cpu })
}

fn burst(index: &Index, outputs: &[&str], barrier: &Barrier) -> (Instant, Instant, f64) {
    barrier.wait();
    let (begun, cpu_begun) = (Instant::now(), seconds(ClockId::ThreadCPUTime));
    for output in outputs {
        std::hint::black_box(attribute(output, index).unwrap());
    }
    (begun, Instant::now(), seconds(ClockId::ThreadCPUTime) - cpu_begun)
}
