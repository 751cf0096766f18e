//! Running other programs: one place that prints the command, checks the exit code and finds tools.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// What the environment may tell `openledger`. Nothing that xtask starts may reach a network other than its own.
const SETTINGS: [&str; 3] = ["OPENLEDGER_URL", "OPENLEDGER_API_KEY", "OPENLEDGER_DIR"];

/// Lets a command start without what the environment would tell `openledger`.
pub(crate) fn without_settings(command: &mut Command) -> &mut Command {
    for name in SETTINGS {
        command.env_remove(name);
    }
    command
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The `openledger` binary of this workspace, built in the dev profile.
pub(crate) fn build_openledger() -> Result<PathBuf> {
    run(cargo().args(["build", "--package", "openledger", "--bin", "openledger"]))?;
    Ok(openledger())
}

/// Everything in the workspace with the features that the tests have, so that they compile nothing again. Returns the
/// `openledger` binary.
pub(crate) fn build_all() -> Result<PathBuf> {
    run(cargo().args(["build", "--workspace", "--all-targets"]))?;
    Ok(openledger())
}

fn openledger() -> PathBuf {
    target_dir().join("debug").join("openledger")
}

/// Runs a command to its end; a failing exit code is an error that names it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = describe(command);
    let status = command.status().with_context(|| format!("{line} could not be started"))?;
    if status.success() {
        return Ok(());
    }
    bail!("{line} ended with {status}")
}

/// Runs a command quietly and returns what it printed on standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = describe(command);
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("{line} could not be started"))?;
    if !output.status.success() {
        bail!("{line} ended with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{line} printed invalid UTF-8"))
}

/// Whether a program answers `--version`.
pub(crate) fn has(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn describe(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
