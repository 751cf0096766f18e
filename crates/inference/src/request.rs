//! What a caller asks for, and why it may be refused.
//!
//! Rule: everything that can be wrong with a request is found before it is queued.
//! Absent: the words of any HTTP interface.

use std::sync::Arc;

use openledger_model::{ChatError, Conversation, Model, TokenizerError, Tools};
use serde_json::Value;

use crate::adapters::AdapterName;
use crate::grammar::Grammar;
use crate::sampler::Sampling;

/// Most stop strings of one request.
pub const STOPS_MAX: usize = 16;
/// Largest prompt that is turned into tokens, in bytes.
pub const PROMPT_BYTES_MAX: usize = 262_144;
/// Longest stop string, in bytes.
pub const STOP_BYTES_MAX: usize = 256;

/// Most alternatives told beside a token.
pub const TOP_LOGPROBS_MAX: u8 = 20;

/// One request for a completion.
#[derive(Debug, Clone)]
pub struct CompletionRequest {
    /// What to continue.
    pub prompt: Prompt,
    /// Longest answer in tokens; `None` takes the engine's limit, which also bounds any other value.
    pub max_tokens: Option<u32>,
    /// What is added to the model; `None` asks the model itself.
    pub adapter: Option<AdapterName>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Texts at which the answer ends; they are not part of it.
    pub stop: Vec<String>,
    /// What the answer must be; the engine takes away every token with which it could not become that. A replay needs it.
    pub grammar: Option<Arc<Grammar>>,
    /// The same in the words of OpenAI's `response_format`, for engines that hold themselves to it. The embedded engine is given the
    /// grammar.
    pub response_format: Option<Value>,
    /// Tells with every token how likely it was and so many of the most likely ones, up to
    /// [`TOP_LOGPROBS_MAX`]; `None` tells nothing. Changes no answer.
    pub logprobs: Option<u8>,
    /// Who asks. Requests that wait are served in turn by this number, so that one caller with many
    /// requests does not keep others waiting. Changes no answer.
    pub lane: u64,
    /// Mixed into every hash of the evidence, so that no one can guess a prompt from it. Whoever is to
    /// check the evidence needs it.
    pub salt: [u8; 32],
}

impl CompletionRequest {
    /// A greedy request without stops, limits or salt.
    pub fn new(prompt: Prompt) -> CompletionRequest {
        CompletionRequest {
            prompt,
            max_tokens: None,
            adapter: None,
            sampling: Sampling::default(),
            stop: Vec::new(),
            grammar: None,
            response_format: None,
            logprobs: None,
            lane: 0,
            salt: [0; 32],
        }
    }
}

/// What to continue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// A plain text, continued as it is.
    Text(String),
    /// A conversation, in the model's own chat template.
    Chat(Conversation),
    /// Token ids, as they are.
    Tokens(Vec<u32>),
}

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Too many requests are waiting.
    #[error("the engine is busy: {limit} requests are waiting already; try again shortly")]
    QueueFull {
        /// The limit.
        limit: usize,
    },
    /// Too many requests of this caller are waiting.
    #[error("{limit} requests of this caller are waiting already; wait for answers before asking more")]
    LaneFull {
        /// The limit.
        limit: usize,
    },
    /// Nothing to continue.
    #[error("the prompt is empty; send at least one character")]
    PromptEmpty,
    /// The prompt does not fit the context.
    #[error(
        "the prompt has {prompt_tokens} tokens, the model's context holds {context_tokens} with at \
         least one for the answer; shorten the prompt"
    )]
    PromptTooLong {
        /// Tokens of the prompt.
        prompt_tokens: usize,
        /// Tokens of the context.
        context_tokens: usize,
    },
    /// The prompt is too large to be looked at.
    #[error("the prompt has {bytes} bytes, at most {limit} are accepted; shorten the prompt")]
    PromptTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A token id that the model does not have.
    #[error("token {token} is outside of the model's vocabulary of {vocabulary} tokens")]
    TokenOutOfRange {
        /// The token.
        token: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// A sampling parameter is out of range.
    #[error("{name} is {value}, accepted is {accepted}")]
    InvalidSampling {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: f32,
        /// What is accepted.
        accepted: &'static str,
    },
    /// No tokens are wanted.
    #[error("max_tokens is 0; ask for at least one token")]
    NoTokensWanted,
    /// A stop string is empty or too long, or there are too many.
    #[error("stop: {reason}; 1 to {STOPS_MAX} texts of 1 to {STOP_BYTES_MAX} bytes are accepted")]
    InvalidStop {
        /// What is wrong.
        reason: &'static str,
    },
    /// Too many alternatives are wanted.
    #[error("{wanted} alternatives of each token are wanted, at most {TOP_LOGPROBS_MAX} are told")]
    TooManyLogprobs {
        /// How many are wanted.
        wanted: u8,
    },
    /// Prompt and answer do not fit the engine's cache.
    #[error(
        "prompt and answer need {tokens} positions, the engine's cache holds {limit}; ask for fewer tokens"
    )]
    CacheTooSmall {
        /// Positions needed.
        tokens: usize,
        /// Positions of the cache.
        limit: usize,
    },
    /// The conversation does not go through the model's template.
    #[error(transparent)]
    Chat(#[from] ChatError),
    /// The tokenizer refused the prompt.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The engine has no such adapter.
    #[error("there is no adapter {name} at this engine; ask for one that is listed, or for the model itself")]
    UnknownAdapter {
        /// Its name.
        name: AdapterName,
    },
    /// The engine has no such thing, and does not do without what is asked for.
    #[error("the engine behind this model does not take {what}; leave it out")]
    Unsupported {
        /// What is asked for.
        what: &'static str,
    },
    /// The engine is known to fail.
    #[error("{reason}")]
    Unavailable {
        /// What, why, and what to do.
        reason: String,
    },
    /// The engine has been shut down.
    #[error("the engine has stopped; start it again")]
    Stopped,
}

