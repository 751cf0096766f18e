//! Open contributions and disputes: what waits for a reveal, for a decision, or for a panel.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Promise, Provenance};
use crate::{AccountId, Amount, BasisPoints, ContributionId, Hash, Name, NewContribution, codec, sha256};

/// What a commitment commits to. The account is part of it, so a copied commitment opens for nobody else.
pub fn commitment(
    datanet: &Name,
    contributor: AccountId,
    contribution: &NewContribution,
    provenance: Provenance,
    salt: &Hash,
) -> Hash {
    let domain = b"openledger contribution\0".as_slice();
    let bytes = codec::encode(&(datanet, contributor, contribution, provenance, salt));
    sha256(&[domain, &bytes].concat())
}

/// A commitment that was not revealed yet.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CommitmentRecord {
    /// Height of the commitment: its place in the order of its cluster.
    pub height: u64,
    /// Epoch of the commitment: the policy in force then is the one that counts.
    pub epoch: u64,
    /// What that policy promises.
    pub promise: Promise,
    /// Bond in OPEN.
    pub bond: Amount,
}

/// Why a contribution is refused. The numbers are stable; faults lose the bond, judgements do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// 1: below the quality bar.
    Quality,
    /// 2: it does not belong to what the datanet is about.
    Scope,
    /// 3: it cannot be read: wrong language, broken format.
    Form,
    /// 4: it repeats an earlier contribution.
    Copy,
    /// 5: its licence is not the author's to give.
    License,
    /// 6: it was made by a program and declared otherwise.
    Synthetic,
    /// 7: it holds personal data or is unlawful.
    Unlawful,
    /// 8: it is noise, advertising or poison.
    Spam,
}

impl Reason {
    /// The stable number.
    pub fn number(self) -> u8 {
        match self {
            Self::Quality => 1,
            Self::Scope => 2,
            Self::Form => 3,
            Self::Copy => 4,
            Self::License => 5,
            Self::Synthetic => 6,
            Self::Unlawful => 7,
            Self::Spam => 8,
        }
    }

    /// Whether the contributor did wrong, so that the bond is lost: honest work that merely does not fit costs nothing.
    pub fn is_fault(self) -> bool {
        !matches!(self, Self::Quality | Self::Scope | Self::Form)
    }

    /// The reason in plain words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quality => "below the quality bar",
            Self::Scope => "out of scope",
            Self::Form => "cannot be read",
            Self::Copy => "repeats an earlier contribution",
            Self::License => "the licence is not the author's to give",
            Self::Synthetic => "made by a program and declared otherwise",
            Self::Unlawful => "unlawful or personal data",
            Self::Spam => "noise, advertising or poison",
        }
    }
}

/// A reviewer's decision about a contribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// It becomes part of the datanet.
    Accept {
        /// Its quality, at or above the bar.
        quality: BasisPoints,
        /// Whether the reviewer verified that a person made it, as the contributor says.
        verified: bool,
    },
    /// It does not.
    Reject {
        /// Its quality; for [`Reason::Quality`] below the bar.
        quality: BasisPoints,
        /// Why.
        reason: Reason,
    },
}

/// Where a contribution is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// Revealed; it waits for a decision until the end of this epoch.
    Pending {
        /// The last epoch for a decision.
        until_epoch: u64,
    },
    /// Nobody decided, so it is in force and earns; it may still be decided until the end of this epoch.
    Provisional {
        /// The last epoch for a decision.
        until_epoch: u64,
    },
    /// Rejected; it may be appealed until the end of this epoch.
    Rejected {
        /// Why.
        reason: Reason,
        /// Whether it is in force meanwhile: nobody decided in time.
        in_force: bool,
        /// The last epoch for an appeal.
        until_epoch: u64,
        /// Who decided.
        by: AccountId,
    },
}

/// A revealed contribution until it is accepted for good or gone.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SubmissionRecord {
    /// Who contributed.
    pub contributor: AccountId,
    /// What.
    pub contribution: NewContribution,
    /// As the contributor declares it.
    pub provenance: Provenance,
    /// Height of the commitment.
    pub committed_at: u64,
    /// What the policy of the commitment promises.
    pub promise: Promise,
    /// Bond in OPEN.
    pub bond: Amount,
    /// Where it is on its way.
    pub stage: Stage,
}

/// What a dispute is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Matter {
    /// Whether a rejection stands. Claimant: the contributor.
    Appeal,
    /// Whether a contribution repeats an earlier one and counts as part of its cluster.
    Repeats {
        /// The earlier one.
        earlier: ContributionId,
        /// The earlier one's cluster.
        cluster: Hash,
    },
    /// Whether a contribution in force must go, for this reason.
    Removal {
        /// Why.
        reason: Reason,
    },
}

impl Matter {
    /// What a claim says about a contribution, in plain words.
    pub fn words(self) -> String {
        match self {
            Self::Appeal => "was rejected wrongly".to_owned(),
            Self::Repeats { earlier, .. } => format!("repeats {earlier}"),
            Self::Removal { reason } => format!("must go: {}", reason.name()),
        }
    }
}

/// A dispute about a contribution.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DisputeRecord {
    /// What it is about.
    pub matter: Matter,
    /// Who opened it, and whose bond it is.
    pub claimant: AccountId,
    /// Bond of the claimant in OPEN.
    pub bond: Amount,
    /// Who objects, with a bond as high. Appeals have none: they object to a decision.
    pub respondent: Option<AccountId>,
    /// The epoch from which a panel is drawn; before anybody objects, the epoch in which it was opened.
    pub epoch: u64,
    /// The last epoch to object, or, for a panel, to vote.
    pub until_epoch: u64,
    /// How many jurors there were when the panel was called: everybody's chance of a seat follows from it.
    pub jurors: u32,
    /// Accounts whose clusters may not judge: parties, contributor, first owner, curator.
    pub excluded: Vec<AccountId>,
    /// Who voted, and whether for the claimant.
    pub votes: Vec<(AccountId, bool)>,
}

impl DisputeRecord {
    /// Whether a panel judges it; otherwise it waits for objections.
    pub fn has_panel(&self) -> bool {
        matches!(self.matter, Matter::Appeal) || self.respondent.is_some()
    }
}

/// Why a contribution was removed, as long as it holds money.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct FaultRecord {
    /// The fault.
    pub reason: Reason,
    /// Who claimed it.
    pub claimant: AccountId,
}

/// Somebody who judges disputes.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct JurorRecord {
    /// Bond in OPEN.
    pub bond: Amount,
    /// Since which epoch; only panels that are called later have a seat for it.
    pub since_epoch: u64,
    /// The bond stays until then.
    pub busy_until: u64,
}
