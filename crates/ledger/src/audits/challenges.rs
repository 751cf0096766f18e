//! Challenges, appeals and secret reports: anyone who stakes money gets a ruling checked by a larger panel.

use openledger_types::audits::{
    AuditRecord, Challenge, ReportRecord, Ruling, Stage, Status, Verdict, report_commitment,
};
use openledger_types::record::Pool;
use openledger_types::{
    AccountId, Amount, Asset, AuditEvent, AuditId, Cause, Event, Hash, Holder, Rejection,
};

use super::verdicts::audit_record;
use super::{AuditKey, tally};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply;

pub(super) fn keys_of_challenge(audit: AuditId) -> Vec<StateKey> {
    vec![AuditKey::Audit(audit).state()]
}

/// How many check a ruling that is challenged: the next larger panel.
fn next_size(transition: &Transition<'_>, record: &AuditRecord) -> Option<u8> {
    let parameters = &transition.parameters.audits;
    let panels = record.rounds.iter().filter_map(|round| match round.stage {
        Stage::Panel(size) => Some(u64::from(size)),
        Stage::First | Stage::Second => None,
    });
    let next = match panels.max() {
        None => parameters.panel,
        Some(last) if last < parameters.committee => parameters.committee,
        Some(last) => last.saturating_mul(2).saturating_add(1),
    };
    (next <= parameters.committee_max).then(|| tally::size(next))
}

/// What a challenge stakes: the base doubles with each appeal, and it always covers what its checks pay.
fn bond(transition: &Transition<'_>, record: &AuditRecord, size: u8) -> Applied<Amount> {
    let appeals = record.rounds.iter().filter(|round| matches!(round.stage, Stage::Panel(_))).count();
    let factor = u32::try_from(appeals).ok().and_then(|appeals| 1u64.checked_shl(appeals)).unwrap_or(1);
    let base = transition.parameters.audits.challenge_bond.fraction(factor, 1);
    let checks = record.fee.fraction(u64::from(size), 1);
    Ok(base.zip(checks).map(|(base, checks)| base.max(checks)).ok_or(Rejection::AmountOverflow)?)
}

/// Challenges a ruling with money from the balance.
pub(super) fn challenge(transition: &mut Transition<'_>, audit: AuditId, claim: Verdict) -> Applied {
    oppose(transition, audit, claim, None)
}

fn oppose(
    transition: &mut Transition<'_>,
    audit: AuditId,
    claim: Verdict,
    report: Option<ReportRecord>,
) -> Applied {
    let (challenger, now) = (transition.sender, transition.epoch());
    let mut record = audit_record(transition, audit)?;
    let Status::Ruled { ruling, established, until } = record.status else {
        return Err(Rejection::AuditNotRuled.into());
    };
    if now > until {
        return Err(Rejection::ChallengeTooLate.into());
    }
    if tally::agrees(ruling, claim) {
        return Err(Rejection::ClaimSame.into());
    }
    let size = next_size(transition, &record).ok_or(Rejection::ChallengeLast)?;
    let (secret, held) = report.map_or((false, Amount::ZERO), |report| (true, report.bond));
    let bond = bond(transition, &record, size)?.max(held);
    let more = bond.minus(held).expect("a bond is at least what is held for it");
    let from = Holder::Account(challenger);
    supply::shift(transition, from, Holder::Custody, Asset::Credit, more, Cause::ChallengePosted)?;
    record.status = Status::Drawing { size, after: now };
    record.challenge =
        Some(Challenge { challenger, bond, advanced: Amount::ZERO, claim, ruling, established, secret });
    transition.view.put(&AuditKey::Audit(audit).state(), &record);
    let event = AuditEvent::AuditChallenged { audit, challenger, bond, claim, secret };
    transition.emit(Event::Audits(event));
    Ok(())
}

/// The ruling that holds while the last round adds nothing.
pub(super) fn ruling_before(record: &AuditRecord) -> (Ruling, bool) {
    let before = record.challenge.as_ref().map(|challenge| (challenge.ruling, challenge.established));
    before.unwrap_or((Ruling::Passed, false))
}

