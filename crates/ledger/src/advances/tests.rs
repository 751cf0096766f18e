//! The table of advances, and who bears what.

use openledger_types::Rejection::*;
use openledger_types::advances::{AdvanceAction, AdvancePoolRecord, SharesRecord};
use openledger_types::record::{Role, TrancheRecord};
use openledger_types::{Action, Amount};
use proptest::prelude::*;

use super::*;
use crate::StateKey;
use crate::escrow::{Loss, forfeit};
use crate::tests::*;

fn act(action: AdvanceAction) -> Action {
    Action::Advances(action)
}

fn fund(amount: u64) -> Action {
    act(AdvanceAction::FundAdvances { amount: Amount(amount) })
}

fn redeem(shares: u64) -> Action {
    act(AdvanceAction::RedeemShares { shares })
}

fn take(amount: u64) -> Action {
    act(AdvanceAction::TakeAdvance { role: Role::Provider, epoch: 0, amount: Amount(amount) })
}

fn collect(epochs: &[u64]) -> Action {
    let account = account(PROVIDER);
    act(AdvanceAction::CollectAdvances { account, role: Role::Provider, epochs: epochs.to_vec() })
}

fn claim() -> Action {
    Action::ClaimTranches { role: Role::Provider, epochs: vec![0] }
}

