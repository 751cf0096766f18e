//! The keys of governance and the record under each. The order of the variants is part of the protocol.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::AccountId;
use openledger_types::codec::DecodeError;
use openledger_types::governance::{
    ClusterVotesRecord, CouncilRecord, DriftRecord, ElectionClusterRecord, ElectionRecord,
    ElectionVoteRecord, EnrolmentRecord, GrantsRecord, House, HouseRecord, LockRecord, PauseRecord,
    ProposalRecord, Scope, ScopeRecord, VoteRecord,
};
use serde::{Deserialize, Serialize};

use crate::queries::record;
use crate::state::StateKey;

/// The key of one record of governance.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum GovernanceKey {
    /// `HouseRecord`: everything registered in a house.
    House(Scope, House),
    /// `LockRecord`: OPEN that an account locked to vote.
    Lock(Scope, AccountId),
    /// `EnrolmentRecord`: an account's audited work as it registered it.
    Enrolment(Scope, AccountId),
    /// `ScopeRecord`: how many proposals there are.
    Scope(Scope),
    /// `ProposalRecord`, by number.
    Proposal(Scope, u64),
    /// `VoteRecord` of an account on a proposal.
    Vote(Scope, u64, AccountId),
    /// `ClusterVotesRecord` of a cluster on a proposal.
    ClusterVotes(Scope, u64, AccountId),
    /// `DriftRecord`: how far routine proposals moved a parameter.
    Drift(String),
    /// `GrantsRecord`: what the scope's treasury paid lately.
    Grants(Scope),
    /// `CouncilRecord`.
    Council,
    /// `ElectionRecord` of the election that is open.
    Election,
    /// `ElectionVoteRecord` of an account, by number of the election.
    ElectionVote(u64, AccountId),
    /// `ElectionClusterRecord` of a cluster, by number of the election.
    ElectionCluster(u64, AccountId),
    /// `PauseRecord`.
    Pause,
}

impl GovernanceKey {
    pub(crate) fn state(self) -> StateKey {
        StateKey::Governance(self)
    }
}

/// A record of governance with its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum GovernanceStateRecord {
    House(HouseRecord),
    Lock(LockRecord),
    Enrolment(EnrolmentRecord),
    Scope(ScopeRecord),
    Proposal(Box<ProposalRecord>),
    Vote(VoteRecord),
    ClusterVotes(ClusterVotesRecord),
    Drift(DriftRecord),
    Grants(GrantsRecord),
    Council(CouncilRecord),
    Election(ElectionRecord),
    ElectionVote(ElectionVoteRecord),
    ElectionCluster(ElectionClusterRecord),
    Pause(PauseRecord),
}

impl GovernanceStateRecord {
    /// Reads the record that lives under `key`.
    pub(crate) fn decode(key: &GovernanceKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            GovernanceKey::House(..) => Self::House(record(bytes)?),
            GovernanceKey::Lock(..) => Self::Lock(record(bytes)?),
            GovernanceKey::Enrolment(..) => Self::Enrolment(record(bytes)?),
            GovernanceKey::Scope(_) => Self::Scope(record(bytes)?),
            GovernanceKey::Proposal(..) => Self::Proposal(Box::new(record(bytes)?)),
            GovernanceKey::Vote(..) => Self::Vote(record(bytes)?),
            GovernanceKey::ClusterVotes(..) => Self::ClusterVotes(record(bytes)?),
            GovernanceKey::Drift(_) => Self::Drift(record(bytes)?),
            GovernanceKey::Grants(_) => Self::Grants(record(bytes)?),
            GovernanceKey::Council => Self::Council(record(bytes)?),
            GovernanceKey::Election => Self::Election(record(bytes)?),
            GovernanceKey::ElectionVote(..) => Self::ElectionVote(record(bytes)?),
            GovernanceKey::ElectionCluster(..) => Self::ElectionCluster(record(bytes)?),
            GovernanceKey::Pause => Self::Pause(record(bytes)?),
        })
    }
}
