//! `openledger sim`: the economy under attack, on the real ledger, without a network.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Session;
use crate::cli::SimCommand;
use crate::files;

pub async fn run(session: &Session, command: SimCommand) -> Result<()> {
    match command {
        SimCommand::List => list(session),
        SimCommand::Run { name, seeds, seed, out } => {
            let measured =
                tokio::task::spawn_blocking(move || openledger_sim::run(&name, seeds, seed)).await??;
            print(session, &measured, out.as_deref())
        }
    }
}

fn list(session: &Session) -> Result<()> {
    for scenario in openledger_sim::scenarios() {
        if session.json {
            let incident = scenario.incident().text;
            session.print_json(
                &json!({ "name": scenario.name(), "title": scenario.title(), "incident": incident }),
            );
        } else {
            println!("{:12} {}", scenario.name(), scenario.title());
        }
    }
    Ok(())
}

/// The table and, with `out`, a plot beside the numbers. A missed bar is a result and not an error.
fn print(session: &Session, report: &openledger_sim::Report, out: Option<&Path>) -> Result<()> {
    let numbers: Value = serde_json::to_value(report)?;
    if let Some(folder) = out {
        for (ending, text) in [("svg", report.svg()), ("json", format!("{numbers:#}\n"))] {
            let path = folder.join(format!("{}.{ending}", report.scenario));
            files::write(&path, text.as_bytes())
                .with_context(|| format!("{} was not written", path.display()))?;
        }
    }
    if session.json {
        session.print_json(&numbers);
    } else {
        println!("{}", report.to_table());
    }
    Ok(())
}
