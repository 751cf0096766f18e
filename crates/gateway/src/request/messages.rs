//! The messages of a chat as they were typed, and the conversation that they are.

use openledger_model::{ChatMessage, Role};
use serde::Deserialize;

use crate::error::ApiError;

/// Messages in one request.
const MESSAGES_MAX: usize = 256;

#[derive(Debug, Deserialize)]
pub(super) struct Message {
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

/// The conversation; its last user message asks something.
pub(super) fn resolve(messages: Vec<Message>) -> Result<Vec<ChatMessage>, ApiError> {
    if messages.is_empty() || messages.len() > MESSAGES_MAX {
        return Err(ApiError::invalid(
            "messages",
            format!("`messages` needs 1 to {MESSAGES_MAX} messages, not {}", messages.len()),
        ));
    }
    let messages: Vec<ChatMessage> = messages.into_iter().map(Message::resolve).collect::<Result<_, _>>()?;
    let last_user = messages.iter().rev().find(|message| message.role == Role::User);
    match last_user {
        Some(message) if !message.content.trim().is_empty() => Ok(messages),
        Some(_) => Err(ApiError::invalid("messages", "the last user message is empty; ask something")),
        None => {
            Err(ApiError::invalid("messages", "`messages` holds no message with the role \"user\"; add one"))
        }
    }
}

impl Message {
    fn resolve(self) -> Result<ChatMessage, ApiError> {
        let role = match self.role.as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            other => {
                let shown: String = other.chars().take(60).collect();
                return Err(ApiError::invalid(
                    "messages",
                    format!("the role {shown:?} is not supported; use system, user or assistant"),
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
                let shown: String = kind.chars().take(60).collect();
                return Err(ApiError::invalid(
                    "messages",
                    format!("content of the type {shown:?} is not supported; send text"),
                ));
            }
        }
    }
    Ok(text)
}
