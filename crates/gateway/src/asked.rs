//! What a request asked for, read again by an auditor: the grammar, the sampling and the prompt of its answer.
//!
//! Rule: read by the code that served it, from the very text that gateway and provider signed, so that evidence of another
//! grammar, temperature, seed or question is a difference like any other.
//! Absent: which passages were found, and their texts; `openledger receipt recompute` has the indexes.

use std::sync::Arc;

use openledger_inference::{Grammar, Prompt, Sampling, prompt_tokens};
use openledger_model::Model;
use openledger_retrieval::Passage;

use crate::error::ApiError;
use crate::ground::{frame, plain, question};
use crate::ground_messages::with_passages;
use crate::request::{self, Endpoint, Input, ValidRequest};

/// A request, read again.
pub struct Asked {
    request: ValidRequest,
}

/// How the tokens of a prompt follow from the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptFollows {
    /// All of them do.
    Whole,
    /// All but the passages between the examples and the question, which the indexes tell.
    AroundPassages,
    /// They do not.
    Not,
}

impl Asked {
    /// Reads the body of a request to an endpoint, as receipts name it.
    ///
    /// # Errors
    /// It is none that a gateway of this version serves.
    pub fn read(endpoint: &str, body: &[u8]) -> Result<Self, ApiError> {
        let known = [Endpoint::Chat, Endpoint::Completions];
        let endpoint = known.into_iter().find(|known| known.path() == endpoint);
        let endpoint =
            endpoint.ok_or_else(|| ApiError::body("the receipt names an endpoint that is unknown here"))?;
        Ok(Self { request: request::parse(endpoint, body)? })
    }

    /// What the answer must be.
    pub fn grammar(&self) -> Option<&Arc<Grammar>> {
        self.request.grammar.as_ref()
    }

    /// Whether an answer that was made with `used` was sampled as was asked. Quotation follows from grounding, and the
    /// grammar is compared in the replay.
    pub fn is_sampled_as_asked(&self, used: &Sampling) -> bool {
        // What no grammar here holds no engine of this specification answers.
        self.request.unheld.is_none()
            && Sampling { quote: used.quote, grammar: used.grammar, ..self.request.sampling } == *used
    }

    /// How the answer was to be sampled.
    pub fn sampling(&self) -> &Sampling {
        &self.request.sampling
    }

    /// How many tokens the answer might have.
    pub fn max_tokens(&self) -> u32 {
        self.request.max_tokens
    }

    /// Whether a string of the request may have ended the answer.
    pub fn has_stops(&self) -> bool {
        !self.request.stop.is_empty()
    }

    /// Whether something beside the model shapes the answer: a form that was asked for, or tools.
    pub fn is_shaped(&self) -> bool {
        let ValidRequest { grammar, unheld, .. } = &self.request;
        grammar.is_some() || unheld.is_some() || self.request.with_tools().is_some()
    }

    /// What an engine that makes tokens of texts itself was sent, with these passages in front of the question; `None` where the
    /// request has no place for them.
    pub fn sent_to_engine(&self, passages: &[Passage]) -> Option<Prompt> {
        if passages.is_empty() {
            return Some(plain(&self.request.input));
        }
        let Input::Chat(conversation) = &self.request.input else { return None };
        // How many there was room for is said by the receipt.
        let (prompt, kept) = with_passages(&conversation.messages, passages, usize::MAX);
        (self.request.ground && kept == passages.len()).then_some(prompt)
    }

    /// Whether white space before the first word is left out of the answer.
    pub fn is_chat(&self) -> bool {
        self.request.endpoint == Endpoint::Chat
    }

    /// How the tokens of a prompt follow from the request, of an answer that has passages in its prompt or none.
    pub fn prompt_follows(&self, model: &Model, tokens: &[u32], has_passages: bool) -> PromptFollows {
        let is = |prompt: &Prompt| prompt_tokens(model, prompt).is_ok_and(|made| made == tokens);
        if !has_passages {
            return if is(&plain(&self.request.input)) { PromptFollows::Whole } else { PromptFollows::Not };
        }
        let skipped = usize::from(model.tokenizer().begin_token().is_some());
        let bytes = tokens.iter().skip(skipped).flat_map(|token| model.tokenizer().bytes(*token));
        let text = String::from_utf8_lossy(&bytes.copied().collect::<Vec<u8>>()).into_owned();
        let (begin, end) = frame(question(&self.request.input));
        let framed =
            text.len() >= begin.len() + end.len() && text.starts_with(&begin) && text.ends_with(&end);
        match framed && is(&Prompt::Text(text)) {
            true => PromptFollows::AroundPassages,
            false => PromptFollows::Not,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_is_compared_with_what_was_asked() {
        let body = br#"{"model":"m","temperature":0.7,"seed":9,"messages":[{"role":"user","content":"a"}]}"#;
        let asked = Asked::read("/v1/chat/completions", body).unwrap();
        let used = Sampling { temperature: 0.7, seed: 9, ..Sampling::default() };
        assert!(asked.is_sampled_as_asked(&used) && asked.is_chat() && asked.grammar().is_none());
        let quoting = openledger_inference::Quote { start: 1, end: 2, bonus: 3.0 };
        assert!(asked.is_sampled_as_asked(&Sampling { quote: quoting, ..used }));
        assert!(!asked.is_sampled_as_asked(&Sampling { temperature: 0.8, ..used }));
        assert!(!asked.is_sampled_as_asked(&Sampling { seed: 8, ..used }));
        let schema = br#"{"model":"m","messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":{"schema":{"$ref":"x"}}}}"#;
        let unheld = Asked::read("/v1/chat/completions", schema).unwrap();
        assert!(!unheld.is_sampled_as_asked(&Sampling::default()) && unheld.is_shaped());
        assert!(Asked::read("/v1/embeddings", body).is_err());
        assert!(Asked::read("/v1/chat/completions", b"{").is_err());
    }
}
