//! Adapters by name on a real network: two of them and the model answer differently, each receipt names what answered and
//! verifies, and whoever tuned them is paid beside the base's builder.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

#[path = "../../../crates/model/tests/common/mod.rs"]
mod checkpoint;
#[path = "../../../crates/model/tests/common/peft.rs"]
mod peft;
mod support;

use std::collections::BTreeSet;

use openledger_model::{Model, Module};
use openledger_receipt::ReceiptFile;
use serde_json::{Value, json};
use support::{Answer, Network};

const BASE: &str = "smollm2-135m-instruct";

fn post(network: &Network, path: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {}", network.key());
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    network.request("POST", path, &headers, body.to_string().as_bytes()).unwrap()
}

fn chat(network: &Network, model: &str) -> Answer {
    let messages = json!([{ "role": "user", "content": "Say something about the sea." }]);
    let body = json!({ "model": model, "messages": messages, "max_tokens": 24, "temperature": 0 });
    post(network, "/v1/chat/completions", &body)
}

/// The answer of an adapter replays under it, and under none nothing can be said.
fn check_audit(network: &Network, receipt: &str) {
    let file = network.dir.join("poet.json");
    std::fs::write(&file, network.settled_receipt(receipt)).unwrap();
    let (model, adapter) = (checkpoint::real_model_path(), network.dir.join("adapters/poet"));
    let mut arguments = vec!["audit", "replay", file.to_str().unwrap(), "--model", model.to_str().unwrap()];
    let without = network.openledger(&arguments);
    let said = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(without.status.code() == Some(2) && said.contains("name its folder with --adapter"), "{said}");
    arguments.extend(["--adapter", adapter.to_str().unwrap()]);
    let said = network.done(&arguments);
    assert!(said.contains("every checked window is what was committed to"), "{said}");
}

#[test]
fn network_serves_adapters_by_name_and_pays_who_tuned_them() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::open(&checkpoint::real_model_path()).unwrap();
    let modules = [Module::Query, Module::Value, Module::Down];
    let adapters = folder.path().join("adapters");
    let mut ids = vec![hex::encode(model.sha256())];
    for (name, seed) in [("poet", 1), ("sailor", 2)] {
        let adapter = peft::adapter(model.shape(), seed, 4, &modules);
        adapter.write(&adapters.join(name), "HuggingFaceTB/SmolLM2-135M-Instruct").unwrap();
        ids.push(hex::encode(adapter.id()));
    }
    let stranger = peft::adapter(model.shape(), 3, 4, &modules);
    stranger.write(&adapters.join("stranger"), "someone/another-model").unwrap();
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("datanets.json"), "[]").unwrap();
    let network = Network::start(folder.path(), data.path());
    assert!(
        network.log().contains("not served: adapter stranger: the adapter is for someone/another-model"),
        "{}",
        network.log()
    );

    let listed = network.request("GET", "/v1/models", &[], b"").unwrap().json();
    let names = [BASE.to_owned(), format!("{BASE}:poet"), format!("{BASE}:sailor")];
    let of = |field: &str| -> Vec<String> {
        let models = listed["data"].as_array().unwrap();
        models
            .iter()
            .map(|model| model[field].as_str().unwrap().trim_start_matches("0x").to_owned())
            .collect()
    };
    assert_eq!((of("id"), of("weights_sha256")), (names.to_vec(), ids.clone()));

    let mut texts = BTreeSet::new();
    for (name, id) in names.iter().zip(&ids) {
        let answer = chat(&network, name);
        assert_eq!(answer.status, 200, "{name}: {}", String::from_utf8_lossy(&answer.body));
        let answer = answer.json();
        texts.insert(answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned());
        let receipt = answer["receipt"]["id"].as_str().unwrap().to_owned();
        let file = network.settled_receipt(&receipt);
        network.check_receipt(&receipt, &file);
        let statement = ReceiptFile::from_bytes(&file).unwrap().statement().unwrap();
        let predicate = statement.predicate();
        assert_eq!(predicate.served.model.as_str(), name.replace(':', "."));
        assert_eq!(hex::encode(predicate.served.weights.0), *id, "{name}");
        assert!(!predicate.evidence.commitment.is_empty(), "{name} is computed exactly");
        let view = network.request("GET", &format!("/api/v1/receipts/{receipt}"), &[], b"").unwrap().json();
        let payouts = view["payouts"].as_array().unwrap();
        let paid = |name: &str| payouts.iter().any(|line| line["account"]["name"] == name);
        assert!(paid("HuggingFaceTB"), "the base's builder: {payouts:?}");
        assert_eq!(paid("tuner"), name != BASE, "{name}: {payouts:?}");
    }
    assert_eq!(texts.len(), 3, "each answers by itself: {texts:?}");

    let body = json!({ "model": names[1], "prompt": "The sea", "max_tokens": 4 });
    assert_eq!(post(&network, "/v1/completions", &body).status, 200);
    for (name, said) in [(format!("{BASE}:nobody"), "nobody"), (format!("{BASE}:stranger"), "stranger")] {
        let refused = chat(&network, &name);
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert_eq!(refused.status, 404, "{message}");
        assert!(message.contains(said) && message.contains(&names[1]), "{message}");
    }
    // The registry's name of an adapter asks for it as well.
    let by_registry = chat(&network, &format!("{BASE}.poet"));
    assert_eq!((by_registry.status, &by_registry.json()["model"]), (200, &json!(format!("{BASE}.poet"))));
    check_audit(&network, by_registry.json()["receipt"]["id"].as_str().unwrap());
    let monk = peft::adapter(model.shape(), 4, 2, &modules);
    let made = folder.path().join("made/monk");
    monk.write(&made, "HuggingFaceTB/SmolLM2-135M-Instruct").unwrap();
    let ledger = format!("{BASE}.monk");
    let base = checkpoint::real_model_path();
    let said = network.done(&[
        "model",
        "register",
        &ledger,
        made.to_str().unwrap(),
        "--base",
        base.to_str().unwrap(),
        "--license",
        "CC0-1.0",
        "--parent",
        BASE,
        "--as",
        "hermit",
    ]);
    assert!(said.contains(&hex::encode(monk.id())), "{said}");
    network.check_supply();
    network.stop();

    // A restart finds them registered, and one by whoever made it, who is paid.
    std::fs::rename(&made, adapters.join("monk")).unwrap();
    let network = Network::start(folder.path(), data.path());
    assert_eq!(chat(&network, &names[2]).status, 200);
    let answer = chat(&network, &format!("{BASE}:monk")).json();
    let receipt = answer["receipt"]["id"].as_str().unwrap().to_owned();
    network.settled_receipt(&receipt);
    let earned = network.done(&["account", "statement", "hermit"]);
    assert!(earned.contains(&receipt[..8]), "{earned}");
    network.stop();
}
