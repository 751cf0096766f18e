//! What a node knows of the datanets' texts: committed contributions, sealed snapshots, and the index and search built
//! from the latest versions.
//!
//! Texts arrive after their hashes were committed on the ledger; snapshots arrive after their roots were sealed. The
//! caller checks both against the ledger; here they are checked against themselves, kept on disk and joined. A latest
//! snapshot's segment is kept beside it and mapped: it is built again where it is missing, damaged or of another root.
//! Absent: which contributions count, and for whom; the ledger knows.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use anyhow::{Context, Result, bail};
use openledger_attribution::{Index, Segment};
use openledger_client::api::UPLOAD_BYTES_MAX;
use openledger_datanet::{Contribution, ContributionId, SealedSnapshot};
use openledger_retrieval::Retriever;

use crate::files;

/// Bytes of one datanet's texts on disk. A snapshot of them says a little more and must fit into one upload.
const TEXTS_BYTES_MAX: usize = UPLOAD_BYTES_MAX / 4 * 3;

/// A sealed version with its index.
#[derive(Clone)]
pub struct Sealed {
    /// Version on the ledger.
    pub version: u32,
    /// The contributions.
    pub snapshot: Arc<SealedSnapshot>,
    /// The attribution index of this version.
    pub segment: Arc<Segment>,
}

/// What answers are made and traced with: the latest version of every datanet.
#[derive(Clone)]
pub struct Joined {
    /// Latest versions by datanet.
    pub latest: BTreeMap<String, Sealed>,
    /// All of them as one attribution index.
    pub index: Arc<Index>,
    /// All of them as one search.
    pub retriever: Arc<Retriever>,
}

struct Inner {
    texts: BTreeMap<String, BTreeMap<ContributionId, Contribution>>,
    joined: Arc<Joined>,
}

/// The library of a node.
pub struct Library {
    folder: PathBuf,
    inner: RwLock<Inner>,
    /// Held by whoever changes it, from the file to the swap; readers wait for the swap alone.
    changing: Mutex<()>,
}

