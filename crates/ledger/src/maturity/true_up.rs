//! The true-up: uplift pools are paid to the contributions that raised the quality of answers, by their lower bounds.

use openledger_types::maturity::{MaturityEvent, Measured, UpliftRecord};
use openledger_types::record::{Pool, Role};
use openledger_types::{Amount, Asset, Cause, Event, Holder, Rejection};

use super::gate;
use super::key::MaturityKey;
use crate::execute::Transition;
use crate::settlement::split_owners;
use crate::state::{Applied, StateKey};
use crate::{escrow, supply};

/// A contribution shares in the pool of the model that it was measured with, and in that of its datanet.
fn check_pool(pool: &Pool, measured: &Measured) -> Applied {
    let fits = match pool {
        Pool::Uplift(model) => *model == measured.model,
        Pool::Unproven(datanet) => *datanet == measured.datanet,
        _ => false,
    };
    if fits { Ok(()) } else { Err(Rejection::EntryWrong.into()) }
}

pub(super) fn entry_key(pool: &Pool, epoch: u64, measured: &Measured) -> StateKey {
    MaturityKey::Entry(pool.clone(), epoch, measured.datanet.clone(), measured.contribution).state()
}

/// Enters a contribution. In the pool of a datanet the best of its models counts; a better one replaces a worse.
pub(super) fn enter(transition: &mut Transition<'_>, pool: &Pool, measured: &Measured) -> Applied {
    check_pool(pool, measured)?;
    let epoch = transition.epoch();
    let all = MaturityKey::Uplift(pool.clone(), epoch).state();
    let one = entry_key(pool, epoch, measured);
    transition.view.need([all.clone(), one.clone()])?;
    let (contribution, weight) = gate::proven(transition, measured)?;
    if !contribution.mature {
        return Err(Rejection::UpliftUnproven.into());
    }
    let known: u64 = transition.view.get(&one)?.unwrap_or_default();
    let more = weight.checked_sub(known).filter(|more| *more > 0).ok_or(Rejection::EntryWrong)?;
    let mut record: UpliftRecord = transition.view.get(&all)?.unwrap_or_default();
    record.weights = record.weights.checked_add(more).ok_or(Rejection::AmountOverflow)?;
    record.unpaid = record.weights;
    transition.view.put(&all, &record);
    transition.view.put(&one, &weight);
    let (pool, measured) = (pool.clone(), measured.clone());
    transition.emit(Event::Maturity(MaturityEvent::UpliftEntered { pool, epoch, measured, weight }));
    Ok(())
}

pub(super) fn pay(transition: &mut Transition<'_>, pool: &Pool, epoch: u64, measured: &Measured) -> Applied {
    check_pool(pool, measured)?;
    if transition.epoch() <= epoch {
        return Err(Rejection::StillWaiting.into());
    }
    let all = MaturityKey::Uplift(pool.clone(), epoch).state();
    let one = entry_key(pool, epoch, measured);
    let weight: u64 = transition.view.get(&one)?.ok_or(Rejection::EntryWrong)?;
    let contribution = transition.view.contribution(&measured.datanet, measured.contribution)?;
    let now = transition.epoch();
    transition.view.need(contribution.owners.iter().flat_map(|owner| {
        let mut keys = escrow::keys_of_lock(owner.account, Role::Data);
        keys.push(StateKey::Tranche(owner.account, Role::Data, now));
        keys
    }))?;
    let record: Option<UpliftRecord> = transition.view.get(&all)?;
    let mut record = record.expect("an entry is counted in its epoch");
    let pot = fix(transition, pool, epoch, &mut record)?;
    let due = pot.fraction(weight, record.weights).expect("a part of at most the whole fits");
    let revoked = contribution.revoked_at.is_some();
    let amount = if revoked { Amount::ZERO } else { due };
    record.left = record.left.minus(amount).expect("the floored parts of a pot are at most the pot");
    record.unpaid = record.unpaid.checked_sub(weight).expect("an entry is paid once");
    transition.view.remove(&one);
    let rules = transition.parameters.data_escrow;
    let parts: Vec<u64> = contribution.owners.iter().map(|owner| owner.parts).collect();
    for (owner, part) in contribution.owners.iter().zip(split_owners(amount, &parts)) {
        escrow::earn(transition, Holder::Custody, (owner.account, Role::Data), rules, part, Cause::TruedUp)?;
    }
    finish(transition, pool, &all, record)?;
    let (pool, measured) = (pool.clone(), measured.clone());
    transition.emit(Event::Maturity(MaturityEvent::UpliftPaid { pool, epoch, measured, amount }));
    Ok(())
}

/// What is shared: everything in the pool when the first entry is paid in the epoch after it was made; nothing later, or an old
/// entry that nobody shared would take what came since.
fn fix(
    transition: &mut Transition<'_>,
    pool: &Pool,
    entered: u64,
    record: &mut UpliftRecord,
) -> Applied<Amount> {
    if let Some(pot) = record.pot {
        return Ok(pot);
    }
    let next = transition.epoch() == entered.saturating_add(1);
    let pot = if next { transition.view.pool(pool)? } else { Amount::ZERO };
    (record.pot, record.left) = (Some(pot), pot);
    supply::shift(
        transition,
        Holder::Pool(pool.clone()),
        Holder::Custody,
        Asset::Credit,
        pot,
        Cause::TruedUp,
    )?;
    Ok(pot)
}

/// After the last entry, what is left goes back.
fn finish(transition: &mut Transition<'_>, pool: &Pool, key: &StateKey, record: UpliftRecord) -> Applied {
    if record.unpaid > 0 {
        transition.view.put(key, &record);
        return Ok(());
    }
    transition.view.remove(key);
    let to = Holder::Pool(pool.clone());
    supply::shift(transition, Holder::Custody, to, Asset::Credit, record.left, Cause::TruedUp)
}
