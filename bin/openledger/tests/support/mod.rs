//! A real network for tests: the binary in a process of its own, on a free port, in a folder of its own.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a network may take until it answers.
const READY_MAX: Duration = Duration::from_secs(180);
/// How long a command may take that is expected to end by itself.
const ENDED_MAX: Duration = Duration::from_secs(60);
/// How far the pages may be behind what is final.
const PAGES_BEHIND_MAX: Duration = Duration::from_secs(30);

pub(crate) fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_openledger")
}

/// A data folder in this one: the first pages of one demo datanet.
pub(crate) fn small_data(folder: &Path, pages: usize) -> PathBuf {
    let data = folder.join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    let all = std::fs::read_to_string(demo_data().join("gnome-help.jsonl")).expect("the demo's pages");
    let few: Vec<&str> = all.lines().take(pages).collect();
    std::fs::write(data.join("gnome-help.jsonl"), few.join("\n")).expect("pages are written");
    let datanets = json!([{
        "name": "gnome-help", "title": "GNOME help", "license": "CC-BY-SA-3.0", "file": "gnome-help.jsonl",
    }]);
    std::fs::write(data.join("datanets.json"), datanets.to_string()).expect("a list is written");
    data
}

/// The packaged model's file.
pub(crate) fn packaged() -> PathBuf {
    let home = std::env::var("HOME").unwrap();
    let cached = Path::new(&home).join(".cache/openledger/models/SmolLM2-135M-Instruct.Q4_1.gguf");
    std::env::var_os("OPENLEDGER_MODEL").map_or(cached, PathBuf::from)
}

