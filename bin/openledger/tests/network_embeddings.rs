//! Embeddings on a real network: in every form that clients ask for, paid with a receipt that verifies and is made again from its
//! texts, and refused by name where they cannot be made or nobody switched them on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod support;

use openledger_receipt::{Predicate, ReceiptFile};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::{Answer, Network};

const MODEL: &str = "wordllama";
const CHAT: &str = "smollm2-135m-instruct";

fn post(network: &Network, path: &str, body: &str) -> Answer {
    let authorization = format!("Bearer {}", network.key());
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    network.request("POST", path, &headers, body.as_bytes()).unwrap()
}

fn embed(network: &Network, fields: Value) -> Answer {
    let mut body = json!({ "model": MODEL });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    post(network, "/v1/embeddings", &body.to_string())
}

/// The vectors of an answer that was told in numbers.
fn vectors(answer: &Answer) -> Vec<Vec<f32>> {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let answer = answer.json();
    let items = answer["data"].as_array().unwrap();
    let number = |value: &Value| value.as_f64().unwrap() as f32;
    items.iter().map(|item| item["embedding"].as_array().unwrap().iter().map(number).collect()).collect()
}

fn digest(vectors: &[Vec<f32>]) -> String {
    let bytes: Vec<u8> = vectors.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    hex::encode(Sha256::digest(bytes))
}

fn vectors_are_told_in_every_form(network: &Network) {
    let listed = network.request("GET", &format!("/v1/models/{MODEL}"), &[], b"").unwrap().json();
    assert_eq!((&listed["type"], &listed["dimensions"]), (&json!("embedding"), &json!([64, 128, 256])));
    assert_eq!((&listed["tier"], &listed["pricing"]["completion_uc"]), (&json!("exact"), &json!(0)));
    let one = vectors(&embed(network, json!({ "input": "hello world" })));
    let many = vectors(&embed(network, json!({ "input": ["hello world", "a b"], "user": "u" })));
    let tokens = vectors(&embed(network, json!({ "input": [22172, 3186] })));
    let lists = vectors(&embed(network, json!({ "input": [[22172, 3186], [263, 289]] })));
    assert_eq!((one.len(), one[0].len(), many.len()), (1, 256, 2));
    assert_eq!((&one[0], &one), (&many[0], &tokens));
    assert_eq!((&lists[0], lists[1] == many[1]), (&many[0], true));
    let short = vectors(&embed(network, json!({ "input": "hello world", "dimensions": 64 })));
    let length = one[0][..64].iter().map(|value| value * value).sum::<f32>().sqrt();
    assert!(short[0].iter().zip(&one[0]).all(|(short, long)| (short - long / length).abs() < 1e-6));
    let packed = embed(network, json!({ "input": "hello world", "encoding_format": "base64" })).json();
    let text = packed["data"][0]["embedding"].as_str().unwrap();
    assert_eq!((text.len(), packed["data"][0]["index"].as_u64()), (1_368, Some(0)));
}

/// The receipt of vectors, settled and verified.
fn paid(network: &Network) -> Predicate {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(120);
    let answer = embed(network, json!({ "input": [text, "and a word"], "dimensions": 128 }));
    let made = vectors(&answer);
    let answer_json = answer.json();
    let (receipt, usage) = (&answer_json["receipt"], &answer_json["usage"]);
    let id = receipt["id"].as_str().unwrap();
    assert!(answer.head.to_lowercase().contains(&format!("x-receipt-id: {id}")), "{}", answer.head);
    assert_eq!(usage["total_tokens"], usage["prompt_tokens"]);
    let file = network.settled_receipt(id);
    network.check_receipt(id, &file);
    let file = ReceiptFile::from_bytes(&file).unwrap();
    assert_eq!(
        file.opening.as_ref().unwrap().answer,
        digest(&made),
        "whoever has the vectors finds their digest"
    );
    let predicate = file.statement().unwrap().predicate().clone();
    let tokens = u64::from(predicate.usage.prompt_tokens);
    assert_eq!((Some(tokens), predicate.usage.completion_tokens), (usage["prompt_tokens"].as_u64(), 0));
    assert!(tokens > 1_000, "{tokens}");
    assert_eq!(predicate.settlement.reference.0, tokens, "one uC for a token");
    let split = &predicate.settlement.reference_split;
    assert!(split.provider.0 > 0 && split.builder.0 > 0 && predicate.settlement.uplift.0 > 0);
    assert!(predicate.settlement.data.is_empty() && predicate.served.snapshots.is_empty());
    let view = network.page(&format!("/api/v1/receipts/{id}"));
    assert!(view["payouts"].to_string().contains("builder of wordllama"), "{view}");
    predicate
}

