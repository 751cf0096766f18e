//! Tools at engines behind HTTP: what they are sent, and their calls as a text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use openledger_inference::{
    Backend, CallPiece, CallReader, ChatMessage, CompletionRequest, Conversation, Event, Prompt, Role, Tool,
    ToolCall, ToolChoice, Tools,
};
use openledger_upstream::Kind;
use serde_json::{Value, json};
use support::{Server, chat, config, read, reason, start, stream, well};

/// A stream of these choices, with its count.
fn answer(choices: &[Value]) -> Vec<u8> {
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 90, "completion_tokens": 20 } });
    let chunks = choices.iter().map(|choice| json!({ "choices": [choice] })).chain([usage]);
    let text: String = chunks.map(|chunk| format!("data: {chunk}\n\n")).collect();
    format!("{text}data: [DONE]\n\n").into_bytes()
}

fn delta(delta: Value, finish: Option<&str>) -> Value {
    json!({ "index": 0, "delta": delta, "finish_reason": finish })
}

fn call(index: u32, name: Option<&str>, arguments: &str) -> Value {
    let mut call = json!({ "index": index, "function": { "arguments": arguments } });
    if let Some(name) = name {
        call["id"] = json!(format!("chatcmpl-tool-{index}"));
        call["type"] = json!("function");
        call["function"]["name"] = json!(name);
    }
    json!({ "tool_calls": [call] })
}

fn request() -> CompletionRequest {
    let parameters = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let tool = |name: &str, is_strict| Tool {
        name: name.to_owned(),
        description: Some("Tells.".to_owned()),
        parameters: Some(serde_json::from_value(parameters.clone()).unwrap()),
        is_strict,
    };
    let mut asked = ChatMessage::new(Role::Assistant, "");
    asked.tool_calls =
        vec![ToolCall { id: "c1".to_owned(), name: "clock".to_owned(), arguments: "{}".to_owned() }];
    let mut told = ChatMessage::new(Role::Tool, "noon");
    told.tool_call_id = Some("c1".to_owned());
    let tools = Tools {
        list: vec![tool("weather", true), tool("clock", false)],
        choice: ToolChoice::Named("weather".to_owned()),
        one_call: true,
    };
    let talk = Conversation { messages: vec![ChatMessage::new(Role::User, "When?"), asked, told], tools };
    CompletionRequest { max_tokens: Some(32), ..CompletionRequest::new(Prompt::Chat(talk)) }
}

#[tokio::test]
async fn tools_are_sent_as_they_are_and_calls_come_back_as_a_text() {
    let steps = answer(&[
        delta(json!({ "role": "assistant", "content": null }), None),
        delta(json!({ "content": "Let me see." }), None),
        delta(call(0, Some("weather"), ""), None),
        delta(call(0, None, "{\"city\":"), None),
        delta(call(0, None, "\"Oslo\"}"), None),
        delta(call(1, Some("clock"), ""), None),
        delta(json!({}), Some("tool_calls")),
    ]);
    for kind in [Kind::Vllm, Kind::Sglang, Kind::LlamaServer, Kind::Openai] {
        let steps = steps.clone();
        let server = Server::start(move |asked| well(asked).unwrap_or_else(|| stream(&steps))).await;
        let (text, last) = read(start(config(kind, &server.url)).submit(request()).unwrap()).await;
        assert!(matches!(last, Event::Done(_)), "{last:?}");
        let written = "Let me see.<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\":\"Oslo\"}}\n</tool_call>\
                       \n<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>";
        assert_eq!(text, written, "{kind:?}");
        let body = &server.completions()[0].body;
        let parameters = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
        let function =
            |name: &str| json!({ "name": name, "description": "Tells.", "parameters": parameters });
        let mut strict = function("weather");
        strict["strict"] = json!(true);
        let tools = json!([{ "type": "function", "function": strict }, { "type": "function", "function": function("clock") }]);
        assert_eq!(body["tools"], tools);
        assert_eq!(body["tool_choice"], json!({ "type": "function", "function": { "name": "weather" } }));
        assert_eq!(body["parallel_tool_calls"], json!(false));
        let called =
            json!({ "id": "c1", "type": "function", "function": { "name": "clock", "arguments": "{}" } });
        assert_eq!(
            body["messages"][1],
            json!({ "role": "assistant", "content": "", "tool_calls": [called] })
        );
        assert_eq!(body["messages"][2], json!({ "role": "tool", "content": "noon", "tool_call_id": "c1" }));
    }
}

/// What an answer of these choices is: its text, and how it ended.
async fn played(choices: &[Value], request: CompletionRequest) -> (String, Event) {
    let steps = answer(choices);
    let server = Server::start(move |asked| well(asked).unwrap_or_else(|| stream(&steps))).await;
    read(start(config(Kind::Vllm, &server.url)).submit(request).unwrap()).await
}

#[tokio::test]
async fn a_call_that_is_cut_is_left_as_it_is() {
    let choices = [delta(call(0, Some("weather"), "{\"city\":\"Os"), Some("length"))];
    let (text, last) = played(&choices, request()).await;
    assert!(matches!(last, Event::Done(_)), "{last:?}");
    let mut reader = CallReader::default();
    let pieces = [reader.push(&text), reader.finish()].concat();
    let expected =
        [CallPiece::Begin("weather".to_owned()), CallPiece::Arguments("{\"city\":\"Os".to_owned())];
    assert_eq!(pieces, expected, "{text}");
}

#[tokio::test]
async fn calls_that_cannot_be_are_the_engines_fault() {
    let named = |name: &str| delta(call(0, Some(name), "{}"), Some("tool_calls"));
    for (choices, request, says) in [
        (vec![named("weather")], chat("hello"), "where none was given"),
        (vec![named("no name")], request(), "no name of a tool"),
        (vec![delta(call(0, None, "{}"), None)], request(), "no name of a tool"),
        (
            vec![delta(call(1, Some("weather"), "{}"), None), delta(call(0, Some("clock"), "{}"), None)],
            request(),
            "call 0 after a later one",
        ),
    ] {
        let (_, last) = played(&choices, request).await;
        let reason = reason(last);
        assert!(reason.contains(says), "{reason}");
    }
}
