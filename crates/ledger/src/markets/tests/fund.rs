//! The capacity fund: the table, a whole award, and that bids clear at one price within the budget.

use openledger_types::Rejection::*;
use openledger_types::markets::{AwardRecord, CapacityBid};
use openledger_types::record::Pool;
use openledger_types::{AccountAction, Action, Amount, MarketAction};
use proptest::prelude::*;

use super::*;
use crate::StateKey;
use crate::markets::MarketKey;
use crate::markets::fund::winners;
use crate::providers::tests::{audited, beat};

fn bid(class: &str, capacity: u64, price: u64) -> Action {
    act(MarketAction::BidCapacity { class: name(class), capacity: Amount(capacity), price: Amount(price) })
}

fn end(who: u8) -> Action {
    act(MarketAction::EndAward { class: name("general"), provider: account(who) })
}

fn award(world: &World, who: u8) -> Option<AwardRecord> {
    world.record(&MarketKey::Award(name("general"), account(who)).state())
}

fn fund(world: &World) -> Amount {
    world.record(&StateKey::Pool(Pool::Capacity)).unwrap_or_default()
}

#[test]
fn the_fund_pays_for_new_capacity_that_is_there_and_proven() {
    let mut world = World::prepared();
    let filled = fill_fund(&mut world);
    world.accept(STRANGER, provider(1_000_000_000));
    world.check([
        (CONSUMER, bid("general", 5_000_000, 1_000), Err(ProviderUnknown)),
        (PROVIDER, bid("ghost", 5_000_000, 1_000), Err(ClassUnknown)),
        (PROVIDER, bid("general", 0, 1_000), Err(BidInvalid)),
        (PROVIDER, bid("general", 999, 1_000), Err(BidInvalid)),
        (PROVIDER, bid("general", u64::MAX, u64::MAX), Err(AmountOverflow)),
        (PROVIDER, bid("general", 1_000_000, 200_001), Err(BidTooHigh)),
        (PROVIDER, bid("general", 100_000_001, 100), Err(BidTooHigh)),
        (PROVIDER, bid("general", 50_000_000, 200_000), Err(BidTooHigh)),
        (PROVIDER, bid("general", 5_000_000, 1_000), Ok(())),
        (PROVIDER, bid("general", 5_000_000, 1_000), Err(BidRepeated)),
        (STRANGER, bid("general", 2_000_000, 3_000), Ok(())),
        (STRANGER, end(PROVIDER), Err(AwardUnknown)),
    ]);
    world.pass(1);
    world.accept(CONSUMER, close("general"));
    // Both fit into a tenth of the fund at the dearer price: 24 epochs of 5 C and of 2 C at 3,000 uC each.
    let (first, second) = (award(&world, PROVIDER).unwrap(), award(&world, STRANGER).unwrap());
    assert_eq!((first.price, second.price), (Amount(3_000), Amount(3_000)));
    assert_eq!((first.held, second.held), (Amount(24 * 15_000), Amount(24 * 6_000)));
    assert_eq!(fund(&world).0, filled.0 - 24 * 21_000);
    // Nothing is proven: a heartbeat alone earns nothing.
    let before = world.account(PROVIDER).escrowed;
    world.accept(PROVIDER, beat(&[("general", 50_000_000, 0)]));
    assert_eq!(world.account(PROVIDER).escrowed, before);
    world.pass(1);
    audited(&mut world, PROVIDER, 3);
    world.accept(PROVIDER, beat(&[("general", 50_000_000, 0)]));
    // Three units prove 3 C of the 5 C that were bought.
    assert_eq!(world.account(PROVIDER).escrowed.0 - before.0, 9_000);
    assert_eq!(award(&world, PROVIDER).unwrap().held, Amount(24 * 15_000 - 9_000));
    world.check([
        (PROVIDER, bid("general", 1_000_000, 1_000), Err(BidRepeated)),
        (CONSUMER, end(PROVIDER), Err(AwardRunning)),
    ]);
    world.pass(23);
    let held = award(&world, PROVIDER).unwrap().held;
    world.accept(PROVIDER, beat(&[("general", 50_000_000, 0)]));
    assert_eq!(award(&world, PROVIDER).unwrap().held, held, "an award that is over pays no more");
    let before = fund(&world);
    world.check([(CONSUMER, end(PROVIDER), Ok(())), (CONSUMER, end(PROVIDER), Err(AwardUnknown))]);
    assert_eq!(fund(&world).0, before.0 + held.0);
    world.pass(720);
    world.check([(PROVIDER, bid("general", 1_000_000, 1_000), Err(ClusterNotNew))]);
}

/// A bid for almost nothing, with as much capacity as the round could pay at that price, was taken first; at anybody else's price
/// the round could not pay it, so nobody else was taken.
#[test]
fn a_cheap_bid_leaves_money_for_the_others() {
    let mut world = World::prepared();
    fill_fund(&mut world);
    world.accept(STRANGER, provider(1_000_000_000));
    let largest = (0..40).rev().map(|bit| 1u64 << bit).fold(0, |sum, bit| {
        let fits = world.clone().send(PROVIDER, bid("general", sum + bit, 1_000)).is_ok();
        if fits { sum + bit } else { sum }
    });
    world.check([
        (PROVIDER, bid("general", largest + 1, 1_000), Err(BidTooHigh)),
        (PROVIDER, bid("general", largest, 1_000), Ok(())),
        (STRANGER, bid("general", largest, 200_000), Ok(())),
    ]);
    world.pass(1);
    world.accept(CONSUMER, close("general"));
    let (cheap, honest) = (award(&world, PROVIDER).unwrap(), award(&world, STRANGER).unwrap());
    assert_eq!((cheap.price, honest.price), (Amount(200_000), Amount(200_000)));
}

