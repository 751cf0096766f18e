//! One of each action, record and key, for the recorded encodings; and what the tests of agents share.

use openledger_types::agents::*;
use openledger_types::{AccountId, Action, Amount, BasisPoints, ChannelId, codec};

use super::AgentKey;
use crate::StateKey;
use crate::tests::{World, account, bytes32, name};

pub(crate) fn profile() -> AgentProfile {
    AgentProfile {
        domain: "agents.example".into(),
        uri: "https://agents.example/a.json".into(),
        uri_hash: bytes32(1),
        active: true,
    }
}

pub(crate) fn register() -> Action {
    Action::Agents(AgentAction::RegisterAgent { profile: profile() })
}

pub(crate) fn mandate_terms(total: u64, per_epoch: u64, expires_in_epoch: u64) -> MandateTerms {
    MandateTerms {
        total: Amount(total),
        per_epoch: Amount(per_epoch),
        purposes: vec![Purpose::Job, Purpose::Pay, Purpose::Inference],
        counterparties: vec![],
        models: vec![],
        expires_in_epoch,
    }
}

/// A job for agent `provider`: one epoch for each step.
pub(crate) fn job_terms(provider: u64, evaluator: u8, price: u64) -> JobTerms {
    JobTerms {
        provider: AgentId(provider),
        evaluator: account(evaluator),
        price: Amount(price),
        evaluator_fee: Amount(10),
        bond: Amount(0),
        specification: bytes32(2),
        model: None,
        accept_epochs: 1,
        deliver_epochs: 1,
        review_epochs: 1,
        parent: None,
    }
}

pub(crate) fn agent_record(world: &World, id: u64) -> AgentRecord {
    world.record(&AgentKey::Agent(AgentId(id)).state()).unwrap()
}

pub(crate) fn mandate_record(world: &World, id: u64) -> MandateRecord {
    world.record(&AgentKey::Mandate(MandateId(id)).state()).unwrap()
}

pub(crate) fn job_record(world: &World, id: u64) -> JobRecord {
    world.record(&AgentKey::Job(JobId(id)).state()).unwrap()
}

pub(crate) fn actions() -> Vec<Action> {
    let (agent, mandate, job, amount) = (AgentId(1), MandateId(2), JobId(3), Amount(4));
    let terms = JobTerms { model: Some(name("base")), parent: Some(job), ..job_terms(1, 2, 3) };
    let limits = MandateTerms {
        counterparties: vec![account(1)],
        models: vec![name("base")],
        ..mandate_terms(1, 2, 3)
    };
    let actions = vec![
        AgentAction::RegisterAgent { profile: profile() },
        AgentAction::UpdateAgent { agent, profile: profile() },
        AgentAction::SetAgentWallet { agent, wallet: Some(account(1)) },
        AgentAction::AcceptAgentWallet { agent },
        AgentAction::TransferAgent { agent, to: account(1) },
        AgentAction::GrantMandate { agent, terms: limits, parent: Some(mandate) },
        AgentAction::RevokeMandate { mandate },
        AgentAction::PayByMandate { mandate, to: account(1), amount },
        AgentAction::TopUpByMandate { mandate, channel: ChannelId([1; 32]), amount },
        AgentAction::OpenJob { terms, mandate: Some(mandate) },
        AgentAction::AcceptJob { job },
        AgentAction::CancelJob { job },
        AgentAction::SubmitResult { job, result: bytes32(1) },
        AgentAction::DecideJob { job, paid: BasisPoints(1), reasons: bytes32(2) },
        AgentAction::ContestJob { job, paid: BasisPoints(6) },
        AgentAction::SettleJob { job },
        AgentAction::RaiseAgentBond { agent, amount },
        AgentAction::UnbondAgent { agent, amount },
        AgentAction::ReleaseAgentBond { agent, epoch: 5 },
        AgentAction::JudgeJob { job, beacon: 7, contested: true },
    ];
    actions.into_iter().map(Action::Agents).collect()
}

fn job_in(state: JobState) -> Vec<u8> {
    codec::encode(&JobRecord {
        client: account(1),
        opened_by: account(2),
        mandate: Some(MandateId(3)),
        terms: job_terms(4, 5, 6),
        payee: Some(account(7)),
        clusters: Some((account(7), account(1))),
        root: JobId(8),
        depth: 9,
        parts: 10,
        cost_of_parts: Amount(11),
        state,
    })
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let agent = AgentRecord {
        owner: account(1),
        wallet: Some(account(2)),
        named: Some(account(3)),
        profile: profile(),
        generation: 4,
        bond: Amount(5),
        at_risk: Amount(6),
    };
    let mandate = MandateRecord {
        payer: account(1),
        granted_by: account(2),
        agent: AgentId(3),
        generation: 4,
        terms: mandate_terms(5, 6, 7),
        ancestors: vec![Ancestor { mandate: MandateId(8), agent: AgentId(9) }],
        parts: 10,
        spent: Amount(11),
        epoch: 12,
        spent_in_epoch: Amount(13),
        revoked: true,
    };
    let by: AccountId = account(1);
    let (paid, until_epoch) = (BasisPoints(1), 2);
    let votes = vec![(account(2), true)];
    let contest = Contest {
        by,
        paid: BasisPoints(3),
        bond: Amount(4),
        answer: Some(Answer { by: account(3), paid: BasisPoints(7) }),
        answer_until: 8,
        epoch: 5,
        jurors: 6,
        votes,
    };
    let contested = JobState::Contested { paid, contest, until_epoch };
    let unbonding = AgentUnbondingRecord { owner: account(1), amount: Amount(2), releases_in_epoch: 3 };
    vec![
        ("CountersRecord", codec::encode(&CountersRecord { agents: 1, mandates: 2, jobs: 3 })),
        ("AgentRecord", codec::encode(&agent)),
        ("MandateRecord", codec::encode(&mandate)),
        ("OpenJobRecord", job_in(JobState::Open { until_epoch })),
        ("AcceptedJobRecord", job_in(JobState::Accepted { until_epoch })),
        ("SubmittedJobRecord", job_in(JobState::Submitted { result: bytes32(1), until_epoch })),
        ("DecidedJobRecord", job_in(JobState::Decided { paid, until_epoch })),
        ("ContestedJobRecord", job_in(contested)),
        ("ClosedJobRecord", job_in(JobState::Closed { paid: Amount(1) })),
        ("GraphRecord", codec::encode(&GraphRecord { jobs: vec![JobId(1)], cost: Amount(2) })),
        ("AgentUnbondingRecord", codec::encode(&unbonding)),
    ]
}

pub(crate) fn keys() -> Vec<StateKey> {
    vec![
        AgentKey::Counters.state(),
        AgentKey::Agent(AgentId(1)).state(),
        AgentKey::Mandate(MandateId(1)).state(),
        AgentKey::Job(JobId(1)).state(),
        AgentKey::Graph(JobId(1)).state(),
        AgentKey::Unbonding(AgentId(1), account(2), 3).state(),
    ]
}
