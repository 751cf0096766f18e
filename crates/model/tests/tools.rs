//! Conversations with tools in the model's chat template: what the model reads, and which models can use tools at all.

mod common;
#[path = "common/tools.rs"]
mod tools;

use openledger_model::{
    CallPiece, CallReader, ChatError, ChatMessage, Conversation, Detokenizer, Json, Model, NoTools, Role,
    Tool, ToolCall, ToolChoice, Tools,
};
use tools::{TOOL_TEMPLATE, with_template};

fn templated(template: &str) -> Model {
    let file = with_template(&common::tiny().bytes(), template);
    Model::from_bytes(&file).expect("the file is good")
}

fn decode(model: &Model, tokens: &[u32]) -> String {
    let mut detokenizer = Detokenizer::default();
    let named = |token: &u32| match token {
        1 => b"<|im_start|>",
        2 => &b"<|im_end|>"[..],
        _ => model.tokenizer().bytes(*token),
    };
    let pieces: String = tokens.iter().map(|token| detokenizer.push(named(token))).collect();
    pieces + &detokenizer.finish()
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).expect("it is JSON")
}

const PARAMETERS: &str = r#"{"type":"object","properties":{"zone":{"type":"string","description":"like \"Oslo\"<|im_end|>"},"at":{"type":["integer","null"]}},"required":["zone"]}"#;

fn conversation() -> Conversation {
    let tool = Tool {
        name: "clock".to_owned(),
        description: Some("The time, \u{f0000}0\u{f0001} now.".to_owned()),
        parameters: Some(json(PARAMETERS)),
        is_strict: true,
    };
    let mut conversation = Conversation::from(vec![ChatMessage::new(Role::User, "When?<|im_start|>")]);
    conversation.tools = Tools { list: vec![tool], choice: ToolChoice::Auto, one_call: false };
    conversation
}

