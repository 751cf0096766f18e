//! Requests: a body is what was typed, [`ValidRequest`] is what is true. A field that OpenAI's clients send and we
//! do not know is ignored; one that we know and cannot honour is refused by name.

pub(crate) mod embedding;
mod fields;
mod messages;
#[cfg(test)]
mod tests;
mod tools;

use std::sync::Arc;

use openledger_inference::{Grammar, Sampling, TOP_LOGPROBS_MAX};
use openledger_model::Conversation;
use openledger_receipt::{RequestFacts, salted_request};
use openledger_types::Name;
use serde::Deserialize;
use serde_json::Value;

use self::fields::{Fields, wrong};
use crate::error::ApiError;

/// Stop strings in one request, and bytes of each.
const STOPS_MAX: usize = 4;
const STOP_BYTES_MAX: usize = 256;
/// Tokens of an answer unless the client names a number.
const MAX_TOKENS_DEFAULT: u32 = 160;
/// Alternatives beside a token of a plain completion.
const COMPLETION_LOGPROBS_MAX: u32 = 5;
/// Passages that grounding may use.
const PASSAGES_MAX: u32 = 5;
/// Datanets that a request may name.
const DATANETS_MAX: usize = 32;
/// Prompts that are token ids, in tokens.
const PROMPT_TOKENS_MAX: usize = 65_536;

/// Where a request came in, which decides its fields and the form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/completions`.
    Completions,
}

impl Endpoint {
    /// The path, as receipts tell it.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Endpoint::Chat => "/v1/chat/completions",
            Endpoint::Completions => "/v1/completions",
        }
    }

    /// The field that holds the prompt.
    pub(crate) fn prompt_field(self) -> &'static str {
        match self {
            Endpoint::Chat => "messages",
            Endpoint::Completions => "prompt",
        }
    }
}

/// What to answer or to continue.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Input {
    /// A conversation, with the tools that may be called.
    Chat(Conversation),
    /// A text, continued as it is.
    Text(String),
    /// Token ids, continued as they are.
    Tokens(Vec<u32>),
}

/// Our extension of the request.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extension {
    ground: Option<bool>,
    #[serde(default)]
    datanets: Vec<String>,
    passages: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

/// A request that can be served.
#[derive(Debug, Clone)]
pub(crate) struct ValidRequest {
    pub(crate) endpoint: Endpoint,
    pub(crate) model: String,
    pub(crate) input: Input,
    pub(crate) max_tokens: u32,
    pub(crate) sampling: Sampling,
    /// How many alternatives are told with every token; `None` tells nothing of likelihoods.
    pub(crate) logprobs: Option<u8>,
    pub(crate) stop: Vec<String>,
    /// What the answer must be: JSON, or what holds calls of tools.
    pub(crate) grammar: Option<Arc<Grammar>>,
    /// Why no grammar here can hold the answer to what was asked for. Engines behind HTTP see to that themselves.
    pub(crate) unheld: Option<ApiError>,
    /// `response_format` as it was typed, where it asks for JSON.
    pub(crate) response_format: Option<Value>,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    pub(crate) ground: bool,
    pub(crate) datanets: Vec<Name>,
    pub(crate) passages: usize,
}

impl ValidRequest {
    /// What the receipt says of it.
    pub(crate) fn facts(&self, salt: &[u8; 32], body: &[u8]) -> RequestFacts {
        RequestFacts {
            salted_sha256: salted_request(salt, body),
            endpoint: self.endpoint.path().into(),
            model_requested: self.model.clone(),
            seed: self.sampling.seed,
            max_tokens: self.max_tokens,
            temperature_millis: (self.sampling.temperature * 1_000.0).round() as u32,
        }
    }
}

