//! What the state holds about agents.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{AgentId, AgentProfile, JobId, JobTerms, MandateId, MandateTerms};
use crate::{AccountId, Amount, BasisPoints, Hash};

/// How many there are of everything that is numbered.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CountersRecord {
    /// Agents.
    pub agents: u64,
    /// Mandates.
    pub mandates: u64,
    /// Jobs.
    pub jobs: u64,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AgentRecord {
    /// Who owns it.
    pub owner: AccountId,
    /// Who acts for it; its owner when nobody is named.
    pub wallet: Option<AccountId>,
    /// Who was named and has not agreed.
    pub named: Option<AccountId>,
    /// What it says about itself.
    pub profile: AgentProfile,
    /// How often it changed owners; mandates are to one generation.
    pub generation: u32,
    /// OPEN at stake for its work.
    pub bond: Amount,
    /// Part of the bond that jobs put at risk.
    pub at_risk: Amount,
}

impl AgentRecord {
    /// Who acts for it.
    pub fn actor(&self) -> AccountId {
        self.wallet.unwrap_or(self.owner)
    }
}

/// A mandate above another, with the agent to which it was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Ancestor {
    /// Which.
    pub mandate: MandateId,
    /// To whom.
    pub agent: AgentId,
}

/// A mandate.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct MandateRecord {
    /// Whose money.
    pub payer: AccountId,
    /// Who granted it: the payer, or who acted for the agent above.
    pub granted_by: AccountId,
    /// Who may spend.
    pub agent: AgentId,
    /// The generation of the agent to which it was granted.
    pub generation: u32,
    /// How much, on what, until when.
    pub terms: MandateTerms,
    /// The mandates above, the nearest first.
    pub ancestors: Vec<Ancestor>,
    /// How many mandates were ever granted from this one.
    pub parts: u32,
    /// Spent from this one and everything under it.
    pub spent: Amount,
    /// The epoch that `spent_in_epoch` counts.
    pub epoch: u64,
    /// Spent in that epoch.
    pub spent_in_epoch: Amount,
    /// It ended before its time.
    pub revoked: bool,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// Waits to be accepted.
    Open {
        /// Last epoch in which it can be.
        until_epoch: u64,
    },
    /// The provider works.
    Accepted {
        /// Last epoch for the result.
        until_epoch: u64,
    },
    /// The result waits for the decision.
    Submitted {
        /// Hash of the result.
        result: Hash,
        /// Last epoch for the decision.
        until_epoch: u64,
    },
    /// The decision waits to become final.
    Decided {
        /// The part of the price that the provider gets.
        paid: BasisPoints,
        /// Last epoch in which it can be contested.
        until_epoch: u64,
    },
    /// The decision waits for the jurors.
    Contested {
        /// What the evaluator decided.
        paid: BasisPoints,
        /// What is said against it.
        contest: Contest,
        /// Last epoch in which jurors can judge.
        until_epoch: u64,
    },
    /// Everything was paid out.
    Closed {
        /// What the provider got of the price, levies included.
        paid: Amount,
    },
}

/// What the other side of a job says against a contest; it takes the place of the decision before the jurors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Answer {
    /// Who answered.
    pub by: AccountId,
    /// The part of the price that they say the result is worth.
    pub paid: BasisPoints,
}

/// A decision that is contested.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Contest {
    /// Who contests it.
    pub by: AccountId,
    /// The part of the price that they say the result is worth.
    pub paid: BasisPoints,
    /// OPEN that they put at risk; whoever answers puts as much at risk.
    pub bond: Amount,
    /// What the other side says.
    pub answer: Option<Answer>,
    /// Last epoch in which the other side can answer; the beacon after it draws the jurors.
    pub answer_until: u64,
    /// In which epoch it was contested.
    pub epoch: u64,
    /// How many jurors there were.
    pub jurors: u32,
    /// Who judged, and whether the contest is right.
    pub votes: Vec<(AccountId, bool)>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct JobRecord {
    /// Whose money; what is not paid goes back there.
    pub client: AccountId,
    /// Who opened it: the client, or who acted for an agent with a mandate.
    pub opened_by: AccountId,
    /// The mandate that paid.
    pub mandate: Option<MandateId>,
    /// What it is.
    pub terms: JobTerms,
    /// Who accepted it, works and is paid.
    pub payee: Option<AccountId>,
    /// The clusters of payee and client when it was accepted: where evidence about it most likely is.
    pub clusters: Option<(AccountId, AccountId)>,
    /// The first job of its graph.
    pub root: JobId,
    /// How many jobs are above it.
    pub depth: u8,
    /// How many parts were opened.
    pub parts: u32,
    /// What its parts cost, less what came back.
    pub cost_of_parts: Amount,
    /// Where it stands.
    pub state: JobState,
}

/// A job with all its parts, and the parts of those: what it costs in all. Under the first job.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct GraphRecord {
    /// The jobs in the order in which they were opened, at most `JOBS_PER_GRAPH_MAX`.
    pub jobs: Vec<JobId>,
    /// What was set aside for all of them, evaluators included, less what came back.
    pub cost: Amount,
}

/// OPEN on its way back from an agent's bond.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AgentUnbondingRecord {
    /// Who gets it.
    pub owner: AccountId,
    /// How much.
    pub amount: Amount,
    /// First epoch in which it can be released.
    pub releases_in_epoch: u64,
}
