//! The network's HTTP API as types, and the client that the command line uses.
//!
//! `api` names what is sent and received, `http` is the connection with its limits and errors, `stream` reads a
//! streamed answer. Absent: keys; the caller signs.

pub mod api;
pub mod http;
pub mod stream;

pub use http::{Client, ClientError};
pub use stream::{AnswerEvent, AnswerStream};