fn called(mut conversation: Conversation) -> Conversation {
    let call = |id: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: "clock".to_owned(),
        arguments: arguments.to_owned(),
    };
    let mut asks = ChatMessage::new(Role::Assistant, "");
    asks.tool_calls =
        vec![call("a", r#"{"zone":"Os<|im_end|>lo","at":-1.5}"#), call("b", r#"{ "at" : [ ] }"#)];
    conversation.messages.push(asks);
    for (id, said) in [("b", "noon"), ("a", "<|im_end|>")] {
        let mut told = ChatMessage::new(Role::Tool, said);
        told.tool_call_id = Some(id.to_owned());
        conversation.messages.push(told);
    }
    conversation
}

#[test]
fn the_model_reads_tools_calls_and_answers_as_it_was_trained_to() {
    let model = templated(TOOL_TEMPLATE);
    assert_eq!(model.tools(), Ok(()));
    let tokens = model.encode_chat(&called(conversation())).expect("the template works");
    let expected = "<|im_start|>system\nThese functions can be called:\n<tools>\n\
        {\"type\": \"function\", \"function\": {\"name\": \"clock\", \"description\": \"The time, \u{f0000}0\u{f0001} now.\", \
        \"parameters\": {\"type\": \"object\", \"properties\": {\"zone\": {\"type\": \"string\", \
        \"description\": \"like \\\"Oslo\\\"<|im_end|>\"}, \"at\": {\"type\": [\"integer\", \"null\"]}}, \
        \"required\": [\"zone\"]}}}\n</tools>\n\
        To call one, write <tool_call> and </tool_call> around {\"name\": <its name>, \"arguments\": <an object>}.<|im_end|>\n\
        <|im_start|>user\nWhen?<|im_start|><|im_end|>\n\
        <|im_start|>assistant\n<tool_call>\n{\"name\": \"clock\", \"arguments\": {\"zone\": \"Os<|im_end|>lo\", \"at\": -1.5}}\n</tool_call>\
        \n<tool_call>\n{\"name\": \"clock\", \"arguments\": {\"at\": []}}\n</tool_call><|im_end|>\n\
        <|im_start|>user\n<tool_response>\nnoon\n</tool_response><|im_end|>\n\
        <|im_start|>user\n<tool_response>\n<|im_end|>\n</tool_response><|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(decode(&model, &tokens), expected);
    let controls: Vec<u32> = tokens.iter().copied().filter(|token| *token < 3).collect();
    assert_eq!(controls, [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1], "only the template's own control tokens");
}

/// The text around a tool's words is encoded with them, as it is when a model is trained.
#[test]
fn json_is_encoded_in_one_piece() {
    let model = templated(TOOL_TEMPLATE);
    let mut conversation = conversation();
    conversation.tools.list[0].description = Some("the end".to_owned());
    let tokens = model.encode_chat(&conversation).expect("the template works");
    let begin = tokens.iter().position(|token| *token == 1).expect("a control token") + 1;
    let end = tokens.iter().position(|token| *token == 2).expect("a control token");
    let text = decode(&model, &tokens[begin..end]);
    assert_eq!(model.tokenizer().encode(&text).expect("any text can be encoded"), tokens[begin..end]);
}

#[test]
fn without_tools_the_template_says_nothing_of_them() {
    let model = templated(TOOL_TEMPLATE);
    let talk = Conversation::from(vec![
        ChatMessage::new(Role::System, "Be brief."),
        ChatMessage::new(Role::User, "Hi"),
    ]);
    let shown = decode(&model, &model.encode_chat(&talk).expect("the template works"));
    let expected =
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(shown, expected);
}

#[test]
fn models_that_cannot_use_tools_say_why() {
    let turns = "{% for message in messages %}{{ message.role + ': ' + message.content }}";
    let calls = |written: &str| {
        let written = format!("{{% for call in message.tool_calls or [] %}}{written}{{% endfor %}}");
        format!("{{{{ tools | tojson }}}}{turns}{written}{{% endfor %}}")
    };
    let good = calls(
        "<tool_call>{\"name\": \"{{ call.function.name }}\", \"arguments\": {{ call.function.arguments | tojson }}}</tool_call>",
    );
    let rows = [
        (common::TEMPLATE.to_owned(), Err(NoTools::NoPlace)),
        (String::new(), Err(NoTools::NoPlace)),
        ("{{ tools | tojson }}".to_owned(), Err(NoTools::NoTurns)),
        (format!("{{{{ tools | tojson }}}}{turns}{{% endfor %}}"), Err(NoTools::OtherForm)),
        (calls("{{ call | tojson }}"), Err(NoTools::OtherForm)),
        (calls("<tool_call>{{ call.function | tojson }}</tool_call>"), Ok(())),
        (
            calls("<tool_call>{\"name\": \"{{ call.function.name }}\", \"arguments\": {}}</tool_call>"),
            Err(NoTools::OtherForm),
        ),
        (
            calls("<function={{ call.function.name }}>{{ call.function.arguments | tojson }}</function>"),
            Err(NoTools::OtherForm),
        ),
        (format!("{{{{ tools | tojson(indent=2) }}}}{}", &good["{{ tools | tojson }}".len()..]), Ok(())),
        (
            format!("{{% if messages | length > 1 %}}{{{{ no_such_function() }}}}{{% endif %}}{good}"),
            Err(NoTools::NoTurns),
        ),
        (good, Ok(())),
    ];
    for (template, expected) in rows {
        let model = templated(&template);
        assert_eq!(model.tools(), expected, "{template}");
        let encoded = model.encode_chat(&called(conversation()));
        match expected {
            Ok(()) => assert!(encoded.is_ok(), "{template}: {encoded:?}"),
            Err(reason) => {
                let error = encoded.expect_err(&template);
                assert!(matches!(error, ChatError::NoTools(found) if found == reason), "{template}: {error}");
            }
        }
    }
    let packaged = Model::open(&common::real_model_path()).expect("the packaged model is good");
    assert_eq!(packaged.tools(), Err(NoTools::NoPlace));
}

#[test]
fn a_mark_that_answers_do_not_show_is_no_mark() {
    let mut writer = common::tiny();
    let at =
        writer.metadata.iter().position(|(name, _)| name == "tokenizer.ggml.tokens").expect("it has tokens");
    // The control token that begins a message becomes one that begins a call.
    let (from, to) = (&b"<|im_start|>"[..], &b"<tool_call>"[..]);
    let value = &mut writer.metadata[at].1;
    let place = value.windows(from.len()).position(|window| window == from).expect("it has the token");
    let length = (to.len() as u64).to_le_bytes();
    value.splice(place - 8..place + from.len(), length.into_iter().chain(to.iter().copied()));
    let file = with_template(&writer.bytes(), TOOL_TEMPLATE);
    let model = Model::from_bytes(&file).expect("the file is good");
    assert_eq!(model.tools(), Err(NoTools::Hidden));
}

#[test]
fn hostile_templates_with_tools_end() {
    let rows = [
        "{% for a in range(100000) %}{% set x = tools | tojson %}{% endfor %}",
        "{{ tools | tojson(indent=100000) }}",
        "{{ (tools * 1000000) | tojson }}",
        "{{ tools[0] | tojson | tojson | tojson }}",
    ];
    for template in rows {
        let model = templated(template);
        assert!(model.tools().is_err(), "{template}");
        assert!(model.encode_chat(&conversation()).is_err(), "{template}");
    }
}

/// The template's own example of a call is none; a call that the template wrote is read back.
#[test]
fn what_a_template_writes_is_read_back() {
    let model = templated(TOOL_TEMPLATE);
    let shown = decode(&model, &model.encode_chat(&called(conversation())).expect("the template works"));
    let mut reader = CallReader::default();
    let mut read = reader.push(&shown);
    read.extend(reader.finish());
    let begun: Vec<&CallPiece> = read.iter().filter(|piece| matches!(piece, CallPiece::Begin(_))).collect();
    assert_eq!(begun, [&CallPiece::Begin("clock".to_owned()), &CallPiece::Begin("clock".to_owned())]);
}
