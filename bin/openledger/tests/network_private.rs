//! A private datanet on a real network, one table: each route, asked by a stranger and by a consumer who may not read, and no
//! text of the datanet in any answer. Its curator reads it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{Answer, Network};

const SECRET: &str =
    "the marmalade cellar opens with a brass key that hangs behind the third lighthouse painting";
const TITLE: &str = "Where the cellar key hangs";
const OPEN: &str = "Water the fern twice a week in summer and keep its pot out of the scorching midday sun.";

fn data(folder: &Path) {
    std::fs::write(
        folder.join("datanets.json"),
        r#"[{"name":"ferns","title":"Ferns","license":"CC0-1.0","file":"ferns.jsonl"}]"#,
    )
    .unwrap();
    let line = json!({ "id": "water", "title": "Water", "text": OPEN, "authors": ["Ann"] });
    std::fs::write(folder.join("ferns.jsonl"), format!("{line}\n")).unwrap();
    let line = json!({ "id": "page-1", "title": TITLE, "text": format!("Remember: {SECRET}."), "authors": ["Cleo"] });
    std::fs::write(folder.join("vault.jsonl"), format!("{line}\n")).unwrap();
}

fn run(network: &Network, arguments: &[&str]) -> String {
    let done = network.openledger(arguments);
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{arguments:?}: {said}");
    said
}

/// Creates the private datanet, fills and seals it.
fn vault(network: &Network, folder: &Path) {
    run(network, &["datanet", "create", "vault", "--title", "The vault", "--license", "CC0-1.0"]);
    let policy = json!({
        "licenses": [], "contributors": "named", "provenance": ["human"], "imports": "human", "quality_bar": 0,
        "contribution_bond": 0, "curator_share": 0, "treasury_share": 0, "private": true,
    });
    let action = json!({ "action": "datanets", "kind": "set_policy", "datanet": "vault", "policy": policy });
    run(network, &["ledger", "act", &action.to_string(), "--as", "curator"]);
    let file = folder.join("vault.jsonl");
    run(network, &["datanet", "contribute", "vault", file.to_str().unwrap()]);
    run(network, &["datanet", "seal", "vault"]);
}

fn post(network: &Network, path: &str, key: Option<&str>, body: &Value) -> Answer {
    let authorization = key.map(|key| format!("Bearer {key}")).unwrap_or_default();
    let mut headers = vec![("Content-Type", "application/json")];
    if key.is_some() {
        headers.push(("Authorization", &authorization));
    }
    network.request("POST", path, &headers, body.to_string().as_bytes()).unwrap()
}

fn get(network: &Network, path: &str, key: Option<&str>) -> Answer {
    let authorization = key.map(|key| format!("Bearer {key}")).unwrap_or_default();
    let headers: &[(&str, &str)] = if key.is_some() { &[("Authorization", &authorization)] } else { &[] };
    network.request("GET", path, headers, b"").unwrap()
}

/// What an answer shows of the private text: any five words in a row of it, or its title.
fn shows(answer: &Answer) -> Option<String> {
    let body = String::from_utf8_lossy(&answer.body).to_lowercase();
    let words: Vec<&str> = SECRET.split(' ').collect();
    let mut phrases: Vec<String> = words.windows(5).map(|five| five.join(" ")).collect();
    phrases.push(TITLE.to_lowercase());
    phrases.into_iter().find(|phrase| body.contains(phrase))
}

