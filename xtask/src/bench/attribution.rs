//! `cargo xtask bench attribution [--megabytes N]`: the index beside infini-gram, over the same texts and outputs.
//!
//! Ratios say how many times better ours is, and are of processor time, which does not count what else runs on the
//! machine; the sides build by turns, three times each, and the least time counts. An index is built to be searched, and once
//! more sealed: with the trees of which certificates are made, which the peer does not have. Latencies are of the wall's clock:
//! an output's least time over the rounds, percentiles over outputs; the thread's clock stands beside them. infini-gram is
//! given tokens, ours splits the text itself. Absent: the work itself, and certificates
//! (`crates/attribution/examples/measure`, `crates/store/examples/growth.rs`, `xtask/peers/infinigram.py`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::corpus::{Corpus, Peer, prepare};
use super::table::{Bar, Table, less, more};
use super::{measured, number, report};
use crate::{UsageError, shell};

const MEGABYTES: u32 = 50;

/// Where the curve is measured, in megabytes of text; up to what the corpus has.
const CURVE: [u32; 5] = [10, 30, 100, 300, 1000];

/// Rounds over all outputs: of the main measurement, and of a point of the curve.
const ROUNDS: [u32; 2] = [10, 3];

/// How often each side builds its index, of which the least processor time counts: what else the machine does is in every one.
const BUILDS: usize = 3;

/// How often a text is added and revoked.
const GROWTH_ROUNDS: u32 = 30;

pub(super) fn run(arguments: &[String]) -> Result<()> {
    let megabytes = match arguments {
        [] => MEGABYTES,
        [flag, number] if flag == "--megabytes" => {
            number.parse().ok().filter(|n| *n > 0).ok_or_else(usage)?
        }
        _ => return Err(usage()),
    };
    let folder = shell::target_dir().join("bench/attribution");
    fs::create_dir_all(&folder)?;
    let corpus = prepare(&folder)?;
    let bench = Bench { folder, corpus, example: build_example()? };
    let peer = Peer::install(&bench.folder).map_err(|error| format!("none: {error:#}"));
    bench.sample(&bench.corpus.indexed, megabytes)?;
    let (build, peer_build) = bench.by_turns(&peer)?;
    let ours = bench.searched(build, ROUNDS[0])?;
    println!("{ours:#}");
    let theirs = peer.and_then(|peer| Ok((peer, peer_build?)));
    let theirs = theirs.and_then(|(peer, build)| {
        bench.peer_searched(&peer, &build).map_err(|error| format!("none: {error:#}"))
    });
    let theirs = match theirs {
        Ok(measured) => {
            println!("{measured:#}");
            measured
        }
        Err(reason) => json!({ "name": reason }),
    };
    let name = theirs["name"].as_str().unwrap_or("infini-gram 2.6.0").to_owned();
    let mut table = Table::new(name, "none: infini-gram is not asked this");
    table.building("", Bar::Times(24.0), &ours["build"], &theirs["build"])?;
    let seal = || bench.example("seal", &[bench.file("sample.jsonl"), bench.file("sealed")]);
    let sealed = least((0..BUILDS).map(|_| seal()), |built| number(built, "cpu_s"))?;
    table.building("sealed: ", Bar::None, &sealed, &theirs["build"])?;
    for kind in 0..3 {
        let of = |measured: &Value| measured["query"]["kinds"][kind].clone();
        table.searching(&of(&ours), &of(&theirs), &theirs["spans"]["kinds"])?;
    }
    table.threads(&ours["query"]["threads"])?;
    let copies = bench.example("copies", &[bench.file("sample.jsonl")])?;
    table.copies(&copies)?;
    table.growth(&bench.growth(megabytes)?)?;
    for megabytes in CURVE {
        table.point(&bench.at(megabytes)?, megabytes)?;
    }
    table.print();
    report("attribution", &table.results)
}

fn usage() -> anyhow::Error {
    UsageError("usage: cargo xtask bench attribution [--megabytes N]".to_owned()).into()
}

fn build_example() -> Result<PathBuf> {
    let package =
        ["build", "--quiet", "--release", "--package", "openledger-attribution", "--example", "measure"];
    shell::run(shell::cargo().args(package))?;
    Ok(shell::target_dir().join("release/examples/measure"))
}

/// Of what several runs gave, the one with the least cost.
fn least(runs: impl Iterator<Item = Result<Value>>, cost: impl Fn(&Value) -> Result<f64>) -> Result<Value> {
    let mut best: Option<(f64, Value)> = None;
    for run in runs {
        let run = run?;
        let cost = cost(&run)?;
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, run));
        }
    }
    best.map(|(_, run)| run).context("nothing was run")
}

/// Files and programs.
struct Bench {
    folder: PathBuf,
    corpus: Corpus,
    example: PathBuf,
}

impl Bench {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// One task of the example.
    fn example(&self, task: &str, arguments: &[impl AsRef<Path>]) -> Result<Value> {
        let mut command = Command::new(&self.example);
        command.arg(task).args(arguments.iter().map(AsRef::as_ref));
        measured(&mut command)
    }

