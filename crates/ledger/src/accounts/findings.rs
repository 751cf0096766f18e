//! Links that nobody declared: reported for a bond, challenged for a bond, judged by a panel of jurors.
//!
//! A report that nobody challenges in time stands: the accounts are linked, and the reporter's bond stays at risk for the unbonding
//! time, so that whoever was not there to object still has somebody to win it from. Whatever stands can be challenged, and holds
//! while it is judged. The panel is drawn like those of datanets, without the clusters of the four who have a part. Whoever was
//! wrong pays the jurors and whoever was right. In doubt, and where too few judge, nobody is linked who was not found to be by
//! a panel before, and nobody loses more than the jurors' fees. Each time that a panel upholds a report, the next challenge
//! costs twice as much, so a link cannot be challenged until a panel errs. Where two clusters are too large to be one, nobody is
//! linked, whoever was right.

use openledger_types::accounts::{ChallengeRecord, FindingRecord};
use openledger_types::{
    AccountEvent, AccountId, Amount, Asset, Cause, Event, Hash, Holder, LinkBasis, Rejection,
};

use super::{AccountKey, clusters, links};
use crate::datanets::{self, Panel};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply;

pub(crate) fn keys(one: AccountId, other: AccountId) -> Vec<StateKey> {
    let mut keys = links::keys(one, other);
    keys.extend([AccountKey::finding(one, other).state(), datanets::key_of_jurors()]);
    keys
}

pub(crate) fn keys_of_judging(
    juror: AccountId,
    (one, other): (AccountId, AccountId),
    beacon: u64,
) -> Vec<StateKey> {
    vec![
        AccountKey::finding(one, other).state(),
        datanets::juror_key(juror),
        clusters::key_of_cluster(juror),
        StateKey::Beacon(beacon),
    ]
}

fn finding(transition: &mut Transition<'_>, one: AccountId, other: AccountId) -> Applied<FindingRecord> {
    let key = AccountKey::finding(one, other).state();
    Ok(transition.view.get(&key)?.ok_or(Rejection::LinkUnknown)?)
}

fn put(transition: &mut Transition<'_>, one: AccountId, other: AccountId, record: &FindingRecord) {
    transition.view.put(&AccountKey::finding(one, other).state(), record);
}

fn bond(transition: &mut Transition<'_>, from: AccountId, amount: Amount) -> Applied {
    let from = Holder::Account(from);
    supply::shift(transition, from, Holder::Custody, Asset::Open, amount, Cause::LinkBonded)
}

fn pay(transition: &mut Transition<'_>, to: AccountId, amount: Amount) -> Applied {
    let to = Holder::Account(to);
    supply::shift(transition, Holder::Custody, to, Asset::Open, amount, Cause::LinkBonded)
}

pub(crate) fn report(
    transition: &mut Transition<'_>,
    one: AccountId,
    other: AccountId,
    basis: LinkBasis,
    evidence: Hash,
) -> Applied {
    if one == other {
        return Err(Rejection::LinkToSelf.into());
    }
    if transition.view.get::<FindingRecord>(&AccountKey::finding(one, other).state())?.is_some() {
        return Err(Rejection::LinkExists.into());
    }
    let (reporter, parameters) = (transition.sender, transition.parameters.accounts);
    bond(transition, reporter, parameters.finding_bond)?;
    let record = FindingRecord {
        reporter,
        basis,
        evidence,
        bond: parameters.finding_bond,
        stands: false,
        until_epoch: transition.epoch().saturating_add(parameters.challenge_epochs),
        upheld: 0,
        challenge: None,
    };
    put(transition, one, other, &record);
    let reported = AccountEvent::LinkReported { one, other, reporter, basis, evidence };
    transition.emit(Event::Accounts(reported));
    Ok(())
}

pub(crate) fn challenge(transition: &mut Transition<'_>, one: AccountId, other: AccountId) -> Applied {
    let mut record = finding(transition, one, other)?;
    if record.challenge.is_some() {
        return Err(Rejection::LinkBusy.into());
    }
    let (by, epoch, parameters) = (transition.sender, transition.epoch(), transition.parameters.accounts);
    if !record.stands && epoch > record.until_epoch {
        return Err(Rejection::LinkTooLate.into());
    }
    let stake = 1u64.checked_shl(record.upheld).and_then(|times| parameters.finding_bond.fraction(times, 1));
    let stake = stake.ok_or(Rejection::AmountOverflow)?;
    bond(transition, by, stake)?;
    record.challenge = Some(ChallengeRecord {
        by,
        bond: stake,
        epoch,
        until_epoch: epoch.saturating_add(parameters.committee_epochs),
        jurors: datanets::jurors(transition)?,
        votes: Vec::new(),
    });
    put(transition, one, other, &record);
    transition.emit(Event::Accounts(AccountEvent::LinkChallenged { one, other, by }));
    Ok(())
}

