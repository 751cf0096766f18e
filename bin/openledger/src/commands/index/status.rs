//! `openledger index status` and `verify`: what a folder's index is made of, and whether it is what its texts give.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use indicatif::HumanBytes;
use serde_json::json;

use super::folder::{self, open_segment, segment_path, shown_root};
use super::manifest::SegmentLine;
use crate::commands::Session;

/// Says what the manifest says, and opens the index once to have its root.
pub fn status(session: &Session, path: &Path) -> Result<()> {
    let opened = folder::open(path)?;
    let manifest = &opened.manifest;
    let root = shown_root(opened.index.root());
    let unread: Vec<_> = manifest.inputs.iter().filter(|(_, line)| !line.is_done).collect();
    let revoked: usize = manifest.revoked.values().map(BTreeSet::len).sum();
    let documents = manifest.segments.iter().map(|line| line.documents).sum::<u64>();
    let live = documents.saturating_sub(revoked as u64);
    if session.json {
        let inputs: Vec<_> = manifest
            .inputs
            .iter()
            .map(|(path, line)| json!({ "path": path, "bytes": line.bytes, "read": line.read, "done": line.is_done }))
            .collect();
        session.print_json(&json!({
            "index": path, "root": root, "words_version": manifest.words_version,
            "segments": manifest.segments, "inputs": inputs, "live": live, "revoked": revoked,
        }));
        return Ok(());
    }
    for line in &manifest.segments {
        let SegmentLine { texts, documents, words, bytes, root, .. } = line;
        println!(
            "{}: {texts} documents, {} of them copies{}, {words} words, {}, root {root}",
            segment_path(path, &line.name).display(),
            texts.saturating_sub(*documents),
            match manifest.revoked.get(&line.name) {
                Some(gone) => format!(" and {} revoked", gone.len()),
                None => String::new(),
            },
            HumanBytes(*bytes)
        );
    }
    let done = manifest.inputs.len() - unread.len();
    let gone =
        if revoked > 0 { format!(", {live} documents live and {revoked} revoked") } else { String::new() };
    println!("{}: {} segments of {done} files{gone}, root {root}", path.display(), manifest.segments.len());
    for (file, line) in unread {
        println!(
            "{file} is read up to byte {} of {}; the same `openledger index build` goes on there",
            line.read.bytes, line.bytes
        );
    }
    Ok(())
}

/// Builds each segment again from the texts in it and compares. As slow as building, and needs no input.
pub fn verify(session: &Session, path: &Path) -> Result<()> {
    let manifest = folder::manifest(path)?;
    let mut bad = Vec::new();
    for line in &manifest.segments {
        let shown = segment_path(path, &line.name);
        let checked = open_segment(path, line)
            .and_then(|segment| segment.verify().with_context(|| format!("{} is forged", shown.display())));
        let said = checked.as_ref().err().map(|error| format!("{error:#}"));
        if session.json {
            session.print_json(
                &json!({ "segment": shown, "root": line.root, "ok": said.is_none(), "error": said }),
            );
        } else if said.is_none() {
            println!(
                "{} {}: {} words, root {}",
                session.paint.green("✓"),
                shown.display(),
                line.words,
                line.root
            );
        } else {
            println!("{} {}", session.paint.red("✗"), shown.display());
        }
        bad.extend(said);
    }
    if let Some(first) = bad.first() {
        bail!("{} of {} segments are not what their texts give: {first}", bad.len(), manifest.segments.len());
    }
    if !session.json {
        println!("{}: {} segments are what their texts give", path.display(), manifest.segments.len());
    }
    Ok(())
}
