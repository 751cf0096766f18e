//! Who an agent is: registration, wallet, owner.

use openledger_types::agents::{AgentEvent, AgentId, AgentProfile, AgentRecord};
use openledger_types::{AccountId, Amount, Asset, Cause, Event, Holder, Rejection};

use super::AgentKey;
use super::key::{agent, counters, next};
use crate::execute::{Transition, check_text};
use crate::state::Applied;
use crate::supply;

fn check_profile(profile: &AgentProfile) -> Applied {
    check_text(&profile.domain)?;
    check_text(&profile.uri)
}

fn describe(transition: &mut Transition<'_>, id: AgentId, record: &AgentRecord) {
    transition.view.put(&AgentKey::Agent(id).state(), record);
    let (owner, profile) = (record.owner, record.profile.clone());
    transition.emit(Event::Agents(AgentEvent::AgentDescribed { agent: id, owner, profile }));
}

pub(crate) fn register(transition: &mut Transition<'_>, profile: &AgentProfile) -> Applied {
    check_profile(profile)?;
    let mut counters = counters(transition)?;
    let id = AgentId(next(&mut counters.agents)?);
    transition.view.put(&AgentKey::Counters.state(), &counters);
    let record = AgentRecord {
        owner: transition.sender,
        wallet: None,
        named: None,
        profile: profile.clone(),
        generation: 0,
        bond: Amount::ZERO,
        at_risk: Amount::ZERO,
    };
    describe(transition, id, &record);
    Ok(())
}

/// The agent, for its owner alone.
pub(super) fn owned(transition: &mut Transition<'_>, id: AgentId) -> Applied<AgentRecord> {
    let record = agent(transition, id)?;
    if record.owner == transition.sender { Ok(record) } else { Err(Rejection::NotAgentOwner.into()) }
}

pub(crate) fn update(transition: &mut Transition<'_>, id: AgentId, profile: &AgentProfile) -> Applied {
    let record = owned(transition, id)?;
    check_profile(profile)?;
    describe(transition, id, &AgentRecord { profile: profile.clone(), ..record });
    Ok(())
}

pub(crate) fn set_wallet(transition: &mut Transition<'_>, id: AgentId, wallet: Option<AccountId>) -> Applied {
    let mut record = owned(transition, id)?;
    // The owner needs nobody's consent to act, or to name nobody.
    let named = wallet.filter(|wallet| *wallet != record.owner);
    record.named = named;
    let event = match named {
        Some(wallet) => AgentEvent::AgentWalletNamed { agent: id, wallet },
        None => {
            record.wallet = None;
            AgentEvent::AgentWalletSet { agent: id, wallet: None }
        }
    };
    transition.view.put(&AgentKey::Agent(id).state(), &record);
    transition.emit(Event::Agents(event));
    Ok(())
}

pub(crate) fn accept_wallet(transition: &mut Transition<'_>, id: AgentId) -> Applied {
    let mut record = agent(transition, id)?;
    if record.named != Some(transition.sender) {
        return Err(Rejection::AgentWalletNotNamed.into());
    }
    record.wallet = record.named.take();
    transition.view.put(&AgentKey::Agent(id).state(), &record);
    let wallet = record.wallet;
    transition.emit(Event::Agents(AgentEvent::AgentWalletSet { agent: id, wallet }));
    Ok(())
}

/// Another owner: nobody acts by the old one's leave, and mandates to the agent were to the old one. The bond goes along, for
/// jobs that run put it at risk; a drifting agent is not sold.
pub(crate) fn transfer(transition: &mut Transition<'_>, id: AgentId, to: AccountId) -> Applied {
    let mut record = owned(transition, id)?;
    let from = record.owner;
    if to == from {
        return Err(Rejection::NewAgentOwnerInvalid.into());
    }
    record.owner = to;
    record.wallet = None;
    record.named = None;
    record.generation = record.generation.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&AgentKey::Agent(id).state(), &record);
    transition.emit(Event::Agents(AgentEvent::AgentTransferred { agent: id, from, to }));
    supply::shift(
        transition,
        Holder::Bond(from),
        Holder::Bond(to),
        Asset::Open,
        record.bond,
        Cause::AgentTransferred,
    )
}