/// Ends a challenge: the bond comes back unless the panel said that it was wrong, and so does what it paid in advance.
pub(super) fn decide(
    transition: &mut Transition<'_>,
    record: &mut AuditRecord,
    audit: AuditId,
    ruling: Ruling,
) -> Applied {
    let Some(Challenge { challenger, bond, advanced, claim, secret, .. }) = record.challenge.take() else {
        return Ok(());
    };
    let upheld = tally::agrees(ruling, claim);
    let last = record.rounds.last();
    let spoke = last.is_some_and(|round| round.seats.iter().any(|seat| seat.verdict.is_some()));
    let (to, cause) = if upheld || !spoke {
        (Holder::Account(challenger), Cause::ChallengeReturned)
    } else {
        (Holder::Pool(Pool::Verification), Cause::ChallengeLost)
    };
    if upheld || !spoke {
        let fund = Holder::Pool(Pool::Verification);
        let repaid = advanced.min(transition.view.pool(&Pool::Verification)?);
        supply::shift(transition, fund, to.clone(), Asset::Credit, repaid, cause)?;
    }
    supply::shift(transition, Holder::Custody, to, Asset::Credit, bond, cause)?;
    if upheld {
        record.reporter = (claim != Verdict::Pass).then_some((challenger, secret));
    }
    transition.emit(Event::Audits(AuditEvent::ChallengeDecided { audit, challenger, upheld }));
    Ok(())
}

pub(super) fn keys_of_report(reporter: AccountId, commitment: Hash) -> Vec<StateKey> {
    vec![AuditKey::Report(reporter, commitment).state()]
}

/// Commits to a report that nobody can read.
pub(super) fn report(transition: &mut Transition<'_>, commitment: Hash) -> Applied {
    let (reporter, epoch) = (transition.sender, transition.epoch());
    let key = AuditKey::Report(reporter, commitment).state();
    if transition.view.get::<ReportRecord>(&key)?.is_some() {
        return Err(Rejection::ReportExists.into());
    }
    let bond = transition.parameters.audits.challenge_bond;
    let from = Holder::Account(reporter);
    supply::shift(transition, from, Holder::Custody, Asset::Credit, bond, Cause::ChallengePosted)?;
    transition.view.put(&key, &ReportRecord { bond, epoch });
    let event = AuditEvent::ReportedSecretly { reporter, commitment, bond };
    transition.emit(Event::Audits(event));
    Ok(())
}

/// A report of the sender that is old enough, taken out of the state.
fn taken(transition: &mut Transition<'_>, commitment: Hash) -> Applied<ReportRecord> {
    let key = AuditKey::Report(transition.sender, commitment).state();
    let report: ReportRecord = transition.view.get(&key)?.ok_or(Rejection::ReportUnknown)?;
    if report.epoch >= transition.epoch() {
        return Err(Rejection::ReportEarly.into());
    }
    transition.view.remove(&key);
    Ok(report)
}

/// Says what was reported. It challenges the ruling with the report's bond.
pub(super) fn reveal(
    transition: &mut Transition<'_>,
    audit: AuditId,
    claim: Verdict,
    salt: &Hash,
) -> Applied {
    let commitment = report_commitment(&transition.sender, &audit, &claim, salt);
    let report = taken(transition, commitment)?;
    oppose(transition, audit, claim, Some(report))
}

/// Takes the bond of a report back that was not revealed.
pub(super) fn withdraw(transition: &mut Transition<'_>, commitment: Hash) -> Applied {
    let ReportRecord { bond, .. } = taken(transition, commitment)?;
    let reporter = transition.sender;
    let to = Holder::Account(reporter);
    supply::shift(transition, Holder::Custody, to, Asset::Credit, bond, Cause::ChallengeReturned)?;
    transition.emit(Event::Audits(AuditEvent::ReportWithdrawn { reporter, commitment }));
    Ok(())
}
