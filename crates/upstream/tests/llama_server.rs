//! llama.cpp's own server with the packaged model, and not one that a test plays: what is sent to it is understood, and what it
//! sends is read. `cargo xtask peers` builds the server and runs this; by hand, `OPENLEDGER_LLAMA_SERVER` names the program and
//! `OPENLEDGER_MODEL` the model's file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, and say what they saw"
)]

mod support;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use openledger_inference::{
    Backend, CompletionRequest, Done, Event, FinishReason, GenerationError, Prompt, Sampling,
};
use openledger_upstream::{Kind, Upstream, UpstreamConfig, UpstreamError};
use serde_json::{Value, json};
use support::{chat, config, read, start};

/// The context of one answer; the server is given twice as much for two of them.
const CONTEXT: u32 = 1_024;
/// How long the server may take to load the model, and to notice that its client is gone.
const READY_MAX: Duration = Duration::from_secs(120);
const NOTICED_MAX: Duration = Duration::from_secs(20);

/// The running server; it ends with the test.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn spawn() -> Self {
        let named = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| panic!("set {name}, or run `cargo xtask peers`"))
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(named("OPENLEDGER_LLAMA_SERVER"))
            .args(["--model", &named("OPENLEDGER_MODEL"), "--alias", "m", "--host", "127.0.0.1"])
            .args(["--port", &port.to_string(), "--ctx-size", &(2 * CONTEXT).to_string(), "--parallel", "2"])
            .args(["--threads", "2", "--slots", "--no-kv-unified"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, url: format!("http://127.0.0.1:{port}") }
    }

    async fn get(&self, path: &str) -> Value {
        let reply = reqwest::get(format!("{}/{path}", self.url)).await.unwrap();
        serde_json::from_str(&reply.text().await.unwrap()).unwrap()
    }

    /// The parameters of the requests that its places had last.
    async fn parameters(&self) -> Vec<Value> {
        let slots = self.get("slots").await;
        slots
            .as_array()
            .unwrap_or_else(|| panic!("{slots}"))
            .iter()
            .map(|slot| slot["params"].clone())
            .collect()
    }

    async fn is_idle(&self) -> bool {
        let slots = self.get("slots").await;
        slots.as_array().unwrap().iter().all(|slot| slot["is_processing"] == false)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn engine_config(server: &Server) -> UpstreamConfig {
    UpstreamConfig { context_tokens: CONTEXT, ..config(Kind::LlamaServer, &server.url) }
}

/// The engine, as soon as it says that it is well; while it loads it says why not.
async fn ready(server: &Server) -> Upstream {
    let engine = start(engine_config(server));
    let begun = Instant::now();
    while let Err(error) = engine.look().await {
        assert!(begun.elapsed() < READY_MAX, "{error}");
        let expected =
            matches!(error, UpstreamError::Unreachable { .. } | UpstreamError::Refused { status: 503, .. });
        assert!(expected, "{error}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    engine
}

async fn answered(engine: &Upstream, request: CompletionRequest) -> (String, Done) {
    let (text, last) = read(engine.submit(request).unwrap()).await;
    match last {
        Event::Done(done) => (text, done),
        other => panic!("{other:?} after {text:?}"),
    }
}

async fn answers_are_whole_counted_and_repeat(engine: &Upstream) {
    let request = || CompletionRequest { max_tokens: Some(16), ..chat("What is a fern?") };
    let (text, done) = answered(engine, request()).await;
    println!("{text:?}: {done:?}");
    assert!(!text.trim().is_empty() && done.prompt_tokens > 5 && done.completion_tokens == 16, "{done:?}");
    assert_eq!(done.finish_reason, FinishReason::Length);
    let (again, repeated) = answered(engine, request()).await;
    assert_eq!((again, repeated.prompt_tokens, repeated.completion_tokens), (text, done.prompt_tokens, 16));
    assert!(repeated.cached_tokens > 0, "its cache is told: {repeated:?}");
}

async fn a_stop_string_ends_and_is_left_out(engine: &Upstream) {
    let prompt = Prompt::Text("one two three four five six seven eight nine".to_owned());
    let free = CompletionRequest { max_tokens: Some(24), ..CompletionRequest::new(prompt) };
    let (text, _) = answered(engine, free.clone()).await;
    let stop = text.split_whitespace().nth(2).expect("three words").to_owned();
    let (cut, done) = answered(engine, CompletionRequest { stop: vec![stop.clone()], ..free }).await;
    println!("{text:?} up to {stop:?}: {cut:?}");
    assert!(
        done.finish_reason == FinishReason::Stop && text.starts_with(&cut) && !cut.contains(&stop),
        "{cut:?}"
    );
}

/// What a request leaves out is off, although the server's own defaults are not.
async fn defaults_are_set_aside(server: &Server, engine: &Upstream) {
    let own = server.get("props").await["default_generation_settings"]["params"].clone();
    assert_eq!((&own["top_k"], own["min_p"].as_f64().unwrap() > 0.0), (&json!(40), true), "{own}");
    for (top_k, min_p) in [(0, 0.0), (7, 0.25)] {
        let sampling = Sampling { temperature: 0.5, top_k, min_p, ..Sampling::default() };
        let request = CompletionRequest { max_tokens: Some(4), sampling, ..chat("Hello") };
        answered(engine, request).await;
        let said = server.parameters().await;
        let is_asked = |params: &&Value| {
            params["top_k"] == top_k
                && params["min_p"].as_f64().is_some_and(|said| (said - f64::from(min_p)).abs() < 1e-6)
        };
        assert!(said.iter().any(|params| is_asked(&params)), "{top_k} {min_p}: {said:?}");
    }
}

async fn who_leaves_ends_the_work(server: &Server, engine: &Upstream) {
    let request =
        CompletionRequest { max_tokens: Some(900), ..chat("Tell a very long story about a fox and a fern.") };
    let mut completion = engine.submit(request).unwrap();
    assert!(matches!(completion.events.recv().await, Some(Event::Token { .. })));
    assert!(!server.is_idle().await, "it writes on");
    drop(completion);
    let begun = Instant::now();
    while !server.is_idle().await {
        assert!(begun.elapsed() < NOTICED_MAX, "the server goes on without a reader");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn what_does_not_fit_is_refused(engine: &Upstream) {
    let (_, last) = read(engine.submit(chat(&"fern ".repeat(4_000))).unwrap()).await;
    let Event::Error(GenerationError::Refused(said)) = last else { panic!("{last:?}") };
    println!("{said}");
    assert!(said.contains("answered 400") && said.contains("context"), "{said}");
}

#[tokio::test]
#[ignore = "needs llama.cpp's server: `cargo xtask peers` builds it and runs this"]
async fn llama_server_is_understood_and_understands() {
    let server = Server::spawn();
    let engine = ready(&server).await;
    answers_are_whole_counted_and_repeat(&engine).await;
    a_stop_string_ends_and_is_left_out(&engine).await;
    defaults_are_set_aside(&server, &engine).await;
    who_leaves_ends_the_work(&server, &engine).await;
    what_does_not_fit_is_refused(&engine).await;
    let other = UpstreamConfig { model: "another".to_owned(), ..engine_config(&server) };
    let error = start(other).look().await.unwrap_err();
    assert!(matches!(error, UpstreamError::Model { .. }), "{error}");
}
