//! The actions of maturity, and what each reads.

use openledger_types::maturity::{MaturityAction, Measured};
use openledger_types::record::{Pool, Role};
use openledger_types::{AccountId, ContributionId, Domain, Name};

use super::key::MaturityKey;
use super::{evaluators, gate, register, true_up};
use crate::datanets::dispute_key;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{accounts, bonds, escrow, reputation};

pub(crate) fn keys(sender: AccountId, action: &MaturityAction) -> Vec<StateKey> {
    match action {
        MaturityAction::RegisterEvaluator | MaturityAction::RetireEvaluator => evaluator_keys(sender),
        MaturityAction::OpenRound { measured } => {
            let mut keys = measured_keys(measured);
            keys.extend([StateKey::Model(measured.model.clone()), uplift_pool(&measured.model)]);
            keys.extend([MaturityKey::Evaluators.state(), StateKey::Pool(Pool::Verification)]);
            keys
        }
        MaturityAction::CommitUplift { measured, beacon, .. } => {
            let mut keys = measured_keys(measured);
            keys.extend(evaluator_keys(sender));
            keys.extend([
                MaturityKey::Commitment(measured.clone(), sender).state(),
                StateKey::Beacon(*beacon),
            ]);
            keys.push(accounts::key_of_cluster(sender));
            keys
        }
        MaturityAction::RevealUplift { measured, .. } => {
            let mut keys = measured_keys(measured);
            keys.extend([MaturityKey::Commitment(measured.clone(), sender).state()]);
            keys.extend([bonds::key(sender, Role::Evaluator), StateKey::Pool(Pool::Verification)]);
            keys.extend(escrow::keys_of_lock(sender, Role::Evaluator));
            keys.extend(reputation::keys(sender, &Domain::Evaluating));
            keys
        }
        MaturityAction::Mature { measured } => measured_keys(measured),
        MaturityAction::DrawEarly { datanet, contribution, .. } => {
            vec![
                StateKey::Contribution(datanet.clone(), *contribution),
                StateKey::Immature(datanet.clone(), *contribution, sender),
                bonds::key(sender, Role::Data),
            ]
        }
        MaturityAction::SweepImmature { datanet, contribution, owner } => {
            sweep_keys(datanet, *contribution, *owner)
        }
        MaturityAction::EnterUplift { pool, measured } => {
            let mut keys = measured_keys(measured);
            keys.push(StateKey::Pool(pool.clone()));
            keys
        }
        MaturityAction::PayUplift { pool, epoch, measured } => {
            let mut keys = measured_keys(measured);
            keys.extend([StateKey::Pool(pool.clone()), MaturityKey::Uplift(pool.clone(), *epoch).state()]);
            keys.push(true_up::entry_key(pool, *epoch, measured));
            keys
        }
    }
}

fn evaluator_keys(evaluator: AccountId) -> Vec<StateKey> {
    let mut keys = register::keys_of_evaluator(evaluator);
    keys.push(bonds::key(evaluator, Role::Evaluator));
    keys
}

fn measured_keys(measured: &Measured) -> Vec<StateKey> {
    vec![
        MaturityKey::Evaluation(measured.clone()).state(),
        StateKey::Contribution(measured.datanet.clone(), measured.contribution),
        dispute_key(&measured.datanet, measured.contribution),
    ]
}

fn uplift_pool(model: &Name) -> StateKey {
    StateKey::Pool(Pool::Uplift(model.clone()))
}

fn sweep_keys(datanet: &Name, contribution: ContributionId, owner: AccountId) -> Vec<StateKey> {
    vec![
        StateKey::Contribution(datanet.clone(), contribution),
        StateKey::Immature(datanet.clone(), contribution, owner),
        StateKey::Account(owner),
        StateKey::Pool(Pool::Unproven(datanet.clone())),
        StateKey::Pool(Pool::Slashed),
        bonds::key(owner, Role::Data),
    ]
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &MaturityAction) -> Applied {
    match action {
        MaturityAction::RegisterEvaluator => register::register(transition),
        MaturityAction::RetireEvaluator => register::retire(transition),
        MaturityAction::OpenRound { measured } => evaluators::open(transition, measured),
        MaturityAction::CommitUplift { measured, beacon, commitment } => {
            evaluators::commit(transition, measured, *beacon, *commitment)
        }
        MaturityAction::RevealUplift { measured, uplift, salt } => {
            evaluators::reveal(transition, measured, *uplift, salt)
        }
        MaturityAction::Mature { measured } => gate::mature(transition, measured),
        MaturityAction::DrawEarly { datanet, contribution, amount } => {
            gate::draw_early(transition, datanet, *contribution, *amount)
        }
        MaturityAction::SweepImmature { datanet, contribution, owner } => {
            gate::sweep(transition, datanet, *contribution, *owner)
        }
        MaturityAction::EnterUplift { pool, measured } => true_up::enter(transition, pool, measured),
        MaturityAction::PayUplift { pool, epoch, measured } => {
            true_up::pay(transition, pool, *epoch, measured)
        }
    }
}
