//! I20 and I21: every change of a balance is in an event, and the log gives the state again.

use std::collections::BTreeMap;

use openledger_types::{AccountId, Action, Asset, ChannelId, Event, Holder, MarketEvent, sha256};

use super::super::history::{History, Invariant, Turn, share_of};
use super::super::*;
use crate::{StateKey, StateRecord};

/// I20. The events of an action, read alone, give the change of every account's credits, OPEN and escrow; and the
/// events of a batch pay out what its channels were debited, to the unit. That the lines of a batch are the sums of its
/// receipts is compared by the reference model for every batch of a history.
/// Not checked: that a receipt is true; audits sample that.
#[derive(Default)]
struct Cited {
    consumers: BTreeMap<ChannelId, AccountId>,
    batches: u64,
}

/// Credits, OPEN and escrowed credits.
type Delta = [i128; 3];

fn of(asset: Asset) -> usize {
    match asset {
        Asset::Credit => 0,
        Asset::Open => 1,
    }
}

impl Cited {
    fn read(&mut self, event: &Event, deltas: &mut BTreeMap<AccountId, Delta>) {
        let mut add = |account: AccountId, place: usize, amount: i128| {
            deltas.entry(account).or_default()[place] += amount;
        };
        let wide = |amount: &openledger_types::Amount| i128::from(amount.0);
        match event {
            Event::Deposited { to, asset, amount } => add(*to, of(*asset), wide(amount)),
            Event::BridgeDeposited { to, amount, .. } => add(*to, 0, wide(amount)),
            Event::Withdrawn { account, amount, .. } => add(*account, 0, -wide(amount)),
            Event::Transferred { from, to, asset, amount } => {
                add(*from, of(*asset), -wide(amount));
                add(*to, of(*asset), wide(amount));
            }
            Event::ProviderRegistered { provider, stake, .. } => add(*provider, 1, -wide(stake)),
            Event::GatewayRegistered { gateway, bond, .. } => add(*gateway, 1, -wide(bond)),
            Event::BondRaised { account, amount, .. } => add(*account, 1, -wide(amount)),
            Event::Unbonded { account, amount, .. } => add(*account, 1, wide(amount)),
            Event::ChannelOpened { channel, consumer, deposit, .. } => {
                self.consumers.insert(*channel, *consumer);
                add(*consumer, 0, -wide(deposit));
            }
            Event::ChannelToppedUp { channel, amount } => add(self.consumers[channel], 0, -wide(amount)),
            Event::ChannelClosed { consumer, refunded, .. } => add(*consumer, 0, wide(refunded)),
            Event::Paid { account, liquid, escrowed, .. } => {
                add(*account, 0, wide(liquid));
                add(*account, 2, wide(escrowed));
            }
            Event::TrancheClaimed { account, amount, .. } => {
                add(*account, 0, wide(amount));
                add(*account, 2, -wide(amount));
            }
            Event::Moved { from, to, asset, amount, .. } => {
                for (holder, amount) in [(from, -wide(amount)), (to, wide(amount))] {
                    match holder {
                        Holder::Account(account) => add(*account, of(*asset), amount),
                        Holder::Escrow(account) => add(*account, 2, amount),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

impl Invariant for Cited {
    fn after(&mut self, turn: &Turn<'_>) {
        let mut deltas = BTreeMap::new();
        for event in turn.events {
            self.read(event, &mut deltas);
        }
        for (key, before, after) in turn.changed {
            let StateKey::Account(account) = key else { continue };
            let held = |record: &Option<StateRecord>| -> Delta {
                match record {
                    Some(StateRecord::Account(record)) => {
                        [record.credits, record.open, record.escrowed].map(|amount| i128::from(amount.0))
                    }
                    _ => Delta::default(),
                }
            };
            let (before, after) = (held(before), held(after));
            let moved = [after[0] - before[0], after[1] - before[1], after[2] - before[2]];
            assert_eq!(
                deltas.remove(account).unwrap_or_default(),
                moved,
                "events against the balance of {account}"
            );
        }
        assert!(
            deltas.values().all(|delta| *delta == Delta::default()),
            "events without a change: {deltas:?}"
        );
        if let (Action::SettleBatch(batch), Ok(())) = (turn.action, turn.result) {
            self.batches += 1;
            let charged = batch.reference_total.0 + batch.premium_total.0 + batch.router_fee_total.0;
            assert_eq!(flow(turn.events), (i128::from(charged), i128::from(charged)));
        }
    }

    fn end(&mut self, _: &World) {
        assert!(self.batches > share_of(500), "{} batches", self.batches);
    }
}

/// What the events of a batch took from channels, and what they paid: parties, notes, pools, carries, burn.
fn flow(events: &[Event]) -> (i128, i128) {
    let (mut debited, mut paid) = (0, 0);
    for event in events {
        match event {
            Event::ChannelDebited { amount, .. } => debited += i128::from(amount.0),
            Event::Paid { liquid, escrowed, .. } => paid += i128::from(liquid.0) + i128::from(escrowed.0),
            Event::PoolPaid { amount, .. } | Event::Burned { amount, .. } => paid += i128::from(amount.0),
            Event::CarrySet { before, after, .. } => paid += i128::from(after.0) - i128::from(before.0),
            // The part of a builder's line that the model's notes take.
            Event::Markets(MarketEvent::NotesEarned { amount, .. }) => paid += i128::from(amount.0),
            _ => {}
        }
    }
    (debited, paid)
}

#[test]
pub(crate) fn i20_every_change_of_a_balance_is_cited() {
    let beginning = History::beginning();
    let mut cited = Cited::default();
    for (key, value) in beginning.alike(&StateKey::Channel(ChannelId([0; 32])), 1) {
        let record: openledger_types::record::ChannelRecord =
            openledger_types::codec::decode("record", value, 1 << 20).unwrap();
        if let StateKey::Channel(channel) = key {
            cited.consumers.insert(channel, record.consumer);
        }
    }
    History::check(20, &mut [&mut cited]);
}

/// A hash over every record, in the order of the keys.
fn hash(world: &World) -> openledger_types::Hash {
    let records = world.state.iter().flat_map(|(key, value)| {
        let lengths = [key.len() as u64, value.len() as u64].map(u64::to_be_bytes);
        [lengths[0].to_vec(), key.clone(), lengths[1].to_vec(), value.clone()]
    });
    sha256(&records.collect::<Vec<_>>().concat())
}

/// I21. The blocks of a history, executed again from the beginning by somebody who has nothing but the blocks, give the
/// same state hash; and a second run of the seed gives the same blocks.
/// Not checked: other machines; integers, ordered maps and the ban on clocks and floats stand for those.
#[test]
pub(crate) fn i21_replay_gives_the_same_state() {
    let history = History::check(21, &mut []);
    let mut replayed = History::beginning();
    for block in &history.blocks {
        replayed.context = block.context;
        replayed.begin_block();
        if !block.transaction.is_empty() {
            let outcome = replayed.outcome(&block.transaction);
            replayed.commit(outcome.changes);
        }
    }
    assert_eq!(hash(&replayed), hash(&history.world));
    assert_eq!(replayed.state, history.world.state);
    let mut again = History::new(21);
    again.run(500, &mut []);
    assert!(
        again
            .blocks
            .iter()
            .zip(&history.blocks)
            .all(|(one, two)| { one.context == two.context && one.transaction == two.transaction })
    );
}
