//! `cargo xtask demo`: the main job, as a newcomer sees it. Everything goes through the `openledger` binary, each step in
//! a process of its own, so what the demo shows is what a user can do. What it shows it also checks: a step that does not
//! hold ends the demo with an error.
//!
//! Absent: any shortcut into the network.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{UsageError, shell};

/// Questions of different kinds: how to, what is, define; one author and several.
const QUESTIONS: &[&str] = &[
    "How do I show the battery status as a percentage?",
    "What is abook?",
    "Define the word admiration.",
    "How do I set the screen blanking time?",
    "What is notmuch?",
    "What is a color profile?",
    "Define the word cynic.",
];

/// How many digits of each certificate are changed, evenly spread.
const CERTIFICATE_CHANGES: usize = 8;

/// How long a network may take until it answers.
const READY_MAX: Duration = Duration::from_secs(180);
/// How long it may take to stop in order.
const STOP_MAX: Duration = Duration::from_secs(30);

struct Options {
    exit: bool,
    stop: bool,
    port: u16,
    seed: u64,
}

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = parse(arguments)?;
    let folder = shell::root().join(".openledger").join("demo");
    let stopped = stop_earlier(&folder)?;
    if options.stop {
        if !stopped {
            println!("no demo network is running");
        }
        return Ok(());
    }
    step(1, "Set up: the binary and the model");
    let binary = shell::build_openledger()?;
    shell::run(shell::without_settings(Command::new(&binary).args(["model", "pull"])))?;

    step(2, "Start a local network: validator, provider, gateway, explorer; fill three datanets");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let mut demo = Demo::start(binary, folder, &options)?;
    let outcome = demo.tell();
    if options.exit || outcome.is_err() {
        let stopped = demo.stop();
        outcome.and(stopped)?;
        println!("\nEvery step held.");
        return Ok(());
    }
    demo.leave_running()
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options { exit: false, stop: false, port: 8080, seed: 1 };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--exit" => options.exit = true,
            "--stop" => options.stop = true,
            "--port" => options.port = number(argument, rest.next(), "from 0 to 65535")?,
            "--seed" => options.seed = number(argument, rest.next(), "from 0")?,
            other => {
                let usage = "usage: cargo xtask demo [--exit] [--stop] [--port N] [--seed N]";
                return Err(UsageError(format!("unknown argument {other:?}; {usage}")).into());
            }
        }
    }
    Ok(options)
}

fn number<T: std::str::FromStr>(name: &str, text: Option<&String>, range: &str) -> Result<T, UsageError> {
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| UsageError(format!("{name} needs a whole number {range}")))
}

fn step(number: u32, text: &str) {
    println!("\n\x1b[1m── {number}. {text}\x1b[0m");
}

