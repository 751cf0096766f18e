//! Requests: [`ChatRequest`] is what was typed, [`ValidRequest`] is what is true. A field that OpenAI's clients send and we
//! do not know is ignored; one that we know and cannot honour is refused by name.

use openledger_inference::Sampling;
use openledger_model::{ChatMessage, Role};
use openledger_types::Name;
use serde::Deserialize;
use serde_json::Value;

use crate::error::ApiError;

/// Messages in one request.
const MESSAGES_MAX: usize = 256;
/// Stop strings in one request, and bytes of each.
const STOPS_MAX: usize = 4;
const STOP_BYTES_MAX: usize = 256;
/// Tokens of an answer unless the client names a number.
const MAX_TOKENS_DEFAULT: u32 = 160;
/// Passages that grounding may use.
const PASSAGES_MAX: u32 = 5;
/// Datanets that a request may name.
const DATANETS_MAX: usize = 32;

/// The body of `POST /v1/chat/completions` as it was typed.
#[derive(Debug, Deserialize)]
pub(crate) struct ChatRequest {
    model: Option<String>,
    messages: Option<Vec<Message>>,
    max_tokens: Option<Value>,
    max_completion_tokens: Option<Value>,
    temperature: Option<Value>,
    top_p: Option<Value>,
    frequency_penalty: Option<Value>,
    presence_penalty: Option<Value>,
    seed: Option<i64>,
    n: Option<i64>,
    stop: Option<Stop>,
    #[serde(default)]
    stream: bool,
    stream_options: Option<StreamOptions>,
    tools: Option<Vec<Value>>,
    response_format: Option<Value>,
    openledger: Option<Extension>,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
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

/// A request that can be served.
#[derive(Debug, Clone)]
pub(crate) struct ValidRequest {
    pub(crate) model: String,
    pub(crate) messages: Vec<ChatMessage>,
    pub(crate) max_tokens: u32,
    pub(crate) sampling: Sampling,
    pub(crate) stop: Vec<String>,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    pub(crate) ground: bool,
    pub(crate) datanets: Vec<Name>,
    pub(crate) passages: usize,
}

/// Reads and checks a body.
pub(crate) fn parse(body: &[u8]) -> Result<ValidRequest, ApiError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        ApiError::body(format!(
            "the body is not valid UTF-8 at byte {}; encode it as UTF-8",
            error.valid_up_to()
        ))
    })?;
    let typed: ChatRequest = serde_json::from_str(text).map_err(|error| {
        ApiError::body(format!(
            "the body is not a JSON chat completion request: {error}; see the API reference"
        ))
    })?;
    typed.validate()
}

impl ChatRequest {
    fn validate(self) -> Result<ValidRequest, ApiError> {
        self.refuse_unsupported()?;
        let model = self.model.clone().filter(|model| !model.is_empty());
        let model = model
            .ok_or_else(|| ApiError::invalid("model", "`model` is missing; GET /v1/models lists them"))?;
        let extension = self.openledger.as_ref();
        let passages = extension.and_then(|extension| extension.passages).unwrap_or(1);
        if !(1..=PASSAGES_MAX).contains(&passages) {
            return Err(ApiError::invalid(
                "openledger",
                format!("`openledger.passages` is 1 to {PASSAGES_MAX}, not {passages}"),
            ));
        }
        Ok(ValidRequest {
            model,
            max_tokens: self.max_tokens()?,
            sampling: self.sampling()?,
            stop: self.stop()?,
            stream: self.stream,
            include_usage: self.stream_options.as_ref().is_some_and(|options| options.include_usage),
            ground: extension.and_then(|extension| extension.ground).unwrap_or(true),
            datanets: self.datanets()?,
            passages: usize::try_from(passages).unwrap_or(1),
            messages: self.messages()?,
        })
    }

    fn refuse_unsupported(&self) -> Result<(), ApiError> {
        if let Some(n) = self.n.filter(|n| *n != 1) {
            return Err(ApiError::invalid(
                "n",
                format!("`n` is {n}, and only n = 1 is supported; send the request again for more answers"),
            ));
        }
        if self.tools.as_ref().is_some_and(|tools| !tools.is_empty()) {
            return Err(ApiError::invalid(
                "tools",
                "`tools` are not supported by the models of this network yet; leave the field out",
            ));
        }
        let format = self.response_format.as_ref().and_then(|format| format["type"].as_str());
        if format.is_some_and(|format| format != "text") {
            return Err(ApiError::invalid("response_format", "only `{\"type\": \"text\"}` is supported"));
        }
        Ok(())
    }

