//! Jobs up to the decision: opened with its money set aside, accepted, delivered, decided.

use openledger_types::agents::{
    AgentEvent, GraphRecord, JobId, JobRecord, JobState, JobTerms, MandateId, Purpose,
};
use openledger_types::{Amount, Asset, BasisPoints, Cause, Event, Hash, Holder, Rejection, limits};

use super::key::{agent, counters, job, mandate, next, put_job};
use super::{AgentKey, closing, mandates};
use crate::accounts;
use crate::execute::Transition;
use crate::state::Applied;
use crate::supply;

fn cost(terms: &JobTerms) -> Applied<Amount> {
    Ok(terms.price.plus(terms.evaluator_fee).ok_or(Rejection::AmountOverflow)?)
}

fn check_terms(terms: &JobTerms) -> Applied {
    let epochs = [terms.accept_epochs, terms.deliver_epochs, terms.review_epochs];
    let valid = terms.price > Amount::ZERO
        && epochs.iter().all(|epochs| (1..=limits::JOB_EPOCHS_MAX).contains(epochs));
    if valid { Ok(()) } else { Err(Rejection::JobInvalid.into()) }
}

pub(crate) fn open(transition: &mut Transition<'_>, terms: &JobTerms, by: Option<MandateId>) -> Applied {
    check_terms(terms)?;
    let provider = agent(transition, terms.provider)?;
    let parent = match terms.parent {
        None => None,
        Some(parent) => Some(job(transition, parent)?),
    };
    let mut keys: Vec<_> = parent.iter().map(|parent| AgentKey::Graph(parent.root).state()).collect();
    if let Some(by) = by {
        keys.extend(mandates::chain_keys(&mandate(transition, by)?));
    }
    transition.view.need(keys)?;
    if !provider.profile.active {
        return Err(Rejection::AgentInactive.into());
    }
    let cost = cost(terms)?;
    let client = match by {
        None => transition.sender,
        Some(by) => {
            // Whoever evaluates for a fee is paid too.
            let paid = [provider.actor(), terms.evaluator];
            let count = if terms.evaluator_fee > Amount::ZERO { 2 } else { 1 };
            let counterparties = paid.get(..count).unwrap_or(&paid);
            let (purpose, model) = (Purpose::Job, terms.model.as_ref());
            let spending = mandates::Spending { purpose, counterparties, model, amount: cost };
            mandates::count(transition, by, &spending)?
        }
    };
    let mut counters = counters(transition)?;
    let id = JobId(next(&mut counters.jobs)?);
    transition.view.put(&AgentKey::Counters.state(), &counters);
    let (root, depth) = match parent {
        None => (id, 0),
        Some(parent) => part_of(transition, parent, terms, cost)?,
    };
    join(transition, root, id, cost)?;
    let record = JobRecord {
        client,
        opened_by: transition.sender,
        mandate: by,
        terms: terms.clone(),
        payee: None,
        clusters: None,
        root,
        depth,
        parts: 0,
        cost_of_parts: Amount::ZERO,
        state: JobState::Open { until_epoch: transition.epoch().saturating_add(terms.accept_epochs) },
    };
    put_job(transition, id, &record);
    let opened = AgentEvent::JobOpened { job: id, root, client, mandate: by, terms: terms.clone() };
    transition.emit(Event::Agents(opened));
    let from = Holder::Account(client);
    supply::shift(transition, from, Holder::Custody, Asset::Credit, cost, Cause::JobFunded)
}

/// Counts a part against the job above it; returns the first job of the graph and the part's depth.
fn part_of(
    transition: &mut Transition<'_>,
    mut parent: JobRecord,
    terms: &JobTerms,
    cost: Amount,
) -> Applied<(JobId, u8)> {
    let id = terms.parent.expect("the record was read by this number");
    if parent.payee != Some(transition.sender) {
        return Err(Rejection::NotJobParty.into());
    }
    if !matches!(parent.state, JobState::Accepted { .. }) {
        return Err(Rejection::JobStateWrong.into());
    }
    let depth = parent.depth.saturating_add(1);
    if depth > limits::JOB_DEPTH_MAX || parent.parts >= limits::JOB_PARTS_MAX {
        return Err(Rejection::GraphTooLarge.into());
    }
    let sum = parent.cost_of_parts.plus(cost).filter(|sum| *sum <= parent.terms.price);
    parent.cost_of_parts = sum.ok_or(Rejection::PartsExceedPrice)?;
    parent.parts = parent.parts.saturating_add(1);
    put_job(transition, id, &parent);
    Ok((parent.root, depth))
}

