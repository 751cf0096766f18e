//! What faults take and where it goes: the table of the waterfall, and I6 and I8 as properties.

use openledger_types::record::{
    GatewayRecord, ImmatureRecord, Pool, ProviderRecord, Role, TrancheRecord, UnbondingRecord,
};
use openledger_types::{
    AccountId, Action, Amount, BondRecord, ContributionId, EPOCHS_INDEXED, EpochsRecord, EscrowEvent, Event,
    Forfeited, codec,
};
use proptest::prelude::*;

use super::super::*;
use crate::StateKey;
use crate::tests::*;

fn loss(penalty: u64) -> Loss {
    Loss { penalty: Amount(penalty), ..Loss::default() }
}

fn take(world: &mut World, who: u8, role: Role, loss: &Loss) -> Forfeited {
    let mut taken = Forfeited::default();
    world.transit(CURATOR, |transition| {
        taken = forfeit(transition, account(who), role, loss)?;
        Ok(())
    });
    let credits = [taken.refunded, taken.reported, taken.insured, taken.restored, taken.burned];
    let open = [
        taken.refunded_open,
        taken.reported_open,
        taken.insured_open,
        taken.restored_open,
        taken.burned_open,
    ];
    assert_eq!(Amount::sum(credits), Some(taken.credits));
    assert_eq!(Amount::sum(open), Some(taken.open));
    taken
}

/// A provider with 2,700 in the tranche of epoch 0, 2,700 in that of epoch 1, and 1,000 OPEN at stake.
fn earned() -> World {
    let mut world = World::prepared();
    for _ in 0..2 {
        let batch = world.batch(&[world.terms("base", 10_000, 0, &[(1, 1)], 0)]);
        world.accept(GATEWAY, settling(batch));
        world.pass(1);
    }
    world
}

fn tranche(world: &World, epoch: u64) -> Option<TrancheRecord> {
    world.record(&StateKey::Tranche(account(PROVIDER), Role::Provider, epoch))
}

fn pool(world: &World, pool: Pool) -> u64 {
    world.record::<Amount>(&StateKey::Pool(pool)).unwrap_or_default().0
}

#[test]
fn tranches_pay_first_and_oldest_first() {
    let mut world = earned();
    let insurance = pool(&world, Pool::Insurance);
    let taken = take(&mut world, PROVIDER, Role::Provider, &loss(3_000));
    assert_eq!((taken.credits, taken.insured, taken.burned), (Amount(3_000), Amount(1_500), Amount(1_500)));
    assert_eq!(taken.open, Amount(0));
    assert_eq!(pool(&world, Pool::Insurance), insurance + 1_500);
    assert_eq!(tranche(&world, 0), None);
    let second = tranche(&world, 1).unwrap();
    assert_eq!((second.amount, second.forfeited), (Amount(2_700), Amount(300)));
    // What is left unlocks as it would have; what was taken would have unlocked last.
    for (epoch, due) in [(9, 385), (13, 1_543), (14, 386), (15, 86)] {
        world.pass(epoch - world.context.timestamp_ms / world.parameters.epoch_ms);
        let claim = Action::ClaimTranches { role: Role::Provider, epochs: vec![1] };
        let events = world.accept(PROVIDER, claim);
        assert!(
            matches!(events[..], [Event::TrancheClaimed { amount, .. }] if amount == Amount(due)),
            "{events:?}"
        );
    }
    assert_eq!(tranche(&world, 1), None);
}

