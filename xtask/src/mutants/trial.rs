//! Switches a mutant on and runs the tests that reach it, the quickest first, until one fails.
//!
//! Which test reaches which mutant is noted once per binary, while each test runs alone and without a mutant; a test
//! that fails then is left out and named. Absent: a test that would catch a mutant only in a longer history than `ACTIONS`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::list::Mutant;
use super::tree::Tree;
use crate::shell;

/// The shortest histories in which every invariant has something to say; a mutant that only a long one notices deserves a test
/// of its own.
const ACTIONS: &str = "2000";
const CASES: &str = "24";
/// A mutant may loop forever: it is stopped after this, and after ten times what its tests take.
const PATIENCE: Duration = Duration::from_secs(30);
/// A mutant may ask for memory forever, in KiB.
const MEMORY_MAX: &str = "6000000";

/// Tests that take less are run together.
const QUICK: Duration = Duration::from_millis(500);

/// A test that passes without a mutant.
#[derive(Debug)]
pub(crate) struct Test {
    name: String,
    takes: Duration,
    reaches: BTreeSet<usize>,
}

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Caught,
    /// Stopped: it was noticed as well.
    Stopped,
    Missed,
    /// Missed, because no test comes by.
    Unreached,
}

impl Outcome {
    pub(crate) fn is_noticed(self) -> bool {
        matches!(self, Self::Caught | Self::Stopped)
    }
}

/// The tests of a tree.
pub(crate) struct Tests<'a> {
    tree: &'a Tree,
    names: Vec<String>,
    notes: PathBuf,
}

impl<'a> Tests<'a> {
    pub(crate) fn of(tree: &'a Tree) -> Result<Self> {
        let listed = shell::output(command(tree).args(["--list", "--format", "terse"]))?;
        let names =
            listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect();
        Ok(Self { tree, names, notes: notes(&tree.binary)? })
    }

    /// The tests of a step, or all others, the quickest first.
    pub(crate) fn load(&self, step: &str, own: bool) -> Result<Vec<Test>> {
        let mut tests = Vec::new();
        for name in self.names.iter().filter(|name| name.starts_with(&format!("{step}::")) == own) {
            match self.reach(name, &self.notes.join(name.replace("::", ".")))? {
                Some(test) => tests.push(test),
                None => println!("left out, fails without a mutant: {name}"),
            }
        }
        tests.sort_by_key(|test| test.takes);
        Ok(tests)
    }

    /// Runs a test without a mutant, unless it is noted how that went.
    fn reach(&self, name: &str, note: &Path) -> Result<Option<Test>> {
        if !note.exists() {
            let reached = note.with_extension("reached");
            let started = Instant::now();
            let mut command = command(self.tree);
            command.args(["--exact", name]).env("OPENLEDGER_REACHED", &reached);
            let passes = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success();
            let takes = started.elapsed().as_micros();
            let reached = fs::read_to_string(&reached).unwrap_or_default();
            fs::write(note, format!("{passes} {takes}\n{reached}"))?;
        }
        let text = fs::read_to_string(note)?;
        let (head, reached) = text.split_once('\n').context("a note without a head")?;
        let (passes, takes) = head.split_once(' ').context("a head without a time")?;
        let reaches = reached.lines().map(str::parse).collect::<Result<_, _>>()?;
        let takes = Duration::from_micros(takes.parse()?);
        Ok((passes == "true").then(|| Test { name: name.to_owned(), takes, reaches }))
    }

    /// What these tests say about a mutant.
    pub(crate) fn run(&self, mutant: &Mutant, tests: &[Test]) -> Result<Outcome> {
        let reach = tests.iter().filter(|test| test.reaches.contains(&mutant.number));
        let (quick, slow): (Vec<&Test>, Vec<&Test>) = reach.partition(|test| test.takes < QUICK);
        let batches = [quick].into_iter().chain(slow.into_iter().map(|test| vec![test]));
        let mut outcome = Outcome::Unreached;
        for batch in batches.filter(|batch| !batch.is_empty()) {
            outcome = self.batch(mutant, &batch)?;
            if outcome != Outcome::Missed {
                break;
            }
        }
        Ok(outcome)
    }

    fn batch(&self, mutant: &Mutant, tests: &[&Test]) -> Result<Outcome> {
        let patience = PATIENCE + tests.iter().map(|test| test.takes).sum::<Duration>() * 10;
        let mut command = command(self.tree);
        command.arg("--exact").args(tests.iter().map(|test| &test.name));
        command.env("OPENLEDGER_MUTANT", mutant.number.to_string());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let failed = first_failure(&mut child);
        let outcome = match failed.recv_timeout(patience) {
            Ok(()) => Outcome::Caught,
            Err(mpsc::RecvTimeoutError::Timeout) => Outcome::Stopped,
            // The output ended without a failure, or the process died of one.
            Err(mpsc::RecvTimeoutError::Disconnected) => match child.wait()?.success() {
                true => Outcome::Missed,
                false => Outcome::Caught,
            },
        };
        let _ = child.kill();
        child.wait()?;
        Ok(outcome)
    }
}

/// Says when a line of the output tells of a failed test; hangs up when the output ends.
fn first_failure(child: &mut Child) -> mpsc::Receiver<()> {
    let (send, receive) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            if lines.any(|line| line.ends_with("FAILED")) {
                let _ = send.send(());
            }
        });
    }
    receive
}

fn command(tree: &Tree) -> Command {
    let mut command = Command::new("sh");
    command.current_dir(&tree.directory);
    command.args(["-c", &format!("ulimit -v {MEMORY_MAX}; exec \"$0\" \"$@\"")]).arg(&tree.binary);
    command.arg("--test-threads=1").env("OPENLEDGER_ACTIONS", ACTIONS).env("PROPTEST_CASES", CASES);
    command
}

/// Where it is noted what the tests of this binary reach.
fn notes(binary: &Path) -> Result<PathBuf> {
    let folder = shell::target_dir().join("mutants-woven").join("notes");
    let stamp = folder.join("binary");
    let built = format!("{} {:?}", binary.display(), fs::metadata(binary)?.modified()?);
    if fs::read_to_string(&stamp).is_ok_and(|noted| noted == built) {
        return Ok(folder);
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    fs::write(&stamp, built)?;
    Ok(folder)
}