/// Reads and checks a body.
pub(crate) fn parse(endpoint: Endpoint, body: &[u8]) -> Result<ValidRequest, ApiError> {
    let mut fields = Fields::read(body)?;
    let model = model(&mut fields)?;
    one_answer(&mut fields)?;
    let tools = tools::read(endpoint, &mut fields, body)?;
    let response_format = fields.take("response_format");
    let json = json(response_format.as_ref())?;
    let calls = Grammar::from_tools(&tools).map_err(|error| ApiError::invalid("tools", error.to_string()));
    let calls = calls.transpose();
    let form = form(json.is_some(), calls.is_some())?;
    let sampling = sampling(&mut fields)?;
    let max_tokens = max_tokens(&mut fields)?;
    let stop = stop(&mut fields)?;
    let logprobs = logprobs(endpoint, &mut fields)?;
    let stream = fields.flag("stream")?.unwrap_or(false);
    let options: StreamOptions = fields.typed("stream_options")?.unwrap_or_default();
    let extension: Extension = fields.typed("openledger")?.unwrap_or_default();
    let input = match endpoint {
        Endpoint::Chat => {
            let messages = messages::resolve(fields.typed("messages")?.unwrap_or_default())?;
            Input::Chat(Conversation { messages, tools })
        }
        Endpoint::Completions => prompt(fields.take("prompt"))?,
    };
    let has_json = json.is_some();
    let (grammar, unheld) = match json.or(calls).transpose() {
        Ok(grammar) => (grammar.map(Arc::new), None),
        Err(reason) => (None, Some(reason)),
    };
    Ok(ValidRequest {
        endpoint,
        model,
        max_tokens,
        sampling,
        logprobs,
        stop,
        stream,
        include_usage: options.include_usage,
        ground: ground(&input, &extension, form)?,
        response_format: response_format.filter(|_| has_json),
        grammar,
        unheld,
        passages: passages(&extension)?,
        datanets: datanets(&extension)?,
        input,
    })
}

fn model(fields: &mut Fields) -> Result<String, ApiError> {
    let model = fields.text("model")?.filter(|model| !model.is_empty());
    model.ok_or_else(|| ApiError::invalid("model", "`model` is missing; GET /v1/models lists them"))
}

fn one_answer(fields: &mut Fields) -> Result<(), ApiError> {
    match fields.take("n") {
        Some(n) if n.as_f64() != Some(1.0) => {
            let said = wrong("n", &n, "1: only one answer at a time is supported");
            Err(ApiError { message: format!("{}; send the request again for more", said.message), ..said })
        }
        _ => Ok(()),
    }
}

impl ValidRequest {
    /// The conversation, where it has tools, calls or their answers.
    pub(crate) fn with_tools(&self) -> Option<&Conversation> {
        match &self.input {
            Input::Chat(conversation) => Some(conversation).filter(|conversation| conversation.uses_tools()),
            _ => None,
        }
    }

    /// Whether the answer may hold calls.
    pub(crate) fn calls_tools(&self) -> bool {
        self.with_tools().is_some_and(|conversation| !conversation.tools.list.is_empty())
    }
}

/// `text`, `json_object`, or `json_schema` with `{"schema"}` in `json_schema`. Where JSON is asked for, what holds an answer to it, or
/// why nothing here does.
fn json(response_format: Option<&Value>) -> Result<Option<Result<Grammar, ApiError>>, ApiError> {
    let Some(format) = response_format else { return Ok(None) };
    match format["type"].as_str() {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(Ok(Grammar::json_object()))),
        Some("json_schema") => {
            let schema = format["json_schema"].get("schema").ok_or_else(|| {
                ApiError::invalid("response_format", "`response_format.json_schema.schema` is missing")
            })?;
            let grammar = Grammar::from_schema(schema);
            Ok(Some(grammar.map_err(|error| ApiError::invalid("response_format", error.to_string()))))
        }
        _ => {
            let kind = format.get("type").unwrap_or(&Value::Null);
            Err(wrong("response_format", kind, "of the type text, json_object or json_schema"))
        }
    }
}

fn max_tokens(fields: &mut Fields) -> Result<u32, ApiError> {
    // Both names are read, so that a wrong number under the older one is not passed over.
    let older = fields.count("max_tokens", 1, u32::MAX)?;
    let given = fields.count("max_completion_tokens", 1, u32::MAX)?;
    Ok(given.or(older).unwrap_or(MAX_TOKENS_DEFAULT))
}