/// A juror who was drawn judges a challenged report.
pub(crate) fn judge(
    transition: &mut Transition<'_>,
    (one, other): (AccountId, AccountId),
    beacon: u64,
    stands: bool,
) -> Applied {
    let mut record = finding(transition, one, other)?;
    let challenge = record.challenge.as_mut().ok_or(Rejection::NoPanel)?;
    let panel = Panel {
        epoch: challenge.epoch,
        drawn_after: challenge.epoch,
        until_epoch: challenge.until_epoch,
        jurors: challenge.jurors,
        excluded: &[one, other, record.reporter, challenge.by],
        votes: &challenge.votes,
    };
    datanets::sit(transition, &("link", one.min(other), one.max(other)), beacon, &panel)?;
    let juror = transition.sender;
    challenge.votes.push((juror, stands));
    put(transition, one, other, &record);
    transition.emit(Event::Accounts(AccountEvent::LinkJudged { one, other, juror, stands }));
    Ok(())
}

pub(crate) fn settle(transition: &mut Transition<'_>, one: AccountId, other: AccountId) -> Applied {
    let mut record = finding(transition, one, other)?;
    let challenge = record.challenge.take();
    let judges = challenge
        .iter()
        .flat_map(|challenge| challenge.votes.iter().map(|(juror, _)| *juror).chain([challenge.by]));
    let accounts: Vec<StateKey> = judges.chain([record.reporter]).map(StateKey::Account).collect();
    let groups = clusters::keys_of_groups(transition, one, other)?;
    transition.view.need(accounts.into_iter().chain(groups))?;
    let (epoch, stood) = (transition.epoch(), record.stands);
    if epoch <= challenge.as_ref().map_or(record.until_epoch, |challenge| challenge.until_epoch) {
        return Err(Rejection::LinkTooEarly.into());
    }
    match challenge {
        None if stood && record.bond == Amount::ZERO => return Err(Rejection::LinkExists.into()),
        None if stood => give_back(transition, &mut record)?,
        None => {
            record.stands = true;
            record.until_epoch = epoch.saturating_add(transition.parameters.unbonding_epochs);
        }
        Some(challenge) => decide(transition, &mut record, &challenge)?,
    }
    // Two clusters that cannot be one stay apart, and nobody's bond waits for that to change.
    if record.stands && !stood && !clusters::can_connect(transition, one, other)? {
        record.stands = false;
        give_back(transition, &mut record)?;
    }
    match (stood, record.stands) {
        (false, true) => clusters::connect(transition, one, other)?,
        (true, false) => clusters::disconnect(transition, one, other)?,
        _ => {}
    }
    let stands = record.stands;
    if stands {
        put(transition, one, other, &record);
    } else {
        transition.view.remove(&AccountKey::finding(one, other).state());
    }
    transition.emit(Event::Accounts(AccountEvent::LinkSettled { one, other, stands }));
    Ok(())
}

fn give_back(transition: &mut Transition<'_>, record: &mut FindingRecord) -> Applied {
    pay(transition, record.reporter, std::mem::take(&mut record.bond))
}

/// What the panel said, and who pays for it. Both bonds are gone after that.
fn decide(
    transition: &mut Transition<'_>,
    record: &mut FindingRecord,
    challenge: &ChallengeRecord,
) -> Applied {
    let votes = datanets::counted(&challenge.votes, transition.parameters.datanets.panel_quorum);
    let upheld = votes.map(|(yes, no)| yes > no);
    record.stands = upheld.unwrap_or(record.upheld > 0);
    if upheld == Some(true) {
        record.upheld = record.upheld.saturating_add(1);
    }
    let (mut reported, mut challenged) = (std::mem::take(&mut record.bond), challenge.bond);
    // A reporter who has its bond back has nothing to pay with.
    let loser =
        if upheld == Some(false) && reported > Amount::ZERO { &mut reported } else { &mut challenged };
    *loser = datanets::pay_jurors(transition, &Holder::Custody, *loser, &challenge.votes)?;
    let (reporter, challenger) = match upheld {
        Some(true) => (reported.plus(challenged), Some(Amount::ZERO)),
        Some(false) => (Some(Amount::ZERO), reported.plus(challenged)),
        None => (Some(reported), Some(challenged)),
    };
    let (reporter, challenger) = reporter.zip(challenger).ok_or(Rejection::AmountOverflow)?;
    pay(transition, record.reporter, reporter)?;
    pay(transition, challenge.by, challenger)
}
