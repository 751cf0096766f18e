//! The actions of advances, and what each reads.

use openledger_types::advances::{AdvanceAction, AdvanceEvent, AdvancePoolRecord, SharesRecord};
use openledger_types::record::{Role, TrancheRecord};
use openledger_types::{
    AccountId, Amount, Asset, BasisPoints, Cause, Domain, Event, Holder, Rejection, limits,
};

use super::key::AdvanceKey;
use super::pool;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{escrow, reputation, supply};

pub(crate) fn keys(sender: AccountId, action: &AdvanceAction) -> Vec<StateKey> {
    let mut keys = vec![AdvanceKey::Pool.state()];
    match action {
        AdvanceAction::FundAdvances { .. } | AdvanceAction::RedeemShares { .. } => {
            keys.push(AdvanceKey::Shares(sender).state());
        }
        AdvanceAction::TakeAdvance { role, epoch, .. } => {
            keys.extend([StateKey::Tranche(sender, *role, *epoch), escrow::key_of_hold(sender, *role)]);
            if let Some(domain) = domain(*role) {
                keys.extend(reputation::keys(sender, &domain));
            }
        }
        AdvanceAction::CollectAdvances { account, role, epochs } => {
            keys.extend(escrow::keys(*account, *role, epochs));
        }
    }
    keys
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &AdvanceAction) -> Applied {
    match action {
        AdvanceAction::FundAdvances { amount } => fund(transition, *amount),
        AdvanceAction::RedeemShares { shares } => redeem(transition, *shares),
        AdvanceAction::TakeAdvance { role, epoch, amount } => take(transition, *role, *epoch, *amount),
        AdvanceAction::CollectAdvances { account, role, epochs } => {
            collect(transition, *account, *role, epochs)
        }
    }
}

/// Where the role's work is judged; data is judged per datanet, and a tranche does not say which.
fn domain(role: Role) -> Option<Domain> {
    match role {
        Role::Provider => Some(Domain::Serving),
        Role::Builder => Some(Domain::Building),
        Role::Gateway => Some(Domain::Routing),
        Role::Evaluator => Some(Domain::Evaluating),
        Role::Auditor => Some(Domain::Auditing),
        Role::Data => None,
    }
}

/// The sender's shares of this generation; older ones are worth nothing.
fn shares(transition: &mut Transition<'_>, pool: &AdvancePoolRecord) -> Applied<u64> {
    let key = AdvanceKey::Shares(transition.sender).state();
    let held = transition.view.get::<SharesRecord>(&key)?;
    let held = held.filter(|held| held.generation == pool.generation);
    Ok(held.map_or(0, |held| held.shares))
}

fn write(transition: &mut Transition<'_>, pool: AdvancePoolRecord, shares: u64) -> Applied {
    let account = transition.sender;
    let key = AdvanceKey::Shares(account).state();
    if shares == 0 {
        transition.view.remove(&key);
    } else {
        transition.view.put(&key, &SharesRecord { generation: pool.generation, shares });
    }
    pool::write(transition, &pool);
    transition.emit(Event::Advances(AdvanceEvent::SharesChanged { account, shares, pool }));
    Ok(())
}

fn fund(transition: &mut Transition<'_>, amount: Amount) -> Applied {
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let mut pool = pool::read(transition)?;
    let value = pool::value(&pool)?;
    if pool.shares > 0 && value == Amount::ZERO {
        // Shares of a pool that lost everything would share in money that came after the loss.
        pool.generation = pool.generation.checked_add(1).ok_or(Rejection::AmountOverflow)?;
        pool.shares = 0;
    }
    let (bought, amount) = buy(&pool, value, amount)?;
    if bought == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let held = shares(transition, &pool)?.checked_add(bought.0).ok_or(Rejection::AmountOverflow)?;
    pool.cash = pool.cash.plus(amount).ok_or(Rejection::AmountOverflow)?;
    pool.shares = pool.shares.checked_add(bought.0).ok_or(Rejection::AmountOverflow)?;
    let from = Holder::Account(transition.sender);
    supply::shift(transition, from, Holder::Custody, Asset::Credit, amount, Cause::AdvancesFunded)?;
    write(transition, pool, held)
}