impl Library {
    /// Opens the library in `folder`, reading texts and the latest snapshots.
    pub fn open(folder: &Path) -> Result<Self> {
        files::private_folder(folder)?;
        let mut texts = BTreeMap::new();
        let mut latest = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
                continue;
            };
            if let Some(sealed) = latest_snapshot(&path, &name)? {
                latest.insert(name.clone(), sealed);
            }
            texts.insert(name, read_texts(&path.join("texts.jsonl"))?);
        }
        let joined = Arc::new(join(latest)?);
        Ok(Self {
            folder: folder.to_path_buf(),
            inner: RwLock::new(Inner { texts, joined }),
            changing: Mutex::new(()),
        })
    }

    /// The latest versions with their index and search.
    pub fn joined(&self) -> Arc<Joined> {
        self.inner.read().expect("no holder of the lock panics").joined.clone()
    }

    /// The committed texts of a datanet.
    pub fn texts(&self, datanet: &str) -> Vec<Contribution> {
        let inner = self.inner.read().expect("no holder of the lock panics");
        inner.texts.get(datanet).map(|texts| texts.values().cloned().collect()).unwrap_or_default()
    }

    /// One contribution.
    pub fn text(&self, datanet: &str, id: &ContributionId) -> Option<Contribution> {
        let inner = self.inner.read().expect("no holder of the lock panics");
        inner.texts.get(datanet)?.get(id).cloned()
    }

    /// Keeps texts whose hashes the ledger holds; durable when this returns. Returns how many were new.
    pub fn add_texts(&self, datanet: &str, contributions: Vec<Contribution>) -> Result<usize> {
        let _changing = self.changing.lock().expect("no holder of the lock panics");
        let fresh: BTreeMap<ContributionId, Contribution> = {
            let inner = self.inner.read().expect("no holder of the lock panics");
            let known = inner.texts.get(datanet);
            let is_new = |id: &ContributionId| known.is_none_or(|known| !known.contains_key(id));
            contributions.into_iter().map(|new| (new.id(), new)).filter(|(id, _)| is_new(id)).collect()
        };
        let mut lines = Vec::new();
        for contribution in fresh.values() {
            serde_json::to_writer(&mut lines, contribution)?;
            lines.push(b'\n');
        }
        append_texts(&self.folder.join(datanet), &lines)
            .with_context(|| format!("the texts of {datanet} were not stored"))?;
        let added = fresh.len();
        let mut inner = self.inner.write().expect("no holder of the lock panics");
        inner.texts.entry(datanet.to_owned()).or_default().extend(fresh);
        Ok(added)
    }

    /// Keeps a sealed snapshot and makes it the latest of its datanet; durable when `installed` is told of what is
    /// latest now. A version that is here already changes nothing.
    pub fn install(
        &self,
        datanet: &str,
        sealed: Sealed,
        manifest: &[u8],
        installed: impl FnOnce(&Joined),
    ) -> Result<()> {
        let _changing = self.changing.lock().expect("no holder of the lock panics");
        let path = self.folder.join(datanet).join(snapshot_name(sealed.version));
        if path.exists() {
            return Ok(());
        }
        let mut latest = self.joined().latest.clone();
        let newer = latest.get(datanet).is_none_or(|other| other.version < sealed.version);
        if !newer {
            return files::write(&path, manifest);
        }
        let segment = sealed.segment.clone();
        let former = latest.insert(datanet.to_owned(), sealed);
        let joined = Arc::new(join(latest)?);
        files::write(&path.with_extension(SEGMENT), segment.as_bytes())?;
        files::write(&path, manifest)?;
        if let Some(former) = former {
            // Who has it mapped keeps it; what is left of it is never read again.
            let _ = fs::remove_file(
                self.folder.join(datanet).join(snapshot_name(former.version)).with_extension(SEGMENT),
            );
        }
        self.inner.write().expect("no holder of the lock panics").joined = joined.clone();
        installed(&joined);
        Ok(())
    }

    /// Whether a version is here.
    pub fn has(&self, datanet: &str, version: u32) -> bool {
        self.folder.join(datanet).join(snapshot_name(version)).exists()
    }

    /// The manifest of a version, if it is here.
    pub fn manifest(&self, datanet: &str, version: u32) -> Result<Option<Vec<u8>>> {
        let path = self.folder.join(datanet).join(snapshot_name(version));
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }
}

fn snapshot_name(version: u32) -> String {
    format!("v{version:08}.jsonl")
}

/// Reads a manifest, builds its index and compares it with the sealed index root.
pub fn read_snapshot(datanet: &str, version: u32, manifest: &[u8]) -> Result<Sealed> {
    let snapshot = parse_snapshot(datanet, version, manifest)?;
    let segment = Arc::new(build_segment(&snapshot, version)?);
    Ok(Sealed { version, snapshot: Arc::new(snapshot), segment })
}

fn parse_snapshot(datanet: &str, version: u32, manifest: &[u8]) -> Result<SealedSnapshot> {
    let snapshot = SealedSnapshot::from_manifest(manifest)
        .with_context(|| format!("version {version} of {datanet} is not a sealed snapshot"))?;
    if snapshot.header().datanet != datanet {
        bail!("the manifest is of {}, not of {datanet}", snapshot.header().datanet);
    }
    Ok(snapshot)
}

fn build_segment(snapshot: &SealedSnapshot, version: u32) -> Result<Segment> {
    let datanet = &snapshot.header().datanet;
    let segment = Segment::build(datanet, snapshot.entries())
        .with_context(|| format!("version {version} of {datanet} cannot be indexed"))?;
    if segment.root() != snapshot.header().index_root {
        bail!("version {version} of {datanet} names another index root than its texts give; fetch it again");
    }
    Ok(segment)
}

/// The extension of a snapshot's segment.
const SEGMENT: &str = "segment";

