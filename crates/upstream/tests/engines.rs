//! Answers of every engine, played by a server that knows what each one sends (`tests/transcripts`: the engines' forms, as
//! their sources write them).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use openledger_inference::{
    AdapterName, Backend, ChatMessage, CompletionRequest, Done, Event, FinishReason, Prompt, Proof, Role,
    Sampling, SubmitError,
};
use openledger_upstream::{Kind, REQUESTS_MAX};
use serde_json::{Value, json};
use support::{Server, Step, chat, chunk, chunked_head, config, read, start, stream, stream_head, well};

const VLLM: &str = include_str!("transcripts/vllm.sse");
const SGLANG: &str = include_str!("transcripts/sglang.sse");
const LLAMA_SERVER: &str = include_str!("transcripts/llama-server.sse");
const OPENAI: &str = include_str!("transcripts/openai.sse");

#[tokio::test]
async fn the_answers_of_every_engine_are_read_to_their_end() {
    use FinishReason::{Length, Stop};
    let rows = [
        (Kind::Vllm, VLLM, "Ferns like shade, müßig.", Stop, [31, 16, 9]),
        (Kind::Sglang, SGLANG, "Ferns like shade", Length, [12, 0, 8]),
        (Kind::LlamaServer, LLAMA_SERVER, "Ferns like shade.", Stop, [33, 32, 6]),
        (Kind::Openai, OPENAI, "Ferns like shade.", Stop, [10, 0, 5]),
    ];
    for (kind, transcript, text, finish_reason, [prompt_tokens, cached_tokens, completion_tokens]) in rows {
        let server =
            Server::start(move |asked| well(asked).unwrap_or_else(|| stream(transcript.as_bytes()))).await;
        let engine = start(config(kind, &server.url));
        engine.look().await.unwrap();
        let answer = read(engine.submit(chat("Where do ferns grow?")).unwrap()).await;
        let done =
            Done { finish_reason, prompt_tokens, cached_tokens, completion_tokens, proof: Proof::None };
        assert_eq!(answer, (text.to_owned(), Event::Done(done)), "{kind:?}");
        let asked = &server.completions()[0];
        assert_eq!(asked.path, "/v1/chat/completions");
        assert!(asked.head.contains("authorization: Bearer hush\r\n"), "{}", asked.head);
    }
}

/// The body that an engine of this kind is sent.
async fn sent(kind: Kind, request: CompletionRequest) -> (String, Value) {
    let server = Server::start(|asked| well(asked).unwrap_or_else(|| stream(VLLM.as_bytes()))).await;
    let (_, last) = read(start(config(kind, &server.url)).submit(request).unwrap()).await;
    assert!(matches!(last, Event::Done(_)), "{last:?}");
    let asked = server.completions().remove(0);
    (asked.path, asked.body)
}