    fn messages(self) -> Result<Vec<ChatMessage>, ApiError> {
        let messages = self.messages.unwrap_or_default();
        if messages.is_empty() || messages.len() > MESSAGES_MAX {
            return Err(ApiError::invalid(
                "messages",
                format!("`messages` needs 1 to {MESSAGES_MAX} messages, not {}", messages.len()),
            ));
        }
        let messages: Vec<ChatMessage> =
            messages.into_iter().map(Message::resolve).collect::<Result<_, _>>()?;
        let last_user = messages.iter().rev().find(|message| message.role == Role::User);
        match last_user {
            Some(message) if !message.content.trim().is_empty() => Ok(messages),
            Some(_) => Err(ApiError::invalid("messages", "the last user message is empty; ask something")),
            None => Err(ApiError::invalid(
                "messages",
                "`messages` holds no message with the role \"user\"; add one",
            )),
        }
    }

    fn max_tokens(&self) -> Result<u32, ApiError> {
        let given =
            self.max_completion_tokens.as_ref().or(self.max_tokens.as_ref()).filter(|value| !value.is_null());
        let Some(value) = given else { return Ok(MAX_TOKENS_DEFAULT) };
        value.as_u64().and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0).ok_or_else(
            || {
                ApiError::invalid(
                    "max_tokens",
                    format!("`max_tokens` is {value}, and must be a whole number above 0"),
                )
            },
        )
    }

    fn sampling(&self) -> Result<Sampling, ApiError> {
        let number = |name: &'static str, value: &Option<Value>, low: f64, high: f64, default: f64| {
            let Some(value) = value.as_ref().filter(|value| !value.is_null()) else { return Ok(default) };
            value.as_f64().filter(|number| (low..=high).contains(number)).ok_or_else(|| {
                ApiError::invalid(
                    name,
                    format!("`{name}` is {value}, and must be a number from {low} to {high}"),
                )
            })
        };
        let defaults = Sampling::default();
        Ok(Sampling {
            temperature: number("temperature", &self.temperature, 0.0, 2.0, f64::from(defaults.temperature))?
                as f32,
            top_p: number("top_p", &self.top_p, 0.0, 1.0, f64::from(defaults.top_p))? as f32,
            frequency_penalty: number("frequency_penalty", &self.frequency_penalty, -2.0, 2.0, 0.0)? as f32,
            presence_penalty: number("presence_penalty", &self.presence_penalty, -2.0, 2.0, 0.0)? as f32,
            seed: self.seed.unwrap_or(0).cast_unsigned(),
            ..defaults
        })
    }

    fn stop(&self) -> Result<Vec<String>, ApiError> {
        let stop = match &self.stop {
            None => Vec::new(),
            Some(Stop::One(text)) => vec![text.clone()],
            Some(Stop::Many(texts)) => texts.clone(),
        };
        if stop.len() > STOPS_MAX {
            return Err(ApiError::invalid(
                "stop",
                format!("`stop` holds {} strings, and at most {STOPS_MAX} are allowed", stop.len()),
            ));
        }
        if stop.iter().any(|text| text.is_empty() || text.len() > STOP_BYTES_MAX) {
            return Err(ApiError::invalid(
                "stop",
                format!("a string of `stop` has 1 to {STOP_BYTES_MAX} bytes"),
            ));
        }
        Ok(stop)
    }

    fn datanets(&self) -> Result<Vec<Name>, ApiError> {
        let names =
            self.openledger.as_ref().map(|extension| extension.datanets.as_slice()).unwrap_or_default();
        if names.len() > DATANETS_MAX {
            return Err(ApiError::invalid(
                "openledger",
                format!("`openledger.datanets` names at most {DATANETS_MAX} datanets"),
            ));
        }
        names
            .iter()
            .map(|name| name.parse().map_err(|error| ApiError::invalid("openledger", format!("{error}"))))
            .collect()
    }
}

