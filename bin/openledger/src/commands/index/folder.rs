//! A folder with an index: `index.json`, the segments that it names, and a lock for whoever builds.
//!
//! Segments are mapped, never copied, and never changed: a new one is written beside them and named by the manifest
//! afterwards. Files that the manifest does not name are no part of the index.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use openledger_attribution::{Index, LiveSegment, Segment};

use super::manifest::{FILE, Manifest, SegmentLine};
use crate::files;

/// A folder that is open for building. Nobody else builds in it.
pub struct Building {
    pub path: PathBuf,
    pub manifest: Manifest,
    _lock: File,
}

impl Building {
    /// Opens or creates a folder; with `is_fresh`, what it held is forgotten.
    pub fn open(path: &Path, is_fresh: bool) -> Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("{} cannot be created", path.display()))?;
        let lock = lock(path)?;
        let known = if is_fresh { None } else { Manifest::load(path)? };
        let manifest = match known {
            Some(manifest) => manifest,
            None => {
                let segments = segment_files(path)?;
                if let Some(other) = segments.first().filter(|_| !is_fresh) {
                    bail!(
                        "{} is of an index without {FILE}; name another folder with --out, or give --fresh to replace it",
                        other.display()
                    );
                }
                let mut manifest = Manifest::new();
                manifest.save(path)?;
                for segment in segments {
                    fs::remove_file(&segment)
                        .with_context(|| format!("{} cannot be removed", segment.display()))?;
                }
                manifest
            }
        };
        remove_unfinished(path)?;
        Ok(Self { path: path.to_path_buf(), manifest, _lock: lock })
    }

    pub fn save(&mut self) -> Result<()> {
        self.manifest.save(&self.path)
    }
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(".lock");
    let cannot = || format!("{} cannot be written", path.display());
    let file = File::options().create(true).truncate(false).write(true).open(&path).with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another `openledger index` changes {}; wait until it has ended", folder.display())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
    }
}

/// Removes what a build that was killed had begun to write.
fn remove_unfinished(folder: &Path) -> Result<()> {
    for entry in entries(folder)? {
        let is_ours =
            entry.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(".tmp"));
        if is_ours && entry.is_file() {
            fs::remove_file(&entry).with_context(|| format!("{} cannot be removed", entry.display()))?;
        }
    }
    Ok(())
}

fn segment_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = entries(folder)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "segment"));
    Ok(files)
}

/// What stands in a folder, in order.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut entries = read().with_context(|| format!("{} cannot be read", folder.display()))?;
    entries.sort();
    Ok(entries)
}

/// An index that is open for searching.
pub struct Opened {
    pub manifest: Manifest,
    pub index: Index,
}

/// The manifest of a folder that holds an index.
pub fn manifest(folder: &Path) -> Result<Manifest> {
    Manifest::load(folder)?.with_context(|| {
        format!(
            "{} holds no index: there is no {FILE}; build one with `openledger index build --input FILES --out {0}`",
            folder.display()
        )
    })
}

/// Opens all segments of a folder.
pub fn open(folder: &Path) -> Result<Opened> {
    let manifest = manifest(folder)?;
    if manifest.segments.is_empty() {
        bail!(
            "the index in {} is empty; `openledger index build --input FILES --out {0}` fills it",
            folder.display()
        );
    }
    let opened: Vec<Arc<Segment>> = manifest
        .segments
        .iter()
        .map(|line| open_segment(folder, line).map(Arc::new))
        .collect::<Result<_>>()?;
    let index = if manifest.revoked.is_empty() {
        Index::join(opened)?
    } else {
        let live = |segment: Arc<Segment>| LiveSegment {
            hidden: Arc::new(manifest.hidden(segment.datanet())),
            segment,
        };
        Index::live(opened.into_iter().map(live).collect())?
    };
    Ok(Opened { manifest, index })
}

/// Opens one segment and compares its checksums, and it with what the manifest says of it.
pub fn open_segment(folder: &Path, line: &SegmentLine) -> Result<Segment> {
    let path = segment_path(folder, &line.name);
    let open = || -> Result<Segment> {
        let map = files::map(&path)?;
        let length = map.len() as u64;
        if length != line.bytes {
            bail!("it has {length} bytes, not the {} that {FILE} says", line.bytes);
        }
        let segment = Segment::open(Arc::new(map))?;
        if segment.datanet() != line.name || shown_root(segment.root()) != line.root {
            return Err(anyhow!("it is not the segment that {FILE} names"));
        }
        Ok(segment)
    };
    open().with_context(|| {
        format!(
            "{} is damaged or missing, and nothing is searched without it; put the file back, or build the index again \
             with `openledger index build --fresh --input FILES --out {}`",
            path.display(),
            folder.display()
        )
    })
}

/// The segments of any folder, whatever names them, with their checksums compared.
pub fn segments_in(folder: &Path) -> Result<Vec<Segment>> {
    let open = |path: &PathBuf| {
        open_mapped(path)
            .with_context(|| format!("{} cannot be used; take it away or fetch it again", path.display()))
    };
    segment_files(folder)?.iter().map(open).collect()
}

fn open_mapped(path: &Path) -> Result<Segment> {
    Ok(Segment::open(Arc::new(files::map(path)?))?)
}

pub fn segment_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.segment"))
}

/// A root as it is written everywhere: `0x` and 64 digits.
pub fn shown_root(root: [u8; 32]) -> String {
    format!("0x{}", hex::encode(root))
}
