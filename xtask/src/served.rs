//! A server that a comparison starts on this machine, asks, and ends.
//!
//! Rule: it ends with its owner, whatever happens; what it says is kept in a file, whose end is shown when it does not start.
//! Absent: what is asked.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::http::Address;

/// How long a server may take until it answers.
const READY_MAX: Duration = Duration::from_secs(180);
/// Lines of what it said that are shown.
const LINES_SHOWN: usize = 20;

/// A running server. Dropping it ends it.
pub(crate) struct Served {
    child: Child,
    log: PathBuf,
    pub(crate) address: Address,
}

impl Served {
    /// Starts a server on a free port and waits until `ready` answers with 200.
    pub(crate) fn start(log: &Path, ready: &str, command: impl FnOnce(u16) -> Command) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let said = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        let mut command = command(port);
        command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        let child = command
            .spawn()
            .with_context(|| format!("{} could not be started", command.get_program().to_string_lossy()))?;
        let mut server = Self { child, log: log.to_owned(), address: Address { port, key: None } };
        let begun = Instant::now();
        while server.address.status(ready) != Some(200) {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended with {status} before it answered:\n{}", server.last_lines());
            }
            if begun.elapsed() > READY_MAX {
                bail!("the server does not answer after {READY_MAX:?}:\n{}", server.last_lines());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(server)
    }

    /// The most memory that it held so far, as the kernel counts it.
    pub(crate) fn peak_bytes(&self) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
        Ok(kilobytes.with_context(|| format!("{path} says nothing about VmHWM"))? * 1024.0)
    }

    fn last_lines(&self) -> String {
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
