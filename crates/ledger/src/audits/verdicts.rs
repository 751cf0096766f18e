//! Commitments and reveals.

use openledger_types::audits::{AuditRecord, Seat, Status, Verdict, verdict_commitment};
use openledger_types::{AccountId, AuditEvent, AuditId, Event, Hash, Rejection};

use super::{AuditKey, register};
use crate::accounts::{cluster_of, key_of_cluster};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

pub(super) fn keys_of_commit(auditor: AccountId, audit: AuditId) -> Vec<StateKey> {
    vec![AuditKey::Audit(audit).state(), key_of_cluster(auditor)]
}

pub(super) fn audit_record(transition: &mut Transition<'_>, audit: AuditId) -> Applied<AuditRecord> {
    Ok(transition.view.get(&AuditKey::Audit(audit).state())?.ok_or(Rejection::AuditUnknown)?)
}

/// The round that is sitting, as its number, deadlines and the sender's seat.
fn sitting<'a>(
    record: &'a mut AuditRecord,
    auditor: &AccountId,
) -> Result<(u8, (u64, u64), &'a mut Seat), Rejection> {
    if record.status != Status::Sitting {
        return Err(Rejection::SeatUnknown);
    }
    let number = record.rounds.len().saturating_sub(1);
    let round = record.rounds.last_mut().ok_or(Rejection::SeatUnknown)?;
    let deadlines = (round.commit_by, round.reveal_by);
    let seat = round.seats.iter_mut().find(|seat| seat.auditor == *auditor);
    let number = u8::try_from(number).expect("an audit has at most six rounds");
    Ok((number, deadlines, seat.ok_or(Rejection::SeatUnknown)?))
}

/// Takes a commitment. Whoever was linked to a party since the draw cannot sit any more.
pub(super) fn commit(transition: &mut Transition<'_>, audit: AuditId, commitment: Hash) -> Applied {
    let (auditor, now) = (transition.sender, transition.epoch());
    let mut record = audit_record(transition, audit)?;
    let is_party = is_party(transition, &record, audit, auditor)?;
    let (_, (commit_by, _), seat) = sitting(&mut record, &auditor)?;
    if is_party {
        return Err(Rejection::AuditorIsParty.into());
    }
    if now > commit_by {
        return Err(Rejection::CommitTooLate.into());
    }
    if seat.commitment.is_some() {
        return Err(Rejection::VerdictCommitted.into());
    }
    seat.commitment = Some(commitment);
    transition.view.put(&AuditKey::Audit(audit).state(), &record);
    transition.emit(Event::Audits(AuditEvent::VerdictCommitted { audit, auditor, commitment }));
    Ok(())
}

/// Whether the auditor's cluster is that of provider, gateway or consumer by now.
fn is_party(
    transition: &mut Transition<'_>,
    record: &AuditRecord,
    audit: AuditId,
    auditor: AccountId,
) -> Applied<bool> {
    let parties = [record.opening.provider, audit.gateway, record.opening.consumer];
    transition.view.need(parties.map(key_of_cluster))?;
    let cluster = cluster_of(transition, auditor)?;
    for party in parties {
        if cluster_of(transition, party)? == cluster {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn keys_of_reveal(auditor: AccountId, audit: AuditId) -> Vec<StateKey> {
    let mut keys = register::keys(auditor);
    keys.push(AuditKey::Audit(audit).state());
    keys
}

/// Takes a verdict, when nobody can commit to one any more.
pub(super) fn reveal(
    transition: &mut Transition<'_>,
    audit: AuditId,
    verdict: Verdict,
    salt: &Hash,
) -> Applied {
    let (auditor, now) = (transition.sender, transition.epoch());
    let mut record = audit_record(transition, audit)?;
    let (number, (commit_by, reveal_by), seat) = sitting(&mut record, &auditor)?;
    if now <= commit_by {
        return Err(Rejection::RevealEarly.into());
    }
    if now > reveal_by {
        return Err(Rejection::RevealTooLate.into());
    }
    let promised = verdict_commitment(&audit, number, &auditor, &verdict, salt);
    if seat.verdict.is_some() || seat.commitment != Some(promised) {
        return Err(Rejection::VerdictWrong.into());
    }
    seat.verdict = Some(verdict);
    transition.view.put(&AuditKey::Audit(audit).state(), &record);
    transition.emit(Event::Audits(AuditEvent::VerdictRevealed { audit, auditor, verdict }));
    register::refresh(transition, auditor, false)
}
