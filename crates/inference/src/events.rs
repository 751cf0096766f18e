//! What a caller receives.
//!
//! Rule: the texts of all tokens joined are the answer; one [`Event::Done`] or [`Event::Error`] comes
//! last. Dropping the receiver cancels the request; [`Cancel`] ends it with evidence for what there is.
//! Absent: any wire format.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use crate::evidence::Evidence;

/// An accepted request and the events of its answer.
#[derive(Debug)]
pub struct Completion {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// The events, in order. Drop it to cancel.
    pub events: mpsc::Receiver<Event>,
    /// Of an engine that commits to its answers: ends this one where it is. None of others, whose answers are dropped.
    pub cancel: Option<Cancel>,
}

/// Asks an engine to end an answer where it is, and to commit to what there is of it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// The engine looks at it before its next step. Its last event comes as ever, behind those that are on their way.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// One step of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A token was chosen.
    Token {
        /// Its id, where the engine tells ids; the token that ends the text is an event too.
        token_id: Option<u32>,
        /// The text that became certain with it; may be empty while a character is incomplete or a stop
        /// string is possible.
        text: String,
        /// How likely it was, where the request asks for it.
        logprob: Option<Box<TokenLogprob>>,
    },
    /// The answer is complete. Always last.
    Done(Done),
    /// The answer ended early. Always last.
    Error(GenerationError),
}

/// How likely a token was, by the model alone: before temperature, penalties, cuts and grammar.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenLogprob {
    /// The token of the answer.
    pub chosen: Likelihood,
    /// The most likely tokens, most likely first.
    pub top: Vec<Likelihood>,
}

/// A token and the natural logarithm of its probability.
#[derive(Debug, Clone, PartialEq)]
pub struct Likelihood {
    /// Its bytes; part of a character is possible, and control tokens have none.
    pub bytes: Vec<u8>,
    /// At most 0.
    pub logprob: f64,
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the prompt that did not have to be computed, because their prefix was remembered.
    pub cached_tokens: u32,
    /// Tokens of the answer, with the one that ended it.
    pub completion_tokens: u32,
    /// What the engine commits to.
    pub proof: Proof,
}

/// What stands behind an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Proof {
    /// The engine is exact: whoever has the model's file recomputes this bit by bit.
    Exact(Box<Evidence>),
    /// Nothing: the engine's arithmetic cannot be repeated.
    None,
}

impl Proof {
    /// The evidence of an exact engine.
    pub fn evidence(&self) -> Option<&Evidence> {
        match self {
            Proof::Exact(evidence) => Some(evidence),
            Proof::None => None,
        }
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model ended the text, or a stop string occurred.
    Stop,
    /// The answer or the context reached its limit.
    Length,
    /// Whoever asked wanted no more of it ([`Cancel`]).
    Cancelled,
}

impl FinishReason {
    /// The customary name.
    pub const fn as_str(self) -> &'static str {
        match self {
            FinishReason::Stop => "stop",
            FinishReason::Length => "length",
            FinishReason::Cancelled => "cancelled",
        }
    }
}

/// Why an answer ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerationError {
    /// It was cancelled before its first token.
    #[error("the request was cancelled before its answer began")]
    Cancelled,
    /// The engine is being shut down.
    #[error("the engine is shutting down; send the request again")]
    ShuttingDown,
    /// The receiver did not read for too long.
    #[error("the answer was not read for {stall_ms} ms; read events as they arrive")]
    Stalled {
        /// How long, in milliseconds.
        stall_ms: u64,
    },
    /// The engine ended without a last event.
    #[error("the engine stopped in the middle of the answer; see its log and start it again")]
    Lost,
    /// The engine takes no such request: what it takes is known only when it is asked.
    #[error("{0}")]
    Refused(String),
    /// The engine has too much to do.
    #[error("{0}")]
    Busy(String),
    /// The adapter that was asked for could not be read.
    #[error("{0}")]
    Adapter(String),
    /// The computation failed.
    #[error("the computation failed: {0}")]
    Backend(String),
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The text.
    pub text: String,
    /// The tokens, of an engine that tells them.
    pub token_ids: Vec<u32>,
    /// How it ended.
    pub done: Done,
}

impl Completion {
    /// Waits for the whole answer.
    pub async fn collect(mut self) -> Result<Finished, GenerationError> {
        let mut gathered = Gathered::default();
        while let Some(event) = self.events.recv().await {
            if let Some(end) = gathered.add(event) {
                return end;
            }
        }
        Err(GenerationError::Lost)
    }

    /// Waits for the whole answer, outside of asynchronous code.
    pub fn collect_blocking(mut self) -> Result<Finished, GenerationError> {
        let mut gathered = Gathered::default();
        while let Some(event) = self.events.blocking_recv() {
            if let Some(end) = gathered.add(event) {
                return end;
            }
        }
        Err(GenerationError::Lost)
    }
}

#[derive(Default)]
struct Gathered {
    text: String,
    token_ids: Vec<u32>,
}

impl Gathered {
    fn add(&mut self, event: Event) -> Option<Result<Finished, GenerationError>> {
        match event {
            Event::Token { token_id, text, .. } => {
                self.token_ids.extend(token_id);
                self.text.push_str(&text);
                None
            }
            Event::Done(done) => Some(Ok(Finished {
                text: std::mem::take(&mut self.text),
                token_ids: std::mem::take(&mut self.token_ids),
                done,
            })),
            Event::Error(error) => Some(Err(error)),
        }
    }
}
