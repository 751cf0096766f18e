//! `cargo xtask mutants [STEP [SHARD/SHARDS | NAME]] [--own]`: breaks the rules of the ledger one at a time and looks
//! whether a test notices.
//!
//! A step is a folder of `crates/ledger/src`. What can be broken is the list of cargo-mutants. All of it is woven into one
//! test binary in which a mutant is switched on, so that the ledger is compiled once and not once per mutant; the tests
//! of the crate that reach a mutant run against it. What they miss is listed, and a step of which less than nine tenths
//! are caught is an error. The settings are in `.cargo/mutants.toml`.
//!
//! Absent: mutants of other crates, and of what is only text for people.

mod list;
mod nodes;
mod tree;
mod trial;
mod weave;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::{UsageError, shell};
use list::Mutant;
use trial::{Outcome, Tests};

/// The steps that decide about money, in the order of the flow.
const STEPS: [&str; 5] = ["settlement", "escrow", "reputation", "audits", "governance"];
/// The part of the mutants that tests must catch, in percent.
const CAUGHT_MIN: usize = 90;
const USAGE: &str = "usage: cargo xtask mutants [STEP [SHARD/SHARDS | NAME]] [--own], where STEP is a folder of \
    crates/ledger/src, 0/8 is an eighth of its mutants, evenly spread, and NAME is a part of a mutant's name; \
    --own runs the step's own tests only";

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let only_own = arguments.last().is_some_and(|last| last == "--own");
    let arguments = arguments.get(..arguments.len() - usize::from(only_own)).unwrap_or_default();
    if !shell::has("cargo", &["mutants", "--version"]) {
        bail!("cargo-mutants is not installed; run cargo install cargo-mutants --locked");
    }
    let (step, part) = match arguments {
        [] => (None, Part::All),
        [step] => (Some(step.as_str()), Part::All),
        [step, part] => (Some(step.as_str()), Part::read(part)?),
        _ => return Err(UsageError(USAGE.to_owned()).into()),
    };
    let known = |step: &str| shell::root().join("crates/ledger/src").join(step).join("mod.rs").exists();
    if step.is_some_and(|step| !known(step)) {
        return Err(UsageError(USAGE.to_owned()).into());
    }
    // All five are woven whichever is asked for: the next run then compiles nothing.
    let other = step.into_iter().filter(|step| !STEPS.contains(step));
    let woven: Vec<&str> = STEPS.into_iter().chain(other).collect();
    let mutants = list::of_steps(&woven)?;
    let tree = tree::build(&mutants)?;
    let tests = Tests::of(&tree)?;
    let asked: Vec<&str> = woven.into_iter().filter(|name| step.is_none_or(|step| step == *name)).collect();
    let mut scores = Vec::new();
    for step in asked {
        let of_step: Vec<&Mutant> = mutants.iter().filter(|mutant| mutant.step == step).collect();
        scores.push(Score::of(step, &part.of(&of_step), &tree, &tests, only_own)?);
    }
    println!();
    for score in &scores {
        println!("{score}");
    }
    match scores.iter().find(|score| !score.holds()) {
        Some(score) => bail!("less than {CAUGHT_MIN} % of the mutants of {} are caught", score.step),
        None => Ok(()),
    }
}

/// Which mutants of a step are tried.
enum Part {
    All,
    /// Every so manieth, from this one.
    Shard(usize, usize),
    /// Those whose name contains this.
    Named(String),
}

impl Part {
    fn read(text: &str) -> Result<Self> {
        let Some((shard, shards)) = text.split_once('/').filter(|(shard, _)| shard.parse::<usize>().is_ok())
        else {
            return Ok(Self::Named(text.to_owned()));
        };
        match (shard.parse(), shards.parse()) {
            (Ok(shard), Ok(shards)) if shard < shards => Ok(Self::Shard(shard, shards)),
            _ => Err(UsageError(USAGE.to_owned()).into()),
        }
    }

    fn of<'a>(&self, mutants: &[&'a Mutant]) -> Vec<&'a Mutant> {
        let all = mutants.iter().copied();
        match self {
            Self::All => all.collect(),
            Self::Shard(shard, shards) => all.skip(*shard).step_by(*shards).collect(),
            Self::Named(name) => all.filter(|mutant| mutant.name.contains(name)).collect(),
        }
    }
}

/// What became of the mutants of a step.
#[derive(Default)]
struct Score {
    step: String,
    caught: usize,
    missed: usize,
    /// Do not compile.
    unviable: usize,
    /// Cannot be switched.
    left_out: usize,
    seconds: u64,
}

impl Score {
    fn of(
        step: &str,
        mutants: &[&Mutant],
        tree: &tree::Tree,
        tests: &Tests<'_>,
        only_own: bool,
    ) -> Result<Self> {
        let mut score = Self { step: step.to_owned(), ..Self::default() };
        let started = Instant::now();
        let mut left = Vec::new();
        for mutant in mutants {
            if tree.unviable.contains(&mutant.number) {
                score.unviable += 1;
            } else if tree.left_out.contains(&mutant.number) {
                println!("left out: {}", mutant.name);
                score.left_out += 1;
            } else {
                left.push((*mutant, Outcome::Unreached));
            }
        }
        // The step's own tests see most of it, and take little.
        for own in [true, false].into_iter().take(if only_own { 1 } else { 2 }) {
            let loaded = tests.load(step, own)?;
            for (mutant, outcome) in &mut left {
                let found = tests.run(mutant, &loaded)?;
                if found == Outcome::Stopped {
                    println!("stopped: {}", mutant.name);
                }
                if found != Outcome::Unreached {
                    *outcome = found;
                }
            }
            score.caught += left.iter().filter(|(_, outcome)| outcome.is_noticed()).count();
            left.retain(|(_, outcome)| !outcome.is_noticed());
            if own {
                println!("{step}: {} caught by its own tests, {} are left", score.caught, left.len());
            }
        }
        for (mutant, outcome) in &left {
            let reached = if *outcome == Outcome::Missed { "" } else { ", no test comes by" };
            println!("missed{reached}: {}", mutant.name);
        }
        score.missed = left.len();
        score.seconds = started.elapsed().as_secs();
        Ok(score)
    }

    fn holds(&self) -> bool {
        self.caught * 100 >= (self.caught + self.missed) * CAUGHT_MIN
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { step, caught, missed, unviable, left_out, seconds } = self;
        let viable = caught + missed;
        let percent = (caught * 100).checked_div(viable).unwrap_or(100);
        write!(
            formatter,
            "{step}: {caught} of {viable} caught ({percent} %), {missed} missed, {unviable} do not compile, \
             {left_out} cannot be switched; {seconds} s"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_hold() {
        let score = |caught, missed| Score { step: "escrow".into(), caught, missed, ..Score::default() };
        assert!(score(9, 1).holds() && !score(89, 11).holds());
        let text = score(9, 1).to_string();
        assert!(text.starts_with("escrow: 9 of 10 caught (90 %), 1 missed, 0 do not compile"), "{text}");
    }
}
