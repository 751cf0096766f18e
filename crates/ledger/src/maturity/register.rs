//! The register of evaluators: who may be drawn, and how many there are.

use openledger_types::maturity::{EvaluatorRecord, MaturityEvent};
use openledger_types::record::Role;
use openledger_types::{AccountId, Amount, Event, Rejection};

use super::key::MaturityKey;
use crate::bonds::Bonded;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

pub(super) fn check_bond(transition: &mut Transition<'_>, evaluator: AccountId) -> Applied {
    let least = transition.parameters.maturity.evaluator_bond_min;
    let mut bonded = Bonded::read(transition, evaluator, Role::Evaluator)?;
    if *bonded.amount() < least { Err(Rejection::BondTooLow.into()) } else { Ok(()) }
}

pub(super) fn count(transition: &mut Transition<'_>) -> Applied<u64> {
    Ok(transition.view.get(&MaturityKey::Evaluators.state())?.unwrap_or_default())
}

pub(super) fn register(transition: &mut Transition<'_>) -> Applied {
    let evaluator = transition.sender;
    let key = MaturityKey::Evaluator(evaluator).state();
    if transition.view.get::<EvaluatorRecord>(&key)?.is_some() {
        return Err(Rejection::EvaluatorExists.into());
    }
    check_bond(transition, evaluator)?;
    let count = count(transition)?.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&key, &EvaluatorRecord { since_epoch: transition.epoch() });
    transition.view.put(&MaturityKey::Evaluators.state(), &count);
    transition.emit(Event::Maturity(MaturityEvent::EvaluatorRegistered { evaluator }));
    Ok(())
}

pub(super) fn retire(transition: &mut Transition<'_>) -> Applied {
    let evaluator = transition.sender;
    if remove(transition, evaluator)? { Ok(()) } else { Err(Rejection::EvaluatorUnknown.into()) }
}

/// Whoever takes its bond back evaluates nothing any more, so it must not count among those who are drawn.
pub(crate) fn drop_evaluator(transition: &mut Transition<'_>, evaluator: AccountId, bond: Amount) -> Applied {
    transition.view.need(keys_of_evaluator(evaluator))?;
    if bond < transition.parameters.maturity.evaluator_bond_min {
        remove(transition, evaluator)?;
    }
    Ok(())
}

/// The registration of an evaluator, and how many there are.
pub(crate) fn keys_of_evaluator(evaluator: AccountId) -> Vec<StateKey> {
    vec![MaturityKey::Evaluator(evaluator).state(), MaturityKey::Evaluators.state()]
}

fn remove(transition: &mut Transition<'_>, evaluator: AccountId) -> Applied<bool> {
    let key = MaturityKey::Evaluator(evaluator).state();
    if transition.view.get::<EvaluatorRecord>(&key)?.is_none() {
        return Ok(false);
    }
    let count = count(transition)?.checked_sub(1).expect("every evaluator is counted");
    transition.view.remove(&key);
    transition.view.put(&MaturityKey::Evaluators.state(), &count);
    transition.emit(Event::Maturity(MaturityEvent::EvaluatorRetired { evaluator }));
    Ok(true)
}
