//! Mandates: who may spend whose credits, on what, until when.
//!
//! A part of a mandate is a mandate of its own that names everything above it. What it spends is counted by it and by each of
//! those, against the limits of each, so a tree never overshoots in any order; and what ends above ends below.

use openledger_types::agents::{
    AgentEvent, AgentId, Ancestor, MandateId, MandateRecord, MandateTerms, Purpose,
};
use openledger_types::{AccountId, Amount, Asset, Cause, ChannelId, Event, Holder, Name, Rejection, limits};

use super::AgentKey;
use super::key::{agent, counters, mandate, next};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{channels, supply};

/// What a mandate leads to: who pays, the mandates above, and the agents of all of them.
pub(super) fn chain_keys(record: &MandateRecord) -> Vec<StateKey> {
    let above = record.ancestors.iter();
    let above = above.flat_map(|up| [AgentKey::Mandate(up.mandate), AgentKey::Agent(up.agent)]);
    let keys = above.chain([AgentKey::Agent(record.agent)]).map(AgentKey::state);
    keys.chain([StateKey::Account(record.payer)]).collect()
}

fn check_terms(terms: &MandateTerms, epoch: u64) -> Applied {
    fn increasing<T: Ord>(list: &[T]) -> bool {
        list.len() <= limits::MANDATE_LIST_MAX && list.iter().zip(list.iter().skip(1)).all(|(a, b)| a < b)
    }
    let last = epoch.saturating_add(limits::MANDATE_EPOCHS_MAX);
    let valid = terms.total > Amount::ZERO
        && terms.per_epoch > Amount::ZERO
        && terms.per_epoch <= terms.total
        && !terms.purposes.is_empty()
        && increasing(&terms.purposes)
        && increasing(&terms.counterparties)
        && increasing(&terms.models)
        && epoch < terms.expires_in_epoch
        && terms.expires_in_epoch <= last;
    if valid { Ok(()) } else { Err(Rejection::MandateInvalid.into()) }
}

/// The mandate and everything above it, the nearest first, each still in force.
fn chain(transition: &mut Transition<'_>, id: MandateId) -> Applied<Vec<(MandateId, MandateRecord)>> {
    let record = mandate(transition, id)?;
    transition.view.need(chain_keys(&record))?;
    let above: Vec<MandateId> = record.ancestors.iter().map(|up| up.mandate).collect();
    let mut chain = vec![(id, record)];
    for id in above {
        let record = mandate(transition, id)?;
        chain.push((id, record));
    }
    let epoch = transition.epoch();
    for (_, record) in &chain {
        let generation = agent(transition, record.agent)?.generation;
        if record.revoked || epoch >= record.terms.expires_in_epoch || generation != record.generation {
            return Err(Rejection::MandateOver.into());
        }
    }
    Ok(chain)
}

pub(crate) fn grant(
    transition: &mut Transition<'_>,
    to: AgentId,
    terms: &MandateTerms,
    parent: Option<MandateId>,
) -> Applied {
    let generation = agent(transition, to)?.generation;
    check_terms(terms, transition.epoch())?;
    let mut counters = counters(transition)?;
    let (payer, ancestors) = match parent {
        None => (transition.sender, Vec::new()),
        Some(parent) => under(transition, parent, terms)?,
    };
    let id = MandateId(next(&mut counters.mandates)?);
    transition.view.put(&AgentKey::Counters.state(), &counters);
    let record = MandateRecord {
        payer,
        granted_by: transition.sender,
        agent: to,
        generation,
        terms: terms.clone(),
        ancestors,
        parts: 0,
        spent: Amount::ZERO,
        epoch: transition.epoch(),
        spent_in_epoch: Amount::ZERO,
        revoked: false,
    };
    transition.view.put(&AgentKey::Mandate(id).state(), &record);
    let granted = AgentEvent::MandateGranted { mandate: id, parent, payer, agent: to, terms: terms.clone() };
    transition.emit(Event::Agents(granted));
    Ok(())
}

/// Makes room for one more part under a mandate; returns who pays and what is above the part.
fn under(
    transition: &mut Transition<'_>,
    parent: MandateId,
    terms: &MandateTerms,
) -> Applied<(AccountId, Vec<Ancestor>)> {
    let chain = chain(transition, parent)?;
    let (_, mut record) = chain.first().expect("a chain begins with its mandate").clone();
    if agent(transition, record.agent)?.actor() != transition.sender {
        return Err(Rejection::NotAgentActor.into());
    }
    let left = record.terms.total.minus(record.spent).expect("a mandate never overshoots");
    let within = terms.total <= left
        && terms.per_epoch <= record.terms.per_epoch
        && terms.expires_in_epoch <= record.terms.expires_in_epoch;
    if !within {
        return Err(Rejection::MandateExceedsParent.into());
    }
    if chain.len() >= limits::MANDATE_DEPTH_MAX || record.parts >= limits::MANDATE_PARTS_MAX {
        return Err(Rejection::MandateTooDeep.into());
    }
    record.parts = record.parts.saturating_add(1);
    transition.view.put(&AgentKey::Mandate(parent).state(), &record);
    let above = chain.iter().map(|(id, record)| Ancestor { mandate: *id, agent: record.agent });
    Ok((record.payer, above.collect()))
}

