//! Calls of tools on a real network: the packaged weights under a chat template that has a place for tools. What the model writes is
//! told in OpenAI's shape, whole and as a stream, answered by a second turn; and its receipts verify, recompute and replay.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

#[path = "../../../crates/model/tests/common/mod.rs"]
mod checkpoint;
mod support;
#[path = "../../../crates/model/tests/common/tools.rs"]
mod tools;

use std::path::{Path, PathBuf};

use openledger_receipt::ReceiptFile;
use openledger_types::sha256;
use serde_json::{Value, json};
use support::{Answer, Network, demo_data};
use tools::{TOOL_TEMPLATE, with_template};

/// As the node makes it from the file's own name.
const MODEL: &str = "smollm2-135m-8k-lc100k-mix1-ep2";

fn post(network: &Network, body: &Value) -> Answer {
    let authorization = format!("Bearer {}", network.key());
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    network.request("POST", "/v1/chat/completions", &headers, body.to_string().as_bytes()).unwrap()
}

/// An answer that there is.
fn answered(network: &Network, body: &Value) -> Value {
    let answer = post(network, body);
    assert_eq!(answer.status, 200, "{body}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

fn weather() -> Value {
    json!({ "type": "function", "function": {
        "name": "weather", "description": "The weather in a city.", "strict": true,
        "parameters": {
            "type": "object", "required": ["city", "unit"], "additionalProperties": false,
            "properties": { "city": { "enum": ["Oslo", "Rome"] }, "unit": { "enum": ["C", "F"] }, "day": { "type": "integer" } },
        },
    } })
}

fn clock() -> Value {
    json!({ "type": "function", "function": { "name": "clock", "description": "The time." } })
}

fn body(extra: &Value) -> Value {
    let mut body = json!({
        "model": MODEL, "temperature": 0, "max_tokens": 200, "tools": [weather(), clock()],
        "messages": [{ "role": "user", "content": "How is the weather in Oslo?" }],
    });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

/// The id that a call has by its receipt.
fn call_id(receipt: &str, index: usize) -> String {
    let hash = sha256(format!("openledger/tool-call/v1\0{receipt}\0{index}").as_bytes());
    format!("call_{}", &hash.to_string().trim_start_matches("0x")[..24])
}

/// The message of a choice as its stream told it, with the reason of its end and the receipt's id.
fn streamed(network: &Network, body: &Value) -> (Value, String, String) {
    let mut body = body.clone();
    body["stream"] = json!(true);
    let answer = post(network, &body);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(answer.status == 200 && text.contains("data: [DONE]"), "{text}");
    let (mut content, mut calls, mut finish, mut receipt) =
        (String::new(), Vec::<Value>::new(), String::new(), String::new());
    for line in text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|line| *line != "[DONE]") {
        let chunk: Value = serde_json::from_str(line).unwrap();
        let choice = &chunk["choices"][0];
        content.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            if call["id"].is_string() {
                assert_eq!(
                    (index, call["function"]["arguments"].as_str()),
                    (calls.len(), Some("")),
                    "{call}"
                );
                calls.push(json!({ "id": call["id"], "type": call["type"], "function": { "name": call["function"]["name"] } }));
            }
            let arguments = &mut calls[index]["function"]["arguments"];
            let more = call["function"]["arguments"].as_str().unwrap();
            *arguments = json!(format!("{}{more}", arguments.as_str().unwrap_or_default()));
        }
        finish = choice["finish_reason"].as_str().map_or(finish, str::to_owned);
        receipt = chunk["receipt"]["id"].as_str().map_or(receipt, str::to_owned);
    }
    let content = if content.is_empty() && !calls.is_empty() { Value::Null } else { json!(content) };
    let mut message = json!({ "role": "assistant", "content": content, "refusal": null });
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    (message, finish, receipt)
}

/// The same message with the ids of another receipt.
fn with_ids_of(message: &Value, receipt: &str) -> Value {
    let mut message = message.clone();
    for (index, call) in
        message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten().enumerate()
    {
        call["id"] = json!(call_id(receipt, index));
    }
    message
}

/// Asks whole and as a stream, which tell the same; returns the answer.
fn both(network: &Network, body: &Value) -> Value {
    let whole = answered(network, body);
    let choice = &whole["choices"][0];
    let (message, finish, receipt) = streamed(network, body);
    assert_eq!(message, with_ids_of(&choice["message"], &receipt), "{body}");
    assert_eq!(choice["finish_reason"], json!(finish), "{body}");
    let receipt = whole["receipt"]["id"].as_str().unwrap();
    assert_eq!(with_ids_of(&choice["message"], receipt), choice["message"], "ids follow from the receipt");
    whole
}

/// The settled receipt of an answer verifies, its answer is computed again, and its text is returned.
fn checked(network: &Network, answer: &Value, model: &Path) -> String {
    let id = answer["receipt"]["id"].as_str().unwrap();
    let file = network.settled_receipt(id);
    network.check_receipt(id, &file);
    let path = network.dir.join("tools.json");
    std::fs::write(&path, &file).unwrap();
    let snapshots = network.dir.join("snapshots");
    let is_exported = snapshots.exists();
    let (path, model, snapshots) =
        (path.to_str().unwrap(), model.to_str().unwrap(), snapshots.to_str().unwrap());
    let commands = [
        vec!["audit", "replay", path, "--model", model],
        vec!["datanet", "export", "--out", snapshots],
        vec!["receipt", "recompute", path, "--index", snapshots, "--model", model],
    ];
    // Nothing is sealed meanwhile: one export serves all receipts.
    for arguments in commands.into_iter().filter(|arguments| !is_exported || arguments[1] != "export") {
        let found = network.openledger(&arguments);
        let said =
            format!("{}{}", String::from_utf8_lossy(&found.stdout), String::from_utf8_lossy(&found.stderr));
        assert!(found.status.success(), "{arguments:?}: {said}");
    }
    ReceiptFile::from_bytes(&file).unwrap().opening.unwrap().answer
}

fn data(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let pages = std::fs::read_to_string(demo_data().join("gnome-help.jsonl")).unwrap();
    std::fs::write(data.join("gnome-help.jsonl"), pages.lines().next().unwrap()).unwrap();
    let datanets = json!([{
        "name": "gnome-help", "title": "GNOME help", "license": "CC-BY-SA-3.0", "file": "gnome-help.jsonl",
    }]);
    std::fs::write(data.join("datanets.json"), datanets.to_string()).unwrap();
    data
}

#[test]
fn network_calls_tools_in_openais_shape_and_its_receipts_hold_what_the_model_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("tools.gguf");
    let packaged = std::fs::read(checkpoint::real_model_path()).unwrap();
    std::fs::write(&model, with_template(&packaged, TOOL_TEMPLATE)).unwrap();
    let more = format!("model = {model:?}\n");
    let network = Network::start_node(folder.path(), &data(folder.path()), &more);

    required_calls(&network, &model);
    second_turn(&network, &model);
    free_text(&network, &model);
    refusals(&network);
    network.check_supply();
    network.stop();
}

