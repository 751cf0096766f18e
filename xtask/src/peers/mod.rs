//! `cargo xtask peers [server | agreement | consistency]`: what needs another program than ours, llama.cpp: tests of `upstream`
//! against its server, what our engine computes beside what it computes, and what its answers show of the weights that gave them.
//! Without a name all of them.
//!
//! The program is the one that `bench inference` builds, about ten minutes of a core the first time. Absent from `cargo xtask test`
//! for that reason; speed, which is the bench's.

mod agreement;
mod consistency;
mod greedy;
mod rows;
mod states;
pub(crate) mod texts;

use std::path::PathBuf;

use anyhow::Result;

use crate::bench::llama::Peer;
use crate::{UsageError, bench, shell};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => server().and_then(|()| agreement::run()).and_then(|()| consistency::run()),
        ["server"] => server(),
        ["agreement"] => agreement::run(),
        ["consistency"] => consistency::run(),
        _ => Err(UsageError("usage: cargo xtask peers [server | agreement | consistency]".to_owned()).into()),
    }
}

/// The program with our side of comparisons, built.
fn example() -> Result<PathBuf> {
    let package = ["build", "--quiet", "--release", "--package", "openledger-inference", "--example"];
    shell::run(shell::cargo().args(package).arg("agreement"))?;
    Ok(shell::target_dir().join("release/examples/agreement"))
}

/// The client of engines behind HTTP, against the real one.
fn server() -> Result<()> {
    let (server, model) = (Peer::ensure()?.server(), bench::model()?);
    let mut test = shell::cargo();
    test.args([
        "test",
        "--package",
        "openledger-upstream",
        "--test",
        "llama_server",
        "--",
        "--ignored",
        "--nocapture",
    ]);
    shell::run(test.env("OPENLEDGER_LLAMA_SERVER", server).env("OPENLEDGER_MODEL", model))
}
