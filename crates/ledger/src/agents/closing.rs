//! How jobs end: what silence decides, and the one place where a job's money is paid out.

use openledger_types::agents::{AgentEvent, GraphRecord, JobId, JobRecord, JobState};
use openledger_types::record::Pool;
use openledger_types::{Amount, Asset, BasisPoints, Cause, Domain, Event, Holder, Rejection};

use super::key::{agent, job, put_job};
use super::{AgentKey, contests};
use crate::execute::Transition;
use crate::reputation::{self, Evidence};
use crate::state::{Applied, StateKey};
use crate::{accounts, supply};

/// What a decision weighs as evidence, in quarters: as much as an audit, or twice that once jurors have judged.
pub(super) const DECIDED: u32 = 4;
pub(super) const RESOLVED: u32 = 8;

/// How a job ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    /// Nobody accepted it: everything goes back.
    Nothing,
    /// There was no result: everything goes back, and the bond at risk goes to the client.
    Missed,
    /// Nobody decided about the result: the provider is paid and the evaluator is not.
    Silence,
    /// A decision is final.
    Decided { paid: BasisPoints, evaluator_right: bool, quarters: u32 },
}

impl Ending {
    /// The part of the price that the provider gets.
    fn paid(self) -> BasisPoints {
        match self {
            Self::Nothing | Self::Missed => BasisPoints(0),
            Self::Silence => BasisPoints::WHOLE,
            Self::Decided { paid, .. } => paid,
        }
    }
}

/// Everything that the end of a job touches.
pub(super) fn keys_of_job(record: &JobRecord) -> Vec<StateKey> {
    let (client, evaluator) = (record.client, record.terms.evaluator);
    let mut keys = vec![
        StateKey::Account(client),
        StateKey::Account(evaluator),
        StateKey::Pool(Pool::Maintenance),
        AgentKey::Agent(record.terms.provider).state(),
        AgentKey::Graph(record.root).state(),
        accounts::key_of_cluster(client),
        accounts::key_of_cluster(evaluator),
    ];
    keys.extend(record.terms.parent.map(|parent| AgentKey::Job(parent).state()));
    if let JobState::Contested { contest, .. } = &record.state {
        keys.extend([StateKey::Account(contest.by), StateKey::Pool(Pool::Slashed)]);
        keys.extend(contest.answer.map(|answer| StateKey::Account(answer.by)));
        keys.extend(contest.votes.iter().map(|(juror, _)| StateKey::Account(*juror)));
    }
    if let (Some(payee), Some((cluster, client_cluster))) = (record.payee, record.clusters) {
        keys.extend([StateKey::Account(payee), accounts::key_of_cluster(payee)]);
        keys.extend(reputation::keys_of_pair(payee, &Domain::Agent, client));
        keys.extend(reputation::keys_of_pair(cluster, &Domain::Agent, client_cluster));
    }
    keys
}

/// Ends a job whose time has passed.
pub(crate) fn settle(transition: &mut Transition<'_>, id: JobId) -> Applied {
    let record = job(transition, id)?;
    transition.view.need(keys_of_job(&record))?;
    let late = |until: u64| transition.epoch() > until;
    let ending = match &record.state {
        JobState::Open { until_epoch } if late(*until_epoch) => Ending::Nothing,
        JobState::Accepted { until_epoch } if late(*until_epoch) => Ending::Missed,
        JobState::Submitted { until_epoch, .. } if late(*until_epoch) => Ending::Silence,
        JobState::Decided { paid, until_epoch } if late(*until_epoch) => {
            Ending::Decided { paid: *paid, evaluator_right: true, quarters: DECIDED }
        }
        JobState::Contested { paid, contest, until_epoch } if late(*until_epoch) => {
            contests::conclude(transition, *paid, contest)?
        }
        JobState::Closed { .. } => return Err(Rejection::JobStateWrong.into()),
        _ => return Err(Rejection::JobTooEarly.into()),
    };
    close(transition, id, record, ending)
}

/// The part in basis points, rounded up, so that many small jobs owe no less than one large one.
fn levy(amount: Amount, share: BasisPoints) -> Amount {
    let left = BasisPoints(BasisPoints::WHOLE.0.saturating_sub(share.0));
    amount.minus(amount.basis_points(left)).unwrap_or(amount)
}