fn required_calls(network: &Network, model: &Path) {
    let answer = both(network, &body(&json!({ "tool_choice": "required", "parallel_tool_calls": false })));
    let choice = &answer["choices"][0];
    assert_eq!(
        (choice["finish_reason"].as_str(), &choice["message"]["content"]),
        (Some("tool_calls"), &Value::Null)
    );
    let raw = checked(network, &answer, model);
    let function = &choice["message"]["tool_calls"][0]["function"];
    let (name, arguments) = (function["name"].as_str().unwrap(), function["arguments"].as_str().unwrap());
    let written = format!("<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {arguments}}}\n</tool_call>");
    assert_eq!(raw, written, "the receipt holds what the model wrote");

    let chosen = json!({ "type": "function", "function": { "name": "weather" } });
    let mut named = body(&json!({ "tool_choice": chosen, "temperature": 0.9, "seed": 5, "logprobs": true }));
    let answer = both(network, &named);
    let message = &answer["choices"][0]["message"];
    assert_eq!(message["tool_calls"].as_array().map(Vec::len), Some(1), "{message}");
    let arguments: Value =
        serde_json::from_str(message["tool_calls"][0]["function"]["arguments"].as_str().unwrap()).unwrap();
    assert!(["Oslo", "Rome"].contains(&arguments["city"].as_str().unwrap()), "{arguments}");
    assert!(["C", "F"].contains(&arguments["unit"].as_str().unwrap()), "{arguments}");
    let told = answer["choices"][0]["logprobs"]["content"].as_array().unwrap();
    let bytes = told
        .iter()
        .flat_map(|token| token["bytes"].as_array().unwrap())
        .map(|byte| byte.as_u64().unwrap() as u8);
    let raw = checked(network, &answer, model);
    assert_eq!(
        String::from_utf8(bytes.collect()).unwrap().trim_start(),
        raw,
        "every token of the call is told"
    );
    // A call that is cut in its arguments keeps what there is.
    named["max_tokens"] = json!(answer["usage"]["completion_tokens"].as_u64().unwrap() - 12);
    let cut = both(network, &named);
    assert_eq!(cut["choices"][0]["finish_reason"], "length");
    let begun = cut["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(begun).is_err() && begun.starts_with('{'), "{begun}");
    checked(network, &cut, model);
}

/// What the tool said goes back to the model, which answers; the same call may be refused there.
fn second_turn(network: &Network, model: &Path) {
    let first = answered(network, &body(&json!({ "tool_choice": "required", "parallel_tool_calls": false })));
    let message = first["choices"][0]["message"].clone();
    let id = message["tool_calls"][0]["id"].clone();
    let asked = json!({ "role": "user", "content": "How is the weather in Oslo?" });
    let told = json!({ "role": "tool", "tool_call_id": id, "content": "Rain, 4 degrees." });
    let turns = |told: &Value| json!({ "messages": [asked, message, told], "max_tokens": 24 });
    let mut silent = body(&turns(&told));
    silent["tool_choice"] = json!("none");
    let text = both(network, &silent);
    assert!(!text["choices"][0]["message"]["content"].as_str().unwrap().is_empty(), "{text}");
    checked(network, &text, model);
    let second = both(network, &body(&turns(&told)));
    checked(network, &second, model);
    // The answer of the tool is a part of the prompt.
    let other = json!({ "role": "tool", "tool_call_id": id, "content": "Rain, 4 degrees. And hail is on its way from the north." });
    let other = answered(network, &body(&turns(&other)));
    assert!(other["usage"]["prompt_tokens"].as_u64() > second["usage"]["prompt_tokens"].as_u64());
    let wrong =
        post(network, &body(&turns(&json!({ "role": "tool", "tool_call_id": "call_0", "content": "x" }))));
    let error = wrong.json();
    assert_eq!((wrong.status, error["error"]["param"].as_str()), (400, Some("messages")), "{error}");
}

/// Tools that may be called, and tools that may not.
fn free_text(network: &Network, model: &Path) {
    let auto = both(network, &body(&json!({ "max_tokens": 40 })));
    checked(network, &auto, model);
    let none = both(
        network,
        &body(&json!({ "tool_choice": "none", "max_tokens": 16, "openledger": { "ground": false } })),
    );
    assert!(none["choices"][0]["message"].get("tool_calls").is_none(), "{none}");
    let bare = body(&json!({ "tools": [], "max_tokens": 16, "openledger": { "ground": false } }));
    let bare = answered(network, &bare);
    assert_eq!(
        bare["choices"][0]["message"], none["choices"][0]["message"],
        "tools that may not be called say nothing"
    );
    assert_eq!(bare["usage"]["prompt_tokens"], none["usage"]["prompt_tokens"]);
    assert!(auto["usage"]["prompt_tokens"].as_u64() > bare["usage"]["prompt_tokens"].as_u64());
}

fn refusals(network: &Network) {
    let strict = json!({ "type": "function", "function": { "name": "f", "strict": true,
        "parameters": { "type": "object", "properties": { "a": { "pattern": "x" } } } } });
    let json_object = json!({ "type": "json_object" });
    for (extra, param, says) in [
        (json!({ "tools": [strict] }), "tools", "/f/a uses \"pattern\""),
        (json!({ "response_format": json_object }), "response_format", "tool_choice"),
        (json!({ "openledger": { "ground": true } }), "openledger", "ground"),
        (json!({ "tool_choice": "always" }), "tool_choice", "always"),
    ] {
        let answer = post(network, &body(&extra));
        let error = answer.json();
        let message = error["error"]["message"].as_str().unwrap_or_default();
        assert_eq!((answer.status, error["error"]["param"].as_str()), (400, Some(param)), "{error}");
        assert!(message.contains(says), "{message}");
    }
}
