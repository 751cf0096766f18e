//! `cargo xtask peers agreement`: our engine and llama.cpp compute the same model from the same file.
//!
//! Compared are prompts as the file's template makes them, greedy answers token by token, hidden states behind the last
//! normalisation, perplexity; and under random adapters answers and states once more. Both programs run on the file as shipped with
//! their own settings; the peer keeps keys and values in 16 bits, as it does unless told otherwise.
//!
//! llama.cpp's threads spin while they wait for each other; with one of them the command ends in time on a busy machine as well.
//!
//! Rule: what misses is printed and fails the command; nothing that was asked is left out. Absent: speed (`bench inference`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use super::greedy::{Compared, Theirs, tokenize};
use super::states::Apart;
use super::{rows, texts};
use crate::bench::llama::{NAME, Peer};
use crate::bench::table::{Bar, Table, less, more};
use crate::bench::{measured, number, report};
use crate::served::Served;
use crate::{bench, shell};

/// How far the perplexities may be apart, in percent.
const PERPLEXITY_PERCENT_MAX: f64 = 0.5;
/// Tokens of a conversation and its answer at most.
const SLOT_TOKENS: usize = 1_024;
/// Fewest conversations.
const ANSWERS_MIN: f64 = 200.0;
/// Tokens of a window and windows of the text whose likelihood is compared; of each the second half counts, as llama.cpp does it.
const WINDOW_TOKENS: usize = 512;
const WINDOWS: usize = 80;
/// Texts and tokens of each whose states are compared.
const STATE_TEXTS: usize = 32;
const STATE_TOKENS: usize = 128;
/// Pieces of the text from one that is compared to the next.
const STATE_STEP: usize = 8;
/// Adapters, and conversations under each.
const ADAPTERS: usize = 2;
const ADAPTED_ANSWERS: usize = 16;

pub(super) fn run() -> Result<()> {
    let agreement = Agreement::prepare()?;
    let text = agreement.text()?;
    let mut table = Table::new(NAME.to_owned(), "none: llama.cpp is not asked this");
    thread::scope(|scope| {
        // It takes as long as the answers, and there is a second core.
        let peers =
            scope.spawn(|| agreement.peer.perplexity(&agreement.model, &text, WINDOW_TOKENS, WINDOWS));
        let answers = agreement.answers(&texts::conversations()?, None)?;
        let least = Bar::AtLeast(ANSWERS_MIN);
        table.add("conversations asked", answers.answers as f64, None, more, least);
        rows::answers(&mut table, None, &answers);
        agreement.states(&mut table, &text, None)?;
        let peers = peers.join().map_err(|_| anyhow!("what reads llama-perplexity panicked"))??;
        agreement.perplexity(&mut table, &text, peers)
    })?;
    agreement.adapters(&mut table, &text)?;
    table.print();
    report("agreement", &table.results)
}

/// Programs and files.
struct Agreement {
    peer: Peer,
    model: PathBuf,
    example: PathBuf,
    folder: PathBuf,
}

