//! The chat template of a checkpoint, and the tokens of a conversation by it.
//!
//! Rule: control tokens come from the template alone. What people wrote takes the places of its marks (`marks`), encoded without
//! control tokens; texts within JSON are encoded together with the JSON around them, as models were trained on it.
//! Absent: rendering (`render`); which models can use tools (`tool_form`).

use std::sync::OnceLock;

use super::conversation::Conversation;
use super::marks::{Piece, Texts, inner};
use super::render::render;
use super::tokenizer::Part;
use super::tool_form::{NoTools, find};
use super::{Tokenizer, TokenizerError};
use crate::gguf::Gguf;

/// Largest accepted template, in bytes.
pub(super) const TEMPLATE_BYTES_MAX: usize = 65_536;
/// Most messages of one conversation.
pub(super) const MESSAGES_MAX: usize = 1_024;
/// Tokens of a conversation: as many as the longest context that is accepted.
const TOKENS_MAX: usize = 131_072;
/// Bytes of text that are encoded at once.
const OPEN_BYTES_MAX: usize = 4 << 20;

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
    /// The conversation has tools, and the model cannot use them.
    #[error("the conversation has tools or calls of them, and {0}; leave them out")]
    NoTools(NoTools),
    /// The template failed or went over a limit.
    #[error("the model's chat template failed: {0}")]
    Template(String),
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

/// The template of a checkpoint, as its file states it.
#[derive(Debug)]
pub struct ChatTemplate {
    source: Option<String>,
    /// Whether tools can be used with it; tried when first asked for.
    tools: OnceLock<Result<(), NoTools>>,
}

impl ChatTemplate {
    /// Reads the template, if there is one.
    ///
    /// # Errors
    /// It is too long.
    pub fn read(file: &Gguf<'_>) -> Result<ChatTemplate, ChatError> {
        let source = file.text("tokenizer.chat_template").ok();
        match source.map(str::len) {
            Some(bytes) if bytes > TEMPLATE_BYTES_MAX => Err(ChatError::TemplateTooLong { bytes }),
            _ => Ok(ChatTemplate { source: source.map(str::to_owned), tools: OnceLock::new() }),
        }
    }

    /// Whether tools can be used, and why not.
    pub(crate) fn tools(&self, tokenizer: &Tokenizer) -> Result<(), NoTools> {
        *self.tools.get_or_init(|| find(self.source.as_deref().unwrap_or_default(), tokenizer))
    }

    /// Tokens of a conversation, ready for the model's next message. The tokenizer is that of the same checkpoint.
    pub fn encode(&self, tokenizer: &Tokenizer, conversation: &Conversation) -> Result<Vec<u32>, ChatError> {
        let source = self.source.as_deref().ok_or(ChatError::NoTemplate)?;
        let messages = conversation.messages.len();
        if messages == 0 || messages > MESSAGES_MAX {
            return Err(ChatError::Messages { messages });
        }
        if conversation.uses_tools() {
            self.tools(tokenizer).map_err(ChatError::NoTools)?;
        }
        let mut texts = Texts::default();
        let rendered = render(source, conversation, &mut texts).map_err(ChatError::Template)?;
        let pieces = texts.pieces(&rendered).map_err(|why| ChatError::Template(why.to_owned()))?;
        let mut tokens = Tokens { tokenizer, ids: Vec::new(), open: String::new() };
        pieces.iter().try_for_each(|piece| tokens.push(piece))?;
        tokens.close()?;
        Ok(tokens.ids)
    }
}

/// Tokens of what a template wrote.
struct Tokens<'a> {
    tokenizer: &'a Tokenizer,
    ids: Vec<u32>,
    /// Text that is encoded with what follows it.
    open: String,
}

impl Tokens<'_> {
    fn push(&mut self, piece: &Piece<'_>) -> Result<(), ChatError> {
        match piece {
            Piece::Template(text) => {
                for part in self.tokenizer.parts(text) {
                    match part {
                        Part::Text(text) => self.open.push_str(text),
                        Part::Control(id) => {
                            self.close()?;
                            self.ids.push(id);
                        }
                    }
                }
            }
            Piece::InJson(text) => self.open.push_str(&inner(text)),
            Piece::Text(text) => {
                self.close()?;
                self.open.push_str(text);
                self.close()?;
            }
        }
        // A template may write a long text many times; no model takes that many tokens.
        if self.ids.len() > TOKENS_MAX || self.open.len() > OPEN_BYTES_MAX {
            return Err(ChatError::Template(format!("it made more than {TOKENS_MAX} tokens")));
        }
        Ok(())
    }

    /// Ends the text that is open.
    fn close(&mut self) -> Result<(), ChatError> {
        if !self.open.is_empty() {
            self.ids.extend(self.tokenizer.encode(&self.open)?);
            self.open.clear();
        }
        Ok(())
    }
}
