//! What grammars accept, beside what readers of JSON and a plain check of schemas say.

#[path = "../../../model/tests/common/mod.rs"]
mod common;

use openledger_model::Model;
use serde_json::{Value, json};

use super::*;

/// Whether a grammar accepts a text as a whole.
pub(super) fn accepts(grammar: &Grammar, text: &str) -> bool {
    let mut state = grammar.start();
    text.bytes().all(|byte| state.advance(grammar, byte)) && state.can_end(grammar)
}

fn schema(schema: Value) -> Grammar {
    Grammar::from_schema(&schema).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

#[test]
fn any_object_is_what_readers_of_json_read() {
    let grammar = Grammar::json_object();
    let accepted = [
        "{}",
        r#"{"a":1}"#,
        r#"{ "a" : [ 1 , -2.5e+3, 0.25, true,false , null, "x" ] , "b" : { "c" : {} } }"#,
        "{\n  \"a\": \"é\u{10348}\\n\\u00e9\\\"\"\n}",
        r#"{"":[[],[[]],{}]}"#,
        r#"{"a":0,"a":-0.0}"#,
    ];
    for text in accepted {
        assert!(accepts(&grammar, text), "{text}");
        serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    let refused = [
        "",
        "[]",
        "1",
        " {}",
        "{} ",
        "{}{}",
        "{",
        "{,}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{a:1}"#,
        r#"{"a":01}"#,
        r#"{"a":1.}"#,
        r#"{"a":.5}"#,
        r#"{"a":+1}"#,
        r#"{"a":1e}"#,
        r#"{"a":-}"#,
        r#"{"a":tru}"#,
        r#"{"a":truee}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\ud800"}"#,
        "{\"a\":\"\n\"}",
        r#"{"a":[1,]}"#,
        r#"{"a":[,1]}"#,
        r#"{"a":[1 2]}"#,
        r#"{"a":1 "b":2}"#,
        r#"{"a":NaN}"#,
        r#"{"a":1234567890123456}"#,
        r#"{"a":1e999}"#,
    ];
    for text in refused {
        assert!(!accepts(&grammar, text), "{text}");
    }
    let mut state = grammar.start();
    assert!(b"{\"a\":\"".iter().all(|byte| state.advance(&grammar, *byte)));
    for bytes in [&[0xc0_u8, 0x80][..], &[0xed, 0xa0, 0x80], &[0x80], &[0xf5], &[0xe2, 0x28], &[0x1f]] {
        let mut state = state.clone();
        assert!(!bytes.iter().all(|byte| state.advance(&grammar, *byte)), "{bytes:x?}");
    }
}

#[test]
fn schemas_accept_what_they_describe() {
    let person = schema(json!({
        "type": "object", "title": "a person",
        "properties": {
            "name": { "type": "string" },
            "age": { "type": "integer" },
            "nick\"name": { "type": ["string", "null"] },
            "kind": { "enum": ["cat", "category", 1, 12, true, null] },
            "tags": { "type": "array", "items": { "type": "string", "description": "short" } },
        },
        "required": ["name", "age"], "additionalProperties": false,
    }));
    let rows = [
        (r#"{"name":"a","age":1}"#, true),
        (r#"{"age":-7, "name":""}"#, true),
        (r#"{"name":"a","age":1,"nick\"name":null}"#, true),
        (r#"{"name":"a","age":1,"kind":"cat"}"#, true),
        (r#"{"name":"a","age":1,"kind":"category","tags":["x","y"]}"#, true),
        (r#"{"name":"a","age":1,"kind":1}"#, true),
        (r#"{"name":"a","age":1,"kind":12,"tags":[]}"#, true),
        (r#"{"name":"a"}"#, false),
        (r#"{"name":"a","age":1.5}"#, false),
        (r#"{"name":"a","age":1e2}"#, false),
        (r#"{"name":"a","age":"1"}"#, false),
        (r#"{"name":"a","age":1,"name":"b"}"#, false),
        (r#"{"name":"a","age":1,"other":1}"#, false),
        (r#"{"name":"a","age":1,"nam":1}"#, false),
        (r#"{"name":"a","age":1,"kind":"dog"}"#, false),
        (r#"{"name":"a","age":1,"kind":"categ"}"#, false),
        (r#"{"name":"a","age":1,"kind":123}"#, false),
        (r#"{"name":"a","age":1,"tags":[1]}"#, false),
        (r#"{"name":"a","age":1,"#, false),
        (r#"{"n\u0061me":"a","age":1}"#, false),
        ("null", false),
    ];
    for (text, expected) in rows {
        assert_eq!(accepts(&person, text), expected, "{text}");
    }
    let open = schema(json!({
        "type": "object", "properties": { "a": { "type": "integer" } }, "required": ["a", "b"],
        "additionalProperties": { "type": "boolean" },
    }));
    for (text, expected) in [
        (r#"{"a":1,"b":true}"#, true),
        (r#"{"b":true,"ab":false,"a":1,"é":true}"#, true),
        (r#"{"a":1,"b":1}"#, false),
        (r#"{"a":true,"b":true}"#, false),
        (r#"{"b":true,"ab":false}"#, false),
        (r#"{"\u0061":true,"b":true,"a":1}"#, false),
    ] {
        assert_eq!(accepts(&open, text), expected, "{text}");
    }
    let number = schema(json!({ "type": ["number", "null"] }));
    for (text, expected) in
        [("-1.5e9", true), ("null", true), ("1.", false), ("nul", false), ("\"1\"", false)]
    {
        assert_eq!(accepts(&number, text), expected, "{text}");
    }
}

#[test]
fn what_is_not_supported_is_refused_with_its_place() {
    let deep = (0..40).fold(json!({ "type": "string" }), |inner, _| json!({ "items": inner }));
    let wide: serde_json::Map<String, Value> = (0..65).map(|at| (format!("n{at}"), json!(true))).collect();
    let rows = [
        (json!(7), "", "neither"),
        (json!(false), "", "false"),
        (json!({ "$ref": "#" }), "", "$ref"),
        (json!({ "anyOf": [] }), "", "anyOf"),
        (json!({ "properties": { "a": { "pattern": "x" } } }), "/a", "pattern"),
        (json!({ "items": { "items": { "minimum": 1 } } }), "/items/items", "minimum"),
        (json!({ "type": "text" }), "", "text"),
        (json!({ "type": [] }), "", "empty"),
        (json!({ "type": 5 }), "", "5"),
        (json!({ "enum": [] }), "", "0 values"),
        (json!({ "enum": "x" }), "", "no list"),
        (json!({ "enum": [{}] }), "", "object"),
        (json!({ "type": "string", "enum": [1] }), "", "its type"),
        (json!({ "enum": [1], "properties": {} }), "", "beside"),
        (json!({ "properties": [] }), "", "no object"),
        (json!({ "properties": wide }), "", "65"),
        (json!({ "required": "a" }), "", "required"),
        (json!({ "required": ["a"], "additionalProperties": false }), "", "\"a\""),
        (deep, "/items/items", "deeper"),
    ];
    for (schema, path, says) in rows {
        let error = Grammar::from_schema(&schema).expect_err(&schema.to_string());
        assert!(error.path.starts_with(path) && error.reason.contains(says), "{schema}: {error:?}");
        assert!(error.to_string().len() < 400, "{error}");
    }
}

#[test]
fn the_hash_is_of_what_is_described() {
    let one = schema(
        json!({ "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "null" } } }),
    );
    let same = schema(json!({
        "title": "other words", "properties": { "b": { "type": "null" }, "a": { "type": "string" } }, "type": "object",
    }));
    assert_eq!(one.hash(), same.hash());
    let others = [
        json!({ "type": "object", "properties": { "a": { "type": "string" }, "c": { "type": "null" } } }),
        json!({ "type": "object", "properties": { "a": { "type": "null" }, "b": { "type": "string" } } }),
        json!({ "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "null" } }, "required": ["a"] }),
        json!({ "type": "integer" }),
        json!({ "type": "number" }),
        json!({ "enum": ["integer"] }),
        json!(true),
    ];
    let mut hashes: Vec<_> = others.into_iter().map(|other| schema(other).hash()).collect();
    hashes.extend([one.hash(), Grammar::json_object().hash()]);
    hashes.sort_unstable();
    assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]));
    let fixed = "07e59217db041299c7418f5fd4484f8a023fca123bfa5fb34785f999b82699c8";
    assert_eq!(Grammar::json_object().hash().to_string(), fixed, "replays of old answers need the same hash");
}

/// Bytes drawn one after the other from those that may stand next always lead to an end, and what they spell is JSON.
#[test]
fn from_every_state_an_end_is_reached() {
    let grammars = [
        Grammar::json_object(),
        schema(json!({
            "type": "object", "additionalProperties": false, "required": ["kind", "deep"],
            "properties": {
                "kind": { "enum": ["a", "ab", "b\"c", -1, -12, 1.5, null] },
                "deep": { "type": "array", "items": {
                    "type": ["object", "integer"], "required": ["x"], "additionalProperties": false,
                    "properties": { "x": true },
                } },
                "dee": { "type": "boolean" },
            },
        })),
    ];
    let mut random = random();
    for grammar in &grammars {
        for round in 0..40 {
            let text = walk(grammar, round, &mut random);
            serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
}

/// Numbers below others, from one seed.
pub(super) fn random() -> impl FnMut(usize) -> usize {
    let mut seed = 1_u64;
    move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    }
}

/// Bytes drawn up to the first place where the answer may end.
pub(super) fn walk(grammar: &Grammar, round: usize, random: &mut impl FnMut(usize) -> usize) -> String {
    let mut state = grammar.start();
    let mut written: Vec<u8> = Vec::new();
    while !state.can_end(grammar) {
        let mut next: Vec<(u8, State)> = Vec::new();
        for byte in 0..=255_u8 {
            let mut moved = state.clone();
            if moved.advance(grammar, byte) {
                next.push((byte, moved));
            }
        }
        assert!(!next.is_empty(), "stuck after {:?}", String::from_utf8_lossy(&written));
        // After a while, what closes is preferred, so that every walk ends.
        let signs: &[u8] = if state.is_plain_text() { b"\"" } else { b"}]\":" };
        let closing = signs.iter().find_map(|sign| next.iter().position(|(byte, _)| byte == sign));
        let at = match closing {
            Some(at) if written.len() > 60 + round => at,
            _ => random(next.len()),
        };
        written.push(next[at].0);
        state = next.swap_remove(at).1;
        assert!(written.len() < 5_000, "{:?}", String::from_utf8_lossy(&written));
    }
    String::from_utf8(written).expect("what passes is UTF-8")
}

/// The masks, made with shortcuts, allow what trying every token by itself allows.
#[test]
fn masks_are_what_every_token_by_itself_says() {
    let grammar = schema(json!({
        "type": "object", "required": ["the"], "properties": {
            "the": { "enum": ["the", "in", " and"] }, "in": { "type": "number" }, "an": { "type": "string" },
        },
    }));
    let beginnings = [
        "",
        "{",
        "{ ",
        r#"{""#,
        r#"{"th"#,
        r#"{"x"#,
        r#"{"the":"#,
        r#"{"the":"i"#,
        r#"{"the":"in""#,
        r#"{"in":1"#,
        r#"{"an":"and"#,
        r#"{"an":"\u"#,
        r#"{"the":"in","#,
        r#"{"the":"in"}"#,
        r#"{"x":[{"y":""#,
    ];
    for beginning in beginnings {
        check_mask(&grammar, beginning);
    }
}

pub(super) fn check_mask(grammar: &Grammar, beginning: &str) {
    let model = Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good");
    let tokenizer = model.tokenizer();
    let mut state = grammar.start();
    assert!(beginning.bytes().all(|byte| state.advance(grammar, byte)), "{beginning}");
    let mask = TokenTable::new(tokenizer).mask(tokenizer, grammar, &state);
    for token in 0..tokenizer.vocabulary() as u32 {
        let bytes = tokenizer.bytes(token);
        let mut moved = state.clone();
        let expected = if tokenizer.is_end(token) {
            state.can_end(grammar)
        } else {
            !bytes.is_empty() && bytes.iter().all(|byte| moved.advance(grammar, *byte))
        };
        assert_eq!(mask.allows(token), expected, "{beginning} then {:?}", String::from_utf8_lossy(bytes));
    }
}
