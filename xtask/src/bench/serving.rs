//! The part of `cargo xtask bench inference` that goes over HTTP: a node with its ledger beside llama.cpp's server, as users run them.
//!
//! Eight streams at once under eight adapters, eight under none, and the time to the first token under 1, 8 and 32 clients. Both
//! get the same conversations and the same adapters; the servers run by turns, three rounds, and each alone. Ours is `openledger up`
//! in the profile that the demo runs, without datanets: every answer is reserved, signed, stored and settled.
//!
//! Rule: a figure is the median of the rounds; times to the first token are of all rounds together. Absent: whether both compute
//! the same (`cargo xtask peers agreement`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, ensure};

use super::callers::{Asker, Load};
use super::figures::{Figures, Side};
use super::llama::Peer;
use super::measured;
use super::table::{Bar, Table, less, more};
use crate::served::Served;
use crate::shell;

const ROUNDS: usize = 3;
/// Adapters, and streams at a time.
const STREAMS: usize = 8;
/// Clients at a time, and how often each of them asks.
const CLIENTS: [(usize, usize); 3] = [(1, 8), (8, 4), (32, 2)];
/// Places and tokens of each at the peer's server; ours shares its memory among those who need it.
const SLOTS: usize = 32;
const SLOT_TOKENS: usize = 512;
/// What the mixed case must reach, in parts of the peer's on the file as shipped.
const MIXED_TIMES: f64 = 2.0;

/// The servers' files.
struct Serving<'a> {
    openledger: PathBuf,
    /// llama.cpp with its two files, where it is there.
    peer: Option<(&'a Peer, [&'a Path; 2])>,
    model: &'a Path,
    folder: PathBuf,
}

/// What a server answered that the others are to answer as well.
struct Told {
    /// Tokens of all prompts.
    prompts: Vec<u64>,
    /// The texts of the answers under adapters.
    adapted: Vec<String>,
}

/// Measures and adds the rows.
pub(super) fn rows(table: &mut Table, model: &Path, peer: Option<(&Peer, [&Path; 2])>) -> Result<()> {
    let serving = Serving::prepare(model, peer)?;
    let mut figures = Figures::default();
    for round in 0..ROUNDS {
        let ours = serving.round(&mut figures, Side::Ours, round)?;
        for side in [Side::Shipped, Side::Best].into_iter().filter(|_| peer.is_some()) {
            let theirs = serving.round(&mut figures, side, round)?;
            let same = ours.prompts == theirs.prompts;
            ensure!(same, "prompts have {:?} tokens here and {:?} there", ours.prompts, theirs.prompts);
            let alike = ours.adapted.iter().zip(&theirs.adapted).map(|(ours, theirs)| alike(ours, theirs));
            figures.add(side, "alike", alike);
        }
    }
    add(table, &figures)
}

/// Letters with which two texts begin alike.
fn alike(ours: &str, theirs: &str) -> f64 {
    ours.chars().zip(theirs.chars()).take_while(|(ours, theirs)| ours == theirs).count() as f64
}

