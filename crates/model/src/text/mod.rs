//! Text to tokens and back.
//!
//! Rule: text that people write can never become a control token; only the model's own chat template
//! writes those. Tokens come back as bytes, and a stream shows no half characters.
//! Absent: tokenizers other than byte-level byte-pair encoding.

mod bytes;
mod calls;
mod chat;
mod conversation;
mod detokenizer;
mod json;
mod marks;
mod render;
mod tokenizer;
mod tool_form;
mod values;

pub use calls::{CALL_END, CALL_MARK, CallPiece, CallReader, call_begin};
pub use chat::{ChatError, ChatTemplate};
pub use conversation::{ChatMessage, Conversation, Role, Tool, ToolCall, ToolChoice, Tools};
pub use detokenizer::Detokenizer;
pub use json::Json;
pub use tokenizer::{Tokenizer, TokenizerError};
pub use tool_form::NoTools;
