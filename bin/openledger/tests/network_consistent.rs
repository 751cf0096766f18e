//! A node whose provider serves an engine behind HTTP and names its weights, on a real network: the tier is "consistent", and
//! `openledger audit replay` follows the answers. The engine that a test plays computes with the packaged model, and for one question
//! under an instruction that nobody asked for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of a test fails the test"
)]

#[path = "../../../crates/upstream/tests/support/server.rs"]
mod server;
mod support;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use openledger_inference::{
    ChatMessage, CompletionRequest, Engine, EngineConfig, Event, Model, Prompt, Role,
};
use openledger_receipt::ReceiptFile;
use serde_json::{Value, json};
use server::{Asked, Server, Step, stream, well};
use support::{Network, packaged, small_data};
use tokio::runtime::Runtime;

const ENGINES: &str = "smollm2-behind-http";
/// What makes the engine answer under another instruction.
const SECRETLY: &str = "mountains";
/// What makes it count more than it wrote.
const OVERCOUNTS: &str = "in one word";
/// What makes it stop early and say that it was the length.
const CUTS: &str = "in every detail";

/// The likeliest tokens of an answer, and why it ended.
fn computed(engine: &Engine, messages: Vec<ChatMessage>, max_tokens: u32) -> (String, &'static str, u32) {
    let mut request = CompletionRequest::new(Prompt::Chat(messages.into()));
    request.max_tokens = Some(max_tokens);
    let mut events = engine.submit(request).unwrap().events;
    let mut text = String::new();
    loop {
        match events.blocking_recv().expect("an end") {
            Event::Token { text: piece, .. } => text.push_str(&piece),
            Event::Done(done) => return (text, done.finish_reason.as_str(), done.completion_tokens),
            Event::Error(error) => panic!("{error}"),
        }
    }
}

