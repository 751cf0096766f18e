//! What faults cost. Everything goes through [`crate::escrow::forfeit`]; here is how much, and whether slashing pauses.

use openledger_types::audits::{BreakerRecord, SubjectRecord};
use openledger_types::record::Role;
use openledger_types::{AccountId, Amount, AuditEvent, Domain, Event, Rejection, UNITS_PER_WHOLE};

use super::AuditKey;
use crate::escrow::{self, Loss};
use crate::execute::Transition;
use crate::reputation::{self, Evidence};
use crate::state::{Applied, StateKey};

/// One unit of evidence.
pub(super) const UNIT: u32 = 1 << 16;

/// The domain in which a role is trusted.
pub(super) fn domain(role: Role) -> Domain {
    match role {
        Role::Gateway => Domain::Routing,
        Role::Auditor => Domain::Auditing,
        _ => Domain::Serving,
    }
}

/// What a penalty reads and that follows from the subject alone.
pub(super) fn keys(subject: AccountId, role: Role) -> Vec<StateKey> {
    let mut keys = escrow::keys_of_forfeit(subject, role, &Loss::default());
    keys.extend(reputation::keys(subject, &domain(role)));
    keys.push(AuditKey::Breaker.state());
    keys
}

/// The penalty for a fault in jobs of this share.
pub(super) fn job(transition: &Transition<'_>, share: Amount) -> Applied<Amount> {
    multiple(share, transition.parameters.audits.job_slash)
}

/// The penalty for a check that was not done.
pub(super) fn check(transition: &Transition<'_>, fee: Amount) -> Applied<Amount> {
    multiple(fee, transition.parameters.audits.auditor_slash)
}

fn multiple(amount: Amount, factor: u64) -> Applied<Amount> {
    Ok(amount.fraction(factor, 1).ok_or(Rejection::AmountOverflow)?)
}

/// The least penalty when a cluster fails often: the part of the stake that is its fault rate, `correlation` times. The
/// fault at hand does not count, so a single one is never correlated.
pub(super) fn correlated(transition: &Transition<'_>, stake: Amount, cluster: &SubjectRecord) -> Amount {
    let parameters = &transition.parameters.audits;
    let recent = transition.epoch().saturating_sub(cluster.since) < parameters.fault_epochs;
    let faults = if recent { u64::from(cluster.faults) } else { 0 };
    let audits = u64::from(cluster.audited).max(parameters.correlation_audits).max(1);
    let part = faults.saturating_mul(parameters.correlation).min(audits);
    let worth = stake.fraction(transition.parameters.collateral_per_open.0, UNITS_PER_WHOLE);
    worth.and_then(|worth| worth.fraction(part, audits)).unwrap_or(Amount::ZERO)
}

/// Refuses to slash while too many audits fail: a mistake of the network is likelier then than fraud. Nothing moves; what is
/// pending stays pending.
pub(super) fn check_running(transition: &mut Transition<'_>) -> Applied {
    let breaker: BreakerRecord = transition.view.get(&AuditKey::Breaker.state())?.unwrap_or_default();
    if transition.epoch() < breaker.paused_until { Err(Rejection::SlashingPaused.into()) } else { Ok(()) }
}

/// Counts a ruling, and pauses slashing when too many of the epoch's are faults.
pub(super) fn count_ruling(transition: &mut Transition<'_>, faulty: bool) -> Applied {
    let (key, now) = (AuditKey::Breaker.state(), transition.epoch());
    let parameters = transition.parameters.audits;
    let mut breaker: BreakerRecord = transition.view.get(&key)?.unwrap_or_default();
    if breaker.epoch != now {
        breaker = BreakerRecord { epoch: now, ruled: 0, faulty: 0, paused_until: breaker.paused_until };
    }
    breaker.ruled = breaker.ruled.saturating_add(1);
    breaker.faulty = breaker.faulty.saturating_add(u32::from(faulty));
    let most = Amount(u64::from(breaker.ruled)).fraction(u64::from(parameters.breaker.0), 10_000);
    let many = u64::from(breaker.ruled) >= parameters.breaker_rulings;
    if many && most.is_some_and(|most| u64::from(breaker.faulty) > most.0) && now >= breaker.paused_until {
        let until = now.saturating_add(parameters.breaker_epochs);
        breaker.paused_until = until;
        transition.emit(Event::Audits(AuditEvent::SlashingPaused { until }));
    }
    transition.view.put(&key, &breaker);
    Ok(())
}

/// A gateway kept something back that it owes to an audit.
pub(super) fn withheld(transition: &mut Transition<'_>, gateway: AccountId, penalty: Amount) -> Applied {
    check_running(transition)?;
    let loss = Loss { penalty, ..Loss::default() };
    let mut needed = escrow::keys_of_forfeit(gateway, Role::Gateway, &loss);
    needed.extend(escrow::keys_of_held(transition, gateway, Role::Gateway)?);
    needed.extend(reputation::keys_found(transition, gateway, &Domain::Routing, None)?);
    transition.view.need(needed)?;
    let bad = Evidence { good: 0, bad: UNIT, counterparty: None };
    reputation::record(transition, gateway, &Domain::Routing, bad)?;
    escrow::forfeit(transition, gateway, Role::Gateway, &loss)?;
    Ok(())
}
