//! Answers that another program gave, written along by the model (`openledger_inference::consistency`).
//!
//! Absent: who gave them, and what would be too far.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::anyhow;
use openledger_inference::{
    ChatMessage, Consistency, ConsistencyVerdict, Draws, Model, Prompt, Sampling, TextEnd, Told, consistency,
    prompt_tokens,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// A conversation, how it was asked, and its answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    messages: Vec<ChatMessage>,
    text: String,
    /// Whether the model ended it.
    ended: bool,
    sampling: Sampling,
}

/// What is found about each answer, in their order.
pub(crate) fn consistent(model: &Arc<Model>, file: &Path) -> anyhow::Result<Value> {
    let answers: Vec<Answer> = super::read(file)?;
    let part = answers.len().div_ceil(super::threads()).max(1);
    let found: Vec<anyhow::Result<Vec<Value>>> = thread::scope(|scope| {
        let follow = |part| scope.spawn(move || follow(model, part));
        let running: Vec<_> = answers.chunks(part).map(follow).collect();
        let ended = running.into_iter().map(thread::ScopedJoinHandle::join);
        ended.map(|ended| ended.map_err(|_| anyhow!("a thread panicked"))?).collect()
    });
    let found: Vec<Vec<Value>> = found.into_iter().collect::<anyhow::Result<_>>()?;
    Ok(json!(found.concat()))
}

fn follow(model: &Arc<Model>, answers: &[Answer]) -> anyhow::Result<Vec<Value>> {
    answers.iter().map(|answer| Ok(told(&answer.found(model)?))).collect()
}

impl Answer {
    fn found(&self, model: &Arc<Model>) -> anyhow::Result<Consistency> {
        let prompt = prompt_tokens(model, &Prompt::Chat(self.messages.clone().into()))?;
        let draws = match self.sampling.temperature {
            0.0 => Draws::Likeliest,
            _ => Draws::LlamaCpp { sampling: self.sampling, seed: u32::try_from(self.sampling.seed)? },
        };
        let end = if self.ended { TextEnd::EndToken } else { TextEnd::Cut };
        let told = Told { prompt: &prompt, text: &self.text, is_trimmed: true, end };
        Ok(consistency(model, 1, &told, draws)?)
    }
}

fn told(found: &Consistency) -> Value {
    let missed: Vec<f32> = found.drawn.iter().map(|drawn| drawn.missed).collect();
    let verdict = match found.verdict() {
        ConsistencyVerdict::Consistent => "consistent",
        ConsistencyVerdict::Inconsistent => "inconsistent",
        ConsistencyVerdict::Undecided => "undecided",
    };
    json!({ "verdict": verdict, "same": found.same(), "missed": found.missed(), "tokens": missed })
}