#[test]
fn the_waterfall_pays_the_consumer_then_the_reporter_then_insurance_and_fire() {
    let check = |loss: Loss, expected: [u64; 5]| {
        let mut world = earned();
        let (consumer, stranger) = (world.credits(CONSUMER), world.credits(STRANGER));
        let taken = take(&mut world, PROVIDER, Role::Provider, &loss);
        let found = [taken.refunded, taken.reported, taken.insured, taken.restored, taken.burned];
        assert_eq!(found.map(|amount| amount.0), expected, "{loss:?}");
        assert_eq!(world.credits(CONSUMER) - consumer, taken.refunded.0);
        assert_eq!(world.credits(STRANGER) - stranger, taken.reported.0);
    };
    let refund = |amount| Some((account(CONSUMER), Amount(amount)));
    let reporter = |cost| Some((account(STRANGER), Amount(cost)));
    check(Loss { refund: refund(1_000), ..loss(5_000) }, [1_000, 0, 2_000, 0, 2_000]);
    check(Loss { refund: refund(9_000), ..loss(5_000) }, [5_000, 0, 0, 0, 0]);
    check(
        Loss { refund: refund(1_000), reporter: reporter(1_000), ..loss(5_000) },
        [1_000, 1_000, 1_500, 0, 1_500],
    );
    check(
        Loss { refund: refund(1_000), reporter: reporter(10), ..loss(5_000) },
        [1_000, 200, 1_900, 0, 1_900],
    );
    check(Loss { reporter: reporter(u64::MAX), ..loss(5_001) }, [0, 1_250, 1_875, 0, 1_876]);
    // Those who were copied get what would be burned, by their parts.
    let harmed = vec![(account(AUTHOR), 1), (account(COAUTHOR), 2)];
    check(Loss { harmed, ..loss(5_000) }, [0, 0, 2_500, 2_499, 1]);
    // Nothing goes back to the cluster at fault.
    let own = Some((account(PROVIDER), Amount(1_000)));
    let harmed = vec![(account(PROVIDER), 1)];
    check(Loss { refund: own, reporter: own, harmed, ..loss(5_000) }, [0, 0, 2_500, 0, 2_500]);
}

#[test]
fn what_a_contribution_at_fault_holds_goes_first() {
    let mut world = earned();
    let id = ContributionId([1; 32]);
    let key = StateKey::Immature(name("help"), id, account(AUTHOR));
    let held: ImmatureRecord = world.record(&key).unwrap();
    let copied = Loss {
        harmed: vec![(account(SECOND_AUTHOR), 1)],
        contribution: Some((name("help"), id)),
        ..loss(held.amount.0 - 20)
    };
    let taken = take(&mut world, AUTHOR, Role::Data, &copied);
    assert_eq!(taken.restored, Amount((held.amount.0 - 20).div_ceil(2)));
    assert_eq!(world.record::<ImmatureRecord>(&key).unwrap().amount, Amount(20));
    let taken = take(&mut world, AUTHOR, Role::Data, &copied);
    assert_eq!((taken.credits, taken.open), (Amount(20), Amount(0)), "there is no bond");
    assert_eq!(world.record::<ImmatureRecord>(&key), None);
}

#[test]
fn unbonding_stake_is_slashed_before_what_remains() {
    let mut world = earned();
    world.accept(PROVIDER, Action::RaiseBond { role: Role::Provider, amount: Amount(500_000_000) });
    for amount in [100_000_000, 200_000_000] {
        world.accept(PROVIDER, Action::Unbond { role: Role::Provider, amount: Amount(amount) });
        world.pass(1);
    }
    // 5,400 in tranches; the rest of 25 C is 249.946 OPEN at .1 C each.
    let taken = take(&mut world, PROVIDER, Role::Provider, &loss(25_000_000));
    assert_eq!((taken.credits, taken.open), (Amount(5_400), Amount(249_946_000)));
    let unbonding = |world: &World, epoch| {
        let record: Option<UnbondingRecord> =
            world.record(&StateKey::Unbonding(account(PROVIDER), Role::Provider, epoch));
        record.map(|record| record.amount.0)
    };
    assert_eq!((unbonding(&world, 2), unbonding(&world, 3)), (None, Some(50_054_000)));
    let stake =
        |world: &World| world.record::<ProviderRecord>(&StateKey::Provider(account(PROVIDER))).unwrap();
    assert_eq!(stake(&world).stake, Amount(1_200_000_000));
    assert_eq!(pool(&world, Pool::Slashed), 124_973_000);
    // Everything, and then nothing more.
    let taken = take(&mut world, PROVIDER, Role::Provider, &loss(u64::MAX));
    assert_eq!(taken.open, Amount(1_250_054_000));
    assert_eq!((stake(&world).stake, stake(&world).exposure), (Amount(0), Amount(0)));
    assert_eq!(take(&mut world, PROVIDER, Role::Provider, &loss(u64::MAX)), Forfeited::default());
    let epochs =
        world.record::<EpochsRecord>(&EscrowKey::Unbondings(account(PROVIDER), Role::Provider).state());
    assert_eq!(epochs, None);
}

