//! What a datanet promises to those who contribute: its policy, who holds which role, and which policy was in force when.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::governance::GrantsRecord;
use crate::{AccountId, Amount, BasisPoints, Hash, codec, sha256};

/// Where a text comes from. The order is that of trust.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Declared to be made by a program.
    Synthetic,
    /// Said to be made by a person; nobody has checked.
    Unverified,
    /// Made by a person, as a reviewer has verified.
    Human,
}

impl Provenance {
    /// The provenance in plain words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Synthetic => "declared synthetic",
            Self::Unverified => "unverified",
            Self::Human => "verified human",
        }
    }
}

/// Who may contribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contributors {
    /// Everybody, with the bond of a commitment.
    Anyone,
    /// Accounts with the role [`DatanetRole::Contributor`].
    Named,
    /// Everybody who adds the bond that the policy names.
    Bonded,
}

/// What an account may do in a datanet beside its curator.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum DatanetRole {
    /// Decides about contributions.
    Reviewer,
    /// Works on tasks.
    Labeller,
    /// Contributes where contributors are named.
    Contributor,
}

impl DatanetRole {
    /// The role in plain words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reviewer => "reviewer",
            Self::Labeller => "labeller",
            Self::Contributor => "contributor",
        }
    }
}

/// How much each method counts when the weight of an answer is shared among a datanet's contributions: basis points that sum
/// to the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// Method A: reuse of words.
    pub verbatim: BasisPoints,
    /// Method C: how much the passages in the prompt helped the model to give the answer.
    pub context: BasisPoints,
    /// Method B: influence of what the model was tuned on. It does not exist yet, so this is 0.
    pub influence: BasisPoints,
}

impl Default for Mix {
    fn default() -> Self {
        Self::VERBATIM
    }
}

impl Mix {
    /// Reuse of words alone.
    pub const VERBATIM: Self =
        Self { verbatim: BasisPoints::WHOLE, context: BasisPoints(0), influence: BasisPoints(0) };

    /// Whether the methods' weights sum to the whole.
    pub fn is_whole(&self) -> bool {
        let Self { verbatim, context, influence } = self;
        let sum: u32 = [verbatim, context, influence].into_iter().map(|part| u32::from(part.0)).sum();
        sum == u32::from(BasisPoints::WHOLE.0)
    }
}

/// The rules that a datanet sets itself, within the network's bounds.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Policy {
    /// Licences that contributions may carry; none named means that each contribution names its own. The first is the one
    /// that contributions carry unless they name another.
    pub licenses: Vec<String>,
    /// Who may contribute.
    pub contributors: Contributors,
    /// Which provenance it accepts, increasing.
    pub provenance: Vec<Provenance>,
    /// Provenance of what the curator imports: the curator says so and answers for it.
    pub imports: Provenance,
    /// The least quality of a contribution, as the reviewer who decides measures it.
    pub quality_bar: BasisPoints,
    /// Bond in OPEN for each contribution, on top of the bond of a commitment.
    pub contribution_bond: Amount,
    /// Part of what its contributions earn that goes to whoever curated when they were accepted.
    pub curator_share: BasisPoints,
    /// Part of what its contributions earn that goes to its treasury.
    pub treasury_share: BasisPoints,
    /// How the methods of attribution are mixed in what its contributions earn; reuse of words alone where JSON says nothing.
    #[serde(default)]
    pub mix: Mix,
    /// Private: only named accounts contribute and label.
    pub private: bool,
}

impl Policy {
    /// The policy of a datanet that its curator fills: imports only, any licence, no shares, reuse of words alone.
    pub fn imports_only() -> Self {
        Self {
            licenses: Vec::new(),
            contributors: Contributors::Named,
            provenance: vec![Provenance::Human],
            imports: Provenance::Human,
            quality_bar: BasisPoints(0),
            contribution_bond: Amount::ZERO,
            curator_share: BasisPoints(0),
            treasury_share: BasisPoints(0),
            mix: Mix::VERBATIM,
            private: false,
        }
    }

    /// SHA-256 of the encoding: what a sealed snapshot binds.
    pub fn hash(&self) -> Hash {
        sha256(&codec::encode(self))
    }
}

/// What a policy promises to whoever commits a contribution under it, for longer than the policies of a datanet are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Promise {
    /// The curator's part.
    pub curator_share: BasisPoints,
    /// The treasury's part.
    pub treasury_share: BasisPoints,
    /// The least quality that is accepted.
    pub quality_bar: BasisPoints,
}

impl Policy {
    /// What it promises.
    pub fn promise(&self) -> Promise {
        let Self { curator_share, treasury_share, quality_bar, .. } = *self;
        Promise { curator_share, treasury_share, quality_bar }
    }
}

/// A policy and when it comes into force.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DatedPolicy {
    /// The first epoch in which it is in force.
    pub from_epoch: u64,
    /// The policy.
    pub policy: Policy,
}

/// The policies of a datanet, and its curatorship on the way to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct RulesRecord {
    /// One to three, by increasing epoch: the one before, the one in force, and the one to come.
    pub policies: Vec<DatedPolicy>,
    /// To whom the curatorship is offered.
    pub offered_to: Option<AccountId>,
    /// What the curator spent from the treasury lately.
    pub spent: GrantsRecord,
}

impl RulesRecord {
    /// The rules of a new datanet.
    pub fn beginning(policy: Policy, epoch: u64) -> Self {
        let policies = vec![DatedPolicy { from_epoch: epoch, policy }];
        Self { policies, offered_to: None, spent: GrantsRecord::default() }
    }

    /// The policy in force in an epoch; the oldest one that is known for epochs before it.
    pub fn at(&self, epoch: u64) -> &Policy {
        let in_force = self.policies.iter().rev().find(|dated| dated.from_epoch <= epoch);
        let dated = in_force.or_else(|| self.policies.first());
        &dated.expect("a datanet has a policy from its beginning").policy
    }
}