/// The segment of a snapshot that is kept at `path`: the file as it is mapped, when it is whole and has the root that was
/// sealed. Else it is moved aside, and built and kept anew.
fn kept_segment(path: &Path, snapshot: &SealedSnapshot, version: u32) -> Result<Segment> {
    let open = || -> Result<Segment> {
        let segment = Segment::open(Arc::new(files::map(path)?))?;
        let header = snapshot.header();
        if (segment.root(), segment.datanet()) != (header.index_root, header.datanet.as_str()) {
            bail!("it is not the index of version {version} of {}", header.datanet);
        }
        Ok(segment)
    };
    if path.exists() {
        let found = open();
        let Err(reason) = found else { return found };
        let aside = path.with_added_extension("damaged");
        fs::rename(path, &aside).with_context(|| format!("{} cannot be moved aside", path.display()))?;
        tracing::warn!(
            "{} is damaged ({reason:#}); it is now {}, and built again",
            path.display(),
            aside.display()
        );
    }
    let segment = build_segment(snapshot, version)?;
    files::write(path, segment.as_bytes())?;
    Ok(segment)
}

fn join(latest: BTreeMap<String, Sealed>) -> Result<Joined> {
    let segments = latest.values().map(|sealed| sealed.segment.clone()).collect();
    let snapshots: Vec<&SealedSnapshot> = latest.values().map(|sealed| sealed.snapshot.as_ref()).collect();
    let index = Arc::new(Index::join(segments)?);
    let retriever = Arc::new(Retriever::build(&snapshots)?);
    Ok(Joined { latest, index, retriever })
}

fn latest_snapshot(folder: &Path, datanet: &str) -> Result<Option<Sealed>> {
    let mut newest: Option<(u32, PathBuf)> = None;
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let version =
            name.strip_prefix('v').and_then(|rest| rest.strip_suffix(".jsonl")).and_then(|v| v.parse().ok());
        if let Some(version) = version
            && newest.as_ref().is_none_or(|(other, _)| *other < version)
        {
            newest = Some((version, path));
        }
    }
    let Some((version, path)) = newest else { return Ok(None) };
    let manifest = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let read = || -> Result<Sealed> {
        let snapshot = parse_snapshot(datanet, version, &manifest)?;
        let segment = Arc::new(kept_segment(&path.with_extension(SEGMENT), &snapshot, version)?);
        Ok(Sealed { version, snapshot: Arc::new(snapshot), segment })
    };
    read().map(Some).with_context(|| {
        format!(
            "{} is damaged; remove it, start again, and give it back with `openledger datanet seal {datanet}`",
            path.display()
        )
    })
}

/// Adds complete lines to a datanet's texts.
fn append_texts(folder: &Path, lines: &[u8]) -> Result<()> {
    files::private_folder(folder)?;
    let path = folder.join("texts.jsonl");
    let mut file = File::options()
        .append(true)
        .create(true)
        .open(&path)
        .with_context(|| format!("{} cannot be opened", path.display()))?;
    let held = file.metadata()?.len();
    if held.saturating_add(lines.len() as u64) > TEXTS_BYTES_MAX as u64 {
        bail!("a datanet holds at most {TEXTS_BYTES_MAX} bytes of text; use several datanets");
    }
    let write = file.write_all(lines).and_then(|()| file.sync_all());
    if let Err(error) = write {
        // What was written of the lines goes again; if even that fails, the next start drops the torn line.
        let _ = file.set_len(held);
        return Err(error)
            .with_context(|| format!("{} cannot be written; is the disk full?", path.display()));
    }
    File::open(folder)?.sync_all().with_context(|| format!("{} cannot be written", folder.display()))
}

/// The texts of a datanet. A line that a crash cut off was never acknowledged and is dropped.
fn read_texts(path: &Path) -> Result<BTreeMap<ContributionId, Contribution>> {
    let mut bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if complete < bytes.len() {
        let torn = bytes.len() - complete;
        tracing::warn!("{}: the last {torn} bytes were cut off in a crash and are dropped", path.display());
        bytes.truncate(complete);
        File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_len(complete as u64))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let contributions = parse_texts(&bytes).with_context(|| {
        format!("{} is damaged; restore it from a backup or contribute again", path.display())
    })?;
    Ok(contributions.into_iter().map(|contribution| (contribution.id(), contribution)).collect())
}

