//! `cargo xtask test`: fast checks first, then unit and property tests, then whole networks with real clients.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{shell, tidy};

/// Tests whose names contain this start whole networks, and run last.
const NETWORK_TESTS: &str = "network_";

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let fast = match arguments {
        [] => false,
        [flag] if flag == "--fast" => true,
        _ => bail!("usage: cargo xtask test [--fast]"),
    };
    stage("tidy");
    tidy::run()?;
    stage("format");
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))
        .context("the code is not formatted; run cargo fmt --all")?;
    stage("model");
    let openledger = shell::build_openledger()?;
    shell::run(Command::new(&openledger).args(["model", "pull"]))?;
    stage("unit, property and integration tests");
    rust_tests(fast)?;
    if !fast {
        stage("the unmodified openai package");
        python_tests(&openledger)?;
    }
    Ok(())
}

fn stage(name: &str) {
    println!("\n== {name}");
}

fn rust_tests(fast: bool) -> Result<()> {
    if shell::has("cargo", &["nextest", "--version"]) {
        let mut command = shell::cargo();
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
        if fast {
            command.args(["-E", &format!("not test({NETWORK_TESTS})")]);
        }
        return shell::run(&mut command);
    }
    let mut command = shell::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]);
    if fast {
        command.args(["--", "--skip", NETWORK_TESTS]);
    }
    shell::run(&mut command)
}

/// Runs the tests of real clients against a real network, in a virtual environment of their own.
fn python_tests(openledger: &std::path::Path) -> Result<()> {
    let python = virtual_environment()?;
    shell::run(Command::new(python).current_dir(shell::root()).env("OPENLEDGER_BINARY", openledger).args([
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/clients",
    ]))
}

fn virtual_environment() -> Result<PathBuf> {
    let requirements = shell::root().join("tests/clients/requirements.txt");
    let folder = shell::target_dir().join("python");
    let python = folder.join("bin/python");
    if !python.exists() {
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder)).context(
            "python3 with the venv module is needed; install it (Debian: apt-get install python3-venv)",
        )?;
    }
    shell::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(requirements),
    )?;
    Ok(python)
}
