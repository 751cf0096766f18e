//! What faults cost. Everything goes through [`crate::escrow::forfeit`]; here is how much, and whether slashing pauses.

use openledger_types::audits::{AuditRecord, BreakerRecord, Fault, Ruling, SubjectRecord};
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
pub(super) fn job(transition: &Transition<'_>, share: Amount) -> Amount {
    multiple(share, transition.parameters.audits.job_slash)
}

/// Who answers for a ruling, and the place of its cluster among the parties; nobody for one that costs nobody anything.
pub(super) fn blamed(ruling: Ruling) -> Option<(Role, usize)> {
    let by_gateway = match ruling {
        Ruling::Passed | Ruling::PlantFound | Ruling::PlantMissed => return None,
        Ruling::Faulty(fault) => fault.is_of_gateway(),
        Ruling::Degraded { by_gateway } => by_gateway,
        Ruling::PlantFalse => true,
    };
    Some(if by_gateway { (Role::Gateway, 1) } else { (Role::Provider, 0) })
}

/// Whom a ruling says a fault of.
pub(super) fn accuses(ruling: Ruling) -> Option<Role> {
    blamed(ruling).filter(|_| matches!(ruling, Ruling::Faulty(_))).map(|(role, _)| role)
}

/// What a receipt is taken to have earned its provider. The gateway says how much, but not less than the batch's mean; and where it
/// hid the receipt or lied about it, that may have been all that the batch paid.
fn base(record: &AuditRecord, ruling: Ruling) -> Amount {
    let stated = record.opening.share;
    match ruling {
        Ruling::Faulty(Fault::Receipt) | Ruling::Degraded { by_gateway: true } => stated.max(record.earned),
        _ => stated.max(mean(record.earned, record.receipts)),
    }
}

/// What one receipt of a batch has on average.
pub(super) fn mean(sum: Amount, receipts: u32) -> Amount {
    sum.fraction(1, u64::from(receipts)).unwrap_or(Amount::ZERO)
}

/// What the consumer gets back at most.
pub(super) fn refund(record: &AuditRecord, ruling: Ruling) -> Amount {
    let stated = record.opening.charged;
    match ruling {
        Ruling::PlantFalse => Amount::ZERO,
        Ruling::Faulty(Fault::Receipt) => stated.max(mean(record.charged, record.receipts)),
        _ => stated,
    }
}

/// What the insurance takes for paid, whatever was stated: all audits of a batch together insure no more than the batch charged.
pub(super) fn insured(record: &AuditRecord) -> Amount {
    mean(record.charged, record.receipts)
}

/// What a ruling costs whoever answers for it, apart from correlated faults.
pub(super) fn of_ruling(transition: &Transition<'_>, record: &AuditRecord, ruling: Ruling) -> Amount {
    let base = base(record, ruling);
    match ruling {
        Ruling::PlantFalse => check(transition, record.fee),
        // The gateway handed nothing over, or what nobody could check: as much as for not opening the receipt.
        Ruling::Degraded { by_gateway: true } => job(transition, base).max(record.opening.charged),
        Ruling::Degraded { by_gateway: false } => record.opening.share,
        _ => job(transition, base),
    }
}

/// What a fault in the receipt would cost the provider and the gateway: what they keep while it is audited.
pub(super) fn at_risk(transition: &Transition<'_>, record: &AuditRecord) -> [Amount; 2] {
    let fault = |fault| of_ruling(transition, record, Ruling::Faulty(fault));
    [fault(Fault::Computation), fault(Fault::Receipt)]
}

/// The penalty for a check that was not done.
pub(super) fn check(transition: &Transition<'_>, fee: Amount) -> Amount {
    multiple(fee, transition.parameters.audits.auditor_slash)
}

/// A penalty beyond the range of amounts is all there is.
fn multiple(amount: Amount, factor: u64) -> Amount {
    amount.fraction(factor, 1).unwrap_or(Amount(u64::MAX))
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

/// Whether a fault counts towards the pause: the first of its cluster in an epoch, so that nobody trips the breaker with faults of
/// its own.
fn counts(transition: &mut Transition<'_>, cluster: AccountId) -> Applied<bool> {
    let (key, now) = (AuditKey::Cluster(cluster).state(), transition.epoch());
    let mut subject = transition.view.get::<SubjectRecord>(&key)?.unwrap_or_default();
    if subject.counted_in == Some(now) {
        return Ok(false);
    }
    subject.counted_in = Some(now);
    transition.view.put(&key, &subject);
    Ok(true)
}

/// Counts the first ruling of an audit, and pauses slashing when too many of the epoch's are faults.
pub(super) fn count_ruling(
    transition: &mut Transition<'_>,
    parties: [AccountId; 3],
    ruling: Ruling,
) -> Applied {
    let (key, now) = (AuditKey::Breaker.state(), transition.epoch());
    let faulty = match (ruling, blamed(ruling)) {
        (Ruling::Faulty(_), Some((_, place))) => {
            let cluster = parties.get(place).copied().expect("provider and gateway are parties");
            if !counts(transition, cluster)? {
                return Ok(());
            }
            true
        }
        _ => false,
    };
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
