//! What audits hold: the list of epochs and its limit, and what waits because of it. That audits call it is a matter of theirs.

use openledger_types::escrow::HoldRecord;
use openledger_types::record::Role;
use openledger_types::{Amount, limits};

use super::super::*;
use crate::tests::*;

const WHO: (u8, Role) = (PROVIDER, Role::Provider);

fn holding(world: &mut World, epoch: u64, amount: u64) {
    let at = (account(WHO.0), WHO.1, epoch);
    world.transit(STRANGER, |transition| hold(transition, at, Amount(amount)));
}

fn lifting(world: &mut World, epoch: u64, amount: u64) {
    let at = (account(WHO.0), WHO.1, epoch);
    world.transit(STRANGER, |transition| lift(transition, at, Amount(amount)));
}

fn held(world: &World) -> Vec<(u64, u32, u64)> {
    let record: HoldRecord = world.record(&key_of_hold(account(WHO.0), WHO.1)).unwrap_or_default();
    record.epochs.iter().map(|held| (held.epoch, held.checks, held.amount.0)).collect()
}

fn at_risk_now(world: &World) -> u64 {
    world.ask(|transition| at_risk(transition, account(WHO.0), WHO.1)).0
}

#[test]
fn every_check_is_held_and_lifted_once() {
    let mut world = World::prepared();
    for (epoch, amount) in [(9, 5), (7, 1), (9, 2)] {
        holding(&mut world, epoch, amount);
    }
    assert_eq!((held(&world), at_risk_now(&world)), (vec![(7, 1, 1), (9, 2, 7)], 8));
    let waits = |world: &World, epoch| {
        let at = (account(WHO.0), WHO.1, epoch);
        world.ask(|transition| Ok((is_held(transition, at)?, is_bound(transition, at)?)))
    };
    // A tranche waits for checks of its own epoch, OPEN for all of work until it was unbonded.
    let all = [6, 7, 8, 9, 10].map(|epoch| waits(&world, epoch));
    assert_eq!(all, [(false, false), (true, true), (false, true), (true, true), (false, true)]);
    lifting(&mut world, 9, 5);
    lifting(&mut world, 7, 1);
    assert_eq!(held(&world), [(9, 1, 2)]);
    lifting(&mut world, 9, 2);
    assert_eq!((held(&world), waits(&world, 10)), (vec![], (false, false)));
}

#[test]
fn the_oldest_of_too_many_epochs_are_held_together() {
    let mut world = World::prepared();
    let most = u64::try_from(limits::HELD_EPOCHS_MAX).unwrap();
    for epoch in 0..most {
        holding(&mut world, epoch, 3);
    }
    assert_eq!((held(&world).len(), held(&world)[0]), (limits::HELD_EPOCHS_MAX, (0, 1, 3)));
    holding(&mut world, most, 3);
    assert_eq!((held(&world).len(), held(&world)[0]), (limits::HELD_EPOCHS_MAX, (1, 2, 6)));
    lifting(&mut world, 0, 3);
    assert_eq!((held(&world)[0], at_risk_now(&world)), ((1, 1, 3), 3 * most));
}

#[test]
fn whoever_is_at_fault_risks_everything() {
    let mut world = World::prepared();
    let accusing = |world: &mut World, faulty| {
        world.transit(STRANGER, |transition| accuse(transition, account(WHO.0), WHO.1, faulty));
    };
    accusing(&mut world, true);
    accusing(&mut world, true);
    accusing(&mut world, false);
    let at = (account(WHO.0), WHO.1, 3);
    assert!(world.ask(|transition| is_held(transition, at)));
    assert!(world.ask(|transition| is_bound(transition, at)));
    assert_eq!(at_risk_now(&world), u64::MAX);
    accusing(&mut world, false);
    assert!(!world.ask(|transition| is_held(transition, at)));
    assert_eq!(at_risk_now(&world), 0);
}
