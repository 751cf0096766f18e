//! `openledger index revoke`: texts taken out of a folder's index, for every search that begins from then on.
//!
//! The manifest names them, and replacing it is the durable point. Segments are not changed, so the texts stay in their
//! files until the index is built anew; copies that a build left out are not there to take their place.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};
use openledger_attribution::ContributionId;
use serde_json::json;

use super::folder::{self, Building, shown_root};
use crate::commands::Session;

pub fn run(session: &Session, path: &Path, ids: &[ContributionId]) -> Result<()> {
    folder::manifest(path)?;
    let mut folder = Building::open(path, false)?;
    let opened = folder::open(path)?;
    let wanted: BTreeSet<ContributionId> = ids.iter().copied().collect();
    let (mut found, mut revoked) = (BTreeSet::new(), 0u64);
    for segment in opened.index.segments() {
        let held = (0u32..).zip(segment.contributions()).filter(|(_, id)| wanted.contains(id));
        for (document, id) in held {
            found.insert(id);
            let gone = folder.manifest.revoked.entry(segment.datanet().to_owned()).or_default();
            revoked += u64::from(gone.insert(document));
        }
    }
    if let Some(unknown) = wanted.difference(&found).next() {
        bail!(
            "{unknown} is not in {}, so nothing was revoked; `openledger index attribute --json` names contributions, and of \
             equal texts in one segment the first alone is in it",
            path.display()
        );
    }
    folder.save()?;
    let root = shown_root(folder::open(path)?.index.root());
    if session.json {
        session.print_json(&json!({ "index": path, "revoked": revoked, "root": root }));
    } else {
        println!("{}: {revoked} documents revoked, root {root}", path.display());
    }
    Ok(())
}
