//! `openledger index`: the attribution index by itself, on plain files and without a network.
//!
//! `build` makes a folder of segments (`input`, `read`, `table`, `build`), `attribute` searches it (`attribute`, `report`,
//! `show`), `status` and `verify` say what it is (`status`). Absent: taking texts out again, and merging segments.

mod attribute;
mod build;
mod folder;
mod input;
mod manifest;
mod read;
mod report;
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
        IndexCommand::Verify { index } => status::verify(session, &index),
    }
}