impl<'a> Serving<'a> {
    fn prepare(model: &'a Path, peer: Option<(&'a Peer, [&'a Path; 2])>) -> Result<Self> {
        let package = ["build", "--quiet", "--release", "--package", "openledger-inference", "--example"];
        shell::run(shell::cargo().args(package).arg("agreement"))?;
        let folder = shell::target_dir().join("bench/serving");
        fs::create_dir_all(folder.join("none"))?;
        fs::write(folder.join("none/datanets.json"), "[]")?;
        let serving = Self { openledger: shell::build_openledger()?, peer, model, folder };
        let example = shell::target_dir().join("release/examples/agreement");
        let mut adapters = Command::new(example);
        adapters.arg("adapters").arg(model).arg(serving.folder.join("adapters")).arg(STREAMS.to_string());
        measured(&mut adapters)?;
        Ok(serving)
    }

    /// One server, from its start to its end.
    fn round(&self, figures: &mut Figures, side: Side, round: usize) -> Result<Told> {
        let server = self.start(side)?;
        let asker = Asker { address: &server.address, is_peer: side != Side::Ours };
        // What is read or taken at the first use is not measured.
        asker.run(&Load::together(STREAMS, 1_000, true))?;
        let mixed = asker.run(&Load::together(STREAMS, round * STREAMS, true))?;
        let plain = asker.run(&Load::together(STREAMS, 500 + round * STREAMS, false))?;
        figures.add(side, "mixed", [mixed.tokens_per_s()]);
        figures.add(side, "plain", [plain.tokens_per_s()]);
        let mut prompts = [mixed.prompt_tokens(), plain.prompt_tokens()].concat();
        for (clients, requests) in CLIENTS {
            let begin = 100 + round * 128 + 2 * clients;
            let told = asker.run(&Load::first_tokens(clients, requests, begin))?;
            figures.add(side, &format!("first token {clients}"), told.first_token_ms());
            prompts.extend(told.prompt_tokens());
        }
        figures.add(side, "memory", [server.peak_bytes()? / 1e6]);
        Ok(Told { prompts, adapted: mixed.texts() })
    }

    fn start(&self, side: Side) -> Result<Served> {
        let log = self.folder.join("server.log");
        if side == Side::Ours {
            return self.node(&log);
        }
        let (peer, files) = self.peer.context("there is no peer")?;
        let file = if side == Side::Shipped { files[0] } else { files[1] };
        let adapter =
            |index| self.folder.join(format!("adapters/adapter-{index}.gguf")).display().to_string();
        let adapters: Vec<String> = (0..STREAMS).map(adapter).collect();
        let options = ["--lora-init-without-apply", "--lora", &adapters.join(",")].map(str::to_owned);
        let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        peer.serve(file, &log, (SLOTS, SLOT_TOKENS), threads, &options)
    }

    /// A new network with one node, which finds the adapters in its folder.
    fn node(&self, log: &Path) -> Result<Served> {
        let folder = self.folder.join("node");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let adapters = folder.join("adapters");
        fs::create_dir_all(&adapters)?;
        for index in 0..STREAMS {
            let name = format!("adapter-{index}");
            copy(&self.folder.join("adapters").join(&name), &adapters.join(&name))?;
        }
        let mut server = Served::start(log, "/readyz", |port| {
            let mut up = Command::new(&self.openledger);
            up.arg("--dir").arg(&folder).args(["up", "--seed", "7", "--port", &port.to_string(), "--model"]);
            up.arg(self.model).arg("--data").arg(self.folder.join("none"));
            shell::without_settings(&mut up);
            up
        })?;
        let key = folder.join("api-key");
        let text = fs::read_to_string(&key).with_context(|| format!("{} cannot be read", key.display()))?;
        server.address.key = Some(text.trim().to_owned());
        Ok(server)
    }
}

/// The files of a folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))? {
        let path = entry?.path();
        fs::copy(&path, to.join(path.file_name().context("a file has a name")?))?;
    }
    Ok(())
}

fn add(table: &mut Table, figures: &Figures) -> Result<()> {
    let ours = |name: &str, part| {
        figures.quantile(Side::Ours, name, part).with_context(|| format!("our server gave no {name}"))
    };
    let files = [(Side::Shipped, "Q4_1 as shipped", MIXED_TIMES), (Side::Best, "its Q4_0", 0.0)];
    for (side, file, times) in files {
        let bar = if times > 0.0 { Bar::Times(times) } else { Bar::None };
        let rows = [("mixed", "under eight adapters", bar), ("plain", "under none", Bar::None)];
        for (name, what, bar) in rows {
            let name_of = format!("over HTTP: eight streams {what}, tokens/s, llama-server on {file}");
            table.add(&name_of, ours(name, 0.5)?, figures.quantile(side, name, 0.5), more, bar);
        }
        if let Some(alike) = figures.quantile(side, "alike", 0.5) {
            let name = format!(
                "over HTTP: letters with which an answer under an adapter begins alike at both, median, {file}"
            );
            table.add(&name, alike, None, more, Bar::None);
        }
        for (clients, _) in CLIENTS {
            for (part, shown) in [(0.5, "p50"), (0.99, "p99")] {
                let name = format!("first token {clients}");
                let peer = figures.quantile(side, &name, part);
                let name_of = format!(
                    "over HTTP: ms to the first token under {clients} clients, {shown}, llama-server on {file}"
                );
                table.add(&name_of, ours(&name, part)?, peer, less, Bar::None);
            }
        }
        let name = format!(
            "over HTTP: most memory of the server, MB; ours with its ledger, llama-server with {SLOTS} places of {SLOT_TOKENS} tokens on {file}"
        );
        table.add(&name, ours("memory", 0.5)?, figures.quantile(side, "memory", 0.5), less, Bar::None);
    }
    Ok(())
}
