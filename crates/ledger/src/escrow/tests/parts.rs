//! What other steps do with tranches: paying into one, giving up of one, and in how many rounds a forfeit is loaded.
//!
//! Not checked here: who may ask for it; that is a rule of the step that does.

use openledger_types::record::{Pool, Role, TrancheRecord};
use openledger_types::{Amount, Asset, Cause, EscrowEvent, Event, Holder, Rejection, codec};

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
