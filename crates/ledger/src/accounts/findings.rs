//! Links that nobody declared: reported for a bond, challenged for a bond, decided by the committee.
//!
//! A report that nobody challenges in time stands: the accounts are linked. One that stands can be challenged later, and holds
//! until the committee says otherwise. Where the committee is silent, what was before holds and nobody loses a bond.

use openledger_types::accounts::{ChallengeRecord, FindingRecord};
use openledger_types::{
    AccountEvent, AccountId, Amount, Asset, Cause, Event, Hash, Holder, LinkBasis, Rejection,
};

use super::{AccountKey, clusters, links};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply;

pub(crate) fn keys(one: AccountId, other: AccountId) -> Vec<StateKey> {
    let mut keys = links::keys(one, other);
    keys.push(AccountKey::finding(one, other).state());
    keys
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
        challenge: None,
    };
    put(transition, one, other, &record);
    let reported = AccountEvent::LinkReported { one, other, reporter, basis, evidence };
    transition.emit(Event::Accounts(reported));
    Ok(())
}

/// What an audit found by itself: it stands at once, without a bond, and can be challenged like any other.
#[cfg_attr(not(test), allow(dead_code, reason = "audits call it"))]
pub(crate) fn found(
    transition: &mut Transition<'_>,
    one: AccountId,
    other: AccountId,
    basis: LinkBasis,
    evidence: Hash,
) -> Applied {
    let key = AccountKey::finding(one, other).state();
    if one == other || transition.view.get::<FindingRecord>(&key)?.is_some() {
        return Ok(());
    }
    let (reporter, until_epoch) = (transition.sender, transition.epoch());
    let record = FindingRecord {
        reporter,
        basis,
        evidence,
        bond: Amount::ZERO,
        stands: true,
        until_epoch,
        challenge: None,
    };
    put(transition, one, other, &record);
    let reported = AccountEvent::LinkReported { one, other, reporter, basis, evidence };
    transition.emit(Event::Accounts(reported));
    clusters::connect(transition, one, other)?;
    transition.emit(Event::Accounts(AccountEvent::LinkSettled { one, other, stands: true }));
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
    bond(transition, by, parameters.finding_bond)?;
    let until_epoch = epoch.saturating_add(parameters.committee_epochs);
    record.challenge =
        Some(ChallengeRecord { by, bond: parameters.finding_bond, until_epoch, verdict: None });
    put(transition, one, other, &record);
    transition.emit(Event::Accounts(AccountEvent::LinkChallenged { one, other, by }));
    Ok(())
}

/// The committee's answer to a challenge. Audits call it; the rest follows when the report is settled.
#[cfg_attr(not(test), allow(dead_code, reason = "the committee of audits calls it"))]
pub(crate) fn judge(
    transition: &mut Transition<'_>,
    one: AccountId,
    other: AccountId,
    stands: bool,
) -> Applied {
    let mut record = finding(transition, one, other)?;
    let epoch = transition.epoch();
    let challenge = record.challenge.as_mut().filter(|challenge| challenge.verdict.is_none());
    let challenge = challenge.ok_or(Rejection::LinkUnknown)?;
    if epoch > challenge.until_epoch {
        return Err(Rejection::LinkTooLate.into());
    }
    challenge.verdict = Some(stands);
    put(transition, one, other, &record);
    transition.emit(Event::Accounts(AccountEvent::LinkJudged { one, other, stands }));
    Ok(())
}

pub(crate) fn settle(transition: &mut Transition<'_>, one: AccountId, other: AccountId) -> Applied {
    let mut record = finding(transition, one, other)?;
    let challenger = record.challenge.as_ref().map(|challenge| challenge.by);
    let accounts = [Some(record.reporter), challenger].into_iter().flatten().map(StateKey::Account);
    let groups = clusters::keys_of_groups(transition, one, other)?;
    transition.view.need(accounts.chain(groups))?;
    let epoch = transition.epoch();
    let stood = record.stands;
    let stands = match record.challenge.take() {
        None if stood => return Err(Rejection::LinkExists.into()),
        None if epoch > record.until_epoch => true,
        None => return Err(Rejection::LinkTooEarly.into()),
        Some(ChallengeRecord { by, bond, verdict: Some(stands), .. }) => {
            // Whoever was wrong pays whoever was right.
            pay(transition, if stands { record.reporter } else { by }, bond)?;
            if !stands {
                pay(transition, by, record.bond)?;
                record.bond = Amount::ZERO;
            }
            stands
        }
        Some(ChallengeRecord { by, bond, until_epoch, verdict: None }) if epoch > until_epoch => {
            pay(transition, by, bond)?;
            stood
        }
        Some(_) => return Err(Rejection::LinkTooEarly.into()),
    };
    pay(transition, record.reporter, record.bond)?;
    record.bond = Amount::ZERO;
    record.stands = stands;
    match (stood, stands) {
        (false, true) => clusters::connect(transition, one, other)?,
        (true, false) => clusters::disconnect(transition, one, other)?,
        _ => {}
    }
    if stands {
        put(transition, one, other, &record);
    } else {
        transition.view.remove(&AccountKey::finding(one, other).state());
    }
    transition.emit(Event::Accounts(AccountEvent::LinkSettled { one, other, stands }));
    Ok(())
}
