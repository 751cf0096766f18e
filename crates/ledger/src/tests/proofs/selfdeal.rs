//! I9: buying from oneself always loses.

use std::collections::BTreeMap;

use openledger_types::{AccountId, Action, Amount, ChannelId, Event};

use super::super::history::{Dice, History, Invariant, Turn, share_of};
use super::super::*;
use crate::{StateKey, StateRecord};

/// I9. For random sets of accounts that act together in any roles, and for the set of everybody: what a batch pays the
/// set, escrow included and however long it waits, is at most what it debits the set's channels, less the burn and the
/// funds of verification, maintenance and insurance, when the set pays for all of it. So the set loses at least a fifth of
/// the reference price, whatever it owns; carries and uplift are counted as its own.
/// Not checked: what a set earns back as auditors or maintainers. Owning the share sigma of audits and m of maintenance
/// returns at most `sigma * verification + m * maintenance` of it, by the caps of those steps (I14, I23).
struct NoSelfDeal {
    sets: Vec<u64>,
    consumers: BTreeMap<ChannelId, AccountId>,
    paid_by_one: u64,
}

impl NoSelfDeal {
    fn check(&self, set: u64, turn: &Turn<'_>) -> bool {
        let Action::SettleBatch(batch) = turn.action else { return false };
        let in_set =
            |who: &AccountId| super::super::history::number_of(*who).is_some_and(|who| set >> who & 1 == 1);
        let (mut bought, mut earned, mut others) = (0u64, 0u64, 0u64);
        for event in turn.events {
            match event {
                Event::ChannelDebited { consumer, amount, .. } if in_set(consumer) => bought += amount.0,
                Event::ChannelDebited { amount, .. } => others += amount.0,
                Event::Paid { account, liquid, escrowed, .. } if in_set(account) => {
                    earned += liquid.0 + escrowed.0
                }
                Event::PoolPaid { pool: openledger_types::record::Pool::Uplift(_), amount, .. } => {
                    earned += amount.0
                }
                Event::CarrySet { before, after, .. } => earned = (earned + after.0).saturating_sub(before.0),
                _ => {}
            }
        }
        let leak =
            Amount::sum([batch.burn, batch.verification, batch.maintenance, batch.insurance, batch.capacity]);
        let leak = leak.unwrap().0;
        if others > 0 || bought == 0 {
            return false;
        }
        // What was carried before came from earlier batches, a few uC that those lost.
        let carried: u64 = batch.carries.iter().map(|carry| carry.before.0).sum();
        assert!(earned + leak <= bought + carried, "a set earned {earned} of {bought}, leaving {leak}");
        let floor = batch.reference_total.0 / 5;
        assert!(
            leak + 6 * u64::from(batch.receipts) >= floor,
            "a fifth of {} is lost, not {leak}",
            batch.reference_total
        );
        true
    }
}

impl Invariant for NoSelfDeal {
    fn after(&mut self, turn: &Turn<'_>) {
        for (key, _, after) in turn.changed {
            if let (StateKey::Channel(id), Some(StateRecord::Channel(record))) = (key, after) {
                self.consumers.insert(*id, record.consumer);
            }
        }
        if turn.result.is_ok() {
            for set in &self.sets {
                self.paid_by_one += u64::from(self.check(*set, turn));
            }
        }
    }

    fn end(&mut self, _: &World) {
        assert!(self.paid_by_one > share_of(500), "{} batches were paid by a set alone", self.paid_by_one);
    }
}

#[test]
pub(crate) fn i09_a_closed_set_loses_the_leak() {
    let mut dice = Dice::new(9);
    let mut sets = vec![u64::MAX];
    sets.extend((0..24).map(|_| dice.number() | dice.number()));
    History::check(9, &mut [&mut NoSelfDeal { sets, consumers: BTreeMap::new(), paid_by_one: 0 }]);
}
