//! What the embedded engine computes where another program computes the same, for `cargo xtask peers agreement` and `consistency`:
//!
//! - `agreement greedy MODEL QUESTIONS [ADAPTERS]`: the likeliest tokens of conversations, from an engine that batches them, and
//!   where they leave the tokens of the other program;
//! - `agreement hidden MODEL TEXTS [ADAPTER]`: hidden states of tokens, behind the last normalisation;
//! - `agreement perplexity MODEL TEXT WINDOW WINDOWS`: how likely the second half of each window of a text is after its first;
//! - `agreement consistent MODEL ANSWERS`: answers of the other program, written along with its draws;
//! - `agreement adapters MODEL FOLDER COUNT`: random adapters, each as PEFT and as llama.cpp reads it.
//!
//! Rule: one JSON value is printed; nothing here knows which numbers would be good. Absent: the other program, and the comparison.

#![expect(clippy::print_stdout, reason = "its output is the result")]

mod adapters;
mod consistent;
mod greedy;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use openledger_inference::{Adapter, AdapterBase, Model, score};
use openledger_model::{BATCH_OUTPUTS_MAX, Chunk, Outputs, Runner, RunnerConfig};
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let printed = match arguments[..] {
        ["greedy", model, questions] => greedy::greedy(open(model)?, Path::new(questions), None)?,
        ["greedy", model, questions, adapters] => {
            greedy::greedy(open(model)?, Path::new(questions), Some(Path::new(adapters)))?
        }
        ["hidden", model, texts] => hidden(open(model)?, Path::new(texts), None)?,
        ["hidden", model, texts, adapter] => {
            let model = open(model)?;
            let base = AdapterBase { shape: *model.shape(), names: Vec::new() };
            let adapter = Arc::new(Adapter::open(Path::new(adapter), &base)?);
            hidden(model, Path::new(texts), Some(adapter))?
        }
        ["perplexity", model, text, window, windows] => {
            perplexity(&open(model)?, Path::new(text), window.parse()?, windows.parse()?)?
        }
        ["consistent", model, answers] => consistent::consistent(&open(model)?, Path::new(answers))?,
        ["adapters", model, folder, count] => {
            adapters::write(open(model)?.as_ref(), Path::new(folder), count.parse()?)?
        }
        _ => bail!(
            "usage: agreement greedy | hidden | perplexity | consistent | adapters MODEL ...; the head of its source says what"
        ),
    };
    println!("{printed}");
    Ok(())
}

fn open(model: &str) -> anyhow::Result<Arc<Model>> {
    Ok(Arc::new(Model::open(Path::new(model))?))
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// A JSON file of a known form.
fn read<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} has another form", path.display()))
}

/// `[text][token][width]`: the states from which the logits of every token of every text are made.
fn hidden(model: Arc<Model>, texts: &Path, adapter: Option<Arc<Adapter>>) -> anyhow::Result<Value> {
    let texts: Vec<Vec<u32>> = read(texts)?;
    let config =
        RunnerConfig { threads: threads(), cache_tokens_max: model.context_length(), instruction_set: None };
    let mut runner = Runner::new(model, config)?;
    let mut states = Vec::with_capacity(texts.len());
    for text in &texts {
        let mut sequence = runner.cache.start(&[]);
        runner.cache.reserve(&mut sequence, text.len())?;
        let mut rows: Vec<Vec<f32>> = Vec::with_capacity(text.len());
        for tokens in text.chunks(BATCH_OUTPUTS_MAX) {
            let chunk = Chunk::new(&mut sequence, tokens, Outputs::All).under(adapter.clone());
            let outputs = runner.forward(&mut [chunk])?;
            rows.extend((0..outputs).map(|index| runner.hidden(index).to_vec()));
        }
        runner.cache.finish(sequence);
        states.push(rows);
    }
    Ok(json!(states))
}

/// The windows follow one another from the beginning of the text. Of each, the tokens behind the first half and one more are
/// counted: those whose likelihood is read behind a token of the second half.
fn perplexity(model: &Arc<Model>, text: &Path, window: usize, windows: usize) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(text).with_context(|| format!("{} cannot be read", text.display()))?;
    let mut tokens: Vec<u32> = model.tokenizer().begin_token().into_iter().collect();
    tokens.extend(model.tokenizer().encode(&text)?);
    let begun = window / 2 + 1;
    ensure!(begun < window, "a window of {window} tokens has no second half; take at least 4");
    ensure!(tokens.len() >= window * windows, "the text has {} tokens; take fewer windows", tokens.len());
    let (mut nats, mut counted) = (0.0, 0);
    for window in tokens.chunks_exact(window).take(windows) {
        let mut window = window.to_vec();
        // A model that wants a token before every text wants it before every window.
        window[0] = model.tokenizer().begin_token().unwrap_or(window[0]);
        let scores = score(model, &window[..begun], &window[begun..])?;
        nats -= scores.iter().sum::<f64>();
        counted += scores.len();
    }
    Ok(json!({ "tokens": tokens, "counted": counted, "nats": nats }))
}
