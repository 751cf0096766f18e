//! The replicated state machine of OpenLedger: transactions in, changes and events out.
//!
//! The modules stand in the order of the flow, and each step has the same interior: the rule in prose with its source
//! at the top of `mod.rs`, the keys it reads and its transitions in `apply.rs`, its table of rejections in `tests.rs`.
//!
//! Rules that hold everywhere: all or nothing (a rejected action changes only the sender's nonce); integers with
//! checked arithmetic; ordered maps; every transition keeps [`openledger_types::record::SupplyRecord`], so that
//! deposited - withdrawn - burned always equals what is held.
//!
//! Absent: async, clocks, randomness, files, sockets, floats, consensus and storage. What a transaction reads is
//! loaded by the caller: see [`execute()`].

#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]
#![deny(clippy::disallowed_types, clippy::disallowed_methods)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails"))]

mod places;
pub mod state;

pub mod accounts;
pub mod bridge;
pub mod datanets;
pub mod models;
pub mod providers;

pub mod gateways;

pub mod bonds;

pub mod channels;

pub mod settlement;

pub mod escrow;

pub mod markets;

pub mod reputation;

pub mod agents;
pub mod audits;
pub mod governance;

pub mod funds;

pub mod maturity;

pub mod advances;

pub mod supply;

pub mod execute;

pub mod governed;

pub mod genesis;

pub mod queries;

#[cfg(test)]
mod tests;

pub use accounts::{AccountKey, AccountsRecord};
pub use agents::{AgentKey, AgentsRecord};
pub use audits::{
    AuditKey, AuditorDraw, AuditsRecord, audit_fee, audit_rate, drawn_auditors, drawn_receipts, is_planted,
    is_repeated,
};
pub use datanets::{DatanetKey, DatanetsRecord};
pub use execute::{
    BlockContext, Loaded, Outcome, Prepared, Step, begin_block, execute, next_nonce, nonce_key,
};
pub use funds::{FundsKey, FundsStateRecord};
pub use genesis::{Genesis, GenesisAccount, GenesisError};
pub use governance::{GovernanceKey, GovernanceStateRecord};
pub use governed::{GOVERNED, Governed, with_values};
pub use openledger_types::ProposalClass;
pub use queries::StateRecord;
pub use settlement::{
    CompletionLines, CompletionTerms, DataShare, DataSplit, DataTerms, Netting, PremiumSplit, Split,
    split_completion, split_data, split_lineage, split_owners, split_premium, split_reference,
};
pub use state::StateKey;
pub use supply::{ConservationError, check_conservation};
