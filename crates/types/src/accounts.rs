//! Words of accounts beyond balances: links between accounts that belong together, and the clusters they form.
//! Absent: names of people; a cluster says that accounts act together, never who is behind them.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::AccountId;

/// What an account can ask for about itself.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AccountAction {
    /// Say that another account belongs to the same people. It counts when the other side has said so too.
    DeclareLink {
        /// The other account.
        other: AccountId,
    },
    /// Take a link back: a proposal at once, a link after the unbonding time. The first request starts the clock, the
    /// second ends the link.
    EndLink {
        /// The other account.
        other: AccountId,
    },
}

impl AccountAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DeclareLink { .. } => "Declare link",
            Self::EndLink { .. } => "End link",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::DeclareLink { other } => {
                format!("Say that {other} and the sender belong together: limits count them as one")
            }
            Self::EndLink { other } => format!("End the link to {other} after the unbonding time"),
        }
    }
}

/// What happened to accounts beyond their balances.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's documented fields")]
pub enum AccountEvent {
    /// One side of a link has spoken.
    LinkProposed { by: AccountId, to: AccountId },
    /// Both sides have spoken: the accounts are linked.
    LinkDeclared { one: AccountId, other: AccountId },
    /// A link ends when the unbonding time has passed and somebody asks again.
    LinkEnding { one: AccountId, other: AccountId, ends_in_epoch: u64 },
    /// A link or a proposal ended.
    LinkEnded { one: AccountId, other: AccountId },
    /// Everyone in the cluster `smaller` is in the cluster `root` now.
    ClustersMerged { smaller: AccountId, root: AccountId },
    /// An account without links left its cluster, whose root is `root` now.
    ClusterLeft { account: AccountId, root: AccountId },
}

/// A link between two accounts, declared or only proposed.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct LinkRecord {
    /// Who spoke first.
    pub proposed_by: AccountId,
    /// Epoch in which the other side agreed; `None` for a proposal.
    pub declared_in_epoch: Option<u64>,
    /// First epoch in which it can end, once somebody asked.
    pub ends_in_epoch: Option<u64>,
}

/// Accounts that act together. Under the account that is its root.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct GroupRecord {
    /// Members in the order in which they came, the root among them, at most `CLUSTER_MEMBERS_LISTED_MAX`.
    pub members: Vec<AccountId>,
    /// How many members there are, listed or not.
    pub size: u32,
}