#[test]
fn network_shows_nobody_a_private_text_who_may_not_read_it() {
    let (folder, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    data(source.path());
    let network = Network::start(folder.path(), source.path());
    vault(&network, source.path());
    let consumer = network.key();
    let list = network.page("/api/v1/datanets/vault");
    assert_eq!(list["private"], json!(true));
    let id = list["contribution_list"]["entries"][0]["id"].as_str().unwrap().to_owned();

    // An answer that repeats the private text: its receipt names the source, and its pages do not show it.
    let question = format!("Repeat after me: {SECRET}");
    let asked = |extra: Value| {
        json!({
            "model": "smollm2-135m-instruct", "max_tokens": 32, "temperature": 0,
            "messages": [{ "role": "user", "content": question }], "openledger": extra,
        })
    };
    let refused =
        post(&network, "/v1/chat/completions", Some(&consumer), &asked(json!({ "datanets": ["vault"] })));
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["error"]["code"], "datanet_private");
    let grounded = json!({
        "model": "smollm2-135m-instruct", "max_tokens": 48, "temperature": 0,
        "messages": [{ "role": "user", "content": "Where does the cellar key hang?" }],
    });
    let answered = post(&network, "/v1/chat/completions", Some(&consumer), &grounded);
    assert_eq!((answered.status, shows(&answered)), (200, None));
    let receipt = answered.json()["receipt"].clone();
    let (receipt_id, salt) = (receipt["id"].as_str().unwrap(), receipt["salt"].as_str().unwrap());
    network.page(&format!("/api/v1/receipts/{receipt_id}"));

    let said = "marmalade cellar";
    let lookup = json!({ "text": format!("Remember: {SECRET}.") });
    for (path, status) in [
        ("/api/v1/datanets/vault/texts".to_owned(), 403),
        (format!("/api/v1/datanets/vault/texts/{id}"), 403),
        ("/api/v1/datanets/vault/snapshots/1".to_owned(), 403),
        ("/api/v1/datanets/vault/snapshots/2".to_owned(), 403),
        ("/api/v1/datanets".to_owned(), 200),
        ("/api/v1/datanets/vault".to_owned(), 200),
        ("/datanets".to_owned(), 200),
        ("/datanets/vault".to_owned(), 200),
        (format!("/datanets/vault/contributions/{id}"), 200),
        (format!("/datanets/vault/contributions/{id}?from=10&to=60"), 200),
        (format!("/search?q={}", said.replace(' ', "+")), 200),
        (format!("/api/v1/search?q={}", said.replace(' ', "+")), 200),
        ("/".to_owned(), 200),
        ("/feed".to_owned(), 200),
        ("/answers".to_owned(), 200),
        (format!("/answers/{receipt_id}"), 200),
        (format!("/answers/{receipt_id}?salt={salt}"), 200),
        (format!("/answers/{receipt_id}/receipt"), 200),
        (format!("/answers/{receipt_id}/receipt?salt={salt}"), 200),
        (format!("/v1/receipts/{receipt_id}"), 200),
        (format!("/api/v1/generation?id={receipt_id}"), 200),
        (format!("/api/v1/receipts/{receipt_id}"), 200),
        (format!("/v1/receipts/{receipt_id}/evidence?salt={salt}"), 200),
    ] {
        for (who, key) in [("a stranger", None), ("a consumer", Some(consumer.as_str()))] {
            let answer = get(&network, &path, key);
            assert_eq!(answer.status, status, "{path} for {who}: {}", String::from_utf8_lossy(&answer.body));
            assert_eq!(shows(&answer), None, "{path} for {who}");
            if status == 403 {
                let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
                assert!(message.contains("API key") && message.contains("signed request"), "{message}");
            }
        }
    }
    for key in [None, Some(consumer.as_str())] {
        let found = post(&network, "/api/v1/attribute", key, &lookup);
        assert_eq!((found.status, shows(&found)), (200, None));
        let spans = found.json()["attribution"]["spans"].as_array().unwrap().len();
        assert_eq!(
            spans,
            usize::from(key.is_some()),
            "a stranger is told nothing, a key within its allowance"
        );
    }
    let open = post(&network, "/api/v1/attribute", None, &json!({ "text": OPEN })).json();
    assert_eq!(open["attribution"]["spans"].as_array().unwrap().len(), 1);
    assert!(open["owners"][0]["owners"][0]["account"].is_string(), "{open}");

    // Who may read reads: by a signed request, and by an API key that the curator's account pays.
    let out = folder.path().join("exported");
    run(&network, &["datanet", "export", "vault", "--out", out.to_str().unwrap(), "--as", "curator"]);
    let exported = std::fs::read_to_string(out.join("vault.v1.jsonl")).unwrap();
    assert!(exported.contains(SECRET));
    let left_out = run(&network, &["datanet", "export", "--out", out.to_str().unwrap()]);
    assert!(left_out.contains("vault is left out"), "{left_out}");

    // Of an answer with a private passage in its prompt nothing is kept to replay: its file would hold the passage.
    run(&network, &["account", "faucet", "curator", "5"]);
    let printed = run(&network, &["--json", "keys", "api", "--deposit", "1", "--as", "curator"]);
    let key: Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    let key = key["key"].as_str();
    let mut own = grounded;
    own["openledger"] = json!({ "datanets": ["vault"] });
    let own = post(&network, "/v1/chat/completions", key, &own);
    assert_eq!(own.status, 200, "{}", String::from_utf8_lossy(&own.body));
    let own = own.json()["receipt"]["id"].as_str().unwrap().to_owned();
    let evidence = get(&network, &format!("/v1/receipts/{own}/evidence"), key);
    assert_eq!((evidence.status, evidence.json()["error"]["code"].as_str()), (404, Some("no_evidence")));
    let file = |id: &str, key| get(&network, &format!("/v1/receipts/{id}"), key).json();
    assert!(file(&own, key)["opening"].is_object() && file(&own, key)["material"].is_null());
    assert!(file(receipt_id, Some(&consumer))["material"].is_string());

    // The bucket is empty at some point, and says when to come back.
    let mut last = post(&network, "/api/v1/attribute", None, &json!({ "text": "hello" }));
    for _ in 0..200 {
        if last.status == 429 {
            break;
        }
        last = post(&network, "/api/v1/attribute", None, &json!({ "text": "hello" }));
    }
    assert_eq!(last.status, 429);
    assert!(last.head.contains("retry-after: "), "{}", last.head);
    network.stop();
}
