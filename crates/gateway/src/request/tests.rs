//! Requests read and refused: every field of both endpoints.

use openledger_model::Role;

use super::*;

fn chat(body: &str) -> Result<ValidRequest, ApiError> {
    parse(Endpoint::Chat, body.as_bytes())
}

fn check(endpoint: Endpoint, body: &str, param: Option<&str>, says: &str) {
    let error = parse(endpoint, body.as_bytes()).expect_err(body);
    assert_eq!((error.status.as_u16(), error.param), (400, param), "{body}: {error:?}");
    assert!(error.message.contains(says), "{body}: {}", error.message);
    assert!(error.message.len() < 400, "{body}: {}", error.message);
}

#[test]
fn wrong_chats_are_refused_by_name() {
    let rows = [
        ("{", None, "JSON"),
        ("[]", None, "JSON"),
        (r#"{"messages":[{"role":"user","content":"hi"}]}"#, Some("model"), "missing"),
        (r#"{"model":"m"}"#, Some("messages"), "1 to"),
        (r#"{"model":"m","messages":"hi"}"#, Some("messages"), "messages"),
        (r#"{"model":"m","messages":[{"role":"user","content":"  "}]}"#, Some("messages"), "empty"),
        (r#"{"model":"m","messages":[{"role":"system","content":"x"}]}"#, Some("messages"), "user"),
        (r#"{"model":"m","messages":[{"role":"robot","content":"x"}]}"#, Some("messages"), "robot"),
        (
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url"}]}]}"#,
            Some("messages"),
            "image_url",
        ),
    ];
    for (body, param, says) in rows {
        check(Endpoint::Chat, body, param, says);
    }
    let invalid = parse(Endpoint::Chat, b"{\"model\": \"\xff\"}").expect_err("invalid UTF-8");
    assert!(invalid.message.contains("UTF-8"), "{}", invalid.message);
}

#[test]
fn wrong_parameters_are_refused_by_name_at_both_endpoints() {
    let rows = [
        (r#""n":1000000"#, "n", "1000000"),
        (r#""n":0"#, "n", "0"),
        (r#""temperature":-1"#, "temperature", "-1"),
        (r#""temperature":"NaN""#, "temperature", "NaN"),
        (r#""temperature":1e999"#, "", "JSON"),
        (r#""temperature":NaN"#, "", "NaN"),
        (r#""top_p":3"#, "top_p", "3"),
        (r#""top_p":0"#, "top_p", "above 0"),
        (r#""top_p":1e-300"#, "top_p", "above 0"),
        (r#""min_p":-0.5"#, "min_p", "-0.5"),
        (r#""min_p":2"#, "min_p", "2"),
        (r#""top_k":-7"#, "top_k", "-7"),
        (r#""top_k":1.5"#, "top_k", "1.5"),
        (r#""seed":1e300"#, "seed", "64 bits"),
        (r#""seed":99999999999999999999"#, "seed", "64 bits"),
        (r#""frequency_penalty":9"#, "frequency_penalty", "9"),
        (r#""presence_penalty":-9"#, "presence_penalty", "-9"),
        (r#""max_tokens":0"#, "max_tokens", "0"),
        (r#""max_tokens":-5"#, "max_tokens", "-5"),
        (r#""max_tokens":0,"max_completion_tokens":4"#, "max_tokens", "0"),
        (r#""stop":["a","b","c","d","e"]"#, "stop", "5"),
        (r#""stop":"""#, "stop", "bytes"),
        (r#""stop":[1]"#, "stop", "text"),
        (r#""stop":7"#, "stop", "7"),
        (r#""stream":"yes""#, "stream", "yes"),
        (r#""stream_options":3"#, "stream_options", "stream_options"),
        (r#""tools":{}"#, "tools", "list"),
        (r#""tool_choice":"required""#, "tool_choice", "required"),
        (r#""response_format":{"type":"xml"}"#, "response_format", "xml"),
        (r#""response_format":"json""#, "response_format", "json_object"),
        (r#""response_format":{"type":"json_schema"}"#, "response_format", "schema"),
        (r#""response_format":{"type":"json_object"},"openledger":{"ground":true}"#, "openledger", "ground"),
        (r#""logit_bias":{"5":1}"#, "logit_bias", "logit_bias"),
        (r#""openledger":{"datanets":["Not A Name"]}"#, "openledger", "Not A Name"),
        (r#""openledger":{"passages":9}"#, "openledger", "9"),
        (r#""openledger":{"nothing":9}"#, "openledger", "nothing"),
    ];
    for (extra, param, says) in rows {
        let param = Some(param).filter(|param| !param.is_empty());
        let chat = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],{extra}}}"#);
        check(Endpoint::Chat, &chat, param, says);
        let plain = format!(r#"{{"model":"m","prompt":"hi",{extra}}}"#);
        check(Endpoint::Completions, &plain, param, says);
    }
}

#[test]
fn likelihoods_are_asked_for_in_the_words_of_each_endpoint() {
    let chat =
        |extra: &str| format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}]{extra}}}"#);
    for (extra, param, says) in [
        (r#","logprobs":1000000000"#, "logprobs", "1000000000"),
        (r#","logprobs":true,"top_logprobs":21"#, "top_logprobs", "21"),
        (r#","logprobs":true,"top_logprobs":-1"#, "top_logprobs", "-1"),
        (r#","top_logprobs":5"#, "top_logprobs", "without"),
    ] {
        check(Endpoint::Chat, &chat(extra), Some(param), says);
    }
    for (extra, expected) in [
        ("", None),
        (r#","logprobs":false"#, None),
        (r#","logprobs":true"#, Some(0)),
        (r#","logprobs":true,"top_logprobs":20"#, Some(20)),
    ] {
        assert_eq!(super::tests::chat(&chat(extra)).unwrap().logprobs, expected, "{extra}");
    }
    let plain = |extra: &str| format!(r#"{{"model":"m","prompt":"hi"{extra}}}"#);
    check(Endpoint::Completions, &plain(r#","logprobs":true"#), Some("logprobs"), "true");
    check(Endpoint::Completions, &plain(r#","logprobs":6"#), Some("logprobs"), "6");
    let five = parse(Endpoint::Completions, plain(r#","logprobs":5"#).as_bytes()).unwrap();
    assert_eq!(five.logprobs, Some(5));
}

#[test]
fn a_full_request_is_understood_and_unknown_fields_are_ignored() {
    let valid = chat(
        r#"{"model":"m","messages":[{"role":"developer","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}],
            "max_completion_tokens":7,"temperature":0.5,"seed":-1,"stop":"x","stream":true,"stream_options":{"include_usage":true},
            "top_k":40,"min_p":0.25,"top_p":0.5,"n":1,"tools":[],"tool_choice":"auto","response_format":{"type":"text"},
            "openledger":{"ground":false,"datanets":["gnome-help"]},"user":"u","logit_bias":{}}"#,
    )
    .unwrap();
    let Input::Chat(Conversation { messages, .. }) = &valid.input else { panic!("{valid:?}") };
    assert_eq!((messages[1].role, messages[1].content.as_str()), (Role::User, "ab"));
    assert_eq!((valid.max_tokens, valid.sampling.seed, valid.stop.len()), (7, u64::MAX, 1));
    assert_eq!((valid.sampling.top_k, valid.sampling.min_p, valid.sampling.top_p), (40, 0.25, 0.5));
    assert!(valid.stream && valid.include_usage && !valid.ground);
    assert_eq!(valid.datanets[0].as_str(), "gnome-help");
}

#[test]
fn json_is_asked_for_with_and_without_a_schema() {
    let grammar = |format: &str| {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"response_format":{format}}}"#
        );
        let valid = chat(&body).unwrap();
        assert_eq!(valid.ground, valid.grammar.is_none());
        valid.grammar.map(|grammar| grammar.hash())
    };
    assert_eq!(grammar("null"), None);
    assert_eq!(grammar(r#"{"type":"text"}"#), None);
    assert_eq!(grammar(r#"{"type":"json_object"}"#), Some(Grammar::json_object().hash()));
    let schema =
        r#"{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"integer"}}}"#;
    let expected = Grammar::from_schema(&serde_json::json!({ "type": "integer" })).unwrap();
    assert_eq!(grammar(schema), Some(expected.hash()));
}

#[test]
fn what_no_grammar_holds_is_said_and_left_to_engines_that_hold_themselves() {
    let schema = r#"{"items":{"$ref":"x"}}"#;
    let strict = r#"{"type":"object","properties":{"a":{"$ref":"x"}}}"#;
    for (field, param, says) in [
        (
            format!(r#""response_format":{{"type":"json_schema","json_schema":{{"schema":{schema}}}}}"#),
            "response_format",
            "at /items uses \"$ref\"",
        ),
        (
            format!(
                r#""tools":[{{"type":"function","function":{{"name":"add","strict":true,"parameters":{strict}}}}}]"#
            ),
            "tools",
            "uses \"$ref\"",
        ),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],{field}}}"#);
        let valid = chat(&body).unwrap();
        let reason = valid.unheld.expect("nothing here holds it");
        assert_eq!((reason.param, valid.grammar, valid.ground), (Some(param), None, false), "{body}");
        assert!(reason.message.contains(says), "{}", reason.message);
    }
}

#[test]
fn a_plain_prompt_is_one_text_or_one_list_of_tokens() {
    let input = |prompt: &str| {
        parse(Endpoint::Completions, format!(r#"{{"model":"m","prompt":{prompt}}}"#).as_bytes())
    };
    for (prompt, expected) in [
        (r#""hi""#, Input::Text("hi".to_owned())),
        (r#"["hi"]"#, Input::Text("hi".to_owned())),
        ("[7]", Input::Tokens(vec![7])),
        ("[1,2]", Input::Tokens(vec![1, 2])),
        ("[[1,2]]", Input::Tokens(vec![1, 2])),
    ] {
        let valid = input(prompt).unwrap();
        assert_eq!(valid.input, expected, "{prompt}");
        assert!(!valid.ground);
    }
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    for prompt in
        [r#""""#, "[]", "null", "7", r#"["a","b"]"#, "[[[1]]]", "[1,-2]", "[1,1.5]", "[null]", &deep]
    {
        let error = input(prompt).expect_err(prompt);
        assert_eq!(error.param, Some("prompt"), "{prompt}: {}", error.message);
    }
    let ground = r#"{"model":"m","prompt":"hi","openledger":{"ground":true}}"#;
    check(Endpoint::Completions, ground, Some("openledger"), "chat");
}

#[test]
fn tools_are_neither_grounded_nor_json() {
    let tools = r#""tools":[{"type":"function","function":{"name":"add"}}]"#;
    let turns = r#""messages":[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"add","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"1"}]"#;
    let asks = r#""messages":[{"role":"user","content":"hi"}]"#;
    // What is asked for; whether calls may come, whether the conversation has tools at all, whether it is grounded.
    for (fields, calls, has_tools, grounded) in [
        (format!("{asks},{tools}"), true, true, false),
        (format!(r#"{asks},{tools},"tool_choice":"none""#), false, false, true),
        (turns.to_owned(), false, true, false),
        (format!("{turns},{tools}"), true, true, false),
    ] {
        let valid = chat(&format!(r#"{{"model":"m",{fields}}}"#)).unwrap();
        assert_eq!((valid.calls_tools(), valid.with_tools().is_some()), (calls, has_tools), "{fields}");
        assert_eq!((valid.ground, valid.grammar.is_some()), (grounded, calls), "{fields}");
    }
    let json = r#""response_format":{"type":"json_object"}"#;
    let ground = r#""openledger":{"ground":true}"#;
    for (fields, param, says) in [
        (format!("{asks},{tools},{json}"), "response_format", "tool_choice"),
        (format!("{asks},{tools},{ground}"), "openledger", "tools"),
        (format!("{turns},{ground}"), "openledger", "tools"),
    ] {
        check(Endpoint::Chat, &format!(r#"{{"model":"m",{fields}}}"#), Some(param), says);
    }
    let valid = chat(&format!(r#"{{"model":"m",{turns},{json}}}"#)).unwrap();
    assert_eq!(valid.response_format, Some(serde_json::json!({ "type": "json_object" })));
    check(Endpoint::Completions, &format!(r#"{{"model":"m","prompt":"hi",{tools}}}"#), Some("tools"), "chat");
}
