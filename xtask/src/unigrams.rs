//! `cargo xtask unigrams`: makes the table of words that attribution weighs by (`crates/attribution/data/README.md`).
//! Absent: the counting, which an example of that crate does with the splitter itself.

use anyhow::Result;

use crate::{UsageError, shell};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (mut input, mut out) = (None, None);
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--input" => input = Some(value),
            [name, value] if name == "--out" => out = Some(value),
            _ => return Err(usage()),
        }
    }
    let (Some(input), Some(out)) = (input, out) else { return Err(usage()) };
    let mut count = shell::cargo();
    count.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "openledger-attribution",
        "--example",
        "unigrams",
    ]);
    shell::run(count.arg("--").arg(input).arg(out))
}

fn usage() -> anyhow::Error {
    UsageError("usage: cargo xtask unigrams --input CORPUS.jsonl --out FILE".to_owned()).into()
}
