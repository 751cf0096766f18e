//! `openledger audit replay` on a real network with the packaged model: honest answers of every form replay clean, whole, in drawn
//! windows and by one layer; a provider that answered with other weights than it names is found; so is a changed token; and
//! nobody reads the evidence without the key or the salt.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod support;
#[path = "../../../crates/inference/tests/cheats/weights.rs"]
mod weights;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openledger_gateway::Asked;
use openledger_inference::{
    Backend, CompletionRequest, Engine, EngineConfig, Evidence, Hash as EvidenceHash, Material, Prompt, Scope,
};
use openledger_model::Model;
use openledger_receipt::{Envelope, EvidenceFacts, ReceiptFile, Statement, pre_authentication_encoding};
use openledger_types::{ServiceSecret, sha256};
use serde_json::{Value, json};
use support::{Network, command, output, packaged, read_until, small_data};

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Asks, and keeps the settled receipt in a file.
fn kept(network: &Network, name: &str, body: &Value) -> PathBuf {
    let authorization = format!("Bearer {}", network.key());
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let answer =
        network.request("POST", "/v1/chat/completions", &headers, body.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let file = network.settled_receipt(answer.json()["receipt"]["id"].as_str().unwrap());
    let path = network.dir.join(name);
    std::fs::write(&path, file).unwrap();
    path
}

fn question(content: &str, max_tokens: u32) -> Value {
    json!({
        "model": "smollm2-135m-instruct", "max_tokens": max_tokens,
        "messages": [{ "role": "user", "content": content }],
    })
}

/// Replays with these arguments and the packaged model.
fn replay(network: &Network, file: &Path, arguments: &[&str]) -> Output {
    let model = packaged();
    let named = ["audit", "replay", file.to_str().unwrap(), "--model", model.to_str().unwrap()];
    network.openledger(&[&named, arguments].concat())
}

/// A replay that finds nothing wrong, as JSON.
fn clean(network: &Network, file: &Path, arguments: &[&str]) -> Value {
    let found = replay(network, file, &[&["--json"], arguments].concat());
    assert!(found.status.success(), "{arguments:?}: {}", said(&found));
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(found["ok"], true, "{found}");
    found
}

fn refused(network: &Network, file: &Path, arguments: &[&str], code: i32, shown: &str) -> String {
    let found = replay(network, file, arguments);
    assert_eq!(found.status.code(), Some(code), "{arguments:?}: {}", said(&found));
    assert!(said(&found).contains(shown), "{shown:?} is not in: {}", said(&found));
    said(&found)
}

/// An answer whose reader leaves is committed to as far as it was made, and replays like any other.
fn check_cut(network: &Network) {
    let mut body = question("Tell a very long story about a river that wanted to be a mountain.", 900);
    body["stream"] = json!(true);
    body["openledger"] = json!({ "ground": false });
    let mut client = network.begin(&body);
    let told = read_until(&mut client, " the");
    drop(client);
    let id = told.split("\"id\":\"chatcmpl-").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
    // The gateway sees that nobody reads when it writes.
    let begun = Instant::now();
    while network.request("GET", &format!("/v1/receipts/{id}"), &[], b"").unwrap().status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the answer has no receipt");
        std::thread::sleep(Duration::from_millis(100));
    }
    let path = network.dir.join("cut.json");
    std::fs::write(&path, network.settled_receipt(id)).unwrap();
    let predicate = ReceiptFile::from_bytes(&std::fs::read(&path).unwrap()).unwrap().statement().unwrap();
    let predicate = predicate.predicate();
    assert_eq!(predicate.response.finish_reason, "cancelled");
    assert!(predicate.usage.completion_tokens < 900 && !predicate.evidence.commitment.is_empty());
    clean(network, &path, &[]);
}

