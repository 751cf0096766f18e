//! A node with a provider's role, on a real network with short epochs: its heartbeats are on the ledger with what it measured,
//! it says what it serves with, and a stop lets what runs come to its end and takes its offers back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use openledger_types::ServiceKey;
use openledger_types::keys::verify_service;
use serde_json::{Value, json};
use support::{Network, read_until};

const MODEL: &str = "smollm2-135m-instruct";
const EPOCH_MS: u64 = 3_000;
/// How long a heartbeat may take that is due.
const BEAT_MAX: Duration = Duration::from_secs(60);

/// A genesis whose epochs are short.
fn genesis(folder: &Path) -> String {
    let stated = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/genesis.toml");
    let stated = std::fs::read_to_string(stated).unwrap();
    let short = stated.replacen("epoch_ms = 3600000", &format!("epoch_ms = {EPOCH_MS}"), 1);
    assert_ne!(short, stated);
    let file = folder.join("short.toml");
    std::fs::write(&file, short).unwrap();
    format!("genesis = {file:?}\n[serving]\nsequences = 2\nwaiting = 1\n[provider]\n")
}

fn body(question: &str, max_tokens: u32) -> Value {
    json!({
        "model": MODEL, "max_tokens": max_tokens, "temperature": 0, "stream": true,
        "messages": [{ "role": "user", "content": question }], "openledger": { "ground": false },
    })
}

fn provider(network: &Network) -> String {
    let said = network.request("GET", "/api/v1/provider", &[], b"").unwrap().json();
    let text = said["said"].as_str().unwrap().to_owned();
    let key: ServiceKey = said["key"].as_str().unwrap().parse().unwrap();
    let digits = said["signature"].as_str().unwrap().trim_start_matches("0x").to_owned();
    let signature: Vec<u8> =
        (0..64).map(|place| u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).unwrap()).collect();
    let signature: [u8; 64] = signature.try_into().unwrap();
    verify_service(&key, &[b"openledger/provider/v1\0", text.as_bytes()].concat(), &signature).unwrap();
    text
}

/// The provider's last heartbeat on the ledger, as soon as it is of a later epoch than `after`.
fn heartbeat(network: &Network, account: &str, after: u64) -> Value {
    let begun = Instant::now();
    loop {
        let key = json!({ "providers": { "heartbeat": account } }).to_string();
        let shown = network.openledger(&["--json", "ledger", "show", &key]);
        let shown: Value = serde_json::from_slice(&shown.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&shown.stderr)));
        let record = &shown["record"]["record"]["record"];
        if record["epoch"].as_u64().is_some_and(|epoch| epoch > after) {
            return record.clone();
        }
        assert!(begun.elapsed() < BEAT_MAX, "no heartbeat after {after}: {shown}\n{}", network.log());
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Whether a block near the tip holds an action that says this.
fn was_done(network: &Network, says: &str) -> bool {
    let tip = network.tip();
    (tip.saturating_sub(60).max(1)..=tip)
        .any(|height| network.page(&format!("/api/v1/blocks/{height}")).to_string().contains(says))
}

fn heartbeats_say_what_was_measured(network: &Network) {
    let before: Value = serde_json::from_str(&provider(network)).unwrap();
    assert_eq!(
        (&before["models"][0]["completion_tokens"], &before["models"][0]["capacity"]),
        (&json!(0), &json!(3))
    );
    assert!(before["hardware"]["cores"].as_u64().unwrap() > 0, "{before}");
    assert!(before["hardware"]["memory_mib"].as_u64().unwrap() > 0, "{before}");
    let mut answer = network.begin(&body("Tell me about ferns.", 24));
    read_until(&mut answer, "[DONE]");
    let told: Value = serde_json::from_str(&provider(network)).unwrap();
    let model = &told["models"][0];
    assert!(model["completion_tokens"].as_u64().unwrap() > 0, "{told}");
    assert!(model["tokens_per_second"].as_f64().unwrap() > 0.0, "{told}");
    let account = told["provider"].as_str().unwrap();
    let first = heartbeat(network, account, 0);
    let load = &first["loads"][0];
    assert_eq!(load["class"], "general", "{first}");
    let (capacity, busy) = (load["capacity"].as_u64().unwrap(), load["busy"].as_u64().unwrap());
    assert!(0 < busy && busy <= capacity, "{first}");
    // It is measured: at 40 uC for a token nobody shows less than one token, or more than ten thousand, in a second.
    let seconds = EPOCH_MS / 1_000;
    assert!((40 * seconds..400_000 * seconds).contains(&capacity), "{first}");
    heartbeat(network, account, first["epoch"].as_u64().unwrap());
}

/// A stop in the middle of an answer: it ends whole, nothing new is begun, and the process ends in order.
fn a_stop_lets_answers_end(network: &Network) {
    let mut answer = network.begin(&body("Tell a long story about a fern and a fox.", 40));
    let mut text = read_until(&mut answer, "content\":\"");
    text.push_str(&read_until(&mut answer, "data: "));
    network.terminate();
    let authorization = format!("Bearer {}", network.key());
    let (headers, short) = ([("Authorization", authorization.as_str())], body("Hi", 4).to_string());
    let begun = Instant::now();
    // A node that is gone refuses as well.
    while let Some(refused) = network.request("POST", "/v1/chat/completions", &headers, short.as_bytes()) {
        if refused.status == 503 {
            assert!(String::from_utf8_lossy(&refused.body).contains("stopping"));
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", refused.status);
    }
    text.push_str(&read_until(&mut answer, "[DONE]"));
    assert!(text.contains("\"receipt\""), "{text}");
    assert!(
        text.contains("\"finish_reason\":\"stop\"") || text.contains("\"finish_reason\":\"length\""),
        "{text}"
    );
}

#[test]
fn network_provider_reports_what_it_measured_and_drains() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("datanets.json"), "[]").unwrap();
    let node = genesis(folder.path());
    let network = Network::start_node(folder.path(), &data, &node);
    heartbeats_say_what_was_measured(&network);
    a_stop_lets_answers_end(&network);
    network.stop();
    let network = Network::start_node(folder.path(), &data, &node);
    assert!(was_done(&network, &format!("Withdraw the offer for {MODEL}")), "{}", network.log());
    let offers = network.page("/api/v1/models");
    assert!(offers.to_string().contains("\"capacity\":2"), "the offer is posted again: {offers}");
    network.stop();
}
