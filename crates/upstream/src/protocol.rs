//! Requests in an engine's words, and the chunks of its answers.
//!
//! Sources: OpenAI's API reference (chat completions, completions, `stream_options`); the extra fields are those of vLLM's
//! `SamplingParams`, of SGLang's OpenAI server and of llama.cpp's `tools/server/README.md`.
//!
//! Rule: what a caller asked for is sent or refused by name, and an engine's own defaults (top_k 40 and min_p 0.05 in
//! llama.cpp, a model's generation_config in vLLM) are set aside, so that a request means the same everywhere.

use openledger_inference::{CompletionRequest, FinishReason, Prompt, Sampling, SubmitError, TokenLogprob};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::calls::CallDelta;
use crate::config::{Kind, UpstreamConfig};
use crate::connection::error_message;
use crate::error::shown;
use crate::logprobs::Logprobs;

/// Stop strings that OpenAI's protocol takes.
const OPENAI_STOPS_MAX: usize = 4;
/// Seeds are sent in 31 bits, which every engine reads; some refuse larger ones.
const SEED_BITS: u32 = 0x7fff_ffff;

/// Where a request goes, and its body.
#[derive(Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) path: &'static str,
    pub(crate) body: Value,
}

impl Call {
    /// Whether tools are given.
    pub(crate) fn has_tools(&self) -> bool {
        self.body.get("tools").is_some()
    }
}

/// The seed as engines get it.
pub(crate) fn sent_seed(seed: u64) -> u32 {
    // The lower half, of which all but the highest bit are kept.
    (seed as u32) & SEED_BITS
}

/// A request in the engine's words; what it cannot honour is refused by name.
pub(crate) fn call(config: &UpstreamConfig, request: &CompletionRequest) -> Result<Call, SubmitError> {
    let unsupported = |what| Err(SubmitError::Unsupported { what });
    if request.sampling.quote.bonus > 0.0 {
        return unsupported("quote.bonus");
    }
    if request.adapter.is_some() {
        return unsupported("adapter");
    }
    if request.grammar.is_some() {
        return unsupported("grammar");
    }
    let is_chat = matches!(request.prompt, Prompt::Chat(_));
    if request.logprobs.is_some() && !is_chat {
        return unsupported("logprobs");
    }
    if request.response_format.is_some() && config.kind == Kind::Openai && !is_chat {
        return unsupported("response_format");
    }
    if config.kind == Kind::Openai && request.sampling.top_k > 0 {
        return unsupported("top_k");
    }
    if config.kind == Kind::Openai && request.sampling.min_p > 0.0 {
        return unsupported("min_p");
    }
    if config.kind == Kind::Openai && request.stop.len() > OPENAI_STOPS_MAX {
        return unsupported("more than 4 stop strings");
    }
    let (path, field, prompt) = match &request.prompt {
        Prompt::Chat(talk) if talk.messages.is_empty() => return Err(SubmitError::PromptEmpty),
        Prompt::Chat(talk) => ("v1/chat/completions", "messages", json!(talk.messages)),
        Prompt::Text(text) if text.is_empty() => return Err(SubmitError::PromptEmpty),
        Prompt::Text(text) => ("v1/completions", "prompt", json!(text)),
        Prompt::Tokens(tokens) if tokens.is_empty() => return Err(SubmitError::PromptEmpty),
        Prompt::Tokens(tokens) => ("v1/completions", "prompt", json!(tokens)),
    };
    let mut body = Map::new();
    body.insert("model".into(), json!(config.model));
    body.insert(field.into(), prompt);
    body.insert("stream".into(), json!(true));
    body.insert("stream_options".into(), json!({ "include_usage": true }));
    if let Some(max_tokens) = request.max_tokens {
        body.insert("max_tokens".into(), json!(max_tokens.min(config.context_tokens)));
    }
    if !request.stop.is_empty() {
        body.insert("stop".into(), json!(request.stop));
    }
    if let Some(format) = &request.response_format {
        body.insert("response_format".into(), format.clone());
    }
    if let Some(count) = request.logprobs {
        body.insert("logprobs".into(), json!(true));
        body.insert("top_logprobs".into(), json!(count));
    }
    if let Some(tools) = request.prompt.tools() {
        body.insert("tools".into(), tools.to_json());
        body.insert("tool_choice".into(), tools.choice_to_json());
        if tools.one_call {
            body.insert("parallel_tool_calls".into(), json!(false));
        }
    }
    sampling(config.kind, &request.sampling, &mut body);
    Ok(Call { path, body: Value::Object(body) })
}

