//! Every page, as a browser without JavaScript gets it: the facts are there, hostile text stays text, what does not
//! exist is explained, and the words of an answer need its salt.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that unwraps nothing fails")]

mod world;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use openledger_explorer::{ContributionText, router};
use openledger_receipt::SpanFacts;
use tower::ServiceExt;
use world::network::{account, name};
use world::{CONSUMER, GATEWAY, MODEL, Part, World, author};

const SALT: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const HOSTILE: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>";
const QUESTION: &str = "How do I back up, <b>really</b>?";
const QUOTE: &str = "copy your files to a safe place";
const PLAIN: &str = "In short: copy & repeat <i>often</i>. ";

fn contribution(label: &str, title: &str, text: &str, authors: &[&str]) -> ContributionText {
    ContributionText {
        title: title.into(),
        text: text.into(),
        authors: authors.iter().map(|called| (*called).to_owned()).collect(),
        others: vec![HOSTILE.into()],
        license: "CC-BY-SA-3.0".into(),
        label: label.into(),
    }
}

fn build() -> World {
    let mut world = World::new();
    world.name_roles();
    let texts = vec![
        contribution(
            "backup.page",
            "How to back up",
            &format!("You can {QUOTE}. Then rest."),
            &["Tiffany Antopolski", "Phil Bull"],
        ),
        contribution(
            "hostile.page",
            HOSTILE,
            &format!("{HOSTILE} says so with unmistakable villainous eloquence."),
            &[HOSTILE],
        ),
        contribution(
            "again.page",
            "The same",
            &format!("{HOSTILE} says so with unmistakable villainous eloquence."),
            &["Copycat"],
        ),
    ];
    world.datanet("help", &HOSTILE[..40], texts);
    world.ask(
        "01-settled",
        QUESTION,
        100,
        &[
            Part::Plain(PLAIN),
            Part::Quote("help", "backup.page", QUOTE),
            Part::Plain(" and "),
            Part::Quote("help", "hostile.page", "so with unmistakable villainous eloquence"),
        ],
    );
    world.settle();
    world.ask("02-waiting", "Six times nine?", 0, &[Part::Plain("Forty-two.")]);
    world
}

