//! `index.json`: which segments a folder's index is made of, and how far each input has been read into them.
//!
//! It is replaced whole after each segment is on disk, so whatever ends a build leaves an index that can be searched, and
//! the next run goes on from there. It carries its own hash: a changed byte is noticed. Absent: the segments' content,
//! which has checksums of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use openledger_attribution::Hidden;
use openledger_datanet::is_datanet_name;
use openledger_datanet::words::WORDS_VERSION;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::files;

pub const FILE: &str = "index.json";
const FORMAT: &str = "openledger-index/1";

/// The most bytes of the file: a million inputs with long names.
const BYTES_MAX: u64 = 1 << 30;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: String,
    /// The version of the splitter of words.
    pub words_version: u16,
    /// The number that the next text gets: of two equal texts the one with the lower number is the earlier.
    pub next_sequence: u64,
    /// In the order in which they were built.
    pub segments: Vec<SegmentLine>,
    /// By their absolute paths.
    pub inputs: BTreeMap<String, InputLine>,
    /// The documents that were taken out, by their segments' names, rising. A program that does not know of them refuses
    /// the manifest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub revoked: BTreeMap<String, BTreeSet<u32>>,
    /// Over all of the above.
    sha256: String,
}

/// A segment, which is the file `NAME.segment`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentLine {
    pub name: String,
    /// Texts that were read for it.
    pub texts: u64,
    /// Those of them that it holds: the others are copies of these.
    pub documents: u64,
    pub words: u64,
    /// The length of the file.
    pub bytes: u64,
    /// `0x` and 64 digits.
    pub root: String,
}

/// An input file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputLine {
    pub bytes: u64,
    /// When it was last changed, in microseconds since 1970.
    pub modified_us: u64,
    /// What is in segments.
    pub read: Position,
    pub is_done: bool,
}

/// How much of a file has been read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    pub bytes: u64,
    /// Lines, rows or parts.
    pub items: u64,
}

impl Manifest {
    pub fn new() -> Self {
        Self {
            format: FORMAT.to_owned(),
            words_version: WORDS_VERSION,
            next_sequence: 0,
            segments: Vec::new(),
            inputs: BTreeMap::new(),
            revoked: BTreeMap::new(),
            sha256: String::new(),
        }
    }

    /// The manifest of a folder; `None` when it has none.
    pub fn load(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        let length = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        let again = || {
            format!(
                "{} is damaged; build the index again with `openledger index build --fresh --input FILES --out {}`",
                path.display(),
                folder.display()
            )
        };
        if length > BYTES_MAX {
            return Err(anyhow::anyhow!("it has {length} bytes, more than {BYTES_MAX}")).with_context(again);
        }
        let Some(text) = files::read_text(&path).with_context(again)? else { return Ok(None) };
        let manifest = Self::parse(&text).with_context(again)?;
        if manifest.words_version != WORDS_VERSION {
            bail!(
                "{} splits words by version {}, this program by {WORDS_VERSION}; build the index again with --fresh",
                path.display(),
                manifest.words_version
            );
        }
        Ok(Some(manifest))
    }

    /// The manifest that a text is, when it fits its own hash.
    pub fn parse(text: &str) -> Result<Self> {
        let manifest: Self = serde_json::from_str(text)?;
        if manifest.format != FORMAT {
            bail!("its format is {:?}, not {FORMAT:?}", manifest.format);
        }
        if manifest.sha256 != manifest.hash()? {
            bail!("it does not fit its own hash");
        }
        if let Some(line) = manifest.segments.iter().find(|line| !is_datanet_name(&line.name)) {
            bail!("{:?} cannot name a segment", line.name);
        }
        Ok(manifest)
    }

    /// Writes it; it is on disk when this returns.
    pub fn save(&mut self, folder: &Path) -> Result<()> {
        files::write(&folder.join(FILE), self.signed_text()?.as_bytes())
    }

    /// The file's content, with the hash of what it says.
    pub fn signed_text(&mut self) -> Result<String> {
        self.sha256 = self.hash()?;
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    fn hash(&self) -> Result<String> {
        let unsigned = Self { sha256: String::new(), ..self.clone() };
        Ok(format!("0x{}", hex::encode(Sha256::digest(serde_json::to_vec(&unsigned)?))))
    }

    /// The documents of a segment that were taken out.
    pub fn hidden(&self, segment: &str) -> Hidden {
        let mut hidden = Hidden::default();
        self.revoked.get(segment).into_iter().flatten().for_each(|document| hidden.set(*document, true));
        hidden
    }

    /// The name of the next segment of a source: `NAME`, then `NAME.2` and so on.
    pub fn next_name(&self, source: &str) -> String {
        let is_part = |line: &&SegmentLine| {
            line.name.strip_prefix(source).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        match self.segments.iter().filter(is_part).count() {
            0 => source.to_owned(),
            parts => format!("{source}.{}", parts + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_back_and_no_byte_of_it_can_change() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::load(folder.path()).unwrap(), None);
        let mut manifest = Manifest::new();
        for _ in 0..3 {
            let name = manifest.next_name("notes");
            let line = SegmentLine { name, texts: 2, documents: 1, words: 7, bytes: 9, root: "0x00".into() };
            manifest.segments.push(line);
        }
        let read = Position { bytes: 10, items: 2 };
        let input = InputLine { bytes: 20, modified_us: 5, read, is_done: false };
        manifest.inputs.insert("/in/notes.jsonl".into(), input);
        manifest.revoked.insert("notes.2".into(), BTreeSet::from([4]));
        manifest.save(folder.path()).unwrap();
        assert_eq!(Manifest::load(folder.path()).unwrap().as_ref(), Some(&manifest));
        let names: Vec<&str> = manifest.segments.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["notes", "notes.2", "notes.3"]);
        assert_eq!(manifest.next_name("note"), "note", "another source with the same beginning");

        let path = folder.path().join(FILE);
        let whole = std::fs::read(&path).unwrap();
        for (at, byte) in whole.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()) {
            let mut changed = whole.clone();
            changed[at] = if *byte == b'1' { b'2' } else { b'1' };
            std::fs::write(&path, &changed).unwrap();
            let error = format!("{:#}", Manifest::load(folder.path()).unwrap_err());
            assert!(error.contains("index.json is damaged; build the index again"), "byte {at}: {error}");
        }
    }
}
