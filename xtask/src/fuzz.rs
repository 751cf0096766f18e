//! `cargo xtask fuzz TARGET [--seconds N]`: random data into the readers of what comes from outside, guided by what they
//! reach. The targets are in `fuzz/`; what they look for runs in the ordinary tests too (`bin/openledger/tests/hostile`).
//!
//! Absent: keeping what was reached. The corpus and what broke a target stay in `fuzz/`, out of the repository.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{UsageError, shell};

/// How long a target runs when nobody says.
const SECONDS: u32 = 60;
/// Memory of a target, in MiB, with what the sanitizer takes.
const MEBIBYTES_MAX: u32 = 2_048;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let targets = targets()?;
    let usage = || {
        UsageError(format!(
            "usage: cargo xtask fuzz TARGET [--seconds N], where TARGET is {}",
            targets.join(", ")
        ))
    };
    let (target, seconds) = match arguments {
        [target] => (target, SECONDS),
        [target, name, seconds] if name == "--seconds" => (target, seconds.parse().map_err(|_| usage())?),
        _ => return Err(usage().into()),
    };
    if !targets.contains(target) {
        return Err(usage().into());
    }
    if !shell::has("cargo", &["+nightly", "--version"]) {
        bail!("fuzzing needs a nightly compiler; run rustup toolchain install nightly");
    }
    if !shell::has("cargo", &["fuzz", "--version"]) {
        bail!("cargo-fuzz is not installed; run cargo install cargo-fuzz --version 0.13.2 --locked");
    }
    // The cargo that runs us is not the one that knows toolchains.
    let mut fuzz = Command::new("cargo");
    fuzz.current_dir(shell::root()).env_remove("RUSTUP_TOOLCHAIN");
    fuzz.args(["+nightly", "fuzz", "run", target, "--target-dir"]).arg(shell::target_dir().join("fuzz"));
    fuzz.args(["--", &format!("-max_total_time={seconds}"), &format!("-rss_limit_mb={MEBIBYTES_MAX}")]);
    shell::run(&mut fuzz).with_context(|| {
        format!("{target} is broken by the data in fuzz/artifacts/{target}; cargo +nightly fuzz run {target} FILE shows how")
    })
}

/// The targets, which are files.
fn targets() -> Result<Vec<String>> {
    let folder = shell::root().join("fuzz/fuzz_targets");
    let mut targets = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        targets.extend(entry?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    targets.sort();
    Ok(targets)
}
