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
use crate::served::Served;
use crate::shell;

/// The package, its file, and the SHA-256 of that. It holds the whole tree of llama.cpp, which has no release of its own
/// in a registry.
const SOURCE: [&str; 3] = [
    "llama-cpp-python==0.3.36",
    "llama_cpp_python-0.3.36.tar.gz",
    "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e",
];

pub(crate) const NAME: &str = "llama.cpp of llama-cpp-python 0.3.36, built for this processor";

const PROGRAMS: [&str; 5] = ["llama-bench", "llama-batched-bench", "llama-quantize", PERPLEXITY, SERVER];
/// Says how likely it finds a text.
const PERPLEXITY: &str = "llama-perplexity";
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

impl Run {
    /// This and another program's run, one after the other.
    pub(super) fn with(mut self, other: Run) -> Run {
        self.rates.extend(other.rates);
        self.peak_bytes = self.peak_bytes.max(other.peak_bytes);
        self.core_share = self.core_share.min(other.core_share);
        self
    }
}

/// The built programs.
pub(crate) struct Peer {
    folder: PathBuf,
}

impl Peer {
    /// The peer, built if it is not there.
    pub(crate) fn ensure() -> Result<Self> {
        let peer =
            Self { folder: shell::target_dir().join("peers").join(format!("llama.cpp-{}", &SOURCE[2][..8])) };
        if !PROGRAMS.iter().all(|name| peer.program(name).exists()) {
            peer.build()?;
        }
        Ok(peer)
    }

    /// The server's program.
    pub(crate) fn server(&self) -> PathBuf {
        self.program(SERVER)
    }

    /// A running server with this model, so many slots of so many tokens, and further options.
    pub(crate) fn serve(
        &self,
        model: &Path,
        log: &Path,
        (slots, tokens): (usize, usize),
        threads: usize,
        options: &[String],
    ) -> Result<Served> {
        Served::start(log, "/health", |port| {
            let mut command = Command::new(self.program(SERVER));
            command.arg("--model").arg(model).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
            command.args(["--threads", &threads.to_string(), "--parallel", &slots.to_string()]);
            command.args(["--ctx-size", &(slots * tokens).to_string(), "--no-kv-unified", "--jinja"]);
            command.args(options);
            command
        })
    }

    /// The perplexity of the second halves of the first windows of a text, on one thread.
    pub(crate) fn perplexity(&self, model: &Path, text: &Path, window: usize, windows: usize) -> Result<f64> {
        let mut command = Command::new(self.program(PERPLEXITY));
        command.arg("--model").arg(model).arg("--file").arg(text).args(["--threads", "1"]);
        command.args(["--ctx-size", &window.to_string(), "--chunks", &windows.to_string()]);
        // What it says beside its result is shown if it fails.
        let output = command.output().context("llama-perplexity could not be started")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "llama-perplexity ended with {}: {said}", output.status);
        told_perplexity(&String::from_utf8_lossy(&output.stdout), windows)
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join("build/bin").join(name)
    }

    /// Builds what is missing; what is there is not built again.
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
        // The archive's times stay with its files, so that nothing built looks older than what it was built from.
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
        self.written(model, "Q4_0", &["--token-embedding-type", "q8_0"])
    }

    /// The same weights in 32 bits, with which llama.cpp rounds no activations.
    pub(crate) fn widened(&self, model: &Path) -> Result<PathBuf> {
        self.written(model, "F32", &[])
    }

    /// The model in another format.
    pub(crate) fn written(&self, model: &Path, format: &str, options: &[&str]) -> Result<PathBuf> {
        let made = self.folder.join(format!("requantised.{format}.gguf"));
        if !made.exists() {
            let new = self.folder.join(format!("requantised.{format}.new"));
            let mut quantize = watched(&self.program("llama-quantize"));
            quantize.arg("--allow-requantize").args(options);
            shell::output(quantize.arg(model).arg(&new).arg(format))?;
            fs::rename(new, &made)?;
        }
        Ok(made)
    }

    /// Prefill and decode of one sequence.
    pub(super) fn alone(&self, model: &Path, threads: usize) -> Result<Run> {
        let work = ["-p", "128,512", "-n", "0", "-d", "0"];
        let prefill = self.bench(model, threads, &work)?;
        Ok(prefill.with(self.bench(model, threads, &["-p", "0", "-n", "32", "-d", "128"])?))
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

/// What llama-perplexity says after its last window: `[1]12.3456,[2]11.9876,` is after each window that of all so far.
fn told_perplexity(printed: &str, windows: usize) -> Result<f64> {
    let last = format!("[{windows}]");
    let told = printed.split(',').find_map(|part| part.trim().strip_prefix(&last));
    let told =
        told.with_context(|| format!("llama-perplexity did not reach window {windows}: {printed:?}"))?;
    told.trim().parse().with_context(|| format!("llama-perplexity said {told:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_window_tells_the_perplexity_of_all() {
        let printed = "[1]12.3456,[2]11.9876,[12]10.5000,\n";
        assert_eq!(told_perplexity(printed, 12).expect("it is there"), 10.5);
        assert_eq!(told_perplexity(printed, 2).expect("it is there"), 11.9876);
        assert!(told_perplexity(printed, 3).is_err());
        assert!(told_perplexity("[3]nothing,", 3).is_err());
    }
}
