//! The table of accounts.

use openledger_types::Rejection::{AmountOverflow, AmountZero, BalanceTooLow, FaucetClosed, FaucetTooMuch};
use openledger_types::{Action, Amount, Asset};

use crate::tests::{STRANGER, World, account, transfer};

fn faucet(amount: u64) -> Action {
    Action::Faucet { to: account(STRANGER), asset: Asset::Credit, amount: Amount(amount) }
}

#[test]
fn balances_move_and_never_go_below_zero() {
    let mut world = World::new();
    world.check([
        (0, transfer(1, Asset::Credit, 0), Err(AmountZero)),
        (0, transfer(1, Asset::Credit, 1_000_000_001), Err(BalanceTooLow)),
        (0, transfer(1, Asset::Credit, 1_000_000_000), Ok(())),
        (0, transfer(1, Asset::Credit, 1), Err(BalanceTooLow)),
        (0, transfer(1, Asset::Open, 1), Ok(())),
        (1, transfer(1, Asset::Credit, 2_000_000_000), Ok(())),
        (1, transfer(1, Asset::Credit, 2_000_000_001), Err(BalanceTooLow)),
    ]);
    assert_eq!((world.credits(0), world.credits(1)), (0, 2_000_000_000));
}

#[test]
fn the_faucet_gives_a_bounded_amount_on_local_networks_only() {
    World::new().check([
        (0, faucet(1_000_000_000_001), Err(FaucetTooMuch)),
        (0, faucet(0), Err(AmountZero)),
        (0, faucet(1_000_000_000_000), Ok(())),
    ]);
    let mut closed = World::with(|parameters| parameters.local = false, 1);
    closed.check([(0, faucet(0), Err(FaucetClosed)), (0, faucet(1), Err(FaucetClosed))]);
    let mut full = World::with(|parameters| parameters.faucet_max = Amount(u64::MAX), 1);
    full.check([(0, faucet(u64::MAX), Err(AmountOverflow)), (0, faucet(u64::MAX - 12), Ok(()))]);
}
