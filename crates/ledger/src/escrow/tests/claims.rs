//! The table of claims, and the arithmetic of liquidity.

use openledger_types::Rejection::*;
use openledger_types::record::{Role, TrancheRecord};
use openledger_types::{Action, Amount, Event};
use proptest::prelude::*;

use super::super::*;
use crate::StateKey;
use crate::tests::*;

fn claim(role: Role, epochs: &[u64]) -> Action {
    Action::ClaimTranches { role, epochs: epochs.to_vec() }
}

#[test]
fn tranches_unlock_after_the_cliff_and_linearly() {
    let mut world = World::prepared();
    let epoch = world.parameters.epoch_ms;
    let batch = world.batch(&[world.terms("base", 10_007, 0, &[(1, 1)], 0)]);
    world.accept(GATEWAY, settling(batch));
    let many: Vec<u64> = (0..65).collect();
    world.check([
        (PROVIDER, claim(Role::Provider, &[]), Err(TranchesInvalid)),
        (PROVIDER, claim(Role::Provider, &many), Err(TranchesInvalid)),
        (PROVIDER, claim(Role::Provider, &[0, 0]), Err(TranchesInvalid)),
        (PROVIDER, claim(Role::Provider, &[1, 0]), Err(TranchesInvalid)),
        (PROVIDER, claim(Role::Provider, &[0, 1]), Err(TrancheUnknown)),
        (PROVIDER, claim(Role::Builder, &[0]), Err(TrancheUnknown)),
        (PROVIDER, claim(Role::Provider, &[0]), Err(NothingUnlocked)),
        (AUTHOR, claim(Role::Data, &[0]), Err(TrancheUnknown)),
    ]);
    world.context.timestamp_ms = 7 * epoch;
    world.check([(PROVIDER, claim(Role::Provider, &[0]), Err(NothingUnlocked))]);
    // 2,702 are locked; a seventh of it per epoch.
    for (elapsed, due) in [(8, 386), (9, 386), (13, 1_544), (14, 386)] {
        world.context.timestamp_ms = elapsed * epoch;
        let events = world.accept(PROVIDER, claim(Role::Provider, &[0]));
        let account = account(PROVIDER);
        let expected = Event::TrancheClaimed { account, role: Role::Provider, epoch: 0, amount: Amount(due) };
        assert_eq!(events, [expected], "after {elapsed} epochs");
    }
    assert_eq!(world.account(PROVIDER).escrowed, Amount(0));
    assert_eq!(world.credits(PROVIDER), 1_000_000_000 + 4_503);
    world.context.timestamp_ms = 1_000 * epoch;
    world.check([
        (PROVIDER, claim(Role::Provider, &[0]), Err(TrancheUnknown)),
        (AUTHOR, claim(Role::Data, &[0]), Err(TrancheUnknown)),
        (BASE_BUILDER, claim(Role::Builder, &[0]), Ok(())),
    ]);
    assert_eq!(world.credits(BASE_BUILDER), 1_000_000_000 + 1_801);
    assert_eq!(world.account(AUTHOR).escrowed, Amount(1_360), "the clock of immature data stands still");
}

#[test]
fn a_payment_of_a_later_epoch_starts_its_own_tranche() {
    let mut world = World::prepared();
    for epoch in [0, 0, 3] {
        world.context.timestamp_ms = epoch * world.parameters.epoch_ms;
        let batch = world.batch(&[world.terms("base", 10_000, 0, &[], 1)]);
        world.accept(GATEWAY, settling(batch));
    }
    let locked = |epoch| -> TrancheRecord {
        world.record(&StateKey::Tranche(account(PROVIDER), Role::Provider, epoch)).unwrap()
    };
    assert_eq!((locked(0).amount, locked(3).amount), (Amount(5_400), Amount(2_700)));
    world.context.timestamp_ms = 100 * world.parameters.epoch_ms;
    world.accept(PROVIDER, claim(Role::Provider, &[0, 3]));
    assert_eq!(world.credits(PROVIDER), 1_000_000_000 + 13_500);
}

/// Where nothing waited, a part was collected at once; then a longer cliff began in the same epoch, and less had unlocked than
/// had been claimed.
#[test]
fn a_cliff_that_grows_takes_nothing_back() {
    use openledger_types::advances::AdvanceAction;
    let at_once = |parameters: &mut openledger_types::Parameters| {
        (parameters.builder_escrow.cliff_epochs, parameters.builder_escrow.linear_epochs) = (0, 0);
    };
    let mut world = World::with(at_once, 1_000_000_000).prepare();
    let settle = |world: &mut World| {
        let batch = world.batch(&[world.terms("base", 10_000, 0, &[], 1)]);
        world.accept(GATEWAY, settling(batch));
    };
    settle(&mut world);
    let (account, role) = (account(BASE_BUILDER), Role::Builder);
    for (who, action) in [
        (STRANGER, AdvanceAction::FundAdvances { amount: Amount(10_000) }),
        (BASE_BUILDER, AdvanceAction::TakeAdvance { role, epoch: 0, amount: Amount(1_000) }),
        (STRANGER, AdvanceAction::CollectAdvances { account, role, epochs: vec![0] }),
    ] {
        world.accept(who, Action::Advances(action));
    }
    world.parameters.builder_escrow.cliff_epochs = 5;
    world.state.insert(StateKey::Parameters.encode(), openledger_types::codec::encode(&world.parameters));
    settle(&mut world);
    world.accept(BASE_BUILDER, claim(role, &[0]));
    assert_eq!(world.account(BASE_BUILDER).escrowed, Amount(0));
}

#[test]
fn liquidity_by_reputation_and_collateral() {
    let escrow = World::new().parameters.provider_escrow;
    assert_eq!(liquid_part(Amount(10_000), &escrow, 0), Amount(4_000));
    assert_eq!(liquid_part(Amount(10_000), &escrow, 1 << 31), Amount(6_500));
    assert_eq!(liquid_part(Amount(10_000), &escrow, u32::MAX), Amount(8_999));
    assert_eq!(collateral(Amount(1_000_000_000), Amount(100_000)), Amount(100_000_000));
    assert_eq!(collateral(Amount(u64::MAX), Amount(u64::MAX)), Amount(u64::MAX));
}

proptest! {
    /// I6: claimed <= unlocked <= tranche, and what has unlocked never shrinks.
    #[test]
    fn unlocking_is_monotone_and_bounded(
        amount in any::<u64>(), cliff_epochs in 0u64..20, linear_epochs in 0u64..100, begun in 0u64..1_000, steps in 0u64..200,
    ) {
        let tranche = TrancheRecord {
            amount: Amount(amount), claimed: Amount(0), forfeited: Amount(0), pledged: Amount(0), cliff_epochs, linear_epochs,
        };
        let now = unlocked(&tranche, begun, begun + steps);
        prop_assert!(now <= tranche.amount);
        prop_assert!(now <= unlocked(&tranche, begun, begun + steps + 1));
        if steps < cliff_epochs { prop_assert_eq!(now, Amount(0)); }
        if steps >= cliff_epochs + linear_epochs { prop_assert_eq!(now, tranche.amount); }
        prop_assert_eq!(unlocked(&tranche, begun, u64::MAX), tranche.amount);
        prop_assert_eq!(unlocked(&tranche, u64::MAX, 0), if cliff_epochs + linear_epochs == 0 { tranche.amount } else { Amount(0) });
    }
}
