//! Words of accounts beyond balances: links between accounts that belong together, the clusters they form, and session
//! keys. Absent: names of people; a cluster says that accounts act together, never who is behind them.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Amount, ServiceKey};

/// A key that acts for an account within limits: what a hot service has in memory instead of the account's own key.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SessionKey {
    /// An ed25519 key.
    Ed25519(ServiceKey),
    /// A secp256k1 key, by its address.
    Secp256k1(AccountId),
}

impl std::fmt::Display for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ed25519(key) => key.fmt(f),
            Self::Secp256k1(key) => key.fmt(f),
        }
    }
}

/// The most that may leave the account's balance.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct SpendingLimit {
    /// In one epoch.
    pub per_epoch: Amount,
    /// In the whole session.
    pub total: Amount,
}

/// What a session key may do.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SessionGrant {
    /// Names of the actions, as wallets show them, in increasing order, at most `SESSION_ACTIONS_MAX`.
    pub actions: Vec<String>,
    /// The most credits.
    pub credits: SpendingLimit,
    /// The most OPEN.
    pub open: SpendingLimit,
    /// First epoch in which the key may do nothing any more.
    pub expires_in_epoch: u64,
}

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
    /// Let a session key act for the account within limits. For a key that has a session already, this replaces it.
    GrantSession {
        /// The key.
        key: SessionKey,
        /// What it may do.
        grant: SessionGrant,
    },
    /// End a session at once.
    RevokeSession {
        /// The key.
        key: SessionKey,
    },
}

impl AccountAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DeclareLink { .. } => "Declare link",
            Self::EndLink { .. } => "End link",
            Self::GrantSession { .. } => "Grant session",
            Self::RevokeSession { .. } => "Revoke session",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::DeclareLink { other } => {
                format!("Say that {other} and the sender belong together: limits count them as one")
            }
            Self::EndLink { other } => format!("End the link to {other} after the unbonding time"),
            Self::GrantSession { key, grant } => format!(
                "Let the key {key} act for this account until epoch {}: {}; it spends at most {} C in an epoch and {} C in total, {} OPEN in an epoch and {} OPEN in total",
                grant.expires_in_epoch,
                grant.actions.join(", "),
                grant.credits.per_epoch,
                grant.credits.total,
                grant.open.per_epoch,
                grant.open.total,
            ),
            Self::RevokeSession { key } => format!("The key {key} may do nothing for this account any more"),
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
    /// A session key may act for the account.
    SessionGranted { account: AccountId, key: SessionKey, grant: SessionGrant },
    /// A session ended before its time.
    SessionRevoked { account: AccountId, key: SessionKey },
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

/// A session of an account. It stays when it is over, because its nonce must never be used twice.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SessionRecord {
    /// What the key may do; `None` once it was revoked.
    pub grant: Option<SessionGrant>,
    /// How many transactions the key has sent; the next one must carry this number.
    pub nonce: u64,
    /// The epoch that the next two count.
    pub epoch: u64,
    /// Credits spent in that epoch.
    pub credits_in_epoch: Amount,
    /// OPEN spent in that epoch.
    pub open_in_epoch: Amount,
    /// Credits spent since the grant.
    pub credits_spent: Amount,
    /// OPEN spent since the grant.
    pub open_spent: Amount,
}
