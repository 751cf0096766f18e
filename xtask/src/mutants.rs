//! `cargo xtask mutants [STEP]`: breaks the rules of the ledger one at a time and looks whether a test notices.
//!
//! A step is a folder of `crates/ledger/src`. Its own tests and the invariants run against each mutant; what they miss is
//! listed, and a step of which less than nine tenths are caught is an error. The settings are in `.cargo/mutants.toml`.
//! Absent: mutants of other crates, and of what is only text for people.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{UsageError, shell};

/// The steps that decide about money, in the order of the flow.
const STEPS: [&str; 5] = ["settlement", "escrow", "reputation", "audits", "governance"];
/// The part of the mutants that tests must catch, in percent.
const CAUGHT_MIN: usize = 90;
/// The shortest histories in which every invariant has something to say; a mutant that only a long one notices deserves a test
/// of its own.
const ACTIONS: &str = "2000";
const USAGE: &str =
    "usage: cargo xtask mutants [STEP [SHARD/SHARDS]], where STEP is a folder of crates/ledger/src";

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if !shell::has("cargo", &["mutants", "--version"]) {
        bail!("cargo-mutants is not installed; run cargo install cargo-mutants --locked");
    }
    let sources = shell::root().join("crates/ledger/src");
    let known = |step: &str| sources.join(step).join("mod.rs").exists();
    let (steps, shard): (Vec<&str>, Option<&str>) = match arguments {
        [] => (STEPS.into_iter().filter(|step| known(step)).collect(), None),
        [step] if known(step) => (vec![step], None),
        [step, shard] if known(step) => (vec![step], Some(shard)),
        _ => return Err(UsageError(USAGE.to_owned()).into()),
    };
    let scores = steps.into_iter().map(|step| mutate(step, shard)).collect::<Result<Vec<Score>>>()?;
    println!();
    for score in &scores {
        println!("{score}");
    }
    match scores.iter().find(|score| !score.holds()) {
        Some(score) => bail!("less than {CAUGHT_MIN} % of the mutants of {} are caught", score.step),
        None => Ok(()),
    }
}

/// What became of the mutants of a step.
struct Score {
    step: String,
    caught: usize,
    missed: usize,
    unviable: usize,
}

impl Score {
    fn holds(&self) -> bool {
        self.caught * 100 >= (self.caught + self.missed) * CAUGHT_MIN
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { step, caught, missed, unviable } = self;
        let viable = caught + missed;
        let percent = (caught * 100).checked_div(viable).unwrap_or(100);
        write!(
            formatter,
            "{step}: {caught} of {viable} caught ({percent} %), {missed} missed, {unviable} do not compile"
        )
    }
}

fn mutate(step: &str, shard: Option<&str>) -> Result<Score> {
    let out = shell::target_dir().join("mutants-of").join(step);
    let mut command = shell::cargo();
    command.args(["mutants", "--package", "openledger-ledger"]);
    command.args(["--file", &format!("crates/ledger/src/{step}/**/*.rs")]);
    command.arg("--output").arg(&out);
    if let Some(shard) = shard {
        command.args(["--shard", shard]);
    }
    command.args(["--", "-E", &format!("test({step}::) or test(proofs::) or test(rules::)")]);
    command.env("OPENLEDGER_ACTIONS", ACTIONS).env("PROPTEST_CASES", "24");
    // It ends with an error when a mutant is missed or takes too long; the outcomes say which.
    let ended = command.status().context("cargo mutants could not be started")?;
    read(step, &out.join("mutants.out")).with_context(|| format!("cargo mutants ended with {ended}"))
}

fn read(step: &str, out: &Path) -> Result<Score> {
    let path = out.join("outcomes.json");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let outcomes: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let count = |name: &str| {
        let count = outcomes[name].as_u64().and_then(|count| usize::try_from(count).ok());
        count.with_context(|| format!("{} has no number {name:?}", path.display()))
    };
    // A mutant that makes the tests run out of time was noticed as well.
    let caught = count("caught")? + count("timeout")?;
    let score =
        Score { step: step.to_owned(), caught, missed: count("missed")?, unviable: count("unviable")? };
    if score.caught + score.missed == 0 {
        bail!("no mutant of {step} was tested; do the tests pass without one?");
    }
    let missed = std::fs::read_to_string(out.join("missed.txt")).unwrap_or_default();
    missed.lines().for_each(|line| println!("missed: {line}"));
    Ok(score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_hold() {
        let score = |caught, missed| Score { step: "escrow".into(), caught, missed, unviable: 3 };
        assert!(score(9, 1).holds() && !score(89, 11).holds());
        assert_eq!(score(9, 1).to_string(), "escrow: 9 of 10 caught (90 %), 1 missed, 3 do not compile");
    }
}
