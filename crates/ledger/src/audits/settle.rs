//! What a ruling that nobody can challenge any more means for provider, gateway and consumer.

use openledger_types::audits::{AuditRecord, Ruling, Status, SubjectRecord, Verdict};
use openledger_types::record::Role;
use openledger_types::{AccountId, Amount, AuditEvent, AuditId, Event, Rejection};

use super::verdicts::audit_record;
use super::{AuditKey, penalty};
use crate::bonds::Bonded;
use crate::escrow::{self, Loss};
use crate::execute::Transition;
use crate::reputation::{self, Evidence};
use crate::settlement;
use crate::state::{Applied, StateKey};

pub(super) fn keys(audit: AuditId, provider: AccountId, consumer: AccountId) -> Vec<StateKey> {
    let gateway = audit.gateway;
    let holds = [(provider, Role::Provider), (gateway, Role::Gateway)];
    let mut keys = penalty::keys(provider, Role::Provider);
    keys.extend(penalty::keys(gateway, Role::Gateway));
    for (subject, role) in [(provider, Role::Provider), (gateway, Role::Gateway)] {
        keys.extend(reputation::keys_of_pair(subject, &penalty::domain(role), consumer));
    }
    keys.extend([
        AuditKey::Audit(audit).state(),
        AuditKey::Subject(provider).state(),
        StateKey::Account(consumer),
        StateKey::Batch(gateway, audit.batch),
    ]);
    keys.extend(holds.map(|(subject, role)| escrow::key_of_hold(subject, role)));
    keys
}

/// The ruling, once it cannot be challenged any more.
pub(super) fn final_ruling(
    transition: &Transition<'_>,
    record: &AuditRecord,
) -> Result<(Ruling, bool), Rejection> {
    match record.status {
        Status::Ruled { until, .. } if transition.epoch() <= until => Err(Rejection::ChallengeOpen),
        Status::Ruled { ruling, established, .. } => Ok((ruling, established)),
        Status::Sitting | Status::Drawing { .. } => Err(Rejection::AuditNotRuled),
    }
}

/// Who answers for a ruling, and what it costs; nothing for a ruling that costs nobody anything.
fn consequence(
    transition: &mut Transition<'_>,
    record: &AuditRecord,
    audit: AuditId,
    ruling: Ruling,
) -> Applied<Option<(AccountId, Role, Loss)>> {
    let Some((role, place)) = penalty::blamed(ruling) else {
        return Ok(None);
    };
    let subject = if role == Role::Gateway { audit.gateway } else { record.opening.provider };
    let proven = matches!(ruling, Ruling::Faulty(_));
    let reporter = record.reporter.filter(|_| proven).map(|(reporter, _)| (reporter, record.fee));
    let refund = Some((record.opening.consumer, penalty::refund(record, ruling)));
    // What was not proven is nobody's debt.
    let insured = Some(if proven { penalty::insured(record) } else { Amount::ZERO });
    let mut loss = Loss { refund, reporter, insured, ..Loss::default() };
    let mut needed = escrow::keys_of_forfeit(subject, role, &loss);
    needed.extend(escrow::keys_of_held(transition, subject, role)?);
    needed.extend(record.parties.map(|cluster| AuditKey::Cluster(cluster).state()));
    let known = settlement::keys_refunded(transition, audit)?;
    needed.extend(known);
    transition.view.need(needed)?;
    loss.refund = settlement::left_to_refund(transition, audit, loss.refund)?;
    loss.penalty = penalty::of_ruling(transition, record, ruling);
    if proven {
        let cluster = record.parties.get(place).copied().unwrap_or(subject);
        let key = AuditKey::Cluster(cluster).state();
        let cluster = transition.view.get::<SubjectRecord>(&key)?.unwrap_or_default();
        let waiting = escrow::unbonding(transition, subject, role)?;
        let stake = Bonded::read(transition, subject, role)?.amount().plus(waiting);
        let stake = stake.ok_or(Rejection::AmountOverflow)?;
        loss.penalty = loss.penalty.max(penalty::correlated(transition, stake, &cluster));
    }
    Ok(Some((subject, role, loss)))
}

