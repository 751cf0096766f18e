//! The table of stakes and bonds.

use openledger_types::Rejection::*;
use openledger_types::record::{GatewayRecord, ProviderRecord, Role};
use openledger_types::{Action, Amount, Event};

use crate::StateKey;
use crate::tests::{CONSUMER, GATEWAY, PROVIDER, World, account, settling};

fn raise(role: Role, amount: u64) -> Action {
    Action::RaiseBond { role, amount: Amount(amount) }
}

fn unbond(role: Role, amount: u64) -> Action {
    Action::Unbond { role, amount: Amount(amount) }
}

fn release(role: Role, epochs: &[u64]) -> Action {
    Action::ReleaseBond { role, epochs: epochs.to_vec() }
}

fn stake(world: &World) -> u64 {
    world.record::<ProviderRecord>(&StateKey::Provider(account(PROVIDER))).unwrap().stake.0
}

#[test]
fn stake_rises_at_once_and_comes_back_after_the_unbonding_time() {
    let mut world = World::prepared();
    world.check([
        (PROVIDER, raise(Role::Gateway, 1), Err(GatewayUnknown)),
        (CONSUMER, unbond(Role::Provider, 1), Err(ProviderUnknown)),
        (PROVIDER, raise(Role::Provider, 0), Err(AmountZero)),
        (PROVIDER, raise(Role::Provider, 9_000_000_001), Err(BalanceTooLow)),
        (PROVIDER, raise(Role::Provider, 500_000_000), Ok(())),
        (PROVIDER, unbond(Role::Provider, 0), Err(AmountZero)),
        (PROVIDER, unbond(Role::Provider, 1_500_000_001), Err(UnbondTooMuch)),
        (PROVIDER, unbond(Role::Provider, 500_000_001), Err(StakeTooLow)),
        (PROVIDER, unbond(Role::Provider, 200_000_000), Ok(())),
        (PROVIDER, unbond(Role::Provider, 300_000_000), Ok(())),
        (PROVIDER, release(Role::Provider, &[0]), Err(StillUnbonding)),
    ]);
    assert_eq!((stake(&world), world.account(PROVIDER).open.0), (1_000_000_000, 8_500_000_000));
    world.pass(89);
    world.check([
        (PROVIDER, release(Role::Provider, &[0]), Err(StillUnbonding)),
        (PROVIDER, release(Role::Provider, &[1]), Err(UnbondingUnknown)),
        (PROVIDER, release(Role::Provider, &[]), Err(TranchesInvalid)),
        (PROVIDER, release(Role::Provider, &[0, 0]), Err(TranchesInvalid)),
    ]);
    world.pass(1);
    world.check([
        (GATEWAY, release(Role::Provider, &[0]), Err(UnbondingUnknown)),
        (PROVIDER, release(Role::Gateway, &[0]), Err(UnbondingUnknown)),
    ]);
    let events = world.accept(PROVIDER, release(Role::Provider, &[0]));
    assert!(matches!(events[..], [Event::Unbonded { amount: Amount(500_000_000), .. }]));
    assert_eq!(world.account(PROVIDER).open.0, 9_000_000_000);
    world.check([(PROVIDER, release(Role::Provider, &[0]), Err(UnbondingUnknown))]);
}

#[test]
fn whoever_was_paid_liquid_leaves_twice_that_much_collateral_behind() {
    let mut world = World::prepared();
    let batch = world.batch(&[world.terms("base", 50_000_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    let record: ProviderRecord = world.record(&StateKey::Provider(account(PROVIDER))).unwrap();
    assert_eq!(record.exposure.0, 9_000_000, "the low end of the provider share of 50 C");
    world.check([
        (PROVIDER, unbond(Role::Provider, 1_000_000_000), Err(StillExposed)),
        (PROVIDER, raise(Role::Provider, 1), Ok(())),
        (PROVIDER, unbond(Role::Provider, 1), Ok(())),
    ]);
    let gateway: GatewayRecord = world.record(&StateKey::Gateway(account(GATEWAY))).unwrap();
    assert!(gateway.exposure > Amount::ZERO);
    world.check([(GATEWAY, unbond(Role::Gateway, 1_000_000_000), Err(StillExposed))]);
}

#[test]
fn a_business_that_owes_nothing_ends_and_can_begin_again() {
    let mut world = World::prepared();
    world.check([
        (GATEWAY, unbond(Role::Gateway, 1), Err(BondTooLow)),
        (GATEWAY, unbond(Role::Gateway, 1_000_000_000), Ok(())),
    ]);
    let batch = world.batch(&[world.terms("base", 1_000, 0, &[], 1)]);
    world.check([
        (GATEWAY, settling(batch.clone()), Err(BondExceeded)),
        (GATEWAY, raise(Role::Gateway, 999_999_999), Err(BondTooLow)),
        (GATEWAY, raise(Role::Gateway, 1_000_000_000), Ok(())),
        (GATEWAY, settling(batch), Ok(())),
    ]);
}
