//! `cargo xtask peers consistency`: how well an answer of llama.cpp's server shows which weights gave it, when our model writes along.
//!
//! The server answers the demo's questions on the file as shipped, which must be found consistent, and in ways that a provider would
//! not tell: requantised weights, an adapter, a rounded cache, an instruction in front of the question, another seed. Ours follows all
//! answers with the file as shipped and the question as it was asked.
//!
//! Rule: what is hardly seen is printed like what is seen. Bars stand where no rounding hides it. Absent: exact evidence, which sees all of it
//! (`bench evidence`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::texts;
use crate::bench::llama::{NAME, Peer};
use crate::bench::table::{Bar, Table, less, more};
use crate::bench::{self, measured, quantile, report};
use crate::shell;

/// Questions, and tokens of an answer.
const QUESTIONS: usize = 16;
const ANSWER_TOKENS: u32 = 96;
const SLOT_TOKENS: usize = 1_024;
/// What is asked for in each case; honest answers are asked for in every way.
const WAYS: [Way; 5] = [
    Way { name: "likeliest", temperature: 0.0, top_p: 1.0, top_k: 0, min_p: 0.0 },
    Way { name: "temperature 0.7", temperature: 0.7, top_p: 1.0, top_k: 0, min_p: 0.0 },
    Way { name: "temperature 0.8, top_p 0.9", temperature: 0.8, top_p: 0.9, top_k: 0, min_p: 0.0 },
    Way { name: "temperature 1", temperature: 1.0, top_p: 1.0, top_k: 0, min_p: 0.0 },
    Way {
        name: "temperature 0.8, top_k 40, min_p 0.05",
        temperature: 0.8,
        top_p: 1.0,
        top_k: 40,
        min_p: 0.05,
    },
];
/// Of these the cases that are not honest are asked.
const WAYS_OF_CHEATS: usize = 2;
/// Which part of the answers of a gross cheat must be found.
const FOUND_MIN: f64 = 0.9;

/// Which part of the answers must be long enough to say something.
const DECIDED_MIN: f64 = 0.8;

struct Way {
    name: &'static str,
    temperature: f32,
    top_p: f32,
    top_k: u32,
    min_p: f32,
}

/// What the server does.
struct Case {
    name: &'static str,
    /// The format of its weights; none is the file as shipped.
    format: Option<&'static str>,
    options: Vec<String>,
    /// What stands in front of every question.
    instruction: Option<&'static str>,
    /// What it adds to the seed.
    seed: u32,
    /// Whether its answers are to be found.
    is_gross: bool,
}

pub(super) fn run() -> Result<()> {
    let comparison = Comparison::prepare()?;
    let mut table = Table::new(NAME.to_owned(), "none: llama.cpp has no such check");
    comparison.honest(&mut table)?;
    for case in comparison.cheats()? {
        comparison.cheat(&mut table, &case)?;
    }
    table.print();
    report("consistency", &table.results)
}

struct Comparison {
    peer: Peer,
    model: PathBuf,
    example: PathBuf,
    folder: PathBuf,
    questions: Vec<String>,
}

impl Case {
    fn new(name: &'static str) -> Self {
        Self { name, format: None, options: Vec::new(), instruction: None, seed: 0, is_gross: false }
    }

    fn with(mut self, options: &[&str]) -> Self {
        self.options = options.iter().map(|option| (*option).to_owned()).collect();
        self
    }

    fn in_format(self, format: &'static str) -> Self {
        Self { format: Some(format), ..self }
    }

    fn gross(self) -> Self {
        Self { is_gross: true, ..self }
    }
}

impl Comparison {
    fn prepare() -> Result<Self> {
        let (peer, model) = (Peer::ensure()?, bench::model()?);
        let folder = shell::target_dir().join("peers/consistency");
        fs::create_dir_all(&folder)?;
        let example = super::example()?;
        let questions = texts::questions()?.into_iter().take(QUESTIONS).collect();
        Ok(Self { peer, model, example, folder, questions })
    }

    fn honest(&self, table: &mut Table) -> Result<()> {
        let found = self.found(&Case::new("honest"), &WAYS)?;
        for (way, found) in WAYS.iter().zip(&found) {
            let name = |what: &str| format!("honest, {}: {what}", way.name);
            table.add(
                &name("answers that are inconsistent, of those that say something"),
                found.inconsistent(),
                None,
                less,
                Bar::AtMost(0.0),
            );
            let least = Bar::AtLeast(DECIDED_MIN * QUESTIONS as f64);
            table.add(&name("answers that say something"), found.decided(), None, more, least);
            table.add(
                &name("worst 32 draws missed, median answer"),
                found.missed(0.5),
                None,
                less,
                Bar::None,
            );
            table.add(&name("worst 32 draws missed, worst answer"), found.missed(1.0), None, less, Bar::None);
        }
        Ok(())
    }