struct Demo {
    binary: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl Demo {
    fn start(binary: PathBuf, folder: PathBuf, options: &Options) -> Result<Self> {
        // A port that is taken gets a clear message here, before anything is set up.
        TcpListener::bind(("127.0.0.1", options.port)).with_context(|| {
            format!(
                "port {} is taken; stop what uses it or name another: cargo xtask demo --port N",
                options.port
            )
        })?;
        let log = File::create(folder.join("up.log"))?;
        let mut command = Command::new(&binary);
        command
            .arg("--dir")
            .arg(&folder)
            .args(["up", "--port", &options.port.to_string(), "--seed", &options.seed.to_string(), "--data"])
            .arg(shell::root().join("data"));
        let child = shell::without_settings(&mut command)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("openledger up could not be started")?;
        fs::write(folder.join("pid"), child.id().to_string())?;
        let mut demo = Self { binary, folder, port: options.port, child };
        if let Err(error) = demo.wait_until_ready() {
            // Why it did not start says more than how it ended.
            let _ = demo.stop();
            return Err(error);
        }
        Ok(demo)
    }

    /// Follows the log until the network answers, so that the user sees what it does.
    fn wait_until_ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        let mut shown = 0;
        loop {
            shown = self.show_log(shown)?;
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "openledger up ended with {status}; its log is {}",
                    self.folder.join("up.log").display()
                );
            }
            if self.is_ready() {
                self.show_log(shown)?;
                println!("   ready after {:.1} s", begun.elapsed().as_secs_f64());
                return Ok(());
            }
            if begun.elapsed() > READY_MAX {
                bail!(
                    "the network did not answer within {} s; its log is {}",
                    READY_MAX.as_secs(),
                    self.folder.join("up.log").display()
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn show_log(&self, shown: usize) -> Result<usize> {
        let text = fs::read_to_string(self.folder.join("up.log"))?;
        let complete = text.rfind('\n').map_or(0, |end| end + 1);
        for line in text[shown.min(complete)..complete].lines() {
            println!("   {line}");
        }
        Ok(complete)
    }

    fn is_ready(&self) -> bool {
        self.status("/readyz") == Some(200)
    }

    /// The status of a page; `None` when nobody answers.
    fn status(&self, path: &str) -> Option<u16> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        // "HTTP/1.1 200": the last three of these bytes are the status.
        let mut answer = [0u8; 12];
        stream.read_exact(&mut answer).ok()?;
        std::str::from_utf8(&answer[9..]).ok()?.parse().ok()
    }

    fn openledger(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--dir").arg(&self.folder).args(["--color", "always"]);
        shell::without_settings(&mut command);
        command
    }

    fn tell(&self) -> Result<()> {
        let before = self.supply()?;
        step(3, "Ask questions as an ordinary OpenAI client does");
        let mut receipts = Vec::new();
        for (index, question) in QUESTIONS.iter().enumerate() {
            let path = self.folder.join("receipts").join(format!("{}.json", index + 1));
            shell::run(self.openledger().arg("ask").arg("--save").arg(&path).arg(question))?;
            self.check_claim(&path).with_context(|| format!("{question:?} was answered, but"))?;
            receipts.push(path);
        }
        self.check_explorer()?;
        step(4, "The sum of everything held anywhere, before and after");
        self.compare_supply(&before, &self.supply()?)?;
        self.check_receipts(&receipts)?;
        step(8, "Look around");
        println!("   http://127.0.0.1:{}/          the explorer", self.port);
        println!(
            "   http://127.0.0.1:{}/v1        the OpenAI-compatible interface; the key is in {}",
            self.port,
            self.folder.join("api-key").display()
        );
        Ok(())
    }

    /// The main claim, read from the saved receipt and not from what `ask` shows: parts of the answer come from texts,
    /// somebody has a share in it, and it is settled.
    fn check_claim(&self, receipt: &Path) -> Result<()> {
        let text = shell::output(self.openledger().args(["--json", "receipt", "show"]).arg(receipt))?;
        let said: Value = serde_json::from_str(&text).context("receipt show printed no JSON")?;
        let shown = receipt.display();
        if entries(&said["attribution"]["shares"]).is_empty() {
            bail!("nobody has a share in it: {shown}");
        }
        let spans = entries(&said["attribution"]["spans"]);
        if !spans.iter().any(|span| !entries(&span["sources"]).is_empty()) {
            bail!("no part of it is traced to a source: {shown}");
        }
        let bytes = fs::read(receipt).with_context(|| format!("{shown} cannot be read"))?;
        let file: Value = serde_json::from_slice(&bytes).with_context(|| format!("{shown} is not JSON"))?;
        if !file["inclusion"].is_object() {
            bail!("its receipt is not settled: {shown}");
        }
        if !file["certificate"].is_string() {
            bail!("its paid spans are not certified: {shown}");
        }
        Ok(())
    }

    fn check_explorer(&self) -> Result<()> {
        match self.status("/") {
            Some(200) => Ok(()),
            Some(status) => {
                bail!("the explorer answers with status {status} at http://127.0.0.1:{}/", self.port)
            }
            None => bail!("the explorer does not answer at http://127.0.0.1:{}/", self.port),
        }
    }

    fn supply(&self) -> Result<Value> {
        let text = shell::output(self.openledger().args(["--json", "account", "supply"]))?;
        serde_json::from_str(&text).context("account supply printed no JSON")
    }

    fn compare_supply(&self, before: &Value, after: &Value) -> Result<()> {
        for (name, value) in [("before", before), ("after", after)] {
            let number = |field: &str| {
                value[field].as_u64().with_context(|| format!("account supply tells no {field}: {value}"))
            };
            println!(
                "   {name:7} held {:>16} uC + burned {:>10} uC = deposited {:>16} uC",
                number("held")?,
                number("burned")?,
                number("deposited")?
            );
            if value["balanced"] != Value::Bool(true) {
                bail!("the supply does not add up {name} the questions: {value}");
            }
        }
        if before["deposited"] != after["deposited"] {
            bail!("credits were deposited while questions were asked");
        }
        Ok(())
    }

    /// Verifies every receipt in a process that knows the identity file alone, flips a byte, recomputes.
    fn check_receipts(&self, receipts: &[PathBuf]) -> Result<()> {
        let stranger = self.folder.join("stranger");
        fs::create_dir_all(&stranger)?;
        let network = stranger.join("network.json");
        fs::copy(self.folder.join("network.json"), &network)?;
        step(5, "Verify every receipt in another process that has nothing but the network's identity");
        for receipt in receipts {
            shell::run(
                self.stranger(&stranger).args(["receipt", "verify", "--network"]).arg(&network).arg(receipt),
            )?;
        }
        step(6, "Flip one byte of each receipt, and bytes of its certificate one at a time");
        for (index, receipt) in receipts.iter().enumerate() {
            self.check_refusal(&stranger, &network, receipt, index)?;
            self.check_certificate_refusals(&stranger, &network, receipt)?;
        }
        step(7, "Recompute attribution and payouts from the public snapshots");
        let index = stranger.join("snapshots");
        shell::run(self.openledger().args(["datanet", "export", "--out"]).arg(&index))?;
        for receipt in receipts {
            shell::run(
                self.stranger(&stranger)
                    .args(["receipt", "recompute", "--network"])
                    .arg(&network)
                    .arg("--index")
                    .arg(&index)
                    .arg(receipt),
            )?;
        }
        Ok(())
    }

    /// The binary without this network's folder, address or keys.
    fn stranger(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("HOME", home).args(["--color", "always"]);
        command
    }

    fn check_refusal(&self, stranger: &Path, network: &Path, receipt: &Path, index: usize) -> Result<()> {
        let mut bytes = fs::read(receipt)?;
        let place = bytes.len() * (index + 1) / (QUESTIONS.len() + 1);
        bytes[place] ^= 1;
        let reason = self.refusal(stranger, network, &bytes, place)?;
        println!("   byte {place:>6}: refused, {reason}");
        Ok(())
    }

    /// Changes the certificate alone, so that the file stays in its one form and every other step holds.
    fn check_certificate_refusals(&self, stranger: &Path, network: &Path, receipt: &Path) -> Result<()> {
        let bytes = fs::read(receipt)?;
        let name: &[u8] = b"\"certificate\":\"";
        let start = bytes.windows(name.len()).position(|window| window == name);
        let start = start.context("the receipt has no certificate")? + name.len();
        let length =
            bytes[start..].iter().position(|byte| *byte == b'"').context("the certificate has no end")?;
        // The last characters of base64 say less than six bits each, and another one there may be none at all.
        let digits = length.saturating_sub(4);
        for change in 0..CERTIFICATE_CHANGES {
            let place = start + digits * change / CERTIFICATE_CHANGES;
            let mut bytes = bytes.clone();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let reason = self.refusal(stranger, network, &bytes, place)?;
            if !reason.starts_with("certificate: ") {
                bail!("a certificate with byte {place} changed was refused by another step: {reason}");
            }
        }
        println!(
            "   certificate:  refused, each of {CERTIFICATE_CHANGES} times that one of its {length} digits was changed"
        );
        Ok(())
    }

    /// Why verifying refuses these bytes of a receipt; anything but a refusal is an error.
    fn refusal(&self, stranger: &Path, network: &Path, bytes: &[u8], place: usize) -> Result<String> {
        let changed = stranger.join("changed.json");
        fs::write(&changed, bytes)?;
        let output = self
            .stranger(stranger)
            .args(["receipt", "verify", "--network"])
            .arg(network)
            .arg(&changed)
            .output()?;
        let message = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            bail!("a receipt with byte {place} changed was accepted: {}", changed.display());
        }
        // A crash refuses nothing: it ends with another code.
        let refusal = message.lines().find(|line| line.contains("is refused"));
        let Some(refusal) = refusal.filter(|_| output.status.code() == Some(1)) else {
            bail!(
                "a receipt with byte {place} changed was not refused, verify ended with {}: {}: {}",
                output.status,
                changed.display(),
                message.trim()
            );
        };
        let reason = refusal.split_once("is refused: ").map_or(refusal, |(_, reason)| reason);
        Ok(reason.trim().to_owned())
    }

