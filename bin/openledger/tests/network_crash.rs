//! `kill -9` at twenty random moments, start-up and filling included: no acknowledged receipt is lost, none is settled
//! twice, the supply adds up, and the state root of every height is the same after a restart.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod support;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
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

#[test]
fn network_survives_kill_9_at_twenty_random_moments() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    println!("seed {seed}");
    let mut moments = Moments(seed);
    let folder = tempfile::tempdir().unwrap();
    let acknowledged = Arc::new(Mutex::new(Vec::<String>::new()));
    for kill in 0..KILLS {
        let network = Network::spawn(folder.path(), free_port(), &demo_data());
        // Early kills hit start-up and filling; later ones hit a network that serves and settles.
        let longest = if kill < 6 { 6_000 } else { 14_000 };
        let wait = moments.next_ms(200, longest);
        ask_until_killed(network, Duration::from_millis(wait), &acknowledged);
    }
    let mut network = Network::spawn(folder.path(), free_port(), &demo_data());
    network.wait_until_ready();
    assert!(network.ask(QUESTIONS[0], 16).is_some(), "the network answers after {KILLS} kills");
    let acknowledged = acknowledged.lock().unwrap().clone();
    println!("{} receipts were acknowledged between the kills", acknowledged.len());
    assert!(acknowledged.len() >= 5, "too few answers between the kills to prove anything");
    check_receipts(&network, &acknowledged);
    check_supply(&network);
    let last = tip(&network);
    let heights = last.saturating_sub(200).max(1)..=last;
    let roots = state_roots(&network, heights.clone());
    network.stop();
    let mut again = Network::spawn(folder.path(), free_port(), &demo_data());
    again.wait_until_ready();
    assert_eq!(state_roots(&again, heights), roots);
    check_supply(&again);
    again.stop();
}

/// Asks one question after another and keeps what was acknowledged, until the network is killed.
fn ask_until_killed(network: Network, wait: Duration, acknowledged: &Arc<Mutex<Vec<String>>>) {
    let killed = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let asker = &network;
        let over = killed.clone();
        scope.spawn(move || {
            for question in QUESTIONS.iter().cycle() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                if !asker.is_ready() {
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                }
                let Some(answer) = asker.ask(question, 16) else { continue };
                if let Some(id) = answer["receipt"]["id"].as_str() {
                    acknowledged.lock().unwrap().push(id.to_owned());
                }
            }
        });
        std::thread::sleep(wait);
        kill_9(network.process_id());
        killed.store(true, Ordering::Relaxed);
    });
    network.kill();
}

fn kill_9(process: u32) {
    assert!(
        std::process::Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success()
    );
}

/// Every acknowledged receipt is there, settled, verifies, and has a place of its own.
fn check_receipts(network: &Network, acknowledged: &[String]) {
    let mut places = BTreeMap::new();
    for id in acknowledged {
        let file = network.settled_receipt(id);
        let path = network.dir.join("checked.json");
        std::fs::write(&path, &file).unwrap();
        let identity = network.dir.join("network.json");
        let verified = network.openledger(&[
            "receipt",
            "verify",
            path.to_str().unwrap(),
            "--network",
            identity.to_str().unwrap(),
        ]);
        assert!(verified.status.success(), "{id}: {}", String::from_utf8_lossy(&verified.stdout));
        let receipt: Value = serde_json::from_slice(&file).unwrap();
        let place = (
            receipt["inclusion"]["batch"].as_u64().unwrap(),
            receipt["inclusion"]["index"].as_u64().unwrap(),
        );
        if let Some(other) = places.insert(place, id.clone()) {
            panic!("receipts {id} and {other} are both at {place:?}");
        }
    }
}

fn check_supply(network: &Network) {
    let printed = network.openledger(&["--json", "account", "supply"]);
    let supply: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(supply["balanced"], Value::Bool(true), "{supply}");
}

/// State roots by height. Right after a start the pages may still be reading blocks; that takes seconds at most.
fn state_roots(network: &Network, heights: RangeInclusive<u64>) -> BTreeMap<u64, String> {
    let patience = Instant::now() + Duration::from_secs(30);
    while tip(network) < *heights.end() {
        assert!(Instant::now() < patience, "the pages do not reach height {}", heights.end());
        std::thread::sleep(Duration::from_millis(100));
    }
    heights
        .map(|height| {
            let block = network.request("GET", &format!("/api/v1/blocks/{height}"), &[], b"").unwrap().json();
            (height, block["state_root"].as_str().unwrap_or_else(|| panic!("{block}")).to_owned())
        })
        .collect()
}

/// The height that the pages show.
fn tip(network: &Network) -> u64 {
    network.request("GET", "/api/v1/overview", &[], b"").unwrap().json()["height"].as_u64().unwrap()
}
