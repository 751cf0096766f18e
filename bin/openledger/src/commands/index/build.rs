//! `openledger index build`: files into segments, one after the other, each on disk before the next begins.
//!
//! Rule: a segment holds the texts of one source from one place on, as many as fit into `--segment-megabytes`. Where it ends
//! depends on the inputs alone, so a build that was killed and goes on gives the segments that it would have given.
//! Memory: about four times the text of one segment. Absent: changing what is indexed; an input that was changed is refused.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use openledger_attribution::Builder;
use openledger_attribution::parameters::SEGMENTS_MAX;
use openledger_datanet::limits::CONTRIBUTIONS_MAX;
use openledger_datanet::{Contribution, Entry, ParseOptions, is_datanet_name};
use serde_json::json;

use super::folder::{self, Building, segment_path, shown_root};
use super::input::{self, InputFile, NAME_LENGTH_MAX};
use super::manifest::{InputLine, Position, SegmentLine};
use super::read;
use crate::cli::IndexBuildArguments;
use crate::commands::Session;
use crate::files;

pub fn build(session: &Session, arguments: &IndexBuildArguments) -> Result<()> {
    let is_name = |name: &str| is_datanet_name(name) && name.len() <= NAME_LENGTH_MAX && !name.contains('.');
    if let Some(name) = arguments.name.as_deref().filter(|name| !is_name(name)) {
        bail!("{name:?} cannot name a source; use 1 to {NAME_LENGTH_MAX} characters of a-z, 0-9, '-', '_'");
    }
    let sources = input::find(&arguments.input, &arguments.out, arguments.name.as_deref())?;
    let folder = Building::open(&arguments.out, arguments.fresh)?;
    let mut work = Work {
        session,
        folder,
        bar: bar(),
        segment_bytes: u64::from(arguments.segment_megabytes) << 20,
        is_lenient: arguments.skip_refused,
        added: 0,
        refused: 0,
    };
    let mut known = 0;
    let mut todo = Vec::new();
    for (name, mut files) in sources {
        let count = files.len();
        files = files.into_iter().filter_map(|file| work.is_new(file).transpose()).collect::<Result<_>>()?;
        known += count - files.len();
        if !files.is_empty() {
            todo.push((name, files));
        }
    }
    let left = |file: &InputFile| file.bytes.saturating_sub(work.read_of(file).bytes);
    work.bar.set_length(todo.iter().flat_map(|(_, files)| files).map(left).sum());
    for (name, files) in todo {
        let options = ParseOptions {
            default_license: Some(arguments.license.clone()),
            default_source: name.clone(),
            default_authors: arguments.author.clone(),
            default_id: None,
        };
        work.source(&name, &files, &options)?;
    }
    work.bar.finish_and_clear();
    work.finish(known)
}

/// The texts of a segment that is not full yet.
struct Part {
    builder: Builder,
    name: String,
    texts: u64,
    text_bytes: u64,
}

struct Work<'a> {
    session: &'a Session,
    folder: Building,
    bar: ProgressBar,
    segment_bytes: u64,
    /// Whether what is refused is passed over.
    is_lenient: bool,
    added: u64,
    refused: u64,
}

