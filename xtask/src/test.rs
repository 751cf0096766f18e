//! `cargo xtask test`: fast checks first, then unit and property tests, then whole networks, lints, and real clients.
//! `--fast` leaves out what starts whole networks.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{UsageError, shell, tidy};

/// Tests of the package `openledger` whose names contain this start whole networks; they run after all others.
const NETWORK_TESTS: &str = "network_";

/// The packaged models, which tests use.
const MODELS: [&str; 2] = ["smollm2-135m-instruct", "wordllama"];

/// How long the ledger's random histories are; while one works they are shorter.
const HISTORY_ACTIONS: &str = "10000";

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let fast = match arguments {
        [] => false,
        [flag] if flag == "--fast" => true,
        _ => return Err(UsageError("usage: cargo xtask test [--fast]".to_owned()).into()),
    };
    stage("tidy");
    tidy::run()?;
    stage("format");
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))
        .context("the code is not formatted; run cargo fmt --all")?;
    stage("build");
    let openledger = shell::build_all()?;
    stage("models");
    for model in MODELS {
        shell::run(shell::without_settings(Command::new(&openledger).args(["model", "pull", model])))?;
    }
    stage("unit, property and integration tests");
    rust_tests(Tests::Others, fast)?;
    if !fast {
        stage("tests of whole networks");
        rust_tests(Tests::Networks, fast)?;
    }
    stage("lints");
    lints()?;
    if !fast {
        stage("fuzz targets");
        fuzz_targets()?;
        stage("the unmodified openai package");
        python_tests(&openledger)?;
    }
    Ok(())
}

/// Which Rust tests; each is in one of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tests {
    Others,
    Networks,
}

fn stage(name: &str) {
    println!("\n== {name}");
}

fn rust_tests(tests: Tests, fast: bool) -> Result<()> {
    let mut command = shell::cargo();
    if !fast {
        command.env("OPENLEDGER_ACTIONS", HISTORY_ACTIONS);
    }
    if shell::has("cargo", &["nextest", "--version"]) {
        let networks = format!("package(openledger) & test({NETWORK_TESTS})");
        let filter = match tests {
            Tests::Others => format!("not ({networks})"),
            Tests::Networks => networks,
        };
        command.args(["nextest", "run", "--workspace", "--no-fail-fast", "-E", &filter]);
    } else {
        // Names of other packages' tests may contain the word as well; those run in the second run then.
        command.args(["test", "--workspace", "--no-fail-fast", "--"]);
        if tests == Tests::Others {
            command.arg("--skip");
        }
        command.arg(NETWORK_TESTS);
    }
    shell::run(shell::without_settings(&mut command))
}

fn lints() -> Result<()> {
    if !shell::has("cargo", &["clippy", "--version"]) {
        println!("left out: clippy is not installed (rustup component add clippy)");
        return Ok(());
    }
    shell::run(shell::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
        .context("a lint has something to say; mend it, or expect it with its reason")
}

/// Checks that the fuzz targets compile: they are a workspace of their own, which no other step builds.
fn fuzz_targets() -> Result<()> {
    if !shell::has("c++", &["--version"]) {
        println!(
            "left out: there is no C++ compiler, which libFuzzer is built with (Debian: apt-get install g++)"
        );
        return Ok(());
    }
    let fuzz = shell::root().join("fuzz/Cargo.toml");
    shell::run(shell::cargo().args(["check", "--quiet", "--locked", "--manifest-path"]).arg(fuzz))
        .context("the fuzz targets in fuzz/ do not compile; name in fuzz/Cargo.toml what their bodies need")
}

/// Runs the tests of real clients against a real network, in a virtual environment of their own.
fn python_tests(openledger: &Path) -> Result<()> {
    let mut command = Command::new(virtual_environment()?);
    command.current_dir(shell::root()).env("OPENLEDGER_BINARY", openledger);
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/clients"]);
    shell::run(shell::without_settings(&mut command))
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