impl Agreement {
    fn prepare() -> Result<Self> {
        let (peer, model) = (Peer::ensure()?, bench::model()?);
        let folder = shell::target_dir().join("peers/agreement");
        fs::create_dir_all(&folder)?;
        Ok(Self { peer, model, example: super::example()?, folder })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// One task of the example.
    fn ours(&self, task: &str, arguments: &[&Path]) -> Result<Value> {
        measured(Command::new(&self.example).arg(task).arg(&self.model).args(arguments))
    }

    fn serve(&self, model: &Path, options: &[String]) -> Result<Served> {
        self.peer.serve(model, &self.file("llama-server.log"), (1, SLOT_TOKENS), 1, options)
    }

    /// The conversations answered by both, all under one adapter or under none.
    fn answers(&self, conversations: &[Value], adapter: Option<&str>) -> Result<Compared> {
        let server = self.serve(&self.model, &self.lora(adapter))?;
        let mut theirs = Vec::with_capacity(conversations.len());
        for (place, messages) in conversations.iter().enumerate() {
            if place % 20 == 0 {
                println!("llama.cpp answers conversation {place} of {}", conversations.len());
            }
            theirs.push(
                Theirs::ask(&server.address, messages).with_context(|| format!("conversation {place}"))?,
            );
        }
        drop(server);
        let asked = conversations.iter().zip(&theirs);
        let questions: Vec<Value> =
            asked.map(|(messages, theirs)| theirs.question(messages, adapter)).collect();
        let file = self.file("questions.json");
        fs::write(&file, json!(questions).to_string())?;
        let ours = match adapter {
            None => self.ours("greedy", &[&file])?,
            Some(_) => self.ours("greedy", &[&file, &self.file("adapters")])?,
        };
        let mut compared = Compared::default();
        for (ours, theirs) in ours.as_array().context("the example gave no answers")?.iter().zip(&theirs) {
            compared.add(ours, theirs)?;
        }
        Ok(compared)
    }

    /// What the server is started with for an adapter.
    fn lora(&self, adapter: Option<&str>) -> Vec<String> {
        let file = |name| self.file(&format!("adapters/{name}.gguf")).display().to_string();
        adapter.map_or(Vec::new(), |name| vec!["--lora".to_owned(), file(name)])
    }

    /// The text of which states and likelihoods are compared: the demo's, up to what the windows need.
    fn text(&self) -> Result<PathBuf> {
        // Of English text a token has about four bytes; the example says so if there are too few.
        let wanted = WINDOWS * WINDOW_TOKENS * 6;
        let mut text = String::new();
        for next in texts::texts()? {
            if text.len() < wanted {
                text.push_str(next.trim());
                text.push_str("\n\n");
            }
        }
        let path = self.file("text.txt");
        // llama-perplexity takes one line's end off the end of a file.
        fs::write(&path, text.trim_end())?;
        Ok(path)
    }

    /// The tokens whose states are compared, `[text][token]`.
    fn tokens(&self, text: &Path) -> Result<Value> {
        let server = self.serve(&self.model, &[])?;
        let tokens = tokenize(&server.address, &fs::read_to_string(text)?, false)?;
        let texts: Vec<&[u64]> =
            tokens.chunks_exact(STATE_TOKENS).step_by(STATE_STEP).take(STATE_TEXTS).collect();
        ensure!(texts.len() == STATE_TEXTS, "the text has {} tokens, which are too few", tokens.len());
        Ok(json!(texts))
    }

    /// `[text][token][number]` of the peer, on one of its files.
    fn peers_states(&self, model: &Path, texts: &Value, mut options: Vec<String>) -> Result<Value> {
        options.extend(["--embeddings", "--pooling", "none"].map(str::to_owned));
        let server = self.serve(model, &options)?;
        let mut states = Vec::with_capacity(STATE_TEXTS);
        for tokens in texts.as_array().context("there are no texts")? {
            let mut answer = server.address.post("/embedding", &json!({ "content": tokens }))?;
            states.push(answer[0]["embedding"].take());
        }
        Ok(json!(states))
    }

    /// Ours beside the peer's; and both beside what the peer computes when nothing is rounded to 8 bits.
    fn states(&self, table: &mut Table, text: &Path, adapter: Option<&str>) -> Result<()> {
        let texts = self.tokens(text)?;
        let file = self.file("states.json");
        fs::write(&file, texts.to_string())?;
        let ours = match adapter {
            None => self.ours("hidden", &[&file])?,
            Some(name) => self.ours("hidden", &[&file, &self.file("adapters").join(name)])?,
        };
        let peers = self.peers_states(&self.model, &texts, self.lora(adapter))?;
        let exact = self.peers_states(&self.peer.widened(&self.model)?, &texts, self.lora(adapter))?;
        let apart = Apart::between(&ours, &peers)?;
        rows::states(table, adapter, &apart);
        rows::rounding(table, adapter, &Apart::between(&ours, &exact)?, &Apart::between(&peers, &exact)?);
        if adapter.is_none() {
            let other_order = ["--flash-attn", "off"].map(str::to_owned).to_vec();
            let itself = self.peers_states(&self.model, &texts, other_order)?;
            rows::itself(table, &apart, &Apart::between(&itself, &peers)?);
        }
        Ok(())
    }

    fn perplexity(&self, table: &mut Table, text: &Path, peers: f64) -> Result<()> {
        let [window, windows] = [WINDOW_TOKENS, WINDOWS].map(|number| number.to_string());
        let ours = self.ours("perplexity", &[text, Path::new(&window), Path::new(&windows)])?;
        let server = self.serve(&self.model, &[])?;
        let tokens = tokenize(&server.address, &fs::read_to_string(text)?, false)?;
        let same = json!(tokens) == ours["tokens"];
        let name = format!("the same tokens of a text of {} tokens (1: yes)", tokens.len());
        table.add(&name, f64::from(u8::from(same)), None, more, Bar::AtLeast(1.0));
        let counted = number(&ours, "counted")?;
        let perplexity = (number(&ours, "nats")? / counted).exp();
        let name = format!("perplexity over {counted} tokens in {windows} windows of {window}");
        table.add(&name, perplexity, Some(peers), less, Bar::None);
        let percent = 100.0 * (perplexity / peers - 1.0).abs();
        table.add("perplexity apart, percent", percent, None, less, Bar::AtMost(PERPLEXITY_PERCENT_MAX));
        Ok(())
    }

    /// Answers and states under random adapters, which each program reads from a file of its own kind.
    fn adapters(&self, table: &mut Table, text: &Path) -> Result<()> {
        let folder = self.file("adapters");
        let names = self.ours("adapters", &[&folder, Path::new(&ADAPTERS.to_string())])?;
        let conversations = texts::conversations()?;
        for (place, name) in names.as_array().context("the example named no adapters")?.iter().enumerate() {
            let name = name.as_str().context("an adapter has no name")?;
            let asked: Vec<Value> = conversations
                .iter()
                .skip(place)
                .step_by(conversations.len() / ADAPTED_ANSWERS)
                .cloned()
                .collect();
            rows::answers(table, Some(name), &self.answers(&asked, Some(name))?);
            self.states(table, text, Some(name))?;
        }
        Ok(())
    }
}
