//! The messages of a chat as they were typed, and the conversation that they are.
//!
//! Rule: every call that the model made is answered, once, before anybody else speaks, as OpenAI's protocol has it.
//! Absent: tools that may be called now (`tools`).

use openledger_model::{ChatMessage, Json, Role, ToolCall};
use serde::Deserialize;

use super::tools::is_name;
use crate::error::ApiError;

/// Messages in one request.
const MESSAGES_MAX: usize = 256;
/// Calls in one message, bytes of the arguments of one, and of its id.
const CALLS_MAX: usize = 64;
const ARGUMENTS_BYTES_MAX: usize = 65_536;
const ID_BYTES_MAX: usize = 128;

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    role: String,
    content: Option<Content>,
    tool_calls: Option<Vec<Call>>,
    tool_call_id: Option<String>,
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
struct Call {
    id: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    function: Called,
}

#[derive(Debug, Deserialize)]
struct Called {
    name: String,
    arguments: String,
}

/// The conversation; its last user message asks something.
pub(super) fn resolve(messages: Vec<Message>) -> Result<Vec<ChatMessage>, ApiError> {
    if messages.is_empty() || messages.len() > MESSAGES_MAX {
        return Err(invalid(format!(
            "`messages` needs 1 to {MESSAGES_MAX} messages, not {}",
            messages.len()
        )));
    }
    let messages: Vec<ChatMessage> = messages.into_iter().map(Message::resolve).collect::<Result<_, _>>()?;
    check_answers(&messages)?;
    let last_user = messages.iter().rev().find(|message| message.role == Role::User);
    match last_user {
        Some(message) if !message.content.trim().is_empty() => Ok(messages),
        Some(_) => Err(invalid("the last user message is empty; ask something".to_owned())),
        None => Err(invalid("`messages` holds no message with the role \"user\"; add one".to_owned())),
    }
}

impl Message {
    fn resolve(self) -> Result<ChatMessage, ApiError> {
        let role = match self.role.as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" => Role::Tool,
            other => {
                let message = format!(
                    "the role {:?} is not supported; use system, user, assistant or tool",
                    shown(other)
                );
                return Err(invalid(message));
            }
        };
        let content = match self.content {
            None => String::new(),
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => join_parts(parts)?,
        };
        let calls = self.tool_calls.unwrap_or_default();
        if !calls.is_empty() && role != Role::Assistant {
            return Err(invalid(format!(
                "a message of the role {:?} has `tool_calls`, and only the assistant calls",
                self.role
            )));
        }
        if calls.len() > CALLS_MAX {
            return Err(invalid(format!(
                "a message has {} calls, and at most {CALLS_MAX} are read",
                calls.len()
            )));
        }
        let tool_calls = calls.into_iter().map(Call::resolve).collect::<Result<_, _>>()?;
        let tool_call_id = self.tool_call_id.filter(|_| role == Role::Tool);
        Ok(ChatMessage { role, content, tool_calls, tool_call_id })
    }
}

impl Call {
    fn resolve(self) -> Result<ToolCall, ApiError> {
        let Call { id, kind, function: Called { name, arguments } } = self;
        if kind.as_deref().is_some_and(|kind| kind != "function") {
            let kind = shown(&kind.unwrap_or_default());
            return Err(invalid(format!(
                "a call of the type {kind:?} is not supported; calls are of functions"
            )));
        }
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(invalid(format!(
                "the id of a call has {} bytes, and needs 1 to {ID_BYTES_MAX}",
                id.len()
            )));
        }
        if !is_name(&name) {
            let message =
                format!("the call {:?} is of {:?}, which is no name of a function", shown(&id), shown(&name));
            return Err(invalid(message));
        }
        if arguments.len() > ARGUMENTS_BYTES_MAX {
            let bytes = arguments.len();
            let message = format!(
                "the arguments of a call have {bytes} bytes, and at most {ARGUMENTS_BYTES_MAX} are read"
            );
            return Err(invalid(message));
        }
        match serde_json::from_str(&arguments) {
            Ok(Json::Object(_)) => Ok(ToolCall { id, name, arguments }),
            _ => Err(invalid(format!(
                "the arguments of the call {:?} are {:?}, and must be a JSON object as a text; leave out a call that was cut",
                shown(&id),
                shown(&arguments)
            ))),
        }
    }
}

/// Whether every call has its answer.
fn check_answers(messages: &[ChatMessage]) -> Result<(), ApiError> {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        if message.role == Role::Tool {
            let id = message.tool_call_id.as_deref().unwrap_or_default();
            let place = open.iter().position(|call| *call == id).ok_or_else(|| {
                invalid(format!(
                    "a message of the role \"tool\" has the `tool_call_id` {:?}, and no call before it that waits for an answer has this id",
                    shown(id)
                ))
            })?;
            open.swap_remove(place);
            continue;
        }
        check_none_open(&open)?;
        open.extend(message.tool_calls.iter().map(|call| call.id.as_str()));
        open.sort_unstable();
        if let Some(pair) = open.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(invalid(format!("two calls of one message have the id {:?}", shown(pair[0]))));
        }
    }
    check_none_open(&open)
}

