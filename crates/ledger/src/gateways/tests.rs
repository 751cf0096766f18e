//! The table of gateways.

use openledger_types::Amount;
use openledger_types::Rejection::*;

use crate::tests::{GATEWAY, World, gateway};

#[test]
fn gateways_bond_and_quote_a_bounded_fee() {
    let mut world = World::new();
    world.check([
        (GATEWAY, gateway(999_999_999, 1_001), Err(BondTooLow)),
        (GATEWAY, gateway(1_000_000_000, 1_001), Err(RouterFeeTooHigh)),
        (GATEWAY, gateway(10_000_000_001, 1_000), Err(BalanceTooLow)),
        (GATEWAY, gateway(1_000_000_000, 1_000), Ok(())),
        (GATEWAY, gateway(1_000_000_000, 1_000), Err(GatewayExists)),
    ]);
    assert_eq!(world.account(GATEWAY).open, Amount(9_000_000_000));
}
