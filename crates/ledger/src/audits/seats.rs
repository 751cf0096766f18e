//! What a final ruling means for one auditor: a fee that does not depend on agreeing with anybody, evidence where the truth was
//! established, and a penalty for having passed a fault.

use openledger_types::audits::{AuditRecord, Round, Ruling, Seat, SeatResult, Stage, Verdict};
use openledger_types::record::{Pool, Role};
use openledger_types::{
    AccountId, Amount, Asset, AuditEvent, AuditId, BasisPoints, Cause, Domain, Event, Holder, Rejection,
};

use super::rulings::release;
use super::settle::{close, final_ruling};
use super::verdicts::audit_record;
use super::{AuditKey, penalty, register};
use crate::escrow::{self, Loss};
use crate::execute::Transition;
use crate::reputation::{self, Evidence};
use crate::state::{Applied, StateKey};
use crate::supply::{self, Part};

pub(super) fn keys(audit: AuditId, auditor: AccountId) -> Vec<StateKey> {
    let mut keys = register::keys(auditor);
    keys.extend(penalty::keys(auditor, Role::Auditor));
    keys.extend(escrow::keys_of_lock(auditor, Role::Auditor));
    keys.extend([AuditKey::Audit(audit).state(), StateKey::Pool(Pool::Verification)]);
    keys.push(escrow::key_of_hold(auditor, Role::Auditor));
    keys
}

/// What the ruling says about a verdict of the round `last` or an earlier one.
pub(super) fn judged(
    record: &AuditRecord,
    seat: &Seat,
    (stage, last): (Stage, bool),
    (ruling, established): (Ruling, bool),
) -> SeatResult {
    let Some(verdict) = seat.verdict else {
        return SeatResult::Silent;
    };
    let passed = verdict == Verdict::Pass;
    let right = |right: bool| if right { SeatResult::Right } else { SeatResult::Wrong };
    match ruling {
        _ if !established => SeatResult::Unproven,
        Ruling::Degraded { .. } => SeatResult::Unproven,
        Ruling::Passed | Ruling::PlantFalse => right(passed),
        Ruling::PlantFound => right(!passed),
        Ruling::PlantMissed if passed && stage == Stage::First => SeatResult::Missed,
        Ruling::PlantMissed => right(!passed),
        Ruling::Faulty(_) if !passed || last => right(!passed),
        Ruling::Faulty(_) if record.reporter == Some((seat.auditor, true)) => SeatResult::Immune,
        Ruling::Faulty(_) => SeatResult::Missed,
    }
}

/// Pays or punishes one auditor, once.
pub(super) fn settle(transition: &mut Transition<'_>, audit: AuditId, auditor: AccountId) -> Applied {
    let mut record = audit_record(transition, audit)?;
    let ruling = final_ruling(transition, &record)?;
    // The round that ruled: later ones in which nobody spoke changed nothing.
    let spoke = |round: &Round| round.seats.iter().any(|seat| seat.verdict.is_some());
    let last = record.rounds.iter().rposition(spoke).unwrap_or(0);
    let mut found = None;
    for (number, round) in record.rounds.iter().enumerate() {
        let seat = round.seats.iter().find(|seat| seat.auditor == auditor && !seat.settled);
        if let Some(seat) = seat {
            found = Some((number, judged(&record, seat, (round.stage, number == last), ruling)));
        }
    }
    let (number, result) = found.ok_or(Rejection::SeatUnknown)?;
    let seats = record.rounds.get_mut(number).map(|round| &mut round.seats).into_iter().flatten();
    seats.filter(|seat| seat.auditor == auditor).for_each(|seat| seat.settled = true);
    let missed = result == SeatResult::Missed;
    let loss = loss(transition, &record)?;
    prepare(transition, auditor, missed.then_some(&loss))?;
    let (fee, escrowed) = match result {
        SeatResult::Silent | SeatResult::Missed | SeatResult::Immune => {
            let fee = record.fee;
            release(transition, &mut record, fee)?;
            (Amount::ZERO, Amount::ZERO)
        }
        SeatResult::Unproven | SeatResult::Right | SeatResult::Wrong => {
            pay(transition, &mut record, auditor)?
        }
    };
    if missed {
        penalty::check_running(transition)?;
        escrow::forfeit(transition, auditor, Role::Auditor, &loss)?;
    }
    learn(transition, &record, auditor, result)?;
    escrow::lift(transition, (auditor, Role::Auditor, record.epoch), loss.penalty)?;
    register::refresh(transition, auditor, result == SeatResult::Silent)?;
    let epoch = transition.epoch();
    let event = AuditEvent::SeatSettled { audit, auditor, result, fee, escrowed, epoch };
    transition.emit(Event::Audits(event));
    close(transition, audit, record)
}

