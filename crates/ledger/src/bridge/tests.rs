//! The table of the bridge.

use openledger_types::Rejection::*;
use openledger_types::record::{SupplyRecord, WithdrawalRecord};
use openledger_types::{Action, Amount, Event};

use crate::StateKey;
use crate::tests::{CONSUMER, CURATOR, STRANGER, World, account, bytes32};

/// The bridge in these tables.
const BRIDGE: u8 = CURATOR;

fn bridged() -> World {
    World::with(|parameters| parameters.bridge = Some(account(BRIDGE)), 1_000)
}

fn deposit(amount: u64, reference: u8) -> Action {
    Action::BridgeDeposit { to: account(CONSUMER), amount: Amount(amount), reference: bytes32(reference) }
}

fn withdraw(amount: u64, destination: &str) -> Action {
    Action::Withdraw { amount: Amount(amount), destination: destination.into() }
}

fn complete(number: u64) -> Action {
    Action::CompleteWithdrawal { account: account(CONSUMER), number }
}

fn supply(world: &World) -> SupplyRecord {
    world.record(&StateKey::Supply).unwrap()
}

#[test]
fn a_payment_outside_counts_once_and_only_the_bridge_says_so() {
    let mut world = bridged();
    let before = supply(&world).credits_deposited.0;
    world.check([
        (STRANGER, deposit(5, 1), Err(NotBridge)),
        (BRIDGE, deposit(0, 1), Err(AmountZero)),
        (BRIDGE, deposit(u64::MAX, 1), Err(AmountOverflow)),
        (BRIDGE, deposit(500, 1), Ok(())),
        (BRIDGE, deposit(500, 1), Err(DepositKnown)),
        (BRIDGE, deposit(7, 1), Err(DepositKnown)),
        (BRIDGE, deposit(7, 2), Ok(())),
    ]);
    assert_eq!(world.credits(CONSUMER), 1_507);
    assert_eq!(supply(&world).credits_deposited.0 - before, 507);
}

#[test]
fn a_withdrawal_leaves_at_once_and_is_owed_until_it_is_completed() {
    let mut world = bridged();
    world.check([
        (CONSUMER, withdraw(1, ""), Err(DestinationEmpty)),
        (CONSUMER, withdraw(1, &"x".repeat(513)), Err(TextTooLong)),
        (CONSUMER, withdraw(0, "iban"), Err(AmountZero)),
        (CONSUMER, withdraw(1_001, "iban"), Err(BalanceTooLow)),
    ]);
    let events = world.accept(CONSUMER, withdraw(400, "iban"));
    let Event::Withdrawn { number, .. } = events[0] else { panic!("{events:?}") };
    let owed: WithdrawalRecord = world.record(&StateKey::Withdrawal(account(CONSUMER), number)).unwrap();
    assert_eq!((owed.amount, owed.destination.as_str()), (Amount(400), "iban"));
    assert_eq!((world.credits(CONSUMER), supply(&world).credits_withdrawn), (600, Amount(400)));
    let second = world.accept(CONSUMER, withdraw(400, "iban"));
    assert_ne!(second, events, "two withdrawals are two debts");
    world.check([
        (CONSUMER, complete(number), Err(NotBridge)),
        (BRIDGE, complete(number + 9), Err(WithdrawalUnknown)),
        (BRIDGE, complete(number), Ok(())),
        (BRIDGE, complete(number), Err(WithdrawalUnknown)),
    ]);
    assert_eq!(supply(&world).credits_withdrawn, Amount(800), "completing moves nothing");
}

#[test]
fn without_a_bridge_nothing_crosses() {
    let mut world = World::new();
    world.check([
        (CURATOR, deposit(5, 1), Err(BridgeNone)),
        (CONSUMER, withdraw(5, "iban"), Err(BridgeNone)),
        (CURATOR, complete(1), Err(BridgeNone)),
    ]);
}