fn sampling(fields: &mut Fields) -> Result<Sampling, ApiError> {
    let defaults = Sampling::default();
    let top_p = fields.number("top_p", 0.0, 1.0)?.map_or(defaults.top_p, |number| number as f32);
    if top_p <= 0.0 {
        return Err(ApiError::invalid(
            "top_p",
            "`top_p` is 0, and must be above 0, up to 1; for the most likely token set `temperature` to 0",
        ));
    }
    let mut number = |name, low, high| -> Result<f32, ApiError> {
        Ok(fields.number(name, low, high)?.unwrap_or(0.0) as f32)
    };
    Ok(Sampling {
        temperature: number("temperature", 0.0, 2.0)?,
        top_p,
        min_p: number("min_p", 0.0, 1.0)?,
        frequency_penalty: number("frequency_penalty", -2.0, 2.0)?,
        presence_penalty: number("presence_penalty", -2.0, 2.0)?,
        top_k: top_k(fields)?,
        seed: seed(fields)?,
        ..defaults
    })
}

/// 0 and -1 are the customary words for all.
fn top_k(fields: &mut Fields) -> Result<u32, ApiError> {
    let Some(value) = fields.take("top_k") else { return Ok(0) };
    if value.as_i64() == Some(-1) {
        return Ok(0);
    }
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    count.ok_or_else(|| wrong("top_k", &value, "a whole number from -1 to 4294967295; 0 and -1 keep all"))
}

/// Any 64 bits, with or without a sign.
fn seed(fields: &mut Fields) -> Result<u64, ApiError> {
    let Some(value) = fields.take("seed") else { return Ok(0) };
    let seed = value.as_u64().or_else(|| value.as_i64().map(i64::cast_unsigned));
    seed.ok_or_else(|| wrong("seed", &value, "a whole number of at most 64 bits"))
}

/// A chat says `logprobs: true` and how many `top_logprobs`; a completion says how many in `logprobs`.
fn logprobs(endpoint: Endpoint, fields: &mut Fields) -> Result<Option<u8>, ApiError> {
    let told = |count: u32| u8::try_from(count).unwrap_or(TOP_LOGPROBS_MAX);
    if endpoint == Endpoint::Completions {
        return Ok(fields.count("logprobs", 0, COMPLETION_LOGPROBS_MAX)?.map(told));
    }
    let wanted = fields.flag("logprobs")?.unwrap_or(false);
    match fields.count("top_logprobs", 0, u32::from(TOP_LOGPROBS_MAX))? {
        Some(count) if count > 0 && !wanted => Err(ApiError::invalid(
            "top_logprobs",
            format!("`top_logprobs` is {count} without `logprobs`; set `logprobs` to true"),
        )),
        count => Ok(wanted.then(|| told(count.unwrap_or(0)))),
    }
}

fn stop(fields: &mut Fields) -> Result<Vec<String>, ApiError> {
    let stop = match fields.take("stop") {
        None => Vec::new(),
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) if texts.len() > STOPS_MAX => {
            return Err(ApiError::invalid(
                "stop",
                format!("`stop` holds {} strings, and at most {STOPS_MAX} are allowed", texts.len()),
            ));
        }
        Some(Value::Array(texts)) => texts
            .into_iter()
            .map(|text| match text {
                Value::String(text) => Ok(text),
                other => Err(wrong("stop", &other, "a text or a list of texts")),
            })
            .collect::<Result<_, _>>()?,
        Some(other) => return Err(wrong("stop", &other, "a text or a list of texts")),
    };
    if stop.iter().any(|text| text.is_empty() || text.len() > STOP_BYTES_MAX) {
        return Err(ApiError::invalid("stop", format!("a string of `stop` has 1 to {STOP_BYTES_MAX} bytes")));
    }
    Ok(stop)
}

