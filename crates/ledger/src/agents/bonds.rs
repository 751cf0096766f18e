//! Performance bonds: the OPEN at stake for an agent's work.

use openledger_types::agents::{AgentEvent, AgentId, AgentUnbondingRecord};
use openledger_types::{Amount, Asset, Cause, Event, Holder, Rejection};

use super::AgentKey;
use super::identity::owned;
use crate::execute::Transition;
use crate::state::Applied;
use crate::supply;

pub(crate) fn raise(transition: &mut Transition<'_>, id: AgentId, amount: Amount) -> Applied {
    let mut record = owned(transition, id)?;
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let owner = record.owner;
    record.bond = record.bond.plus(amount).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&AgentKey::Agent(id).state(), &record);
    let total = record.bond;
    transition.emit(Event::Agents(AgentEvent::AgentBondRaised { agent: id, owner, amount, total }));
    let (from, to) = (Holder::Account(owner), Holder::Bond(owner));
    supply::shift(transition, from, to, Asset::Open, amount, Cause::AgentBonded)
}

pub(crate) fn unbond(transition: &mut Transition<'_>, id: AgentId, amount: Amount) -> Applied {
    let mut record = owned(transition, id)?;
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let rest = record.bond.minus(amount).filter(|rest| *rest >= record.at_risk);
    record.bond = rest.ok_or(Rejection::AgentBondTooLow)?;
    transition.view.put(&AgentKey::Agent(id).state(), &record);
    let (owner, epoch) = (record.owner, transition.epoch());
    let key = AgentKey::Unbonding(id, owner, epoch).state();
    let waiting = transition.view.get::<AgentUnbondingRecord>(&key)?;
    let waiting = waiting.map_or(Amount::ZERO, |record| record.amount);
    let waiting = waiting.plus(amount).ok_or(Rejection::AmountOverflow)?;
    let releases_in_epoch = epoch.saturating_add(transition.parameters.unbonding_epochs);
    let record = AgentUnbondingRecord { owner, amount: waiting, releases_in_epoch };
    transition.view.put(&key, &record);
    transition.emit(Event::Agents(AgentEvent::AgentUnbonding {
        agent: id,
        owner,
        amount,
        releases_in_epoch,
    }));
    Ok(())
}

/// Whoever unbonded gets it, also after the agent was sold.
pub(crate) fn release(transition: &mut Transition<'_>, id: AgentId, epoch: u64) -> Applied {
    let owner = transition.sender;
    let key = AgentKey::Unbonding(id, owner, epoch).state();
    let waiting: AgentUnbondingRecord = transition.view.get(&key)?.ok_or(Rejection::AgentUnbondingUnknown)?;
    if transition.epoch() < waiting.releases_in_epoch {
        return Err(Rejection::StillUnbonding.into());
    }
    transition.view.remove(&key);
    let amount = waiting.amount;
    transition.emit(Event::Agents(AgentEvent::AgentUnbonded { agent: id, owner, amount }));
    let (from, to) = (Holder::Bond(owner), Holder::Account(owner));
    supply::shift(transition, from, to, Asset::Open, amount, Cause::AgentBonded)
}
