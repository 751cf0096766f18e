//! The JSON of an answer, in one piece and in chunks, in the form of the endpoint that was asked.
//!
//! Absent: the order in which chunks are sent (`stream`).

use openledger_inference::{Likelihood, TokenLogprob};
use serde_json::{Map, Value, json};

use crate::complete::{Running, Written};
use crate::request::Endpoint;
use crate::seal::Sealed;
use crate::told::{Part, Telling, Told};

/// An answer as it grows.
pub(crate) struct Answer {
    telling: Telling,
    text: String,
    calls: Vec<Call>,
    logprobs: Vec<TokenLogprob>,
}

/// A call of a tool.
struct Call {
    id: String,
    name: String,
    arguments: String,
}

impl Answer {
    pub(crate) fn of(running: &Running) -> Self {
        Self { telling: Telling::of(running), text: String::new(), calls: Vec::new(), logprobs: Vec::new() }
    }

    pub(crate) fn push(&mut self, written: Written) {
        let told = self.telling.push(written);
        self.take(told);
    }

    fn take(&mut self, told: Vec<Told>) {
        for Told { part, logprobs } in told {
            self.logprobs.extend(logprobs);
            match part {
                Part::Text(text) => self.text.push_str(&text),
                Part::Call { id, name, .. } => self.calls.push(Call { id, name, arguments: String::new() }),
                Part::Arguments { text, .. } => {
                    self.calls
                        .iter_mut()
                        .next_back()
                        .into_iter()
                        .for_each(|call| call.arguments.push_str(&text));
                }
            }
        }
    }

    /// The whole answer.
    pub(crate) fn whole(mut self, running: &Running, sealed: &Sealed) -> Value {
        let told = self.telling.finish();
        self.take(told);
        let endpoint = running.request.endpoint;
        let wanted = running.request.logprobs.is_some();
        let logprobs = if wanted { logprobs(endpoint, &self.logprobs, 0) } else { Value::Null };
        let finish_reason = self.telling.finish_reason(&sealed.finish_reason);
        let mut choice = json!({ "index": 0, "logprobs": logprobs, "finish_reason": finish_reason });
        match endpoint {
            Endpoint::Chat => choice["message"] = self.message(),
            Endpoint::Completions => choice["text"] = self.text.into(),
        }
        let mut body = head(running, false);
        body["choices"] = json!([choice]);
        body["usage"] = sealed.usage.clone();
        body["receipt"] = sealed.receipt.clone();
        body
    }
}

impl Answer {
    fn message(self) -> Value {
        let mut message = json!({ "role": "assistant", "content": self.text, "refusal": null });
        if self.calls.is_empty() {
            return message;
        }
        if self.text.is_empty() {
            message["content"] = Value::Null;
        }
        let calls = self.calls.into_iter().map(|Call { id, name, arguments }| {
            json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
        });
        message["tool_calls"] = calls.collect();
        message
    }
}

/// What a chunk of a stream adds.
pub(crate) enum Delta {
    /// Says that the assistant speaks; a chat begins with it.
    Role,
    /// More of the answer.
    Told(Told),
    /// Nothing; the answer ended for this reason.
    Finish(String),
}

/// One chunk. `offset` is the number of characters that were sent before, for likelihoods.
pub(crate) fn chunk(running: &Running, delta: Delta, offset: usize) -> Value {
    let endpoint = running.request.endpoint;
    let (added, told, finish_reason) = match delta {
        Delta::Role => (json!({ "role": "assistant", "content": "" }), Vec::new(), Value::Null),
        Delta::Told(Told { part, logprobs }) => (added(part), logprobs, Value::Null),
        Delta::Finish(reason) => (json!({}), Vec::new(), reason.into()),
    };
    let logprobs = if told.is_empty() { Value::Null } else { logprobs(endpoint, &told, offset) };
    let mut choice = json!({ "index": 0, "logprobs": logprobs, "finish_reason": finish_reason });
    match endpoint {
        Endpoint::Chat => choice["delta"] = added,
        Endpoint::Completions => choice["text"] = added.get("content").cloned().unwrap_or_else(|| "".into()),
    }
    let mut chunk = head(running, true);
    chunk["choices"] = json!([choice]);
    chunk
}

/// What a part of an answer adds to a message.
fn added(part: Part) -> Value {
    match part {
        Part::Text(text) => json!({ "content": text }),
        Part::Call { index, id, name } => json!({ "tool_calls": [
            { "index": index, "id": id, "type": "function", "function": { "name": name, "arguments": "" } }
        ] }),
        Part::Arguments { index, text } => {
            json!({ "tool_calls": [{ "index": index, "function": { "arguments": text } }] })
        }
    }
}

