//! Putting money into escrow, and claiming what has unlocked.

use openledger_types::parameters::EscrowParameters;
use openledger_types::record::{ImmatureRecord, Role, TrancheRecord};
use openledger_types::{AccountId, Amount, Asset, ContributionId, Event, Name, Rejection, limits};

use super::key::EscrowKey;
use super::{hold, tranches};
use crate::advances::AdvanceKey;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply::{self, Part};
use crate::{accounts, advances};

pub(crate) fn keys(account: AccountId, role: Role, epochs: &[u64]) -> Vec<StateKey> {
    let epochs = epochs.iter().take(limits::TRANCHES_PER_CLAIM_MAX);
    let tranches = epochs.map(|epoch| StateKey::Tranche(account, role, *epoch));
    let others = [AdvanceKey::Pool.state(), hold::key_of_hold(account, role)];
    tranches.chain(keys_of_lock(account, role)).chain(others).collect()
}

/// What [`lock`] reads beside the tranche of the epoch, which is known only with the parameters.
pub(crate) fn keys_of_lock(account: AccountId, role: Role) -> Vec<StateKey> {
    vec![StateKey::Account(account), EscrowKey::Tranches(account, role).state()]
}

/// Adds a payment to the tranche of this epoch.
pub(crate) fn lock(
    transition: &mut Transition<'_>,
    account: AccountId,
    role: Role,
    escrow: EscrowParameters,
    amount: Amount,
) -> Applied {
    if amount == Amount::ZERO {
        return Ok(());
    }
    tranches::add(transition, (account, role), escrow, amount)?;
    count_in(transition, account, amount)
}

/// Adds to what a contribution holds for an owner until it is mature.
pub(crate) fn hold_immature(
    transition: &mut Transition<'_>,
    account: AccountId,
    datanet: &Name,
    contribution: ContributionId,
    amount: Amount,
) -> Applied {
    if amount == Amount::ZERO {
        return Ok(());
    }
    let key = StateKey::Immature(datanet.clone(), contribution, account);
    let fresh = ImmatureRecord { amount: Amount::ZERO, first_epoch: transition.epoch(), drawn: Amount::ZERO };
    let mut immature = transition.view.get::<ImmatureRecord>(&key)?.unwrap_or(fresh);
    immature.amount = immature.amount.plus(amount).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&key, &immature);
    count_in(transition, account, amount)
}

fn count_in(transition: &mut Transition<'_>, account: AccountId, amount: Amount) -> Applied {
    let mut record = transition.view.account(account)?;
    record.escrowed = record.escrowed.plus(amount).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&StateKey::Account(account), &record);
    supply::enter(&mut transition.supply, Part::Escrow, amount)
}

pub(crate) fn claim(transition: &mut Transition<'_>, role: Role, epochs: &[u64]) -> Applied {
    let count = 1..=limits::TRANCHES_PER_CLAIM_MAX;
    let increasing = epochs.iter().zip(epochs.iter().skip(1)).all(|(one, next)| one < next);
    if !count.contains(&epochs.len()) || !increasing {
        return Err(Rejection::TranchesInvalid.into());
    }
    let account = transition.sender;
    let (mut claimed, mut moved) = (Amount::ZERO, false);
    for epoch in epochs {
        let key = StateKey::Tranche(account, role, *epoch);
        let mut tranche: TrancheRecord = transition.view.get(&key)?.ok_or(Rejection::TrancheUnknown)?;
        let repaid = advances::repay(transition, (account, role, *epoch), &mut tranche)?;
        let due = hold::due(transition, (account, role, *epoch), &tranche)?;
        if (due, repaid) == (Amount::ZERO, Amount::ZERO) {
            continue;
        }
        moved = true;
        tranche.claimed = tranche.claimed.plus(due).ok_or(Rejection::AmountOverflow)?;
        tranches::put(transition, (account, role, *epoch), &tranche)?;
        claimed = claimed.plus(due).ok_or(Rejection::AmountOverflow)?;
        if due > Amount::ZERO {
            transition.emit(Event::TrancheClaimed { account, role, epoch: *epoch, amount: due });
        }
    }
    if !moved {
        return Err(Rejection::NothingUnlocked.into());
    }
    let mut record = transition.view.account(account)?;
    record.escrowed = record.escrowed.minus(claimed).expect("an account's escrow is the sum of its tranches");
    transition.view.put(&StateKey::Account(account), &record);
    supply::leave(&mut transition.supply, Part::Escrow, claimed);
    accounts::receive(transition, account, Asset::Credit, claimed)
}
