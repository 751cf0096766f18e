//! What other steps do with tranches: paying into one, giving up of one, and in how many rounds a forfeit is loaded.
//!
//! Not checked here: who may ask for it; that is a rule of the step that does.

use openledger_types::record::{Pool, Role, TrancheRecord};
use openledger_types::{
    Amount, Asset, Cause, EPOCHS_INDEXED, EscrowEvent, Event, Forfeited, Holder, Rejection, codec, limits,
};

use super::super::*;
use crate::StateKey;
use crate::state::Stop;
use crate::supply;
use crate::tests::*;

/// A provider with 2,700 in the tranche of epoch 0.
fn earned() -> World {
    let mut world = World::prepared();
    let batch = world.batch(&[world.terms("base", 10_000, 0, &[(1, 1)], 0)]);
    world.accept(GATEWAY, settling(batch));
    world
}

fn tranche(world: &World, role: Role) -> Option<TrancheRecord> {
    world.record(&StateKey::Tranche(account(PROVIDER), role, 0))
}

#[test]
fn what_is_earned_begins_a_tranche_and_nothing_begins_none() {
    let mut world = earned();
    let (who, escrow) = ((account(PROVIDER), Role::Data), world.parameters.provider_escrow);
    let mut earning = |amount| {
        world.transit(CURATOR, |transition| {
            let from = Holder::Pool(Pool::Insurance);
            earn(transition, from, who, escrow, Amount(amount), Cause::Restored)
        })
    };
    let begun = |events: &[Event]| {
        let begun = |event: &&Event| matches!(event, Event::Escrow(EscrowEvent::TrancheBegun { .. }));
        events.iter().filter(begun).count()
    };
    assert_eq!(begun(&earning(0)), 0);
    assert_eq!(begun(&earning(7)), 1);
    assert_eq!(begun(&earning(0)), 0);
    assert_eq!(tranche(&world, Role::Data).unwrap().amount, Amount(7));
    assert_eq!(world.account(PROVIDER).escrowed, Amount(2_707));
}

#[test]
fn what_is_pledged_is_not_given_up() {
    let mut world = earned();
    world.pass(4);
    let key = StateKey::Tranche(account(PROVIDER), Role::Provider, 0);
    let pledged = TrancheRecord { pledged: Amount(700), ..tranche(&world, Role::Provider).unwrap() };
    world.state.insert(key.encode(), codec::encode(&pledged));
    let mut giving = |amount| {
        let mut refused = None;
        world.transit(PROVIDER, |transition| {
            let who = account(PROVIDER);
            match give_up(transition, (who, Role::Provider, 0), Amount(amount)) {
                Err(Stop::Rejected(rejection)) => {
                    refused = Some(rejection);
                    Ok(())
                }
                other => {
                    other?;
                    let (from, to) = (Holder::Escrow(who), Holder::Account(who));
                    supply::shift(transition, from, to, Asset::Credit, Amount(amount), Cause::Refunded)
                }
            }
        });
        refused
    };
    assert_eq!(giving(2_001), Some(Rejection::TrancheTooLow));
    assert_eq!(giving(500), None);
    assert_eq!(giving(1_501), Some(Rejection::TrancheTooLow));
    assert_eq!(giving(1_500), None);
    assert_eq!(giving(1), Some(Rejection::TrancheTooLow));
    assert_eq!(tranche(&world, Role::Provider).unwrap().forfeited, Amount(2_000));
}

#[test]
fn room_is_half_the_collateral_less_the_exposure() {
    let room = |collateral, exposure| room(Amount(collateral), Amount(exposure)).0;
    assert_eq!([room(11, 0), room(11, 3), room(11, 5), room(11, 6)], [5, 2, 0, 0]);
}

/// What the subject and the loss name, then what those name, then the rule: nothing is found one by one.
#[test]
fn a_forfeit_is_loaded_in_two_rounds() {
    let mut world = earned();
    let loss = Loss {
        penalty: Amount(3_000),
        refund: Some((account(CONSUMER), Amount(10))),
        reporter: Some((account(STRANGER), Amount(10))),
        ..Loss::default()
    };
    let mut runs = 0;
    world.transit(CURATOR, |transition| {
        runs += 1;
        forfeit(transition, account(PROVIDER), Role::Provider, &loss).map(drop)
    });
    assert_eq!(runs, 3);
}

/// Whoever left more epochs unsettled than are counted one by one took the oldest tranche out while its audit went on.
#[test]
fn the_oldest_of_too_many_holds_wait_together() {
    let mut world = earned();
    let most = u64::try_from(limits::HELD_EPOCHS_MAX).unwrap();
    let who = account(PROVIDER);
    for epoch in 5..=5 + most {
        world.transit(CURATOR, |transition| hold(transition, (who, Role::Provider, epoch), Amount(1)));
    }
    let held = |world: &mut World, epoch| {
        let mut held = false;
        world.transit(CURATOR, |transition| {
            held = is_held(transition, (who, Role::Provider, epoch))?;
            Ok(())
        });
        held
    };
    assert_eq!([5, 6, 5 + most, 6 + most].map(|epoch| held(&mut world, epoch)), [true, true, true, false]);
    for (settled, left) in [(9, [true, true, false]), (5, [true, true, false]), (6, [false, false, false])] {
        world.transit(CURATOR, |transition| lift(transition, (who, Role::Provider, settled), Amount(1)));
        assert_eq!([5, 6, 9].map(|epoch| held(&mut world, epoch)), left);
    }
}

/// Where OPEN counts for nothing, the whole stake went to one consumer.
#[test]
fn stake_that_counts_for_nothing_refunds_nothing() {
    let mut world = earned();
    world.parameters.collateral_per_open = Amount::ZERO;
    world.state.insert(StateKey::Parameters.encode(), codec::encode(&world.parameters));
    let refund = Some((account(CONSUMER), Amount(5_000)));
    let loss = Loss { penalty: Amount(10_000), refund, ..Loss::default() };
    let mut taken = Forfeited::default();
    world.transit(CURATOR, |transition| {
        taken = forfeit(transition, account(PROVIDER), Role::Provider, &loss)?;
        Ok(())
    });
    assert_eq!((taken.refunded, taken.refunded_open), (Amount(2_700), Amount::ZERO));
    assert_eq!(taken.open, Amount(1_000_000_000));
}

/// A provider below the least stake waits as long as stake does, and no longer than a fault finds its tranche.
#[test]
fn a_long_cliff_ends_while_the_tranche_is_known() {
    let change = |parameters: &mut openledger_types::Parameters| {
        parameters.unbonding_epochs = EPOCHS_INDEXED - 1;
        parameters.provider_stake_min = Amount(2_000_000_000);
    };
    let mut world = World::with(|_| {}, 1_000_000_000).prepare();
    change(&mut world.parameters);
    world.state.insert(StateKey::Parameters.encode(), codec::encode(&world.parameters));
    let batch = world.batch(&[world.terms("base", 10_000, 0, &[(1, 1)], 0)]);
    world.accept(GATEWAY, settling(batch));
    let tranche = tranche(&world, Role::Provider).unwrap();
    assert_eq!(tranche.cliff_epochs + tranche.linear_epochs, EPOCHS_INDEXED - 1);
}
