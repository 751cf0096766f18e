//! Greedy answers, and where they leave another program's.
//!
//! Rule: conversations go through the model's own template and are answered by the engine that serves, many at a time. At the
//! first token that differs the model is asked how likely it finds either, after the tokens that are the same.
//! Absent: which differences are ties.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use openledger_inference::{
    AdapterBase, AdapterName, AdapterStore, AdapterStoreConfig, ChatMessage, Completion, CompletionRequest,
    Engine, EngineConfig, Event, Model, Prompt, Scorer, prompt_tokens,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Likeliest tokens that are told of each place.
const BEST: u8 = 2;
/// More events than an answer has, so that no answer waits until the ones before it are read.
const EVENTS: usize = 1_024;
/// Positions that the questions about differences may share.
const CACHE_TOKENS: usize = 8_192;

/// A conversation to continue.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    messages: Vec<ChatMessage>,
    max_tokens: u32,
    /// A folder of those with adapters.
    adapter: Option<String>,
    /// How the other program went on.
    peers: Vec<u32>,
}

/// Answers in the order of the questions.
pub(crate) fn greedy(model: Arc<Model>, file: &Path, adapters: Option<&Path>) -> anyhow::Result<Value> {
    let questions: Vec<Question> = super::read(file)?;
    let store = adapters.map(|folder| store(&model, folder, &questions)).transpose()?;
    let config = EngineConfig {
        threads: super::threads(),
        queue_requests_max: questions.len(),
        lane_requests_max: questions.len(),
        event_capacity: EVENTS,
        ..EngineConfig::default()
    };
    let engine = Engine::start_with(Arc::clone(&model), config, store.clone())?;
    let mut asked = Vec::with_capacity(questions.len());
    for question in &questions {
        let prompt = prompt_tokens(&model, &Prompt::Chat(question.messages.clone().into()))?;
        let request = CompletionRequest {
            max_tokens: Some(question.max_tokens),
            logprobs: Some(BEST),
            adapter: question.adapter.as_deref().map(AdapterName::new).transpose()?,
            ..CompletionRequest::new(Prompt::Tokens(prompt.clone()))
        };
        asked.push((prompt, engine.submit(request)?));
    }
    let ids = ids(&model);
    let mut answers = Vec::with_capacity(questions.len());
    for (question, (prompt, completion)) in questions.iter().zip(asked) {
        let (tokens, best) = collect(completion, &ids)?;
        let difference = Difference { prompt: &prompt, ours: &tokens, peers: &question.peers };
        let difference = difference.told(&model, question.adapter.as_deref(), store.as_deref())?;
        answers.push(json!({ "prompt": prompt, "tokens": tokens, "best": best, "difference": difference }));
    }
    Ok(json!(answers))
}

/// A store with the adapters that the questions name, each in the sub-folder of its name.
fn store(model: &Model, folder: &Path, questions: &[Question]) -> anyhow::Result<Arc<AdapterStore>> {
    let base = AdapterBase { shape: *model.shape(), names: Vec::new() };
    let store = AdapterStore::start(base, AdapterStoreConfig::default())?;
    let mut names: Vec<&str> = questions.iter().filter_map(|question| question.adapter.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        store.register(AdapterName::new(name)?, folder.join(name))?;
    }
    Ok(store)
}

/// Ordinary tokens by their bytes.
fn ids(model: &Model) -> BTreeMap<Vec<u8>, u32> {
    let tokenizer = model.tokenizer();
    let all = (0..u32::try_from(tokenizer.vocabulary()).unwrap_or(u32::MAX)).rev();
    all.map(|id| (tokenizer.bytes(id).to_vec(), id)).filter(|(bytes, _)| !bytes.is_empty()).collect()
}

/// The tokens of an answer and, of each place, the two likeliest with the logarithm of their probability; control tokens have
/// no number there.
fn collect(
    mut completion: Completion,
    ids: &BTreeMap<Vec<u8>, u32>,
) -> anyhow::Result<(Vec<u32>, Vec<Value>)> {
    let (mut tokens, mut best) = (Vec::new(), Vec::new());
    while let Some(event) = completion.events.blocking_recv() {
        match event {
            Event::Token { token_id, logprob, .. } => {
                tokens.extend(token_id);
                let top = logprob.map(|logprob| logprob.top).unwrap_or_default();
                best.push(top.iter().map(|token| json!([ids.get(&token.bytes), token.logprob])).collect());
            }
            Event::Done(_) => return Ok((tokens, best)),
            Event::Error(error) => return Err(error.into()),
        }
    }
    bail!("an answer has no end")
}

/// Two continuations of one prompt.
struct Difference<'a> {
    prompt: &'a [u32],
    ours: &'a [u32],
    peers: &'a [u32],
}

impl Difference<'_> {
    /// Where they part, and the logarithms of the probabilities that the model gives to either token there; none where they are
    /// the same. One that ends where the other goes on has no token there.
    fn told(
        &self,
        model: &Arc<Model>,
        adapter: Option<&str>,
        store: Option<&AdapterStore>,
    ) -> anyhow::Result<Value> {
        let same = self.ours.iter().zip(self.peers).take_while(|(ours, peers)| ours == peers).count();
        let tokens = [self.ours, self.peers].map(|side| side.get(same).copied());
        if tokens == [None, None] {
            return Ok(Value::Null);
        }
        let mut scorer = Scorer::new(Arc::clone(model), super::threads(), CACHE_TOKENS)?;
        if let (Some(name), Some(store)) = (adapter, store)
            && let Some(info) = store.info(&AdapterName::new(name)?)
        {
            scorer.adapt(Some(store.open(info.id)?));
        }
        let before = [self.prompt, &self.ours[..same]].concat();
        let mut logprobs = [None; 2];
        for (token, logprob) in tokens.iter().zip(&mut logprobs) {
            if let Some(token) = token {
                let scores = scorer.score_all(std::slice::from_ref(&before), &[*token])?;
                *logprob = scores.first().and_then(|scores| scores.first()).copied();
            }
        }
        let [ours, peers] = tokens;
        Ok(json!({ "at": same, "ours": ours, "peers": peers, "logprobs": logprobs }))
    }
}
