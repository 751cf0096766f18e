//! `openledger audit`: an answer computed again, and compared with what its provider committed to; or, of an engine behind HTTP,
//! followed by the weights that its operator names.
//!
//! Exit codes: 0 all that was looked at is as committed to, 1 something differs, 2 nothing was found out (the message says why).
//! Absent: what a difference costs; the ledger's audits and challenges say that (decision 0014).

mod claim;
mod consistent;
mod picture;
mod replay;

use std::fmt;

use anyhow::{Result, anyhow, bail};
use openledger_inference::ConsistencyVerdict;

use self::claim::Read;
use super::{Session, receipt};
use crate::cli::{AuditCommand, ReplayArguments};

/// Said when nothing was found out, neither for nor against the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CannotCheck;

impl fmt::Display for CannotCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("nothing was found out")
    }
}

pub async fn run(session: &Session, command: AuditCommand) -> Result<()> {
    let AuditCommand::Replay(arguments) = command;
    let nothing = |error: anyhow::Error| error.context(CannotCheck);
    let network = arguments.network.clone().unwrap_or_else(|| session.dir.join("network.json"));
    let identity = receipt::read_identity(&network).map_err(nothing)?;
    let client = session.client(None);
    let found = match claim::read(&arguments.file, &identity, &client).await.map_err(nothing)? {
        Read::Named(named) => {
            let found = consistent::run(&arguments, named).await.map_err(nothing)?;
            return told(session, &arguments, &found);
        }
        Read::Claimed(claimed) => replay::run(&client, &arguments, claimed).await.map_err(nothing)?,
        Read::Refused(check) => replay::Found::refused(&arguments.file, check),
    };
    if session.json {
        session.print_json(&found.to_json());
    } else {
        picture::print(session, &found);
    }
    if found.is_equal() {
        return Ok(());
    }
    bail!("{} does not hold: {}", arguments.file.display(), found.verdict())
}

/// Prints what was found about an answer that can be consistent at best.
fn told(session: &Session, arguments: &ReplayArguments, found: &consistent::Found) -> Result<()> {
    if session.json {
        session.print_json(&found.to_json());
    } else {
        found.print(session.paint);
    }
    let said = anyhow!("{}: {}", arguments.file.display(), found.said());
    match found.verdict() {
        ConsistencyVerdict::Consistent => Ok(()),
        ConsistencyVerdict::Inconsistent => Err(said),
        ConsistencyVerdict::Undecided => Err(said.context(CannotCheck)),
    }
}