/// Pays everything out that was set aside, and writes that it was.
pub(super) fn close(
    transition: &mut Transition<'_>,
    id: JobId,
    mut record: JobRecord,
    ending: Ending,
) -> Applied {
    const SUMMED: &str = "a job's parts sum to what was set aside";
    let (price, fee) = (record.terms.price, record.terms.evaluator_fee);
    let paid = price.basis_points(ending.paid());
    let evaluated = match ending {
        Ending::Decided { evaluator_right: true, .. } => fee,
        _ => Amount::ZERO,
    };
    let rest = price.plus(fee).and_then(|cost| cost.minus(paid)).and_then(|rest| rest.minus(evaluated));
    let back = rest.expect(SUMMED);
    let parameters = transition.parameters.agents;
    let burned = levy(paid, parameters.burn).min(paid);
    let rest = paid.minus(burned).expect(SUMMED);
    let maintained = levy(paid, parameters.maintenance).min(rest);
    let to_provider = rest.minus(maintained).expect(SUMMED);
    let payee = record.payee.unwrap_or(record.client);
    let lines = [
        (Holder::Burned, burned, Cause::JobLevy),
        (Holder::Pool(Pool::Maintenance), maintained, Cause::JobLevy),
        (Holder::Account(payee), to_provider, Cause::JobPaid),
        (Holder::Account(record.terms.evaluator), evaluated, Cause::JobEvaluated),
        (Holder::Account(record.client), back, Cause::JobRefunded),
    ];
    for (to, amount, cause) in lines {
        supply::shift(transition, Holder::Custody, to, Asset::Credit, amount, cause)?;
    }
    let forfeited = release_bond(transition, &record, ending)?;
    give_back(transition, &record, back)?;
    record.state = JobState::Closed { paid };
    put_job(transition, id, &record);
    transition.emit(Event::Agents(AgentEvent::JobClosed {
        job: id,
        to_provider,
        to_client: back,
        to_evaluator: evaluated,
        forfeited,
    }));
    note(transition, &record, ending)
}

/// The job puts nothing at risk any more; a failed part of it costs the provider that part of the bond, for the client.
fn release_bond(transition: &mut Transition<'_>, record: &JobRecord, ending: Ending) -> Applied<Amount> {
    let bond = record.terms.bond;
    if record.payee.is_none() || bond == Amount::ZERO {
        return Ok(Amount::ZERO);
    }
    let key = AgentKey::Agent(record.terms.provider).state();
    let mut provider = agent(transition, record.terms.provider)?;
    provider.at_risk = provider.at_risk.minus(bond).unwrap_or(Amount::ZERO);
    let kept = bond.basis_points(ending.paid());
    let forfeited = bond.minus(kept).expect("a part of a bond").min(provider.bond);
    provider.bond = provider.bond.minus(forfeited).expect("at most the bond");
    transition.view.put(&key, &provider);
    let (from, to) = (Holder::Bond(provider.owner), Holder::Account(record.client));
    supply::shift(transition, from, to, Asset::Open, forfeited, Cause::JobFailed)?;
    Ok(forfeited)
}

/// What came back is no cost of the graph, and the job above may spend it again.
fn give_back(transition: &mut Transition<'_>, record: &JobRecord, back: Amount) -> Applied {
    const COUNTED: &str = "what a job set aside was counted above it";
    let key = AgentKey::Graph(record.root).state();
    let mut graph: GraphRecord = transition.view.get(&key)?.expect("every job is in a graph");
    graph.cost = graph.cost.minus(back).expect(COUNTED);
    transition.view.put(&key, &graph);
    if let Some(above) = record.terms.parent {
        let mut parent = job(transition, above)?;
        parent.cost_of_parts = parent.cost_of_parts.minus(back).expect(COUNTED);
        put_job(transition, above, &parent);
    }
    Ok(())
}

/// Evidence: a missed job speaks for itself; a decision counts when whoever decided belongs to neither side.
fn note(transition: &mut Transition<'_>, record: &JobRecord, ending: Ending) -> Applied {
    let (Some(payee), client) = (record.payee, record.client) else { return Ok(()) };
    let quarters = match ending {
        Ending::Nothing | Ending::Silence => return Ok(()),
        Ending::Missed => DECIDED,
        Ending::Decided { quarters, .. } => {
            let judge = accounts::cluster_of(transition, record.terms.evaluator)?;
            let sides = [accounts::cluster_of(transition, payee)?, accounts::cluster_of(transition, client)?];
            if sides.contains(&judge) {
                return Ok(());
            }
            quarters
        }
    };
    let weight = reputation::weight(record.terms.price, quarters, &transition.parameters.reputation);
    let whole = Amount(u64::from(weight));
    let good = u32::try_from(whole.basis_points(ending.paid()).0).unwrap_or(weight);
    let evidence = Evidence { good, bad: weight.saturating_sub(good), counterparty: Some(client) };
    reputation::record(transition, payee, &Domain::Agent, evidence)
}
