//! The transitions of stakes and bonds.

use openledger_types::record::{GatewayRecord, ProviderRecord, Role, UnbondingRecord};
use openledger_types::{AccountId, Amount, Asset, Event, Rejection, limits};

use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply::{self, Part};
use crate::{accounts, escrow};

/// Who is bonded, in either role.
enum Bonded {
    Provider(ProviderRecord),
    Gateway(GatewayRecord),
}

impl Bonded {
    fn read(transition: &mut Transition<'_>, role: Role) -> Applied<Self> {
        match role {
            Role::Provider => Ok(Self::Provider(transition.view.provider(transition.sender)?)),
            Role::Gateway => Ok(Self::Gateway(transition.view.gateway(transition.sender)?)),
            Role::Builder | Role::Data => Err(Rejection::RoleNotBonded.into()),
        }
    }

    fn amount(&mut self) -> &mut Amount {
        match self {
            Self::Provider(record) => &mut record.stake,
            Self::Gateway(record) => &mut record.bond,
        }
    }

    fn exposure(&self) -> Amount {
        match self {
            Self::Provider(record) => record.exposure,
            Self::Gateway(record) => record.exposure,
        }
    }

    fn write(&self, transition: &mut Transition<'_>) {
        let account = transition.sender;
        match self {
            Self::Provider(record) => transition.view.put(&StateKey::Provider(account), record),
            Self::Gateway(record) => transition.view.put(&StateKey::Gateway(account), record),
        }
    }
}

pub(crate) fn keys(account: AccountId, role: Role) -> Vec<StateKey> {
    match role {
        Role::Provider => vec![StateKey::Provider(account)],
        Role::Gateway => vec![StateKey::Gateway(account)],
        Role::Builder | Role::Data => Vec::new(),
    }
}

pub(crate) fn keys_of_release(account: AccountId, role: Role, epochs: &[u64]) -> Vec<StateKey> {
    let epochs = epochs.iter().take(limits::TRANCHES_PER_CLAIM_MAX);
    epochs.map(|epoch| StateKey::Unbonding(account, role, *epoch)).collect()
}

/// Puts more at stake.
pub(crate) fn raise(transition: &mut Transition<'_>, role: Role, amount: Amount) -> Applied {
    let mut bonded = Bonded::read(transition, role)?;
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let account = transition.sender;
    accounts::spend(transition, account, Asset::Open, amount)?;
    supply::enter(&mut transition.supply, Part::Bonded, amount)?;
    let total = bonded.amount().plus(amount).ok_or(Rejection::AmountOverflow)?;
    check_least(transition, role, total)?;
    *bonded.amount() = total;
    bonded.write(transition);
    transition.emit(Event::BondRaised { account, role, amount, total });
    Ok(())
}

/// Begins to take back.
pub(crate) fn unbond(transition: &mut Transition<'_>, role: Role, amount: Amount) -> Applied {
    let mut bonded = Bonded::read(transition, role)?;
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let rest = bonded.amount().minus(amount).ok_or(Rejection::UnbondTooMuch)?;
    if rest != Amount::ZERO {
        check_least(transition, role, rest)?;
    }
    let collateral = escrow::collateral(rest, transition.parameters.collateral_per_open);
    if bonded.exposure() > Amount(collateral.0 >> 1) {
        return Err(Rejection::StillExposed.into());
    }
    *bonded.amount() = rest;
    bonded.write(transition);
    let (account, epoch) = (transition.sender, transition.epoch());
    let key = StateKey::Unbonding(account, role, epoch);
    // A second request in the same epoch finds the key among the changes or must load it.
    let waiting = transition.view.get::<UnbondingRecord>(&key)?.map_or(Amount::ZERO, |record| record.amount);
    let waiting = waiting.plus(amount).ok_or(Rejection::AmountOverflow)?;
    let releases_in_epoch = epoch.saturating_add(transition.parameters.unbonding_epochs);
    transition.view.put(&key, &UnbondingRecord { amount: waiting, releases_in_epoch });
    transition.emit(Event::Unbonding { account, role, amount, releases_in_epoch });
    Ok(())
}

/// Takes back what has waited long enough.
pub(crate) fn release(transition: &mut Transition<'_>, role: Role, epochs: &[u64]) -> Applied {
    let count = 1..=limits::TRANCHES_PER_CLAIM_MAX;
    let increasing = epochs.iter().zip(epochs.iter().skip(1)).all(|(one, next)| one < next);
    if !count.contains(&epochs.len()) || !increasing {
        return Err(Rejection::TranchesInvalid.into());
    }
    let (account, now) = (transition.sender, transition.epoch());
    let mut released = Amount::ZERO;
    for epoch in epochs {
        let key = StateKey::Unbonding(account, role, *epoch);
        let waiting: UnbondingRecord = transition.view.get(&key)?.ok_or(Rejection::UnbondingUnknown)?;
        if now < waiting.releases_in_epoch {
            return Err(Rejection::StillUnbonding.into());
        }
        transition.view.remove(&key);
        released = released.plus(waiting.amount).ok_or(Rejection::AmountOverflow)?;
    }
    supply::leave(&mut transition.supply, Part::Bonded, released);
    accounts::receive(transition, account, Asset::Open, released)?;
    transition.emit(Event::Unbonded { account, role, amount: released });
    Ok(())
}

fn check_least(transition: &Transition<'_>, role: Role, amount: Amount) -> Applied {
    let (least, rejection) = match role {
        Role::Gateway => (transition.parameters.gateway_bond_min, Rejection::BondTooLow),
        _ => (transition.parameters.provider_stake_min, Rejection::StakeTooLow),
    };
    if amount < least { Err(rejection.into()) } else { Ok(()) }
}
