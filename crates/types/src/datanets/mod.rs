//! The words of datanets: policies and roles, open contributions, disputes, and tasks with gold.
//! Absent: rules; they are in `ledger`, folder `datanets`. The plain words (create, import, revoke, seal) stand among the
//! flat variants of [`crate::Action`].

mod action;
mod event;
mod open;
mod parameters;
mod policy;
mod tasks;

pub use action::DatanetAction;
pub use event::DatanetEvent;
pub use open::{
    CommitmentRecord, Decision, DisputeRecord, FaultRecord, JurorRecord, Matter, Reason, Stage,
    SubmissionRecord, commitment,
};
pub use parameters::DatanetParameters;
pub use policy::{Contributors, DatanetRole, DatedPolicy, Mix, Policy, Promise, Provenance, RulesRecord};
pub use tasks::{
    CampaignId, CampaignRecord, CampaignTerms, GoldItem, GoldRecord, TaskBatchRecord, TaskKind, WorkRecord,
    gold_is_under, gold_leaf, gold_path, gold_root, labels_commitment,
};

use crate::{AccountId, Name, sha256};

/// The account of a datanet's treasury. It is derived from the name, and nobody has a key to it: only the rules of the
/// ledger move what it holds. It is an owner of each contribution that the treasury has a share of, and earns, waits for
/// maturity and unlocks like every other owner.
pub fn treasury_account(datanet: &Name) -> AccountId {
    let hash = sha256(&[b"openledger datanet treasury\0", datanet.as_str().as_bytes()].concat());
    let mut account = [0; 20];
    account.copy_from_slice(hash.0.get(12..).expect("a hash has 32 bytes"));
    AccountId(account)
}
