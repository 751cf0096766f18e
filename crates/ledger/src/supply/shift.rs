//! The one way in which steps move money: from a holder to a holder, with the cause, as one event.
//!
//! Balances and pools are changed here. A tranche, a stake or a step's own record is changed by the step that owns it; here
//! its part of the supply moves, and [`super::check_conservation`] finds a step that forgot.

use openledger_types::{Amount, Asset, Cause, Event, Holder, Rejection};

use super::{Part, burn, enter, leave};
use crate::accounts;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// Moves `amount` of `asset`; nothing happens for zero. Refused when a balance or a pool holds less.
pub(crate) fn shift(
    transition: &mut Transition<'_>,
    from: Holder,
    to: Holder,
    asset: Asset,
    amount: Amount,
    cause: Cause,
) -> Applied {
    if amount == Amount::ZERO {
        return Ok(());
    }
    take(transition, &from, asset, amount)?;
    give(transition, &to, asset, amount)?;
    transition.emit(Event::Moved { from, to, asset, amount, cause });
    Ok(())
}

fn take(transition: &mut Transition<'_>, from: &Holder, asset: Asset, amount: Amount) -> Applied {
    match from {
        Holder::Account(account) => return accounts::spend(transition, *account, asset, amount),
        Holder::Escrow(account) => {
            let mut record = transition.view.account(*account)?;
            record.escrowed =
                record.escrowed.minus(amount).expect("an account's escrow is the sum of its tranches");
            transition.view.put(&StateKey::Account(*account), &record);
        }
        Holder::Pool(pool) => {
            let left = transition.view.pool(pool)?.minus(amount).ok_or(Rejection::PoolTooLow)?;
            if left == Amount::ZERO {
                transition.view.remove(&StateKey::Pool(pool.clone()));
            } else {
                transition.view.put(&StateKey::Pool(pool.clone()), &left);
            }
        }
        Holder::Bond(_) | Holder::Custody => {}
        Holder::Burned => unreachable!("what was burned does not come back"),
    }
    leave(&mut transition.supply, part(from, asset), amount);
    Ok(())
}

fn give(transition: &mut Transition<'_>, to: &Holder, asset: Asset, amount: Amount) -> Applied {
    match to {
        Holder::Account(account) => return accounts::receive(transition, *account, asset, amount),
        Holder::Escrow(account) => {
            let mut record = transition.view.account(*account)?;
            record.escrowed = record.escrowed.plus(amount).ok_or(Rejection::AmountOverflow)?;
            transition.view.put(&StateKey::Account(*account), &record);
        }
        Holder::Pool(pool) => {
            let held = transition.view.pool(pool)?.plus(amount).ok_or(Rejection::AmountOverflow)?;
            transition.view.put(&StateKey::Pool(pool.clone()), &held);
        }
        Holder::Bond(_) | Holder::Custody => {}
        Holder::Burned => return burn(&mut transition.supply, asset, amount),
    }
    enter(&mut transition.supply, part(to, asset), amount)
}

/// The part of the supply in which a holder's money is counted.
fn part(holder: &Holder, asset: Asset) -> Part {
    let holds = match holder {
        Holder::Escrow(_) => Asset::Credit,
        Holder::Bond(_) => Asset::Open,
        Holder::Pool(pool) => pool.asset(),
        Holder::Account(_) | Holder::Custody | Holder::Burned => asset,
    };
    assert!(holds == asset, "{holder:?} holds {}, not {}", holds.symbol(), asset.symbol());
    match holder {
        Holder::Escrow(_) => Part::Escrow,
        Holder::Bond(_) => Part::Bonded,
        Holder::Pool(_) => Part::Pools(asset),
        Holder::Custody => Part::Custody(asset),
        Holder::Account(_) => Part::Balances(asset),
        Holder::Burned => unreachable!("burned money is in no place"),
    }
}
