//! The chat template of a checkpoint.
//!
//! Rule: the template never sees what people wrote. It is rendered with a mark in the place of every
//! message; then the marks are replaced by the messages' own tokens, in which control tokens cannot
//! occur. Rendering has limits on source, steps and result.
//! Absent: tools, images, templates that change or measure the content of messages (they would see the
//! mark).

use std::io;

use minijinja::{Environment, context};
use serde::{Deserialize, Serialize};

use super::{Tokenizer, TokenizerError};
use crate::gguf::Gguf;

/// Largest accepted template, in bytes.
pub(super) const TEMPLATE_BYTES_MAX: usize = 65_536;
/// Most messages of one conversation.
pub(super) const MESSAGES_MAX: usize = 1_024;
/// Most steps of one rendering.
const FUEL: u64 = 200_000;
/// Largest rendered template (without the messages), in bytes.
const RENDERED_BYTES_MAX: usize = 1_048_576;
/// Tokens of a conversation: as many as the longest context that is accepted.
const TOKENS_MAX: usize = 131_072;

/// A mark is these two private-use characters around the number of a message.
const MARK_START: char = '\u{f0000}';
const MARK_END: char = '\u{f0001}';

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions to the model.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name that templates use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: Role,
    /// What they say.
    pub content: String,
}

/// Why a conversation could not be turned into tokens.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The checkpoint has no template.
    #[error("the model has no chat template; send a plain prompt instead")]
    NoTemplate,
    /// The template is too long.
    #[error("the model's chat template has {bytes} bytes, at most {TEMPLATE_BYTES_MAX} are accepted")]
    TemplateTooLong {
        /// Its length.
        bytes: usize,
    },
    /// No messages, or too many.
    #[error("the conversation has {messages} messages; 1 to {MESSAGES_MAX} are accepted")]
    Messages {
        /// How many.
        messages: usize,
    },
    /// The template failed or went over a limit.
    #[error("the model's chat template failed: {0}")]
    Template(String),
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

/// The template of a checkpoint, as its file states it.
#[derive(Debug)]
pub(crate) struct ChatTemplate {
    source: Option<String>,
}

impl ChatTemplate {
    /// Reads the template, if there is one.
    pub(crate) fn read(file: &Gguf<'_>) -> Result<ChatTemplate, ChatError> {
        let source = file.text("tokenizer.chat_template").ok();
        match source.map(str::len) {
            Some(bytes) if bytes > TEMPLATE_BYTES_MAX => Err(ChatError::TemplateTooLong { bytes }),
            _ => Ok(ChatTemplate { source: source.map(str::to_owned) }),
        }
    }

    /// Tokens of a conversation, ready for the model's next message.
    pub(crate) fn encode(
        &self,
        tokenizer: &Tokenizer,
        messages: &[ChatMessage],
    ) -> Result<Vec<u32>, ChatError> {
        let source = self.source.as_deref().ok_or(ChatError::NoTemplate)?;
        if messages.is_empty() || messages.len() > MESSAGES_MAX {
            return Err(ChatError::Messages { messages: messages.len() });
        }
        let rendered = render(source, messages)?;
        let torn = || ChatError::Template("it tore the place of a message apart".to_owned());
        let mut pieces = rendered.split(MARK_START);
        let first = pieces.next().filter(|text| !text.contains(MARK_END)).ok_or_else(torn)?;
        let mut ids = tokenizer.encode_with_controls(first)?;
        for piece in pieces {
            let (mark, rest) = piece.split_once(MARK_END).ok_or_else(torn)?;
            if rest.contains(MARK_END) {
                return Err(torn());
            }
            let message = mark
                .parse()
                .ok()
                .and_then(|index: usize| messages.get(index))
                .ok_or_else(|| ChatError::Template("it invented a message".to_owned()))?;
            ids.extend(tokenizer.encode(&message.content)?);
            ids.extend(tokenizer.encode_with_controls(rest)?);
            // A template may write a long message many times; no model takes that many tokens.
            if ids.len() > TOKENS_MAX {
                return Err(ChatError::Template(format!("it made more than {TOKENS_MAX} tokens")));
            }
        }
        Ok(ids)
    }
}

fn render(source: &str, messages: &[ChatMessage]) -> Result<String, ChatError> {
    let failed = |error: minijinja::Error| ChatError::Template(error.to_string());
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    // The two filters that make long texts out of small numbers.
    environment.remove_filter("indent");
    environment.remove_filter("tojson");
    let marked: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(index, message)| {
            context! { role => message.role.as_str(), content => format!("{MARK_START}{index}{MARK_END}") }
        })
        .collect();
    let template = environment.template_from_str(source).map_err(failed)?;
    let mut rendered = Rendered::default();
    let ended = template
        .render_captured_to(context! { messages => marked, add_generation_prompt => true }, &mut rendered);
    if rendered.is_over {
        return Err(ChatError::Template(format!("it made more than {RENDERED_BYTES_MAX} bytes")));
    }
    ended.map_err(failed)?;
    String::from_utf8(rendered.bytes).map_err(|error| ChatError::Template(error.to_string()))
}

/// What a template has made so far. It is stopped as soon as that is too much: a loop makes a long text out of few steps.
#[derive(Default)]
struct Rendered {
    bytes: Vec<u8>,
    is_over: bool,
}

impl io::Write for Rendered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > RENDERED_BYTES_MAX {
            self.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
