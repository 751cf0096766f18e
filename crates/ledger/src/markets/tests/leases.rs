//! Leases: the table, and that every prepaid epoch is paid or refunded once.

use openledger_types::Rejection::*;
use openledger_types::markets::LeaseBookRecord;
use openledger_types::{Action, Amount, Event, MarketAction, MarketEvent};
use proptest::prelude::*;

use super::*;
use crate::markets::MarketKey;
use crate::providers::tests::beat;

fn offer(class: &str, capacity: u64, price: u64, epochs_max: u64) -> Action {
    act(MarketAction::OfferLease {
        class: name(class),
        capacity: Amount(capacity),
        price: Amount(price),
        epochs_max,
    })
}

fn take(number: u64, epochs: u64) -> Action {
    act(MarketAction::TakeLease { provider: account(PROVIDER), number, epochs })
}

fn give(number: u64, to: u8) -> Action {
    act(MarketAction::TransferLease { provider: account(PROVIDER), number, to: account(to) })
}

fn collect(number: u64) -> Action {
    act(MarketAction::CollectLease { provider: account(PROVIDER), number })
}

fn withdraw(number: u64) -> Action {
    act(MarketAction::WithdrawLease { number })
}

fn book(world: &World) -> LeaseBookRecord {
    world.record(&MarketKey::LeaseBook(account(PROVIDER)).state()).unwrap()
}

#[test]
fn capacity_is_leased_prepaid_and_paid_for_the_epochs_in_which_it_was_there() {
    let mut world = World::new();
    world.check([
        (PROVIDER, offer("general", 500_000, 1_000, 10), Err(ProviderUnknown)),
        (PROVIDER, provider(1_000_000_000), Ok(())),
        (PROVIDER, offer("ghost", 500_000, 1_000, 10), Err(ClassUnknown)),
        (PROVIDER, offer("general", 0, 1_000, 10), Err(LeaseInvalid)),
        (PROVIDER, offer("general", 500_000, 0, 10), Err(LeaseInvalid)),
        (PROVIDER, offer("general", 500_000, 1_000, 0), Err(LeaseInvalid)),
        (PROVIDER, offer("general", 500_000, 1_000, 721), Err(LeaseInvalid)),
        (PROVIDER, offer("general", 500_000, 1_000, 10), Ok(())),
        (PROVIDER, offer("general", 1, 1, 1), Ok(())),
        (STRANGER, withdraw(2), Err(LeaseUnknown)),
        (PROVIDER, withdraw(2), Ok(())),
        (PROVIDER, withdraw(2), Err(LeaseUnknown)),
        (CONSUMER, take(2, 1), Err(LeaseUnknown)),
        (CONSUMER, take(1, 0), Err(LeaseTooLong)),
        (CONSUMER, take(1, 11), Err(LeaseTooLong)),
        (CONSUMER, take(1, 4), Ok(())),
        (CONSUMER, take(1, 4), Err(LeaseUnknown)),
        (CONSUMER, collect(9), Err(LeaseUnknown)),
        (CONSUMER, collect(1), Err(NothingElapsed)),
        (STRANGER, give(1, STRANGER), Err(NotLeaseHolder)),
        (CONSUMER, give(9, STRANGER), Err(LeaseUnknown)),
        (CONSUMER, give(1, STRANGER), Ok(())),
    ]);
    assert_eq!(world.credits(CONSUMER), 1_000_000_000 - 4_000);
    // Epochs 1 to 4. There in 1 and 3, away in 2, too little in 4.
    world.pass(1);
    world.accept(PROVIDER, beat(&[("general", 500_000, 0)]));
    world.check([(CONSUMER, collect(1), Err(NothingElapsed))]);
    world.pass(2);
    world.accept(PROVIDER, beat(&[("general", 500_000, 0)]));
    let events = world.accept(CONSUMER, collect(1));
    let collected = |event: &Event| match event {
        Event::Markets(MarketEvent::LeaseCollected { kept, missed, .. }) => Some((*kept, *missed)),
        _ => None,
    };
    assert_eq!(events.iter().find_map(collected), Some((1, 1)), "the running epoch waits");
    world.pass(1);
    world.accept(PROVIDER, beat(&[("general", 499_999, 0)]));
    world.pass(5);
    let events = world.accept(CONSUMER, collect(1));
    assert_eq!(events.iter().find_map(collected), Some((1, 1)));
    assert!(book(&world).leases.is_empty());
    assert_eq!(world.account(PROVIDER).escrowed, Amount(2_000));
    assert_eq!(world.credits(STRANGER), 1_000_000_000 + 2_000, "the holder of the time is refunded");
}

#[test]
fn a_provider_has_sixteen_leases_and_keeps_all_or_none_of_a_class() {
    let mut world = World::new();
    world.accept(PROVIDER, provider(1_000_000_000));
    for _ in 0..16 {
        world.accept(PROVIDER, offer("general", 300_000, 1_000, 10));
    }
    world.check([
        (PROVIDER, offer("general", 300_000, 1_000, 10), Err(LeasesTooMany)),
        (CONSUMER, take(1, 2), Ok(())),
        (CONSUMER, take(2, 2), Ok(())),
        (CONSUMER, take(3, 2), Ok(())),
        (CONSUMER, take(4, 2), Ok(())),
    ]);
    world.pass(1);
    // Four times 300,000 is more than the newcomer's allowance of 1 C.
    world.accept(PROVIDER, beat(&[("general", 5_000_000, 0)]));
    assert!(book(&world).leases.iter().all(|lease| lease.kept == 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whenever it is collected, every epoch is paid or refunded exactly once.
    #[test]
    fn every_epoch_is_paid_or_refunded_once(epochs in 1u64..8, price in 1u64..1_000_000, steps in prop::collection::vec(any::<(bool, bool)>(), 1..12)) {
        let mut world = World::new();
        world.accept(PROVIDER, provider(1_000_000_000));
        world.accept(PROVIDER, offer("general", 1_000_000, price, 10));
        world.accept(CONSUMER, take(1, epochs));
        let mut kept = 0;
        for (place, (there, collected)) in (1..).zip(&steps) {
            world.pass(1);
            if *there {
                world.accept(PROVIDER, beat(&[("general", 1_000_000, 0)]));
                kept += u64::from(place <= epochs);
            }
            if *collected {
                let _ = world.send(STRANGER, collect(1));
            }
        }
        world.pass(20);
        let _ = world.send(STRANGER, collect(1));
        prop_assert!(book(&world).leases.is_empty());
        prop_assert_eq!(world.account(PROVIDER).escrowed.0, kept * price);
        prop_assert_eq!(world.credits(CONSUMER), 1_000_000_000 - kept * price);
    }
}
