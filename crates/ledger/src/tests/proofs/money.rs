//! I1 and I2: money is neither made nor lost.

use openledger_types::record::SupplyRecord;
use openledger_types::{Action, Amount, Asset};

use super::super::history::{History, Invariant, Turn, share_of};
use super::super::model::Model;
use super::super::*;
use crate::supply::{Held, PLACES};
use crate::{StateKey, StateRecord, check_conservation};

fn supply(world: &World) -> SupplyRecord {
    world.record(&StateKey::Supply).unwrap()
}

/// I1. After each action, the records that it changed sum to what the supply record says that changed, part by part;
/// and deposited - withdrawn - burned is what is held. The reference model compares who holds it, and the history sums
/// the whole state now and then.
/// Not checked: money outside, which the bridge owes.
struct Conservation;

impl Invariant for Conservation {
    fn after(&mut self, turn: &Turn<'_>) {
        let (mut before, mut after) = (Held::default(), Held::default());
        for (key, old, new) in turn.changed {
            old.iter().for_each(|record| before.count(key, record).unwrap());
            new.iter().for_each(|record| after.count(key, record).unwrap());
        }
        let recorded = turn.changed.iter().find_map(|(_, before, after)| match (before, after) {
            (Some(StateRecord::Supply(before)), Some(StateRecord::Supply(after))) => {
                Some((before.clone(), after.clone()))
            }
            _ => None,
        });
        let now = supply(turn.world);
        let recorded = recorded.unwrap_or_else(|| (now.clone(), now.clone()));
        for (place, sum, said) in PLACES {
            let moved = |from: Amount, to: Amount| i128::from(to.0) - i128::from(from.0);
            let held = moved(sum(&before), sum(&after));
            assert_eq!(
                held,
                moved(said(&recorded.0), said(&recorded.1)),
                "{place}: records against the supply"
            );
        }
        assert!(crate::supply::is_balanced(&now));
    }

    fn end(&mut self, world: &World) {
        check_conservation(&world.state).unwrap();
        let supply = supply(world);
        let moved =
            [supply.credits_burned, supply.credits_withdrawn, supply.credits_in_escrow, supply.open_bonded];
        assert!(moved.iter().all(|amount| *amount > Amount::ZERO), "money went everywhere: {supply:?}");
    }
}

#[test]
pub(crate) fn i01_money_is_conserved() {
    let mut model = Model::of(&History::beginning());
    History::check(1, &mut [&mut Conservation, &mut model]);
}

/// I2. Credits and OPEN come into existence by a faucet or a deposit alone, exactly as much as the action says; nothing
/// that is settled, rated, voted or ranked makes any.
/// Not checked: who may use the faucet or be the bridge; that is in the tables of accounts and bridge.
struct NoMint {
    before: SupplyRecord,
    created: u64,
}

impl Invariant for NoMint {
    fn after(&mut self, turn: &Turn<'_>) {
        let now = supply(turn.world);
        let (asset, amount) = match turn.action {
            Action::Faucet { asset, amount, .. } if turn.result.is_ok() => (*asset, amount.0),
            Action::BridgeDeposit { amount, .. } if turn.result.is_ok() => (Asset::Credit, amount.0),
            _ => (Asset::Credit, 0),
        };
        let (credits, open) = if asset == Asset::Credit { (amount, 0) } else { (0, amount) };
        assert_eq!(now.credits_deposited.0 - self.before.credits_deposited.0, credits);
        assert_eq!(now.open_issued.0 - self.before.open_issued.0, open);
        assert!(
            now.credits_burned >= self.before.credits_burned && now.open_burned >= self.before.open_burned
        );
        self.created += u64::from(amount > 0);
        self.before = now;
    }

    fn end(&mut self, _: &World) {
        assert!(self.created > share_of(200), "{} deposits", self.created);
    }
}

#[test]
pub(crate) fn i02_nothing_mints_but_a_deposit() {
    let before = supply(&History::beginning());
    History::check(2, &mut [&mut NoMint { before, created: 0 }]);
}