#[test]
fn network_answers_replay_clean_and_what_is_changed_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::start(folder.path(), &small_data(folder.path(), 8));
    let grounded = kept(&network, "grounded.json", &question("How do I show the battery status?", 24));
    let mut plain = question("Tell me about rivers, mountains and the sea.", 60);
    plain["openledger"] = json!({ "ground": false });
    plain["temperature"] = json!(0.8);
    plain["seed"] = json!(77);
    let plain = kept(&network, "plain.json", &plain);
    let mut form = question("Describe a cat as JSON.", 48);
    let schema = json!({
        "type": "object", "required": ["name", "legs"], "additionalProperties": false,
        "properties": { "name": { "type": "string" }, "legs": { "type": "integer" } },
    });
    form["response_format"] = json!({ "type": "json_schema", "json_schema": { "schema": schema } });
    let form = kept(&network, "form.json", &form);

    for file in [&grounded, &plain, &form] {
        let whole = &clean(&network, file, &[])["replay"];
        let windows = whole["windows"].as_u64().unwrap();
        assert_eq!(whole["windows_checked"].as_array().unwrap().len() as u64, windows);
        assert_eq!((whole["scope"].as_str(), whole["beacon"].is_null()), (Some("all"), true));
    }
    let drawn = clean(&network, &grounded, &["--windows", "3"])["replay"].clone();
    assert_eq!(drawn["windows_checked"].as_array().unwrap().len(), 3, "{drawn}");
    assert!(drawn["beacon"]["height"].as_u64().unwrap() > 0, "{drawn}");
    let again = clean(&network, &grounded, &["--windows", "3"])["replay"].clone();
    assert_eq!(again["windows_checked"], drawn["windows_checked"], "everyone draws the same windows");
    clean(&network, &plain, &["--windows", "64"]);
    let named =
        clean(&network, &grounded, &["--window", "2", "--window", "0", "--layer", "3"])["replay"].clone();
    assert_eq!((&named["windows_checked"], named["beacon"].is_null()), (&json!([0, 2]), true), "{named}");
    refused(&network, &grounded, &["--window", "99"], 2, "there is no window 99");
    for layer in ["0", "17", "29"] {
        let one = clean(&network, &grounded, &["--layer", layer, "--windows", "2"])["replay"].clone();
        assert_eq!(one["layer"].to_string(), layer);
    }
    clean(&network, &form, &["--layer", "29"]);
    println!("{}", said(&replay(&network, &grounded, &["--windows", "3"])));

    check_cut(&network);
    check_privacy(&network, &grounded);
    check_changes(&network, &grounded);
    println!("{}", check_other_weights(&network, &plain));
    network.stop();
}

