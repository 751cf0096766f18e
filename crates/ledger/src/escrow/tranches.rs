//! Tranches: what an account earned in one role in one epoch, and the index of those that are open.

use openledger_types::parameters::EscrowParameters;
use openledger_types::record::{Role, TrancheRecord};
use openledger_types::{AccountId, Amount, Asset, Cause, EscrowEvent, Event, Holder, Rejection};

use super::key::EscrowKey;
use super::{hold, index, liquidity};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply;

/// Adds to the tranche of this epoch; the money is counted by whoever calls.
pub(super) fn add(
    transition: &mut Transition<'_>,
    (account, role): (AccountId, Role),
    escrow: EscrowParameters,
    amount: Amount,
) -> Applied {
    let epoch = transition.epoch();
    let key = StateKey::Tranche(account, role, epoch);
    let open = EscrowKey::Tranches(account, role).state();
    transition.view.need([key.clone(), open.clone()])?;
    let mut tranche = match transition.view.get::<TrancheRecord>(&key)? {
        Some(tranche) => tranche,
        None => {
            index::add(transition, &open, epoch)?;
            TrancheRecord {
                amount: Amount::ZERO,
                claimed: Amount::ZERO,
                forfeited: Amount::ZERO,
                pledged: Amount::ZERO,
                cliff_epochs: escrow.cliff_epochs,
                linear_epochs: escrow.linear_epochs,
            }
        }
    };
    tranche.amount = tranche.amount.plus(amount).ok_or(Rejection::AmountOverflow)?;
    // A longer cliff takes nothing back: where there was none, what was claimed at once stays claimed.
    if tranche.claimed == Amount::ZERO {
        tranche.cliff_epochs = tranche.cliff_epochs.max(escrow.cliff_epochs);
    }
    transition.view.put(&key, &tranche);
    Ok(())
}

/// Lets escrowed money that belonged to no tranche begin to unlock.
pub(crate) fn begin(
    transition: &mut Transition<'_>,
    (account, role): (AccountId, Role),
    escrow: EscrowParameters,
    amount: Amount,
) -> Applied {
    if amount == Amount::ZERO {
        return Ok(());
    }
    add(transition, (account, role), escrow, amount)?;
    let epoch = transition.epoch();
    transition.emit(Event::Escrow(EscrowEvent::TrancheBegun { account, role, epoch, amount }));
    Ok(())
}

/// Pays into the tranche of this epoch from another holder.
pub(crate) fn earn(
    transition: &mut Transition<'_>,
    from: Holder,
    who: (AccountId, Role),
    escrow: EscrowParameters,
    amount: Amount,
    cause: Cause,
) -> Applied {
    begin(transition, who, escrow, amount)?;
    supply::shift(transition, from, Holder::Escrow(who.0), Asset::Credit, amount, cause)
}

/// Writes a tranche back; one in which nothing is left is over.
pub(crate) fn put(
    transition: &mut Transition<'_>,
    (account, role, epoch): (AccountId, Role, u64),
    tranche: &TrancheRecord,
) -> Applied {
    let key = StateKey::Tranche(account, role, epoch);
    if liquidity::remaining(tranche) > Amount::ZERO {
        transition.view.put(&key, tranche);
        return Ok(());
    }
    transition.view.remove(&key);
    index::remove(transition, &EscrowKey::Tranches(account, role).state(), epoch)
}

/// Takes from a tranche what its owner gives up, of what would unlock last and is not pledged; the caller moves the money.
pub(crate) fn give_up(
    transition: &mut Transition<'_>,
    (account, role, epoch): (AccountId, Role, u64),
    amount: Amount,
) -> Applied {
    let key = StateKey::Tranche(account, role, epoch);
    let mut tranche = transition.view.get::<TrancheRecord>(&key)?.ok_or(Rejection::TrancheTooLow)?;
    let free = liquidity::remaining(&tranche).minus(tranche.pledged).unwrap_or_default();
    let waits = hold::awaits_draw(transition, role, epoch);
    if amount > free || waits || hold::is_held(transition, (account, role, epoch))? {
        return Err(Rejection::TrancheTooLow.into());
    }
    tranche.forfeited = tranche.forfeited.plus(amount).expect("at most what remains is given up");
    put(transition, (account, role, epoch), &tranche)
}