/// Ends a mandate, and with it everything under it.
pub(crate) fn revoke(transition: &mut Transition<'_>, id: MandateId) -> Applied {
    let record = mandate(transition, id)?;
    let sender = transition.sender;
    transition.view.need(record.ancestors.first().map(|up| AgentKey::Agent(up.agent).state()))?;
    let above = match record.ancestors.first() {
        None => None,
        Some(up) => Some(agent(transition, up.agent)?.actor()),
    };
    if sender != record.payer && sender != record.granted_by && Some(sender) != above {
        return Err(Rejection::NotMandateParty.into());
    }
    if record.revoked {
        return Err(Rejection::MandateOver.into());
    }
    transition.view.put(&AgentKey::Mandate(id).state(), &MandateRecord { revoked: true, ..record });
    transition.emit(Event::Agents(AgentEvent::MandateRevoked { mandate: id }));
    Ok(())
}

/// What a mandate is asked to pay for.
pub(super) struct Spending<'a> {
    pub(super) purpose: Purpose,
    /// Whoever is paid of it.
    pub(super) counterparties: &'a [AccountId],
    pub(super) model: Option<&'a Name>,
    pub(super) amount: Amount,
}

impl Spending<'_> {
    fn check(&self, payer: AccountId, terms: &MandateTerms) -> Applied {
        let model_right = terms.models.is_empty()
            || match self.purpose {
                Purpose::Pay => false,
                Purpose::Job => self.model.is_some_and(|model| terms.models.contains(model)),
                // The ledger does not see which model answers; the gateway of the channel holds the list.
                Purpose::Inference => true,
            };
        // What goes back to whoever pays needs no name.
        let mut others = self.counterparties.iter().filter(|whom| **whom != payer);
        let whom_right =
            terms.counterparties.is_empty() || others.all(|whom| terms.counterparties.contains(whom));
        let allowed = terms.purposes.contains(&self.purpose) && model_right && whom_right;
        if allowed { Ok(()) } else { Err(Rejection::MandateForbids.into()) }
    }
}

/// Counts a spending against a mandate and everything above it; returns who pays. The caller takes the money.
pub(super) fn count(
    transition: &mut Transition<'_>,
    id: MandateId,
    spending: &Spending<'_>,
) -> Applied<AccountId> {
    if spending.amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let chain = chain(transition, id)?;
    let (_, first) = chain.first().expect("a chain begins with its mandate");
    let (payer, spender) = (first.payer, first.agent);
    if agent(transition, spender)?.actor() != transition.sender {
        return Err(Rejection::NotAgentActor.into());
    }
    let epoch = transition.epoch();
    for (id, mut record) in chain {
        spending.check(payer, &record.terms)?;
        if record.epoch != epoch {
            record.epoch = epoch;
            record.spent_in_epoch = Amount::ZERO;
        }
        let (per_epoch, total) = (record.terms.per_epoch, record.terms.total);
        let add = |sum: Amount, most: Amount| sum.plus(spending.amount).filter(|sum| *sum <= most);
        record.spent_in_epoch =
            add(record.spent_in_epoch, per_epoch).ok_or(Rejection::MandateEpochExhausted)?;
        record.spent = add(record.spent, total).ok_or(Rejection::MandateExhausted)?;
        transition.view.put(&AgentKey::Mandate(id).state(), &record);
    }
    let amount = spending.amount;
    transition.emit(Event::Agents(AgentEvent::MandateSpent { mandate: id, payer, amount }));
    Ok(payer)
}

pub(crate) fn pay(transition: &mut Transition<'_>, id: MandateId, to: AccountId, amount: Amount) -> Applied {
    let spending = Spending { purpose: Purpose::Pay, counterparties: &[to], model: None, amount };
    let payer = count(transition, id, &spending)?;
    let (from, to) = (Holder::Account(payer), Holder::Account(to));
    supply::shift(transition, from, to, Asset::Credit, amount, Cause::MandatePaid)
}

pub(crate) fn top_up(
    transition: &mut Transition<'_>,
    id: MandateId,
    channel: ChannelId,
    amount: Amount,
) -> Applied {
    let counterparty = transition.view.channel(channel)?.gateway;
    let counterparties = &[counterparty];
    let spending = Spending { purpose: Purpose::Inference, counterparties, model: None, amount };
    let payer = count(transition, id, &spending)?;
    channels::fund(transition, channel, payer, amount)
}
