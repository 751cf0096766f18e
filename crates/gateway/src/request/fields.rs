//! The fields of a body, one by one: each is read once, by its name, with its range; what is left is ignored or refused.
//!
//! Rule: a wrong value is refused with the field's name in `param`. A field that we know and cannot honour is refused
//! unless its value asks for what happens anyway; a field that we do not know is ignored.
//! Absent: what the fields mean together.

use serde_json::{Map, Value};

use crate::error::ApiError;

/// Characters of a wrong value that an error repeats.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// Fields that we know and cannot honour, the values that change nothing (`null` never does), and what to do instead.
const REFUSED: &[(&str, fn(&Value) -> bool, &str)] = &[
    ("audio", never, "the models here write text alone"),
    ("best_of", one, "send the request again for more answers"),
    ("echo", no, "the prompt is not repeated"),
    ("function_call", none_or_auto, "use `tools` and `tool_choice`"),
    ("functions", empty, "use `tools`"),
    ("grammar", never, "use `response_format`"),
    ("guided_choice", never, "use `response_format` with `enum`"),
    ("guided_grammar", never, "use `response_format`"),
    ("guided_json", never, "use `response_format`"),
    ("guided_regex", never, "use `response_format`"),
    ("length_penalty", one, "there is no beam search"),
    ("logit_bias", empty, "tokens cannot be preferred one by one"),
    ("min_tokens", zero, "the model decides when it ends"),
    ("mirostat", zero, "use `temperature`, `top_p` or `min_p`"),
    ("modalities", text_alone, "the models here write text alone"),
    ("prediction", never, "leave the field out"),
    ("reasoning_effort", none_or_auto, "the models here do not reason apart from their answer"),
    ("repetition_penalty", one, "use `frequency_penalty` or `presence_penalty`"),
    ("service_tier", none_or_auto, "there is one tier"),
    ("store", no, "answers are not kept for you; keep the receipt"),
    ("suffix", blank, "the models here continue a text and do not fill gaps"),
    ("typical_p", one, "use `top_p` or `min_p`"),
    ("use_beam_search", no, "there is no beam search"),
    ("verbosity", never, "say in the prompt how long the answer should be"),
    ("web_search_options", never, "name datanets in `openledger.datanets`"),
];

fn never(_: &Value) -> bool {
    false
}

fn one(value: &Value) -> bool {
    value.as_f64() == Some(1.0)
}

fn zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

fn no(value: &Value) -> bool {
    *value == Value::Bool(false)
}

fn blank(value: &Value) -> bool {
    value.as_str() == Some("")
}

fn empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

fn none_or_auto(value: &Value) -> bool {
    matches!(value.as_str(), Some("none" | "auto" | "default"))
}

fn text_alone(value: &Value) -> bool {
    value.as_array().is_some_and(|kinds| kinds.iter().all(|kind| kind == "text"))
}

/// The fields of one body.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body; refuses fields that are known and cannot be honoured.
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(body).map_err(|error| {
            ApiError::body(format!(
                "the body is not valid UTF-8 at byte {}; encode it as UTF-8",
                error.valid_up_to()
            ))
        })?;
        let fields: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            let hint = if ["NaN", "Infinity"].iter().any(|word| text.contains(word)) {
                "JSON has no NaN and no Infinity"
            } else {
                "see the API reference"
            };
            ApiError::body(format!("the body is not a JSON object: {error}; {hint}"))
        })?;
        for (name, harmless, instead) in REFUSED {
            let value = fields.get(*name).filter(|value| !value.is_null());
            if let Some(value) = value.filter(|value| !harmless(value)) {
                let message = format!("`{name}` is {}, and is not supported here; {instead}", shown(value));
                return Err(ApiError::invalid(name, message));
            }
        }
        Ok(Self(fields))
    }

    /// A field that is there and not null.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, &other, "a text")),
        }
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong(name, &other, "true or false")),
        }
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        low: f64,
        high: f64,
    ) -> Result<Option<f64>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| (low..=high).contains(number));
        number.map(Some).ok_or_else(|| wrong(name, &value, &format!("a number from {low} to {high}")))
    }

    /// A whole number from `low` to `high`, both included.
    pub(super) fn count(&mut self, name: &'static str, low: u32, high: u32) -> Result<Option<u32>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
        let count = count.filter(|count| (low..=high).contains(count));
        count.map(Some).ok_or_else(|| wrong(name, &value, &format!("a whole number from {low} to {high}")))
    }

    /// A field as a type of its own.
    pub(super) fn typed<T: serde::de::DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        serde_json::from_value(value).map(Some).map_err(|error| {
            ApiError::invalid(name, format!("`{name}` cannot be read: {error}; see the API reference"))
        })
    }
}

/// A refusal that repeats the value and says what is accepted.
pub(super) fn wrong(name: &'static str, value: &Value, accepted: &str) -> ApiError {
    ApiError::invalid(name, format!("`{name}` is {}, and must be {accepted}", shown(value)))
}

/// A value as an error shows it.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let mut shown: String = text.chars().take(SHOWN_CHARACTERS_MAX).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name_and_what_changes_nothing_is_not() {
        let read = |field: &str, value: &str| Fields::read(format!(r#"{{"{field}":{value}}}"#).as_bytes());
        for (name, _, _) in REFUSED {
            let error = read(name, r#"{"a":1}"#).err().unwrap_or_else(|| panic!("{name} is accepted"));
            assert_eq!((error.status.as_u16(), error.param), (400, Some(*name)));
            assert!(error.message.contains(name), "{}", error.message);
            assert!(read(name, "null").is_ok(), "{name}");
        }
        let harmless = [
            ("best_of", "1"),
            ("echo", "false"),
            ("logit_bias", "{}"),
            ("functions", "[]"),
            ("modalities", r#"["text"]"#),
            ("repetition_penalty", "1.0"),
            ("service_tier", r#""auto""#),
            ("suffix", r#""""#),
            ("nobody_knows", "7"),
        ];
        for (name, value) in harmless {
            assert!(read(name, value).is_ok(), "{name}");
        }
    }

    #[test]
    fn values_are_checked_and_shown_shortly() {
        let mut fields = Fields::read(br#"{"a":1.5,"b":-1,"c":"x","d":true,"e":null,"f":1e300}"#).unwrap();
        assert_eq!(fields.number("a", 0.0, 2.0).unwrap(), Some(1.5));
        assert_eq!(
            fields.count("b", 0, 9).unwrap_err().message,
            "`b` is -1, and must be a whole number from 0 to 9"
        );
        assert_eq!(fields.number("c", 0.0, 1.0).unwrap_err().param, Some("c"));
        assert_eq!(fields.flag("d").unwrap(), Some(true));
        assert_eq!(fields.text("e").unwrap(), None);
        assert!(fields.count("f", 0, 9).is_err());
        let long = wrong("x", &Value::String("y".repeat(5_000)), "short");
        assert!(long.message.len() < 200, "{}", long.message);
        let nan = Fields::read(br#"{"temperature": NaN}"#).err().unwrap();
        assert!(nan.message.contains("NaN"), "{}", nan.message);
    }
}
