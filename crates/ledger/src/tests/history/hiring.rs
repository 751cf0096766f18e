//! Random actions of agents: identities and their wallets, jobs through all of their states, mandates and bonds.

use openledger_types::agents::{
    AgentAction as Ask, AgentId, AgentProfile, AgentRecord, AgentUnbondingRecord, CountersRecord, JobId,
    JobRecord, JobState, JobTerms, MandateId, MandateRecord, MandateTerms, Purpose,
};
use openledger_types::record::{BeaconRecord, ChannelRecord};
use openledger_types::{AccountId, Action, Amount, BasisPoints, ChannelId};

use super::super::*;
use super::scene::{one_of, records, rich};
use super::{Dice, number_of};
use crate::StateKey;
use crate::agents::AgentKey;

pub(super) fn agents(world: &World, dice: &mut Dice) -> (u8, Action) {
    let (who, ask) = match dice.below(10) {
        0 | 1 => identity(world, dice),
        2..7 => job(world, dice),
        7 | 8 => mandate(world, dice),
        _ => bond(world, dice),
    };
    (who, Action::Agents(ask))
}

fn counters(world: &World) -> CountersRecord {
    world.record(&AgentKey::Counters.state()).unwrap_or_default()
}

/// One of the first agents; now and then one that does not exist.
fn agent(world: &World, dice: &mut Dice) -> (AgentId, Option<AgentRecord>) {
    let ghost = u64::from(dice.chance(20));
    let id = AgentId(1 + dice.below(counters(world).agents.min(12) + ghost));
    (id, world.record(&AgentKey::Agent(id).state()))
}

fn person(account: Option<AccountId>, dice: &mut Dice) -> u8 {
    account.and_then(number_of).unwrap_or_else(|| dice.who())
}

fn owner(record: Option<&AgentRecord>, dice: &mut Dice) -> u8 {
    person(record.map(|record| record.owner), dice)
}

fn profile(dice: &mut Dice) -> AgentProfile {
    AgentProfile {
        domain: "example.org".into(),
        uri: if dice.chance(20) { "x".repeat(513) } else { "https://example.org/agent.json".into() },
        uri_hash: bytes32(dice.byte()),
        active: !dice.chance(9),
    }
}

fn identity(world: &World, dice: &mut Dice) -> (u8, Ask) {
    let (id, record) = agent(world, dice);
    if record.is_none() || counters(world).agents < 12 && dice.chance(2) {
        return (rich(dice), Ask::RegisterAgent { profile: profile(dice) });
    }
    if let Some(named) = record.as_ref().and_then(|record| record.named).filter(|_| dice.chance(2)) {
        return (person(Some(named), dice), Ask::AcceptAgentWallet { agent: id });
    }
    let who = owner(record.as_ref(), dice);
    let to = account(dice.who());
    match dice.below(7) {
        0 => (dice.who(), Ask::RegisterAgent { profile: profile(dice) }),
        1 => (who, Ask::UpdateAgent { agent: id, profile: profile(dice) }),
        2 | 3 => (who, Ask::SetAgentWallet { agent: id, wallet: (!dice.chance(4)).then_some(to) }),
        4 => (dice.who(), Ask::AcceptAgentWallet { agent: id }),
        _ => (who, Ask::TransferAgent { agent: id, to }),
    }
}

fn bond(world: &World, dice: &mut Dice) -> (u8, Ask) {
    let (id, record) = agent(world, dice);
    let who = owner(record.as_ref(), dice);
    let waiting: Vec<(StateKey, AgentUnbondingRecord)> =
        records(world, &AgentKey::Unbonding(AgentId(0), account(0), 0).state(), 2);
    let epoch = world.epoch();
    let released: Vec<_> =
        waiting.iter().filter(|(_, one)| one.releases_in_epoch <= epoch).cloned().collect();
    let waiting = if released.is_empty() { waiting } else { released };
    match (dice.below(4), one_of(&waiting, dice)) {
        (0, Some((StateKey::Agents(AgentKey::Unbonding(agent, owner, epoch)), _))) => {
            (person(Some(owner), dice), Ask::ReleaseAgentBond { agent, epoch })
        }
        (0, _) => (who, Ask::ReleaseAgentBond { agent: id, epoch: dice.below(epoch + 1) }),
        (1, _) => {
            let most = record.map_or(9, |record| record.bond.0.saturating_sub(record.at_risk.0));
            (who, Ask::UnbondAgent { agent: id, amount: dice.amount(most) })
        }
        _ => (who, Ask::RaiseAgentBond { agent: id, amount: dice.amount(world.account(who).open.0 / 30) }),
    }
}