fn check_none_open(open: &[&str]) -> Result<(), ApiError> {
    match open.first() {
        None => Ok(()),
        Some(id) => Err(invalid(format!(
            "the call {:?} has no answer; send a message of the role \"tool\" with this `tool_call_id` behind it",
            shown(id)
        ))),
    }
}

fn join_parts(parts: Vec<Part>) -> Result<String, ApiError> {
    let mut text = String::new();
    for part in parts {
        match (part.kind.as_str(), part.text) {
            ("text", Some(piece)) => text.push_str(&piece),
            (kind, _) => {
                let message = format!("content of the type {:?} is not supported; send text", shown(kind));
                return Err(invalid(message));
            }
        }
    }
    Ok(text)
}

/// The beginning of a text, as an error shows it.
fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

fn invalid(message: String) -> ApiError {
    ApiError::invalid("messages", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(messages: &str) -> Result<Vec<ChatMessage>, ApiError> {
        resolve(serde_json::from_str(messages).unwrap())
    }

    fn call(id: &str, arguments: &str) -> String {
        let arguments = serde_json::Value::from(arguments);
        format!(r#"{{"id":"{id}","type":"function","function":{{"name":"add","arguments":{arguments}}}}}"#)
    }

    const ASK: &str = r#"{"role":"user","content":"2 and 3?"}"#;

    #[test]
    fn calls_and_their_answers_are_read() {
        let calls = [call("c1", r#"{"b": 3, "a": 2}"#), call("c2", "{}")].join(",");
        let messages = read(&format!(
            r#"[{ASK},{{"role":"assistant","content":null,"tool_calls":[{calls}],"refusal":null}},
                {{"role":"tool","tool_call_id":"c2","content":"0","name":"add"}},
                {{"role":"tool","tool_call_id":"c1","content":[{{"type":"text","text":"5"}}]}},
                {{"role":"assistant","content":"Five.","tool_calls":[]}},{ASK}]"#
        ))
        .unwrap();
        assert_eq!(messages[1].tool_calls[0].arguments, r#"{"b": 3, "a": 2}"#);
        assert_eq!((messages[3].content.as_str(), messages[3].tool_call_id.as_deref()), ("5", Some("c1")));
        assert_eq!((messages[2].role, messages[1].content.as_str()), (Role::Tool, ""));
    }

    #[test]
    fn wrong_turns_are_refused() {
        let asks = |calls: &str| format!(r#"{{"role":"assistant","tool_calls":[{calls}]}}"#);
        let one = asks(&call("c1", "{}"));
        let told = |id: &str| format!(r#"{{"role":"tool","tool_call_id":"{id}","content":"x"}}"#);
        let many = asks(&vec![call("c1", "{}"); 65].join(","));
        let other = r#"{"id":"c1","type":"custom","function":{"name":"add","arguments":"{}"}}"#;
        let unnamed = r#"{"id":"c1","function":{"name":"a b","arguments":"{}"}}"#;
        let rows = [
            (format!("{ASK},{one}"), "no answer"),
            (format!("{ASK},{one},{ASK}"), "no answer"),
            (format!("{ASK},{}", told("c1")), "c1"),
            (format!("{ASK},{one},{}", told("c2")), "c2"),
            (format!("{ASK},{one},{},{}", told("c1"), told("c1")), "c1"),
            (format!(r#"{ASK},{{"role":"tool","content":"x"}}"#), "tool_call_id"),
            (format!("{ASK},{}", asks(&format!("{0},{0}", call("c1", "{}")))), "two calls"),
            (format!("{ASK},{}", asks(&call("c1", "[1]"))), "JSON object"),
            (format!("{ASK},{}", asks(&call("c1", "{\"a\": "))), "JSON object"),
            (format!("{ASK},{}", asks(&call("", "{}"))), "0 bytes"),
            (
                format!("{ASK},{}", asks(&call("c1", &format!("{{\"a\":\"{}\"}}", "x".repeat(66_000))))),
                "bytes",
            ),
            (format!("{ASK},{}", asks(other)), "custom"),
            (format!("{ASK},{}", asks(unnamed)), "a b"),
            (format!("{ASK},{many}"), "65 calls"),
            (
                format!(r#"{{"role":"user","content":"x","tool_calls":[{}]}}"#, call("c1", "{}")),
                "only the assistant",
            ),
            (format!(r#"{{"role":"function","content":"x"}},{ASK}"#), "function"),
        ];
        for (messages, says) in rows {
            let error = read(&format!("[{messages}]")).expect_err(&messages);
            assert!(error.message.contains(says) && error.message.len() < 400, "{}", error.message);
            assert_eq!(error.param, Some("messages"));
        }
    }
}
