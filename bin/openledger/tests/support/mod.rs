//! A real network for tests: the binary in a process of its own, on a free port, in a folder of its own.
#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a network may take until it answers.
const READY_MAX: Duration = Duration::from_secs(180);

pub(crate) fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_openledger")
}

/// The demo's data folder.
pub(crate) fn demo_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data")
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A running network. Dropping it kills it.
pub(crate) struct Network {
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    child: Child,
}

/// An HTTP answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

impl Network {
    /// Starts `openledger up` and does not wait.
    pub(crate) fn spawn(dir: &Path, port: u16, data: &Path) -> Self {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("test.log")).unwrap();
        let child = Command::new(binary())
            .arg("--dir")
            .arg(dir)
            .args(["up", "--seed", "7", "--port", &port.to_string(), "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { dir: dir.to_path_buf(), port, child }
    }

    /// Starts `openledger up` and waits until it answers.
    pub(crate) fn start(dir: &Path, data: &Path) -> Self {
        let mut network = Self::spawn(dir, free_port(), data);
        network.wait_until_ready();
        network
    }

    pub(crate) fn wait_until_ready(&mut self) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("openledger up ended with {status}:\n{}", self.log());
            }
            if self.is_ready() {
                return;
            }
            assert!(begun.elapsed() < READY_MAX, "not ready after {READY_MAX:?}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.request("GET", "/readyz", &[], b"").is_some_and(|answer| answer.status == 200)
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("test.log")).unwrap_or_default()
    }

    pub(crate) fn key(&self) -> String {
        std::fs::read_to_string(self.dir.join("api-key")).unwrap_or_default().trim().to_owned()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The process id.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// An orderly stop; panics unless the process ends with code 0.
    pub(crate) fn stop(mut self) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "stopped with {status}:\n{}", self.log());
    }

    /// Runs the binary against this network.
    pub(crate) fn openledger(&self, arguments: &[&str]) -> Output {
        let url = format!("http://127.0.0.1:{}", self.port);
        let mut command = Command::new(binary());
        command.arg("--dir").arg(&self.dir).args(["--url", &url, "--color", "never"]).args(arguments);
        command.env_remove("OPENLEDGER_DIR").output().unwrap()
    }

    /// One request over a fresh connection; `None` when nobody answers or the answer is cut.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(120))).ok()?;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        // A server that refuses a large body may close before it is all sent; its answer is still to be read.
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        parse_answer(&bytes)
    }

    /// A chat completion, not streamed; `None` unless it was received whole.
    pub(crate) fn ask(&self, question: &str, max_tokens: u32) -> Option<Value> {
        let body = serde_json::json!({
            "model": "smollm2-135m-instruct", "max_tokens": max_tokens, "temperature": 0,
            "messages": [{ "role": "user", "content": question }],
        });
        let authorization = format!("Bearer {}", self.key());
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let answer = self.request("POST", "/v1/chat/completions", &headers, body.to_string().as_bytes())?;
        if answer.status != 200 {
            return None;
        }
        serde_json::from_slice(&answer.body).ok()
    }

    /// The receipt file, once it is settled.
    pub(crate) fn settled_receipt(&self, id: &str) -> Vec<u8> {
        let authorization = format!("Bearer {}", self.key());
        let begun = Instant::now();
        loop {
            let answer = self
                .request("GET", &format!("/v1/receipts/{id}"), &[("Authorization", &authorization)], b"")
                .expect("the network answers");
            assert_eq!(answer.status, 200, "receipt {id}: {}", String::from_utf8_lossy(&answer.body));
            if answer.json()["inclusion"].is_object() {
                return answer.body;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "receipt {id} is not settled:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse_answer(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    let rest = &bytes[end + 4..];
    let body = if head.contains("transfer-encoding: chunked") {
        unchunk(rest)?
    } else {
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map(|text| text.trim().parse::<usize>());
        match length {
            Some(Ok(length)) if rest.len() < length => return None,
            _ => rest.to_vec(),
        }
    };
    Some(Answer { status, head, body })
}

/// Joins a chunked body (RFC 9112, section 7.1); `None` when it is cut.
fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size =
            usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?.split(';').next()?.trim(), 16)
                .ok()?;
        bytes = &bytes[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(..size)?);
        bytes = bytes.get(size + 2..)?;
    }
}