/// Reads contributions, one JSON object a line, as the library writes them.
pub fn parse_texts(bytes: &[u8]) -> Result<Vec<Contribution>> {
    let mut contributions = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty())
    {
        let contribution: Contribution = serde_json::from_slice(line)
            .with_context(|| format!("line {} is not a contribution", number + 1))?;
        contribution
            .validate()
            .with_context(|| format!("line {} is not a valid contribution", number + 1))?;
        contributions.push(contribution);
    }
    Ok(contributions)
}

#[cfg(test)]
mod tests {
    use openledger_datanet::{ParseOptions, parse_json_lines};

    use super::*;

    fn contributions(count: usize) -> Vec<Contribution> {
        let line = |number: usize| {
            format!(
                r#"{{"id":"page {number}","text":"a text about {number} ferns","authors":["Ann"],"license":"CC0-1.0"}}"#
            )
        };
        let text: Vec<String> = (0..count).map(line).collect();
        let options =
            ParseOptions { default_license: None, default_source: "test".into(), ..ParseOptions::default() };
        parse_json_lines(text.join("\n").as_bytes(), &options).unwrap()
    }

    fn sorted_lines(text: &[u8]) -> Vec<&[u8]> {
        let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn texts_are_appended_once_and_a_torn_line_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ferns").join("texts.jsonl");
        let library = Library::open(folder.path()).unwrap();
        assert_eq!(library.add_texts("ferns", contributions(2)).unwrap(), 2);
        assert_eq!(library.add_texts("ferns", contributions(3)).unwrap(), 1);
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            let library = Library::open(folder.path()).unwrap();
            assert_eq!(library.texts("ferns").len(), lines, "cut at {cut}");
            assert_eq!(library.add_texts("ferns", contributions(3)).unwrap(), 3 - lines);
            assert_eq!(sorted_lines(&fs::read(&path).unwrap()), sorted_lines(&whole));
        }
    }

    /// A snapshot's segment is kept and read where it stands; what is missing, damaged or another's is built again.
    #[test]
    fn segments_are_kept_beside_their_snapshots() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot_of = |count: usize| {
            let entries = openledger_datanet::number(contributions(count), 7);
            let root = Segment::build("ferns", &entries).unwrap().root();
            SealedSnapshot::seal("ferns", entries, root).unwrap()
        };
        let manifest = snapshot_of(2).to_manifest();
        let library = Library::open(folder.path()).unwrap();
        let install = |version: u32, manifest: &[u8]| {
            let sealed = read_snapshot("ferns", version, manifest).unwrap();
            library.install("ferns", sealed, manifest, |_| ()).unwrap();
        };
        install(1, &manifest);
        install(2, &snapshot_of(3).to_manifest());
        let at =
            |version: u32| folder.path().join("ferns").join(snapshot_name(version)).with_extension(SEGMENT);
        assert!(at(2).exists() && !at(1).exists(), "the latest alone is kept");
        let whole = fs::read(at(2)).unwrap();
        let other = read_snapshot("ferns", 1, &manifest).unwrap().segment.as_bytes().to_vec();
        let flipped: Vec<u8> =
            whole.iter().enumerate().map(|(place, byte)| byte ^ u8::from(place == 700)).collect();
        for (found, is_moved) in
            [(Some(whole.clone()), false), (None, false), (Some(other), true), (Some(flipped), true)]
        {
            let aside = at(2).with_added_extension("damaged");
            let _ = fs::remove_file(&aside);
            fs::remove_file(at(2)).unwrap();
            if let Some(bytes) = &found {
                fs::write(at(2), bytes).unwrap();
            }
            let library = Library::open(folder.path()).unwrap();
            assert_eq!(library.joined().latest["ferns"].segment.as_bytes(), whole);
            assert_eq!(fs::read(at(2)).unwrap(), whole);
            assert_eq!(aside.exists(), is_moved);
            assert!(!is_moved || fs::read(&aside).ok() == found);
        }
    }
}
