//! The transitions of the bridge.

use openledger_types::record::{DepositRecord, WithdrawalRecord};
use openledger_types::{AccountId, Amount, Asset, Event, Hash, Rejection};

use crate::accounts;
use crate::execute::{Transition, check_text};
use crate::state::{Applied, StateKey};
use crate::supply;

pub(crate) fn keys_of_deposit(to: AccountId, reference: Hash) -> Vec<StateKey> {
    vec![StateKey::Account(to), StateKey::Deposit(reference)]
}

pub(crate) fn keys_of_completion(account: AccountId, number: u64) -> Vec<StateKey> {
    vec![StateKey::Withdrawal(account, number)]
}

pub(crate) fn deposit(
    transition: &mut Transition<'_>,
    to: AccountId,
    amount: Amount,
    reference: Hash,
) -> Applied {
    check_bridge(transition)?;
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let key = StateKey::Deposit(reference);
    if transition.view.get::<DepositRecord>(&key)?.is_some() {
        return Err(Rejection::DepositKnown.into());
    }
    supply::deposit(&mut transition.supply, Asset::Credit, amount)?;
    accounts::receive(transition, to, Asset::Credit, amount)?;
    transition.view.put(&key, &DepositRecord { account: to, amount, height: transition.context.height });
    transition.emit(Event::BridgeDeposited { to, amount, reference });
    Ok(())
}

pub(crate) fn withdraw(transition: &mut Transition<'_>, amount: Amount, destination: &str) -> Applied {
    if transition.parameters.bridge.is_none() {
        return Err(Rejection::BridgeNone.into());
    }
    check_text(destination)?;
    if destination.is_empty() {
        return Err(Rejection::DestinationEmpty.into());
    }
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let account = transition.sender;
    accounts::spend(transition, account, Asset::Credit, amount)?;
    supply::withdraw(&mut transition.supply, amount)?;
    // The nonce was counted up when the transaction was admitted.
    let number = transition.view.account(account)?.nonce;
    let destination = destination.to_owned();
    let record =
        WithdrawalRecord { amount, destination: destination.clone(), height: transition.context.height };
    transition.view.put(&StateKey::Withdrawal(account, number), &record);
    transition.emit(Event::Withdrawn { account, number, amount, destination });
    Ok(())
}

pub(crate) fn complete(transition: &mut Transition<'_>, account: AccountId, number: u64) -> Applied {
    check_bridge(transition)?;
    let key = StateKey::Withdrawal(account, number);
    if transition.view.get::<WithdrawalRecord>(&key)?.is_none() {
        return Err(Rejection::WithdrawalUnknown.into());
    }
    transition.view.remove(&key);
    transition.emit(Event::WithdrawalCompleted { account, number });
    Ok(())
}

fn check_bridge(transition: &Transition<'_>) -> Applied {
    match transition.parameters.bridge {
        None => Err(Rejection::BridgeNone.into()),
        Some(bridge) if bridge == transition.sender => Ok(()),
        Some(_) => Err(Rejection::NotBridge.into()),
    }
}
