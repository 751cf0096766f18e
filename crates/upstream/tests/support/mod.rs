//! An engine under test beside the server that plays for it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unused_imports,
    reason = "a helper of tests fails the test, and each file uses a part"
)]

mod server;

use std::time::Duration;

use openledger_inference::{Backend, ChatMessage, Completion, CompletionRequest, Event, Prompt, Role};
use openledger_upstream::{Kind, Limits, Upstream, UpstreamConfig};
use tokio::runtime::Handle;

pub(crate) use server::{Asked, Server, Step, chunk, chunked_head, json, stream, stream_head, well, whole};

pub(crate) fn config(kind: Kind, url: &str) -> UpstreamConfig {
    UpstreamConfig {
        weights: None,
        kind,
        url: url.to_owned(),
        model: "m".to_owned(),
        key: Some("hush".to_owned()),
        context_tokens: 4096,
        // What is waited for in tests is short; what is not is long, so that a slow machine fails none.
        limits: Limits { probe_every: Duration::from_secs(3_600), ..Limits::default() },
    }
}

pub(crate) fn start(config: UpstreamConfig) -> Upstream {
    Upstream::start(config, &Handle::current()).unwrap()
}

pub(crate) fn chat(text: &str) -> CompletionRequest {
    let message = ChatMessage::new(Role::User, text);
    CompletionRequest { max_tokens: Some(32), ..CompletionRequest::new(Prompt::Chat(vec![message].into())) }
}

/// The texts and the last event; there is exactly one, and nothing after it.
pub(crate) async fn read(mut completion: Completion) -> (String, Event) {
    let mut text = String::new();
    loop {
        match completion.events.recv().await.expect("a last event") {
            Event::Token { text: more, .. } => text.push_str(&more),
            last => {
                assert!(completion.events.recv().await.is_none(), "nothing after the last event");
                return (text, last);
            }
        }
    }
}

/// The reason why an answer failed.
pub(crate) fn reason(last: Event) -> String {
    match last {
        Event::Error(error) => error.to_string(),
        other => panic!("{other:?} is no error"),
    }
}

/// Submits one request to an engine that plays this answer.
pub(crate) async fn answered(steps: Vec<Step>, change: impl FnOnce(&mut UpstreamConfig)) -> (String, Event) {
    let server = Server::start(move |asked| well(asked).unwrap_or_else(|| steps.clone())).await;
    let mut config = config(Kind::Vllm, &server.url);
    change(&mut config);
    read(start(config).submit(chat("hello")).unwrap()).await
}
