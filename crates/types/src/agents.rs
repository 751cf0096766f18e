//! Words of agents: identities, mandates, jobs and their graph, performance bonds.
//! Absent: the rules; they are in `ledger`. What agents say to each other stays outside the ledger; it holds hashes.

mod action;
mod record;

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Amount, BasisPoints, Hash, Name};

pub use action::{AgentAction, AgentEvent};
pub use record::{
    AgentRecord, AgentUnbondingRecord, Ancestor, Answer, Contest, CountersRecord, GraphRecord, JobRecord,
    JobState, MandateRecord,
};

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(
                Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize,
                Deserialize,
            )]
            #[serde(transparent)]
            pub struct $name(pub u64);

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }
        )*
    };
}

numbers! {
    /// An agent, numbered from 1 in the order of registration (the `agentId` of ERC-8004).
    AgentId;
    /// A mandate, numbered from 1.
    MandateId;
    /// A job, numbered from 1.
    JobId;
}

/// What an agent says about itself (the registration of ERC-8004).
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AgentProfile {
    /// Domain that vouches for it under `/.well-known/agent-registration.json`.
    pub domain: String,
    /// Where the registration file is.
    pub uri: String,
    /// SHA-256 of the registration file.
    pub uri_hash: Hash,
    /// Whether it takes jobs.
    pub active: bool,
}

/// What money of a mandate may be spent for.
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
pub enum Purpose {
    /// Hire an agent.
    Job,
    /// Pay an account.
    Pay,
    /// Top up a channel of the payer, for inference.
    Inference,
}

/// What a mandate allows.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct MandateTerms {
    /// The most in total, in credits.
    pub total: Amount,
    /// The most in one epoch.
    pub per_epoch: Amount,
    /// For what, in increasing order.
    pub purposes: Vec<Purpose>,
    /// Whom it may pay, in increasing order; nobody named means anybody. For jobs: the account that acts for the provider.
    pub counterparties: Vec<AccountId>,
    /// Models that jobs may use, in increasing order; none named means any. A gateway holds the same list for inference.
    pub models: Vec<Name>,
    /// First epoch in which nothing may be spent any more.
    pub expires_in_epoch: u64,
}

/// What a job is.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct JobTerms {
    /// Who works.
    pub provider: AgentId,
    /// Who decides.
    pub evaluator: AccountId,
    /// What the work costs at most.
    pub price: Amount,
    /// What the evaluator gets for a decision, whatever it is.
    pub evaluator_fee: Amount,
    /// OPEN of the provider's bond that is at risk until the end.
    pub bond: Amount,
    /// Hash of the specification.
    pub specification: Hash,
    /// The model that has to be used, if any.
    pub model: Option<Name>,
    /// Epochs from the opening until it must be accepted.
    pub accept_epochs: u64,
    /// Epochs from the acceptance until the result.
    pub deliver_epochs: u64,
    /// Epochs from the result until the decision; silence pays the provider.
    pub review_epochs: u64,
    /// The job of which this one is a part. Only its provider opens parts.
    pub parent: Option<JobId>,
}

/// The parameters of agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AgentParameters {
    /// Burned of what a provider is paid for a job, so that hiring oneself always loses.
    pub burn: BasisPoints,
    /// For maintenance, likewise.
    pub maintenance: BasisPoints,
    /// Epochs from a decision until it is final, in which either side may contest it.
    pub contest_epochs: u64,
    /// Epochs in which jurors judge a contested decision; if too few do, it stands.
    pub committee_epochs: u64,
    /// OPEN that contesting a decision puts at risk.
    pub contest_bond: Amount,
}

impl AgentParameters {
    /// The starting values.
    pub fn starting() -> Self {
        Self {
            burn: BasisPoints(200),
            maintenance: BasisPoints(300),
            contest_epochs: 2,
            committee_epochs: 14,
            contest_bond: Amount(10_000_000),
        }
    }
}