/// Without key or salt nobody gets what the texts follow from.
fn check_privacy(network: &Network, file: &Path) {
    let receipt = ReceiptFile::from_bytes(&std::fs::read(file).unwrap()).unwrap();
    let id = receipt.statement().unwrap().predicate().id.clone();
    let path = format!("/v1/receipts/{id}/evidence");
    let salt = hex(&receipt.opening.as_ref().unwrap().salt);
    let (key, wrong) = (format!("Bearer {}", network.key()), format!("Bearer sk-ol-{}", "ab".repeat(32)));
    let get = |path: &str, key: &str| network.request("GET", path, &[("Authorization", key)], b"").unwrap();
    for (path, key) in [(path.clone(), ""), (path.clone(), &wrong), (format!("{path}?salt=00"), "")] {
        let answer = get(&path, key);
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (403, Some("evidence_private")));
    }
    let paid = get(&path, &key).body;
    assert_eq!(Some(&paid), receipt.material.as_ref(), "the file holds what is served");
    assert_eq!(get(&format!("{path}?salt={salt}"), "").body, paid);
    let open = |key: &str, body: &str| {
        let path = format!("/v1/receipts/{id}/opening");
        network.request("POST", &path, &[("Authorization", key)], body.as_bytes()).unwrap()
    };
    assert_eq!(open("", r#"{"windows":[0]}"#).status, 403);
    for wrong in ["", "{}", r#"{"windows":[]}"#, r#"{"windows":[9999]}"#, r#"{"windows":[0],"layer":30}"#] {
        assert_eq!(open(&key, wrong).status, 400, "{wrong}");
    }
    let stranger = network.request("GET", &format!("/v1/receipts/{id}"), &[], b"").unwrap().body;
    let stranger = ReceiptFile::from_bytes(&stranger).unwrap();
    assert!(stranger.material.is_none() && stranger.opening.is_none());
    let bare = network.dir.join("bare.json");
    std::fs::write(&bare, stranger.to_bytes()).unwrap();
    refused(network, &bare, &[], 2, "has no texts");
    refused(network, &network.dir.join("nothing.json"), &[], 2, "cannot be read");
}

/// Whatever is changed in what an answer is replayed from is found; whatever cannot be checked is said.
fn check_changes(network: &Network, file: &Path) {
    let honest = ReceiptFile::from_bytes(&std::fs::read(file).unwrap()).unwrap();
    let material = Material::from_bytes(honest.material.as_deref().unwrap()).unwrap();
    let write = |name: &str, file: &ReceiptFile| {
        let path = network.dir.join(name);
        std::fs::write(&path, file.to_bytes()).unwrap();
        path
    };
    let mut other = material.clone();
    other.output[3] += 1;
    let changed = write("changed.json", &ReceiptFile { material: Some(other.to_bytes()), ..honest.clone() });
    refused(network, &changed, &[], 1, "FRAUD: evidence: the tokens of the answer are not those");
    let mut other = material;
    other.evidence.sampling.temperature = 0.5;
    other.evidence = other.evidence.committed(&other.salt.0);
    let changed = write("changed.json", &ReceiptFile { material: Some(other.to_bytes()), ..honest.clone() });
    refused(network, &changed, &[], 1, "FRAUD: evidence: the commitment of the receipt is");
    // The node has what a file lacks; offline there is nothing to compute from.
    let lacking = write("lacking.json", &ReceiptFile { material: None, ..honest.clone() });
    clean(network, &lacking, &[]);
    refused(
        network,
        &lacking,
        &["--url", "http://127.0.0.1:1"],
        2,
        "does not hold what its answer is replayed from",
    );
    let unsettled = write("unsettled.json", &ReceiptFile { inclusion: None, ..honest });
    refused(network, &unsettled, &["--windows", "2"], 2, "not settled yet");
    let beacon = format!("0x{}", "5a".repeat(32));
    clean(network, &unsettled, &["--windows", "2", "--beacon", &beacon]);
}

/// A gateway and a provider sign that the registered weights answered, and computed with 8-bit ones.
/// What the audit shows of it.
fn check_other_weights(network: &Network, file: &Path) -> String {
    let honest = ReceiptFile::from_bytes(&std::fs::read(file).unwrap()).unwrap();
    let weights = std::fs::read(packaged()).unwrap();
    let cheap = Arc::new(Model::from_bytes(&weights::rewritten(&weights, 8, None)).unwrap());
    let engine = Engine::start(cheap, EngineConfig::default()).unwrap();
    let forged = Forged::of(&engine, &honest, network);
    let path = network.dir.join("forged.json");
    std::fs::write(&path, forged.file.to_bytes()).unwrap();
    let verified = network.openledger(&["receipt", "verify", path.to_str().unwrap()]);
    assert!(verified.status.success(), "no receipt shows which model ran: {}", said(&verified));
    refused(network, &path, &[], 1, "FRAUD: ");

    // Its node opens what it computed, which is what it committed to.
    let beacon = format!("0x{}", "17".repeat(32));
    let all: Vec<u32> = (0..forged.evidence.windows()).collect();
    let drawn = [
        Scope::Windows(all.clone()),
        Scope::Layer { layer: 5, windows: all },
        Scope::Layer { layer: 0, windows: vec![0] },
    ];
    let bodies = drawn.map(|scope| {
        let claim = forged.truth.claim(None);
        engine.open(&claim, &scope).unwrap().to_bytes()
    });
    let url = serving(bodies.into());
    let arguments = ["--windows", "64", "--beacon", &beacon, "--url", &url];
    let shown =
        refused(network, &path, &arguments, 1, "FRAUD: window 0 behind layer 0: the hidden states differ");
    let arguments = ["--layer", "5", "--windows", "64", "--beacon", &beacon, "--url", &url];
    refused(network, &path, &arguments, 1, "FRAUD: window 0 behind layer 5: the hidden states differ");
    let found =
        replay(network, &path, &["--layer", "0", "--windows", "64", "--beacon", &beacon, "--url", &url]);
    // The opening is of window 0 alone, and more was asked for.
    assert_eq!(found.status.code(), Some(2), "{}", said(&found));
    shown
}

/// A receipt that two keys signed and no computation made.
struct Forged {
    file: ReceiptFile,
    evidence: Evidence,
    /// What was really computed.
    truth: Material,
}

impl Forged {
    /// The honest receipt's request, answered by `engine` in the name of the registered weights.
    fn of(engine: &Engine, honest: &ReceiptFile, network: &Network) -> Forged {
        let statement = honest.statement().unwrap();
        let mut predicate = statement.predicate().clone();
        let opening = honest.opening.clone().unwrap();
        let material = Material::from_bytes(honest.material.as_deref().unwrap()).unwrap();
        let asked = Asked::read(&predicate.request.endpoint, opening.request.as_bytes()).unwrap();
        assert!(asked.grammar().is_none());
        let request = CompletionRequest {
            max_tokens: Some(u32::try_from(material.output.len()).unwrap()),
            sampling: material.evidence.sampling,
            salt: material.salt.0,
            ..CompletionRequest::new(Prompt::Tokens(material.prompt.clone()))
        };
        let finished = engine.submit(request).unwrap().collect_blocking().unwrap();
        let computed = finished.done.proof.evidence().unwrap().clone();
        let truth = Material { output: finished.token_ids, evidence: computed, ..material.clone() };
        let weights = EvidenceHash(predicate.served.weights.0);
        let evidence = Evidence { model_sha256: weights, ..truth.evidence.clone() }.committed(&truth.salt.0);
        let forged = Material { evidence: evidence.clone(), ..truth.clone() };

        let answer = finished.text.trim_start().to_owned();
        predicate.response.salted_sha256 = openledger_receipt::salted_response(&opening.salt, &answer);
        predicate.evidence =
            EvidenceFacts { commitment: evidence.commitment.to_string(), windows: evidence.windows() };
        // Nobody is paid for words that the other answer does not have, and as much is paid for as many tokens.
        assert_eq!(truth.output.len(), predicate.usage.completion_tokens as usize);
        predicate.attribution.spans.clear();
        predicate.attribution.common = 0;
        predicate.attribution.shares.clear();
        predicate.attribution.unattributed = predicate.attribution.total;
        predicate.attribution.context = None;
        let envelope = signed(&Statement::new(predicate).to_payload(), network);
        let file = ReceiptFile {
            envelope,
            opening: Some(openledger_receipt::Opening { answer, ..opening }),
            certificate: None,
            material: Some(forged.to_bytes()),
            inclusion: None,
        };
        Forged { file, evidence, truth }
    }
}

/// Signed with the network's own keys, as a gateway and a provider that collude would.
fn signed(payload: &[u8], network: &Network) -> Envelope {
    let seed = std::fs::read_to_string(network.dir.join("keys/seed")).unwrap();
    let seed: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&seed[2 * at..2 * at + 2], 16).unwrap()).collect();
    let secret = |name: &str| {
        let mut bytes = format!("openledger/service-key/v1\0{name}\0").into_bytes();
        bytes.extend_from_slice(&seed);
        ServiceSecret::from_bytes(sha256(&bytes).0)
    };
    let mut envelope = Envelope::sign(payload.to_vec(), &secret("gateway"));
    let provider = secret("provider");
    envelope.countersign(provider.key(), provider.sign(&pre_authentication_encoding(payload)));
    envelope
}

/// A node that answers each request with the next of these bodies.
fn serving(bodies: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for body in bodies {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            let mut stream = reader.into_inner();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    url
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn help_says_what_an_audit_does() {
    let help = output(command().args(["audit", "replay", "--help"]));
    assert!(said(&help).contains("--windows") && said(&help).contains("Exit code"), "{}", said(&help));
}
