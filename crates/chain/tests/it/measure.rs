//! Measurements, run by hand: `cargo test --release -p openledger-chain --test it -- --ignored --nocapture measure`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use openledger_chain::Chain;

use crate::counter::{Counter, config, runtime};

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").expect("readable");
    let fields: Vec<&str> = text.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().expect("user") + fields[12].parse::<f64>().expect("system");
    ticks / 100.0
}

#[test]
#[ignore = "measures, asserts nothing"]
fn measure() {
    let dir = tempfile::tempdir().expect("a directory");
    runtime().block_on(async {
        let mut config = config(dir.path());
        config.idle_interval = Duration::from_secs(2);
        let chain = Chain::start(config, Arc::new(Counter)).await.expect("starts");
        let mut latency_ms: Vec<f64> = Vec::new();
        for nonce in 0..200 {
            let begin = Instant::now();
            chain.submit_and_wait(format!("add one {nonce}")).await.expect("finalized");
            latency_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
        }
        latency_ms.sort_by(f64::total_cmp);
        println!("one at a time: p50 {:.1} ms, p99 {:.1} ms", latency_ms[100], latency_ms[197]);

        let (begin, cpu, from) = (Instant::now(), cpu_seconds(), chain.tip().height);
        let calls =
            (0..20_000).map(|nonce| chain.submit_and_wait(format!("add key{} many{nonce}", nonce % 1000)));
        futures::future::join_all(calls)
            .await
            .into_iter()
            .for_each(|answer| drop(answer.expect("finalized")));
        let (seconds, blocks) = (begin.elapsed().as_secs_f64(), chain.tip().height - from);
        println!(
            "20000 at once: {:.0}/s, {blocks} blocks, {:.1} CPU s",
            20_000.0 / seconds,
            cpu_seconds() - cpu
        );

        let (cpu, from) = (cpu_seconds(), chain.tip().height);
        tokio::time::sleep(Duration::from_secs(10)).await;
        println!("idle 10 s: {} blocks, {:.2} CPU s", chain.tip().height - from, cpu_seconds() - cpu);
        chain.shutdown().await.expect("shuts down");
        let begin = Instant::now();
        let chain =
            Chain::start(crate::counter::config(dir.path()), Arc::new(Counter)).await.expect("starts");
        println!("restart: {:.0} ms", begin.elapsed().as_secs_f64() * 1000.0);
        chain.submit_and_wait("add one again").await.expect("finalized");
        println!("first block after restart: {:.0} ms", begin.elapsed().as_secs_f64() * 1000.0);
        chain.shutdown().await.expect("shuts down");
    });
}
