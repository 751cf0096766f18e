//! A node whose provider serves an engine behind HTTP beside its own model, on a real network. A server that a test plays is the
//! engine: it quotes the passages that it is given, counts wrong, hangs, goes away and comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of a test fails the test"
)]

#[path = "../../../crates/upstream/tests/support/server.rs"]
mod server;
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use openledger_receipt::{Predicate, ReceiptFile};
use serde_json::{Value, json};
use server::{Asked, Server, Step, stream, stream_head, well};
use support::{Answer, Network, read_until, small_data};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const OWN: &str = "smollm2-135m-instruct";
const ENGINES: &str = "ferns-7b";
/// How long an engine that is up again may be waited for: looks come rarer after each failure.
const BACK_MAX: Duration = Duration::from_secs(60);
const PLANTS: &str = "An orchid on the window sill wants a cup of rain water every eleven days. Pour it over the bark in the morning.";

/// One event of a stream.
fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An answer word by word, with its end and its count.
fn answer(text: &str, finish: &str, prompt_tokens: u64, completion_tokens: u64) -> Vec<Step> {
    let pieces = text
        .split_inclusive(' ')
        .map(|word| data(&json!({ "choices": [{ "index": 0, "delta": { "content": word } }] })));
    let end = [
        data(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": finish }] })),
        data(
            &json!({ "choices": [], "usage": { "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens } }),
        ),
        "data: [DONE]\n\n".to_owned(),
    ];
    stream(pieces.chain(end).collect::<String>().as_bytes())
}

/// The engine: what is asked says what it does. It quotes the passage that it is given.
fn engine(asked: &Asked) -> Vec<Step> {
    if let Some(said) = well(asked) {
        return said;
    }
    let messages = asked.body["messages"].as_array().cloned().unwrap_or_default();
    let question =
        messages.last().and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned();
    let allowed = asked.body["max_tokens"].as_u64().unwrap();
    let begun = data(&json!({ "choices": [{ "index": 0, "delta": { "content": "Ferns" } }] }));
    match question.as_str() {
        "Hang" => vec![stream_head(), Step::Send(begun.into_bytes()), Step::Hang],
        "Overstate" => answer("Ferns like shade", "length", 4_000, allowed),
        "Overflow" => answer("Ferns like shade", "length", 4_000, allowed + 1),
        "Long" => server::json(
            "400 Bad Request",
            r#"{"object":"error","message":"maximum context length is 4096 tokens"}"#,
        ),
        "Call" if asked.body["tool_choice"] == "required" => {
            let name = asked.body["tools"][0]["function"]["name"].clone();
            let call = |function: Value| json!({ "choices": [{ "delta": { "tool_calls": [{ "index": 0, "function": function }] } }] });
            let said = [
                data(&call(json!({ "name": name, "arguments": "" }))),
                data(&call(json!({ "arguments": "{\"a\":" }))),
                data(&call(json!({ "arguments": "[1]}" }))),
                data(&json!({ "choices": [{ "delta": {}, "finish_reason": "tool_calls" }] })),
                data(&json!({ "choices": [], "usage": { "prompt_tokens": 90, "completion_tokens": 12 } })),
                "data: [DONE]\n\n".to_owned(),
            ];
            stream(said.concat().as_bytes())
        }
        "Form" if asked.body["response_format"] == json!({ "type": "json_object" }) => {
            let told = json!({ "content": [{ "token": "{}", "logprob": -0.5, "bytes": [123, 125], "top_logprobs": [] }] });
            let said = [
                data(
                    &json!({ "choices": [{ "delta": { "content": "{}" }, "logprobs": told, "finish_reason": "stop" }] }),
                ),
                data(&json!({ "choices": [], "usage": { "prompt_tokens": 9, "completion_tokens": 1 } })),
                "data: [DONE]\n\n".to_owned(),
            ];
            stream(said.concat().as_bytes())
        }
        "Busy" => server::json("429 Too Many Requests", r#"{"error":{"message":"queue is full"}}"#),
        _ => {
            let passage = question.strip_prefix("Passage: ").and_then(|rest| rest.split("\n\n").next());
            answer(passage.unwrap_or("I have no passages."), "stop", 123, 45)
        }
    }
}

/// A datanet that gives half of its weight to help in the context, with one text.
fn plant(network: &Network, folder: &Path) {
    let file = folder.join("plants.jsonl");
    let line = json!({ "id": "orchid", "text": PLANTS, "authors": ["Ada Gardener"], "license": "CC0-1.0" });
    std::fs::write(&file, line.to_string()).unwrap();
    network.done(&[
        "datanet",
        "create",
        "plants",
        "--title",
        "Plants",
        "--license",
        "CC0-1.0",
        "--context",
        "5000",
    ]);
    network.done(&["datanet", "contribute", "plants", file.to_str().unwrap()]);
    network.done(&["datanet", "seal", "plants"]);
}

fn body(model: &str, question: &str, extra: &Value) -> Value {
    let mut body = json!({
        "model": model, "max_tokens": 60, "temperature": 0, "messages": [{ "role": "user", "content": question }],
        "openledger": { "ground": false },
    });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

fn ask(network: &Network, model: &str, question: &str, extra: &Value) -> Answer {
    let authorization = format!("Bearer {}", network.key());
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let body = body(model, question, extra).to_string();
    network.request("POST", "/v1/chat/completions", &headers, body.as_bytes()).expect("an answer")
}

fn said(answer: &Answer) -> String {
    format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body))
}

/// The settled receipt of an answer, verified.
fn verified(network: &Network, id: &str) -> (Vec<u8>, Predicate) {
    let file = network.settled_receipt(id);
    network.check_receipt(id, &file);
    let predicate = ReceiptFile::from_bytes(&file).unwrap().statement().unwrap().predicate().clone();
    (file, predicate)
}

fn models_are_listed_with_what_stands_behind_them(network: &Network) {
    let list = network.request("GET", "/v1/models", &[], b"").unwrap().json();
    let rows: Vec<(&str, &str, bool)> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| {
            let text = |name: &str| model[name].as_str().unwrap_or_default();
            (text("id"), text("tier"), model["weights_sha256"].is_string())
        })
        .collect();
    assert_eq!(rows, [(ENGINES, "none", false), (OWN, "exact", true)], "{list}");
}

/// A grounded answer: the engine got the passage as text, its words are traced, and the receipt says that nothing stands behind it.
fn a_quoted_passage_is_paid(network: &Network, folder: &Path) {
    let extra = json!({ "openledger": { "datanets": ["plants"] } });
    let reply = ask(network, ENGINES, "How often does an orchid want water?", &extra);
    assert_eq!(reply.status, 200, "{}", said(&reply));
    let reply = reply.json();
    assert_eq!(reply["choices"][0]["message"]["content"], PLANTS, "{reply}");
    let usage = |name: &str| reply["usage"][name].as_u64().unwrap();
    assert_eq!((usage("prompt_tokens"), usage("completion_tokens")), (123, 45));
    assert_eq!(reply["usage"]["cost_details"]["reference_uc"], 123 * 3 + 45 * 20);
    let id = reply["receipt"]["id"].as_str().unwrap();
    let (file, predicate) = verified(network, id);
    assert_eq!(
        (predicate.served.numeric_specification, predicate.served.engine.as_str()),
        (0, "vllm behind HTTP")
    );
    assert!(predicate.served.weights.is_unknown() && predicate.evidence.commitment.is_empty());
    assert_eq!(predicate.served.retrieval.len(), 1);
    check_attribution(&predicate);
    let place = folder.join("engines.json").to_str().unwrap().to_owned();
    std::fs::write(&place, file).unwrap();
    let told = network.done(&["receipt", "verify", &place]);
    assert!(told.contains("nothing stands behind which model answered"), "{told}");
    let told = network.done(&["receipt", "show", &place]);
    assert!(told.contains("nothing stands behind which model answered"), "{told}");
    let snapshots = folder.join("snapshots").to_str().unwrap().to_owned();
    network.done(&["datanet", "export", "--out", &snapshots]);
    network.done(&["receipt", "recompute", &place, "--index", &snapshots]);
    let page = network.request("GET", &format!("/models/{ENGINES}"), &[], b"").unwrap();
    assert!(String::from_utf8_lossy(&page.body).contains("nothing stands behind which model answers"));
}

/// The half that the datanet gives to words is paid; the half that it gives to help in the context is nobody's, because the
/// model cannot be asked again.
fn check_attribution(predicate: &Predicate) {
    let facts = &predicate.attribution;
    let context = facts.context.as_ref().expect("plants gives weight to the context");
    assert!(facts.method == "A+C" && context.players.is_empty() && context.values.is_empty(), "{context:?}");
    let [share] = facts.shares.as_slice() else { panic!("{:?}", facts.shares) };
    let by_words: u64 = facts.spans.iter().map(|span| span.mass).sum();
    assert!(share.weight > 0 && share.weight.abs_diff(by_words / 2) <= 1, "{} of {by_words}", share.weight);
    assert_eq!(share.weight + facts.unattributed + facts.common, facts.total);
    assert!(!predicate.settlement.data.is_empty(), "Ada is paid");
}

fn an_answer_is_streamed_and_settled(network: &Network) {
    let extra = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let reply = ask(network, ENGINES, "Anything", &extra);
    let text = String::from_utf8(reply.body).unwrap();
    let events: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let (last, chunks) = events.split_last().unwrap();
    assert_eq!(*last, "[DONE]", "{text}");
    let chunks: Vec<Value> = chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
    let answer: String =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(answer, "I have no passages.");
    let receipt = chunks.iter().find_map(|chunk| chunk["receipt"]["id"].as_str()).expect("a receipt");
    assert_eq!(verified(network, receipt).1.usage.completion_tokens, 45);
}

/// The engine's calls are told in OpenAI's shape; the receipt holds them as the text that models here write.
fn calls_of_tools_are_told(network: &Network) {
    let tools = json!([{ "type": "function", "function": { "name": "add" } }]);
    let extra = json!({ "tools": tools, "tool_choice": "required" });
    let reply = ask(network, ENGINES, "Call", &extra);
    assert_eq!(reply.status, 200, "{}", said(&reply));
    let reply = reply.json();
    let choice = &reply["choices"][0];
    assert_eq!(
        (choice["finish_reason"].as_str(), &choice["message"]["content"]),
        (Some("tool_calls"), &Value::Null)
    );
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["function"], json!({ "name": "add", "arguments": "{\"a\":[1]}" }));
    let (file, _) = verified(network, reply["receipt"]["id"].as_str().unwrap());
    let answer = ReceiptFile::from_bytes(&file).unwrap().opening.unwrap().answer;
    assert_eq!(answer, "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":[1]}}\n</tool_call>");
}

/// What the engine can do itself is asked of it.
fn forms_and_likelihoods_are_the_engines(network: &Network) {
    let extra = json!({ "response_format": { "type": "json_object" }, "logprobs": true, "top_logprobs": 2 });
    let reply = ask(network, ENGINES, "Form", &extra);
    assert_eq!(reply.status, 200, "{}", said(&reply));
    let choice = &reply.json()["choices"][0];
    assert_eq!(choice["message"]["content"], "{}");
    let told = json!({ "token": "{}", "logprob": -0.5, "bytes": [123, 125], "top_logprobs": [] });
    assert_eq!(choice["logprobs"]["content"], json!([told]), "{choice}");
    // A schema that no grammar here holds is the engine's to hold, and refused of the node's own model.
    let schema = json!({ "type": "json_schema", "json_schema": { "schema": { "$ref": "#/elsewhere" } } });
    let extra = json!({ "response_format": schema });
    assert_eq!(ask(network, ENGINES, "Anything", &extra).status, 200);
    let refused = ask(network, OWN, "Anything", &extra);
    assert!(refused.status == 400 && said(&refused).contains("uses \\\"$ref\\\""), "{}", said(&refused));
}

/// What an engine counts is charged as far as the request could have come to.
fn counts_are_bounded(network: &Network) {
    let reply = ask(network, ENGINES, "Overstate", &json!({})).json();
    let usage = |name: &str| reply["usage"][name].as_u64().unwrap();
    let bytes_and_template = "Overstate".len() as u64 + 32 + 512;
    assert_eq!((usage("prompt_tokens"), usage("completion_tokens")), (bytes_and_template, 60), "{reply}");
    verified(network, reply["receipt"]["id"].as_str().unwrap());
    // A count beyond what was asked for is no answer; what came before is charged by the pieces that came.
    let reply = ask(network, ENGINES, "Overflow", &json!({})).json();
    assert_eq!(reply["choices"][0]["finish_reason"], "error", "{reply}");
    assert_eq!(reply["usage"]["completion_tokens"], 3, "{reply}");
}

fn refusals_are_the_engines(network: &Network) {
    for (question, extra, status, says) in [
        ("Long", json!({}), 400, "maximum context length is 4096 tokens"),
        ("Busy", json!({}), 429, "queue is full"),
    ] {
        let reply = ask(network, ENGINES, question, &extra);
        assert!(reply.status == status && said(&reply).contains(says), "{}", said(&reply));
    }
}

/// The texts of a private datanet go to nobody's engine: a member asks the node's own model about them and no other.
fn private_texts_stay_here(network: &Network, folder: &Path) {
    let file = folder.join("vault.jsonl");
    let line = json!({ "id": "key", "text": "The vault opens with seven silver keys and a whisper.", "authors": ["Ada"] });
    std::fs::write(&file, line.to_string()).unwrap();
    network.done(&["datanet", "create", "vault", "--title", "The vault", "--license", "CC0-1.0"]);
    let policy = json!({
        "licenses": [], "contributors": "named", "provenance": ["human"], "imports": "human", "quality_bar": 0,
        "contribution_bond": 0, "curator_share": 0, "treasury_share": 0, "private": true,
    });
    let rules = json!({ "action": "datanets", "kind": "set_policy", "datanet": "vault", "policy": policy });
    let member = json!({
        "action": "datanets", "kind": "grant", "datanet": "vault", "account": "@consumer", "role": "contributor",
    });
    for action in [rules, member] {
        network.done(&["ledger", "act", &action.to_string(), "--as", "curator"]);
    }
    network.done(&["datanet", "contribute", "vault", file.to_str().unwrap()]);
    network.done(&["datanet", "seal", "vault"]);
    let question = "What does the vault open with?";
    let named = json!({ "openledger": { "datanets": ["vault"] } });
    let own = ask(network, OWN, question, &named);
    assert!(own.status == 200 && said(&own).contains("silver keys"), "{}", said(&own));
    let refused = ask(network, ENGINES, question, &named);
    assert!(
        refused.status == 403 && said(&refused).contains("do not go to the engine"),
        "{}",
        said(&refused)
    );
    // Nobody names it: the engine quotes what it is given, and is given something else.
    let unnamed = ask(network, ENGINES, question, &json!({ "openledger": {} }));
    assert!(unnamed.status == 200 && !said(&unnamed).contains("silver keys"), "{}", said(&unnamed));
}

/// A client that leaves after the first word ends the engine's work.
fn who_leaves_cancels(network: &Network, runtime: &Runtime, server: &Server) {
    let mut client = network.begin(&body(ENGINES, "Hang", &json!({ "stream": true })));
    read_until(&mut client, "Ferns");
    drop(client);
    let left = async { tokio::time::timeout(Duration::from_secs(60), server.left.notified()).await };
    runtime.block_on(left).expect("the engine's connection is closed");
}

/// Three failures open the circuit; from then on the refusal is immediate and names the engine.
fn an_engine_that_is_gone_is_named(network: &Network, url: &str) {
    for _ in 0..4 {
        let reply = ask(network, ENGINES, "Anything", &json!({}));
        let said = said(&reply);
        assert!(reply.status == 503 && said.contains(url) && said.contains("start it"), "{said}");
    }
    let reply = ask(network, OWN, "What is a fern?", &json!({}));
    assert_eq!(reply.status, 200, "{}", said(&reply));
}

fn it_is_served_again(network: &Network) {
    let begun = Instant::now();
    loop {
        let reply = ask(network, ENGINES, "Anything", &json!({}));
        if reply.status == 200 {
            return;
        }
        assert!(begun.elapsed() < BACK_MAX, "{}", said(&reply));
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn network_serves_an_engine_behind_http_beside_its_own_model() {
    let folder = tempfile::tempdir().unwrap();
    let data = small_data(folder.path(), 4);
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(engine));
    let url = server.url.clone();
    let network = Network::start_node(
        folder.path(),
        &data,
        &format!(
            "[[provider.upstreams]]\nmodel = {ENGINES:?}\nkind = \"vllm\"\nurl = {url:?}\nengine_model = \"m\"\ncontext_tokens = 4096\n\
             prompt_price = 3\ncompletion_price = 20\ncapacity = 4\nlicense = \"Apache-2.0\"\n"
        ),
    );
    assert!(network.log().contains(&format!("engine: {ENGINES} at {url}")), "{}", network.log());
    plant(&network, folder.path());
    models_are_listed_with_what_stands_behind_them(&network);
    a_quoted_passage_is_paid(&network, folder.path());
    an_answer_is_streamed_and_settled(&network);
    calls_of_tools_are_told(&network);
    forms_and_likelihoods_are_the_engines(&network);
    counts_are_bounded(&network);
    refusals_are_the_engines(&network);
    private_texts_stay_here(&network, folder.path());
    who_leaves_cancels(&network, &runtime, &server);
    drop(server);
    an_engine_that_is_gone_is_named(&network, &url);
    let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
    let _entered = runtime.enter();
    let _server = Server::on(listener, engine);
    it_is_served_again(&network);
    network.check_supply();
    network.stop();
}
