//! A datanet whose policy gives weight to the context, on a real network with the packaged model: the receipt says which texts
//! helped and how much, verifies without a model, and recomputes with it. The test prints what that costs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod support;

use std::path::Path;

use openledger_receipt::{Predicate, ReceiptFile};
use openledger_types::Amount;
use serde_json::{Value, json};
use support::{Network, small_data};

/// The texts of the datanet `plants`: the first answers the question, four others are about orchids too.
const PLANTS: [(&str, &str, &str); 6] = [
    (
        "orchid",
        "Watering orchids",
        "An orchid on the window sill wants a cup of rain water every eleven days. Pour it over the bark in the morning, and let \
         the pot drain before it goes back to its saucer.",
    ),
    (
        "resting",
        "Orchids at rest",
        "In winter an orchid rests, and watering it every three weeks is enough. Rain water keeps the leaves of an orchid free \
         from chalk.",
    ),
    (
        "bark",
        "Bark for orchids",
        "An orchid grows in coarse bark that lets water run through. Every second spring the bark has rotted, and the orchid \
         wants a new pot of it.",
    ),
    (
        "light",
        "Light for orchids",
        "An orchid wants light without noon sun: a window to the east, or a curtain. Leaves that turn yellow had too much of it.",
    ),
    (
        "bloom",
        "Cutting an orchid",
        "When the last bloom of an orchid has fallen, cut its stem above the second knot. Often a new one grows there within weeks.",
    ),
    (
        "cactus",
        "Soil for a cactus",
        "A cactus stands in sand and gravel, dries out between two showers, and is never fed before April.",
    ),
];

