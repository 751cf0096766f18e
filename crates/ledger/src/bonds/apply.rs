//! The transitions of stakes and bonds.

use openledger_types::record::{Role, UnbondingRecord};
use openledger_types::{AccountId, Amount, Asset, Event, Rejection, limits};

use super::bonded::{self, Bonded};
use crate::audits::{self, AuditKey};
use crate::escrow::EscrowKey;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply::{self, Part};
use crate::{accounts, escrow, maturity};

pub(crate) fn keys(account: AccountId, role: Role) -> Vec<StateKey> {
    let mut keys = vec![bonded::key(account, role), EscrowKey::Unbondings(account, role).state()];
    match role {
        Role::Auditor => keys.push(AuditKey::Panel.state()),
        Role::Evaluator => keys.extend(maturity::keys_of_evaluator(account)),
        Role::Provider | Role::Gateway | Role::Builder | Role::Data => {}
    }
    keys
}

pub(crate) fn keys_of_release(account: AccountId, role: Role, epochs: &[u64]) -> Vec<StateKey> {
    let epochs = epochs.iter().take(limits::TRANCHES_PER_CLAIM_MAX);
    let waiting = epochs.map(|epoch| StateKey::Unbonding(account, role, *epoch));
    let others = [EscrowKey::Unbondings(account, role).state(), escrow::key_of_hold(account, role)];
    waiting.chain(others).collect()
}

/// Puts more at stake.
pub(crate) fn raise(transition: &mut Transition<'_>, role: Role, amount: Amount) -> Applied {
    let account = transition.sender;
    let mut bonded = Bonded::read(transition, account, role)?;
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    accounts::spend(transition, account, Asset::Open, amount)?;
    supply::enter(&mut transition.supply, Part::Bonded, amount)?;
    let total = bonded.amount().plus(amount).ok_or(Rejection::AmountOverflow)?;
    check_least(transition, role, total)?;
    *bonded.amount() = total;
    bonded.write(transition, account);
    transition.emit(Event::BondRaised { account, role, amount, total });
    Ok(())
}

/// Begins to take back.
pub(crate) fn unbond(transition: &mut Transition<'_>, role: Role, amount: Amount) -> Applied {
    let (account, epoch) = (transition.sender, transition.epoch());
    let mut bonded = Bonded::read(transition, account, role)?;
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let rest = bonded.amount().minus(amount).ok_or(Rejection::UnbondTooMuch)?;
    if rest != Amount::ZERO {
        check_least(transition, role, rest)?;
    }
    *bonded.amount() = rest;
    let most = bonded.exposure_max(transition.parameters.collateral_per_open);
    if *bonded.exposure() > most {
        return Err(Rejection::StillExposed.into());
    }
    bonded.write(transition, account);
    if role == Role::Auditor && rest == Amount::ZERO {
        audits::drop_auditor(transition, account)?;
    }
    if role == Role::Evaluator {
        maturity::drop_evaluator(transition, account, rest)?;
    }
    let key = StateKey::Unbonding(account, role, epoch);
    // A second request in the same epoch finds the key among the changes or must load it.
    let waiting = transition.view.get::<UnbondingRecord>(&key)?.map_or(Amount::ZERO, |record| record.amount);
    let waiting = waiting.plus(amount).ok_or(Rejection::AmountOverflow)?;
    let releases_in_epoch = epoch.saturating_add(transition.parameters.unbonding_epochs);
    transition.view.put(&key, &UnbondingRecord { amount: waiting, releases_in_epoch });
    escrow::index::add(transition, &EscrowKey::Unbondings(account, role).state(), epoch)?;
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
        if now < waiting.releases_in_epoch || escrow::is_bound(transition, (account, role, *epoch))? {
            return Err(Rejection::StillUnbonding.into());
        }
        transition.view.remove(&key);
        escrow::index::remove(transition, &EscrowKey::Unbondings(account, role).state(), *epoch)?;
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
        Role::Provider => (transition.parameters.provider_stake_min, Rejection::StakeTooLow),
        // Whatever they put up secures that much; nothing asks for a least bond.
        Role::Builder | Role::Data | Role::Evaluator => return Ok(()),
        Role::Auditor => (transition.parameters.audits.bond_min, Rejection::AuditorBondTooLow),
    };
    if amount < least { Err(rejection.into()) } else { Ok(()) }
}