    /// Draws so many megabytes of the texts, which all that follows is about.
    fn sample(&self, texts: &Path, megabytes: u32) -> Result<Value> {
        self.example("sample", &[texts, Path::new(&megabytes.to_string()), &self.file("sample.jsonl")])
    }

    fn build(&self) -> Result<Value> {
        self.example("build", &[self.file("sample.jsonl"), self.file("segment")])
    }

    fn peer_build(&self, peer: &Peer) -> Result<Value> {
        let [sample, index] = ["sample.jsonl", "peer"].map(|name| self.file(name));
        measured(peer.command("build").arg(sample).arg(&peer.vocabulary).arg(index))
    }

    /// Both indexes, built by turns, so that both sides meet the machine's good and bad minutes.
    fn by_turns(&self, peer: &Result<Peer, String>) -> Result<(Value, Result<Value, String>)> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..BUILDS {
            ours.push(self.build());
            if let Ok(peer) = peer {
                theirs.push(self.peer_build(peer));
            }
        }
        let peer_cost =
            |built: &Value| Ok(number(built, "tokenising_cpu_s")? + number(built, "sorting_cpu_s")?);
        let theirs = match peer {
            Ok(_) => least(theirs.into_iter(), peer_cost).map_err(|error| format!("none: {error:#}")),
            Err(reason) => Err(reason.clone()),
        };
        Ok((least(ours.into_iter(), |built| number(built, "cpu_s"))?, theirs))
    }

    /// What was built, and how our index answers.
    fn searched(&self, build: Value, rounds: u32) -> Result<Value> {
        let [sample, segment, outputs] =
            ["sample.jsonl", "segment", "outputs.json"].map(|name| self.file(name));
        self.example("outputs", &[&sample, &self.corpus.heldout, &outputs])?;
        let query = self.example("query", &[&segment, &outputs, Path::new(&rounds.to_string())])?;
        Ok(json!({ "build": build, "query": query }))
    }

    /// A point of the curve: our index of so many megabytes.
    fn at(&self, megabytes: u32) -> Result<Value> {
        self.sample(&self.corpus.whole, megabytes)?;
        let build = least((0..BUILDS).map(|_| self.build()), |built| number(built, "cpu_s"))?;
        self.searched(build, ROUNDS[1])
    }

    /// A store with so many megabytes of the corpus, in which texts come and go.
    fn growth(&self, megabytes: u32) -> Result<Value> {
        let package =
            ["build", "--quiet", "--release", "--package", "openledger-store", "--example", "growth"];
        shell::run(shell::cargo().args(package))?;
        let mut command = Command::new(shell::target_dir().join("release/examples/growth"));
        let [megabytes, rounds] = [megabytes, GROWTH_ROUNDS].map(|number| number.to_string());
        measured(command.arg(&self.corpus.indexed).args([megabytes, rounds]).arg(&self.folder))
    }

    /// What the peer built, and how it answers the same outputs.
    fn peer_searched(&self, peer: &Peer, build: &Value) -> Result<Value> {
        let [segment, outputs, index, words, spans] =
            ["segment", "outputs.json", "peer", "words", "spans.json"].map(|name| self.file(name));
        let query = measured(peer.command("query").arg(&index).arg(&peer.vocabulary).arg(&outputs))?;
        self.example("words", &[&segment, &outputs, &words, &spans])?;
        let spans = measured(peer.command("spans").arg(words).arg(spans).arg(index))?;
        Ok(json!({ "build": build, "query": query, "spans": spans }))
    }
}

/// Bytes of what was measured, in megabytes.
const MEGA: f64 = 1e6;

impl Table {
    fn building(&mut self, which: &str, bar: Bar, ours: &Value, theirs: &Value) -> Result<()> {
        let megabytes = number(ours, "text_bytes")? / MEGA;
        let cpu_s = |tokenising: f64| Some(tokenising + theirs["sorting_cpu_s"].as_f64()?);
        let peer_cpu_s = theirs["tokenising_cpu_s"].as_f64().and_then(cpu_s);
        let (rate, peer_rate) =
            (megabytes / number(ours, "cpu_s")?, peer_cpu_s.map(|cpu_s| megabytes / cpu_s));
        self.add(&format!("{which}build from text, MB per CPU-second"), rate, peer_rate, more, bar);

        let (indexed, bytes) = (number(ours, "text_bytes_indexed")?, number(ours, "segment_bytes")?);
        let peer_bytes = theirs["index_bytes"].as_f64();
        let over_text = peer_bytes.map(|bytes| bytes / MEGA / megabytes);
        let size = bytes / indexed;
        self.add(
            &format!("{which}index with its texts / these texts"),
            size,
            over_text,
            less,
            Bar::AtMost(1.0),
        );
        let peak = number(ours, "peak_bytes")? / bytes;
        let peer_peak = theirs["peak_bytes"].as_f64().zip(peer_bytes).map(|(peak, bytes)| peak / bytes);
        self.add(&format!("{which}memory while building / index"), peak, peer_peak, less, Bar::AtMost(6.0));
        Ok(())
    }

