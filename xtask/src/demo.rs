//! `cargo xtask demo`: the main job, as a newcomer sees it. Everything goes through the `openledger` binary, each step in
//! a process of its own, so what the demo shows is what a user can do.
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

use crate::shell;

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

/// How long a network may take until it answers.
const READY_MAX: Duration = Duration::from_secs(180);

struct Options {
    exit: bool,
    stop: bool,
    port: u16,
    seed: u64,
}

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = parse(arguments)?;
    let folder = shell::root().join(".openledger").join("demo");
    stop_earlier(&folder)?;
    if options.stop {
        println!("no demo network is running");
        return Ok(());
    }
    step(1, "Set up: the binary and the model");
    let binary = shell::build_openledger()?;
    shell::run(Command::new(&binary).args(["model", "pull"]))?;

    step(2, "Start a local network: validator, provider, gateway, explorer; fill three datanets");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let mut demo = Demo::start(binary, folder, &options)?;
    let outcome = demo.tell();
    if options.exit || outcome.is_err() {
        demo.stop();
        outcome?;
        println!("\nEvery step held.");
        return Ok(());
    }
    demo.leave_running()
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options { exit: false, stop: false, port: 8080, seed: 1 };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = |name: &str| {
            rest.next().and_then(|text| text.parse().ok()).with_context(|| format!("{name} needs a number"))
        };
        match argument.as_str() {
            "--exit" => options.exit = true,
            "--stop" => options.stop = true,
            "--port" => options.port = u16::try_from(number("--port")?).context("a port is at most 65535")?,
            "--seed" => options.seed = number("--seed")?,
            other => bail!(
                "unknown argument {other:?}; usage: cargo xtask demo [--exit] [--stop] [--port N] [--seed N]"
            ),
        }
    }
    Ok(options)
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
        let child = Command::new(&binary)
            .arg("--dir")
            .arg(&folder)
            .args(["up", "--port", &options.port.to_string(), "--seed", &options.seed.to_string(), "--data"])
            .arg(shell::root().join("data"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("openledger up could not be started")?;
        fs::write(folder.join("pid"), child.id().to_string())?;
        let mut demo = Self { binary, folder, port: options.port, child };
        if let Err(error) = demo.wait_until_ready() {
            demo.stop();
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
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) else {
            return false;
        };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let mut answer = [0u8; 12];
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer.ends_with(b"200")
    }

    fn openledger(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--dir").arg(&self.folder).args(["--color", "always"]);
        command
    }

    fn tell(&self) -> Result<()> {
        let before = self.supply()?;
        step(3, "Ask questions as an ordinary OpenAI client does");
        let mut receipts = Vec::new();
        for (index, question) in QUESTIONS.iter().enumerate() {
            let path = self.folder.join("receipts").join(format!("{}.json", index + 1));
            shell::run(self.openledger().arg("ask").arg("--save").arg(&path).arg(question))?;
            receipts.push(path);
        }
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

    fn supply(&self) -> Result<Value> {
        let text = shell::output(self.openledger().args(["--json", "account", "supply"]))?;
        serde_json::from_str(&text).context("account supply printed no JSON")
    }

    fn compare_supply(&self, before: &Value, after: &Value) -> Result<()> {
        for (name, value) in [("before", before), ("after", after)] {
            println!(
                "   {name:7} held {:>16} uC + burned {:>10} uC = deposited {:>16} uC",
                value["held"], value["burned"], value["deposited"]
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
        step(6, "Flip one byte of each receipt");
        for (index, receipt) in receipts.iter().enumerate() {
            self.check_refusal(&stranger, &network, receipt, index)?;
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
        let changed = stranger.join(format!("changed-{}.json", index + 1));
        fs::write(&changed, bytes)?;
        let output = self
            .stranger(stranger)
            .args(["receipt", "verify", "--network"])
            .arg(network)
            .arg(&changed)
            .output()?;
        if output.status.success() {
            bail!("a receipt with byte {place} changed was accepted: {}", changed.display());
        }
        let text =
            String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        let reason =
            text.lines().find(|line| line.contains('✗') || line.contains("error")).unwrap_or("refused");
        println!("   byte {place:>6}: {}", reason.trim());
        Ok(())
    }

    fn stop(&mut self) {
        terminate(self.child.id());
        let _ = self.child.wait();
        let _ = fs::remove_file(self.folder.join("pid"));
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

/// Stops the network that an earlier demo left running.
fn stop_earlier(folder: &Path) -> Result<()> {
    let path = folder.join("pid");
    let Ok(text) = fs::read_to_string(&path) else { return Ok(()) };
    let _ = fs::remove_file(&path);
    let Ok(pid) = text.trim().parse::<u32>() else { return Ok(()) };
    let ours = fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| String::from_utf8_lossy(&line).contains("openledger"));
    if !ours {
        return Ok(());
    }
    println!("stopping the network of an earlier demo (process {pid})");
    terminate(pid);
    let begun = Instant::now();
    while Path::new(&format!("/proc/{pid}")).exists() {
        if begun.elapsed() > Duration::from_secs(30) {
            bail!("process {pid} does not stop; end it and try again");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn terminate(pid: u32) {
    let _ = Command::new("kill").args(["-TERM", &pid.to_string()]).status();
}
