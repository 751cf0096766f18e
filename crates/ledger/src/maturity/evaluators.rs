//! Rounds of evaluations: opening, commitments and reveals.

use openledger_types::maturity::{
    EvaluationRecord, EvaluatorRecord, MaturityEvent, Measured, UpliftCommitment, uplift_commitment,
};
use openledger_types::record::{BeaconRecord, Pool, Role};
use openledger_types::{
    AccountId, Amount, Asset, BasisPoints, Cause, Domain, Event, Hash, Holder, Rejection, codec, sha256,
};

use super::arithmetic::{self, WHOLE};
use super::key::MaturityKey;
use super::register;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{accounts, escrow, reputation, supply};

pub(super) fn read(transition: &mut Transition<'_>, measured: &Measured) -> Applied<EvaluationRecord> {
    let key = MaturityKey::Evaluation(measured.clone()).state();
    Ok(transition.view.get(&key)?.ok_or(Rejection::RoundUnknown)?)
}

/// Opens the next round, once the last one is over.
pub(super) fn open(transition: &mut Transition<'_>, measured: &Measured) -> Applied {
    transition.view.model(&measured.model)?;
    let contribution = transition.view.contribution(&measured.datanet, measured.contribution)?;
    if contribution.revoked_at.is_some() {
        return Err(Rejection::ContributionRevoked.into());
    }
    let used = transition.view.pool(&Pool::Uplift(measured.model.clone()))?;
    if used < transition.parameters.maturity.uplift_pool_min {
        return Err(Rejection::ModelUnused.into());
    }
    let (key, epoch) = (MaturityKey::Evaluation(measured.clone()).state(), transition.epoch());
    let mut record = match transition.view.get::<EvaluationRecord>(&key)? {
        Some(record) => record,
        None => EvaluationRecord {
            count: 0,
            sum: 0,
            squares: 0,
            round: 0,
            opened_in: 0,
            evaluators: 0,
            quality: BasisPoints::WHOLE,
        },
    };
    let windows = transition.parameters.maturity.window_epochs.saturating_mul(2);
    if record.round > 0 && epoch <= record.opened_in.saturating_add(windows) {
        return Err(Rejection::RoundOpen.into());
    }
    // Free rounds about anything would empty the verification fund into whoever evaluates. A price that the fund or the model's
    // pool paid would do so more slowly; what the opener pays nobody can take out but those who are drawn.
    let rules = transition.parameters.maturity;
    let price = rules.evaluation_fee.fraction(rules.evaluators_per_round, 1);
    let price = price.ok_or(Rejection::AmountOverflow)?;
    let (from, to) = (Holder::Account(transition.sender), Holder::Pool(Pool::Verification));
    supply::shift(transition, from, to, Asset::Credit, price, Cause::RoundFunded)?;
    record.round = record.round.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    record.opened_in = epoch;
    record.evaluators = register::count(transition)?;
    transition.view.put(&key, &record);
    let (measured, round) = (measured.clone(), record.round);
    transition.emit(Event::Maturity(MaturityEvent::RoundOpened { measured, round, epoch }));
    Ok(())
}