#[tokio::test]
async fn requests_are_sent_whole_and_engines_defaults_are_set_aside() {
    let sampling = Sampling { temperature: 0.5, top_p: 0.25, seed: u64::MAX, ..Sampling::default() };
    let roles = [(Role::System, "be brief"), (Role::User, "Where?")];
    let messages = roles.map(|(role, content)| ChatMessage::new(role, content));
    let mut request = CompletionRequest::new(Prompt::Chat(messages.to_vec().into()));
    (request.sampling, request.max_tokens, request.stop) = (sampling, Some(u32::MAX), vec!["\n".to_owned()]);
    let common = json!({
        "model": "m",
        "messages": [{ "role": "system", "content": "be brief" }, { "role": "user", "content": "Where?" }],
        "stream": true, "stream_options": { "include_usage": true }, "max_tokens": 4096, "stop": ["\n"],
        "temperature": 0.5, "top_p": 0.25, "seed": 0x7fff_ffff,
        "frequency_penalty": 0.0, "presence_penalty": 0.0,
    });
    for (kind, extra) in [
        (Kind::Openai, json!({})),
        (Kind::LlamaServer, json!({ "top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0 })),
        (Kind::Vllm, json!({ "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0 })),
        (Kind::Sglang, json!({ "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0 })),
    ] {
        let mut expected = common.clone();
        expected.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert_eq!(
            sent(kind, request.clone()).await,
            ("/v1/chat/completions".to_owned(), expected),
            "{kind:?}"
        );
    }
    // Texts and tokens are continued as they are, by the path that takes them.
    for (prompt, body) in
        [(Prompt::Text("a".into()), json!("a")), (Prompt::Tokens(vec![1, 2]), json!([1, 2]))]
    {
        let (path, sent) =
            sent(Kind::Vllm, CompletionRequest { max_tokens: Some(9), ..CompletionRequest::new(prompt) })
                .await;
        assert_eq!(
            (path.as_str(), &sent["prompt"], &sent["max_tokens"]),
            ("/v1/completions", &body, &json!(9))
        );
    }
}

#[tokio::test]
async fn forms_and_likelihoods_are_asked_of_the_engine() {
    let told = |token: &str, logprob: f64| {
        json!({ "token": token, "logprob": logprob, "bytes": null, "top_logprobs": [
        { "token": token, "logprob": logprob, "bytes": token.as_bytes() }, { "token": "?", "logprob": -7.0 },
    ] })
    };
    let choice = |content: &str, told: Vec<Value>, finish: Option<&str>| json!({ "choices": [{ "index": 0, "delta": { "content": content }, "logprobs": { "content": told }, "finish_reason": finish }] });
    let chunks = [
        choice("Ferns like", vec![told("Ferns", -0.5), told(" like", 1e-9)], None),
        choice(" it", vec![told(" it", -2.0)], Some("stop")),
        json!({ "choices": [], "usage": { "prompt_tokens": 3, "completion_tokens": 3 } }),
    ];
    let answer: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    let server = Server::start(move |asked| {
        well(asked).unwrap_or_else(|| stream(format!("{answer}data: [DONE]\n\n").as_bytes()))
    })
    .await;
    let engine = start(config(Kind::Vllm, &server.url));
    let format =
        json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": { "type": "string" } } });
    let mut request = chat("Where?");
    (request.logprobs, request.response_format) = (Some(2), Some(format.clone()));
    let mut completion = engine.submit(request).unwrap();
    let (mut text, mut tokens) = (String::new(), Vec::new());
    while let Some(event) = completion.events.recv().await {
        let Event::Token { text: more, logprob, .. } = event else { continue };
        text.push_str(&more);
        let told = logprob.expect("each token is told");
        assert_eq!((told.top.len(), &told.top[0].bytes), (2, &told.chosen.bytes));
        tokens.push((String::from_utf8(told.chosen.bytes).unwrap(), told.chosen.logprob));
    }
    assert_eq!(text, "Ferns like it");
    let expected =
        [("Ferns", -0.5), (" like", 0.0), (" it", -2.0)].map(|(text, told)| (text.to_owned(), told));
    assert_eq!(tokens, expected);
    let body = &server.completions()[0].body;
    assert_eq!(
        (&body["logprobs"], &body["top_logprobs"], &body["response_format"]),
        (&json!(true), &json!(2), &format)
    );
}

#[tokio::test]
async fn what_an_engine_cannot_honour_is_refused_before_it_is_asked() {
    let server = Server::start(|asked| well(asked).unwrap_or_default()).await;
    let engine = start(config(Kind::Openai, &server.url));
    let refused = |change: &dyn Fn(&mut CompletionRequest)| {
        let mut request = chat("hello");
        change(&mut request);
        engine.submit(request).unwrap_err().to_string()
    };
    for (change, says) in [
        (
            &(|request: &mut CompletionRequest| request.sampling.top_k = 5)
                as &dyn Fn(&mut CompletionRequest),
            "does not take top_k",
        ),
        (&|request| request.sampling.quote.bonus = 1.0, "does not take quote.bonus"),
        (&|request| request.adapter = AdapterName::new("poet").ok(), "does not take adapter"),
        (&|request| request.stop = vec!["a".to_owned(); 5], "more than 4 stop strings"),
        (&|request| request.sampling.temperature = f32::NAN, "temperature is NaN"),
        (&|request| request.max_tokens = Some(0), "max_tokens is 0"),
        (
            &|request| (request.prompt, request.logprobs) = (Prompt::Text("a".to_owned()), Some(1)),
            "does not take logprobs",
        ),
        (
            &|request| {
                (request.prompt, request.response_format) = (Prompt::Text("a".to_owned()), Some(json!({})));
            },
            "does not take response_format",
        ),
        (&|request| request.prompt = Prompt::Chat(vec![].into()), "the prompt is empty"),
        (&|request| request.prompt = Prompt::Text("x".repeat(300_000)), "the prompt has 300000 bytes"),
    ] {
        let message = refused(change);
        assert!(message.contains(says), "{message}");
    }
    assert!(server.completions().is_empty());
}

#[tokio::test]
async fn an_answer_cut_anywhere_is_its_beginning_and_one_error() {
    for (transcript, whole) in [(VLLM, "Ferns like shade, müßig."), (LLAMA_SERVER, "Ferns like shade.")] {
        let last_fact = transcript.find("data: [DONE]").unwrap();
        let server = Server::start(move |asked| {
            well(asked).unwrap_or_else(|| {
                // The question says where the answer is cut, and whether its end can be told from a cut.
                let question = asked.body["messages"][0]["content"].as_str().unwrap();
                let (form, cut) = question.split_once(' ').unwrap();
                let bytes = &transcript.as_bytes()[..cut.parse().unwrap()];
                match form {
                    "chunked" => vec![chunked_head(), chunk(bytes)],
                    _ => vec![stream_head(), Step::Send(bytes.to_vec())],
                }
            })
        })
        .await;
        for cut in (0..transcript.len()).step_by(5) {
            for form in ["chunked", "plain"] {
                // Each has an engine of its own: three failures would open the circuit.
                let engine = start(config(Kind::Vllm, &server.url));
                let (text, last) = read(engine.submit(chat(&format!("{form} {cut}"))).unwrap()).await;
                assert!(whole.starts_with(&text), "{text:?} of {whole:?}");
                match last {
                    // Every fact is there; only the word that says so is not.
                    Event::Done(_) => {
                        assert!(text == whole && cut >= last_fact && form == "plain", "{form} {cut}")
                    }
                    Event::Error(error) => {
                        let error = error.to_string();
                        assert!(
                            error.contains("ended the answer early") && error.contains(&server.url),
                            "{error}"
                        );
                    }
                    Event::Token { .. } => unreachable!("it is the last event"),
                }
            }
        }
    }
}

#[tokio::test]
async fn answers_come_in_any_pieces_and_many_at_a_time() {
    let server = Server::start(|asked| {
        well(asked).unwrap_or_else(|| {
            let size: usize = asked.body["messages"][0]["content"].as_str().unwrap().parse().unwrap();
            let pieces = VLLM.as_bytes().chunks(size).map(chunk);
            [chunked_head()].into_iter().chain(pieces).chain([chunk(b"")]).collect()
        })
    })
    .await;
    let engine = start(config(Kind::Vllm, &server.url));
    let running: Vec<_> = (1..33).map(|size| engine.submit(chat(&size.to_string())).unwrap()).collect();
    for completion in running {
        let (text, last) = read(completion).await;
        assert_eq!(text, "Ferns like shade, müßig.");
        assert!(matches!(last, Event::Done(Done { completion_tokens: 9, .. })), "{last:?}");
    }
}

#[tokio::test]
async fn who_leaves_closes_the_connection_and_too_many_requests_are_refused() {
    let server = Server::start(|asked| well(asked).unwrap_or_else(|| vec![stream_head(), Step::Hang])).await;
    let engine = start(config(Kind::Vllm, &server.url));
    let running: Vec<_> = (0..REQUESTS_MAX).map(|_| engine.submit(chat("hello")).unwrap()).collect();
    let refused = engine.submit(chat("hello")).unwrap_err();
    assert!(matches!(refused, SubmitError::QueueFull { limit: REQUESTS_MAX }), "{refused}");
    while server.completions().len() < REQUESTS_MAX {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(running);
    server.left.notified().await;
    // The places are free again.
    while engine.submit(chat("hello")).is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
