//! Build, sign, batch and verify the proof of one completion.
//!
//! The modules stand in reading order. A [`Statement`] says what was asked, served, reused, paid and to whom; an
//! [`Envelope`] carries it with the gateway's and the provider's signatures; [`mod@tree`] joins the receipts of a batch under
//! one root; a [`ReceiptFile`] adds, when they are known, the texts and the path into the chain's state; [`verify()`] checks
//! all of it offline; [`recompute()`] compares it with an attribution that somebody else worked out.
//!
//! Rules that hold everywhere: one receipt has one encoding, byte for byte; everything is an integer, with checked
//! arithmetic; texts appear only as salted hashes until whoever holds the salt opens them.
//!
//! A receipt proves provenance and payment, not truth. Absent: async, clocks, randomness, files, sockets, floats; how the
//! chain proves its state (the caller passes a function); how attribution is worked out.

#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails"))]

mod error;

pub mod statement;

mod attributed;

pub mod context;

mod pieces;

pub mod hash;

pub mod envelope;

pub mod file;

pub mod recompute;

pub mod verify;

#[cfg(test)]
mod tests;

pub use context::{ContextFacts, MixFacts, PlayerFacts};
pub use envelope::{Envelope, EnvelopeSignature, PAYLOAD_TYPE, pre_authentication_encoding};
pub use error::ReceiptError;
pub use file::{FILE_BYTES_MAX, FILE_FORMAT, Inclusion, Opening, ReceiptFile};
pub use hash::{salted_request, salted_response};
pub use openledger_types::tree::{self, batch_path, batch_root, leaf, verify_path};
pub use pieces::{AnswerPiece, answer_pieces};
pub use recompute::recompute;
pub use statement::{
    AttemptFacts, AttributionFacts, EMBEDDINGS_ENDPOINT, EvidenceFacts, NetworkRef, PREDICATE_TYPE,
    PassageRef, PaymentFacts, Predicate, PriceFacts, RequestFacts, ResponseFacts, RoutingFacts, RunFacts,
    STATEMENT_TYPE, ServedFacts, ShareFacts, SnapshotRef, SpanFacts, Statement, TimingFacts, UsageFacts,
};
pub use verify::{Check, Committed, NOTICE, ProvenRecord, Report, required_keys, verify};
