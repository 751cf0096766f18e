//! Insurance: what a proven fault left uncovered is owed for a while, and paid out of the pool.

use openledger_types::funds::{ClaimRecord, FundsEvent, FundsRecord};
use openledger_types::record::Pool;
use openledger_types::{AccountId, Amount, Asset, Cause, Holder, Rejection};

use super::apply::emit;
use super::key::FundsKey;
use crate::execute::Transition;
use crate::state::Applied;
use crate::supply;

/// Makes a debt of the insurance; whoever proves a fault calls it with what the subject's own money did not cover.
#[allow(dead_code, reason = "audits call it when a proven fault is not covered")]
pub(crate) fn owe(transition: &mut Transition<'_>, harmed: AccountId, amount: Amount) -> Applied {
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