impl Work<'_> {
    fn read_of(&self, file: &InputFile) -> Position {
        self.folder.manifest.inputs.get(&key(file)).map_or_else(Position::default, |line| line.read)
    }

    /// The file, unless it has been indexed.
    fn is_new(&self, file: InputFile) -> Result<Option<InputFile>> {
        let Some(line) = self.folder.manifest.inputs.get(&key(&file)) else { return Ok(Some(file)) };
        if (line.bytes, line.modified_us) != (file.bytes, file.modified_us) {
            bail!(
                "{} was changed since {} took it in; index it into another folder, or all of it anew with --fresh",
                file.path.display(),
                self.folder.path.display()
            );
        }
        Ok((!line.is_done).then_some(file))
    }

    /// Reads a source to its end.
    fn source(&mut self, name: &str, files: &[InputFile], options: &ParseOptions) -> Result<()> {
        let mut part: Option<Part> = None;
        let mut read: BTreeMap<String, InputLine> = BTreeMap::new();
        for file in files {
            let mut reader = match read::open(file, self.read_of(file), options) {
                Ok(reader) => reader,
                Err(cause) => {
                    self.refuse(cause)?;
                    continue;
                }
            };
            loop {
                let before = reader.position();
                let Some(found) = reader.next()? else { break };
                self.bar.inc(reader.position().bytes.saturating_sub(before.bytes));
                let contribution = match found {
                    Ok(contribution) => contribution,
                    Err(cause) => {
                        self.refuse(cause)?;
                        continue;
                    }
                };
                if part.as_ref().is_some_and(|part| self.is_full(part, &contribution)) {
                    read.insert(key(file), input_line(file, before, false));
                    self.write(part.take(), &mut read)?;
                }
                let open = match part.take() {
                    Some(open) => open,
                    None => self.new_part(name)?,
                };
                self.add(part.insert(open), contribution)?;
            }
            read.insert(key(file), input_line(file, reader.position(), true));
        }
        self.write(part, &mut read)
    }

    fn refuse(&mut self, cause: anyhow::Error) -> Result<()> {
        if !self.is_lenient {
            bail!("{cause:#}; mend it or pass over such with --skip-refused, and run this again: it goes on");
        }
        self.refused += 1;
        if self.refused <= 10 {
            self.bar.suspend(|| eprintln!("passed over: {cause:#}"));
        }
        Ok(())
    }

    fn is_full(&self, part: &Part, next: &Contribution) -> bool {
        part.text_bytes + next.text.len() as u64 > self.segment_bytes
            || part.texts == CONTRIBUTIONS_MAX as u64
    }

    fn new_part(&self, source: &str) -> Result<Part> {
        let name = self.folder.manifest.next_name(source);
        let count = self.folder.manifest.segments.len();
        if count >= SEGMENTS_MAX {
            bail!(
                "the index has {count} segments, and {name} would be one more than it may have; put small files together \
                 with --name, make segments larger with --segment-megabytes, or build a second index"
            );
        }
        Ok(Part { builder: Builder::new(&name)?, name, texts: 0, text_bytes: 0 })
    }

    fn add(&mut self, part: &mut Part, contribution: Contribution) -> Result<()> {
        part.text_bytes += contribution.text.len() as u64;
        part.texts += 1;
        let manifest = &mut self.folder.manifest;
        let entry = Entry { sequence: manifest.next_sequence, contribution };
        manifest.next_sequence += 1;
        Ok(part.builder.add(&entry)?)
    }

    /// Puts a segment on disk, and then into the manifest with what was read for it.
    fn write(&mut self, part: Option<Part>, read: &mut BTreeMap<String, InputLine>) -> Result<()> {
        if let Some(Part { builder, name, texts, .. }) = part {
            self.bar.set_message(format!("sorting {name}"));
            let segment = builder.finish()?;
            let path = segment_path(&self.folder.path, &name);
            files::write(&path, segment.as_bytes())?;
            let line = SegmentLine {
                name,
                texts,
                documents: segment.document_count() as u64,
                words: segment.word_count() as u64,
                bytes: segment.as_bytes().len() as u64,
                root: shown_root(segment.root()),
            };
            self.say(&path, &line);
            self.folder.manifest.segments.push(line);
            self.added += 1;
            self.bar.set_message("indexing");
        }
        self.folder.manifest.inputs.append(read);
        self.folder.save()
    }

    fn say(&self, path: &std::path::Path, line: &SegmentLine) {
        let SegmentLine { texts, documents, words, root, .. } = line;
        let copies = texts - documents;
        if self.session.json {
            let built = json!({ "segment": path, "documents": texts, "copies": copies, "words": words, "root": root });
            self.bar.suspend(|| self.session.print_json(&built));
        } else {
            let text = format!(
                "{}: {texts} documents, {copies} of them copies, {words} words, root {root}",
                path.display()
            );
            self.bar.suspend(|| println!("{text}"));
        }
    }

    fn finish(self, known: usize) -> Result<()> {
        let path: &PathBuf = &self.folder.path;
        let manifest = &self.folder.manifest;
        if self.refused > 0 {
            eprintln!("{} texts were refused and passed over", self.refused);
        }
        if manifest.segments.is_empty() {
            bail!("{}: no text with a word is in what --input names", path.display());
        }
        let root = shown_root(folder::open(path)?.index.root());
        let sum = |of: fn(&SegmentLine) -> u64| manifest.segments.iter().map(of).sum::<u64>();
        let (documents, words, bytes) =
            (sum(|line| line.texts), sum(|line| line.words), sum(|line| line.bytes));
        if self.session.json {
            self.session.print_json(&json!({
                "index": path, "root": root, "segments": manifest.segments.len(), "added": self.added,
                "documents": documents, "words": words, "bytes": bytes, "known_files": known, "refused": self.refused,
            }));
        } else {
            let known =
                if known > 0 { format!(", {known} files were indexed before") } else { String::new() };
            println!(
                "{}: {} segments, {} of them new{known}; {documents} documents, {words} words, {}, root {root}",
                path.display(),
                manifest.segments.len(),
                self.added,
                HumanBytes(bytes),
            );
        }
        Ok(())
    }
}

fn key(file: &InputFile) -> String {
    file.path.to_string_lossy().into_owned()
}

fn input_line(file: &InputFile, read: Position, is_done: bool) -> InputLine {
    InputLine { bytes: file.bytes, modified_us: file.modified_us, read, is_done }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg:28} [{bar:32}] {bytes}/{total_bytes} ({binary_bytes_per_sec}, {eta} left)",
    );
    let bar = ProgressBar::new(0);
    bar.set_style(style.expect("the template is valid").progress_chars("=> "));
    bar.set_message("indexing");
    bar
}
