//! Contested decisions about jobs: jurors choose between what the evaluator decided and what is said against it.
//!
//! Two numbers and no third: whoever contests gains by naming what the work is worth, and loses by asking for more. Votes are in the
//! open and their fee is fixed, so nobody is paid for agreeing.

use openledger_types::agents::{AgentEvent, Contest, JobId, JobState};
use openledger_types::record::Pool;
use openledger_types::{Amount, Asset, BasisPoints, Cause, Event, Holder, Rejection};

use super::closing::{DECIDED, Ending, RESOLVED};
use super::jobs::in_time;
use super::key::{agent, job, put_job};
use crate::datanets::{self, Panel};
use crate::execute::Transition;
use crate::state::Applied;
use crate::supply;

/// Calls a panel. Once, for a bond.
pub(super) fn contest(transition: &mut Transition<'_>, id: JobId, worth: BasisPoints) -> Applied {
    let mut record = job(transition, id)?;
    let by = transition.sender;
    if by != record.client && by != record.opened_by && Some(by) != record.payee {
        return Err(Rejection::NotJobParty.into());
    }
    let JobState::Decided { paid, until_epoch } = record.state else {
        return Err(Rejection::JobStateWrong.into());
    };
    in_time(transition, until_epoch)?;
    if worth > BasisPoints::WHOLE {
        return Err(Rejection::PaidTooMuch.into());
    }
    let (epoch, bond) = (transition.epoch(), transition.parameters.agents.contest_bond);
    let until_epoch = epoch.saturating_add(transition.parameters.agents.committee_epochs);
    let jurors = datanets::jurors(transition)?;
    let contest = Contest { by, paid: worth, bond, epoch, jurors, votes: Vec::new() };
    record.state = JobState::Contested { paid, contest, until_epoch };
    put_job(transition, id, &record);
    let contested = AgentEvent::JobContested { job: id, by, paid: worth, final_in_epoch: until_epoch };
    transition.emit(Event::Agents(contested));
    supply::shift(transition, Holder::Account(by), Holder::Custody, Asset::Open, bond, Cause::JobContested)
}

/// A juror who was drawn says who is right.
pub(super) fn judge(transition: &mut Transition<'_>, id: JobId, beacon: u64, contested: bool) -> Applied {
    let mut record = job(transition, id)?;
    let owner = agent(transition, record.terms.provider)?.owner;
    let mut parties = vec![record.client, record.opened_by, record.terms.evaluator, owner];
    parties.extend(record.payee);
    let JobState::Contested { contest, until_epoch, .. } = &mut record.state else {
        return Err(Rejection::JobStateWrong.into());
    };
    let panel = Panel {
        epoch: contest.epoch,
        until_epoch: *until_epoch,
        jurors: contest.jurors,
        excluded: &parties,
        votes: &contest.votes,
    };
    datanets::sit(transition, &("job", id), beacon, &panel)?;
    let juror = transition.sender;
    contest.votes.push((juror, contested));
    put_job(transition, id, &record);
    transition.emit(Event::Agents(AgentEvent::JobJudged { job: id, juror, contested }));
    Ok(())
}

/// What the jurors chose. They are paid out of the bond; the rest of it comes back unless it was staked in vain.
pub(super) fn conclude(
    transition: &mut Transition<'_>,
    paid: BasisPoints,
    contest: &Contest,
) -> Applied<Ending> {
    let rules = transition.parameters.datanets;
    let votes = datanets::counted(&contest.votes, rules.panel_quorum);
    let right = votes.map(|(yes, no)| yes > no);
    let mut left = contest.bond;
    for (juror, _) in &contest.votes {
        let fee: Amount = rules.juror_fee.min(left);
        left = left.minus(fee).expect("the fee is at most what is left");
        let to = Holder::Account(*juror);
        supply::shift(transition, Holder::Custody, to, Asset::Open, fee, Cause::JurorFee)?;
    }
    let (to, cause) = if right == Some(false) {
        (Holder::Pool(Pool::Slashed), Cause::Slashed)
    } else {
        (Holder::Account(contest.by), Cause::JobContested)
    };
    supply::shift(transition, Holder::Custody, to, Asset::Open, left, cause)?;
    Ok(match right {
        Some(true) => Ending::Decided { paid: contest.paid, evaluator_right: false, quarters: RESOLVED },
        Some(false) => Ending::Decided { paid, evaluator_right: true, quarters: RESOLVED },
        None => Ending::Decided { paid, evaluator_right: true, quarters: DECIDED },
    })
}