fn answered(engine: &Arc<Engine>, asked: &Asked) -> Vec<Step> {
    if let Some(said) = well(asked) {
        return said;
    }
    let mut messages: Vec<ChatMessage> = serde_json::from_value(asked.body["messages"].clone()).unwrap();
    if messages.iter().any(|message| message.content.contains(SECRETLY)) {
        messages.insert(0, ChatMessage::new(Role::System, "Answer in German."));
    }
    let mut max_tokens = u32::try_from(asked.body["max_tokens"].as_u64().unwrap()).unwrap();
    if asked.body.to_string().contains(CUTS) {
        max_tokens = 40;
    }
    let engine = engine.clone();
    // It waits for its engine, which no thread of the runtime may.
    let computing = std::thread::spawn(move || computed(&engine, messages, max_tokens));
    let (text, finish, mut tokens) = computing.join().unwrap();
    if asked.body.to_string().contains(OVERCOUNTS) {
        tokens = max_tokens;
    }
    let data = |value: Value| format!("data: {value}\n\n");
    let said = [
        data(json!({ "choices": [{ "index": 0, "delta": { "content": text } }] })),
        data(json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": finish }] })),
        data(json!({ "choices": [], "usage": { "prompt_tokens": 40, "completion_tokens": tokens } })),
        "data: [DONE]\n\n".to_owned(),
    ];
    stream(said.concat().as_bytes())
}

/// Asks, and keeps the settled receipt in a file.
fn kept(network: &Network, name: &str, question: &str, extra: &Value) -> PathBuf {
    let mut body = json!({
        "model": ENGINES, "max_tokens": 48, "messages": [{ "role": "user", "content": question }],
    });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let authorization = format!("Bearer {}", network.key());
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let answer =
        network.request("POST", "/v1/chat/completions", &headers, body.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let id = answer.json()["receipt"]["id"].as_str().unwrap().to_owned();
    let file = network.settled_receipt(&id);
    network.check_receipt(&id, &file);
    let path = network.dir.join(name);
    std::fs::write(&path, file).unwrap();
    path
}

fn replay(network: &Network, file: &Path, arguments: &[&str]) -> Output {
    let model = packaged();
    let named = ["audit", "replay", file.to_str().unwrap(), "--model", model.to_str().unwrap()];
    network.openledger(&[&named, arguments].concat())
}

/// What is said of a receipt, which ends with this code.
fn found(network: &Network, file: &Path, arguments: &[&str], code: i32) -> String {
    let output = replay(network, file, arguments);
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

fn says(network: &Network, file: &Path, arguments: &[&str], code: i32, expected: &str) {
    let said = found(network, file, arguments, code);
    assert!(said.contains(expected), "{expected:?} is not in: {said}");
}

fn honest_answers_are_consistent(network: &Network, folder: &Path) {
    let plain = json!({ "openledger": { "ground": false } });
    let file = kept(network, "plain.json", "Tell me about rivers and the sea.", &plain);
    let predicate = ReceiptFile::from_bytes(&std::fs::read(&file).unwrap()).unwrap().statement().unwrap();
    let served = &predicate.predicate().served;
    assert!(served.numeric_specification == 0 && !served.weights.is_unknown());
    let output = replay(network, &file, &["--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["ok"], &told["replay"]["tier"]), (&json!(true), &json!("consistent")), "{told}");
    // The engine of this test rounds as the auditor does.
    assert_eq!(
        (told["replay"]["missed"].as_f64(), &told["replay"]["tokens"]),
        (Some(0.0), &json!(48)),
        "{told}"
    );
    says(network, &file, &[], 0, "that is no proof of them");
    says(network, &file, &["--windows", "2"], 2, "--windows is for answers of the tier exact");

    let grounded =
        kept(network, "grounded.json", "Explain at length how I show the battery status.", &json!({}));
    says(network, &grounded, &["--index", "/nowhere"], 2, "cannot be read");
    let snapshots = folder.join("snapshots").to_str().unwrap().to_owned();
    network.done(&["datanet", "export", "--out", &snapshots]);
    says(network, &grounded, &["--index", &snapshots], 0, "the passage that the receipt names");
}

fn others_are_not(network: &Network) {
    let plain = json!({ "openledger": { "ground": false } });
    let file = kept(network, "secretly.json", &format!("Tell me about rivers and {SECRETLY}."), &plain);
    says(network, &file, &[], 1, "INCONSISTENT with the weights");
    let short = json!({ "openledger": { "ground": false }, "max_tokens": 5 });
    let file = kept(network, "short.json", "Tell me about rivers.", &short);
    says(network, &file, &[], 2, "of 5 tokens nothing can be said");
    let drawn = json!({ "openledger": { "ground": false }, "temperature": 0.5 });
    let file = kept(network, "drawn.json", "Tell me about rivers.", &drawn);
    says(network, &file, &[], 2, "whose draws cannot be made again here; ask with `temperature` 0");
    let overcounted = json!({ "openledger": { "ground": false }, "max_tokens": 600 });
    let file = kept(
        network,
        "overcounted.json",
        &format!("What is the capital of France, {OVERCOUNTS}?"),
        &overcounted,
    );
    says(network, &file, &[], 2, "600 tokens were charged for, and the text has");
    let file = kept(network, "cut.json", &format!("Describe a river {CUTS}."), &overcounted);
    says(network, &file, &[], 2, "its length is said to have ended it after 40 tokens, and 600 were allowed");
    let file = kept(network, "controls.json", "Tell me about <|im_end|> and rivers.", &plain);
    says(network, &file, &[], 2, "a control token of the model written in its text");
    let formed = json!({ "response_format": { "type": "json_object" } });
    let file = kept(network, "formed.json", "Tell me about rivers.", &formed);
    says(network, &file, &[], 2, "only free text can be followed");
}

#[test]
fn network_answers_of_engines_with_named_weights_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let data = small_data(folder.path(), 8);
    let runtime = Runtime::new().unwrap();
    let model = Arc::new(Model::open(&packaged()).unwrap());
    let weights = hex::encode(model.sha256());
    let engine = Arc::new(Engine::start(model, EngineConfig::default()).unwrap());
    let server = runtime.block_on(Server::start(move |asked: &Asked| answered(&engine, asked)));
    let url = server.url.clone();
    let network = Network::start_node(
        folder.path(),
        &data,
        &format!(
            "[[provider.upstreams]]\nmodel = {ENGINES:?}\nkind = \"vllm\"\nurl = {url:?}\nengine_model = \"m\"\ncontext_tokens = 4096\n\
             prompt_price = 3\ncompletion_price = 20\ncapacity = 4\nlicense = \"Apache-2.0\"\nweights = {weights:?}\n"
        ),
    );
    let list = network.request("GET", "/v1/models", &[], b"").unwrap().json();
    let own = list["data"].as_array().unwrap().iter().find(|model| model["id"] == ENGINES).unwrap();
    assert_eq!((&own["tier"], own["weights_sha256"].is_string()), (&json!("consistent"), true), "{own}");
    honest_answers_are_consistent(&network, folder.path());
    others_are_not(&network);
    network.check_supply();
    network.stop();
}
