//! What happened in a datanet. Money that moved has its own events.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{DatanetRole, Policy};
use crate::{AccountId, Hash, Name};

/// A fact of the step `datanets`.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's documented fields")]
pub enum DatanetEvent {
    /// A policy was set; it is in force from this epoch on.
    PolicySet { datanet: Name, policy: Box<Policy>, hash: Hash, from_epoch: u64 },
    /// An account has a role now.
    RoleGranted { datanet: Name, account: AccountId, role: DatanetRole },
    /// An account has a role no more.
    RoleWithdrawn { datanet: Name, account: AccountId, role: DatanetRole },
    /// The curatorship is offered, or no more.
    CuratorshipOffered { datanet: Name, to: Option<AccountId> },
    /// Somebody else curates.
    CuratorChanged { datanet: Name, from: AccountId, to: AccountId },
}
