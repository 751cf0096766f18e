//! Engines behind HTTP: vLLM, SGLang, llama.cpp's server, and whatever else speaks OpenAI's protocol
//! (`POST /v1/chat/completions` and `/v1/completions`, answers as server-sent events).
//!
//! Rule: what an engine sends is bounded in size and time before it is believed, and every request ends with exactly one
//! last event. No proof stands behind such an answer: it is never more than [`openledger_inference::Proof::None`], and at best
//! consistent with the weights that the engine's operator names ([`draws`]).
//! Absent: prices, receipts, a choice between engines (`routing`), tool calls, grammars; sending a request again.

mod answer;
mod calls;
mod config;
mod connection;
mod draws;
mod engine;
mod error;
mod health;
mod logprobs;
mod probe;
mod protocol;
mod sse;

pub use config::{ConfigError, Kind, Limits, UpstreamConfig};
pub use draws::{DrawsError, draws};
pub use engine::{REQUESTS_MAX, Upstream};
pub use error::UpstreamError;
pub use sse::LINE_BYTES_MAX;