fn sampling(kind: Kind, sampling: &Sampling, body: &mut Map<String, Value>) {
    body.insert("temperature".into(), json!(sampling.temperature));
    body.insert("top_p".into(), json!(sampling.top_p));
    body.insert("seed".into(), json!(sent_seed(sampling.seed)));
    body.insert("frequency_penalty".into(), json!(sampling.frequency_penalty));
    body.insert("presence_penalty".into(), json!(sampling.presence_penalty));
    // What stands for "all tokens" is 0 in llama.cpp and -1 in the others.
    let (all, repetition) = match kind {
        Kind::Openai => return,
        Kind::LlamaServer => (0, "repeat_penalty"),
        Kind::Vllm | Kind::Sglang => (-1, "repetition_penalty"),
    };
    // More than a vocabulary has is all of it, and some engines read 32 bits with a sign.
    let top_k =
        if sampling.top_k == 0 { all } else { i64::from(sampling.top_k.min(i32::MAX.cast_unsigned())) };
    body.insert("top_k".into(), json!(top_k));
    body.insert("min_p".into(), json!(sampling.min_p));
    body.insert(repetition.into(), json!(1.0));
}

/// Tokens as an engine counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) prompt_tokens: u32,
    pub(crate) cached_tokens: u32,
    pub(crate) completion_tokens: u32,
}

/// What one chunk brings.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Read {
    /// More of the answer: empty for a step of thought, which is counted and not shown.
    pub(crate) text: Option<String>,
    /// What it says of calls, after the text.
    pub(crate) calls: Vec<CallDelta>,
    /// How likely its tokens were, where that was asked for.
    pub(crate) logprobs: Vec<TokenLogprob>,
    pub(crate) finish: Option<FinishReason>,
    pub(crate) usage: Option<Usage>,
}

/// What is wrong with a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The engine says that it failed.
    Failed(String),
    /// It ended the answer for a reason of its own, for example `content_filter`.
    Ended(String),
    /// It is no chunk.
    Malformed(String),
}

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<UsageField>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    delta: Option<Delta>,
    text: Option<String>,
    logprobs: Option<Logprobs>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    /// The same thing under its names in SGLang and llama.cpp, and in newer versions of vLLM; some send both.
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Deserialize)]
struct UsageField {
    prompt_tokens: u32,
    completion_tokens: Option<u32>,
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u32>,
}

/// Reads the data of one event.
pub(crate) fn read(data: &str) -> Result<Read, Wrong> {
    let chunk: Chunk =
        serde_json::from_str(data).map_err(|error| Wrong::Malformed(shown(&format!("{error} in {data}"))))?;
    if chunk.error.is_some_and(|error| !error.is_null()) || (chunk.choices.is_none() && chunk.usage.is_none())
    {
        return Err(Wrong::Failed(error_message(data.as_bytes())));
    }
    let mut read = Read { usage: chunk.usage.map(Usage::from), ..Read::default() };
    for choice in chunk.choices.unwrap_or_default() {
        if choice.index != 0 {
            return Err(Wrong::Malformed(format!("choice {} of an answer with one", choice.index)));
        }
        let (content, thought, calls) = choice.delta.map_or((None, None, None), |delta| {
            (delta.content, delta.reasoning_content.or(delta.reasoning), delta.tool_calls)
        });
        read.calls.extend(calls.unwrap_or_default());
        let told = choice.logprobs.and_then(|told| told.content).unwrap_or_default();
        read.logprobs.extend(told.into_iter().map(TokenLogprob::from));
        let filled = |text: &String| !text.is_empty();
        let text = content.or(choice.text).filter(filled);
        let text = text.or_else(|| thought.filter(filled).map(|_| String::new()));
        if let Some(text) = text {
            read.text.get_or_insert_default().push_str(&text);
        }
        read.finish = match choice.finish_reason.as_deref() {
            None | Some("") => read.finish,
            Some("stop" | "tool_calls") => Some(FinishReason::Stop),
            Some("length") => Some(FinishReason::Length),
            Some(other) => return Err(Wrong::Ended(shown(other))),
        };
    }
    Ok(read)
}

impl From<UsageField> for Usage {
    fn from(field: UsageField) -> Self {
        let cached = field.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0);
        Self {
            prompt_tokens: field.prompt_tokens,
            cached_tokens: cached.min(field.prompt_tokens),
            completion_tokens: field.completion_tokens.unwrap_or(0),
        }
    }
}
