//! Holds: what an account cannot take out of a role while its work is being checked.
//!
//! Rule: an audit holds the work of the epoch in which its receipt was paid, from the opening until it is settled. A tranche
//! of that epoch does not unlock, is not sold and is not given away meanwhile, OPEN that was unbonded in it or later is not
//! released, and who leaves keeps as much at stake as the faults would cost. While a ruling says a fault, everything in the role
//! waits. So it pays nobody to race against a ruling. Of more than 128 epochs the oldest are held together.
//!
//! Until the draw and the opening nobody knows what will be checked: the cliff holds a tranche that long (genesis checks that it
//! is long enough), nothing of it is sold or given away, and who leaves takes no stake along.
//!
//! Absent: work that is drawn later, because the fund could not pay for it; it is held from then on.

use openledger_types::escrow::{HeldEpoch, HoldRecord};
use openledger_types::record::{Role, TrancheRecord};
use openledger_types::{AccountId, Amount, Rejection, limits};

use super::{EscrowKey, index, liquidity};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// The record that everything here reads.
pub(crate) fn key_of_hold(account: AccountId, role: Role) -> StateKey {
    EscrowKey::Hold(account, role).state()
}

fn read(transition: &mut Transition<'_>, account: AccountId, role: Role) -> Applied<HoldRecord> {
    Ok(transition.view.get(&key_of_hold(account, role))?.unwrap_or_default())
}

fn write(transition: &mut Transition<'_>, account: AccountId, role: Role, hold: &HoldRecord) {
    let key = key_of_hold(account, role);
    if *hold == HoldRecord::default() {
        transition.view.remove(&key);
    } else {
        transition.view.put(&key, hold);
    }
}

/// Work of an epoch is being checked, and a fault in it would cost this much.
pub(crate) fn hold(
    transition: &mut Transition<'_>,
    (account, role, epoch): (AccountId, Role, u64),
    amount: Amount,
) -> Applied {
    let mut hold = read(transition, account, role)?;
    add(&mut hold, epoch, amount)?;
    write(transition, account, role, &hold);
    Ok(())
}

/// Whether an epoch is among those that the oldest in the list stands for.
fn is_merged(hold: &HoldRecord, epoch: u64) -> bool {
    hold.merged && hold.epochs.first().is_some_and(|oldest| epoch <= oldest.epoch)
}

fn add(hold: &mut HoldRecord, epoch: u64, amount: Amount) -> Applied {
    let merged = is_merged(hold, epoch);
    let epochs = &mut hold.epochs;
    let place = match epochs.binary_search_by_key(&epoch, |held| held.epoch) {
        Ok(place) => place,
        Err(_) if merged => 0,
        Err(place) => {
            epochs.insert(place, HeldEpoch { epoch, checks: 0, amount: Amount::ZERO });
            place
        }
    };
    let held = epochs.get_mut(place).expect("the epoch was found or inserted");
    held.checks = held.checks.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    held.amount = held.amount.plus(amount).unwrap_or(Amount(u64::MAX));
    if epochs.len() > limits::HELD_EPOCHS_MAX {
        // Whoever leaves so many epochs unsettled waits for the two oldest at once.
        let oldest = epochs.remove(0);
        let next = epochs.first_mut().expect("the limit is above one");
        next.checks = next.checks.checked_add(oldest.checks).ok_or(Rejection::AmountOverflow)?;
        next.amount = next.amount.plus(oldest.amount).unwrap_or(Amount(u64::MAX));
        hold.merged = true;
    }
    Ok(())
}

