//! Bad input, one table: each row is a clear message with the next step, the right status or exit code, and afterwards
//! the network still answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::{Network, binary, command, demo_data, free_port, output};

struct Row {
    name: &'static str,
    body: Vec<u8>,
    key: Key,
    status: u16,
    /// The parameter that the error must name.
    param: Option<&'static str>,
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

/// So many stop strings.
fn stops(count: usize) -> String {
    format!(r#","stop":[{}"x"]"#, r#""x","#.repeat(count - 1))
}

fn rows() -> Vec<Row> {
    let row = |name, body, status, says| Row { name, body, key: Key::Right, status, param: None, says };
    let keyed = |name, key, says| Row { name, body: chat("", "hello"), key, status: 401, param: None, says };
    let invalid = |name, extra: &str, param, says| {
        let body = chat(extra, "hello");
        Row { name, body, key: Key::Right, status: 400, param: Some(param), says }
    };
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
        row("prompt of nearly 1 MB", chat("", &"a".repeat((1 << 20) - 200)), 400, &["bytes"]),
        row("not a number", chat(r#","temperature":NaN"#, "hello"), 400, &["JSON", "NaN"]),
        row("beyond any number", chat(r#","temperature":1e999"#, "hello"), 400, &["JSON"]),
        row("invalid UTF-8", invalid_utf8, 400, &["UTF-8"]),
        row("broken JSON", br#"{"model": "#.to_vec(), 400, &["JSON"]),
        invalid("negative temperature", r#","temperature":-1"#, "temperature", &["temperature", "-1"]),
        invalid("many choices", r#","n":1000000"#, "n", &["1000000"]),
        invalid("many stop strings", r#","stop":["a","b","c","d","e"]"#, "stop", &["stop", "5"]),
        invalid("a stop list of 100,000", &stops(100_000), "stop", &["100000"]),
        invalid("negative min_p", r#","min_p":-0.1"#, "min_p", &["-0.1"]),
        invalid("top_p of nothing", r#","top_p":0"#, "top_p", &["above 0"]),
        invalid("negative penalty", r#","presence_penalty":-1e9"#, "presence_penalty", &["-2"]),
        invalid("many likelihoods", r#","logprobs":true,"top_logprobs":1000000000"#, "top_logprobs", &["20"]),
        invalid("a number of likelihoods", r#","logprobs":1000000000"#, "logprobs", &["true"]),
        invalid("a seed beyond 64 bits", r#","seed":99999999999999999999999"#, "seed", &["64 bits"]),
        invalid("no tokens", r#","max_tokens":-1"#, "max_tokens", &["-1"]),
        invalid(
            "tools for a model without a place for them",
            r#","tools":[{"type":"function","function":{"name":"f"}}]"#,
            "tools",
            &["smollm2-135m-instruct", "no place for tools"],
        ),
        invalid(
            "a tool without a name",
            r#","tools":[{"type":"function"}]"#,
            "tools",
            &["tools[0].function"],
        ),
        invalid("a choice of no tool", r#","tool_choice":"required""#, "tool_choice", &["required"]),
        invalid("preferred tokens", r#","logit_bias":{"1":100}"#, "logit_bias", &["logit_bias"]),
        invalid(
            "a schema of another kind",
            r##","response_format":{"type":"json_schema","json_schema":{"schema":{"$ref":"#"}}}"##,
            "response_format",
            &["$ref"],
        ),
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
    let said = |network: &Network| {
        let answer = network.ask("What is abook?", 16).expect("the network answers");
        answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };
    let before = said(&network);
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
        if row.param.is_some() {
            assert_eq!(error["param"].as_str(), row.param, "{}: {error}", row.name);
        }
    }
    let unknown = network.request("GET", "/v1/nothing", &[("Authorization", &right)], b"").unwrap();
    assert_eq!(unknown.status, 404);
    assert!(unknown.json()["error"]["message"].is_string());
    exhausted_budget(&network);
    second_process(&network);
    taken_port(&network);
    assert_eq!(said(&network), before, "the network still answers, and the same");
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
    let mut command = command();
    command.arg("--dir").arg(dir).args(["up", "--port", &port.to_string(), "--data"]);
    output(command.arg(demo_data()).args(extra))
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

/// Files without which no network may start; the message names them.
const NEEDED: [&str; 3] = ["keys/seed", "gateway/receipts.redb", "network.json"];

/// The largest file of every folder of a stopped network, and those that it needs, overwritten one at a time in a copy of
/// their own: either the network says where it is damaged, or it starts with the same history and everything adds up. It
/// never serves another history.
#[test]
fn network_notices_a_damaged_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    fs::create_dir(&original).unwrap();
    let network = Network::start(&original, &demo_data());
    let answer = network.ask("What is abook?", 16).unwrap();
    let id = answer["receipt"]["id"].as_str().unwrap();
    network.settled_receipt(id);
    let known = network.state_roots(1..=network.tip());
    network.stop();

    let copy = folder.path().join("copy");
    copy_folder(&original, &copy);
    let network = Network::start(&copy, &demo_data());
    assert_eq!(network.state_roots(known.keys().copied()), known, "an undamaged copy is the same network");
    network.stop();

    let mut files: BTreeSet<String> = NEEDED.map(str::to_owned).into();
    files.extend(["chain", "gateway", "datanets", "keys"].map(|name| largest_file(&original, name)));
    for file in files {
        copy_folder(&original, &copy);
        fs::write(copy.join(&file), b"damaged").unwrap_or_else(|error| panic!("{file}: {error}"));
        let network = Network::spawn(&copy, free_port(), &demo_data());
        if let Some(status) = network.ready_or_ended() {
            println!("{file}: refused");
            assert_eq!(status.code(), Some(1), "{file}:\n{}", network.log());
            names_damage(&file, &copy, &network.log());
        } else {
            println!("{file}: not needed");
            assert!(!NEEDED.contains(&file.as_str()), "a network started with {file} damaged");
            assert_eq!(network.state_roots(known.keys().copied()), known, "{file}");
            network.check_receipt(id, &network.settled_receipt(id));
            network.check_supply();
            network.stop();
        }
    }
}

/// The last words are an error that names the file, or the folder of the part that it belongs to. The engine's threads
/// print their panics; those of a chain that is refused come before.
fn names_damage(file: &str, dir: &Path, log: &str) {
    let last = log.lines().last().unwrap_or_default();
    let place =
        if NEEDED.contains(&file) { dir.join(file) } else { dir.join(file.split('/').next().unwrap()) };
    assert!(last.starts_with("error: ") && last.contains(place.to_str().unwrap()), "{file}:\n{log}");
    assert!(file.starts_with("chain/") || !log.contains("panicked"), "{file}:\n{log}");
}

/// Replaces `to` by a copy of `from`.
fn copy_folder(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    // Each network writes its own log.
    fs::remove_file(to.join("test.log")).unwrap();
}

/// The largest file under a folder of a network, from the network's folder on; of several, the last by name.
fn largest_file(dir: &Path, folder: &str) -> String {
    let mut sizes = Vec::new();
    let mut open: Vec<PathBuf> = vec![dir.join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            match entry.metadata().unwrap() {
                found if found.is_dir() => open.push(entry.path()),
                found => sizes.push((found.len(), entry.path())),
            }
        }
    }
    let (_, path) = sizes.into_iter().max().unwrap();
    path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned()
}

/// A full disk, as a limit on file sizes: the start fails with a message, and with room it goes on.
#[test]
fn network_says_when_the_disk_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!(
        "trap '' XFSZ; ulimit -f 64; exec {} --dir {} up --seed 7 --port {} --data {}",
        binary(),
        folder.path().display(),
        free_port(),
        demo_data().display()
    );
    let output = output(Command::new("bash").args(["-c", &command]));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("error:") && !message.contains("panicked"), "{message}");
    let network = Network::start(folder.path(), &demo_data());
    assert!(network.ask("What is abook?", 16).is_some(), "with room it goes on");
    network.stop();
}