    /// Stops the network in order; one that takes too long is killed, and that is an error.
    fn stop(&mut self) -> Result<()> {
        let log = self.folder.join("up.log");
        if self.child.try_wait()?.is_none() {
            terminate(self.child.id());
        }
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if begun.elapsed() > STOP_MAX {
                self.child.kill()?;
                self.child.wait()?;
                let _ = fs::remove_file(self.folder.join("pid"));
                bail!(
                    "the network did not stop within {} s and was killed; its log is {}",
                    STOP_MAX.as_secs(),
                    log.display()
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        let _ = fs::remove_file(self.folder.join("pid"));
        if !status.success() {
            bail!("the network ended with {status}; its log is {}", log.display());
        }
        Ok(())
    }

    fn leave_running(self) -> Result<()> {
        println!("\nEvery step held. The network keeps running (process {}).", self.child.id());
        println!("   Explorer:  http://127.0.0.1:{}/", self.port);
        println!(
            "   Ask:       {} --dir {} ask \"What is mutt?\"",
            self.binary.display(),
            self.folder.display()
        );
        println!("   Stop:      cargo xtask demo --stop");
        Ok(())
    }
}

/// The entries of a JSON array; none when it is no array.
fn entries(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Stops the network that an earlier demo left running; whether there was one.
fn stop_earlier(folder: &Path) -> Result<bool> {
    let path = folder.join("pid");
    let Ok(text) = fs::read_to_string(&path) else { return Ok(false) };
    let running = text.trim().parse::<u32>().ok().filter(|pid| is_network_of(*pid, folder));
    if let Some(pid) = running {
        println!("stopping the network of an earlier demo (process {pid})");
        terminate(pid);
        let begun = Instant::now();
        while is_network_of(pid, folder) {
            if begun.elapsed() > STOP_MAX {
                bail!("process {pid} does not stop; end it and try again");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
    Ok(running.is_some())
}

/// Whether a process runs the network of this folder. Its number may belong to another one by now.
fn is_network_of(pid: u32, folder: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let has = |wanted: &[u8]| line.split(|byte| *byte == 0).any(|argument| argument == wanted);
    has(folder.as_os_str().as_encoded_bytes()) && has(b"up")
}

fn terminate(pid: u32) {
    let _ = Command::new("kill").args(["-TERM", &pid.to_string()]).status();
}