/// A check is settled. The amount is that of [`hold`] unless the parameters changed since; the last check takes all away.
pub(crate) fn lift(
    transition: &mut Transition<'_>,
    (account, role, epoch): (AccountId, Role, u64),
    amount: Amount,
) -> Applied {
    let mut hold = read(transition, account, role)?;
    // An epoch that is not listed was merged into the oldest that is.
    let place = hold.epochs.binary_search_by_key(&epoch, |held| held.epoch).unwrap_or(0);
    if let Some(held) = hold.epochs.get_mut(place) {
        held.checks = held.checks.saturating_sub(1);
        held.amount = held.amount.minus(amount).unwrap_or(Amount::ZERO);
    }
    // When the checks of the oldest are over, so are those of the epochs that it stood for.
    hold.merged = hold.merged && hold.epochs.first().is_some_and(|oldest| oldest.checks > 0);
    hold.epochs.retain(|held| held.checks > 0);
    write(transition, account, role, &hold);
    Ok(())
}

/// A ruling says a fault, or does not say it any more.
pub(crate) fn accuse(
    transition: &mut Transition<'_>,
    account: AccountId,
    role: Role,
    faulty: bool,
) -> Applied {
    let mut hold = read(transition, account, role)?;
    let faults = if faulty { hold.faults.checked_add(1) } else { hold.faults.checked_sub(1) };
    hold.faults = faults.expect("a ruling is taken back once, and audits are fewer than a u32 counts");
    write(transition, account, role, &hold);
    Ok(())
}

/// Whether the tranche of an epoch waits for a check.
pub(crate) fn is_held(
    transition: &mut Transition<'_>,
    (account, role, epoch): (AccountId, Role, u64),
) -> Applied<bool> {
    let hold = read(transition, account, role)?;
    Ok(hold.faults > 0 || is_merged(&hold, epoch) || hold.epochs.iter().any(|held| held.epoch == epoch))
}

/// Whether work of an epoch may still be drawn and opened, so that no audit holds it yet and nothing shows that none will. Only
/// the receipts of providers and gateways are drawn.
pub(crate) fn awaits_draw(transition: &Transition<'_>, role: Role, epoch: u64) -> bool {
    let audits = &transition.parameters.audits;
    let opened = audits.draw_epochs.saturating_add(audits.open_epochs).saturating_add(1);
    matches!(role, Role::Provider | Role::Gateway) && transition.epoch() <= epoch.saturating_add(opened)
}

/// The first epoch whose work was paid and may still be drawn and opened.
pub(crate) fn undrawn(
    transition: &mut Transition<'_>,
    account: AccountId,
    role: Role,
) -> Applied<Option<u64>> {
    let open = index::read(transition, &EscrowKey::Tranches(account, role).state())?.epochs();
    Ok(open.into_iter().find(|epoch| awaits_draw(transition, role, *epoch)))
}

/// Whether OPEN that was unbonded in an epoch waits for a check of work until then.
pub(crate) fn is_bound(
    transition: &mut Transition<'_>,
    (account, role, epoch): (AccountId, Role, u64),
) -> Applied<bool> {
    let hold = read(transition, account, role)?;
    let first = hold.epochs.first().is_some_and(|held| held.epoch <= epoch);
    Ok(hold.faults > 0 || hold.merged || first)
}

/// What faults in open checks would cost at least; everything while a ruling says one.
pub(crate) fn at_risk(transition: &mut Transition<'_>, account: AccountId, role: Role) -> Applied<Amount> {
    let hold = read(transition, account, role)?;
    let sum = Amount::sum(hold.epochs.iter().map(|held| held.amount)).filter(|_| hold.faults == 0);
    Ok(sum.unwrap_or(Amount(u64::MAX)))
}

/// What can be claimed of a tranche: what has unlocked and was not claimed before, nothing while it is held.
pub(crate) fn due(
    transition: &mut Transition<'_>,
    who: (AccountId, Role, u64),
    tranche: &TrancheRecord,
) -> Applied<Amount> {
    if is_held(transition, who)? {
        return Ok(Amount::ZERO);
    }
    let unlocked = liquidity::unlocked(tranche, who.2, transition.epoch());
    Ok(unlocked.minus(tranche.claimed).unwrap_or_default())
}
