//! Text to tokens and back.
//!
//! Rule: text that people write can never become a control token; only the model's own chat template
//! writes those. Tokens come back as bytes, and a stream shows no half characters.
//! Absent: tokenizers other than byte-level byte-pair encoding.

mod bytes;
mod chat;
mod detokenizer;
mod tokenizer;

pub use chat::{ChatError, ChatMessage, Role};
pub use detokenizer::Detokenizer;
pub use tokenizer::{Tokenizer, TokenizerError};

pub(crate) use chat::ChatTemplate;