    fn cheat(&self, table: &mut Table, case: &Case) -> Result<()> {
        // A seed changes nothing where the likeliest token is taken.
        let ways = if case.seed > 0 { &WAYS[1..WAYS_OF_CHEATS] } else { &WAYS[..WAYS_OF_CHEATS] };
        for (way, found) in ways.iter().zip(self.found(case, ways)?) {
            let name = |what: &str| format!("{}, {}: {what}", case.name, way.name);
            let bar = if case.is_gross { Bar::AtLeast(FOUND_MIN) } else { Bar::None };
            table.add(
                &name("answers that are inconsistent, of those that say something"),
                found.inconsistent(),
                None,
                more,
                bar,
            );
            table.add(
                &name("worst 32 draws missed, median answer"),
                found.missed(0.5),
                None,
                more,
                Bar::None,
            );
        }
        Ok(())
    }

    fn cheats(&self) -> Result<Vec<Case>> {
        let folder = self.folder.join("adapters");
        let names = self.ours("adapters", &[&folder, Path::new("1")])?;
        let name = names[0].as_str().context("the example wrote no adapter")?;
        let adapter = folder.join(name).with_extension("gguf");
        let rounded =
            |kind: &'static str| ["--flash-attn", "on", "--cache-type-k", kind, "--cache-type-v", kind];
        Ok(vec![
            Case { seed: 7, ..Case::new("another seed").gross() },
            Case {
                instruction: Some("You are a helpful assistant. Keep it short."),
                ..Case::new("an instruction in front")
            },
            Case::new("a random adapter").with(&["--lora", &adapter.display().to_string()]),
            Case::new("2-bit weights").in_format("Q2_K").gross(),
            Case::new("3-bit weights").in_format("Q3_K_S").gross(),
            Case::new("4-bit weights of another kind").in_format("Q4_0").gross(),
            Case::new("5-bit weights").in_format("Q5_0"),
            Case::new("8-bit weights").in_format("Q8_0"),
            Case::new("8-bit keys and values").with(&rounded("q8_0")),
            Case::new("4-bit keys and values").with(&rounded("q4_0")),
        ])
    }

    /// What is found of the answers of a case, for each way.
    fn found(&self, case: &Case, ways: &[Way]) -> Result<Vec<Found>> {
        println!("llama.cpp answers: {}", case.name);
        let model = match case.format {
            Some(format) => self.peer.written(&self.model, format, &[])?,
            None => self.model.clone(),
        };
        let log = self.folder.join("llama-server.log");
        let server = self.peer.serve(&model, &log, (1, SLOT_TOKENS), 1, &case.options)?;
        let mut found = Vec::with_capacity(ways.len());
        for way in ways {
            let mut answers = Vec::with_capacity(self.questions.len());
            for (question, seed) in self.questions.iter().zip(1_u32..) {
                let reply = server.address.post("/v1/chat/completions", &way.body(case, question, seed))?;
                answers.push(way.answer(question, seed, &reply)?);
            }
            found.push(self.follow(&json!(answers))?);
        }
        Ok(found)
    }

    fn follow(&self, answers: &Value) -> Result<Found> {
        let file = self.folder.join("answers.json");
        fs::write(&file, answers.to_string())?;
        let told = self.ours("consistent", &[&file])?;
        Ok(Found { told: told.as_array().context("the example gave no answers")?.clone() })
    }

    /// One task of the example.
    fn ours(&self, task: &str, arguments: &[&Path]) -> Result<Value> {
        measured(Command::new(&self.example).arg(task).arg(&self.model).args(arguments))
    }
}

impl Way {
    /// What is sent, as `upstream` sends it.
    fn body(&self, case: &Case, question: &str, seed: u32) -> Value {
        let mut messages = vec![json!({ "role": "user", "content": question })];
        if let Some(instruction) = case.instruction {
            messages.insert(0, json!({ "role": "system", "content": instruction }));
        }
        json!({
            "messages": messages, "max_tokens": ANSWER_TOKENS, "temperature": self.temperature, "top_p": self.top_p,
            "top_k": self.top_k, "min_p": self.min_p, "seed": seed + case.seed, "repeat_penalty": 1.0,
            "frequency_penalty": 0.0, "presence_penalty": 0.0,
        })
    }

    /// The answer as our example reads it: with what was asked for.
    fn answer(&self, question: &str, seed: u32, reply: &Value) -> Result<Value> {
        let choice = &reply["choices"][0];
        let text = choice["message"]["content"].as_str().context("an answer has no text")?;
        let sampling = json!({
            "temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k, "min_p": self.min_p, "seed": seed,
            "frequency_penalty": 0.0, "presence_penalty": 0.0,
        });
        Ok(json!({
            "messages": [{ "role": "user", "content": question }], "text": text.trim_start(),
            "ended": choice["finish_reason"] == "stop", "sampling": sampling,
        }))
    }
}

/// What was found of answers.
struct Found {
    told: Vec<Value>,
}

impl Found {
    fn count(&self, verdict: &str) -> f64 {
        self.told.iter().filter(|told| told["verdict"] == verdict).count() as f64
    }

    /// Answers of which something is said.
    fn decided(&self) -> f64 {
        self.told.len() as f64 - self.count("undecided")
    }

    /// The part of them that is inconsistent.
    fn inconsistent(&self) -> f64 {
        self.count("inconsistent") / self.decided().max(1.0)
    }

    fn missed(&self, part: f64) -> f64 {
        let missed: Vec<f64> = self.told.iter().filter_map(|told| told["missed"].as_f64()).collect();
        quantile(&missed, part).unwrap_or(f64::NAN)
    }
}