/// The fields that every answer and every chunk has.
fn head(running: &Running, chunk: bool) -> Value {
    let (prefix, object) = match (running.request.endpoint, chunk) {
        (Endpoint::Chat, false) => ("chatcmpl", "chat.completion"),
        (Endpoint::Chat, true) => ("chatcmpl", "chat.completion.chunk"),
        (Endpoint::Completions, _) => ("cmpl", "text_completion"),
    };
    json!({
        "id": format!("{prefix}-{}", running.id),
        "object": object,
        "created": running.created_s,
        "model": running.request.model,
    })
}

/// Likelihoods in the form of the endpoint. `offset` is where the first token begins, in characters.
fn logprobs(endpoint: Endpoint, told: &[TokenLogprob], offset: usize) -> Value {
    match endpoint {
        Endpoint::Chat => {
            let content: Vec<Value> = told.iter().map(chat_logprob).collect();
            json!({ "content": content, "refusal": null })
        }
        Endpoint::Completions => completion_logprobs(told, offset),
    }
}

fn chat_logprob(told: &TokenLogprob) -> Value {
    let mut entry = likelihood(&told.chosen);
    entry["top_logprobs"] = told.top.iter().map(likelihood).collect();
    entry
}

fn likelihood(told: &Likelihood) -> Value {
    json!({ "token": text(told), "logprob": told.logprob, "bytes": told.bytes })
}

/// Tokens of which one has the same text as another, because both are parts of characters, share an entry.
fn completion_logprobs(told: &[TokenLogprob], offset: usize) -> Value {
    let mut offsets = Vec::with_capacity(told.len());
    let mut tops: Vec<Map<String, Value>> = Vec::with_capacity(told.len());
    let mut begun = offset;
    for token in told {
        // A token that begins inside a character belongs where the character began.
        let inside = token.chosen.bytes.first().is_some_and(|byte| is_continuation(*byte));
        offsets.push(if inside { begun.saturating_sub(1).max(offset) } else { begun });
        begun += token.chosen.bytes.iter().filter(|byte| !is_continuation(**byte)).count();
        tops.push(token.top.iter().rev().map(|told| (text(told), told.logprob.into())).collect());
    }
    let chosen = || told.iter().map(|token| &token.chosen);
    json!({
        "tokens": chosen().map(text).collect::<Vec<_>>(),
        "token_logprobs": chosen().map(|token| token.logprob).collect::<Vec<_>>(),
        "top_logprobs": tops,
        "text_offset": offsets,
    })
}

/// Whether a byte of UTF-8 goes on with a character.
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// A token's bytes as a text; a part of a character is shown as U+FFFD.
fn text(told: &Likelihood) -> String {
    String::from_utf8_lossy(&told.bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, logprob: f64) -> Likelihood {
        Likelihood { bytes: text.as_bytes().to_vec(), logprob }
    }

    #[test]
    fn likelihoods_have_the_form_of_the_endpoint() {
        let told = [
            TokenLogprob { chosen: told("é", -0.5), top: vec![told("é", -0.5), told("a", -2.0)] },
            TokenLogprob { chosen: told(" b", -0.25), top: vec![] },
        ];
        assert_eq!(
            logprobs(Endpoint::Chat, &told, 0),
            json!({ "refusal": null, "content": [
                { "token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": [
                    { "token": "é", "logprob": -0.5, "bytes": [195, 169] },
                    { "token": "a", "logprob": -2.0, "bytes": [97] },
                ] },
                { "token": " b", "logprob": -0.25, "bytes": [32, 98], "top_logprobs": [] },
            ] })
        );
        assert_eq!(
            logprobs(Endpoint::Completions, &told, 3),
            json!({
                "tokens": ["é", " b"], "token_logprobs": [-0.5, -0.25], "text_offset": [3, 4],
                "top_logprobs": [{ "é": -0.5, "a": -2.0 }, {}],
            })
        );
    }

    #[test]
    fn parts_of_a_character_stand_where_it_begins() {
        let part = |bytes: &[u8]| {
            let chosen = Likelihood { bytes: bytes.to_vec(), logprob: -1.0 };
            TokenLogprob { chosen, top: vec![] }
        };
        let told = [part(b"a\xc3"), part(b"\xa9"), part(b"b")];
        assert_eq!(completion_logprobs(&told, 5)["text_offset"], json!([5, 6, 7]));
    }
}