/// Adds a job to its graph.
fn join(transition: &mut Transition<'_>, root: JobId, id: JobId, cost: Amount) -> Applied {
    let key = AgentKey::Graph(root).state();
    let mut graph = if root == id {
        GraphRecord::default()
    } else {
        transition.view.get(&key)?.expect("the first job of a graph made its record")
    };
    if graph.jobs.len() >= limits::JOBS_PER_GRAPH_MAX {
        return Err(Rejection::GraphTooLarge.into());
    }
    graph.jobs.push(id);
    graph.cost = graph.cost.plus(cost).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&key, &graph);
    Ok(())
}

pub(crate) fn accept(transition: &mut Transition<'_>, id: JobId) -> Applied {
    let mut record = job(transition, id)?;
    let key = AgentKey::Agent(record.terms.provider).state();
    let members = [record.client, transition.sender].map(accounts::key_of_cluster);
    transition.view.need([key.clone()].into_iter().chain(members))?;
    let mut provider = agent(transition, record.terms.provider)?;
    if provider.actor() != transition.sender {
        return Err(Rejection::NotAgentActor.into());
    }
    let until = match record.state {
        JobState::Open { until_epoch } => until_epoch,
        _ => return Err(Rejection::JobStateWrong.into()),
    };
    in_time(transition, until)?;
    let at_risk = provider.at_risk.plus(record.terms.bond).filter(|sum| *sum <= provider.bond);
    provider.at_risk = at_risk.ok_or(Rejection::AgentBondTooLow)?;
    transition.view.put(&key, &provider);
    let payee = transition.sender;
    let clusters =
        (accounts::cluster_of(transition, payee)?, accounts::cluster_of(transition, record.client)?);
    let deliver_in_epoch = transition.epoch().saturating_add(record.terms.deliver_epochs);
    record.payee = Some(payee);
    record.clusters = Some(clusters);
    record.state = JobState::Accepted { until_epoch: deliver_in_epoch };
    put_job(transition, id, &record);
    transition.emit(Event::Agents(AgentEvent::JobAccepted { job: id, payee, deliver_in_epoch }));
    Ok(())
}

pub(super) fn in_time(transition: &Transition<'_>, until: u64) -> Applied {
    if transition.epoch() <= until { Ok(()) } else { Err(Rejection::JobTooLate.into()) }
}

pub(crate) fn cancel(transition: &mut Transition<'_>, id: JobId) -> Applied {
    let record = job(transition, id)?;
    transition.view.need(closing::keys_of_job(&record))?;
    let (sender, provider) = (transition.sender, agent(transition, record.terms.provider)?);
    if ![record.client, record.opened_by, provider.actor(), provider.owner].contains(&sender) {
        return Err(Rejection::NotJobParty.into());
    }
    match record.state {
        JobState::Open { .. } => closing::close(transition, id, record, closing::Ending::Nothing),
        _ => Err(Rejection::JobStateWrong.into()),
    }
}

pub(crate) fn submit(transition: &mut Transition<'_>, id: JobId, result: Hash) -> Applied {
    let mut record = job(transition, id)?;
    if record.payee != Some(transition.sender) {
        return Err(Rejection::NotJobParty.into());
    }
    let JobState::Accepted { until_epoch } = record.state else {
        return Err(Rejection::JobStateWrong.into());
    };
    in_time(transition, until_epoch)?;
    let decide_in_epoch = transition.epoch().saturating_add(record.terms.review_epochs);
    record.state = JobState::Submitted { result, until_epoch: decide_in_epoch };
    put_job(transition, id, &record);
    transition.emit(Event::Agents(AgentEvent::ResultSubmitted { job: id, result, decide_in_epoch }));
    Ok(())
}

pub(crate) fn decide(
    transition: &mut Transition<'_>,
    id: JobId,
    paid: BasisPoints,
    reasons: Hash,
) -> Applied {
    let mut record = job(transition, id)?;
    if record.terms.evaluator != transition.sender {
        return Err(Rejection::NotJobParty.into());
    }
    if paid > BasisPoints::WHOLE {
        return Err(Rejection::PaidTooMuch.into());
    }
    let JobState::Submitted { until_epoch, .. } = record.state else {
        return Err(Rejection::JobStateWrong.into());
    };
    in_time(transition, until_epoch)?;
    let final_in_epoch = transition.epoch().saturating_add(transition.parameters.agents.contest_epochs);
    record.state = JobState::Decided { paid, until_epoch: final_in_epoch };
    put_job(transition, id, &record);
    transition.emit(Event::Agents(AgentEvent::JobDecided { job: id, paid, reasons, final_in_epoch }));
    Ok(())
}
