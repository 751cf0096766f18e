//! Completes prompts from standard input with the embedded engine.
//!
//! Rule: without arguments all of standard input is one plain prompt and the answer streams. With
//! `--lines`, every line is a JSON object with `prompt` or `messages`, and optionally `max_tokens`,
//! `stop`, `temperature` and `seed`; every answer is one JSON line.
//! Absent: downloading the model; it is read from `OPENLEDGER_MODEL` or the cache folder.

#![expect(clippy::print_stdout, reason = "an example talks to its user")]

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use openledger_inference::{
    ChatMessage, CompletionRequest, Engine, EngineConfig, Event, Model, Prompt, Quote, Sampling, quote_part,
};

#[derive(serde::Deserialize)]
struct Line {
    prompt: Option<String>,
    messages: Option<Vec<ChatMessage>>,
    max_tokens: Option<u32>,
    #[serde(default)]
    stop: Vec<String>,
    #[serde(default)]
    temperature: f32,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    frequency_penalty: f32,
    #[serde(default)]
    quote_bonus: f32,
    /// The part of the prompt to quote from.
    quote: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let model = Arc::new(Model::open(&model_path()?)?);
    let engine = Engine::start(model, EngineConfig::default())?;
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    if std::env::args().any(|argument| argument == "--lines") {
        for line in input.lines().filter(|line| !line.trim().is_empty()) {
            println!("{}", answer_line(&engine, line)?);
        }
        return Ok(());
    }
    let request = CompletionRequest {
        max_tokens: Some(128),
        ..CompletionRequest::new(Prompt::Text(input.trim_end().to_owned()))
    };
    let mut completion = engine.submit(request)?;
    while let Some(event) = completion.events.blocking_recv() {
        match event {
            Event::Token { text, .. } => {
                print!("{text}");
                std::io::stdout().flush()?;
            }
            Event::Done(done) => println!("\n{}", serde_json::to_string_pretty(&done.proof.evidence())?),
            Event::Error(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn answer_line(engine: &Engine, line: &str) -> anyhow::Result<String> {
    let line: Line = serde_json::from_str(line).context("a line is no JSON object of the known fields")?;
    let prompt = match (line.prompt, line.messages) {
        (Some(prompt), None) => Prompt::Text(prompt),
        (None, Some(messages)) => Prompt::Chat(messages.into()),
        _ => anyhow::bail!("a line needs either a prompt or messages"),
    };
    let quote = match (&prompt, &line.quote) {
        (Prompt::Text(text), Some(part)) => quote_of(engine, text, part, line.quote_bonus)?,
        _ => Quote::default(),
    };
    let start = Instant::now();
    let completion = engine.submit(CompletionRequest {
        max_tokens: line.max_tokens,
        stop: line.stop,
        sampling: Sampling {
            temperature: line.temperature,
            seed: line.seed,
            frequency_penalty: line.frequency_penalty,
            quote,
            ..Sampling::default()
        },
        ..CompletionRequest::new(prompt)
    })?;
    let finished = completion.collect_blocking()?;
    Ok(serde_json::json!({
        "text": finished.text,
        "finish_reason": finished.done.finish_reason.as_str(),
        "prompt_tokens": finished.done.prompt_tokens,
        "cached_tokens": finished.done.cached_tokens,
        "completion_tokens": finished.done.completion_tokens,
        "milliseconds": start.elapsed().as_millis(),
        "token_ids": finished.token_ids,
    })
    .to_string())
}

/// Where the last occurrence of `part` lies in the prompt, in tokens.
fn quote_of(engine: &Engine, text: &str, part: &str, bonus: f32) -> anyhow::Result<Quote> {
    let at = text.rfind(part).context("the quoted part is not in the prompt")?;
    Ok(quote_part(engine.model(), text, at..at + part.len(), bonus)?)
}

fn model_path() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("OPENLEDGER_MODEL") {
        return Ok(path.into());
    }
    let home = std::env::var_os("HOME").context("set OPENLEDGER_MODEL to the model file")?;
    Ok(PathBuf::from(home).join(".cache/openledger/models/SmolLM2-135M-Instruct.Q4_1.gguf"))
}