#[test]
fn a_provider_whose_cluster_has_another_root_has_one_bid() {
    let mut world = World::prepared();
    fill_fund(&mut world);
    // The lowest account names the cluster.
    assert!(account(PROVIDER) < account(STRANGER));
    world.accept(STRANGER, provider(1_000_000_000));
    world.accept(STRANGER, bid("general", 5_000_000, 1_000));
    for (one, other) in [(PROVIDER, STRANGER), (STRANGER, PROVIDER)] {
        world.accept(one, Action::Accounts(AccountAction::DeclareLink { other: account(other) }));
    }
    world.check([(STRANGER, bid("general", 5_000_000, 1_000), Err(ClusterNotNew))]);
}

#[test]
fn a_full_book_takes_a_cheaper_bid_for_the_dearest() {
    let mut world = World::prepared();
    fill_fund(&mut world);
    let key = MarketKey::CapacityBook(name("general")).state();
    let bid_of = |who: u64| CapacityBid {
        provider: openledger_types::AccountId([who as u8; 20]),
        cluster: openledger_types::AccountId([who as u8; 20]),
        capacity: Amount(1_000_000),
        price: Amount(1_000 + who),
    };
    let book = openledger_types::markets::CapacityBookRecord { bids: (0..64).map(bid_of).collect() };
    world.state.insert(key.encode(), codec::encode(&book));
    world.check([
        (PROVIDER, bid("general", 1_000_000, 1_063), Err(BookFull)),
        (PROVIDER, bid("general", 1_000_000, 1_062), Ok(())),
    ]);
    let book: openledger_types::markets::CapacityBookRecord = world.record(&key).unwrap();
    assert_eq!(book.bids.len(), 64);
    assert!(book.bids.iter().all(|bid| bid.price.0 < 1_063));
}

/// A cluster that was in the class for long came to another root, and was new again; two providers of one cluster bid, because
/// each had been alone when it did.
#[test]
fn nobody_is_new_or_alone_by_changing_the_cluster() {
    let mut world = World::prepared();
    fill_fund(&mut world);
    let link = |world: &mut World, one: u8, other: u8| {
        let declare = |other| {
            let other = account(other);
            Action::Accounts(openledger_types::AccountAction::DeclareLink { other })
        };
        world.accept(one, declare(other));
        world.accept(other, declare(one));
    };
    world.accept(STRANGER, provider(1_000_000_000));
    world.accept(STRANGER, bid("general", 1_000_000, 1_000));
    link(&mut world, PROVIDER, STRANGER);
    let root = world.ask(|transition| crate::accounts::cluster_of(transition, account(PROVIDER)));
    let expected = if root == account(PROVIDER) { BidRepeated } else { ClusterNotNew };
    world.check([(PROVIDER, bid("general", 1_000_000, 1_000), Err(expected))]);
    let (moved, stayed) = if root == account(PROVIDER) { (STRANGER, PROVIDER) } else { (PROVIDER, STRANGER) };
    world.pass(1);
    world.accept(CONSUMER, close("general"));
    world.pass(24);
    world.accept(CONSUMER, end(STRANGER));
    world.check([
        (moved, bid("general", 1_000_000, 1_000), Err(ClusterNotNew)),
        (stayed, bid("general", 1_000_000, 1_000), Ok(())),
    ]);
}

proptest! {
    /// One price for all who win, nobody below what it asked, all of it within the budget, whatever the order of bids.
    #[test]
    fn bids_clear_at_one_price_within_the_budget(
        mut bids in prop::collection::vec((1u64..1 << 40, 1u64..1 << 30), 0..20), budget in any::<u64>(), epochs in 1u64..100,
    ) {
        let make = |bids: &[(u64, u64)]| -> Vec<CapacityBid> {
            let bid = |(place, (capacity, price)): (u8, &(u64, u64))| {
                let provider = openledger_types::AccountId([place; 20]);
                CapacityBid { provider, cluster: provider, capacity: Amount(*capacity), price: Amount(*price) }
            };
            (0..).zip(bids).map(bid).collect()
        };
        let all = make(&bids);
        let (taken, price) = winners(all.clone(), Amount(budget), epochs);
        let cost: u128 = taken.iter().map(|bid| u128::from(bid.capacity.0) * u128::from(price.0) / 1_000_000 * u128::from(epochs)).sum();
        prop_assert!(cost <= u128::from(budget));
        prop_assert!(taken.iter().all(|bid| bid.price <= price));
        let dearest = taken.iter().map(|bid| bid.price).max();
        prop_assert_eq!(dearest.unwrap_or_default(), price);
        let cheaper = all.iter().filter(|bid| bid.price < price).count();
        prop_assert!(taken.len() >= cheaper, "a cheaper bid is never passed over for a dearer one");
        let mut reversed = all;
        reversed.reverse();
        prop_assert_eq!(winners(reversed, Amount(budget), epochs), (taken, price));
        bids.clear();
    }
}