/// What passing a fault costs. Whoever reported it secretly gets a part of what the others lose.
fn loss(transition: &Transition<'_>, record: &AuditRecord) -> Applied<Loss> {
    let penalty = penalty::check(transition, record.fee);
    let reporter = record.reporter.map(|(reporter, _)| (reporter, record.fee));
    let secret = record.reporter.is_some_and(|(_, secret)| secret);
    let reward = secret.then_some(transition.parameters.audits.report_reward);
    Ok(Loss { penalty, reporter, reward, ..Loss::default() })
}

/// Loads what the record led to, all at once.
fn prepare(transition: &mut Transition<'_>, auditor: AccountId, loss: Option<&Loss>) -> Applied {
    let mut needed = vec![StateKey::Tranche(auditor, Role::Auditor, transition.epoch())];
    if let Some(loss) = loss {
        needed.extend(escrow::keys_of_forfeit(auditor, Role::Auditor, loss));
        needed.extend(escrow::keys_of_held(transition, auditor, Role::Auditor)?);
    }
    needed.extend(reputation::keys_found(transition, auditor, &Domain::Auditing, None)?);
    transition.view.need(needed)
}

/// Pays the fee: a part liquid by reputation and within the bond, the rest in a tranche. Returns both.
fn pay(
    transition: &mut Transition<'_>,
    record: &mut AuditRecord,
    auditor: AccountId,
) -> Applied<(Amount, Amount)> {
    let (fee, rules) = (record.fee, transition.parameters.audits.escrow());
    let trusted = reputation::of(transition, auditor, &Domain::Auditing)?;
    let wanted = escrow::liquid_part(fee, &rules, trusted);
    let liquid = escrow::expose(transition, auditor, Role::Auditor, wanted)?;
    let locked = fee.minus(liquid).expect("the liquid part is a part of the fee");
    record.held = record.held.minus(fee).expect("an audit holds the fees of its auditors");
    let (to, cause) = (Holder::Account(auditor), Cause::AuditPaid);
    supply::shift(transition, Holder::Custody, to, Asset::Credit, liquid, cause)?;
    if locked > Amount::ZERO {
        supply::leave(&mut transition.supply, Part::Custody(Asset::Credit), locked);
        escrow::lock(transition, auditor, Role::Auditor, rules, locked)?;
        let (from, to) = (Holder::Custody, Holder::Escrow(auditor));
        transition.emit(Event::Moved { from, to, asset: Asset::Credit, amount: locked, cause });
    }
    Ok((fee, locked))
}

/// Evidence, where a planted fault or a panel established the truth. What became liquid for it is verified then; a planted fault
/// stands for the audits that nobody can tell from it, and for their repetitions.
fn learn(
    transition: &mut Transition<'_>,
    record: &AuditRecord,
    auditor: AccountId,
    result: SeatResult,
) -> Applied {
    let (good, bad) = match result {
        SeatResult::Right => (penalty::UNIT, 0),
        SeatResult::Wrong | SeatResult::Missed => (0, penalty::UNIT),
        SeatResult::Silent | SeatResult::Unproven | SeatResult::Immune => return Ok(()),
    };
    let evidence = Evidence { good, bad, counterparty: None };
    reputation::record(transition, auditor, &Domain::Auditing, evidence)?;
    if result == SeatResult::Right {
        let parameters = transition.parameters.audits;
        let trusted = reputation::of(transition, auditor, &Domain::Auditing)?;
        let liquid = escrow::liquid_part(record.fee, &parameters.escrow(), trusted);
        let repeated = liquid.plus(liquid.basis_points(parameters.repeated)).unwrap_or(liquid);
        let covered = if record.planted { per_part(repeated, parameters.planted) } else { liquid };
        escrow::cover(transition, auditor, Role::Auditor, covered)?;
    }
    Ok(())
}

/// The part in basis points as a divisor: how much one of the drawn stands for.
fn per_part(amount: Amount, part: BasisPoints) -> Amount {
    amount.fraction(u64::from(BasisPoints::WHOLE.0), u64::from(part.0)).unwrap_or(Amount::ZERO)
}