async fn get(router: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let reply = router.clone().oneshot(request).await.unwrap();
    let policy = reply.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    assert_eq!(reply.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
    assert_eq!(reply.headers()[header::REFERRER_POLICY], "no-referrer", "{path}");
    let (status, kind) = (reply.status(), reply.headers().get(header::CONTENT_TYPE).cloned());
    let body = String::from_utf8(to_bytes(reply.into_body(), 1 << 22).await.unwrap().to_vec()).unwrap();
    if kind.is_some_and(|kind| kind.to_str().unwrap().starts_with("text/html")) {
        check_markup(path, &body);
    }
    (status, body)
}

/// What no page may contain, whatever its texts are.
fn check_markup(path: &str, body: &str) {
    for forbidden in
        ["<script>", "<img", "onerror=alert(2)>", " style=", "javascript:", "http://", "https://"]
    {
        let body =
            body.replace("http://127.0.0.1:8080", "").replace("xmlns='http://www.w3.org/2000/svg'", "");
        assert!(!body.contains(forbidden), "{path} contains {forbidden}");
    }
    assert_eq!(body.matches("<script").count(), body.matches("<script src=\"/explorer.js").count(), "{path}");
    if body.starts_with("<!doctype html>") {
        for needed in
            ["<html lang=\"en\">", "<main", "<h1", "name=\"viewport\"", "<title>", "Skip to content"]
        {
            assert!(body.contains(needed), "{path} lacks {needed}");
        }
    }
}

#[tokio::test]
async fn every_page_shows_its_facts() {
    let world = build();
    let backup = world.labels[&("help".to_owned(), "backup.page".to_owned())];
    let digest = world.network.blocks[2].digest.to_string();
    let hash = world.network.blocks[2].transactions[0].hash.to_string();
    let (tiffany, gateway, consumer) = (author("Tiffany Antopolski"), account(GATEWAY), account(CONSUMER));
    let total = world.network.models.receipt("01-settled").unwrap().summary.total.0;
    let router = router(world.state());
    let text = format!("/datanets/help/contributions/{backup}");
    let rows: &[(&str, &[&str])] = &[
        (
            "/",
            &[
                "Every answer pays everyone who made it possible, and proves it.",
                "Tiffany Antopolski",
                "/answers/01-settled",
                "waiting for its batch",
                "It adds up to the unit",
            ],
        ),
        ("/feed", &["/answers/01-settled", "/answers/02-waiting"]),
        ("/answers", &["/answers/01-settled", "An answer from help pays 3 contributors", "nobody's text"]),
        ("/datanets", &["CC-BY-SA-3.0", "/datanets/help", "Demo curator"]),
        (
            "/datanets/help",
            &["Tiffany Antopolski", "backup.page", "repeat", "33.33 %", "Version 1", "as if over"],
        ),
        (&text, &[QUOTE, "How to back up", "Phil Bull", "Content hash"]),
        (
            &format!("{text}?from=8&to=39#passage"),
            &["<mark id=\"passage\" class=\"who-1 strength-2\">copy your files to a safe place</mark>"],
        ),
        (&format!("{text}?from=8&to=9999"), &[QUOTE]),
        ("/models", &[MODEL, "base model", "SmolLM2 builders"]),
        (&format!("/models/{MODEL}"), &["10 uC", "SHA-256 of the weights", "100 %"]),
        ("/network", &["Local gateway", "Local provider", "Verification fund", "2.50 %", "2,000 OPEN"]),
        ("/blocks", &["/blocks/1", "/batches"]),
        ("/blocks/3", &[&digest, "Settle batch", "Local gateway"]),
        ("/transactions/HASH", &["batch settled", "paid", "Local gateway"]),
        ("/batches", &["Local gateway", "/blocks/3"]),
        (&format!("/batches/{gateway}/1"), &["✓ equal", "Tiffany Antopolski", "/answers/01-settled"]),
        (
            &format!("/accounts/{tiffany}"),
            &["Tiffany Antopolski", "/answers/01-settled", "earned", "backup.page", "hidden evaluations"],
        ),
        (
            &format!("/accounts/{consumer}"),
            &["Demo consumer", "spent", "/answers/01-settled", "channel funded"],
        ),
        ("/search?q=tiffany", &["Tiffany Antopolski", "Account"]),
        ("/search?q=01-", &["/answers/01-settled"]),
        ("/search?q=nothing+like+this", &["Nothing is called"]),
        ("/search", &["Type the id"]),
        (
            "/answers/01-settled",
            &[
                "salted hashes",
                "batch 1",
                "Tiffany Antopolski",
                "openledger receipt verify",
                "adds up to the unit",
                "Its paid words are certified.",
                "a certificate of 12,345 bytes",
                "flow-wide",
                &openledger_grouped(total),
            ],
        ),
        ("/answers/02-waiting", &["Not settled yet", "No text of any datanet explains this answer"]),
    ];
    for (path, facts) in rows {
        let path = path.replace("HASH", &hash);
        let (status, body) = get(&router, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        for fact in *facts {
            assert!(body.contains(fact), "{path} lacks {fact}:\n{body}");
        }
    }
}

fn openledger_grouped(amount: u64) -> String {
    assert!((1_000..1_000_000).contains(&amount));
    format!("{},{:03} uC", amount / 1_000, amount % 1_000)
}

#[tokio::test]
async fn words_of_an_answer_need_its_salt() {
    let router = router(build().state());
    let words = [QUOTE, "In short", "back up, ", "really"];
    for query in [
        "",
        "?salt=",
        "?salt=00",
        "?salt=zz",
        &format!("?salt={}", "00".repeat(32)),
        &format!("?salt={}", &SALT[2..]),
    ] {
        let (status, body) = get(&router, &format!("/answers/01-settled{query}")).await;
        assert_eq!(status, StatusCode::OK);
        for word in words {
            assert!(!body.contains(word), "{query} shows {word}");
        }
        assert!(!body.contains("<mark"), "{query}");
        let (_, file) = get(&router, &format!("/answers/01-settled/receipt{query}")).await;
        assert!(!file.contains("opening"), "{query}");
    }
    let (_, wrong) = get(&router, "/answers/01-settled?salt=00").await;
    assert!(wrong.contains("That salt is not this receipt"));
    for salt in [SALT.to_owned(), format!("0x{SALT}"), SALT.to_uppercase()] {
        let (_, body) = get(&router, &format!("/answers/01-settled?salt={salt}")).await;
        assert!(body.contains("How do I back up, &#60;b&#62;really&#60;/b&#62;?"), "{body}");
        assert!(body.contains("In short: copy &#38; repeat &#60;i&#62;often&#60;/i&#62;. <mark"), "{body}");
        assert!(body.contains(&format!(">{QUOTE}<sup><a href=\"#source-")), "{body}");
        assert!(body.contains("You can <mark"), "the passage stands in its context");
        let (_, file) = get(&router, &format!("/answers/01-settled/receipt?salt={salt}")).await;
        assert!(file.contains("opening"));
    }
    for path in ["/api/v1/receipts/01-settled", "/api/v1/receipts", "/answers", "/"] {
        let (_, body) = get(&router, path).await;
        assert!(!body.contains(QUOTE) && !body.contains("In short"), "{path}");
    }
}

#[tokio::test]
async fn hostile_text_stays_text_and_hostile_spans_are_left_out() {
    let world = build();
    let hostile = author(HOSTILE);
    let text = world.labels[&("help".to_owned(), "hostile.page".to_owned())];
    {
        let mut receipts = world.library.receipts.lock().unwrap();
        let stored = receipts.get_mut("01-settled").unwrap();
        for (start, end) in [(0, u64::MAX), (5, 2), (u64::MAX, u64::MAX), (1, 3)] {
            stored.spans.push(SpanFacts { start, end, ..stored.spans[0].clone() });
        }
        stored.spans[0].sources[0].end = u64::MAX;
        stored.opening.as_mut().unwrap().question = HOSTILE.to_owned();
    }
    let router = router(world.state());
    for path in [
        format!("/accounts/{hostile}"),
        format!("/datanets/help/contributions/{text}"),
        format!("/answers/01-settled?salt={SALT}"),
        "/datanets/help".to_owned(),
        "/search?q=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "/search?q=%22onerror%3D".to_owned(),
    ] {
        let (status, body) = get(&router, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(body.contains("&#60;script&#62;") || body.contains("&#34;onerror"), "{path}:\n{body}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_explained() {
    let router = router(build().state());
    let nobody = "0x00000000000000000000000000000000000000aa";
    let nothing = format!("0x{}", "ab".repeat(32));
    for (path, status, text) in [
        ("/nowhere", 404, "There is no page at /nowhere"),
        ("/%3Cscript%3E", 404, "Nothing here"),
        ("/answers?page=x", 200, "/answers/01-settled"),
        ("/blocks?page=-1", 200, "/blocks/1"),
        ("/answers/none", 404, "knows no receipt none"),
        ("/answers/none/receipt", 404, "knows no receipt none"),
        ("/answers/%3Cscript%3E", 404, "&#60;script&#62;"),
        ("/accounts/phil", 400, "phil is not an address"),
        (&format!("/accounts/{nobody}"), 404, "Nothing on this network ever named"),
        ("/datanets/none", 404, "No datanet is called none"),
        ("/datanets/Not%20A%20Name", 404, "No datanet is called Not A Name"),
        ("/datanets/help/contributions/0x12", 404, "holds no contribution 0x12"),
        ("/models/none", 404, "No model is called none"),
        ("/blocks/999", 404, "The latest is 3"),
        ("/blocks/0", 404, "no block 0"),
        ("/blocks/-1", 400, "not a height"),
        ("/blocks/99999999999999999999", 400, "not a height"),
        ("/transactions/0x1", 400, "not a hash"),
        (&format!("/transactions/{nothing}"), 404, "no finalized transaction"),
        ("/batches/x/1", 400, "Not a batch"),
        (&format!("/batches/{nobody}/1"), 404, "has not settled a batch 1"),
        ("/api/v1/nowhere", 404, "\"type\":\"invalid_request_error\""),
        ("/v1/nowhere", 404, "\"type\":\"invalid_request_error\""),
        ("/api/v1/accounts/phil", 400, "\"type\":\"invalid_request_error\""),
        ("/api/v1/blocks/x", 400, "whole number"),
        ("/api/v1/receipts/none", 404, "there is no receipt none"),
        ("/api/v1/datanets/none", 404, "there is no datanet none"),
    ] {
        let (found, body) = get(&router, path).await;
        assert_eq!(found.as_u16(), status, "{path}");
        assert!(body.contains(text), "{path} lacks {text}:\n{body}");
    }
}

#[tokio::test]
async fn programs_get_the_same_answers_as_json() {
    let world = build();
    let tiffany = author("Tiffany Antopolski");
    let gateway = account(GATEWAY);
    let hash = world.network.blocks[2].transactions[0].hash;
    let router = router(world.state());
    for (path, pointer, expected) in [
        ("/api/v1/overview".to_owned(), "/height", serde_json::json!(3)),
        ("/api/v1/overview".to_owned(), "/counts/receipts", serde_json::json!(2)),
        ("/api/v1/supply".to_owned(), "/conserved", serde_json::json!(true)),
        ("/api/v1/receipts".to_owned(), "/entries/0/id", serde_json::json!("02-waiting")),
        ("/api/v1/receipts?page=2".to_owned(), "/entries", serde_json::json!([])),
        ("/api/v1/receipts/01-settled".to_owned(), "/settled/batch", serde_json::json!(1)),
        (format!("/api/v1/accounts/{tiffany}"), "/account/name", serde_json::json!("Tiffany Antopolski")),
        (
            format!("/api/v1/accounts/{tiffany}/statement"),
            "/lines/entries/0/receipts/0/id",
            serde_json::json!("01-settled"),
        ),
        ("/api/v1/datanets".to_owned(), "/entries/0/name", serde_json::json!("help")),
        ("/api/v1/datanets/help".to_owned(), "/repeats", serde_json::json!(1)),
        ("/api/v1/models".to_owned(), "/entries/0/answers", serde_json::json!(2)),
        ("/api/v1/providers".to_owned(), "/total", serde_json::json!(1)),
        ("/api/v1/gateways".to_owned(), "/entries/0/batches", serde_json::json!(1)),
        ("/api/v1/blocks".to_owned(), "/entries/0/height", serde_json::json!(3)),
        ("/api/v1/blocks/3".to_owned(), "/transactions/entries/0/action", serde_json::json!("Settle batch")),
        (format!("/api/v1/transactions/{hash}"), "/event_list/0/event", serde_json::json!("batch_settled")),
        ("/api/v1/batches".to_owned(), "/entries/0/number", serde_json::json!(1)),
        (format!("/api/v1/batches/{gateway}/1"), "/adds_up", serde_json::json!(true)),
        ("/api/v1/search?q=tiffany".to_owned(), "/0/kind", serde_json::json!("account")),
    ] {
        let (status, body) = get(&router, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(value.pointer(pointer), Some(&expected), "{path}: {body}");
    }
}

#[tokio::test]
async fn the_drawing_and_the_table_name_every_payment_to_the_unit() {
    let world = build();
    let receipt = world.network.models.receipt("01-settled").unwrap();
    let (_, body) = get(&router(world.state()), "/answers/01-settled").await;
    let drawings: Vec<&str> =
        body.split("<svg class=\"flow ").skip(1).map(|rest| rest.split("</svg>").next().unwrap()).collect();
    assert_eq!(drawings.len(), 2, "one for a desk, one for a phone");
    let mut named = std::collections::BTreeMap::<String, u64>::new();
    for payout in &receipt.payouts {
        assert!(body.contains(&format!("class=\"number\">{} uC</td>", payout.amount.0)), "{payout:?}");
        let key = format!("{:?} {}", payout.role, payout.account.name.clone().unwrap());
        *named.entry(key).or_default() += payout.amount.0;
    }
    for pool in &receipt.pools {
        named.insert(format!("{:?}", pool.pool), pool.amount.0);
    }
    for drawing in drawings {
        for (key, amount) in &named {
            let whole = format!(">{amount} uC");
            let escrowed = format!(">{amount} uC in escrow");
            let bonded = key.starts_with("Provider") || key.starts_with("Gateway");
            let divided = bonded && drawing.contains("liquid + ");
            assert!(
                drawing.contains(&whole) || drawing.contains(&escrowed) || divided,
                "{key} {amount}:\n{drawing}"
            );
        }
        assert!(drawing.contains("flow-escrow") && drawing.contains("liquid + "), "{drawing}");
    }
}

#[tokio::test]
async fn an_exact_id_goes_straight_to_its_page() {
    let router = router(build().state());
    let request = Request::builder().uri("/search?q=01-settled").body(Body::empty()).unwrap();
    let reply = router.clone().oneshot(request).await.unwrap();
    assert_eq!(reply.status(), StatusCode::SEE_OTHER);
    assert_eq!(reply.headers()[header::LOCATION], "/answers/01-settled");
}

#[tokio::test]
async fn other_routers_stand_beside_the_pages() {
    use axum::routing::{get as on_get, post};
    let other = Router::new()
        .route("/api/v1/accounts/{account}/nonce", on_get(|| async { "nonce" }))
        .route("/api/v1/datanets/{name}/texts", on_get(|| async { "texts" }))
        .route("/api/v1/transactions", post(|| async { "submitted" }))
        .route("/v1/{*rest}", axum::routing::any(|| async { "gateway" }));
    let merged = router(build().state()).merge(other);
    let nobody = account(9);
    for (path, text) in [
        (format!("/api/v1/accounts/{nobody}/nonce"), "nonce"),
        ("/api/v1/datanets/help/texts".to_owned(), "texts"),
        ("/v1/models".to_owned(), "gateway"),
        ("/api/v1/overview".to_owned(), "conserved"),
        ("/nowhere".to_owned(), "Nothing here"),
    ] {
        let request = Request::builder().uri(&path).body(Body::empty()).unwrap();
        let reply = merged.clone().oneshot(request).await.unwrap();
        let body = String::from_utf8(to_bytes(reply.into_body(), 1 << 22).await.unwrap().to_vec()).unwrap();
        assert!(body.contains(text), "{path}: {body}");
    }
}

#[tokio::test]
async fn an_empty_network_has_pages_too() {
    let world = World::empty();
    assert!(
        world.network.models.datanet(&name("help"), openledger_query::views::PageRequest::first(1)).is_none()
    );
    let router = router(world.state());
    for path in
        ["/", "/answers", "/datanets", "/models", "/network", "/blocks", "/batches", "/api/v1/overview"]
    {
        let (status, _) = get(&router, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
    }
}
