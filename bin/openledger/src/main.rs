//! One binary: every role of a node, and the command line.
//!
//! Exit codes: 0 done, 1 failed (the message says what, why and what next), 2 wrong usage, or an audit that found nothing out.
#![allow(unreachable_pub, reason = "a binary has no outside; pub says that other modules use it")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks on the terminal")]

mod cli;
mod commands;
mod commitments;
mod files;
mod genesis;
mod keystore;
mod layout;
mod models;
mod node;
mod operator;
mod output;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::cli::{Cli, Command};
use crate::commands::Session;
use crate::commands::audit::CannotCheck;

fn main() -> ExitCode {
    end_quietly_without_a_reader();
    let cli = Cli::parse();
    start_logging();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::from(error)),
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn run(cli: Cli) -> Result<()> {
    let session = Session::new(&cli)?;
    match cli.command {
        Command::Up(arguments) => commands::up::run(&session, arguments).await,
        Command::Node { config } => commands::up::run_config(session, &config).await,
        Command::Ask(arguments) => commands::ask::run(&session, arguments).await,
        Command::Receipt(command) => commands::receipt::run(&session, command).await,
        Command::Audit(command) => commands::audit::run(&session, command).await,
        Command::Datanet(command) => commands::datanet::run(&session, command).await,
        Command::Model(command) => commands::model::run(&session, command).await,
        Command::Index(command) => commands::index::run(&session, command),
        Command::Account(command) => commands::account::run(&session, command).await,
        Command::Sim(command) => commands::sim::run(&session, command).await,
        Command::Ledger(command) => commands::ledger::run(&session, command).await,
        Command::Keys(command) => commands::keys::run(&session, command).await,
    }
}

/// `openledger … | head` ends like any other program whose reader has left.
fn end_quietly_without_a_reader() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let printing = panic.payload_as_str().is_some_and(|text| {
            text.starts_with("failed printing to stdout") && text.contains("Broken pipe")
        });
        if printing {
            std::process::exit(BROKEN_PIPE);
        }
        told(panic);
    }));
}

/// The exit code of a program that SIGPIPE ended.
const BROKEN_PIPE: i32 = 141;

/// The exit code of an audit that found nothing out.
const CANNOT_CHECK: u8 = 2;

/// What is logged unless `RUST_LOG` says otherwise. The store warns of every new and empty file.
const LOGGED: &str = "warn,commonware_storage=error,openledger=info";

/// Logs go to standard error; `RUST_LOG` chooses what.
fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(LOGGED));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    logs.with_ansi(std::io::stderr().is_terminal()).compact().init();
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    if error.is::<CannotCheck>() { ExitCode::from(CANNOT_CHECK) } else { ExitCode::FAILURE }
}
