//! A download that goes on where it was cut.
//!
//! Rule: what has come lies beside its place in a file that has the hash in its folder's name, so a changed file never goes
//! on with the bytes of another. It gets its name when its length and its SHA-256 are right. What the other side sends
//! beyond the promised length is not written, and attempts are counted.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use reqwest::header::{CONTENT_RANGE, HeaderMap};
use reqwest::{Response, StatusCode};

use super::hub::{Found, Hub, HubFile};
use super::web::{Remote, innermost};
use super::{Pulled, bytes_bar, check_magic, is_whole, place, sha256_of};

/// What the file is called until it is whole.
const PART: &str = "part";
/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 40;
/// Attempts of one command, and how many in a row may bring nothing.
const ATTEMPTS_MAX: u32 = 100;
const FRUITLESS_MAX: u32 = 3;
/// Before the second attempt; twice as long before each further one that brings nothing.
const PAUSE: Duration = Duration::from_millis(200);

/// Brings a file of a hub into the cache, unless it is there.
pub async fn pull(hub: &Hub, file: &HubFile, wanted: Option<&str>) -> Result<Pulled> {
    let Found { bytes, sha256 } = hub.find(file).await?;
    let sha256 = match (wanted, sha256) {
        (Some(wanted), Some(told)) if wanted != told => {
            bail!("{file} has SHA-256 {told}, as the hub says; wanted is {wanted}")
        }
        (Some(wanted), _) => wanted.to_owned(),
        (None, Some(told)) => told,
        (None, None) => {
            bail!("the hub does not tell the SHA-256 of {file}; give the right one with --sha256")
        }
    };
    if bytes == 0 || bytes > FILE_BYTES_MAX {
        bail!("{file} has {bytes} bytes, as the hub says; at most {FILE_BYTES_MAX} are taken");
    }
    let path = place(&file.folder(), &sha256, file.name())?;
    complete(&hub.file(file), bytes, &sha256, &path).await?;
    check_magic(&path)?;
    Ok(Pulled { path, sha256 })
}

/// Makes sure that the file is at its place, whose folder is its own, with so many bytes and this hash.
pub async fn complete(remote: &Remote, bytes: u64, sha256: &str, path: &Path) -> Result<()> {
    if is_whole(path, sha256)? {
        return Ok(());
    }
    let folder = path.parent().expect("the cache path has a folder");
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    let part_path = folder.join(PART);
    let mut part = Part::open(&part_path, bytes)?;
    part.fill(remote).await?;
    let actual = sha256_of(&part_path)?;
    if actual != sha256 {
        fs::remove_file(&part_path)?;
        bail!(
            "{} came with SHA-256 {actual}, expected {sha256}: it changed on its way; pull it again",
            remote.shown
        );
    }
    part.file.sync_all()?;
    fs::rename(&part_path, path).with_context(|| format!("{} cannot be written", path.display()))?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Whether some of the file that belongs there has come.
pub fn has_begun(path: &Path) -> bool {
    path.with_file_name(PART).metadata().is_ok_and(|facts| facts.len() > 0)
}

/// What has come so far.
struct Part<'a> {
    path: &'a Path,
    file: File,
    /// Bytes that are here.
    have: u64,
    /// Bytes that were promised.
    bytes: u64,
}

/// How one attempt ended without the end of the file.
enum Short {
    /// The connection ended; another attempt may bring more.
    Cut(String),
    /// No attempt will help.
    Refused(anyhow::Error),
}

impl<'a> Part<'a> {
    /// Opens what an earlier command left. Only one command writes it at a time.
    fn open(path: &'a Path, bytes: u64) -> Result<Self> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("{} is being written by another command; wait for it to end", path.display())
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
            }
        }
        let have = file.metadata()?.len();
        let mut part = Self { path, file, have, bytes };
        if have > bytes {
            part.restart()?;
        }
        Ok(part)
    }

    fn restart(&mut self) -> Result<()> {
        self.have = 0;
        self.file.set_len(0).with_context(|| format!("{} cannot be cut", self.path.display()))
    }

    /// Asks for the rest until it is here.
    async fn fill(&mut self, remote: &Remote) -> Result<()> {
        let bar = bytes_bar(remote.name.clone(), self.bytes);
        bar.set_position(self.have);
        // What an earlier command brought says nothing of how fast the rest comes.
        bar.reset_eta();
        let (mut fruitless, mut pause) = (0, PAUSE);
        for _ in 0..ATTEMPTS_MAX {
            bar.set_position(self.have);
            if self.have == self.bytes {
                bar.finish_and_clear();
                return Ok(());
            }
            let before = self.have;
            let reason = match self.attempt(remote, &bar).await {
                Ok(()) => continue,
                Err(Short::Refused(error)) => return Err(error),
                Err(Short::Cut(reason)) => reason,
            };
            if self.have > before {
                (fruitless, pause) = (0, PAUSE);
            } else {
                fruitless += 1;
                if fruitless >= FRUITLESS_MAX {
                    bail!("{} was cut: {reason}; {}", remote.shown, self.kept());
                }
                pause *= 2;
            }
            tokio::time::sleep(pause).await;
        }
        bail!("{} was cut {ATTEMPTS_MAX} times; {}", remote.shown, self.kept())
    }

    fn kept(&self) -> String {
        format!("{} of {} bytes are kept, and the same command goes on", self.have, self.bytes)
    }

    async fn attempt(&mut self, remote: &Remote, bar: &ProgressBar) -> Result<(), Short> {
        let mut response = remote.open(self.have).await.map_err(|error| Short::Cut(format!("{error:#}")))?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            self.restart().map_err(Short::Refused)?;
            return Err(Short::Cut("the server has no such part of it".to_owned()));
        }
        self.place(&response).map_err(Short::Refused)?;
        loop {
            let piece = response.chunk().await.map_err(|error| Short::Cut(innermost(&error)))?;
            let Some(piece) = piece else { break };
            let after = self.have + piece.len() as u64;
            if after > self.bytes {
                self.restart().map_err(Short::Refused)?;
                let error = anyhow::anyhow!(
                    "{} is longer than the {} bytes that were promised",
                    remote.shown,
                    self.bytes
                );
                return Err(Short::Refused(error.context("the download was given up")));
            }
            self.file
                .write_all(&piece)
                .with_context(|| format!("{} cannot be written", self.path.display()))
                .map_err(Short::Refused)?;
            self.have = after;
            bar.set_position(after);
        }
        if self.have == self.bytes { Ok(()) } else { Err(Short::Cut("the answer ended early".to_owned())) }
    }

    /// Makes ready for the bytes of this answer: they follow those that are here, or are the file from its begin.
    fn place(&mut self, response: &Response) -> Result<()> {
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = content_range(response.headers());
                let last = self.bytes - 1;
                if range != Some((self.have, last, self.bytes)) {
                    bail!(
                        "bytes {} to {last} of {} were asked for, and {range:?} are sent; the file has changed, or the server does not serve parts: remove {} and pull again",
                        self.have,
                        self.bytes,
                        self.path.display()
                    );
                }
            }
            // What is here is of no use to a server that does not know it.
            _ => self.restart()?,
        }
        self.file.seek(SeekFrom::Start(self.have))?;
        Ok(())
    }
}

/// The first and the last byte that are sent, and the length of the whole.
fn content_range(headers: &HeaderMap) -> Option<(u64, u64, u64)> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (range, bytes) = text.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, bytes.parse().ok()?))
}
