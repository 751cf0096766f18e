//! Engines that fail, lie, fall silent or never end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use openledger_inference::{Backend, Event, SubmitError};
use openledger_upstream::{Kind, LINE_BYTES_MAX, UpstreamConfig};
use support::{
    Server, Step, answered, chat, config, json, read, reason, start, stream, stream_head, well, whole,
};
use tokio::net::TcpListener;

const TOKEN: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Ferns\"}}]}\n\n";
const WHOLE: &str = concat!(
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Ferns\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n",
);

fn events(parts: &[&str]) -> Vec<Step> {
    stream(parts.concat().as_bytes())
}

fn data(text: &str) -> String {
    format!("data: {text}\n\n")
}

#[tokio::test]
async fn every_fault_is_named_with_the_engine_and_the_next_step() {
    let long = "x".repeat(LINE_BYTES_MAX);
    let deep = format!("{{\"error\":{}", "[".repeat(100_000));
    let rows: Vec<(Vec<Step>, &str)> = vec![
        (
            json("500 Internal Server Error", r#"{"error":{"message":"CUDA out of memory"}}"#),
            "answered 500: CUDA out of memory; see its log",
        ),
        (whole("502 Bad Gateway", "text/html", "<html>Bad Gateway"), "answered 502: <html>Bad Gateway"),
        (
            json("400 Bad Request", r#"{"object":"error","message":"too long"}"#),
            "answered 400: too long; send a request that it takes",
        ),
        (
            json("401 Unauthorized", r#"{"error":"Unauthorized"}"#),
            "answered 401: Unauthorized; correct `key`",
        ),
        (
            json("404 Not Found", r#"{"detail":"Not Found"}"#),
            "answered 404: Not Found; correct `url` or `model`",
        ),
        (json("429 Too Many Requests", ""), "answered 429: (nothing); try again in a moment"),
        (
            vec![Step::Send(
                b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec(),
            )],
            "redirections are not followed",
        ),
        (
            vec![
                Step::Send(b"HTTP/1.1 500 No\r\ncontent-length: 99999999\r\n\r\n".to_vec()),
                Step::Send(vec![b'x'; 1 << 20]),
            ],
            "answered 500: (no message)",
        ),
        (json("200 OK", r#"{"choices":[]}"#), "\"application/json\" instead of a stream of events"),
        (whole("200 OK", "text/html", "hello"), "\"text/html\" instead of a stream of events"),
        (vec![Step::Send(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())], "ended the answer early: "),
        (vec![], "ended the answer early: "),
        (events(&[TOKEN, "data: {\"choices\":[\n\n"]), "sent what is no answer: EOF while parsing"),
        (events(&[TOKEN, "data: garbage\n\n"]), "in garbage; check `kind`"),
        (events(&[TOKEN, &data(&deep)]), "recursion limit exceeded"),
        (events(&[TOKEN, &data(&long)]), "a line or an event of more than 1048576 bytes"),
        (stream(&[TOKEN.as_bytes(), b"data: \xff\xfe\n\n"].concat()), "bytes that are not UTF-8"),
        (
            events(&[TOKEN, &data(r#"{"error":{"message":"EngineDeadError","code":500}}"#)]),
            "failed in the middle of the answer: EngineDeadError",
        ),
        (
            events(&[TOKEN, "error: {\"code\":500,\"message\":\"slot is gone\"}\n\n"]),
            "failed in the middle of the answer: slot is gone",
        ),
        (
            events(&[TOKEN, &data(r#"{"choices":[{"index":1,"delta":{}}]}"#)]),
            "choice 1 of an answer with one",
        ),
        (
            events(&[TOKEN, &data(r#"{"choices":[{"delta":{},"finish_reason":"abort"}]}"#)]),
            "ended the answer for the reason abort; ask something else",
        ),
        (
            events(&[TOKEN, &data(r#"{"choices":[],"usage":{"prompt_tokens":-1}}"#)]),
            "invalid value: integer `-1`",
        ),
        (
            events(&[TOKEN, &data(r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":33}}"#)]),
            "a count of 33 tokens for an answer of at most 32",
        ),
        (events(&[&WHOLE.replace(":3,", ":5000,")]), "a count of 5000 prompt tokens in a context of 4096"),
        (events(&[TOKEN, "data: [DONE]\n\n"]), "the stream has no finish_reason"),
        (
            events(&[
                TOKEN,
                &data(r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#),
                "data: [DONE]\n\n",
            ]),
            "the stream has no usage",
        ),
        (events(&[&TOKEN.replace("Ferns", &"x".repeat(8_193))]), "8193 bytes of text for 32 tokens"),
    ];
    for (steps, says) in rows {
        let message = reason(answered(steps, |_| ()).await.1);
        assert!(message.contains(says), "{message:?} should contain {says:?}");
        assert!(
            message.contains("the engine at http://127.0.0.1:") && !message.contains("hush"),
            "{message}"
        );
        assert!(message.len() < 600, "{} bytes", message.len());
    }
}

#[tokio::test]
async fn what_came_before_a_fault_is_the_callers() {
    let (text, last) = answered(events(&[TOKEN, TOKEN, "data: garbage\n\n"]), |_| ()).await;
    assert_eq!(text, "FernsFerns");
    assert!(matches!(last, Event::Error(_)));
}

#[tokio::test]
async fn silence_is_measured_between_events_and_not_between_bytes() {
    let short = Duration::from_millis(60);
    let drip = |first: &[&str], byte: &[u8]| {
        let mut steps = vec![stream_head()];
        steps.extend(first.iter().map(|text| Step::Send(text.as_bytes().to_vec())));
        for _ in 0..2_000 {
            steps.extend([Step::Pause(Duration::from_millis(5)), Step::Send(byte.to_vec())]);
        }
        steps
    };
    let idle = |config: &mut UpstreamConfig| config.limits.idle = short;
    let first = |config: &mut UpstreamConfig| config.limits.first = short;
    let whole = |config: &mut UpstreamConfig| config.limits.whole = short;
    let rows: [(Vec<Step>, &dyn Fn(&mut UpstreamConfig), &str); 6] = [
        (vec![Step::Hang], &first, "silent for 60 ms before the answer began"),
        (vec![stream_head(), Step::Hang], &first, "silent for 60 ms before the answer began"),
        (drip(&[], b":\n\n"), &first, "silent for 60 ms before the answer began"),
        (drip(&[TOKEN], b"x"), &idle, "silent for 60 ms in the middle of the answer"),
        (drip(&[TOKEN], b": ping\n\n"), &idle, "silent for 60 ms in the middle of the answer"),
        (drip(&[], TOKEN.as_bytes()), &whole, "was not whole after 60 ms"),
    ];
    for (steps, change, says) in rows {
        let message = reason(answered(steps, change).await.1);
        assert!(message.contains(says), "{message:?} should contain {says:?}");
    }
}

#[tokio::test]
async fn a_reader_who_leaves_events_lying_is_told_so_in_the_end() {
    let tokens = TOKEN.repeat(200);
    let server = Server::start(move |asked| {
        well(asked).unwrap_or_else(|| [stream(tokens.as_bytes()), vec![Step::Hang]].concat())
    })
    .await;
    let mut config = config(Kind::Vllm, &server.url);
    config.limits.stall = Duration::from_millis(30);
    config.context_tokens = 1_000_000;
    let engine = start(config);
    let completion = engine.submit(chat("hello")).unwrap();
    server.left.notified().await;
    let (text, last) = read(completion).await;
    assert!(text.starts_with("FernsFerns") && text.len() < 200 * 5, "{} bytes", text.len());
    assert!(reason(last).contains("was not read for 30 ms"));
}

#[tokio::test]
async fn after_three_failures_requests_are_refused_until_the_engine_is_back() {
    // A port that nobody listens on.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let engine = start(config(Kind::Vllm, &format!("http://{address}")));
    for _ in 0..3 {
        let error = engine.look().await.unwrap_err().to_string();
        assert!(error.contains(&format!("no answer from the engine at http://{address}: ")), "{error}");
        assert!(error.ends_with("start it, or correct `url`"), "{error}");
    }
    let refused = engine.submit(chat("hello")).unwrap_err();
    assert!(
        matches!(&refused, SubmitError::Unavailable { reason } if reason.contains("no answer from")),
        "{refused}"
    );
    let listener = TcpListener::bind(address).await.unwrap();
    let _server = Server::on(listener, |asked| well(asked).unwrap_or_else(|| events(&[WHOLE])));
    engine.look().await.unwrap();
    let (text, last) = read(engine.submit(chat("hello")).unwrap()).await;
    assert!(text == "Ferns" && matches!(last, Event::Done(_)), "{last:?}");
}

#[tokio::test]
async fn one_request_at_a_time_tries_an_engine_that_is_back() {
    let begun = Arc::new(AtomicBool::new(false));
    let begins = begun.clone();
    let server = Server::start(move |asked| {
        let answer = if begins.load(Ordering::Relaxed) { stream(TOKEN.as_bytes()) } else { Vec::new() };
        well(asked).unwrap_or_else(|| [answer, vec![Step::Hang]].concat())
    })
    .await;
    let mut config = config(Kind::Vllm, &server.url);
    config.limits.first = Duration::from_millis(500);
    let engine = start(config);
    let refused = || matches!(engine.submit(chat("hello")), Err(SubmitError::Unavailable { .. }));
    for _ in 0..3 {
        assert!(reason(read(engine.submit(chat("hello")).unwrap()).await.1).contains("silent for 500 ms"));
    }
    assert!(refused());
    engine.look().await.unwrap();
    // It hangs again: the others are refused meanwhile, and after it.
    let trial = engine.submit(chat("hello")).unwrap();
    assert!(refused());
    assert!(reason(read(trial).await.1).contains("silent for 500 ms"));
    assert!(refused());
    engine.look().await.unwrap();
    // One that leaves shows nothing; the next one tries.
    drop(engine.submit(chat("hello")).unwrap());
    begun.store(true, Ordering::Relaxed);
    let mut trial = loop {
        match engine.submit(chat("hello")) {
            Ok(trial) => break trial,
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    };
    // Its answer begins, and does not end: others need not wait for that.
    assert!(matches!(trial.events.recv().await, Some(Event::Token { .. })));
    let mut other = engine.submit(chat("hello")).unwrap();
    assert!(matches!(other.events.recv().await, Some(Event::Token { .. })));
}

#[tokio::test]
async fn an_engine_is_looked_at_until_it_is_back_by_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut config = config(Kind::Vllm, &format!("http://{address}"));
    config.limits.probe_every = Duration::from_millis(10);
    let engine = start(config);
    while engine.submit(chat("hello")).is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let listener = TcpListener::bind(address).await.unwrap();
    let _server = Server::on(listener, |asked| well(asked).unwrap_or_else(|| events(&[WHOLE])));
    let completion = loop {
        match engine.submit(chat("hello")) {
            Ok(completion) => break completion,
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    };
    assert_eq!(read(completion).await.0, "Ferns");
}

#[tokio::test]
async fn requests_that_do_not_fit_say_nothing_about_the_engine() {
    let server = Server::start(|asked| {
        well(asked).unwrap_or_else(|| json("400 Bad Request", r#"{"error":{"message":"too long"}}"#))
    })
    .await;
    let engine = start(config(Kind::Vllm, &server.url));
    for _ in 0..5 {
        assert!(reason(read(engine.submit(chat("hello")).unwrap()).await.1).contains("too long"));
    }
}

#[tokio::test]
async fn an_engine_that_ends_answers_for_its_own_reasons_is_not_ill() {
    let filtered = data(r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#);
    let server = Server::start(move |asked| {
        well(asked).unwrap_or_else(|| [stream(filtered.as_bytes()), vec![Step::Hang]].concat())
    })
    .await;
    let engine = start(config(Kind::Vllm, &server.url));
    for _ in 0..5 {
        let said = reason(read(engine.submit(chat("hello")).unwrap()).await.1);
        assert!(said.contains("ended the answer for the reason content_filter"), "{said}");
    }
}

#[tokio::test]
async fn what_a_slow_reader_takes_is_not_the_engines_time() {
    let tokens = format!("{}{WHOLE}", TOKEN.repeat(200));
    let server = Server::start(move |asked| well(asked).unwrap_or_else(|| stream(tokens.as_bytes()))).await;
    let slow = |whole: u64| {
        let mut config = config(Kind::Vllm, &server.url);
        config.limits.idle = Duration::from_millis(150);
        config.limits.whole = Duration::from_millis(whole);
        config.context_tokens = 1_000_000;
        let engine = start(config);
        async move {
            let mut completion = engine.submit(chat("hello")).unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            loop {
                match completion.events.recv().await {
                    Some(Event::Token { .. }) => {}
                    last => break last,
                }
            }
        }
    };
    assert!(matches!(slow(600_000).await, Some(Event::Done(_))), "longer than the engine may be silent");
    let last = slow(200).await.expect("an end");
    assert!(reason(last).contains("was not read for 200 ms"), "longer than a whole answer may take");
}

#[tokio::test]
async fn an_engine_that_serves_something_else_is_not_well() {
    let list = |body: &str| json("200 OK", body);
    let rows: Vec<(Vec<Step>, Vec<Step>, Option<&str>)> = vec![
        (json("200 OK", ""), list(r#"{"data":[{"id":"a"},{"id":"m"}]}"#), None),
        (
            json("200 OK", ""),
            list(r#"{"data":[{"id":"a.gguf","aliases":["m"],"meta":{"n_ctx":4096}}]}"#),
            None,
        ),
        (json("200 OK", ""), json("404 Not Found", "{}"), None),
        (
            json("503 Service Unavailable", r#"{"error":{"message":"Loading model"}}"#),
            vec![],
            Some("answered 503: Loading model; try again in a moment"),
        ),
        (json("200 OK", ""), json("401 Unauthorized", r#"{"error":"who"}"#), Some("correct `key`")),
        (
            json("200 OK", ""),
            list(r#"{"data":[{"id":"a"},{"id":"b"}]}"#),
            Some("does not serve the model \"m\", it serves a, b; correct `model`"),
        ),
        (
            json("200 OK", ""),
            list(r#"{"data":[{"id":"m","max_model_len":2048}]}"#),
            Some("serves 2048 tokens of context, promised are 4096"),
        ),
        (json("200 OK", ""), list("[]"), Some("a list of models without `data`")),
        (json("200 OK", ""), list("<html>"), Some("a list of models that is no JSON")),
        (json("200 OK", ""), list(&" ".repeat(2 << 20)), Some("a body of more than 1048576 bytes")),
        (vec![Step::Hang], vec![], Some("silent for 300 ms when it was asked for its health")),
    ];
    for (health, models, says) in rows {
        let server = Server::start(move |asked| match asked.path.as_str() {
            "/health" => health.clone(),
            _ => models.clone(),
        })
        .await;
        let mut config = config(Kind::LlamaServer, &server.url);
        if says.is_some_and(|says| says.contains("silent")) {
            config.limits.probe = Duration::from_millis(300);
        }
        let seen = start(config).look().await;
        match says {
            None => assert_eq!(seen, Ok(())),
            Some(says) => {
                let message = seen.unwrap_err().to_string();
                assert!(message.contains(says), "{message:?} should contain {says:?}");
            }
        }
    }
}
