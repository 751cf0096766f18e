//! A server that plays what a test says, byte by byte, and keeps what it was asked.
//!
//! Absent: everything of the engine under test, so that tests of other crates can play engines too.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of tests fails the test"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// What the server does next.
#[derive(Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Pause(Duration),
    /// Waits until the client closes the connection, and tells.
    Hang,
}

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: serde_json::Value,
}

type Script = dyn Fn(&Asked) -> Vec<Step> + Send + Sync;

/// A running server; it ends with the test.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    pub(crate) left: Arc<Notify>,
    _task: JoinSet<()>,
}

impl Server {
    /// Plays `script` for every request.
    pub(crate) async fn start(script: impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    /// The same on a port that was chosen before.
    pub(crate) fn on(
        listener: TcpListener,
        script: impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, left) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::new(Notify::new()));
        let script: Arc<Script> = Arc::new(script);
        let (seen, told) = (asked.clone(), left.clone());
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, seen, told) = (script.clone(), seen.clone(), told.clone());
                connections.spawn(async move { serve(stream, &script, &seen, &told).await });
            }
        });
        Self { url, asked, left, _task: task }
    }

    /// The completions that were asked for.
    pub(crate) fn completions(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.method == "POST").cloned().collect()
    }
}

async fn serve(mut stream: TcpStream, script: &Arc<Script>, seen: &Mutex<Vec<Asked>>, told: &Notify) {
    let Some(asked) = receive(&mut stream).await else { return };
    let steps = script(&asked);
    seen.lock().unwrap().push(asked);
    for step in steps {
        match step {
            Step::Send(bytes) => {
                // A client that has seen enough closes the connection.
                if stream.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            Step::Pause(time) => tokio::time::sleep(time).await,
            Step::Hang => {
                let mut byte = [0; 1];
                while matches!(stream.read(&mut byte).await, Ok(count) if count > 0) {}
                told.notify_one();
            }
        }
    }
}

async fn receive(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    while bytes.len() < end + length.unwrap_or(0) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let mut words = head.split(' ');
    Some(Asked {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        body: serde_json::from_slice(&bytes[end..]).unwrap_or_default(),
        head,
    })
}

/// A whole answer with a length.
pub(crate) fn whole(status: &str, kind: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    vec![Step::Send(head.into_bytes()), Step::Send(body.as_bytes().to_vec())]
}

/// A JSON answer.
pub(crate) fn json(status: &str, body: &str) -> Vec<Step> {
    whole(status, "application/json", body)
}

/// The head of a stream that ends where the connection does.
pub(crate) fn stream_head() -> Step {
    Step::Send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n"
            .to_vec(),
    )
}

/// The head of a stream in chunks, which has an end of its own.
pub(crate) fn chunked_head() -> Step {
    Step::Send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
    )
}

/// A chunk of such a stream; the empty one ends it.
pub(crate) fn chunk(bytes: &[u8]) -> Step {
    Step::Send([format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat())
}

/// A stream of these bytes.
pub(crate) fn stream(body: &[u8]) -> Vec<Step> {
    vec![stream_head(), Step::Send(body.to_vec())]
}

/// What a healthy engine says when it is looked at.
pub(crate) fn well(asked: &Asked) -> Option<Vec<Step>> {
    match asked.path.as_str() {
        "/health" => Some(json("200 OK", "")),
        "/v1/models" => Some(json("200 OK", r#"{"data":[{"id":"m","max_model_len":4096}]}"#)),
        _ => None,
    }
}