impl Message {
    fn resolve(self) -> Result<ChatMessage, ApiError> {
        let role = match self.role.as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            other => {
                return Err(ApiError::invalid(
                    "messages",
                    format!("the role {other:?} is not supported; use system, user or assistant"),
                ));
            }
        };
        let content = match self.content {
            None => String::new(),
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => join_parts(parts)?,
        };
        Ok(ChatMessage { role, content })
    }
}

fn join_parts(parts: Vec<Part>) -> Result<String, ApiError> {
    let mut text = String::new();
    for part in parts {
        match (part.kind.as_str(), part.text) {
            ("text", Some(piece)) => text.push_str(&piece),
            (kind, _) => {
                return Err(ApiError::invalid(
                    "messages",
                    format!("content of the type {kind:?} is not supported; send text"),
                ));
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, param: Option<&str>, says: &str) {
        let error = parse(body.as_bytes()).expect_err(body);
        assert_eq!((error.status.as_u16(), error.param), (400, param), "{body}: {error:?}");
        assert!(error.message.contains(says), "{body}: {}", error.message);
    }

    #[test]
    fn wrong_requests_are_refused_by_name() {
        let with =
            |extra: &str| format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}]{extra}}}"#);
        let rows = [
            ("{".to_owned(), None, "JSON"),
            ("[]".to_owned(), None, "JSON"),
            (r#"{"messages":[{"role":"user","content":"hi"}]}"#.to_owned(), Some("model"), "missing"),
            (r#"{"model":"m"}"#.to_owned(), Some("messages"), "1 to"),
            (
                r#"{"model":"m","messages":[{"role":"user","content":"  "}]}"#.to_owned(),
                Some("messages"),
                "empty",
            ),
            (
                r#"{"model":"m","messages":[{"role":"system","content":"x"}]}"#.to_owned(),
                Some("messages"),
                "user",
            ),
            (
                r#"{"model":"m","messages":[{"role":"robot","content":"x"}]}"#.to_owned(),
                Some("messages"),
                "robot",
            ),
            (
                r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url"}]}]}"#.to_owned(),
                Some("messages"),
                "image_url",
            ),
            (with(r#","n":1000000"#), Some("n"), "1000000"),
            (with(r#","temperature":-1"#), Some("temperature"), "-1"),
            (with(r#","temperature":"NaN""#), Some("temperature"), "NaN"),
            (with(r#","top_p":3"#), Some("top_p"), "3"),
            (with(r#","max_tokens":0"#), Some("max_tokens"), "0"),
            (with(r#","max_tokens":-5"#), Some("max_tokens"), "-5"),
            (with(r#","stop":["a","b","c","d","e"]"#), Some("stop"), "5"),
            (with(r#","stop":"""#), Some("stop"), "bytes"),
            (with(r#","tools":[{}]"#), Some("tools"), "tools"),
            (with(r#","openledger":{"datanets":["Not A Name"]}"#), Some("openledger"), "Not A Name"),
            (with(r#","openledger":{"passages":9}"#), Some("openledger"), "9"),
        ];
        for (body, param, says) in rows {
            check(&body, param, says);
        }
        let invalid = parse(b"{\"model\": \"\xff\"}").expect_err("invalid UTF-8");
        assert!(invalid.message.contains("UTF-8"), "{}", invalid.message);
    }

    #[test]
    fn a_full_request_is_understood_and_unknown_fields_are_ignored() {
        let valid = parse(
            br#"{"model":"m","messages":[{"role":"developer","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}],
                "max_completion_tokens":7,"temperature":0.5,"seed":-1,"stop":"x","stream":true,"stream_options":{"include_usage":true},
                "openledger":{"ground":false,"datanets":["gnome-help"]},"user":"u","logit_bias":{}}"#,
        )
        .unwrap();
        assert_eq!(valid.messages[1].content, "ab");
        assert_eq!((valid.max_tokens, valid.sampling.seed, valid.stop.len()), (7, u64::MAX, 1));
        assert!(valid.stream && valid.include_usage && !valid.ground);
        assert_eq!(valid.datanets[0].as_str(), "gnome-help");
    }
}
