//! The treasury of a datanet: an account without a key. It earns like an owner, collects what has unlocked, and pays what its
//! governance decides.

use openledger_types::datanets::treasury_account;
use openledger_types::record::Role;
use openledger_types::{Amount, Asset, Cause, Holder, Name, Rejection};

use super::rules::{self, rules_key};
use crate::escrow;
use crate::execute::Transition;
use crate::state::Applied;
use crate::supply;

/// Pays from a datanet's treasury. Whoever calls this has checked that the datanet's governance wants it.
pub(crate) fn treasury_pay(
    transition: &mut Transition<'_>,
    datanet: &Name,
    to: Holder,
    amount: Amount,
    cause: Cause,
) -> Applied {
    transition.view.datanet(datanet)?;
    let from = Holder::Account(treasury_account(datanet));
    supply::shift(transition, from, to, Asset::Credit, amount, cause)
}

/// What the curator spends without a vote, only on tasks: a small part of the treasury in the window in which grants are counted.
/// Counted by epochs alone, a curator would have emptied it before the datanet's houses can appoint another.
pub(super) fn spend_as_curator(
    transition: &mut Transition<'_>,
    datanet: &Name,
    to: Holder,
    amount: Amount,
    cause: Cause,
) -> Applied {
    let mut rules = rules::rules(transition, datanet)?;
    let held = transition.view.account(treasury_account(datanet))?.credits;
    let window = transition.parameters.governance.grants_epochs;
    let most = transition.parameters.datanets.treasury_spend_max;
    let within = rules.spent.count(transition.epoch(), window, held, amount, most);
    if !within.ok_or(Rejection::AmountOverflow)? {
        return Err(Rejection::TreasuryLimit.into());
    }
    transition.view.put(&rules_key(datanet), &rules);
    treasury_pay(transition, datanet, to, amount, cause)
}

/// Collects what has unlocked of the treasury's tranches. Anybody may.
pub(super) fn collect(transition: &mut Transition<'_>, datanet: &Name, epochs: &[u64]) -> Applied {
    transition.view.datanet(datanet)?;
    let sender = std::mem::replace(&mut transition.sender, treasury_account(datanet));
    let claimed = escrow::claim(transition, Role::Data, epochs);
    transition.sender = sender;
    claimed
}
