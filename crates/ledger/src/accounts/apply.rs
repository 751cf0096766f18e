//! The transitions of accounts, and the two primitives through which every balance changes.

use openledger_types::{AccountId, Amount, Asset, Event, Rejection};

use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply::{self, Part};

pub(crate) fn keys(to: AccountId) -> Vec<StateKey> {
    vec![StateKey::Account(to)]
}

pub(crate) fn faucet(
    transition: &mut Transition<'_>,
    to: AccountId,
    asset: Asset,
    amount: Amount,
) -> Applied {
    if !transition.parameters.local {
        return Err(Rejection::FaucetClosed.into());
    }
    if amount > transition.parameters.faucet_max {
        return Err(Rejection::FaucetTooMuch.into());
    }
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    supply::deposit(&mut transition.supply, asset, amount)?;
    receive(transition, to, asset, amount)?;
    transition.emit(Event::Deposited { to, asset, amount });
    Ok(())
}

pub(crate) fn transfer(
    transition: &mut Transition<'_>,
    to: AccountId,
    asset: Asset,
    amount: Amount,
) -> Applied {
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let from = transition.sender;
    spend(transition, from, asset, amount)?;
    receive(transition, to, asset, amount)?;
    transition.emit(Event::Transferred { from, to, asset, amount });
    Ok(())
}

/// Adds to a balance.
pub(crate) fn receive(
    transition: &mut Transition<'_>,
    account: AccountId,
    asset: Asset,
    amount: Amount,
) -> Applied {
    let mut record = transition.view.account(account)?;
    let balance = match asset {
        Asset::Credit => &mut record.credits,
        Asset::Open => &mut record.open,
    };
    *balance = balance.plus(amount).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&StateKey::Account(account), &record);
    supply::enter(&mut transition.supply, Part::Balances(asset), amount)
}

/// Takes from a balance. The only place where one falls, so limits of sessions are counted here.
pub(crate) fn spend(
    transition: &mut Transition<'_>,
    account: AccountId,
    asset: Asset,
    amount: Amount,
) -> Applied {
    let mut record = transition.view.account(account)?;
    let balance = match asset {
        Asset::Credit => &mut record.credits,
        Asset::Open => &mut record.open,
    };
    *balance = balance.minus(amount).ok_or(Rejection::BalanceTooLow)?;
    transition.view.put(&StateKey::Account(account), &record);
    transition.count_spending(asset, amount)?;
    supply::leave(&mut transition.supply, Part::Balances(asset), amount);
    Ok(())
}
