//! `kill -9` at twenty random moments, start-up and filling included: no acknowledged receipt is lost, none is settled
//! twice, the supply adds up, and the state root of every height that was seen is the same after the restarts.
//! Absent: a loss of power; what a killed process had written, the system still has.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod support;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openledger_receipt::ReceiptFile;
use support::{Network, demo_data, free_port};

const KILLS: u32 = 20;
const QUESTIONS: [&str; 3] = ["What is abook?", "How do I turn on bounce keys?", "What is git-annex?"];

/// A small generator (SplitMix64) so that the printed seed repeats the moments.
struct Moments(u64);

impl Moments {
    fn next_ms(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (mixed ^ (mixed >> 31)) % (high - low)
    }
}

/// What consumers were told between the kills.
#[derive(Default)]
struct Seen {
    /// Ids of receipts that came with an answer.
    receipts: Vec<String>,
    /// Heights with their state roots, as the pages showed them.
    roots: Vec<(u64, String)>,
}

#[test]
fn network_survives_kill_9_at_twenty_random_moments() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    println!("seed {seed}");
    let mut moments = Moments(seed);
    let folder = tempfile::tempdir().unwrap();
    let seen = Mutex::new(Seen::default());
    for kill in 0..KILLS {
        let network = Network::spawn(folder.path(), free_port(), &demo_data());
        // Early kills hit start-up and filling; later ones hit a network that serves and settles.
        let longest = if kill < 6 { 6_000 } else { 14_000 };
        let wait = moments.next_ms(200, longest);
        ask_until_killed(&network, Duration::from_millis(wait), &seen);
    }
    let seen = seen.into_inner().unwrap();
    let network = Network::start(folder.path(), &demo_data());
    assert!(network.ask(QUESTIONS[0], 16).is_some(), "the network answers after {KILLS} kills");
    println!("{} receipts were acknowledged between the kills", seen.receipts.len());
    assert!(seen.receipts.len() >= 5, "too few answers between the kills to prove anything");
    assert!(seen.roots.len() >= 5, "too few blocks were seen between the kills to prove anything");
    check_settled_once(&network, &seen.receipts);
    network.check_supply();
    let last = network.tip();
    let roots = network.state_roots(last.saturating_sub(200).max(1)..=last);
    network.stop();
    let again = Network::start(folder.path(), &demo_data());
    assert_eq!(again.state_roots(roots.keys().copied()), roots);
    check_history(&again, &seen.roots);
    again.check_supply();
    check_export(&again);
    again.stop();
}

/// Asks one question after another and keeps what was acknowledged, until the network is killed. A network that ended by
/// itself before fails the test.
fn ask_until_killed(network: &Network, wait: Duration, seen: &Mutex<Seen>) {
    let over = AtomicBool::new(false);
    let ended_before = std::thread::scope(|scope| {
        scope.spawn(|| {
            for question in QUESTIONS.iter().cycle() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                if !network.is_ready() {
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                }
                let Some(answer) = network.ask(question, 16) else { continue };
                let block = newest_block(network);
                let mut seen = seen.lock().unwrap();
                seen.receipts.extend(answer["receipt"]["id"].as_str().map(str::to_owned));
                seen.roots.extend(block);
            }
        });
        std::thread::sleep(wait);
        let ended_before = network.kill();
        over.store(true, Ordering::Relaxed);
        ended_before
    });
    if let Some(status) = ended_before {
        panic!("the network ended by itself with {status}:\n{}", network.log());
    }
}

/// The newest block that the pages show, with its state root; `None` when nobody answers any more.
fn newest_block(network: &Network) -> Option<(u64, String)> {
    let overview = network.request("GET", "/api/v1/overview", &[], b"")?.json();
    let height = overview["height"].as_u64()?;
    let block = network.request("GET", &format!("/api/v1/blocks/{height}"), &[], b"")?.json();
    Some((height, block["state_root"].as_str()?.to_owned()))
}

/// Every acknowledged receipt is there, settled, verifies, and is where its batch says; every receipt number up to the
/// last of them is in one batch.
fn check_settled_once(network: &Network, receipts: &[String]) {
    let mut placed = BTreeMap::new();
    for id in receipts {
        let bytes = network.settled_receipt(id);
        network.check_receipt(id, &bytes);
        let file = ReceiptFile::from_bytes(&bytes).unwrap();
        let sequence = file.statement().unwrap().predicate().sequence;
        let inclusion = file.inclusion.unwrap();
        if let Some(other) = placed.insert(sequence, (inclusion.batch, u64::from(inclusion.index))) {
            panic!("receipt {id} is number {sequence}, and so is one in batch {}", other.0);
        }
    }
    let gateway = network.page("/api/v1/network")["gateway"].as_str().unwrap().to_owned();
    let highest = placed.values().map(|(batch, _)| *batch).max().unwrap();
    let mut ranges = BTreeMap::new();
    let mut next = 1;
    for number in 1..=highest {
        let batch = network.page(&format!("/api/v1/batches/{gateway}/{number}"));
        assert_eq!(batch["first_receipt"].as_u64(), Some(next), "a gap or an overlap: {batch}");
        let count = batch["receipts"].as_u64().unwrap();
        assert!(count > 0, "an empty batch: {batch}");
        ranges.insert(number, next..next + count);
        next += count;
    }
    for (sequence, (batch, index)) in placed {
        let range = &ranges[&batch];
        assert!(
            range.start + index == sequence && range.contains(&sequence),
            "receipt {sequence} is number {index} of batch {batch}, which holds {range:?}"
        );
    }
}

/// No restart changed a block that anybody saw.
fn check_history(network: &Network, seen: &[(u64, String)]) {
    let now = network.state_roots(seen.iter().map(|(height, _)| *height));
    for (height, root) in seen {
        assert_eq!(now[height], *root, "the state root of height {height}");
    }
}

/// The sealed versions are public and whole: one of each datanet.
fn check_export(network: &Network) {
    let folder = network.dir.join("export");
    let exported = network.openledger(&["datanet", "export", "--out", folder.to_str().unwrap()]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files.len(), 3, "{files:?}");
}
