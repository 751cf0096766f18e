//! The keys of datanets beyond the plain ones, and the record under each. Absent: lists; read models build those.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::codec::DecodeError;
use openledger_types::datanets::{
    CampaignId, CampaignRecord, CommitmentRecord, DatanetRole, DisputeRecord, FaultRecord, GoldRecord,
    JurorRecord, RulesRecord, SubmissionRecord, TaskBatchRecord, WorkRecord,
};
use openledger_types::{AccountId, Amount, ContributionId, Hash, Name};
use serde::{Deserialize, Serialize};

use crate::queries::record;

/// The key of one record of this step.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum DatanetKey {
    /// `RulesRecord`: the policies of a datanet.
    Rules(Name),
    /// The epoch in which an account was given a role.
    Role(Name, AccountId, DatanetRole),
    /// `CommitmentRecord`, by datanet, contributor and hash.
    Commitment(Name, AccountId, Hash),
    /// `SubmissionRecord`: a revealed contribution until it is settled.
    Submission(Name, ContributionId),
    /// `DisputeRecord`: the open dispute about a contribution.
    Dispute(Name, ContributionId),
    /// How many jurors there are.
    Jurors,
    /// `JurorRecord`.
    Juror(AccountId),
    /// `CampaignRecord`.
    Campaign(CampaignId),
    /// `TaskBatchRecord`, by campaign and batch.
    TaskBatch(CampaignId, u32),
    /// `WorkRecord`, by campaign, batch and labeller.
    Work(CampaignId, u32, AccountId),
    /// `GoldRecord`, by the hash of the item.
    Gold(Hash),
    /// `FaultRecord`: why a contribution was removed.
    Fault(Name, ContributionId),
}

/// A record of this step with its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum DatanetsRecord {
    Rules(RulesRecord),
    Role(u64),
    Commitment(CommitmentRecord),
    Submission(SubmissionRecord),
    Dispute(DisputeRecord),
    Jurors(u32),
    Juror(JurorRecord),
    Campaign(CampaignRecord),
    TaskBatch(TaskBatchRecord),
    Work(WorkRecord),
    Gold(GoldRecord),
    Fault(FaultRecord),
}

impl DatanetsRecord {
    /// The OPEN at stake in it, for the conservation check.
    pub(crate) fn bonded(&self) -> Option<Amount> {
        match self {
            Self::Commitment(record) => Some(record.bond),
            Self::Submission(record) => Some(record.bond),
            Self::Dispute(record) if record.respondent.is_some() => record.bond.plus(record.bond),
            Self::Dispute(record) => Some(record.bond),
            Self::Juror(record) => Some(record.bond),
            Self::Work(record) => Some(record.bond),
            _ => Some(Amount::ZERO),
        }
    }

    /// The credits that it holds, for the conservation check.
    pub(crate) fn held(&self) -> Amount {
        match self {
            Self::Campaign(record) => record.held,
            _ => Amount::ZERO,
        }
    }

    /// Reads the record that lives under `key`.
    pub(crate) fn decode(key: &DatanetKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            DatanetKey::Rules(_) => Self::Rules(record(bytes)?),
            DatanetKey::Role(..) => Self::Role(record(bytes)?),
            DatanetKey::Commitment(..) => Self::Commitment(record(bytes)?),
            DatanetKey::Submission(..) => Self::Submission(record(bytes)?),
            DatanetKey::Dispute(..) => Self::Dispute(record(bytes)?),
            DatanetKey::Jurors => Self::Jurors(record(bytes)?),
            DatanetKey::Juror(_) => Self::Juror(record(bytes)?),
            DatanetKey::Campaign(_) => Self::Campaign(record(bytes)?),
            DatanetKey::TaskBatch(..) => Self::TaskBatch(record(bytes)?),
            DatanetKey::Work(..) => Self::Work(record(bytes)?),
            DatanetKey::Gold(_) => Self::Gold(record(bytes)?),
            DatanetKey::Fault(..) => Self::Fault(record(bytes)?),
        })
    }
}
