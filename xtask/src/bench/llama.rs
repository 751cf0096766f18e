//! The peer of `cargo xtask bench inference` and `cargo xtask peers`: llama.cpp, built once for this very processor from the source that its Python
//! binding carries (checked by its hash), and kept under `target/peers`.
//!
//! Needs Python, a C++ compiler and about ten minutes of a core the first time. Absent: figures of ours.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::corpus::check_hash;
use super::{measured, number};
use crate::shell;

/// The package, its file, and the SHA-256 of that. It holds the whole tree of llama.cpp, which has no release of its own
/// in a registry.
const SOURCE: [&str; 3] = [
    "llama-cpp-python==0.3.36",
    "llama_cpp_python-0.3.36.tar.gz",
    "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e",
];

pub(super) const NAME: &str = "llama.cpp of llama-cpp-python 0.3.36, built for this processor";

const PROGRAMS: [&str; 4] = ["llama-bench", "llama-batched-bench", "llama-quantize", SERVER];
/// Answers over HTTP.
const SERVER: &str = "llama-server";

/// Of this processor, without anything fetched and without what no bench asks.
const OPTIONS: [&str; 9] = [
    "-DCMAKE_BUILD_TYPE=Release",
    "-DGGML_NATIVE=ON",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
];

/// What a process held and got while it was measured.
pub(super) struct Run {
    pub(super) rates: Vec<(String, f64)>,
    pub(super) peak_bytes: f64,
    /// Seconds of the processor for each second and thread: what is missing from 1 went to other work on the machine.
    pub(super) core_share: f64,
}

/// The built programs.
pub(super) struct Peer {
    folder: PathBuf,
}

impl Peer {
    /// The peer, built if it is not there.
    pub(super) fn ensure() -> Result<Self> {
        let peer =
            Self { folder: shell::target_dir().join("peers").join(format!("llama.cpp-{}", &SOURCE[2][..8])) };
        if !PROGRAMS.iter().all(|name| peer.program(name).exists()) {
            peer.build()?;
        }
        Ok(peer)
    }

    /// The server.
    pub(super) fn server(&self) -> PathBuf {
        self.program(SERVER)
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join("build/bin").join(name)
    }

    fn build(&self) -> Result<()> {
        let folder = &self.folder;
        fs::create_dir_all(folder)?;
        let environment = folder.join("venv");
        if !environment.join("bin/python").exists() {
            shell::run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        }
        let pip = |arguments: &[&str]| {
            let mut command = Command::new(environment.join("bin/python"));
            command.current_dir(folder).args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
            shell::run(command.args(arguments))
        };
        let requirements = shell::root().join("xtask/peers/llama.txt");
        pip(&["install", "--requirement", &requirements.to_string_lossy()])?;
        let [package, archive, hash] = SOURCE;
        if !folder.join(archive).exists() {
            pip(&["download", "--no-deps", "--no-binary=llama-cpp-python", package])?;
        }
        check_hash(&folder.join(archive), hash)?;
        let tree = archive.trim_end_matches(".tar.gz").to_owned() + "/vendor/llama.cpp";
        shell::run(Command::new("tar").current_dir(folder).args(["-xzf", archive, &tree]))?;
        let cmake = || {
            let mut command = Command::new(environment.join("bin/cmake"));
            command.current_dir(folder);
            command
        };
        shell::output(cmake().args(["-S", &tree, "-B", "build"]).args(OPTIONS))?;
        let jobs = thread::available_parallelism().map_or(1, std::num::NonZero::get).to_string();
        let build = ["--build", "build", "--parallel", &jobs, "--target"];
        shell::output(cmake().args(build).args(PROGRAMS))?;
        Ok(())
    }

    /// The model in the format for which llama.cpp has its fastest kernels. The embedding stays as the file has it.
    pub(super) fn requantised(&self, model: &Path) -> Result<PathBuf> {
        let made = self.folder.join("requantised.Q4_0.gguf");
        if !made.exists() {
            let new = self.folder.join("requantised.new");
            let options = ["--allow-requantize", "--token-embedding-type", "q8_0"];
            let mut quantize = watched(&self.program("llama-quantize"));
            shell::output(quantize.args(options).arg(model).arg(&new).arg("Q4_0"))?;
            fs::rename(new, &made)?;
        }
        Ok(made)
    }

    /// Prefill and decode of one sequence.
    pub(super) fn alone(&self, model: &Path, threads: usize) -> Result<Run> {
        let work = ["-p", "128,512", "-n", "0", "-d", "0"];
        let mut prefill = self.bench(model, threads, &work)?;
        let decode = self.bench(model, threads, &["-p", "0", "-n", "32", "-d", "128"])?;
        prefill.rates.extend(decode.rates);
        Ok(prefill)
    }

    fn bench(&self, model: &Path, threads: usize, work: &[&str]) -> Result<Run> {
        let mut command = watched(&self.program("llama-bench"));
        command.args(["-o", "jsonl", "-r", "2", "-t", &threads.to_string(), "-m"]).arg(model).args(work);
        let (lines, mut run) = run(&mut command, threads)?;
        for line in lines {
            let name = match line["n_prompt"].as_u64().context("llama-bench gave no n_prompt")? {
                0 => "decode batch 1".to_owned(),
                tokens => format!("prefill {tokens}"),
            };
            let samples = line["samples_ts"].as_array().context("llama-bench gave no samples")?;
            run.rates.push((name, samples.iter().filter_map(Value::as_f64).fold(0.0, f64::max)));
        }
        Ok(run)
    }

    /// Decode of eight sequences at once.
    pub(super) fn together(&self, model: &Path, threads: usize) -> Result<Run> {
        let mut command = watched(&self.program("llama-batched-bench"));
        command.args(["--output-format", "jsonl", "-c", "1280", "-t", &threads.to_string(), "-m"]).arg(model);
        let (lines, mut run) = run(command.args(["-npp", "128", "-ntg", "32,32", "-npl", "8"]), threads)?;
        let mut best = 0.0;
        for line in lines {
            best = number(&line, "speed_tg")?.max(best);
        }
        run.rates.push(("decode batch 8".to_owned(), best));
        Ok(run)
    }
}

/// A command whose time and memory are told beside what it prints.
pub(super) fn watched(program: &Path) -> Command {
    let mut command = Command::new("python3");
    command.arg(shell::root().join("xtask/peers/measured.py")).arg(program);
    command
}

/// Runs a watched command; returns the lines of JSON that it prints, and what it took, without rates.
pub(super) fn run(command: &mut Command, threads: usize) -> Result<(Vec<Value>, Run)> {
    let told = measured(command)?;
    let printed = told["printed"].as_str().context("the command printed nothing")?;
    let lines = printed.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(!lines.is_empty(), "{printed:?} has no line of JSON");
    let core_share = number(&told, "cpu_s")? / number(&told, "wall_s")? / threads as f64;
    Ok((lines, Run { rates: Vec::new(), peak_bytes: number(&told, "peak_bytes")?, core_share }))
}