/// Creates the datanet with half of the weight for the context, contributes and seals. Weight for influence is refused.
fn plant(network: &Network, folder: &Path) {
    let policy = json!({
        "licenses": ["CC0-1.0"], "contributors": "named", "provenance": ["human"], "imports": "human",
        "quality_bar": 0, "contribution_bond": 0, "curator_share": 0, "treasury_share": 0,
        "mix": { "verbatim": 4_999, "context": 5_000, "influence": 1 }, "private": false,
    });
    let create = json!({ "action": "datanets", "kind": "create", "name": "plants", "title": "Plants", "policy": policy });
    let refused = network.openledger(&["ledger", "act", &create.to_string(), "--as", "curator"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("method B"), "{said}");
    let create =
        ["datanet", "create", "plants", "--title", "Plants", "--license", "CC0-1.0", "--context", "5000"];
    network.done(&create);
    let lines = PLANTS.map(|(id, title, text)| {
        json!({ "id": id, "title": title, "text": text, "authors": ["Ada Gardener"], "license": "CC0-1.0" }).to_string()
    });
    let file = folder.join("plants.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    network.done(&["datanet", "contribute", "plants", file.to_str().unwrap()]);
    network.done(&["datanet", "seal", "plants"]);
}

fn ask(network: &Network, question: &str, passages: u32) -> Value {
    let body = json!({
        "model": "smollm2-135m-instruct", "max_tokens": 40, "temperature": 0,
        "messages": [{ "role": "user", "content": question }],
        "openledger": { "datanets": ["plants"], "passages": passages },
    });
    let authorization = format!("Bearer {}", network.key());
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let answer =
        network.request("POST", "/v1/chat/completions", &headers, body.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// What the gateway counted: answers valued, likelihoods, and their milliseconds.
fn counted(network: &Network) -> [u64; 3] {
    let metrics = network.request("GET", "/metrics", &[], b"").unwrap().body;
    let metrics = String::from_utf8_lossy(&metrics).into_owned();
    ["contexts_total", "context_values_total", "context_milliseconds_sum"].map(|name| {
        let name = format!("openledger_gateway_{name} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("no {name}: {metrics}")).parse().unwrap()
    })
}

/// Both parts are in the shares, and the settlement pays whoever helped.
fn check_context(predicate: &Predicate) {
    let Predicate { attribution: facts, served, response, settlement, .. } = predicate;
    let context = facts.context.as_ref().expect("plants gives weight to the context");
    assert_eq!((facts.method.as_str(), context.players.len(), context.values.len()), ("A+C", 2, 4));
    let [nobody, .., everybody] = context.values.as_slice() else { panic!("{context:?}") };
    assert!(nobody < everybody, "the passages make the answer likelier: {:?}", context.values);
    let sum: u64 = facts.shares.iter().map(|share| share.weight).sum();
    assert_eq!(sum + facts.common + facts.unattributed, facts.total);
    let helped = facts.context_weights(served, response).unwrap();
    let place = helped.iter().position(|weight| *weight > 0).expect("somebody helped");
    let paid = settlement.data.iter().find(|line| line.contribution == facts.shares[place].contribution);
    assert!(paid.is_some_and(|line| line.amount > Amount::ZERO), "{:?}", settlement.data);
    let by_words = facts.shares.iter().zip(&helped).any(|(share, helped)| share.weight > *helped);
    assert!(by_words, "the answer quotes: {:?}", facts.spans);
}

/// The receipt with the last digit of a likelihood changed.
fn falsified(receipt: &ReceiptFile) -> Vec<u8> {
    let mut changed = receipt.clone();
    let values = br#""values":[-"#;
    let payload = &mut changed.envelope.payload;
    let start = payload.windows(values.len()).position(|bytes| bytes == values).unwrap() + values.len();
    let end = start + payload[start..].iter().position(|byte| !byte.is_ascii_digit()).unwrap();
    payload[end - 1] = if payload[end - 1] == b'0' { b'1' } else { b'0' };
    changed.to_bytes()
}

#[test]
fn network_pays_for_help_in_the_context_where_a_policy_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = small_data(folder.path(), 4);
    let network = Network::start(folder.path(), &data);
    plant(&network, folder.path());
    let answer = ask(&network, "How often does an orchid want water?", 2);
    println!("{}", answer["choices"][0]["message"]["content"]);
    let id = answer["receipt"]["id"].as_str().unwrap();
    let file = network.settled_receipt(id);
    network.check_receipt(id, &file);
    let receipt = ReceiptFile::from_bytes(&file).unwrap();
    check_context(receipt.statement().unwrap().predicate());
    network.page(&format!("/api/v1/receipts/{id}"));
    let page = network.request("GET", &format!("/answers/{id}"), &[], b"").unwrap();
    assert!(String::from_utf8_lossy(&page.body).contains("for help in the context, not for words"));

    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (kept, changed, snapshots) = (place("kept.json"), place("changed.json"), place("snapshots"));
    std::fs::write(&kept, &file).unwrap();
    std::fs::write(&changed, falsified(&receipt)).unwrap();
    let refused = network.openledger(&["receipt", "verify", &changed]);
    assert!(!refused.status.success(), "{}", String::from_utf8_lossy(&refused.stdout));
    let said = network.done(&["receipt", "show", &kept]);
    assert!(said.contains("for help in the context and the rest for words"), "{said}");
    network.done(&["datanet", "export", "--out", &snapshots]);
    let recompute = ["receipt", "recompute", &kept, "--index", &snapshots];
    let said = network.done(&recompute);
    assert!(said.contains("4 likelihoods") && said.contains("not checked"), "{said}");
    let home = std::env::var("HOME").unwrap();
    let packaged = format!("{home}/.cache/openledger/models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let model = std::env::var("OPENLEDGER_MODEL").unwrap_or(packaged);
    let said = network.done(&[recompute.as_slice(), &["--model", &model]].concat());
    assert!(said.contains("computed again with the model: the same"), "{said}");
    let [answers, values, ms] = counted(&network);
    assert_eq!((answers, values), (1, 4));
    println!("2 passages: {values} likelihoods in {ms} ms");
    let receipt = ask(&network, "What does an orchid want?", 5)["receipt"].clone();
    let basis_points = |name: &str| receipt[name].as_u64().unwrap();
    assert!(
        basis_points("unattributed_basis_points") + basis_points("common_basis_points") < 10_000,
        "{receipt}"
    );
    let [answers, more, total_ms] = counted(&network);
    assert_eq!((answers, more), (2, values + 32));
    println!("5 passages: {} likelihoods in {} ms", more - values, total_ms - ms);
    network.stop();
}
