//! `openledger index`: the attribution index by itself, on plain files and without a network.
//!
//! `build` makes a folder of segments (`input`, `read`, `table`, `build`), `attribute` searches it (`attribute`, `report`,
//! `show`), `revoke` takes texts out of it (`revoke`), `status` and `verify` say what it is (`status`). Absent: merging
//! segments.

mod attribute;
mod build;
mod folder;
mod input;
mod manifest;
mod read;
mod report;
mod revoke;
mod show;
mod status;
mod table;

use anyhow::Result;
pub use folder::segments_in;

use super::Session;
use crate::cli::IndexCommand;

pub fn run(session: &Session, command: IndexCommand) -> Result<()> {
    match command {
        IndexCommand::Build(arguments) => build::build(session, &arguments),
        IndexCommand::Attribute { index, text, batch } => attribute::run(session, &index, &text, batch),
        IndexCommand::Status { index } => status::status(session, &index),
        IndexCommand::Revoke { index, ids } => revoke::run(session, &index, &ids),
        IndexCommand::Verify { index } => status::verify(session, &index),
    }
}
