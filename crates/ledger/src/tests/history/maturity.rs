//! Random evaluations of a few contributions: two that help and one that harms, evaluators who keep to what they committed
//! to or not, early draws against bonds, sweeps, and entries for uplift.

use openledger_types::maturity::{
    EvaluationRecord, EvaluatorRecord, MaturityAction, Measured, UpliftCommitment, uplift_commitment,
};
use openledger_types::record::{BeaconRecord, ContributionRecord, ImmatureRecord, Pool, Role};
use openledger_types::{AccountId, Action, Amount, BondRecord, ContributionId, Hash};

use super::super::*;
use super::{Dice, number_of};
use crate::maturity::{MaturityKey, bounds};
use crate::{StateKey, bonds};

const SALT: Hash = Hash([79; 32]);
const EVALUATORS: usize = 8;

fn subjects() -> [Measured; 3] {
    [("base", 1), ("tuned", 2), ("base", 4)].map(|(model, id)| Measured {
        model: name(model),
        datanet: name("help"),
        contribution: ContributionId([id; 32]),
    })
}

pub(super) fn maturity(world: &World, dice: &mut Dice) -> (u8, Action) {
    let evaluators = evaluators(world);
    if evaluators.len() < EVALUATORS && dice.chance(4) {
        return enter(world, dice);
    }
    if dice.chance(8) {
        return early(world, dice);
    }
    let (who, action) = if dice.chance(10) { stray(world, dice) } else { due(world, dice, &evaluators) };
    (who, Action::Maturity(action))
}

fn evaluators(world: &World) -> Vec<(u8, EvaluatorRecord)> {
    let records = world.records(&MaturityKey::Evaluator(account(0)).state(), 2).into_iter();
    let known = records.filter_map(|(key, record)| match key {
        StateKey::Maturity(MaturityKey::Evaluator(account)) => Some((number_of(account)?, record)),
        _ => None,
    });
    known.collect()
}

fn bond_of(world: &World, who: u8, role: Role) -> BondRecord {
    world.record(&bonds::key(account(who), role)).unwrap_or_default()
}

fn enter(world: &World, dice: &mut Dice) -> (u8, Action) {
    let (who, least) = (dice.below(24) as u8, world.parameters.maturity.evaluator_bond_min);
    if bond_of(world, who, Role::Evaluator).bond < least && !dice.chance(8) {
        return (who, Action::RaiseBond { role: Role::Evaluator, amount: least });
    }
    (who, Action::Maturity(MaturityAction::RegisterEvaluator))
}

/// A bond, and what it secures before maturity; and what never matured.
fn early(world: &World, dice: &mut Dice) -> (u8, Action) {
    let any = StateKey::Immature(name("help"), ContributionId([0; 32]), account(0));
    let held = world.records::<ImmatureRecord>(&any, 1);
    let waits = world.parameters.maturity.wait_epochs_max;
    let late = held.iter().find(|(_, record)| world.epoch() >= record.first_epoch + waits);
    let late = late.filter(|_| dice.chance(3));
    let room = |who: u8| {
        let BondRecord { bond, exposure, .. } = bond_of(world, who, Role::Data);
        let collateral = crate::escrow::collateral(bond, world.parameters.collateral_per_open);
        collateral.0.saturating_sub(exposure.0)
    };
    let wealthy = |who: u8| room(who) > 0 || world.account(who).open.0 > 1_000;
    let able = held.iter().filter(|(key, record)| match key {
        StateKey::Immature(_, _, owner) => record.amount.0 > 0 && number_of(*owner).is_some_and(wealthy),
        _ => false,
    });
    let able: Vec<_> = able.collect();
    let chosen = late.or(able.get(dice.below(able.len() as u64) as usize).copied());
    let Some((StateKey::Immature(datanet, contribution, owner), record)) = chosen else {
        return (dice.who(), Action::Maturity(MaturityAction::RetireEvaluator));
    };
    let (datanet, contribution, owner) = (datanet.clone(), *contribution, *owner);
    let who = number_of(owner).unwrap_or(0);
    if late.is_some() || dice.chance(8) {
        return (
            dice.who(),
            Action::Maturity(MaturityAction::SweepImmature { datanet, contribution, owner }),
        );
    }
    let room = room(who);
    if room == 0 && !dice.chance(8) {
        let amount = dice.amount(world.account(who).open.0 / 4);
        return (who, Action::RaiseBond { role: Role::Data, amount });
    }
    let amount = dice.amount(record.amount.0.min(room));
    (who, Action::Maturity(MaturityAction::DrawEarly { datanet, contribution, amount }))
}

/// The uplift that an evaluator finds in a round.
fn found(measured: &Measured, evaluator: AccountId, round: u32) -> i32 {
    let mean = if measured.contribution.0[0] == 4 { -2_500 } else { 2_500 };
    mean + Dice::about(&(measured, evaluator, round)).below(2_000) as i32
}

