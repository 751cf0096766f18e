//! What the README's commands run: `cargo xtask demo | test | bench | fuzz | mutants | peers | unigrams | tidy`.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage.
//!
//! Rust instead of scripts, and few dependencies, so that it builds in seconds on a bare machine. Absent: any logic
//! of the network; everything goes through the `openledger` binary, as a user would.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks on the terminal")]

mod bench;
mod demo;
mod fuzz;
mod http;
mod mutants;
mod peers;
mod served;
mod shell;
mod test;
mod tidy;
mod unigrams;

use std::fmt;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask demo [--exit] [--port N] [--seed N]   the main job: a local network, questions, receipts, verification
cargo xtask demo --stop                           stop the network that a demo left running
cargo xtask test [--fast]                         all tests and lints; --fast leaves out what starts whole networks
cargo xtask bench NAME                            a benchmark: attribution [--megabytes N], build,
                                                  evidence [--windows N] [--cheats N],
                                                  inference [engine | http], ledger, load [--minutes N], sim
cargo xtask fuzz TARGET [--seconds N]             random data into a reader of what comes from outside
cargo xtask mutants [STEP [N/M | NAME]] [--own]   breaks rules of the ledger; do its tests notice?
cargo xtask unigrams --input FILE --out FILE      the table of words that attribution weighs by, from a corpus
cargo xtask peers [server | agreement | consistency]
                                                  what needs another program, llama.cpp, built if missing: tests of the
                                                  client of its server; tokens, states and likelihoods beside its own;
                                                  what its answers show of the weights that gave them
cargo xtask tidy                                  what the repository promises about itself
";

/// What was typed is not how it is used; the message says how it is.
#[derive(Debug)]
struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("demo") => demo::run(rest),
        Some("test") => test::run(rest),
        Some("bench") => bench::run(rest),
        Some("fuzz") => fuzz::run(rest),
        Some("mutants") => mutants::run(rest),
        Some("unigrams") => unigrams::run(rest),
        Some("peers") => peers::run(rest),
        Some("tidy") if rest.is_empty() => tidy::run(),
        Some("tidy") => Err(UsageError("usage: cargo xtask tidy".to_owned()).into()),
        Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(())
        }
        other => {
            eprint!(
                "{}{HELP}",
                other.map(|name| format!("unknown command {name:?}\n\n")).unwrap_or_default()
            );
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<UsageError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