#[test]
fn a_slash_leaves_no_room_and_covering_makes_it() {
    let mut world = World::prepared();
    let batch = world.batch(&[world.terms("base", 50_000_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    let record =
        |world: &World| world.record::<ProviderRecord>(&StateKey::Provider(account(PROVIDER))).unwrap();
    assert_eq!(record(&world).exposure, Amount(9_000_000));
    // All of the tranche (13.5 C), then 90 C of 100 C of the stake.
    take(&mut world, PROVIDER, Role::Provider, &loss(103_500_000));
    assert_eq!((record(&world).stake, record(&world).exposure), (Amount(100_000_000), Amount(5_000_000)));
    let before = world.credits(PROVIDER);
    let batch = world.batch(&[world.terms("base", 1_000_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    assert_eq!(world.credits(PROVIDER), before, "nothing is liquid without room");
    let covered = |world: &mut World, amount| {
        world.transit(CURATOR, |transition| {
            cover(transition, account(PROVIDER), Role::Provider, Amount(amount))
        })
    };
    let exposure = Amount(4_900_000);
    let expected = EscrowEvent::Covered { account: account(PROVIDER), role: Role::Provider, exposure };
    assert_eq!(covered(&mut world, 100_000), [Event::Escrow(expected)]);
    let batch = world.batch(&[world.terms("base", 1_000_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    assert_eq!(world.credits(PROVIDER), before + 100_000);
    covered(&mut world, u64::MAX);
    assert_eq!(record(&world).exposure, Amount(0));
    assert_eq!(covered(&mut world, 1), []);
}

#[test]
fn builders_are_paid_liquid_within_half_of_their_bond() {
    let mut world = World::prepared();
    world.accept(BASE_BUILDER, Action::RaiseBond { role: Role::Builder, amount: Amount(10_000_000) });
    let before = world.credits(BASE_BUILDER);
    for liquid in [450_000, 500_000] {
        let batch = world.batch(&[world.terms("base", 10_000_000, 0, &[], 1)]);
        world.accept(GATEWAY, settling(batch));
        assert_eq!(
            world.credits(BASE_BUILDER) - before,
            liquid,
            "a quarter of 1.8 C, and half of 1 C of collateral"
        );
    }
    let bond: BondRecord =
        world.record(&EscrowKey::Bond(account(BASE_BUILDER), Role::Builder).state()).unwrap();
    assert_eq!((bond.bond, bond.exposure), (Amount(10_000_000), Amount(500_000)));
}

/// Puts a tranche, a stake and pools of any size into a world whose other balances are nothing.
fn arranged(tranches: &[(u64, u64)], stake: u64, waiting: u64) -> World {
    let mut world = World::with(|_| {}, 1_000_000).prepare();
    let who = account(PROVIDER);
    let mut put = |key: StateKey, bytes: Vec<u8>| drop(world.state.insert(key.encode(), bytes));
    let mut epochs = EpochsRecord::default();
    let mut escrowed = 0;
    for (epoch, (amount, claimed)) in (0u64..).zip(tranches) {
        let claimed = Amount(*claimed % amount.max(&1));
        let record = TrancheRecord {
            amount: Amount(*amount),
            claimed,
            forfeited: Amount(0),
            pledged: Amount(0),
            cliff_epochs: 0,
            linear_epochs: 7,
        };
        if record.amount > claimed {
            put(StateKey::Tranche(who, Role::Provider, epoch), codec::encode(&record));
            epochs.insert(epoch);
            escrowed += amount - claimed.0;
        }
    }
    put(EscrowKey::Tranches(who, Role::Provider).state(), codec::encode(&epochs));
    let mut unbondings = EpochsRecord::default();
    if waiting > 0 {
        let record = UnbondingRecord { amount: Amount(waiting), releases_in_epoch: 90 };
        put(StateKey::Unbonding(who, Role::Provider, 0), codec::encode(&record));
        unbondings.insert(0);
    }
    put(EscrowKey::Unbondings(who, Role::Provider).state(), codec::encode(&unbondings));
    let mut provider: ProviderRecord = world.record(&StateKey::Provider(who)).unwrap();
    provider.stake = Amount(stake);
    world.state.insert(StateKey::Provider(who).encode(), codec::encode(&provider));
    let mut owner = world.account(PROVIDER);
    owner.escrowed = Amount(escrowed);
    world.state.insert(StateKey::Account(who).encode(), codec::encode(&owner));
    let mut supply: openledger_types::record::SupplyRecord = world.record(&StateKey::Supply).unwrap();
    let old = supply.open_bonded.0;
    let gateway: GatewayRecord = world.record(&StateKey::Gateway(account(GATEWAY))).unwrap();
    supply.open_bonded = Amount(stake + waiting + gateway.bond.0);
    supply.open_issued = Amount(supply.open_issued.0 - old + supply.open_bonded.0);
    supply.credits_in_escrow = Amount(escrowed);
    supply.credits_deposited.0 += escrowed;
    world.state.insert(StateKey::Supply.encode(), codec::encode(&supply));
    world
}

fn part() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(2), 0u64..100_000, 0u64..1 << 60]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// I8: at most stake and escrow are taken, both columns sum exactly, and nothing goes to the cluster at fault.
    #[test]
    fn a_forfeit_takes_at_most_what_is_there_and_gives_all_of_it(
        tranches in prop::collection::vec((part(), any::<u64>()), 0..4), stake in part(), waiting in part(), penalty in part(),
        paid in part(), cost in part(), harmed in prop::collection::vec((0u8..ACCOUNTS, any::<u64>()), 0..4), own in any::<bool>(),
        price in prop_oneof![Just(0u64), Just(1), 0u64..1_000_000, Just(u64::MAX)],
    ) {
        let mut world = arranged(&tranches, stake, waiting);
        world.parameters.collateral_per_open = Amount(price);
        let harmed: Vec<(AccountId, u64)> = harmed.iter().map(|(who, parts)| (account(*who), *parts)).collect();
        let consumer = account(if own { PROVIDER } else { CONSUMER });
        let loss = Loss {
            penalty: Amount(penalty),
            insured: None,
            refund: Some((consumer, Amount(paid))),
            reporter: Some((account(STRANGER), Amount(cost))),
            reward: None,
            harmed,
            contribution: None,
        };
        let before = world.account(PROVIDER);
        let taken = take(&mut world, PROVIDER, Role::Provider, &loss);
        let after = world.account(PROVIDER);
        prop_assert!(taken.credits <= before.escrowed && taken.credits.0 <= penalty);
        prop_assert!(taken.open.0 <= stake + waiting);
        prop_assert!(taken.refunded.0 <= paid);
        prop_assert_eq!(before.escrowed.0 - after.escrowed.0, taken.credits.0);
        prop_assert_eq!((before.credits, before.open), (after.credits, after.open), "the subject got something back");
        prop_assert!(taken.open == Amount(0) || after.escrowed == Amount(0), "stake paid before the tranches were empty");
        let rest = taken.credits.0 - taken.refunded.0;
        prop_assert!(taken.open > Amount(0) || taken.reported.0 <= (rest / 4).min(cost.saturating_mul(20)));
    }

    /// I6: claimed <= unlocked <= what is left of a tranche, whatever is claimed and forfeited in whatever order.
    #[test]
    fn a_tranche_is_claimed_and_forfeited_within_its_bounds(
        amount in any::<u64>(), steps in prop::collection::vec((any::<bool>(), 0u64..40, any::<u64>()), 1..20),
    ) {
        let mut tranche = TrancheRecord {
            amount: Amount(amount),
            claimed: Amount(0),
            forfeited: Amount(0),
            pledged: Amount(0),
            cliff_epochs: 7,
            linear_epochs: 90,
        };
        let mut now = 0;
        for (claims, elapsed, wanted) in steps {
            now += elapsed;
            if claims {
                tranche.claimed = unlocked(&tranche, 0, now);
            } else {
                let part = remaining(&tranche).min(Amount(wanted));
                tranche.forfeited = tranche.forfeited.plus(part).unwrap();
            }
            let free = unlocked(&tranche, 0, now);
            prop_assert!(tranche.claimed <= free && free.0 <= amount - tranche.forfeited.0);
            prop_assert!(free <= unlocked(&tranche, 0, now + 1));
        }
    }

    /// The bits against a plain set.
    #[test]
    fn epochs_are_a_set_with_a_window(changes in prop::collection::vec((any::<bool>(), 0u64..900), 0..80)) {
        let (mut record, mut reference) = (EpochsRecord::default(), std::collections::BTreeSet::new());
        let mut newest = 0;
        for (add, epoch) in changes {
            if add {
                newest = if reference.is_empty() { epoch } else { newest.max(epoch) };
                record.insert(epoch);
                reference.insert(epoch);
                reference.retain(|epoch| newest - epoch < EPOCHS_INDEXED);
            } else {
                record.remove(epoch);
                reference.remove(&epoch);
            }
            prop_assert_eq!(record.epochs(), reference.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(record.is_empty(), reference.is_empty());
        }
    }
}

#[test]
fn the_last_epoch_is_no_special_case() {
    let mut record = EpochsRecord::default();
    for epoch in [0, u64::MAX, u64::MAX - 255] {
        record.insert(epoch);
    }
    assert_eq!(record.epochs(), [u64::MAX - 255, u64::MAX]);
}
