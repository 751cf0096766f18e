//! Calls of tools: what their grammars accept, beside what the reader of calls reads.

use openledger_model::{CallPiece, CallReader, Tool, ToolChoice, Tools};
use serde_json::{Value, json};

use super::tests::{accepts, check_mask, random, walk};
use super::*;

fn tool(name: &str, parameters: Option<Value>, is_strict: bool) -> Tool {
    let parameters = parameters.map(|schema| serde_json::from_value(schema).expect("it is JSON"));
    Tool { name: name.to_owned(), description: None, parameters, is_strict }
}

fn tools(choice: ToolChoice, one_call: bool) -> Tools {
    let add = json!({ "properties": { "a": { "type": "integer" } }, "required": ["a"], "additionalProperties": false });
    let list = vec![
        tool("now", None, false),
        tool("add", Some(add), true),
        tool("now_there", Some(json!({ "properties": { "at": { "pattern": "x" } } })), false),
    ];
    Tools { list, choice, one_call }
}

fn grammar(choice: ToolChoice, one_call: bool) -> Grammar {
    Grammar::from_tools(&tools(choice, one_call)).expect("the schemas are good").expect("there are tools")
}

fn call(name: &str, arguments: &str) -> String {
    format!("<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {arguments}}}\n</tool_call>")
}

#[test]
fn calls_that_are_required_are_all_there_is() {
    let required = grammar(ToolChoice::Required, false);
    let (add, now) = (call("add", r#"{"a": 1}"#), call("now", "{}"));
    let rows = [
        (add.clone(), true),
        (now.clone(), true),
        (call("now_there", r#"{"at":[1,{}],"more":null}"#), true),
        (format!("{add}\n{now}\n{add}"), true),
        ([now.as_str(); 16].join("\n"), true),
        ([now.as_str(); 17].join("\n"), false),
        (String::new(), false),
        (format!("x{add}"), false),
        (format!("\n{add}"), false),
        (format!("{add}\n"), false),
        (format!("{add}{now}"), false),
        (format!("{add}x"), false),
        (call("add", "{}"), false),
        (call("add", r#"{"a":"1"}"#), false),
        (call("add", r#"[1]"#), false),
        (call("now", r#"{"a":1}"#), false),
        (call("now_there", "7"), false),
        (call("sub", "{}"), false),
        (add[..add.len() - 1].to_owned(), false),
    ];
    for (text, expected) in rows {
        assert_eq!(accepts(&required, &text), expected, "{text}");
    }
    let one = grammar(ToolChoice::Required, true);
    assert!(accepts(&one, &now) && !accepts(&one, &format!("{now}\n{now}")));
    let named = grammar(ToolChoice::Named("add".to_owned()), false);
    assert!(accepts(&named, &add) && !accepts(&named, &now) && !accepts(&named, &format!("{add}\n{add}")));
}

#[test]
fn text_is_free_until_a_call_begins() {
    let free = grammar(ToolChoice::Auto, false);
    let (add, now) = (call("add", r#"{"a": 1}"#), call("now", "{}"));
    for text in ["", "No call.", "1 < 2 <tool> <tool_cal <<tool_call", "é\u{10348}\n</tool_call>"] {
        assert!(accepts(&free, text), "{text}");
    }
    assert!(accepts(&free, &format!("Let me see <\n{add} and {now}, so.")));
    assert!(!accepts(&free, "a <tool_call> b") && !accepts(&free, "<tool_call>\n{\"name\": \"sub\""));
    assert!(!accepts(&free, &format!("x {}", call("add", "{}"))));
    let once = grammar(ToolChoice::Auto, true);
    assert!(accepts(&once, &format!("x{now}")) && !accepts(&once, &format!("{now} y")));
}

#[test]
fn strict_tools_are_refused_where_their_schema_cannot_be_honoured() {
    for (schema, path, says) in [
        (json!({ "properties": { "a": { "pattern": "x" } } }), "/strict/a", "pattern"),
        (json!({ "type": "string" }), "/strict", "no object"),
    ] {
        let list = vec![tool("strict", Some(schema), true)];
        let tools = Tools { list, choice: ToolChoice::Auto, one_call: false };
        let error = Grammar::from_tools(&tools).expect_err("it is strict");
        assert!(error.path == path && error.reason.contains(says), "{error:?}");
    }
    assert_eq!(Grammar::from_tools(&Tools::default()), Ok(None));
}

#[test]
fn the_hash_tells_tools_and_choices_apart() {
    let choices = [ToolChoice::Auto, ToolChoice::Required, ToolChoice::Named("add".to_owned())];
    let mut hashes: Vec<_> = choices
        .into_iter()
        .flat_map(|choice| [false, true].map(|one| grammar(choice.clone(), one).hash()))
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 5, "a named tool is called once in any case");
    let mut turned = tools(ToolChoice::Auto, false);
    turned.list.reverse();
    let turned = Grammar::from_tools(&turned).expect("the schemas are good").map(|grammar| grammar.hash());
    assert_eq!(turned, Some(grammar(ToolChoice::Auto, false).hash()), "their order is none of its words");
}

#[test]
fn masks_are_what_every_token_by_itself_says() {
    for (choice, beginnings) in [
        (ToolChoice::Auto, vec!["", "x", "x <", "<tool_c", "<tool_call>", "<tool_call>\n{\"name\": \"now"]),
        (ToolChoice::Required, vec!["", "<", "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":1"]),
    ] {
        let grammar = grammar(choice, false);
        let beginnings = beginnings.into_iter().map(str::to_owned).chain([call("now", "{}")]);
        beginnings.for_each(|beginning| check_mask(&grammar, &beginning));
    }
}

/// Whatever passes is read back as calls of tools that there are, with arguments that are JSON.
#[test]
fn what_passes_is_read_back() {
    let grammar = grammar(ToolChoice::Required, false);
    let mut random = random();
    for round in 0..40 {
        let text = walk(&grammar, round, &mut random);
        let mut reader = CallReader::default();
        let mut pieces = reader.push(&text);
        pieces.extend(reader.finish());
        let [CallPiece::Begin(name), CallPiece::Arguments(arguments)] = pieces.as_slice() else {
            panic!("{text}: {pieces:?}")
        };
        assert!(["add", "now", "now_there"].contains(&name.as_str()), "{text}");
        assert!(serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object()), "{text}");
    }
}
