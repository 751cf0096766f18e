//! Contested decisions about jobs: jurors choose between what the evaluator decided and what is said against it.
//!
//! Two numbers and no third: whoever contests gains by naming what the work is worth, and loses by asking for more. The other side
//! may answer with a number of its own, which takes the place of the decision: otherwise whoever is close to the evaluator would
//! contest first, leave the jurors two bad numbers, and shut the other side out. Votes are in the open and their fee is fixed, so
//! nobody is paid for agreeing.

use openledger_types::agents::{AgentEvent, Answer, Contest, JobId, JobRecord, JobState};
use openledger_types::record::Pool;
use openledger_types::{AccountId, Asset, BasisPoints, Cause, Event, Holder, Rejection};

use super::closing::{DECIDED, Ending, RESOLVED};
use super::jobs::in_time;
use super::key::{agent, job, put_job};
use crate::datanets::{self, Panel};
use crate::execute::Transition;
use crate::state::Applied;
use crate::supply;

/// Calls a panel, or answers the other side that called one. Each side once, for a bond.
pub(super) fn contest(transition: &mut Transition<'_>, id: JobId, worth: BasisPoints) -> Applied {
    let mut record = job(transition, id)?;
    let by = transition.sender;
    check_party(&record, by)?;
    let agents = transition.parameters.agents;
    let (paid, contest, until_epoch) = match record.state.clone() {
        JobState::Decided { paid, until_epoch } => {
            in_time(transition, until_epoch)?;
            check_worth(&record, by, worth, paid)?;
            let (epoch, bond, jurors) =
                (transition.epoch(), agents.contest_bond, datanets::jurors(transition)?);
            let answer_until = epoch.saturating_add(agents.contest_epochs);
            let votes = Vec::new();
            let contest = Contest { by, paid: worth, bond, answer: None, answer_until, epoch, jurors, votes };
            (paid, contest, answer_until.saturating_add(agents.committee_epochs))
        }
        JobState::Contested { paid, mut contest, until_epoch } if contest.answer.is_none() => {
            in_time(transition, contest.answer_until)?;
            check_worth(&record, by, worth, paid)?;
            if (worth < paid) == (contest.paid < paid) {
                return Err(Rejection::JobStateWrong.into());
            }
            contest.answer = Some(Answer { by, paid: worth });
            (paid, contest, until_epoch)
        }
        _ => return Err(Rejection::JobStateWrong.into()),
    };
    let bond = contest.bond;
    record.state = JobState::Contested { paid, contest, until_epoch };
    put_job(transition, id, &record);
    let contested = AgentEvent::JobContested { job: id, by, paid: worth, final_in_epoch: until_epoch };
    transition.emit(Event::Agents(contested));
    supply::shift(transition, Holder::Account(by), Holder::Custody, Asset::Open, bond, Cause::JobContested)
}

fn pays(record: &JobRecord, by: AccountId) -> bool {
    by == record.client || by == record.opened_by
}

fn check_party(record: &JobRecord, by: AccountId) -> Applied {
    let party = pays(record, by) || Some(by) == record.payee;
    if party { Ok(()) } else { Err(Rejection::NotJobParty.into()) }
}

/// Nobody contests on behalf of the other side: who pays names less than was decided, who is paid more.
fn check_worth(record: &JobRecord, by: AccountId, worth: BasisPoints, decided: BasisPoints) -> Applied {
    if worth > BasisPoints::WHOLE {
        return Err(Rejection::PaidTooMuch.into());
    }
    let less = pays(record, by) && worth < decided;
    let more = Some(by) == record.payee && worth > decided;
    if less || more { Ok(()) } else { Err(Rejection::ContestInvalid.into()) }
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
        drawn_after: contest.answer_until,
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

/// What the jurors chose. Whoever was wrong pays them and loses the rest of the bond. The evaluator was right whose decision is
/// no farther from what was chosen than from the other number.
pub(super) fn conclude(
    transition: &mut Transition<'_>,
    decided: BasisPoints,
    contest: &Contest,
) -> Applied<Ending> {
    let quorum = transition.parameters.datanets.panel_quorum;
    let right = datanets::counted(&contest.votes, quorum).map(|(yes, no)| yes > no);
    let other = contest.answer.map_or(decided, |answer| answer.paid);
    // Whoever called the panel pays it, unless somebody else was wrong.
    let answered_in_vain = contest.answer.filter(|_| right == Some(true));
    let (payer, winner) = match (answered_in_vain, contest.answer) {
        (Some(answer), _) => (answer.by, Some(contest.by)),
        (None, answer) => (contest.by, answer.map(|answer| answer.by)),
    };
    let left = datanets::pay_jurors(transition, &Holder::Custody, contest.bond, &contest.votes)?;
    let vain = right == Some(false) || answered_in_vain.is_some();
    let (to, cause) = if vain {
        (Holder::Pool(Pool::Slashed), Cause::Slashed)
    } else {
        (Holder::Account(payer), Cause::JobContested)
    };
    supply::shift(transition, Holder::Custody, to, Asset::Open, left, cause)?;
    if let Some(winner) = winner {
        let to = Holder::Account(winner);
        supply::shift(transition, Holder::Custody, to, Asset::Open, contest.bond, Cause::JobContested)?;
    }
    let chosen = |paid: BasisPoints, not: BasisPoints| Ending::Decided {
        paid,
        evaluator_right: decided.0.abs_diff(paid.0) <= decided.0.abs_diff(not.0),
        quarters: RESOLVED,
    };
    Ok(match right {
        Some(true) => chosen(contest.paid, other),
        Some(false) => chosen(other, contest.paid),
        None => Ending::Decided { paid: decided, evaluator_right: true, quarters: DECIDED },
    })
}
