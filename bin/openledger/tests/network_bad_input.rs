//! Bad input, one table: each row is a clear message with the next step, the right status or exit code, and afterwards
//! the network still answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use support::{Network, binary, demo_data, free_port};

struct Row {
    name: &'static str,
    body: Vec<u8>,
    key: Key,
    status: u16,
    /// Parts that the message must contain.
    says: &'static [&'static str],
}

enum Key {
    Right,
    Wrong(&'static str),
    Absent,
}

fn chat(extra: &str, content: &str) -> Vec<u8> {
    format!(
        r#"{{"model":"smollm2-135m-instruct","messages":[{{"role":"user","content":{}}}]{extra}}}"#,
        serde_json::to_string(content).unwrap()
    )
    .into_bytes()
}

fn rows() -> Vec<Row> {
    let row = |name, body, status, says| Row { name, body, key: Key::Right, status, says };
    let keyed = |name, key, says| Row { name, body: chat("", "hello"), key, status: 401, says };
    let mut invalid_utf8 = chat("", "hello");
    let place = invalid_utf8.windows(5).position(|window| window == b"hello").unwrap();
    invalid_utf8[place] = 0xff;
    vec![
        row(
            "unknown model",
            br#"{"model":"gpt-17","messages":[{"role":"user","content":"hi"}]}"#.to_vec(),
            404,
            &["gpt-17", "smollm2-135m-instruct"],
        ),
        row(
            "no messages",
            br#"{"model":"smollm2-135m-instruct","messages":[]}"#.to_vec(),
            400,
            &["messages"],
        ),
        row("empty prompt", chat("", ""), 400, &["empty"]),
        row("body of 10 MB", vec![b' '; 10 << 20], 413, &["bytes"]),
        row("prompt beyond the context", chat("", &"word ".repeat(20_000)), 400, &["context", "tokens"]),
        row("invalid UTF-8", invalid_utf8, 400, &["UTF-8"]),
        row("broken JSON", br#"{"model": "#.to_vec(), 400, &["JSON"]),
        row("negative temperature", chat(r#","temperature":-1"#, "hello"), 400, &["temperature"]),
        row("many choices", chat(r#","n":1000000"#, "hello"), 400, &["n"]),
        row("many stop strings", chat(r#","stop":["a","b","c","d","e"]"#, "hello"), 400, &["stop"]),
        keyed("no key", Key::Absent, &["key"]),
        keyed(
            "wrong key",
            Key::Wrong("sk-ol-0000000000000000000000000000000000000000000000000000000000000000"),
            &["key"],
        ),
        keyed("hostile key", Key::Wrong("' OR 1=1 --"), &["key"]),
    ]
}

#[test]
fn network_answers_bad_requests_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::start(folder.path(), &demo_data());
    let right = format!("Bearer {}", network.key());
    for row in rows() {
        let mut headers = vec![("Content-Type", "application/json".to_owned())];
        match row.key {
            Key::Right => headers.push(("Authorization", right.clone())),
            Key::Wrong(key) => headers.push(("Authorization", format!("Bearer {key}"))),
            Key::Absent => {}
        }
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = network.request("POST", "/v1/chat/completions", &headers, &row.body).expect(row.name);
        assert_eq!(answer.status, row.status, "{}: {}", row.name, String::from_utf8_lossy(&answer.body));
        let error = &answer.json()["error"];
        let message = error["message"].as_str().unwrap_or_else(|| panic!("{}: {error}", row.name));
        for part in row.says {
            assert!(message.contains(part), "{}: {message:?} does not say {part:?}", row.name);
        }
        assert!(error["type"].is_string(), "{}: {error}", row.name);
    }
    let unknown = network.request("GET", "/v1/nothing", &[("Authorization", &right)], b"").unwrap();
    assert_eq!(unknown.status, 404);
    assert!(unknown.json()["error"]["message"].is_string());
    exhausted_budget(&network);
    second_process(&network);
    taken_port(&network);
    assert!(network.ask("What is abook?", 16).is_some(), "the network still answers");
    network.stop();
}

fn exhausted_budget(network: &Network) {
    let created = network.openledger(&["--json", "keys", "api", "--deposit", "0.001"]);
    let created: serde_json::Value = serde_json::from_slice(&created.stdout).unwrap();
    let authorization = format!("Bearer {}", created["key"].as_str().unwrap());
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let body = chat(r#","max_tokens":200"#, "What is abook?");
    let answer = network.request("POST", "/v1/chat/completions", &headers, &body).unwrap();
    assert_eq!(answer.status, 402, "{}", String::from_utf8_lossy(&answer.body));
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("0.001000"));
}

fn refused(name: &str, output: &Output, says: &[&str]) {
    assert_eq!(output.status.code(), Some(1), "{name}: {output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    for part in says {
        assert!(message.contains(part), "{name}: {message:?} does not say {part:?}");
    }
    assert!(!message.contains("panicked"), "{name}: {message}");
}

fn up(dir: &Path, port: u16, extra: &[&str]) -> Output {
    Command::new(binary())
        .arg("--dir")
        .arg(dir)
        .args(["up", "--port", &port.to_string(), "--data"])
        .arg(demo_data())
        .args(extra)
        .output()
        .unwrap()
}

fn second_process(network: &Network) {
    refused(
        "second process",
        &up(&network.dir, free_port(), &[]),
        &[network.dir.to_str().unwrap(), "process"],
    );
}

fn taken_port(network: &Network) {
    let folder = tempfile::tempdir().unwrap();
    refused("taken port", &up(folder.path(), network.port, &[]), &[&network.port.to_string(), "--port"]);
}

#[test]
fn network_refuses_a_damaged_model_file() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.gguf");
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("noise", vec![7u8; 4096]),
        ("cut", b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()),
    ] {
        fs::write(&model, bytes).unwrap();
        let output = up(&folder.path().join("network"), free_port(), &["--model", model.to_str().unwrap()]);
        refused(name, &output, &["model.gguf"]);
    }
    let output = up(&folder.path().join("network"), free_port(), &["--model", "/nowhere/model.gguf"]);
    refused("absent", &output, &["/nowhere/model.gguf"]);
}

/// Every file of a stopped network's folder, damaged one at a time: either the network says what is damaged, or it
/// starts and everything still adds up. It never panics and never serves a different history.
#[test]
fn network_notices_a_damaged_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::start(folder.path(), &demo_data());
    let answer = network.ask("What is abook?", 16).unwrap();
    network.settled_receipt(answer["receipt"]["id"].as_str().unwrap());
    network.stop();
    for file in ["keys/seed", "gateway/receipts.redb", "network.json"] {
        let path = folder.path().join(file);
        let original = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        fs::write(&path, b"damaged").unwrap();
        let output = up(folder.path(), free_port(), &[]);
        refused(file, &output, &[file.rsplit('/').next().unwrap()]);
        fs::write(&path, original).unwrap();
    }
    let network = Network::start(folder.path(), &demo_data());
    assert!(network.ask("What is abook?", 16).is_some(), "nothing was lost");
    network.stop();
}

/// A full disk, as a limit on file sizes: the start fails with a message, and with room it goes on.
#[test]
fn network_says_when_the_disk_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!(
        "trap '' XFSZ; ulimit -f 64; exec {} --dir {} up --port {} --data {}",
        binary(),
        folder.path().display(),
        free_port(),
        demo_data().display()
    );
    let output = Command::new("bash").args(["-c", &command]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("error:") && !message.contains("panicked"), "{message}");
    let network = Network::start(folder.path(), &demo_data());
    assert!(network.ask("What is abook?", 16).is_some(), "with room it goes on");
    network.stop();
}
