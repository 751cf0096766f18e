//! Calls of tools as engines stream them, written as a text: the form in which models that are here write theirs.
//!
//! Rule: an answer is one text, whoever made it; receipts hold it, and whoever reads calls reads them from it. What an engine streams
//! as arguments goes into that text as it comes.
//! Absent: whether the arguments are JSON, or what the tool's schema describes: that is the engine's word.

use openledger_inference::{CALL_END, call_begin};
use serde::Deserialize;

/// Bytes of a tool's name.
const NAME_BYTES_MAX: usize = 64;

/// What a chunk says of one call.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct CallDelta {
    #[serde(default)]
    index: u32,
    function: Option<FunctionDelta>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct FunctionDelta {
    name: Option<String>,
    arguments: Option<String>,
}

/// Writes the calls of one answer.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    open: Option<Open>,
    /// The number that the next call has at least.
    next: u32,
}

#[derive(Debug)]
struct Open {
    index: u32,
    has_arguments: bool,
}

impl Calls {
    /// Goes on with a call, or begins one; what is wrong with it otherwise.
    pub(crate) fn take(&mut self, delta: &CallDelta, text: &mut String) -> Result<(), String> {
        let function = delta.function.as_ref();
        if self.open.as_ref().is_none_or(|open| open.index != delta.index) {
            let name = function.and_then(|function| function.name.as_deref()).unwrap_or_default();
            self.begin(delta.index, name, text)?;
        }
        let arguments = function.and_then(|function| function.arguments.as_deref()).unwrap_or_default();
        if let Some(open) = self.open.as_mut().filter(|_| !arguments.is_empty()) {
            open.has_arguments = true;
            text.push_str(arguments);
        }
        Ok(())
    }

    fn begin(&mut self, index: u32, name: &str, text: &mut String) -> Result<(), String> {
        if index < self.next {
            return Err(format!("call {index} after a later one"));
        }
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(letters) {
            return Err(format!("a call of {name:?}, which is no name of a tool"));
        }
        self.end(text);
        if self.next > 0 {
            text.push('\n');
        }
        text.push_str(&call_begin(name));
        self.next = index.saturating_add(1);
        self.open = Some(Open { index, has_arguments: false });
        Ok(())
    }

    /// Ends the call that is open.
    pub(crate) fn end(&mut self, text: &mut String) {
        if let Some(open) = self.open.take() {
            // No arguments at all stand for none.
            text.push_str(if open.has_arguments { "" } else { "{}" });
            text.push_str(CALL_END);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(deltas: &[&str]) -> Result<String, String> {
        let (mut calls, mut text) = (Calls::default(), String::new());
        for delta in deltas {
            calls.take(&serde_json::from_str(delta).unwrap(), &mut text)?;
        }
        calls.end(&mut text);
        Ok(text)
    }

    #[test]
    fn calls_are_written_as_models_here_write_them() {
        let deltas = [
            r#"{"index":0,"id":"a","type":"function","function":{"name":"add","arguments":""}}"#,
            r#"{"index":0,"function":{"arguments":"{\"a\":"}}"#,
            r#"{"index":0,"function":{"name":null,"arguments":" 1}"}}"#,
            r#"{"index":1,"id":"b","type":"function","function":{"name":"now"}}"#,
        ];
        let expected = "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>\n\
                        <tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";
        assert_eq!(written(&deltas).as_deref(), Ok(expected));
        assert_eq!(written(&[]).as_deref(), Ok(""));
        let named = |index: u32, name: &str| format!(r#"{{"index":{index},"function":{{"name":"{name}"}}}}"#);
        for (deltas, says) in [
            (vec![r#"{"index":0}"#.to_owned()], "no name"),
            (vec![named(0, "a b")], "a b"),
            (vec![named(0, &"x".repeat(65))], "no name"),
            (vec![named(1, "a"), named(0, "b")], "call 0"),
            (vec![named(0, "a"), named(1, "b"), named(0, "a")], "call 0"),
        ] {
            let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();
            assert!(written(&deltas).is_err_and(|error| error.contains(says)), "{deltas:?}");
        }
    }
}
