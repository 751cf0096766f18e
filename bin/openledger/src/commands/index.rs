//! `openledger index`: the attribution index by itself, on plain files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use openledger_attribution::{Index, Segment, attribute};
use openledger_datanet::{ParseOptions, number, parse_json_lines};
use serde_json::json;

use super::Session;
use crate::cli::IndexCommand;
use crate::commands::datanet::progress_bar;
use crate::files;

/// Bytes of a text that is attributed.
const TEXT_BYTES_MAX: u64 = 16 * 1024 * 1024;

pub fn run(session: &Session, command: IndexCommand) -> Result<()> {
    match command {
        IndexCommand::Build { input, out } => build(session, &input, &out),
        IndexCommand::Attribute { index, text } => attribute_text(&index, &text),
    }
}

fn build(session: &Session, input: &[PathBuf], out: &Path) -> Result<()> {
    let inputs = input_files(input)?;
    fs::create_dir_all(out).with_context(|| format!("{} cannot be created", out.display()))?;
    refuse_foreign(&inputs, out)?;
    let bar = progress_bar("indexing");
    bar.set_length(inputs.len() as u64);
    // A text that two files hold belongs to the file whose name comes first, as if its lines had been committed before.
    let mut sequence = 0;
    for (name, file) in &inputs {
        let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let options = ParseOptions { default_license: Some("unstated".into()), default_source: name.clone() };
        let contributions = parse_json_lines(&bytes, &options)
            .with_context(|| format!("{} was not indexed", file.display()))?;
        let documents = contributions.len();
        let segment = Segment::build(name, &number(contributions, sequence))?;
        sequence += documents as u64;
        let path = segment_path(out, name);
        files::write(&path, segment.as_bytes())?;
        bar.inc(1);
        let (words, root) = (segment.word_count(), hex::encode(segment.root()));
        if session.json {
            let built = json!({ "segment": path, "documents": documents, "words": words, "root": root });
            session.print_json(&built);
        } else {
            let line = format!("{}: {documents} documents, {words} words, root {root}", path.display());
            bar.suspend(|| println!("{line}"));
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// The files of `input` by the names of their segments. A folder stands for its `.jsonl` files.
fn input_files(input: &[PathBuf]) -> Result<BTreeMap<String, PathBuf>> {
    let mut named: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in input {
        let mut files = vec![path.clone()];
        if path.is_dir() {
            let entries = fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?;
            files = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
            files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
        }
        for file in files {
            let name = segment_name(&file)?;
            if let Some(other) = named.insert(name.clone(), file.clone()) {
                if other == file {
                    continue;
                }
                bail!(
                    "{} and {} would both become {name}.segment; rename one",
                    other.display(),
                    file.display()
                );
            }
        }
    }
    if named.is_empty() {
        bail!("there are no .jsonl files in what --input names");
    }
    Ok(named)
}

/// Segments of an earlier build would silently be part of the index.
fn refuse_foreign(files: &BTreeMap<String, PathBuf>, out: &Path) -> Result<()> {
    let ours: BTreeSet<PathBuf> = files.keys().map(|name| segment_path(out, name)).collect();
    match segment_files(out)?.into_iter().find(|file| !ours.contains(file)) {
        None => Ok(()),
        Some(other) => {
            bail!("{} is of another build; remove it or name another folder with --out", other.display())
        }
    }
}

fn segment_path(out: &Path, name: &str) -> PathBuf {
    out.join(format!("{name}.segment"))
}

/// A segment is named like its file: letters, digits and dashes.
fn segment_name(file: &Path) -> Result<String> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name: String = stem
        .to_lowercase()
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
        .take(64)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() {
        bail!("{} has no ASCII letter or digit in its name; rename it", file.display());
    }
    Ok(name.to_owned())
}

fn attribute_text(index: &Path, text: &Path) -> Result<()> {
    let mut segments = Vec::new();
    let files = segment_files(index)?;
    if files.is_empty() {
        bail!("{} holds no index; build it with `openledger index build`", index.display());
    }
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let segment = Segment::open(Arc::new(bytes))
            .with_context(|| format!("{} is damaged; build the index again", file.display()))?;
        segments.push(Arc::new(segment));
    }
    let index = Index::join(segments)?;
    let output = read_text(text)?;
    let begun = Instant::now();
    let attribution = attribute(&output, &index)?;
    let mut value = serde_json::to_value(&attribution)?;
    value["micros"] = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX).into();
    println!("{value}");
    Ok(())
}

fn segment_files(index: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(index).with_context(|| {
        format!("{} cannot be read; build it with `openledger index build`", index.display())
    })?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|file| file.extension().is_some_and(|extension| extension == "segment"))
        .collect();
    files.sort();
    Ok(files)
}

fn read_text(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(TEXT_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(TEXT_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("{} cannot be read", path.display()))?;
    if bytes.len() as u64 > TEXT_BYTES_MAX {
        bail!("{} is longer than {TEXT_BYTES_MAX} bytes; attribute it in parts", path.display());
    }
    String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8", path.display()))
}