/// A job for one of the agents: from the sender's balance, from a mandate, or as a part of another job.
fn open(world: &World, dice: &mut Dice, parent: Option<(JobId, &JobRecord)>) -> (u8, Ask) {
    let (provider, record) = agent(world, dice);
    let client = match parent {
        Some((_, parent)) => person(parent.payee, dice),
        None => rich(dice),
    };
    let most = match parent {
        Some((_, parent)) => parent.terms.price.0 / 2,
        None => world.account(client).credits.0 / 40,
    };
    let free = record.map_or(0, |record| record.bond.0.saturating_sub(record.at_risk.0));
    let mut epochs = || 1 + dice.below(60);
    let (accept_epochs, deliver_epochs, review_epochs) = (epochs(), epochs(), epochs());
    let terms = JobTerms {
        provider,
        evaluator: account(dice.who()),
        price: dice.amount(most),
        evaluator_fee: Amount(dice.below(2_000)),
        bond: Amount(if dice.chance(2) { 0 } else { dice.below(free / 2 + 9) }),
        specification: bytes32(dice.byte()),
        model: None,
        accept_epochs,
        deliver_epochs,
        review_epochs,
        parent: parent.map(|(id, _)| id),
    };
    (client, Ask::OpenJob { terms, mandate: None })
}

/// The last jobs that are not closed.
fn live(world: &World) -> Vec<(JobId, JobRecord)> {
    let last = counters(world).jobs;
    let read = |job| Some((JobId(job), world.record::<JobRecord>(&AgentKey::Job(JobId(job)).state())?));
    let jobs = (last.saturating_sub(30)..=last).filter_map(read);
    jobs.filter(|(_, record)| !matches!(record.state, JobState::Closed { .. })).collect()
}

/// What comes next for one of the last jobs; now and then what does not.
fn job(world: &World, dice: &mut Dice) -> (u8, Ask) {
    let live = live(world);
    let Some((id, record)) = one_of(&live, dice).filter(|_| live.len() > 3 || dice.chance(2)) else {
        return open(world, dice, None);
    };
    let provider: Option<AgentRecord> = world.record(&AgentKey::Agent(record.terms.provider).state());
    let actor = person(provider.as_ref().map(AgentRecord::actor), dice);
    let (client, payee) = (person(Some(record.client), dice), person(record.payee, dice));
    let late = |until: u64| world.epoch() > until;
    let paid = BasisPoints(match dice.below(5) {
        0 => 10_000,
        1 => 0,
        _ => dice.below(10_300) as u16,
    });
    let decide = Ask::DecideJob { job: id, paid, reasons: bytes32(1) };
    let evaluator = person(Some(record.terms.evaluator), dice);
    let settle = (dice.who(), Ask::SettleJob { job: id });
    match record.state {
        _ if dice.chance(12) => one_of(
            &[
                (actor, Ask::AcceptJob { job: id }),
                (client, Ask::CancelJob { job: id }),
                (payee, Ask::SubmitResult { job: id, result: bytes32(1) }),
                (evaluator, decide),
                (client, Ask::ContestJob { job: id, paid }),
                (client, Ask::JudgeJob { job: id, beacon: world.epoch(), contested: true }),
                settle.clone(),
            ],
            dice,
        )
        .unwrap_or(settle),
        JobState::Open { until_epoch } if !late(until_epoch) => {
            if dice.chance(6) {
                (client, Ask::CancelJob { job: id })
            } else {
                (actor, Ask::AcceptJob { job: id })
            }
        }
        JobState::Accepted { until_epoch } if !late(until_epoch) => match dice.below(4) {
            0 => open(world, dice, Some((id, &record))),
            _ => (payee, Ask::SubmitResult { job: id, result: bytes32(1) }),
        },
        JobState::Submitted { until_epoch, .. } if !late(until_epoch) && !dice.chance(6) => {
            (evaluator, decide)
        }
        JobState::Decided { until_epoch, .. } if !late(until_epoch) && dice.chance(2) => {
            (if dice.chance(2) { client } else { payee }, Ask::ContestJob { job: id, paid })
        }
        JobState::Contested { paid: decided, contest, .. }
            if !late(contest.answer_until) && contest.answer.is_none() && dice.chance(2) =>
        {
            let who = if contest.paid < decided { payee } else { client };
            (who, Ask::ContestJob { job: id, paid })
        }
        JobState::Contested { contest, until_epoch, .. } if !late(until_epoch) => {
            let drawn = |epoch: &u64| world.record::<BeaconRecord>(&StateKey::Beacon(*epoch)).is_some();
            let beacon = (contest.answer_until + 1..=world.epoch()).find(drawn).unwrap_or_default();
            let juror = one_of(&super::open::jurors(world, contest.epoch), dice).unwrap_or(client);
            (juror, Ask::JudgeJob { job: id, beacon, contested: dice.chance(2) })
        }
        _ => settle,
    }
}