/// The demo's data folder.
pub(crate) fn demo_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data")
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// The binary, without what the environment would tell it.
pub(crate) fn command() -> Command {
    let mut command = Command::new(binary());
    for name in ["OPENLEDGER_URL", "OPENLEDGER_API_KEY", "OPENLEDGER_DIR"] {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end. One that goes on for too long is killed, and the test fails with what it printed.
pub(crate) fn output(command: &mut Command) -> Output {
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let stdout = collected(child.stdout.take().unwrap());
    let stderr = collected(child.stderr.take().unwrap());
    let begun = Instant::now();
    let mut ended = child.try_wait().unwrap();
    while ended.is_none() && begun.elapsed() < ENDED_MAX {
        std::thread::sleep(Duration::from_millis(50));
        ended = child.try_wait().unwrap();
    }
    if ended.is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    let Some(status) = ended else {
        panic!(
            "{command:?} did not end within {ENDED_MAX:?}:\n{}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
    };
    Output { status, stdout, stderr }
}

/// Reads a pipe to its end in a thread of its own, so that the writer never waits.
fn collected(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// A running network. Dropping it kills it.
pub(crate) struct Network {
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    child: Mutex<Child>,
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
        let mut up = command();
        up.arg("--dir").arg(dir).args(["up", "--seed", "7", "--port", &port.to_string(), "--data"]).arg(data);
        Self::running(dir, port, &mut up)
    }

    /// Starts `openledger node` with the configuration that `openledger up` has in tests and `more`, and waits until it answers.
    pub(crate) fn start_node(dir: &Path, data: &Path, more: &str) -> Self {
        let (port, file) = (free_port(), dir.join("node.toml"));
        std::fs::write(&file, format!("dir = {dir:?}\nport = {port}\nseed = 7\ndata = {data:?}\n{more}"))
            .unwrap();
        let network = Self::running(dir, port, command().args(["node", "--config"]).arg(&file));
        network.wait_until_ready();
        network
    }

    fn running(dir: &Path, port: u16, command: &mut Command) -> Self {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("test.log")).unwrap();
        let child =
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { dir: dir.to_path_buf(), port, child: Mutex::new(child) }
    }

    /// Starts `openledger up` and waits until it answers.
    pub(crate) fn start(dir: &Path, data: &Path) -> Self {
        let network = Self::spawn(dir, free_port(), data);
        network.wait_until_ready();
        network
    }

    pub(crate) fn wait_until_ready(&self) {
        if let Some(status) = self.ready_or_ended() {
            panic!("openledger up ended with {status}:\n{}", self.log());
        }
    }

    /// Waits until the network answers; how it ended, when it ended before.
    pub(crate) fn ready_or_ended(&self) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if self.is_ready() {
                return None;
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

    /// How the process ended; `None` while it runs.
    fn ended(&self) -> Option<ExitStatus> {
        self.child.lock().unwrap().try_wait().unwrap()
    }

    /// `kill -9`. How the process ended, when it ended by itself before.
    pub(crate) fn kill(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap();
        let before = child.try_wait().unwrap();
        child.kill().unwrap();
        let status = child.wait().unwrap();
        before.or_else(|| Some(status).filter(|status| status.signal() != Some(9)))
    }

    /// Asks the process to stop and does not wait.
    pub(crate) fn terminate(&self) {
        let process = self.child.lock().unwrap().id().to_string();
        Command::new("kill").args(["-TERM", &process]).status().unwrap();
    }

    /// An orderly stop; panics unless the process ends with code 0.
    pub(crate) fn stop(self) {
        self.terminate();
        let status = self.child.lock().unwrap().wait().unwrap();
        assert!(status.success(), "stopped with {status}:\n{}", self.log());
    }

    /// Runs the binary against this network.
    pub(crate) fn openledger(&self, arguments: &[&str]) -> Output {
        let url = format!("http://127.0.0.1:{}", self.port);
        let mut command = command();
        command.arg("--dir").arg(&self.dir).args(["--url", &url, "--color", "never"]).args(arguments);
        output(&mut command)
    }

    /// What the binary says when it succeeds, as it must.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.openledger(arguments);
        let (said, failed) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {said}{failed}");
        said.into_owned()
    }

    /// The JSON twin of a page, as soon as it is there: the pages may be behind what is final.
    pub(crate) fn page(&self, path: &str) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.request("GET", path, &[], b"").expect("the network answers");
            if answer.status == 200 {
                return answer.json();
            }
            let said = String::from_utf8_lossy(&answer.body);
            assert!(begun.elapsed() < PAGES_BEHIND_MAX, "{path}: {}: {said}", answer.status);
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// State roots by height, as soon as the pages reach the highest of these.
    pub(crate) fn state_roots(&self, heights: impl IntoIterator<Item = u64>) -> BTreeMap<u64, String> {
        let heights: BTreeSet<u64> = heights.into_iter().collect();
        // A block is there when the pages have read it, and those below it are read before.
        heights
            .into_iter()
            .rev()
            .map(|height| {
                let block = self.page(&format!("/api/v1/blocks/{height}"));
                (height, block["state_root"].as_str().unwrap_or_else(|| panic!("{block}")).to_owned())
            })
            .collect()
    }

    /// The height that the pages show.
    pub(crate) fn tip(&self) -> u64 {
        self.page("/api/v1/overview")["height"].as_u64().unwrap()
    }

    /// Panics unless everything held anywhere adds up.
    pub(crate) fn check_supply(&self) {
        let printed = self.openledger(&["--json", "account", "supply"]);
        let supply: Value = serde_json::from_slice(&printed.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&printed.stderr)));
        assert_eq!(supply["balanced"], Value::Bool(true), "{supply}");
    }

    /// Panics unless the command line verifies this receipt.
    pub(crate) fn check_receipt(&self, id: &str, file: &[u8]) {
        let (path, identity) = (self.dir.join("checked.json"), self.dir.join("network.json"));
        std::fs::write(&path, file).unwrap();
        let (path, identity) = (path.to_str().unwrap(), identity.to_str().unwrap());
        let verified = self.openledger(&["receipt", "verify", path, "--network", identity]);
        assert!(verified.status.success(), "{id}: {}", String::from_utf8_lossy(&verified.stdout));
    }

    /// Asks for a chat completion and leaves the answer to be read.
    pub(crate) fn begin(&self, body: &Value) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (key, body) = (self.key(), body.to_string());
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        stream
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
        // A test that failed may have left the lock poisoned; the process ends all the same.
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// What comes until it holds `text`.
pub(crate) fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let (mut seen, mut piece) = (String::new(), [0; 1_024]);
    while !seen.contains(text) {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "{text:?} did not come: {seen}");
        seen.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    seen
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
