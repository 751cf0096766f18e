//! `openledger index attribute`: one text, or with `--batch` one in each line of JSON, against a folder's index.
//!
//! A line that cannot be attributed gets an answer that says why, and the lines behind it are read: the exit code tells
//! that there was one. Absent: the search (`openledger-attribution`), and what the answer looks like (`report`, `show`).

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use openledger_attribution::attribute;
use openledger_attribution::parameters::OUTPUT_BYTES_MAX;
use openledger_attribution::unigrams::Unigrams;
use serde::Deserialize;
use serde_json::{Value, json};

use super::folder;
use super::report::{Directory, Report, Timings, micros};
use super::show;
use crate::commands::Session;

/// A line of a batch: JSON may write each byte as six.
const LINE_BYTES_MAX: usize = 6 * OUTPUT_BYTES_MAX + 1024;

pub fn run(session: &Session, path: &Path, text: &Path, is_batch: bool) -> Result<()> {
    let begun = Instant::now();
    let opened = folder::open(path)?;
    // The table of words unpacks itself when it is first asked, which is no part of a search.
    Unigrams::frozen();
    let directory = Directory::new(opened.index.segments());
    let asked = Asked { session, index: &opened.index, directory, open_us: micros(begun) };
    if is_batch { asked.batch(text) } else { asked.one(text) }
}

struct Asked<'a> {
    session: &'a Session,
    index: &'a openledger_attribution::Index,
    directory: Directory<'a>,
    open_us: u64,
}

/// A line of a batch.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Text(String),
    Named { id: Option<Value>, text: String },
}

impl Asked<'_> {
    fn one(&self, path: &Path) -> Result<()> {
        let output = read_text(path)?;
        let report = self.report(&output).with_context(|| format!("{} was not attributed", shown(path)))?;
        if self.session.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            show::show(self.session.paint, &output, &report, &self.directory)?;
        }
        Ok(())
    }

    fn report(&self, output: &str) -> Result<Report> {
        let begun = Instant::now();
        let attribution = attribute(output, self.index)?;
        let attribute_us = micros(begun);
        let begun_sources = Instant::now();
        let mut report = Report::of(output, attribution, self.index, &self.directory)?;
        let sources_us = micros(begun_sources);
        report.timings = Timings { open_us: self.open_us, attribute_us, sources_us, total_us: micros(begun) };
        Ok(report)
    }

    fn batch(&self, path: &Path) -> Result<()> {
        let mut reader = BufReader::new(opened(path)?);
        let (mut number, mut refused) = (0u64, 0u64);
        loop {
            let mut line = Vec::new();
            let room = LINE_BYTES_MAX as u64 + 1;
            let read = reader.by_ref().take(room).read_until(b'\n', &mut line);
            if read.with_context(|| format!("{} cannot be read", shown(path)))? == 0 {
                break;
            }
            number += 1;
            if line.len() > LINE_BYTES_MAX {
                bail!(
                    "{} line {number} is longer than {LINE_BYTES_MAX} bytes; attribute it in parts",
                    shown(path)
                );
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let answer = self.answer(&line).or_else(|error| {
                refused += 1;
                serde_json::to_string(&json!({ "line": number, "error": format!("{error:#}") }))
            });
            println!("{}", answer?);
        }
        if refused > 0 {
            bail!(
                "{refused} of {number} lines of {} could not be attributed; their answers say why",
                shown(path)
            );
        }
        Ok(())
    }

    fn answer(&self, line: &[u8]) -> Result<String> {
        let line = serde_json::from_slice(line).map_err(|error| {
            anyhow!("no text ({error}); write {{\"text\": \"…\"}}, with an \"id\" if you like")
        })?;
        let (id, text) = match line {
            Line::Text(text) => (None, text),
            Line::Named { id, text } => (id, text),
        };
        Ok(serde_json::to_string(&Report { id, ..self.report(&text)? })?)
    }
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

fn opened(path: &Path) -> Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = std::fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Box::new(file))
}

fn read_text(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let read = opened(path)?.take(OUTPUT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("{} cannot be read", shown(path)))?;
    if bytes.len() > OUTPUT_BYTES_MAX {
        bail!("{} is longer than {OUTPUT_BYTES_MAX} bytes; attribute it in parts", shown(path));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow!("{} is not UTF-8 at byte {at}; convert it", shown(path))
    })
}
