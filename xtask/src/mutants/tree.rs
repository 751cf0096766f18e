//! A copy of the workspace with every mutant woven in, compiled to one test binary.
//!
//! The copy lies in the target directory and is written only where it differs, so that the next run compiles little.
//! What does not compile is taken out by the places of the errors, and remembered. Absent: the working tree is never
//! touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::list::Mutant;
use super::weave::{Woven, weave};
use crate::shell;

/// The switch, at the end of the woven crate's root.
const SWITCH: &str = include_str!("switch.rs");
const CRATE_ROOT: &str = "crates/ledger/src/lib.rs";
/// Errors hide others: so often is compiled at most.
const ROUNDS_MAX: usize = 12;

/// The test binary, and what is not in it.
pub(crate) struct Tree {
    pub(crate) binary: PathBuf,
    /// Where tests run.
    pub(crate) directory: PathBuf,
    pub(crate) unviable: BTreeSet<usize>,
    pub(crate) left_out: BTreeSet<usize>,
}

pub(crate) fn build(mutants: &[Mutant]) -> Result<Tree> {
    let home = shell::target_dir().join("mutants-woven");
    let root = home.join("tree");
    copy(&root)?;
    let remembered = home.join("unviable.txt");
    let known = fs::read_to_string(&remembered).unwrap_or_default();
    let known: BTreeSet<&str> = known.lines().collect();
    let id = |mutant: &Mutant| {
        let text = fs::read_to_string(shell::root().join(&mutant.file)).unwrap_or_default();
        format!("{:08x} {}", sum(&text), mutant.name)
    };
    let ids: BTreeMap<usize, String> = mutants.iter().map(|mutant| (mutant.number, id(mutant))).collect();
    let mut unviable: BTreeSet<usize> = BTreeSet::new();
    unviable.extend(ids.iter().filter(|(_, id)| known.contains(id.as_str())).map(|(number, _)| number));
    for _ in 0..ROUNDS_MAX {
        let files = write(&root, mutants, &unviable)?;
        match compile(&root, &files)? {
            Compiled::Binary(binary) => {
                let left_out = files.values().flat_map(|woven| woven.left_out.iter().copied()).collect();
                let directory = root.join("crates/ledger");
                return Ok(Tree { binary, directory, unviable, left_out });
            }
            Compiled::Wrong(wrong) => {
                println!("{} mutants do not compile", unviable.len() + wrong.len());
                unviable.extend(wrong);
                let lines: Vec<&str> = unviable.iter().map(|number| ids[number].as_str()).collect();
                fs::write(&remembered, lines.join("\n"))?;
            }
        }
    }
    bail!("the woven tree does not compile after {ROUNDS_MAX} rounds")
}

/// Tells texts apart.
fn sum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Every file of the workspace as it stands.
fn copy(root: &Path) -> Result<()> {
    let mut git = std::process::Command::new("git");
    git.current_dir(shell::root()).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listed = shell::output(&mut git)?;
    for name in listed.lines() {
        let from = shell::root().join(name);
        // What is deleted and not committed is still listed.
        if from.is_file() && !(name.starts_with("crates/ledger/src") && name.ends_with(".rs")) {
            put(&root.join(name), &fs::read(&from)?)?;
        }
    }
    Ok(())
}

/// Writes the ledger's sources, woven. Returns the files that hold mutants.
fn write(root: &Path, mutants: &[Mutant], unviable: &BTreeSet<usize>) -> Result<BTreeMap<String, Woven>> {
    let mut by_file: BTreeMap<&str, Vec<&Mutant>> = BTreeMap::new();
    for mutant in mutants.iter().filter(|mutant| !unviable.contains(&mutant.number)) {
        by_file.entry(&mutant.file).or_default().push(mutant);
    }
    let mut git = std::process::Command::new("git");
    git.current_dir(shell::root()).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let mut files = BTreeMap::new();
    for name in shell::output(git.arg("crates/ledger/src"))?.lines() {
        let from = shell::root().join(name);
        if !from.is_file() {
            continue;
        }
        let mut bytes = fs::read(&from)?;
        if let Some(mutants) = by_file.get(name) {
            let text = String::from_utf8(bytes).with_context(|| format!("{name} is not UTF-8"))?;
            let woven = weave(&text, mutants).with_context(|| format!("{name} cannot be woven"))?;
            bytes = woven.text.clone().into_bytes();
            files.insert(name.to_owned(), woven);
        } else if name == CRATE_ROOT {
            bytes.extend_from_slice(format!("\npub mod woven {{\n{SWITCH}}}\n").as_bytes());
        }
        put(&root.join(name), &bytes)?;
    }
    Ok(files)
}

fn put(to: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let parent = to.parent().context("a file lies in a folder")?;
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(to, bytes))
        .with_context(|| format!("{} cannot be written", to.display()))
}

enum Compiled {
    Binary(PathBuf),
    /// Mutants that the compiler refuses.
    Wrong(BTreeSet<usize>),
}

fn compile(root: &Path, files: &BTreeMap<String, Woven>) -> Result<Compiled> {
    let mut command = shell::cargo();
    command.current_dir(root).args(["test", "--package", "openledger-ledger", "--lib", "--no-run"]);
    command.args(["--profile", "mutants", "--message-format", "json"]).stderr(Stdio::inherit());
    command.env("CARGO_TARGET_DIR", shell::target_dir());
    let output = command.output().context("cargo could not be started")?;
    let (mut wrong, mut text, mut binary) = (BTreeSet::new(), String::new(), None);
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        if let Some(path) = message["executable"].as_str() {
            binary = Some(PathBuf::from(path));
        }
        if message["message"]["level"] == "error" {
            wrong.extend(blamed(&message["message"], files));
            text.push_str(message["message"]["rendered"].as_str().unwrap_or_default());
        }
    }
    match binary {
        Some(binary) if output.status.success() => Ok(Compiled::Binary(binary)),
        _ if wrong.is_empty() => bail!("the woven tree does not compile, and no mutant is to blame:\n{text}"),
        _ => Ok(Compiled::Wrong(wrong)),
    }
}

/// The mutants in whose text an error lies.
fn blamed(error: &Value, files: &BTreeMap<String, Woven>) -> BTreeSet<usize> {
    let mut wrong = BTreeSet::new();
    for span in error["spans"].as_array().into_iter().flatten() {
        let file = span["file_name"].as_str().and_then(|name| files.get(name));
        let end = |name: &str| span[name].as_u64().and_then(|at| usize::try_from(at).ok());
        let (Some(woven), Some(start), Some(end)) = (file, end("byte_start"), end("byte_end")) else {
            continue;
        };
        let within = |place: &std::ops::Range<usize>| place.start <= start && end <= place.end;
        wrong.extend(woven.places.iter().filter(|(_, place)| within(place)).map(|(number, _)| *number));
    }
    wrong
}