/// Tokens that a chat template may write: around each message, and once around all, twice as many where there are tools. The longest
/// templates in use write about 100 for a system prompt of their own, and 200 about tools.
const MESSAGE_TOKENS_MAX: usize = 32;
const TEMPLATE_TOKENS_MAX: usize = 512;

impl Prompt {
    /// As many tokens as can come of it with any tokenizer: a token has at least a byte. What is charged never goes beyond.
    pub fn tokens_max(&self) -> u32 {
        let tokens = match self {
            // And the one that some models want before every text.
            Prompt::Text(text) => text.len().saturating_add(1),
            Prompt::Chat(conversation) => {
                let around = conversation.messages.len().saturating_mul(MESSAGE_TOKENS_MAX);
                let once =
                    if conversation.uses_tools() { 2 * TEMPLATE_TOKENS_MAX } else { TEMPLATE_TOKENS_MAX };
                self.bytes().saturating_add(around).saturating_add(once)
            }
            Prompt::Tokens(tokens) => tokens.len().saturating_add(1),
        };
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }

    /// The tools that may be called, where the engine is told of them.
    pub fn tools(&self) -> Option<&Tools> {
        match self {
            Prompt::Chat(conversation) => Some(&conversation.tools).filter(|tools| !tools.list.is_empty()),
            Prompt::Text(_) | Prompt::Tokens(_) => None,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Prompt::Text(text) => text.len(),
            Prompt::Chat(conversation) => conversation.bytes(),
            Prompt::Tokens(tokens) => tokens.len().saturating_mul(4),
        }
    }
}

/// The tokens that an engine feeds for `prompt`: what a replay needs.
pub fn prompt_tokens(model: &Model, prompt: &Prompt) -> Result<Vec<u32>, SubmitError> {
    check_bytes(prompt, PROMPT_BYTES_MAX)?;
    let mut tokens: Vec<u32> = Vec::new();
    match prompt {
        Prompt::Text(text) => {
            if text.is_empty() {
                return Err(SubmitError::PromptEmpty);
            }
            tokens.extend(model.tokenizer().begin_token());
            tokens.extend(model.tokenizer().encode(text)?);
        }
        Prompt::Chat(conversation) => tokens.extend(model.encode_chat(conversation)?),
        Prompt::Tokens(given) => {
            let vocabulary = model.tokenizer().vocabulary();
            if let Some(token) = given.iter().find(|token| **token as usize >= vocabulary) {
                return Err(SubmitError::TokenOutOfRange { token: *token, vocabulary });
            }
            tokens.extend(given);
        }
    }
    match tokens.len() {
        0 => Err(SubmitError::PromptEmpty),
        count if count >= model.context_length() => {
            Err(SubmitError::PromptTooLong { prompt_tokens: count, context_tokens: model.context_length() })
        }
        _ => Ok(tokens),
    }
}

fn check_bytes(prompt: &Prompt, limit: usize) -> Result<(), SubmitError> {
    let bytes = prompt.bytes();
    if bytes > limit { Err(SubmitError::PromptTooLarge { bytes, limit }) } else { Ok(()) }
}

/// Checks everything about a request but its prompt's tokens: what every engine refuses.
pub fn check_request(request: &CompletionRequest, prompt_bytes_max: usize) -> Result<(), SubmitError> {
    check_bytes(&request.prompt, prompt_bytes_max)?;
    if request.max_tokens == Some(0) {
        return Err(SubmitError::NoTokensWanted);
    }
    if request.stop.len() > STOPS_MAX {
        return Err(SubmitError::InvalidStop { reason: "there are too many" });
    }
    if request.stop.iter().any(String::is_empty) {
        return Err(SubmitError::InvalidStop { reason: "one is empty" });
    }
    if request.stop.iter().any(|stop| stop.len() > STOP_BYTES_MAX) {
        return Err(SubmitError::InvalidStop { reason: "one is too long" });
    }
    if let Some(wanted) = request.logprobs.filter(|wanted| *wanted > TOP_LOGPROBS_MAX) {
        return Err(SubmitError::TooManyLogprobs { wanted });
    }
    request.sampling.check()
}
