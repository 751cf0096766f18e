//! The keys and records of agents. The order of the variants is part of the protocol.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::agents::{
    AgentId, AgentRecord, AgentUnbondingRecord, CountersRecord, GraphRecord, JobId, JobRecord, JobState,
    MandateId, MandateRecord,
};
use openledger_types::codec::DecodeError;
use openledger_types::{AccountId, Amount, Rejection};
use serde::{Deserialize, Serialize};

use crate::execute::Transition;
use crate::queries::record;
use crate::state::{Applied, StateKey};

/// The key of one record.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AgentKey {
    /// `CountersRecord`: how many there are of everything that is numbered.
    Counters,
    /// `AgentRecord`.
    Agent(AgentId),
    /// `MandateRecord`.
    Mandate(MandateId),
    /// `JobRecord`.
    Job(JobId),
    /// `GraphRecord`, by the first job of the graph.
    Graph(JobId),
    /// `AgentUnbondingRecord`, by agent, owner and the epoch of the request.
    Unbonding(AgentId, AccountId, u64),
}

impl AgentKey {
    pub(crate) fn state(self) -> StateKey {
        StateKey::Agents(self)
    }
}

/// A record of agents. Each variant is the record of the [`AgentKey`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum AgentsRecord {
    Counters(CountersRecord),
    Agent(AgentRecord),
    Mandate(MandateRecord),
    Job(Box<JobRecord>),
    Graph(GraphRecord),
    Unbonding(AgentUnbondingRecord),
}

impl AgentsRecord {
    pub(crate) fn decode(key: &AgentKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            AgentKey::Counters => Self::Counters(record(bytes)?),
            AgentKey::Agent(_) => Self::Agent(record(bytes)?),
            AgentKey::Mandate(_) => Self::Mandate(record(bytes)?),
            AgentKey::Job(_) => Self::Job(Box::new(record(bytes)?)),
            AgentKey::Graph(_) => Self::Graph(record(bytes)?),
            AgentKey::Unbonding(..) => Self::Unbonding(record(bytes)?),
        })
    }
}

impl AgentsRecord {
    /// Credits and OPEN in custody, and OPEN at stake; none on overflow.
    pub(crate) fn held(&self) -> Option<[Amount; 3]> {
        const NONE: Amount = Amount::ZERO;
        Some(match self {
            Self::Agent(agent) => [NONE, NONE, agent.bond],
            Self::Unbonding(unbonding) => [NONE, NONE, unbonding.amount],
            Self::Job(job) => {
                let cost = job.terms.price.plus(job.terms.evaluator_fee)?;
                match job.state {
                    JobState::Closed { .. } => [NONE; 3],
                    JobState::Contested { ref contest, .. } => {
                        let answered = contest.answer.map_or(NONE, |_| contest.bond);
                        [cost, contest.bond.plus(answered)?, NONE]
                    }
                    _ => [cost, NONE, NONE],
                }
            }
            Self::Counters(_) | Self::Mandate(_) | Self::Graph(_) => [NONE; 3],
        })
    }
}

pub(super) fn counters(transition: &mut Transition<'_>) -> Applied<CountersRecord> {
    Ok(transition.view.get(&AgentKey::Counters.state())?.unwrap_or_default())
}

/// The number after this one.
pub(super) fn next(number: &mut u64) -> Applied<u64> {
    *number = number.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    Ok(*number)
}

pub(super) fn agent(transition: &mut Transition<'_>, id: AgentId) -> Applied<AgentRecord> {
    Ok(transition.view.get(&AgentKey::Agent(id).state())?.ok_or(Rejection::AgentUnknown)?)
}

pub(super) fn mandate(transition: &mut Transition<'_>, id: MandateId) -> Applied<MandateRecord> {
    Ok(transition.view.get(&AgentKey::Mandate(id).state())?.ok_or(Rejection::MandateUnknown)?)
}

pub(super) fn job(transition: &mut Transition<'_>, id: JobId) -> Applied<JobRecord> {
    Ok(transition.view.get(&AgentKey::Job(id).state())?.ok_or(Rejection::JobUnknown)?)
}

pub(super) fn put_job(transition: &mut Transition<'_>, id: JobId, job: &JobRecord) {
    transition.view.put(&AgentKey::Job(id).state(), job);
}
