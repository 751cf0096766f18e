//! `openledger audit`: an answer computed again, and compared with what its provider committed to.
//!
//! Exit codes: 0 all that was looked at is as committed to, 1 something differs, 2 nothing was found out (the message says why).
//! Absent: what a difference costs; the ledger's audits and challenges say that (decision 0014).

mod claim;
mod picture;
mod replay;

use std::fmt;

use anyhow::{Result, bail};

use super::Session;
use crate::cli::AuditCommand;

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
    let found = replay::run(session, &arguments).await.map_err(|error| error.context(CannotCheck))?;
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