fn mandate(world: &World, dice: &mut Dice) -> (u8, Ask) {
    let last = counters(world).mandates;
    let id = MandateId(last.saturating_sub(dice.below(8)).max(1));
    let record: Option<MandateRecord> = world.record(&AgentKey::Mandate(id).state());
    let Some(record) = record.filter(|record| !record.revoked && !dice.chance(4)) else {
        return grant(world, dice, None);
    };
    let holder: Option<AgentRecord> = world.record(&AgentKey::Agent(record.agent).state());
    let actor = person(holder.as_ref().map(AgentRecord::actor), dice);
    let left = record.terms.per_epoch.0.min(record.terms.total.0 - record.spent.0);
    match dice.below(8) {
        0 => (person(Some(record.payer), dice), Ask::RevokeMandate { mandate: id }),
        1 => grant(world, dice, Some((id, &record, actor))),
        2..4 => {
            let amount = dice.amount(left);
            (actor, Ask::PayByMandate { mandate: id, to: account(dice.who()), amount })
        }
        4 => match open(world, dice, None) {
            (_, Ask::OpenJob { terms, .. }) => {
                let price = dice.amount(left / 2);
                (actor, Ask::OpenJob { terms: JobTerms { price, ..terms }, mandate: Some(id) })
            }
            other => other,
        },
        _ => {
            let channel = channel(world, dice, Some(record.payer)).map_or(ChannelId([9; 32]), |(id, _)| id);
            (actor, Ask::TopUpByMandate { mandate: id, channel, amount: dice.amount(left) })
        }
    }
}

/// An open channel, of this payer if it is named.
fn channel(world: &World, dice: &mut Dice, payer: Option<AccountId>) -> Option<(ChannelId, ChannelRecord)> {
    let channels: Vec<(StateKey, ChannelRecord)> = records(world, &StateKey::Channel(ChannelId([0; 32])), 1);
    let open: Vec<(ChannelId, ChannelRecord)> = channels
        .into_iter()
        .filter(|(_, record)| !record.closed && payer.is_none_or(|payer| record.consumer == payer))
        .filter_map(|(key, record)| if let StateKey::Channel(id) = key { Some((id, record)) } else { None })
        .collect();
    one_of(&open, dice)
}

/// Mostly by somebody with a channel, so that the agent can fill it.
fn grant(world: &World, dice: &mut Dice, above: Option<(MandateId, &MandateRecord, u8)>) -> (u8, Ask) {
    let (id, _) = agent(world, dice);
    let consumer = channel(world, dice, None).map(|(_, record)| record.consumer);
    let (who, most, last) = match above {
        Some((_, above, actor)) => (actor, above.terms.total.0 - above.spent.0, above.terms.expires_in_epoch),
        None => {
            let payer = if dice.chance(3) { dice.who() } else { person(consumer, dice) };
            (payer, world.account(payer).credits.0 / 10, world.epoch() + 60)
        }
    };
    let total = dice.amount(most);
    let parent_most = above.map_or(u64::MAX, |(_, above, _)| above.terms.per_epoch.0);
    let per_epoch = Amount(total.0.min(parent_most) / (1 + dice.below(3)));
    let purposes = if dice.chance(9) {
        vec![Purpose::Pay, Purpose::Job]
    } else {
        vec![Purpose::Job, Purpose::Pay, Purpose::Inference]
    };
    let terms = MandateTerms {
        total,
        per_epoch,
        purposes,
        counterparties: Vec::new(),
        models: Vec::new(),
        expires_in_epoch: if dice.chance(9) { last + 9 } else { last },
    };
    (who, Ask::GrantMandate { agent: id, terms, parent: above.map(|(id, ..)| id) })
}
