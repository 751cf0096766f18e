//! Requests for embeddings: one text or many, or their tokens, and in which form the vectors are told.
//!
//! Absent: which lengths of vectors there are, and how long an input may be; the model knows.

use openledger_inference::{Embedder, EmbeddingFailure, EmbeddingRequest};
use openledger_model::EmbedError;
use openledger_receipt::{EMBEDDINGS_ENDPOINT, RequestFacts, salted_request};
use serde_json::Value;

use super::fields::{Fields, wrong};
use super::model;
use crate::error::ApiError;

/// Inputs of one request.
const INPUTS_MAX: usize = 2_048;
/// Tokens of one request, over all inputs.
const TOKENS_MAX: usize = 300_000;
/// Longest vector that can be named; the model knows which it has.
const DIMENSIONS_MAX: u32 = 65_536;

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Input {
    Text(String),
    Tokens(Vec<u32>),
}

/// A request for embeddings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValidEmbedding {
    pub(crate) model: String,
    inputs: Vec<Input>,
    dimensions: Option<usize>,
    /// Vectors as base64 of little-endian binary32, not as lists of numbers.
    pub(crate) base64: bool,
}

impl ValidEmbedding {
    /// Reads and checks a body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let mut fields = Fields::read(body)?;
        let model = model(&mut fields)?;
        let dimensions = fields.count("dimensions", 1, DIMENSIONS_MAX)?;
        let base64 = match fields.take("encoding_format") {
            None => false,
            Some(Value::String(format)) if format == "float" => false,
            Some(Value::String(format)) if format == "base64" => true,
            Some(other) => return Err(wrong("encoding_format", &other, "\"float\" or \"base64\"")),
        };
        let dimensions = dimensions.and_then(|dimensions| usize::try_from(dimensions).ok());
        Ok(Self { model, inputs: inputs(fields.take("input"))?, dimensions, base64 })
    }

    /// What the receipt says of it: nothing is drawn and nothing written.
    pub(crate) fn facts(&self, salt: &[u8; 32], body: &[u8]) -> RequestFacts {
        RequestFacts {
            salted_sha256: salted_request(salt, body),
            endpoint: EMBEDDINGS_ENDPOINT.into(),
            model_requested: self.model.clone(),
            seed: 0,
            max_tokens: 0,
            temperature_millis: 0,
        }
    }

    /// The request as the engine takes it, without a salt; also how many tokens it has.
    pub(crate) fn resolve(&self, embedder: &Embedder) -> Result<(EmbeddingRequest, u32), ApiError> {
        let mut inputs = Vec::with_capacity(self.inputs.len());
        let mut tokens = 0_usize;
        for (place, input) in self.inputs.iter().enumerate() {
            let encoded = match input {
                Input::Text(text) => embedder.model().encode(text),
                Input::Tokens(tokens) => Ok(tokens.clone()),
            };
            let encoded = encoded.map_err(|reason| refused(EmbeddingFailure::Input { place, reason }))?;
            tokens = tokens.saturating_add(encoded.len());
            if tokens > TOKENS_MAX {
                return Err(ApiError::invalid(
                    "input",
                    format!("`input` has more than {TOKENS_MAX} tokens; send fewer inputs at a time"),
                ));
            }
            inputs.push(encoded);
        }
        let request = EmbeddingRequest { inputs, dimensions: self.dimensions, salt: [0; 32] };
        embedder.check(&request).map_err(refused)?;
        Ok((request, u32::try_from(tokens).unwrap_or(u32::MAX)))
    }
}

/// A failure as the client sees it, with the field at fault.
pub(crate) fn refused(failure: EmbeddingFailure) -> ApiError {
    match failure {
        EmbeddingFailure::Dimensions(reason) => {
            ApiError::invalid("dimensions", format!("`dimensions`: {reason}"))
        }
        EmbeddingFailure::Input { place, reason } => {
            let is_long = matches!(reason, EmbedError::TooLong { .. } | EmbedError::TooLarge { .. });
            let error = ApiError::invalid("input", format!("input {place} (the first is 0): {reason}"));
            ApiError { code: is_long.then_some("context_length_exceeded"), ..error }
        }
    }
}

