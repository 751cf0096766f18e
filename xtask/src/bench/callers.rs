//! Callers of a server over HTTP, ours or llama.cpp's: the same conversations in the same order, streamed.
//!
//! Rule: what is asked depends on the load alone; a refused or broken answer fails the bench. Absent: which loads there are
//! (`serving`).

use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use crate::http::Address;
use crate::peers::texts;

/// What our server calls the packaged model.
const MODEL: &str = "smollm2-135m-instruct";
/// Bytes of the text in a question.
const QUESTION_BYTES: usize = 300;

/// Callers at the same time, and what they ask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    callers: usize,
    /// Questions of each, one after the other.
    requests: usize,
    tokens: u32,
    /// Each caller asks under an adapter of its own.
    adapted: bool,
    /// The place of the first text that is asked about.
    begin: usize,
}

impl Load {
    /// One long answer for each caller.
    pub(super) fn together(callers: usize, begin: usize, adapted: bool) -> Self {
        Self { callers, requests: 1, tokens: 64, adapted, begin }
    }

    /// Short answers, several for each caller.
    pub(super) fn first_tokens(callers: usize, requests: usize, begin: usize) -> Self {
        Self { callers, requests, tokens: 16, adapted: false, begin }
    }
}

/// One answer, as its caller saw it.
#[derive(Debug, Clone, Default)]
struct Answer {
    text: String,
    first_token_ms: f64,
    prompt_tokens: u64,
    tokens: u64,
}

/// What all callers of a load saw.
pub(super) struct Seen {
    seconds: f64,
    /// By caller, then in the order of asking.
    answers: Vec<Answer>,
}

impl Seen {
    /// Tokens of all answers for each second from the first question to the last end.
    pub(super) fn tokens_per_s(&self) -> f64 {
        self.answers.iter().map(|answer| answer.tokens).sum::<u64>() as f64 / self.seconds
    }

    pub(super) fn first_token_ms(&self) -> Vec<f64> {
        self.answers.iter().map(|answer| answer.first_token_ms).collect()
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.answers.iter().map(|answer| answer.text.clone()).collect()
    }

    pub(super) fn prompt_tokens(&self) -> Vec<u64> {
        self.answers.iter().map(|answer| answer.prompt_tokens).collect()
    }
}

/// Asks one server.
pub(super) struct Asker<'a> {
    pub(super) address: &'a Address,
    pub(super) is_peer: bool,
}

impl Asker<'_> {
    /// All callers begin at once; returns when the last answer has ended.
    pub(super) fn run(&self, load: &Load) -> Result<Seen> {
        let texts = texts::texts()?;
        ensure!(texts.len() > load.callers * load.requests, "there are {} texts to ask about", texts.len());
        let texts = &texts;
        let begun = Instant::now();
        let answers = thread::scope(|scope| {
            let caller = |caller: usize| -> Result<Vec<Answer>> {
                let first = load.begin + caller * load.requests;
                let asked = first..first + load.requests;
                asked.map(|place| self.ask(&texts[place % texts.len()], caller, load)).collect()
            };
            let callers: Vec<_> =
                (0..load.callers).map(|number| scope.spawn(move || caller(number))).collect();
            let mut answers = Vec::new();
            for caller in callers {
                answers.extend(caller.join().map_err(|_| anyhow!("a caller panicked"))??);
            }
            Ok::<_, anyhow::Error>(answers)
        })?;
        Ok(Seen { seconds: begun.elapsed().as_secs_f64(), answers })
    }

    fn ask(&self, text: &str, caller: usize, load: &Load) -> Result<Answer> {
        let body = self.body(text, load.adapted.then_some(caller), load.tokens);
        let (mut answer, mut first, mut error) = (Answer::default(), None, None);
        let begun = Instant::now();
        self.address.events("/v1/chat/completions", &body, |event| {
            let text = event["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
            if !text.is_empty() {
                first.get_or_insert_with(|| begun.elapsed().as_secs_f64() * 1_000.0);
                answer.text.push_str(text);
            }
            if let Some(usage) = event.get("usage").filter(|usage| usage.is_object()) {
                answer.prompt_tokens = usage["prompt_tokens"].as_u64().unwrap_or(0);
                answer.tokens = usage["completion_tokens"].as_u64().unwrap_or(0);
            }
            if let Some(said) = event.get("error") {
                error = Some(said.to_string());
            }
        })?;
        if let Some(error) = error {
            bail!("an answer broke off: {error}");
        }
        ensure!(answer.tokens > 0 && answer.prompt_tokens > 0, "an answer did not say how long it is");
        answer.first_token_ms = first.context("an answer has no text")?;
        Ok(answer)
    }

    fn body(&self, text: &str, adapter: Option<usize>, tokens: u32) -> Value {
        let text = texts::cut(text, QUESTION_BYTES);
        let question = format!("Explain this in your own words:\n\n{text}");
        let mut body = json!({
            "messages": [{ "role": "user", "content": question }], "max_tokens": tokens, "temperature": 0, "stream": true,
            "stream_options": { "include_usage": true },
        });
        match (self.is_peer, adapter) {
            (false, None) => body["model"] = json!(MODEL),
            (false, Some(adapter)) => body["model"] = json!(format!("{MODEL}:adapter-{adapter}")),
            (true, None) => body["lora"] = json!([{ "id": 0, "scale": 0.0 }]),
            (true, Some(adapter)) => body["lora"] = json!([{ "id": adapter, "scale": 1.0 }]),
        }
        body
    }
}
