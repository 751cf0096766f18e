//! The pool: its value, and what repayments and faults do to it.

use openledger_types::advances::{AdvanceEvent, AdvancePoolRecord};
use openledger_types::record::{Role, TrancheRecord};
use openledger_types::{AccountId, Amount, Asset, Cause, Event, Holder, Rejection};

use super::key::AdvanceKey;
use crate::escrow;
use crate::execute::Transition;
use crate::state::Applied;
use crate::supply;

pub(super) fn read(transition: &mut Transition<'_>) -> Applied<AdvancePoolRecord> {
    Ok(transition.view.get(&AdvanceKey::Pool.state())?.unwrap_or_default())
}

pub(super) fn write(transition: &mut Transition<'_>, pool: &AdvancePoolRecord) {
    transition.view.put(&AdvanceKey::Pool.state(), pool);
}

/// What all shares are worth.
pub(super) fn value(pool: &AdvancePoolRecord) -> Applied<Amount> {
    Ok(pool.cash.plus(pool.paid).ok_or(Rejection::AmountOverflow)?)
}

/// Less is owed: what was paid for it leaves the books in the same proportion.
fn settle(pool: &mut AdvancePoolRecord, amount: Amount) {
    let paid = pool.paid.fraction(amount.0, pool.owed.0.max(1)).unwrap_or(pool.paid);
    pool.paid = pool.paid.minus(paid).unwrap_or(Amount::ZERO);
    pool.owed = pool.owed.minus(amount).expect("the pool is owed the sum of what is pledged");
    if pool.owed == Amount::ZERO {
        pool.paid = Amount::ZERO;
    }
}

/// Pays what has unlocked of a tranche to the pool, up to what was sold of it, and returns how much that was.
pub(crate) fn repay(
    transition: &mut Transition<'_>,
    (account, role, epoch): (AccountId, Role, u64),
    tranche: &mut TrancheRecord,
) -> Applied<Amount> {
    let amount = escrow::due(transition, (account, role, epoch), tranche)?.min(tranche.pledged);
    if amount == Amount::ZERO {
        return Ok(Amount::ZERO);
    }
    let mut pool = read(transition)?;
    settle(&mut pool, amount);
    pool.cash = pool.cash.plus(amount).ok_or(Rejection::AmountOverflow)?;
    write(transition, &pool);
    tranche.pledged = tranche.pledged.minus(amount).expect("at most what was sold is repaid");
    tranche.claimed = tranche.claimed.plus(amount).ok_or(Rejection::AmountOverflow)?;
    let (from, cause) = (Holder::Escrow(account), Cause::AdvanceRepaid);
    supply::shift(transition, from, Holder::Custody, Asset::Credit, amount, cause)?;
    transition.emit(Event::Advances(AdvanceEvent::AdvanceRepaid { account, role, epoch, amount }));
    Ok(amount)
}

/// A fault has taken from a tranche: the pool loses what is no longer in it.
pub(crate) fn write_off(transition: &mut Transition<'_>, tranche: &mut TrancheRecord) -> Applied {
    let amount = tranche.pledged.minus(escrow::remaining(tranche)).unwrap_or(Amount::ZERO);
    if amount == Amount::ZERO {
        return Ok(());
    }
    let mut pool = read(transition)?;
    settle(&mut pool, amount);
    write(transition, &pool);
    tranche.pledged = tranche.pledged.minus(amount).expect("at most what was sold is lost");
    transition.emit(Event::Advances(AdvanceEvent::AdvanceLost { amount }));
    Ok(())
}