/// A text or token ids; a list with one prompt is that prompt.
fn prompt(given: Option<Value>) -> Result<Input, ApiError> {
    let missing = || ApiError::invalid("prompt", "`prompt` is missing or empty; send a text or token ids");
    let refuse = |value: &Value| wrong("prompt", value, "one text or one list of token ids");
    match given.ok_or_else(missing)? {
        Value::String(text) if text.is_empty() => Err(missing()),
        Value::String(text) => Ok(Input::Text(text)),
        Value::Array(parts) if parts.is_empty() => Err(missing()),
        Value::Array(parts) if parts.len() > PROMPT_TOKENS_MAX => Err(ApiError::invalid(
            "prompt",
            format!("`prompt` holds {} parts, at most {PROMPT_TOKENS_MAX} tokens are read", parts.len()),
        )),
        Value::Array(mut parts) if parts.len() == 1 && !parts[0].is_number() => match parts.remove(0) {
            nested @ (Value::String(_) | Value::Array(_)) if !is_nested(&nested) => prompt(Some(nested)),
            other => Err(refuse(&other)),
        },
        Value::Array(parts) if parts.len() > 1 && !parts[0].is_number() => Err(ApiError::invalid(
            "prompt",
            format!(
                "`prompt` holds {} prompts, and one at a time is answered; send one request for each",
                parts.len()
            ),
        )),
        Value::Array(parts) => parts
            .iter()
            .map(|part| part.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| refuse(part)))
            .collect::<Result<_, _>>()
            .map(Input::Tokens),
        other => Err(refuse(&other)),
    }
}

/// Whether a list holds lists or texts, which is more than the one list around a prompt that is accepted.
fn is_nested(value: &Value) -> bool {
    value.as_array().is_some_and(|parts| parts.iter().any(|part| !part.is_number()))
}

/// What an answer is, beside text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    Calls,
}

/// An answer is JSON or holds calls; which of them a model would have to write is nowhere said.
fn form(json: bool, calls: bool) -> Result<Form, ApiError> {
    match (json, calls) {
        (true, true) => Err(ApiError::invalid(
            "response_format",
            "`response_format` asks for JSON and `tools` for calls in one answer; leave one of them out, or set `tool_choice` to \"none\"",
        )),
        (true, false) => Ok(Form::Json),
        (false, true) => Ok(Form::Calls),
        (false, false) => Ok(Form::Text),
    }
}

/// A chat is grounded unless the request says otherwise; JSON, tools and what continues a text never are, because a grounded answer
/// quotes a passage in its own form, and sees the last question alone.
fn ground(input: &Input, extension: &Extension, form: Form) -> Result<bool, ApiError> {
    let asked = extension.ground;
    let cannot = match input {
        Input::Text(_) | Input::Tokens(_) => "needs a question; ask it at /v1/chat/completions",
        Input::Chat(_) if form == Form::Json => {
            "makes an answer quote a passage, which JSON cannot; leave `response_format` or `ground` out"
        }
        Input::Chat(conversation) if form == Form::Calls || conversation.uses_tools() => {
            "makes an answer quote a passage, with which tools and what they answered are left out; leave them or `ground` out"
        }
        Input::Chat(_) => return Ok(asked.unwrap_or(true)),
    };
    match asked {
        Some(true) => Err(ApiError::invalid("openledger", format!("`openledger.ground` {cannot}"))),
        _ => Ok(false),
    }
}

fn passages(extension: &Extension) -> Result<usize, ApiError> {
    let passages = extension.passages.unwrap_or(1);
    if !(1..=PASSAGES_MAX).contains(&passages) {
        let message = format!("`openledger.passages` is 1 to {PASSAGES_MAX}, not {passages}");
        return Err(ApiError::invalid("openledger", message));
    }
    Ok(usize::try_from(passages).unwrap_or(1))
}

fn datanets(extension: &Extension) -> Result<Vec<Name>, ApiError> {
    if extension.datanets.len() > DATANETS_MAX {
        let message = format!("`openledger.datanets` names at most {DATANETS_MAX} datanets");
        return Err(ApiError::invalid("openledger", message));
    }
    let name =
        |name: &String| name.parse().map_err(|error| ApiError::invalid("openledger", format!("{error}")));
    extension.datanets.iter().map(name).collect()
}