/// Whether the beacon draws this evaluator: each of `count` has the same chance, and `wanted` are drawn on average.
pub(crate) fn is_drawn(
    randomness: &Hash,
    measured: &Measured,
    round: u32,
    evaluator: &AccountId,
    (wanted, count): (u64, u64),
) -> bool {
    let drawn = sha256(&codec::encode(&("openledger evaluator", randomness, measured, round, evaluator)));
    let [a, b, c, d, e, f, g, h, ..] = drawn.0;
    let number = u128::from(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
    number.saturating_mul(u128::from(count)) < u128::from(wanted) << 64
}

pub(super) fn commit(
    transition: &mut Transition<'_>,
    measured: &Measured,
    beacon: u64,
    commitment: Hash,
) -> Applied {
    let (evaluator, epoch) = (transition.sender, transition.epoch());
    let key = MaturityKey::Evaluator(evaluator).state();
    let seat: EvaluatorRecord = transition.view.get(&key)?.ok_or(Rejection::EvaluatorUnknown)?;
    let record = read(transition, measured)?;
    check_strangers(transition, measured, evaluator)?;
    register::check_bond(transition, evaluator)?;
    let drawn: Option<BeaconRecord> = transition.view.get(&StateKey::Beacon(beacon))?;
    let drawn = drawn.filter(|drawn| drawn.previous <= record.opened_in && record.opened_in < beacon);
    let drawn = drawn.ok_or(Rejection::RoundUnknown)?;
    let rules = transition.parameters.maturity;
    if epoch >= beacon.saturating_add(rules.window_epochs) {
        return Err(Rejection::WindowClosed.into());
    }
    let chance = (rules.evaluators_per_round, record.evaluators);
    if seat.since_epoch >= record.opened_in
        || !is_drawn(&drawn.randomness, measured, record.round, &evaluator, chance)
    {
        return Err(Rejection::EvaluatorNotDrawn.into());
    }
    let key = MaturityKey::Commitment(measured.clone(), evaluator).state();
    let before: Option<UpliftCommitment> = transition.view.get(&key)?;
    if before.is_some_and(|before| before.round == record.round) {
        return Err(Rejection::UpliftCommitted.into());
    }
    let round = record.round;
    transition.view.put(&key, &UpliftCommitment { round, beacon, commitment });
    let measured = measured.clone();
    transition.emit(Event::Maturity(MaturityEvent::UpliftCommitted { evaluator, measured, round }));
    Ok(())
}

/// Nobody evaluates what a linked account owns.
fn check_strangers(transition: &mut Transition<'_>, measured: &Measured, evaluator: AccountId) -> Applied {
    let contribution = transition.view.contribution(&measured.datanet, measured.contribution)?;
    let owners = contribution.owners.iter().map(|owner| accounts::key_of_cluster(owner.account));
    transition.view.need(owners)?;
    let cluster = accounts::cluster_of(transition, evaluator)?;
    for owner in &contribution.owners {
        if accounts::cluster_of(transition, owner.account)? == cluster {
            return Err(Rejection::EvaluatorRelated.into());
        }
    }
    Ok(())
}

pub(super) fn reveal(
    transition: &mut Transition<'_>,
    measured: &Measured,
    uplift: i32,
    salt: &Hash,
) -> Applied {
    let (evaluator, epoch) = (transition.sender, transition.epoch());
    let mut record = read(transition, measured)?;
    let key = MaturityKey::Commitment(measured.clone(), evaluator).state();
    let committed: Option<UpliftCommitment> = transition.view.get(&key)?;
    let committed = committed.filter(|committed| committed.round == record.round);
    let committed = committed.ok_or(Rejection::CommitmentMissing)?;
    let rules = transition.parameters.maturity;
    let begins = committed.beacon.saturating_add(rules.window_epochs);
    if !(begins..begins.saturating_add(rules.window_epochs)).contains(&epoch) {
        return Err(Rejection::WindowClosed.into());
    }
    if committed.commitment != uplift_commitment(&evaluator, measured, record.round, uplift, salt) {
        return Err(Rejection::CommitmentMissing.into());
    }
    if uplift.unsigned_abs() > WHOLE.unsigned_abs() {
        return Err(Rejection::UpliftOutOfRange.into());
    }
    transition.view.remove(&key);
    let square = u64::from(uplift.unsigned_abs()).saturating_mul(u64::from(uplift.unsigned_abs()));
    record.count = record.count.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    record.sum = record.sum.checked_add(i64::from(uplift)).ok_or(Rejection::AmountOverflow)?;
    record.squares = record.squares.checked_add(square).ok_or(Rejection::AmountOverflow)?;
    let bounds = arithmetic::bounds(&record);
    if record.count >= rules.evaluations_min {
        record.quality = arithmetic::quality(bounds.upper, rules.quality_slope);
        if bounds.upper < 0 {
            lapse(transition, measured)?;
        }
    }
    transition.view.put(&MaturityKey::Evaluation(measured.clone()).state(), &record);
    let fee = pay(transition, evaluator)?;
    transition.emit(Event::Maturity(MaturityEvent::UpliftRevealed {
        evaluator,
        measured: measured.clone(),
        uplift,
        count: record.count,
        lower: bounds.lower,
        upper: bounds.upper,
        quality: record.quality,
        fee,
    }));
    Ok(())
}

/// What was found to make answers worse is mature no more: what it earns from now on is held again.
fn lapse(transition: &mut Transition<'_>, measured: &Measured) -> Applied {
    let mut contribution = transition.view.contribution(&measured.datanet, measured.contribution)?;
    if contribution.mature {
        contribution.mature = false;
        let key = StateKey::Contribution(measured.datanet.clone(), measured.contribution);
        transition.view.put(&key, &contribution);
        let (measured, epoch) = (measured.clone(), transition.epoch());
        transition.emit(Event::Maturity(MaturityEvent::MaturityLost { measured, epoch }));
    }
    Ok(())
}

/// The fixed fee, as far as the verification pool has it: liquid by reputation within half of the bond, the rest in a
/// tranche like a builder's.
fn pay(transition: &mut Transition<'_>, evaluator: AccountId) -> Applied<Amount> {
    let mut found = reputation::keys_found(transition, evaluator, &Domain::Evaluating, None)?;
    found.push(StateKey::Tranche(evaluator, Role::Evaluator, transition.epoch()));
    transition.view.need(found)?;
    let held = transition.view.pool(&Pool::Verification)?;
    let fee = transition.parameters.maturity.evaluation_fee.min(held);
    let rules = transition.parameters.builder_escrow;
    let reputation = reputation::of(transition, evaluator, &Domain::Evaluating)?;
    let wanted = escrow::liquid_part(fee, &rules, reputation);
    let liquid = escrow::expose(transition, evaluator, Role::Evaluator, wanted)?;
    let rest = fee.minus(liquid).expect("the liquid part is a part of the fee");
    let (from, to) = (Holder::Pool(Pool::Verification), Holder::Account(evaluator));
    supply::shift(transition, from.clone(), to, Asset::Credit, liquid, Cause::Evaluated)?;
    escrow::earn(transition, from, (evaluator, Role::Evaluator), rules, rest, Cause::Evaluated)?;
    Ok(fee)
}