/// How many shares an amount buys, and what those cost: never more than one unit above their value, however much one share is
/// worth. What would buy a part of a share stays with the buyer.
fn buy(pool: &AdvancePoolRecord, value: Amount, amount: Amount) -> Result<(Amount, Amount), Rejection> {
    if pool.shares == 0 {
        return Ok((amount, amount));
    }
    let bought = Amount(pool.shares).fraction(amount.0, value.0).ok_or(Rejection::AmountOverflow)?;
    let floor = value.fraction(bought.0, pool.shares).ok_or(Rejection::AmountOverflow)?;
    let exact = u128::from(value.0).checked_mul(u128::from(bought.0));
    let whole = exact.and_then(|exact| exact.checked_rem(u128::from(pool.shares))) == Some(0);
    let cost = floor.plus(Amount(u64::from(!whole))).ok_or(Rejection::AmountOverflow)?;
    Ok((bought, cost))
}

fn redeem(transition: &mut Transition<'_>, count: u64) -> Applied {
    if count == 0 {
        return Err(Rejection::AmountZero.into());
    }
    let mut pool = pool::read(transition)?;
    let left = shares(transition, &pool)?.checked_sub(count).ok_or(Rejection::SharesTooFew)?;
    let worth = pool::value(&pool)?.fraction(count, pool.shares).ok_or(Rejection::AmountOverflow)?;
    pool.cash = pool.cash.minus(worth).ok_or(Rejection::AdvanceTooMuch)?;
    pool.shares = pool.shares.checked_sub(count).expect("the pool counts everybody's shares");
    let to = Holder::Account(transition.sender);
    supply::shift(transition, Holder::Custody, to, Asset::Credit, worth, Cause::AdvancesRedeemed)?;
    write(transition, pool, left)
}

fn take(transition: &mut Transition<'_>, role: Role, epoch: u64, amount: Amount) -> Applied {
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let (account, rules) = (transition.sender, transition.parameters.advances);
    let key = StateKey::Tranche(account, role, epoch);
    let mut tranche: TrancheRecord = transition.view.get(&key)?.ok_or(Rejection::TrancheUnknown)?;
    tranche.pledged = tranche.pledged.plus(amount).ok_or(Rejection::AmountOverflow)?;
    let undrawn = escrow::awaits_draw(transition, role, epoch);
    let held = undrawn || escrow::is_held(transition, (account, role, epoch))?;
    if held || tranche.pledged > escrow::remaining(&tranche).basis_points(rules.tranche_share_max) {
        return Err(Rejection::AdvanceTooMuch.into());
    }
    let reputation = match domain(role) {
        Some(domain) => reputation::of(transition, account, &domain)?,
        None => 0,
    };
    let range = rules.discount_high.0.saturating_sub(rules.discount_low.0);
    let fallen = u64::from(range).saturating_mul(u64::from(reputation)) >> 32;
    let fallen = u16::try_from(fallen).expect("a fraction below one of a u16 fits it");
    let discount = BasisPoints(rules.discount_high.0.saturating_sub(fallen));
    let rest = BasisPoints(BasisPoints::WHOLE.0.saturating_sub(discount.0));
    let paid = amount.basis_points(rest);
    let mut pool = pool::read(transition)?;
    pool.cash = pool.cash.minus(paid).ok_or(Rejection::AdvanceTooMuch)?;
    pool.owed = pool.owed.plus(amount).ok_or(Rejection::AmountOverflow)?;
    pool.paid = pool.paid.plus(paid).ok_or(Rejection::AmountOverflow)?;
    pool::write(transition, &pool);
    transition.view.put(&key, &tranche);
    let to = Holder::Account(account);
    supply::shift(transition, Holder::Custody, to, Asset::Credit, paid, Cause::Advanced)?;
    transition.emit(Event::Advances(AdvanceEvent::AdvanceTaken { account, role, epoch, amount, paid }));
    Ok(())
}

fn collect(transition: &mut Transition<'_>, account: AccountId, role: Role, epochs: &[u64]) -> Applied {
    let increasing = epochs.iter().zip(epochs.iter().skip(1)).all(|(one, next)| one < next);
    if epochs.len() > limits::TRANCHES_PER_CLAIM_MAX || !increasing {
        return Err(Rejection::TranchesInvalid.into());
    }
    let mut collected = Amount::ZERO;
    for epoch in epochs {
        let key = StateKey::Tranche(account, role, *epoch);
        let mut tranche: TrancheRecord = transition.view.get(&key)?.ok_or(Rejection::TrancheUnknown)?;
        let amount = pool::repay(transition, (account, role, *epoch), &mut tranche)?;
        collected = collected.plus(amount).ok_or(Rejection::AmountOverflow)?;
        escrow::put_tranche(transition, (account, role, *epoch), &tranche)?;
    }
    if collected == Amount::ZERO { Err(Rejection::NothingUnlocked.into()) } else { Ok(()) }
}
