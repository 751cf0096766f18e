//! Words of accounts beyond balances: links between accounts that belong together, the clusters they form, and session
//! keys. Absent: names of people; a cluster says that accounts act together, never who is behind them.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Amount, Hash, ServiceKey};

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

/// What shows that accounts belong together.
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
pub enum LinkBasis {
    /// One paid for the other, or somebody for both.
    SharedFunding,
    /// Both serve from hardware with one key.
    HardwareKey,
    /// Both withdraw to one address.
    WithdrawalAddress,
}

impl LinkBasis {
    /// The basis in plain words.
    pub fn name(self) -> &'static str {
        match self {
            Self::SharedFunding => "shared funding",
            Self::HardwareKey => "a hardware key",
            Self::WithdrawalAddress => "a withdrawal address",
        }
    }
}

/// The parameters of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AccountParameters {
    /// OPEN that a report of a link, and a challenge of it, put at risk.
    pub finding_bond: Amount,
    /// Epochs in which a report can be challenged before it stands.
    pub challenge_epochs: u64,
    /// Epochs in which a panel of jurors judges a challenge.
    pub committee_epochs: u64,
}

impl AccountParameters {
    /// The starting values: a bonded challenge for 7 epochs (mechanism notes, section 4).
    pub fn starting() -> Self {
        Self { finding_bond: Amount(10_000_000), challenge_epochs: 7, committee_epochs: 14 }
    }
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
    /// Report that two accounts belong together, for a bond. The report stands when nobody challenges it in time.
    ReportLink {
        /// One account.
        one: AccountId,
        /// The other account.
        other: AccountId,
        /// What shows it.
        basis: LinkBasis,
        /// Hash of the evidence.
        evidence: Hash,
    },
    /// Challenge a report, for a bond: a panel of jurors decides.
    ChallengeLink {
        /// One account.
        one: AccountId,
        /// The other account.
        other: AccountId,
    },
    /// End the waiting of a report or of its challenge, once its time has passed.
    SettleLink {
        /// One account.
        one: AccountId,
        /// The other account.
        other: AccountId,
    },
    /// Judge a challenged report. Sender: a juror who was drawn and has no part in it.
    JudgeLink {
        /// One account.
        one: AccountId,
        /// The other account.
        other: AccountId,
        /// Epoch of the randomness that drew the panel: the first after the challenge.
        beacon: u64,
        /// Whether the accounts belong together.
        stands: bool,
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
            Self::ReportLink { .. } => "Report link",
            Self::ChallengeLink { .. } => "Challenge link",
            Self::SettleLink { .. } => "Settle link",
            Self::JudgeLink { .. } => "Judge link",
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
            Self::ReportLink { one, other, basis, evidence } => format!(
                "Report that {one} and {other} belong together, as {} shows (evidence {evidence})",
                basis.name()
            ),
            Self::ChallengeLink { one, other } => {
                format!("Challenge the report that {one} and {other} belong together")
            }
            Self::SettleLink { one, other } => format!("Settle the report about {one} and {other}"),
            Self::JudgeLink { one, other, stands: true, .. } => {
                format!("Judge that {one} and {other} belong together")
            }
            Self::JudgeLink { one, other, .. } => {
                format!("Judge that nothing shows that {one} and {other} belong together")
            }
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
    /// Somebody reported that two accounts belong together.
    LinkReported { one: AccountId, other: AccountId, reporter: AccountId, basis: LinkBasis, evidence: Hash },
    /// Somebody challenged a report.
    LinkChallenged { one: AccountId, other: AccountId, by: AccountId },
    /// A juror has judged a challenged report.
    LinkJudged { one: AccountId, other: AccountId, juror: AccountId, stands: bool },
    /// A report stands (the accounts are linked) or fell (they are not, by this report).
    LinkSettled { one: AccountId, other: AccountId, stands: bool },
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

/// In which cluster an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct MemberRecord {
    /// The root of the cluster; the account itself when it is alone or the root.
    pub root: AccountId,
    /// Epoch in which it came to this root or was left alone; `None` when it never had another.
    pub since_epoch: Option<u64>,
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

/// A report that two accounts belong together.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct FindingRecord {
    /// Who reported it.
    pub reporter: AccountId,
    /// What shows it.
    pub basis: LinkBasis,
    /// Hash of the evidence.
    pub evidence: Hash,
    /// OPEN that the reporter has at risk.
    pub bond: Amount,
    /// Whether the accounts are linked by it.
    pub stands: bool,
    /// Last epoch to challenge it while it does not stand; while it stands, last epoch in which the bond is at risk.
    pub until_epoch: u64,
    /// How many panels said that it stands; each doubles what the next challenge puts at risk.
    pub upheld: u32,
    /// The challenge that is open.
    pub challenge: Option<ChallengeRecord>,
}

/// A challenge of a report.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ChallengeRecord {
    /// Who challenges.
    pub by: AccountId,
    /// OPEN that they have at risk.
    pub bond: Amount,
    /// Epoch of the challenge; the first randomness after it draws the panel.
    pub epoch: u64,
    /// Last epoch in which the panel can judge.
    pub until_epoch: u64,
    /// How many jurors there were when the panel was called.
    pub jurors: u32,
    /// Who judged, and whether the report stands.
    pub votes: Vec<(AccountId, bool)>,
}
