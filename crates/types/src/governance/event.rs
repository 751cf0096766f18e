//! What happened in governance.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Change, House, Pausable, ProposalClass, Scope, Stage, Tally, Target};
use crate::{AccountId, Amount, Hash};

/// A fact of governance. Money that moved is in [`crate::Event::Moved`] beside it.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's and the record's documented fields")]
pub enum GovernanceEvent {
    /// A voter's weight changed; `full` is what it has, or tends to.
    WeightChanged { scope: Scope, house: House, account: AccountId, full: u64 },
    /// Locked OPEN is on its way back.
    Unlocking { scope: Scope, account: AccountId, amount: Amount, releases_in_epoch: u64 },
    /// Something was proposed.
    Proposed {
        scope: Scope,
        proposal: u64,
        proposer: AccountId,
        class: ProposalClass,
        title: String,
        document: Hash,
        changes: Vec<Change>,
        target: Option<Target>,
        closes_in_epoch: u64,
    },
    /// Somebody voted; the tallies are after the vote.
    Voted {
        scope: Scope,
        proposal: u64,
        account: AccountId,
        support: bool,
        token: Tally,
        contributors: Tally,
    },
    /// A proposal came to another stage.
    StageReached { scope: Scope, proposal: u64, stage: Stage },
    /// A parameter has another value.
    ParameterSet { scope: Scope, proposal: u64, name: String, before: u64, after: u64 },
    /// What was promised was compared with what is.
    Reviewed { scope: Scope, proposal: u64, measured: u64, kept: bool },
    /// Somebody left because of an approved constitutional proposal.
    Left { scope: Scope, proposal: u64, account: AccountId, open: Amount, credits: Amount },
    /// An election began.
    ElectionOpened { election: u64, closes_in_epoch: u64 },
    /// Somebody stands for the council.
    CandidateStood { election: u64, candidate: AccountId },
    /// Somebody gave a vote to a candidate.
    Elected { election: u64, account: AccountId, candidate: AccountId },
    /// A council was seated; none if too few voted.
    CouncilSeated { election: u64, members: Vec<AccountId> },
    /// A member of the council ordered a pause.
    PauseOrdered { member: AccountId, steps: Vec<Pausable>, duration_ms: u64 },
    /// Five members agreed: the steps pause.
    Paused { steps: Vec<Pausable>, until_ms: u64 },
}
