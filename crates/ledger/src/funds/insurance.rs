//! Insurance: what a proven fault left uncovered is owed for a while, and paid out of the pool.

use openledger_types::funds::{ClaimRecord, FundsEvent, FundsRecord};
use openledger_types::record::Pool;
use openledger_types::{AccountId, Amount, Asset, BasisPoints, Cause, Holder, Parameters, Rejection};

use super::apply::emit;
use super::key::FundsKey;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply;

/// What [`owe`] reads.
pub(crate) fn key_of_owing() -> StateKey {
    FundsKey::Funds.state()
}

/// What is insured of a price: what the split takes out of everybody's hands, and nothing that anybody was paid. So whoever
/// buys from themselves and proves their own fault gets back no more than they gave away.
fn insured(paid: Amount, parameters: &Parameters) -> Amount {
    let split = &parameters.split;
    let parts = [split.verification, split.maintenance, split.insurance, split.burn];
    let leaves = parts.iter().fold(0u16, |sum, part| sum.saturating_add(part.0));
    let fee = paid.basis_points(parameters.router_fee_max);
    paid.minus(fee).unwrap_or_default().basis_points(BasisPoints(leaves))
}

/// Makes a debt of the insurance, where a fault was proven and the subject's own money did not cover what was paid.
pub(crate) fn owe(
    transition: &mut Transition<'_>,
    harmed: AccountId,
    (paid, missing): (Amount, Amount),
) -> Applied {
    let amount = missing.min(insured(paid, &transition.parameters));
    if amount == Amount::ZERO {
        return Ok(());
    }
    let key = FundsKey::Funds.state();
    let mut funds: FundsRecord = transition.view.get(&key)?.unwrap_or_default();
    funds.claims = funds.claims.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&key, &funds);
    let until_epoch = transition.epoch().saturating_add(transition.parameters.funds.claim_epochs);
    let from_epoch = transition.epoch();
    let record = ClaimRecord { harmed, amount, until_epoch, from_epoch };
    transition.view.put(&FundsKey::Claim(funds.claims).state(), &record);
    emit(transition, FundsEvent::InsuranceOwed { claim: funds.claims, harmed, amount, until_epoch });
    Ok(())
}

/// Pays a debt: all of it, or as much as one claim may take in an epoch. What is left stays owed until its epoch.
pub(super) fn claim(transition: &mut Transition<'_>, claim: u64) -> Applied {
    let key = FundsKey::Claim(claim).state();
    let mut record: ClaimRecord = transition.view.get(&key)?.ok_or(Rejection::ClaimUnknown)?;
    if record.harmed != transition.sender {
        return Err(Rejection::NotHarmed.into());
    }
    if transition.epoch() > record.until_epoch {
        return Err(Rejection::ClaimLate.into());
    }
    if transition.epoch() < record.from_epoch {
        return Err(Rejection::ClaimEarly.into());
    }
    let held = transition.view.pool(&Pool::Insurance)?;
    let amount = record.amount.min(held.basis_points(transition.parameters.funds.claim_max));
    if amount == Amount::ZERO {
        return Err(Rejection::PoolTooLow.into());
    }
    record.from_epoch = transition.epoch().saturating_add(1);
    record.amount = record.amount.minus(amount).expect("a part of what is owed");
    if record.amount == Amount::ZERO {
        transition.view.remove(&key);
    } else {
        transition.view.put(&key, &record);
    }
    let (from, to) = (Holder::Pool(Pool::Insurance), Holder::Account(record.harmed));
    supply::shift(transition, from, to, Asset::Credit, amount, Cause::Insured)?;
    emit(transition, FundsEvent::InsurancePaid { claim, harmed: record.harmed, amount });
    Ok(())
}
