//! The engine that owns the threads: it batches, streams, samples and commits to what it computed.
//!
//! Rule: what a request receives depends on the request and the model alone. Other requests, the cache,
//! the number of threads and the machine change when a token arrives, never which. Every queue has a
//! limit; every request ends with exactly one last event.
//! Absent: HTTP, prices, receipts, retrieval (`gateway`); choosing among providers (`routing`).

mod adapters;
mod admission;
mod backend;
mod choose;
mod config;
mod consistency;
mod draw;
mod embedding;
mod engine;
mod events;
mod evidence;
mod grammar;
mod logprobs;
mod prefix;
mod quote;
mod replay;
mod request;
mod sampler;
mod scheduler;
mod score;
mod scorer;
mod sequence;
mod stop;

pub use adapters::{
    ADAPTER_NAME_BYTES_MAX, AdapterInfo, AdapterName, AdapterStore, AdapterStoreConfig, HotAdapters,
    NotAnAdapterName, RegisterError,
};
pub use backend::{Backend, ModelInfo, Tier};
pub use config::EngineConfig;
pub use consistency::{
    CONSISTENT_TOKENS, Consistency, ConsistencyVerdict, Drawn, Draws, TextEnd, Told, consistency,
};
pub use embedding::{Embedded, Embedder, EmbeddingFailure, EmbeddingRequest};
pub use engine::{Engine, Load, StartError};
pub use events::{
    Cancel, Completion, Done, Event, FinishReason, Finished, GenerationError, Likelihood, Proof, TokenLogprob,
};
pub use evidence::{
    Answer, Evidence, Hash, MATERIAL_BYTES_MAX, Material, MaterialError, NotAHash, OPENING_BYTES_MAX,
    Opening, OpeningBytesError, Scope, ScopeError, WINDOW_TOKENS, WINDOWS_MAX,
};
pub use grammar::{Grammar, GrammarError};
pub use quote::{Quote, quote_part};
pub use replay::{Auditor, Claim, Difference, ReplayError, Report};
pub use request::{
    CompletionRequest, PROMPT_BYTES_MAX, Prompt, STOP_BYTES_MAX, STOPS_MAX, SubmitError, TOP_LOGPROBS_MAX,
    check_request, prompt_tokens,
};
pub use sampler::Sampling;
pub use score::score;
pub use scorer::{Scorer, value};

pub use openledger_model::{
    Adapter, AdapterBase, CALL_END, CallPiece, CallReader, ChatMessage, Conversation, Model, NoTools, Role,
    Tool, ToolCall, ToolChoice, Tools, call_begin,
};
