//! What a node knows of the datanets' texts: committed contributions, sealed snapshots, and the index and search built
//! from the latest versions.
//!
//! Texts arrive after their hashes were committed on the ledger; snapshots arrive after their roots were sealed. The
//! caller checks both against the ledger; here they are checked against themselves, kept on disk and joined.
//! Absent: which contributions count, and for whom; the ledger knows.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use anyhow::{Context, Result, bail};
use openledger_attribution::{Index, Segment};
use openledger_datanet::{Contribution, ContributionId, SealedSnapshot};
use openledger_retrieval::Retriever;

/// Bytes of one datanet's texts on disk.
const DATANET_BYTES_MAX: u64 = 512 * 1024 * 1024;

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
}

impl Library {
    /// Opens the library in `folder`, reading texts and the latest snapshots.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
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
        Ok(Self { folder: folder.to_path_buf(), inner: RwLock::new(Inner { texts, joined }) })
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

    /// Keeps texts whose hashes the ledger holds; durable when this returns.
    pub fn add_texts(&self, datanet: &str, contributions: Vec<Contribution>) -> Result<usize> {
        let mut inner = self.inner.write().expect("no holder of the lock panics");
        let mut texts = inner.texts.get(datanet).cloned().unwrap_or_default();
        let before = texts.len();
        texts.extend(contributions.into_iter().map(|contribution| (contribution.id(), contribution)));
        let mut lines = Vec::new();
        for contribution in texts.values() {
            serde_json::to_writer(&mut lines, contribution)?;
            lines.push(b'\n');
        }
        if lines.len() as u64 > DATANET_BYTES_MAX {
            bail!("{datanet} would hold more than {DATANET_BYTES_MAX} bytes of text; open another datanet");
        }
        write_durably(&self.folder.join(datanet).join("texts.jsonl"), &lines)?;
        let added = texts.len() - before;
        inner.texts.insert(datanet.to_owned(), texts);
        Ok(added)
    }

    /// Keeps a sealed snapshot and makes it the latest of its datanet; durable when this returns.
    pub fn install(&self, datanet: &str, version: u32, manifest: &[u8]) -> Result<Arc<Joined>> {
        let sealed = read_snapshot(datanet, version, manifest)?;
        write_durably(&self.folder.join(datanet).join(snapshot_name(version)), manifest)?;
        let mut inner = self.inner.write().expect("no holder of the lock panics");
        let mut latest = inner.joined.latest.clone();
        if latest.get(datanet).is_none_or(|other| other.version < version) {
            latest.insert(datanet.to_owned(), sealed);
            inner.joined = Arc::new(join(latest)?);
        }
        Ok(inner.joined.clone())
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
    let snapshot = SealedSnapshot::from_manifest(manifest)
        .with_context(|| format!("version {version} of {datanet} is not a sealed snapshot"))?;
    if snapshot.header().datanet != datanet {
        bail!("the manifest is of {}, not of {datanet}", snapshot.header().datanet);
    }
    let segment = Segment::build(datanet, snapshot.entries())
        .with_context(|| format!("version {version} of {datanet} cannot be indexed"))?;
    if segment.root() != snapshot.header().index_root {
        bail!("version {version} of {datanet} names another index root than its texts give; fetch it again");
    }
    Ok(Sealed { version, snapshot: Arc::new(snapshot), segment: Arc::new(segment) })
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
    read_snapshot(datanet, version, &manifest).map(Some).with_context(|| {
        format!(
            "{} is damaged; remove it and fetch it again with `openledger datanet export`",
            path.display()
        )
    })
}

fn read_texts(path: &Path) -> Result<BTreeMap<ContributionId, Contribution>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
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

/// Writes a file so that a crash leaves the old or the new content, never a part.
fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().expect("the path has a folder");
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    let temporary = path.with_extension("new");
    let mut file =
        File::create(&temporary).with_context(|| format!("{} cannot be written", temporary.display()))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{} cannot be written; is the disk full?", temporary.display()))?;
    fs::rename(&temporary, path).with_context(|| format!("{} cannot be written", path.display()))?;
    File::open(folder)?.sync_all().with_context(|| format!("{} cannot be written", folder.display()))
}