fn a_receipt_is_made_again(network: &Network, predicate: &Predicate) {
    let (path, identity) = (network.dir.join("vectors.json"), network.dir.join("network.json"));
    std::fs::write(&path, network.settled_receipt(&predicate.id)).unwrap();
    let (path, identity) = (path.to_str().unwrap(), identity.to_str().unwrap());
    let again = network.openledger(&["receipt", "recompute", path, "--network", identity]);
    let (said, wrong) = (String::from_utf8_lossy(&again.stdout), String::from_utf8_lossy(&again.stderr));
    assert!(again.status.success() && said.contains("the vectors made again"), "{said}{wrong}");
    let replayed = network.openledger(&["audit", "replay", path, "--network", identity]);
    assert!(!replayed.status.success());
    let said = String::from_utf8_lossy(&replayed.stderr);
    assert!(said.contains("receipt recompute"), "{said}");
    assert!(!predicate.evidence.commitment.is_empty() && predicate.evidence.windows == 0);
    let file = ReceiptFile::from_bytes(&network.settled_receipt(&predicate.id)).unwrap();
    let salt = hex::encode(file.opening.unwrap().salt);
    let page = network.request("GET", &format!("/answers/{}?salt={salt}", predicate.id), &[], b"").unwrap();
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(page.contains("Vectors, whose numbers") && page.contains("quick brown fox"), "{page}");
}

fn what_cannot_be_embedded_is_named(network: &Network) {
    let long = "word ".repeat(9_000);
    let many: Vec<Value> = (0..40).map(|_| json!("word ".repeat(8_000))).collect();
    let rows = [
        (json!({ "input": "" }), 400, "input", "is empty"),
        (json!({ "input": ["a", ""] }), 400, "input", "input 1"),
        (json!({ "input": [] }), 400, "input", "empty list"),
        (json!({ "input": [32_000] }), 400, "input", "vocabulary of 32000"),
        (json!({ "input": long }), 400, "input", "at most 8192"),
        (json!({ "input": many }), 413, "", "the body has more than"),
        (json!({ "input": vec![vec![1; 8_000]; 40] }), 400, "input", "more than 300000 tokens"),
        (json!({ "input": "a", "dimensions": 100 }), 400, "dimensions", "64, 128, 256"),
        (json!({ "input": "a", "encoding_format": "hex" }), 400, "encoding_format", "base64"),
        (json!({ "input": "a", "model": CHAT }), 400, "model", "writes text and makes no embeddings"),
        (json!({ "input": "a", "model": "ada" }), 404, "model", "offered are: wordllama"),
    ];
    for (fields, status, param, says) in rows {
        let shown: String = fields.to_string().chars().take(80).collect();
        let answer = embed(network, fields);
        let error = answer.json()["error"].clone();
        let message = error["message"].as_str().unwrap().to_owned();
        assert_eq!(
            (answer.status, error["param"].as_str().unwrap_or("")),
            (status, param),
            "{shown}: {message}"
        );
        assert!(message.contains(says), "{shown}: {message}");
    }
    let chat = json!({ "model": MODEL, "messages": [{ "role": "user", "content": "hi" }] }).to_string();
    for path in ["/v1/chat/completions", "/v1/completions"] {
        let body = chat.replace("\"messages\":[{\"content\":\"hi\",\"role\":\"user\"}]", "\"prompt\":\"hi\"");
        let refused = post(network, path, if path.contains("chat") { &chat } else { &body });
        assert_eq!(refused.status, 400);
        assert!(String::from_utf8_lossy(&refused.body).contains("makes embeddings and writes no text"));
    }
    let nobody = network.request("POST", "/v1/embeddings", &[], br#"{"model":"wordllama","input":"a"}"#);
    assert_eq!(nobody.unwrap().status, 401);
}

#[test]
fn network_makes_embeddings_where_they_are_switched_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("datanets.json"), "[]").unwrap();
    let network = Network::start_node(folder.path(), &data, "[embeddings]\n");
    vectors_are_told_in_every_form(&network);
    what_cannot_be_embedded_is_named(&network);
    let predicate = paid(&network);
    a_receipt_is_made_again(&network, &predicate);
    // Chats go on beside it.
    let asked = network.ask("Say something about the sea.", 8).unwrap();
    let id = asked["receipt"]["id"].as_str().unwrap().to_owned();
    network.check_receipt(&id, &network.settled_receipt(&id));
    network.check_supply();
    network.stop();

    let network = Network::start_node(folder.path(), &data, "");
    let refused = embed(&network, json!({ "input": "a" }));
    assert_eq!(refused.status, 404);
    assert!(String::from_utf8_lossy(&refused.body).contains("--embeddings"));
    network.check_receipt(&predicate.id, &network.settled_receipt(&predicate.id));
    network.stop();
}