/// Draws the consequences, once.
pub(super) fn subject(
    transition: &mut Transition<'_>,
    audit: AuditId,
    provider: AccountId,
    consumer: AccountId,
) -> Applied {
    let mut record = audit_record(transition, audit)?;
    if (provider, consumer) != (record.opening.provider, record.opening.consumer) {
        return Err(Rejection::PartiesWrong.into());
    }
    if record.settled {
        return Err(Rejection::AuditSettled.into());
    }
    let (ruling, _) = final_ruling(transition, &record)?;
    let slashes = matches!(ruling, Ruling::Faulty(_) | Ruling::PlantFalse);
    if slashes {
        penalty::check_running(transition)?;
    }
    // Both ask for what they miss before either stops, so that one round of loading brings it.
    let mut found = Vec::from(record.parties.map(|cluster| AuditKey::Cluster(cluster).state()));
    for (subject, role) in [(provider, Role::Provider), (audit.gateway, Role::Gateway)] {
        found.extend(reputation::keys_found(transition, subject, &penalty::domain(role), Some(consumer))?);
    }
    let found = transition.view.need(found);
    let consequence = consequence(transition, &record, audit, ruling)?;
    found?;
    let at_fault = consequence.as_ref().map(|(_, role, _)| *role);
    if let Some((subject, role, loss)) = consequence {
        judge(transition, &record, (subject, role), ruling)?;
        let forfeited = escrow::forfeit(transition, subject, role, &loss)?;
        settlement::count_refunded(
            transition,
            audit,
            (record.opening.consumer, record.opening.charged),
            &forfeited,
        )?;
    } else if ruling == Ruling::Passed && was_checked(&record) {
        vindicate(transition, &record, audit)?;
    }
    let faulty = |role| matches!(ruling, Ruling::Faulty(_)) && at_fault == Some(role);
    count(transition, AuditKey::Subject(provider).state(), faulty(Role::Provider))?;
    let [provider_cluster, gateway_cluster, _] = record.parties;
    count(transition, AuditKey::Cluster(provider_cluster).state(), faulty(Role::Provider))?;
    count(transition, AuditKey::Cluster(gateway_cluster).state(), faulty(Role::Gateway))?;
    record.settled = true;
    lift(transition, &record, audit, ruling)?;
    transition.emit(Event::Audits(AuditEvent::SubjectSettled { audit, ruling }));
    close(transition, audit, record)
}

/// Nothing is held for this audit any more.
fn lift(transition: &mut Transition<'_>, record: &AuditRecord, audit: AuditId, ruling: Ruling) -> Applied {
    let risk = penalty::at_risk(transition, record);
    let held = [(record.opening.provider, Role::Provider), (audit.gateway, Role::Gateway)];
    for ((subject, role), risk) in held.into_iter().zip(risk) {
        escrow::lift(transition, (subject, role, record.epoch), risk)?;
        if penalty::accuses(ruling) == Some(role) {
            escrow::accuse(transition, subject, role, false)?;
        }
    }
    Ok(())
}

/// Whether anybody looked at it and found it good.
fn was_checked(record: &AuditRecord) -> bool {
    let mut seats = record.rounds.iter().flat_map(|round| round.seats.iter());
    seats.any(|seat| seat.verdict == Some(Verdict::Pass))
}

/// Bad evidence; a proven fault by the provider or the gateway is fraud.
fn judge(
    transition: &mut Transition<'_>,
    record: &AuditRecord,
    (subject, role): (AccountId, Role),
    ruling: Ruling,
) -> Applied {
    let domain = penalty::domain(role);
    if matches!(ruling, Ruling::Faulty(_)) {
        return reputation::mark_fraud(transition, subject, &domain);
    }
    let bad = reputation::weight(record.opening.charged, 4, &transition.parameters.reputation);
    let bad = if ruling == Ruling::PlantFalse { penalty::UNIT } else { bad };
    let counterparty = (ruling != Ruling::PlantFalse).then_some(record.opening.consumer);
    reputation::record(transition, subject, &domain, Evidence { good: 0, bad, counterparty })
}

/// Good evidence for provider and gateway, and what was paid for this and the receipts that it stands for needs no
/// collateral any more.
fn vindicate(transition: &mut Transition<'_>, record: &AuditRecord, audit: AuditId) -> Applied {
    let opening = &record.opening;
    let good = reputation::weight(opening.charged, 4, &transition.parameters.reputation);
    let evidence = Evidence { good, bad: 0, counterparty: Some(opening.consumer) };
    let [of_provider, of_gateway] = record.covers;
    let subjects =
        [(opening.provider, Role::Provider, of_provider), (audit.gateway, Role::Gateway, of_gateway)];
    for (subject, role, amount) in subjects {
        reputation::record(transition, subject, &penalty::domain(role), evidence)?;
        escrow::cover(transition, subject, role, amount)?;
    }
    Ok(())
}

/// Counts an audit in the window of a provider or a cluster.
pub(super) fn count(transition: &mut Transition<'_>, key: StateKey, faulty: bool) -> Applied {
    let (now, window) = (transition.epoch(), transition.parameters.audits.fault_epochs);
    let mut subject = transition.view.get::<SubjectRecord>(&key)?.unwrap_or_default();
    if now.saturating_sub(subject.since) >= window {
        subject = SubjectRecord { since: now, audited: 0, faults: 0, ..subject };
    }
    subject.audited = subject.audited.saturating_add(1);
    subject.faults = subject.faults.saturating_add(u32::from(faulty));
    transition.view.put(&key, &subject);
    Ok(())
}

/// Writes the audit back, or removes it when everybody is settled.
pub(super) fn close(transition: &mut Transition<'_>, audit: AuditId, record: AuditRecord) -> Applied {
    let key = AuditKey::Audit(audit).state();
    let mut seats = record.rounds.iter().flat_map(|round| round.seats.iter());
    if !record.settled || seats.any(|seat| !seat.settled) {
        transition.view.put(&key, &record);
        return Ok(());
    }
    assert!(record.held == Amount::ZERO, "every fee of an audit is paid or given back");
    transition.view.remove(&key);
    Ok(())
}
