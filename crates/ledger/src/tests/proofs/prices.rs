//! I17: the posted price takes small steps above its floor, and is capped where few could serve.

use std::collections::BTreeMap;

use openledger_types::markets::{PRICE_WHOLE, QuoteRecord};
use openledger_types::providers::ProviderEvent;
use openledger_types::{AccountId, Action, Domain, Event, MarketEvent};

use super::super::history::{History, Invariant, Turn, VOTERS, share_of, step};
use super::super::*;
use crate::StateKey;
use crate::markets::MarketKey;

/// I17. Every round that is closed moves the price of its class by at most 6.25 %, and by at most what the rules say where that
/// is less; never below the reference price; up when more than the target was used, down when less. Its quote is capped exactly
/// when the counted capacity of the round without its three largest clusters is below 1.1 of what was settled in it; both are
/// summed here from heartbeats and batches. Nothing else changes a price or a quote.
/// Not checked: that the price finds what is scarce; the simulation looks at that (A9).
#[derive(Default)]
struct Prices {
    price: u64,
    capacity: BTreeMap<AccountId, u128>,
    served: u128,
    rose: u64,
    fell: u64,
    at_floor: u64,
    capped: u64,
    free: u64,
}

impl Prices {
    fn close(&mut self, turn: &Turn<'_>, price: u64, capped: bool) {
        let before = self.price.max(PRICE_WHOLE);
        let rules = &turn.world.parameters.markets;
        assert!(rules.step_max.0 <= 625 && price >= PRICE_WHOLE);
        let step = u128::from(price.abs_diff(before));
        assert!(step * 10_000 <= u128::from(before) * u128::from(rules.step_max.0), "{before} to {price}");
        let whole: u128 = self.capacity.values().sum();
        let used = self.served * 10_000;
        let target = whole * u128::from(rules.utilisation_target.0);
        assert!(price <= before || used > target, "a price rises when more than the target is used");
        assert!(price >= before || used < target, "a price falls when less than the target is used");
        let mut clusters: Vec<u128> = self.capacity.values().copied().collect();
        clusters.sort_unstable();
        let residual: u128 = clusters.iter().rev().skip(3).sum();
        assert_eq!(capped, residual * 10_000 < self.served * u128::from(rules.residual_least));
        self.rose += u64::from(price > before);
        self.fell += u64::from(price < before);
        self.at_floor += u64::from(price == PRICE_WHOLE);
        self.capped += u64::from(capped);
        self.free += u64::from(!capped);
        (self.price, self.served) = (price, 0);
        self.capacity.clear();
    }
}

impl Invariant for Prices {
    fn after(&mut self, turn: &Turn<'_>) {
        let mut closed = None;
        for event in turn.events {
            match event {
                Event::Providers(ProviderEvent::Heartbeat { cluster, loads, .. }) => {
                    let counted: u128 = loads.iter().map(|load| u128::from(load.counted.0)).sum();
                    *self.capacity.entry(*cluster).or_default() += counted;
                }
                Event::Markets(MarketEvent::RoundClosed { round, price, capped, .. }) => {
                    closed = Some((*round, *price, *capped));
                    self.close(turn, *price, *capped);
                }
                _ => {}
            }
        }
        if let (Action::SettleBatch(batch), Ok(())) = (turn.action, turn.result) {
            self.served += batch.classes.iter().map(|line| u128::from(line.reference.0)).sum::<u128>();
        }
        for (key, ..) in turn.changed {
            match key {
                StateKey::Markets(MarketKey::Price(_)) => assert!(closed.is_some()),
                StateKey::Markets(MarketKey::Quote(_, round)) => {
                    let quote: QuoteRecord = turn.world.record(key).unwrap();
                    assert_eq!(closed, Some((*round, quote.price, quote.capped)));
                }
                _ => {}
            }
        }
    }

    fn end(&mut self, _: &World) {
        let Self { rose, fell, at_floor, capped, free, .. } = self;
        let counted =
            format!("{rose} rose, {fell} fell, {at_floor} at the floor, {capped} capped, {free} not");
        let enough = [rose, fell, at_floor, capped, free].iter().all(|some| **some >= share_of(60));
        assert!(enough, "{counted}");
    }
}

/// A network of twelve providers with audited work, so that some rounds are served by few and some by many.
#[test]
pub(crate) fn i17_prices_step_little_and_are_capped_where_few_could_serve() {
    let mut world = History::beginning();
    for who in VOTERS {
        world.accept(who, provider(2_000_000_000));
        super::super::history::prove(&mut world, who, Domain::Serving);
    }
    let rows = [
        step("markets", 24),
        step("settlement", 2),
        step("channels", 1),
        step("accounts", 1),
        step("bonds", 1),
        step("governance", 1),
    ];
    History::focused(world, 17, &rows, &mut [&mut Prices::default()]);
}