    /// One kind of outputs.
    fn searching(&mut self, ours: &Value, theirs: &Value, equal: &Value) -> Result<()> {
        let kind = ours["kind"].as_str().context("the bench gave no kind")?;
        let every = &theirs["attribute"]["every run"];
        let rows = [
            ("spans and counts", &ours["spans"], every, [0.15, 1.0]),
            ("whole pipeline with shares", &ours["shares"], &theirs["trace"], [1.0, 5.0]),
        ];
        for (what, ours, theirs, bars) in rows {
            for (field, bar) in ["p50", "p99"].into_iter().zip(bars) {
                let name = format!("{kind}: {what}, {field}, ms");
                let wall = format!("{field}_ms");
                self.add(&name, number(ours, &wall)?, theirs[&wall].as_f64(), less, Bar::AtMost(bar));
                let cpu = number(ours, &format!("{field}_cpu_ms"))?;
                self.add(&format!("{name} of the core"), cpu, None, less, Bar::None);
            }
        }
        let cpu_ms = number(&ours["spans"], "cpu_ms")?;
        for setting in ["every run", "rare runs in sentences"] {
            let peer = theirs["attribute"][setting]["cpu_ms"].as_f64();
            let name = format!("{kind}: CPU ms of spans and counts, beside attribute of {setting}");
            self.add(&name, cpu_ms, peer, less, Bar::Times(100.0));
        }
        let equal = &equal[kind];
        if let (Some(ours), Some(all)) = (equal["equal"].as_f64(), equal["outputs"].as_f64()) {
            let name = format!("{kind}: outputs with the same maximal spans and counts as infini-gram finds");
            self.add(&name, ours, Some(all), more, Bar::AtLeast(all));
        }
        Ok(())
    }

    fn threads(&mut self, measured: &Value) -> Result<()> {
        let rate = |place: usize, field| number(&measured[place], field);
        for (place, threads) in [(0, "one thread"), (1, "two threads")] {
            let name = format!("outputs with shares per second, {threads}, best burst");
            self.add(&name, rate(place, "outputs_per_s")?, None, more, Bar::None);
        }
        let wall = rate(1, "outputs_per_s")? / rate(0, "outputs_per_s")?;
        self.add("two threads / one, best bursts", wall, None, more, Bar::AtLeast(1.9));
        let cpu = 2.0 * rate(1, "outputs_per_cpu_s")? / rate(0, "outputs_per_cpu_s")?;
        self.add("two threads / one, if both had a core of their own", cpu, None, more, Bar::None);
        Ok(())
    }

    /// One point of the curve.
    fn point(&mut self, measured: &Value, wanted: u32) -> Result<()> {
        let build = &measured["build"];
        let megabytes = number(build, "text_bytes")? / MEGA;
        if megabytes < 0.9 * f64::from(wanted) {
            return Ok(());
        }
        let rate = megabytes / number(build, "cpu_s")?;
        let size = number(build, "segment_bytes")? / number(build, "text_bytes_indexed")?;
        let at = format!("at {megabytes:.0} MB");
        self.add(&format!("{at}: build, MB per CPU-second"), rate, None, more, Bar::None);
        let indexed = number(build, "text_bytes_indexed")? / MEGA;
        self.add(&format!("{at}: texts that repeat no earlier one, MB"), indexed, None, more, Bar::None);
        self.add(&format!("{at}: index / these texts"), size, None, less, Bar::None);
        for (place, kind) in ["held out", "copied", "mixed"].into_iter().enumerate() {
            let kinds = &measured["query"]["kinds"][place];
            let spans = number(&kinds["spans"], "p50_cpu_ms")?;
            let name = format!("{at}: {kind}, spans and counts, p50, ms of the core");
            self.add(&name, spans, None, less, Bar::None);
        }
        Ok(())
    }

    fn growth(&mut self, measured: &Value) -> Result<()> {
        for (field, what) in [
            ("found_ms", "a text found, after its addition returned, ms"),
            ("add_and_found_ms", "a text found, after its addition was called, ms"),
            ("unpaid_ms", "a text unpaid, after its revocation returned, ms"),
            ("revoke_and_unpaid_ms", "a text unpaid, after its revocation was called, ms"),
        ] {
            self.add(what, number(&measured[field], "max")?, None, less, Bar::AtMost(1000.0));
        }
        for (field, what) in [("open_s", "opening the store, s"), ("compact_s", "compacting the store, s")] {
            self.add(what, number(measured, field)?, None, less, Bar::None);
        }
        Ok(())
    }

    fn copies(&mut self, measured: &Value) -> Result<()> {
        for row in measured["rows"].as_array().context("the bench gave no rows")? {
            let edits = match row["one_word_in"].as_u64() {
                Some(0) | None => "exact".to_owned(),
                Some(words) => format!("with a word in {words} changed"),
            };
            let name = format!("nine later copies, {edits}: their part of what quotes of the texts pay");
            self.add(&name, number(row, "copier_share")?, None, less, Bar::None);
        }
        Ok(())
    }
}