/// A text, a list of texts, a list of token ids, or a list of those.
fn inputs(given: Option<Value>) -> Result<Vec<Input>, ApiError> {
    let given = given.ok_or_else(|| {
        ApiError::invalid("input", "`input` is missing; send a text, a list of texts, or token ids")
    })?;
    let parts = match given {
        Value::String(text) => return Ok(vec![Input::Text(text)]),
        Value::Array(parts) => parts,
        other => return Err(wrong("input", &other, "a text, a list of texts, or token ids")),
    };
    match parts.first() {
        None => Err(ApiError::invalid("input", "`input` is an empty list; send at least one input")),
        Some(first) if first.is_number() => Ok(vec![Input::Tokens(tokens(&parts)?)]),
        Some(_) if parts.len() > INPUTS_MAX => Err(ApiError::invalid(
            "input",
            format!(
                "`input` has {} inputs, at most {INPUTS_MAX} are taken; send fewer at a time",
                parts.len()
            ),
        )),
        Some(_) => parts.into_iter().map(input).collect(),
    }
}

/// One of several inputs.
fn input(part: Value) -> Result<Input, ApiError> {
    match part {
        Value::String(text) => Ok(Input::Text(text)),
        Value::Array(parts) => Ok(Input::Tokens(tokens(&parts)?)),
        other => {
            Err(wrong("input", &other, "a list of texts or of lists of token ids where it begins with one"))
        }
    }
}

fn tokens(parts: &[Value]) -> Result<Vec<u32>, ApiError> {
    let id = |part: &Value| part.as_u64().and_then(|id| u32::try_from(id).ok());
    parts
        .iter()
        .map(|part| id(part).ok_or_else(|| wrong("input", part, "a token id among token ids")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &str) -> Result<ValidEmbedding, ApiError> {
        ValidEmbedding::parse(format!(r#"{{"model":"m",{fields}}}"#).as_bytes())
    }

    #[test]
    fn every_form_of_input_is_read() {
        let text = |text: &str| Input::Text(text.to_owned());
        let rows = [
            (r#""input":"a b""#, vec![text("a b")]),
            (r#""input":["a",""]"#, vec![text("a"), text("")]),
            (r#""input":[1,2]"#, vec![Input::Tokens(vec![1, 2])]),
            (
                r#""input":[[1,2],[3],[]]"#,
                vec![Input::Tokens(vec![1, 2]), Input::Tokens(vec![3]), Input::Tokens(vec![])],
            ),
            (r#""input":["a",[7]],"user":"u","dimensions":null"#, vec![text("a"), Input::Tokens(vec![7])]),
        ];
        for (fields, inputs) in rows {
            let read = read(fields).unwrap_or_else(|error| panic!("{fields}: {}", error.message));
            assert_eq!((read.inputs, read.base64, read.dimensions), (inputs, false, None), "{fields}");
        }
        let other = read(r#""input":"a","encoding_format":"base64","dimensions":64"#).unwrap();
        assert_eq!((other.base64, other.dimensions), (true, Some(64)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let many = format!(r#""input":[{}"a"]"#, r#""a","#.repeat(INPUTS_MAX));
        let rows = [
            (r#""user":"u""#, "input", "is missing"),
            (r#""input":null"#, "input", "is missing"),
            (r#""input":[]"#, "input", "an empty list"),
            (r#""input":7"#, "input", "a text, a list of texts"),
            (r#""input":{"text":"a"}"#, "input", "a text, a list of texts"),
            (r#""input":[1,"a"]"#, "input", "a token id among token ids"),
            (r#""input":[1,-1]"#, "input", "`input` is -1"),
            (r#""input":[1,4294967296]"#, "input", "a token id among token ids"),
            (r#""input":["a",1]"#, "input", "lists of token ids"),
            (r#""input":[["a"]]"#, "input", "a token id among token ids"),
            (r#""input":[[[1]]]"#, "input", "a token id among token ids"),
            (&many, "input", "2049 inputs, at most 2048"),
            (r#""input":"a","encoding_format":"int8""#, "encoding_format", "\"float\" or \"base64\""),
            (r#""input":"a","encoding_format":7"#, "encoding_format", "\"float\" or \"base64\""),
            (r#""input":"a","dimensions":0"#, "dimensions", "`dimensions` is 0"),
            (r#""input":"a","dimensions":1.5"#, "dimensions", "`dimensions` is 1.5"),
        ];
        for (fields, param, says) in rows {
            let error = read(fields).expect_err(fields);
            assert_eq!((error.status.as_u16(), error.param), (400, Some(param)), "{fields}");
            assert!(error.message.contains(says), "{fields}: {}", error.message);
        }
        let error = ValidEmbedding::parse(br#"{"input":"a"}"#).unwrap_err();
        assert_eq!(error.param, Some("model"));
    }
}