/// One round at a time; what can come too late first, then what follows from evaluations.
fn due(world: &World, dice: &mut Dice, evaluators: &[(u8, EvaluatorRecord)]) -> (u8, MaturityAction) {
    let mut soon = Vec::new();
    let mut open = false;
    let window = world.parameters.maturity.window_epochs;
    for measured in subjects() {
        let key = MaturityKey::Evaluation(measured.clone()).state();
        let Some(record) = world.record::<EvaluationRecord>(&key) else { continue };
        open |= world.epoch() <= record.opened_in + 2 * window;
        round(world, &measured, &record, evaluators, &mut soon);
    }
    if !soon.is_empty() {
        return soon.swap_remove(dice.below(soon.len() as u64) as usize);
    }
    let mut found = follows(world, dice);
    if !open || dice.chance(10) {
        let measured = subjects()[dice.below(3) as usize].clone();
        // Whoever has the fees, mostly.
        let rich = (0..24).filter(|who| world.credits(*who) > 10_000_000).nth(dice.below(9) as usize);
        found.push((rich.unwrap_or(dice.who()), MaturityAction::OpenRound { measured }));
    }
    if found.is_empty() {
        return stray(world, dice);
    }
    found.swap_remove(dice.below(found.len() as u64) as usize)
}

fn round(
    world: &World,
    measured: &Measured,
    record: &EvaluationRecord,
    evaluators: &[(u8, EvaluatorRecord)],
    soon: &mut Vec<(u8, MaturityAction)>,
) {
    let (now, window) = (world.epoch(), world.parameters.maturity.window_epochs);
    let drawn = |epoch: &u64| world.record::<BeaconRecord>(&StateKey::Beacon(*epoch)).is_some();
    let Some(beacon) = (record.opened_in + 1..=now).find(drawn) else { return };
    for (who, evaluator) in evaluators {
        let key = MaturityKey::Commitment(measured.clone(), account(*who)).state();
        let committed = world.record::<UpliftCommitment>(&key).filter(|known| known.round == record.round);
        let (measured, uplift) = (measured.clone(), found(measured, account(*who), record.round));
        match committed {
            None if now < beacon + window && evaluator.since_epoch < record.opened_in => {
                let commitment = uplift_commitment(&account(*who), &measured, record.round, uplift, &SALT);
                soon.push((*who, MaturityAction::CommitUplift { measured, beacon, commitment }));
            }
            Some(known) if now >= known.beacon + window && now < known.beacon + 2 * window => {
                soon.push((*who, MaturityAction::RevealUplift { measured, uplift, salt: SALT }));
            }
            _ => {}
        }
    }
}

/// Maturity, entries, and their payment.
fn follows(world: &World, dice: &mut Dice) -> Vec<(u8, MaturityAction)> {
    let mut found = Vec::new();
    for measured in subjects() {
        let key = MaturityKey::Evaluation(measured.clone()).state();
        let Some(record) = world.record::<EvaluationRecord>(&key) else { continue };
        let proven = record.count >= world.parameters.maturity.evaluations_min && bounds(&record).lower > 0;
        let key = StateKey::Contribution(measured.datanet.clone(), measured.contribution);
        let mature = world.record::<ContributionRecord>(&key).expect("the prepared ones stay").mature;
        if proven && !mature {
            found.push((dice.who(), MaturityAction::Mature { measured }));
        } else if proven && dice.chance(3) {
            let pools = [Pool::Uplift(measured.model.clone()), Pool::Unproven(measured.datanet.clone())];
            let pool = pools[dice.below(2) as usize].clone();
            found.push((dice.who(), MaturityAction::EnterUplift { pool, measured }));
        }
    }
    let any = MaturityKey::Entry(Pool::Verification, 0, name("help"), ContributionId([1; 32])).state();
    for (key, _) in world.records::<u64>(&any, 2) {
        if let StateKey::Maturity(MaturityKey::Entry(pool, epoch, datanet, contribution)) = key
            && epoch < world.epoch()
        {
            let model = match &pool {
                Pool::Uplift(model) => model.clone(),
                _ => name("base"),
            };
            let measured = Measured { model, datanet, contribution };
            found.push((dice.who(), MaturityAction::PayUplift { pool, epoch, measured }));
        }
    }
    found
}

fn stray(world: &World, dice: &mut Dice) -> (u8, MaturityAction) {
    let measured = subjects()[dice.below(3) as usize].clone();
    let (datanet, contribution) = (name("help"), ContributionId([dice.byte() % 20; 32]));
    let (owner, epoch) = (account(dice.who()), world.epoch().saturating_sub(dice.below(9)));
    let pool = dice.pick(&["base", "tuned", "third"]);
    let pool = Pool::Uplift(name(pool));
    let action = match dice.below(10) {
        0 => MaturityAction::RegisterEvaluator,
        1 => MaturityAction::RetireEvaluator,
        2 => MaturityAction::OpenRound { measured },
        3 => MaturityAction::CommitUplift { measured, beacon: epoch, commitment: SALT },
        4 => MaturityAction::RevealUplift { measured, uplift: dice.byte().into(), salt: SALT },
        5 => MaturityAction::Mature { measured },
        6 => MaturityAction::DrawEarly { datanet, contribution, amount: Amount(1) },
        7 => MaturityAction::SweepImmature { datanet, contribution, owner },
        8 => MaturityAction::EnterUplift { pool, measured },
        _ => MaturityAction::PayUplift { pool, epoch, measured },
    };
    let known = evaluators(world);
    let known = known.get(dice.below(known.len() as u64) as usize).map(|(who, _)| *who);
    (known.filter(|_| dice.chance(2)).unwrap_or(dice.below(24) as u8), action)
}
