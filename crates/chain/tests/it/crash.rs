//! `kill -9` at random moments: what was answered as finalized is there afterwards, exactly once.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::counter::{counter_key, nonce_key, parse, runtime, start};

const CHILD_DIR: &str = "OPENLEDGER_CHAIN_CRASH_DIR";
const CHILD_ROUND: &str = "OPENLEDGER_CHAIN_CRASH_ROUND";
const ROUNDS: usize = 5;

/// Not a test of its own: the process that is killed. It submits without pause and prints what is finalized.
#[test]
fn child() {
    let (Ok(dir), Ok(round)) = (std::env::var(CHILD_DIR), std::env::var(CHILD_ROUND)) else { return };
    runtime().block_on(async {
        let chain = start(Path::new(&dir)).await;
        let mut number = 0u64;
        loop {
            // Several at once, so that the kill finds work in every stage.
            let names: Vec<String> = (0..8).map(|n| format!("{round}-{}", number + n)).collect();
            number += 8;
            let calls = names.iter().map(|name| chain.submit_and_wait(format!("add total {name}")));
            for (name, answer) in names.iter().zip(futures::future::join_all(calls).await) {
                let answer = answer.expect("finalized");
                let mut out = std::io::stdout().lock();
                let _ = writeln!(out, "acknowledged {name} {} {}", answer.height, answer.index);
                let _ = out.flush();
            }
        }
    });
}

/// Runs the child for `time` after its first acknowledgement and kills it. Answers what it acknowledged.
fn run_and_kill(dir: &Path, round: usize, time: Duration) -> Vec<(String, u64, u32)> {
    let mut child = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
        .env(CHILD_DIR, dir)
        .env(CHILD_ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut acknowledged = Vec::new();
    let mut deadline = None;
    for line in lines {
        let line = line.expect("text");
        if let Some((_, rest)) = line.split_once("acknowledged ") {
            let words: Vec<&str> = rest.split(' ').collect();
            acknowledged.push((
                words[0].to_owned(),
                words[1].parse().expect("a height"),
                words[2].parse().expect("an index"),
            ));
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + time);
            if Instant::now() >= deadline {
                // SIGKILL; lines that are in the pipe already count as acknowledged and are read below.
                let _ = child.kill();
            }
        }
    }
    child.wait().expect("ends");
    acknowledged
}

#[test]
fn acknowledged_transactions_survive_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut acknowledged = Vec::new();
    let mut earlier: Vec<openledger_chain::FinalizedBlock> = Vec::new();
    for round in 0..ROUNDS {
        // Different moments each time; the work in flight makes them random within a block.
        let time = Duration::from_millis(37 + 91 * round as u64);
        let new = run_and_kill(dir.path(), round, time);
        assert!(!new.is_empty(), "round {round} acknowledged nothing");
        acknowledged.extend(new);

        runtime().block_on(async {
            let chain = start(dir.path()).await;
            let tip = chain.tip();
            // Blocks that were final before are the same blocks now, with the same state roots.
            for block in &earlier {
                assert_eq!(chain.block(block.height).await.expect("answers").as_ref(), Some(block));
            }
            let mut blocks = Vec::new();
            let mut reader = chain.subscribe(1);
            while reader.next_height() <= tip.height {
                blocks.push(reader.next().await.expect("a block"));
            }
            let mut accepted = std::collections::BTreeMap::new();
            for block in &blocks {
                for (index, (transaction, outcome)) in
                    block.transactions.iter().zip(&block.outcomes).enumerate()
                {
                    if outcome.result.is_ok() {
                        let first = accepted.insert(transaction.clone(), (block.height, index as u32));
                        assert_eq!(first, None, "accepted twice");
                    }
                }
            }
            for (name, height, index) in &acknowledged {
                let transaction = format!("add total {name}").into_bytes();
                assert_eq!(accepted.get(transaction.as_slice()), Some(&(*height, *index)), "{name}");
                assert!(chain.get(&nonce_key(name)).await.expect("answers").value.is_some(), "{name}");
            }
            let total = chain.get(&counter_key("total")).await.expect("answers").value.expect("counted");
            assert!(parse(&total) >= accepted.len() as u64 && parse(&total) >= acknowledged.len() as u64);
            earlier = blocks;
            chain.shutdown().await.expect("shuts down");
        });
    }
}
