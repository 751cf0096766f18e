//! The words of OpenLedger: identifiers, amounts, records, actions, events, limits, and their canonical encoding.
//!
//! Everything else in the workspace speaks in these types. Modules stand in reading order.
//! Absent: rules (they are in `ledger`), I/O, clocks, and any foreign protocol.

#[cfg(test)]
mod fixtures;

pub mod accounts;
pub mod action;
pub mod advances;
pub mod agents;
pub mod amount;
pub mod audits;
pub mod batch;
pub mod cause;
pub mod codec;
pub mod datanets;
pub mod escrow;
pub mod event;
pub mod funds;
pub mod governance;
pub mod ids;
pub mod keys;
pub mod limits;
pub mod markets;
pub mod maturity;
pub mod models;
pub mod parameters;
pub mod providers;
pub mod record;
pub mod rejection;
pub mod reputation;
pub mod settlement;
pub mod transaction;
pub mod tree;

pub use accounts::{
    AccountAction, AccountEvent, AccountParameters, LinkBasis, SessionGrant, SessionKey, SpendingLimit,
};
pub use action::{Action, NewContribution, NewOwner, Royalty};
pub use agents::{AgentAction, AgentEvent, AgentId, AgentParameters, JobId, MandateId};
pub use amount::{Amount, Asset, BasisPoints, UNITS_PER_WHOLE};
pub use audits::{AuditAction, AuditEvent, AuditId, AuditParameters};
pub use batch::{Batch, BuilderLine, CarryLine, ClassLine, DataLine, Debit, ProviderLine, UpliftLine};
pub use cause::{Cause, Holder};
pub use datanets::{DatanetAction, DatanetEvent, DatanetParameters};
pub use escrow::{BondRecord, EPOCHS_INDEXED, EpochsRecord, EscrowEvent, ForfeitParameters, Forfeited};
pub use event::Event;
pub use funds::{FundsAction, FundsEvent, FundsParameters};
pub use governance::{GovernanceAction, GovernanceEvent, GovernanceParameters, ProposalClass, Scope};
pub use ids::{AccountId, ChannelId, ContributionId, Hash, IdError, Name, ServiceKey};
pub use keys::{AccountSecret, KeyError, ServiceSecret, ServiceSignature};
pub use markets::{MarketAction, MarketEvent, MarketParameters, Quoted, Side};
pub use models::{ModelAction, ModelEvent};
pub use parameters::Parameters;
pub use providers::{ProviderAction, ProviderEvent};
pub use rejection::Rejection;
pub use reputation::{
    CounterpartyRecord, Domain, EvidenceRecord, FraudRecord, ReputationEvent, ReputationParameters,
    RequesterRecord,
};
pub use settlement::{SettlementAction, SettlementEvent};
pub use transaction::{
    Authorization, ReadMessage, SessionSecret, SignedTransaction, Transaction, TransactionError, Voucher,
};

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Hash {
    use sha2::Digest;
    Hash(sha2::Sha256::digest(bytes).into())
}
