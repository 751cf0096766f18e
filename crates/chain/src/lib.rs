//! The replicated log under the ledger: order transactions, execute them, finalize, store, prove.
//!
//! Rule: this is the only crate that names the BFT engine. Callers see [`Chain`] (a handle that works from any tokio
//! runtime), [`StateMachine`] (the rules they bring) and [`verify_inclusion`] (offline, no runtime, no I/O).
//! Everything generic is instantiated here once, so that dependents do not compile the engine again.
//!
//! Absent: what a transaction means (that is the state machine's), accounts, fees, signatures of users, HTTP, and
//! changes of the validator set (one epoch; a new set is a new network).
//!
//! Modules stand in reading order: what is agreed first, what a process may choose next, the engine last.

// Compiling the engine takes minutes. The unit tests need only what is pure, so they leave it out; `tests/` run it.
#![cfg_attr(test, allow(dead_code, unused_imports, reason = "the unit tests leave the engine out"))]

pub mod limits;
pub mod machine;

pub mod identity;

mod beacon;
mod block;
mod execution;
mod state;

pub mod proof;

pub mod config;
pub mod error;

mod directory;
mod mempool;
mod shared;

#[cfg(not(test))]
mod validator;

pub use beacon::BeaconKey;
pub use bytes::Bytes;
pub use config::{ChainConfig, MempoolLimits, NetworkConfig};
pub use error::{ChainError, StartError, SubmitError};
pub use identity::{Digest, IdentityError, NetworkIdentity, Validator, ValidatorKey, transaction_hash};
pub use machine::{BlockContext, Loaded, Outcome, StateMachine, Step, rejection};
pub use proof::{InclusionProof, ProofError, VerifiedInclusion, verify_inclusion};
pub use shared::{Finalized, FinalizedBlock, Tip, TransactionOutcome};
#[cfg(not(test))]
pub use validator::{Chain, ProveAt, StateValue, StateValues, Subscription};
