//! Files to contributions, one at a time, from any place in a file on, so that a build that ended goes on where it was.
//!
//! What is read is limited: a line of JSON to 1 MiB, a text to 256 KiB (of a plain text each such part, cut at the end of a
//! line, is a contribution of its own), a plain text's file to 64 MiB. Line ends of plain texts become line feeds, form
//! feeds too; byte ranges of sources count the text as it is then. Absent: which files there are (`input`).

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek, SeekFrom};

use anyhow::{Context, Result, anyhow, bail};
use openledger_datanet::limits::{LINE_BYTES_MAX, TEXT_BYTES_MAX};
use openledger_datanet::{AuthorRef, Contribution, LineError, ParseOptions, parse_json_line, words};

use super::input::{InputFile, Kind};
use super::manifest::Position;
use super::table::Table;

/// The longest plain text, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A file under way.
pub trait Reader {
    /// The next contribution, or why it is refused: what follows can still be read. `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read on.
    fn next(&mut self) -> Result<Option<Result<Contribution>>>;

    /// Behind what was read.
    fn position(&self) -> Position;
}

/// Opens a file to be read from `position` on. What it does not say is as in `options`.
pub fn open(file: &InputFile, position: Position, options: &ParseOptions) -> Result<Box<dyn Reader>> {
    let mut options = options.clone();
    options.default_id = Some(format!("{}:", file.id));
    Ok(match file.kind {
        Kind::Lines => Box::new(Lines::open(file, position, options)?),
        Kind::Text => Box::new(Parts::open(file, position, &options)?),
        Kind::Table => Box::new(Table::open(file, position, options)?),
    })
}

fn opened(file: &InputFile) -> Result<File> {
    File::open(&file.path).with_context(|| format!("{} cannot be read", file.path.display()))
}

struct Lines {
    reader: BufReader<File>,
    position: Position,
    options: ParseOptions,
    shown: String,
    ids: HashSet<String>,
    line: Vec<u8>,
}

impl Lines {
    fn open(file: &InputFile, position: Position, options: ParseOptions) -> Result<Self> {
        let mut opened = opened(file)?;
        let shown = file.path.display().to_string();
        opened.seek(SeekFrom::Start(position.bytes)).with_context(|| format!("{shown} cannot be read"))?;
        let reader = BufReader::with_capacity(1 << 18, opened);
        Ok(Self { reader, position, options, shown, ids: HashSet::new(), line: Vec::new() })
    }

    /// The next line without its end; of one that is too long a part that is too long. `false` at the end.
    fn read_line(&mut self) -> std::io::Result<bool> {
        self.line.clear();
        let room = LINE_BYTES_MAX as u64 + 2;
        let mut count = self.reader.by_ref().take(room).read_until(b'\n', &mut self.line)? as u64;
        let is_whole = self.line.last() == Some(&b'\n');
        if is_whole {
            self.line.pop();
        }
        while !is_whole && count >= room {
            let waiting = self.reader.fill_buf()?;
            let end = waiting.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
            let taken = end.unwrap_or(waiting.len());
            self.reader.consume(taken);
            count += taken as u64;
            if end.is_some() || taken == 0 {
                break;
            }
        }
        self.position.bytes += count;
        self.position.items += u64::from(count > 0);
        Ok(count > 0)
    }
}

impl Reader for Lines {
    fn next(&mut self) -> Result<Option<Result<Contribution>>> {
        while self.read_line().with_context(|| format!("{} cannot be read", self.shown))? {
            let number = self.position.items;
            let refused = |cause: LineError| anyhow!("{} line {number}: {cause}", self.shown);
            match parse_json_line(&self.line, number, &self.options) {
                Ok(None) => {}
                Ok(Some(contribution)) if self.ids.insert(contribution.external_id.clone()) => {
                    return Ok(Some(Ok(contribution)));
                }
                Ok(Some(contribution)) => {
                    return Ok(Some(Err(refused(LineError::IdTwice { id: contribution.external_id }))));
                }
                Err(cause) => return Ok(Some(Err(refused(cause)))),
            }
        }
        Ok(None)
    }

    fn position(&self) -> Position {
        self.position
    }
}

/// A plain text in parts that are short enough.
struct Parts {
    text: String,
    /// How much of the text was read.
    reached: usize,
    position: Position,
    bytes: u64,
    shown: String,
    template: Contribution,
}

impl Parts {
    fn open(file: &InputFile, position: Position, options: &ParseOptions) -> Result<Self> {
        let shown = file.path.display().to_string();
        let mut bytes = Vec::new();
        let read = opened(file)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.with_context(|| format!("{shown} cannot be read"))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            bail!("{shown} is longer than {FILE_BYTES_MAX} bytes; split it");
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            anyhow!("{shown} is not UTF-8 at byte {at}; convert it, or leave it out")
        })?;
        let text = text
            .strip_prefix('\u{feff}')
            .unwrap_or(&text)
            .replace("\r\n", "\n")
            .replace(['\r', '\u{c}'], "\n");
        let title =
            text.lines().map(|line| line.trim().trim_start_matches('#').trim()).find(|line| !line.is_empty());
        let named = |name: &String| AuthorRef { name: name.clone(), account: None };
        let template = Contribution {
            external_id: file.id.clone(),
            title: cut(title.unwrap_or(&file.id), TITLE_LENGTH).to_owned(),
            text: String::new(),
            authors: options.default_authors.iter().map(named).collect(),
            others: Vec::new(),
            license: options.default_license.clone().unwrap_or_default(),
            source: options.default_source.clone(),
        };
        let mut parts =
            Self { text, reached: 0, position: Position::default(), bytes: file.bytes, shown, template };
        while parts.position.items < position.items && parts.take_part().is_some() {}
        Ok(parts)
    }

    /// The next part as bytes of the text.
    fn take_part(&mut self) -> Option<std::ops::Range<usize>> {
        let rest = &self.text[self.reached..];
        if rest.is_empty() {
            return None;
        }
        let mut part = cut(rest, TEXT_BYTES_MAX);
        if part.len() < rest.len() {
            let ends = |character: char| part.rfind(character).map(|at| at + character.len_utf8());
            part = &part[..ends('\n').or_else(|| ends(' ')).unwrap_or(part.len())];
        }
        let place = self.reached..self.reached + part.len();
        self.reached = place.end;
        let share = self.reached as u128 * u128::from(self.bytes) / self.text.len() as u128;
        self.position = Position { bytes: share as u64, items: self.position.items + 1 };
        Some(place)
    }
}

/// Titles of plain texts are their first lines, cut to this many bytes.
const TITLE_LENGTH: usize = 120;

/// The start of a text, no longer than `bytes` and of whole characters.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

impl Reader for Parts {
    fn next(&mut self) -> Result<Option<Result<Contribution>>> {
        while let Some(place) = self.take_part() {
            let text = &self.text[place];
            if words::words(text).next().is_none() {
                continue;
            }
            let mut contribution = Contribution { text: text.to_owned(), ..self.template.clone() };
            if self.position.items > 1 {
                contribution.external_id = format!("{}#{}", contribution.external_id, self.position.items);
            }
            if contribution.authors.is_empty() {
                bail!(
                    "{} does not say who wrote it; name the author of plain texts with --author",
                    self.shown
                );
            }
            let checked = contribution.validate().map_err(|cause| anyhow!("{}: {cause}", self.shown));
            return Ok(Some(checked.map(|()| contribution)));
        }
        Ok(None)
    }

    fn position(&self) -> Position {
        self.position
    }
}