/// The provider has 7,000 in the tranche of epoch 0.
fn paid() -> World {
    let mut world =
        World::with(|parameters| parameters.provider_escrow.liquid_low.0 = 0, 1_000_000_000).prepare();
    let batch = world.batch(&[world.terms("base", 15_556, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    world
}

/// And no receipt of that epoch can be drawn and opened any more.
fn earned() -> World {
    let mut world = paid();
    world.pass(4);
    world
}

/// A provider sold what a false answer had earned before the audit could hold it.
#[test]
fn what_may_still_be_drawn_is_not_sold() {
    let mut world = paid();
    world.accept(STRANGER, fund(10_000));
    world.pass(3);
    world.check([(PROVIDER, take(1_000), Err(AdvanceTooMuch))]);
    world.pass(1);
    world.check([(PROVIDER, take(1_000), Ok(()))]);
}

fn pool(world: &World) -> AdvancePoolRecord {
    world.record(&AdvanceKey::Pool.state()).unwrap()
}

/// What somebody has of the pool as it is.
fn shares(world: &World, who: u8) -> u64 {
    let held: SharesRecord = world.record(&AdvanceKey::Shares(account(who)).state()).unwrap_or_default();
    let now: AdvancePoolRecord = world.record(&AdvanceKey::Pool.state()).unwrap_or_default();
    if held.generation == now.generation { held.shares } else { 0 }
}

fn tranche(world: &World) -> TrancheRecord {
    world.record(&StateKey::Tranche(account(PROVIDER), Role::Provider, 0)).unwrap()
}

#[test]
fn the_pool_pays_early_and_is_repaid_first() {
    let mut world = earned();
    assert_eq!(tranche(&world).amount, Amount(7_000));
    world.check([
        (STRANGER, fund(0), Err(AmountZero)),
        (PROVIDER, take(1_000), Err(AdvanceTooMuch)),
        (STRANGER, fund(10_000), Ok(())),
        (STRANGER, redeem(0), Err(AmountZero)),
        (STRANGER, redeem(10_001), Err(SharesTooFew)),
        (PROVIDER, take(0), Err(AmountZero)),
        (PROVIDER, take(5_601), Err(AdvanceTooMuch)),
        (CONSUMER, take(1), Err(TrancheUnknown)),
        (PROVIDER, take(5_000), Ok(())),
        (PROVIDER, take(601), Err(AdvanceTooMuch)),
        (STRANGER, redeem(10_000), Err(AdvanceTooMuch)),
        (CURATOR, collect(&[0]), Err(NothingUnlocked)),
        (CURATOR, collect(&[1, 1]), Err(TranchesInvalid)),
        (CURATOR, collect(&[1]), Err(TrancheUnknown)),
    ]);
    assert_eq!(world.credits(PROVIDER), 1_000_000_000 + 3_500, "a discount of 30 % at reputation 0");
    let after = AdvancePoolRecord {
        cash: Amount(6_500),
        owed: Amount(5_000),
        paid: Amount(3_500),
        shares: 10_000,
        generation: 0,
    };
    assert_eq!(pool(&world), after);
    // A newcomer does not share in what the pool will gain, and gets what it put in.
    world.check([(CONSUMER, fund(1_000), Ok(())), (CONSUMER, redeem(1_000), Ok(()))]);
    assert_eq!(pool(&world), after);
    world.pass(6);
    world.accept(CURATOR, collect(&[0]));
    assert_eq!((tranche(&world).claimed, tranche(&world).pledged), (Amount(3_000), Amount(2_000)));
    world.pass(3);
    world.accept(PROVIDER, claim());
    assert_eq!(world.credits(PROVIDER), 1_000_000_000 + 3_500 + 1_000, "two thirds repay the pool");
    assert_eq!(
        pool(&world),
        AdvancePoolRecord {
            cash: Amount(11_500),
            owed: Amount(0),
            paid: Amount(0),
            shares: 10_000,
            generation: 0
        }
    );
    world.accept(STRANGER, redeem(10_000));
    assert_eq!(world.credits(STRANGER), 1_000_000_000 + 1_500);
    world.pass(1);
    world.accept(PROVIDER, claim());
    assert_eq!(world.account(PROVIDER).escrowed, Amount(0));
}

#[test]
fn the_pool_bears_what_a_fault_takes() {
    let mut world = earned();
    world.check([(STRANGER, fund(10_000), Ok(())), (PROVIDER, take(5_000), Ok(()))]);
    let fault = |world: &mut World, penalty| {
        let loss = Loss { penalty: Amount(penalty), ..Loss::default() };
        world.transit(CURATOR, |transition| {
            forfeit(transition, account(PROVIDER), Role::Provider, &loss).map(drop)
        });
    };
    fault(&mut world, 2_000);
    assert_eq!(
        (tranche(&world).pledged, pool(&world).paid),
        (Amount(5_000), Amount(3_500)),
        "the rest still covers it"
    );
    fault(&mut world, 1_000);
    assert_eq!((tranche(&world).pledged, pool(&world).paid), (Amount(4_000), Amount(2_800)));
    fault(&mut world, 4_000);
    assert_eq!(
        pool(&world),
        AdvancePoolRecord {
            cash: Amount(6_500),
            owed: Amount(0),
            paid: Amount(0),
            shares: 10_000,
            generation: 0
        }
    );
    world.accept(STRANGER, redeem(10_000));
    assert_eq!(world.credits(STRANGER), 1_000_000_000 - 3_500);
}

/// Shares of a pool that had lost everything took a part of the next money that came.
#[test]
fn what_comes_after_a_total_loss_is_not_shared_with_those_who_bore_it() {
    let mut world = earned();
    world.check([(STRANGER, fund(3_500), Ok(())), (PROVIDER, take(5_000), Ok(()))]);
    world.transit(CURATOR, |transition| {
        let loss = Loss { penalty: Amount(7_000), ..Loss::default() };
        forfeit(transition, account(PROVIDER), Role::Provider, &loss).map(drop)
    });
    assert_eq!((pool(&world).cash, pool(&world).paid, pool(&world).shares), (Amount(0), Amount(0), 3_500));
    world.check([
        (CONSUMER, fund(1_000), Ok(())),
        (STRANGER, redeem(1), Err(SharesTooFew)),
        (STRANGER, fund(1_000), Ok(())),
        (STRANGER, redeem(1_001), Err(SharesTooFew)),
        (STRANGER, redeem(1_000), Ok(())),
        (CONSUMER, redeem(1_000), Ok(())),
    ]);
    assert_eq!((world.credits(CONSUMER), world.credits(STRANGER)), {
        let begun = earned();
        (begun.credits(CONSUMER), begun.credits(STRANGER) - 3_500)
    });
}

/// Somebody made the only share worth a hundred credits, and whoever came next paid for almost two and got one.
#[test]
fn a_dear_share_takes_nothing_from_the_next_buyer() {
    let mut world = earned();
    world.accept(PROVIDER, fund(1));
    for _ in 0..100 {
        world.accept(PROVIDER, take(1));
    }
    world.pass(20);
    world.accept(CURATOR, collect(&[0]));
    assert_eq!((pool(&world).cash, pool(&world).shares), (Amount(101), 1));
    let before = world.credits(CONSUMER);
    world.check([(CONSUMER, fund(100), Err(AmountZero)), (CONSUMER, fund(199), Ok(()))]);
    assert_eq!(
        (before - world.credits(CONSUMER), shares(&world, CONSUMER)),
        (101, 1),
        "one share, at its price"
    );
    world.accept(CONSUMER, redeem(1));
    assert_eq!(world.credits(CONSUMER), before);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whoever funds and redeems at once gains nothing, and no sequence pays out more than came in.
    #[test]
    fn shares_are_worth_what_is_in_the_pool(
        steps in prop::collection::vec((0u8..5, 0u8..3, 1u64..20_000), 1..30),
    ) {
        let mut world = earned();
        for (kind, who, amount) in steps {
            let who = [STRANGER, CONSUMER, CURATOR][usize::from(who)];
            let before = world.credits(who);
            let _ = match kind {
                0 => world.send(who, fund(amount)),
                1 => world.send(who, redeem(amount)),
                2 => world.send(PROVIDER, take(amount % 3_000)),
                3 => {
                    world.pass(1);
                    world.send(who, collect(&[0]))
                }
                _ => {
                    let shares = shares(&world, who);
                    if world.send(who, fund(amount)).is_ok() {
                        let now = self::shares(&world, who);
                        // A pool that began anew has none of the shares from before.
                        if world.send(who, redeem(now.saturating_sub(shares).max(1))).is_ok() {
                            prop_assert!(world.credits(who) <= before);
                        }
                    }
                    continue;
                }
            };
            if let Some(pool) = world.record::<AdvancePoolRecord>(&AdvanceKey::Pool.state()) {
                prop_assert!(pool.paid <= pool.owed);
            }
        }
    }
}
