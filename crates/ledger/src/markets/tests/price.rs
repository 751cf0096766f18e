//! Posted prices: the table of closings, and I17 as a property.

use openledger_types::Rejection::*;
use openledger_types::markets::{PRICE_WHOLE, PriceRecord, QuoteRecord};
use openledger_types::providers::{ClassRecord, ClusterShare, RoundTotals};
use openledger_types::{Amount, Event, MarketEvent};
use proptest::prelude::*;

use super::*;
use crate::markets::{MarketKey, first_price, is_capped, next_price};
use crate::providers::tests::beat;

#[test]
fn anyone_closes_a_round_once_its_epoch_is_over() {
    let mut world = World::new();
    world.check([
        (STRANGER, close("ghost"), Err(ClassUnknown)),
        (STRANGER, close("general"), Err(RoundRunning)),
        (PROVIDER, provider(1_000_000_000), Ok(())),
        (PROVIDER, beat(&[("general", 5_000_000, 0)]), Ok(())),
    ]);
    world.pass(1);
    let events = world.accept(STRANGER, close("general"));
    let closed = matches!(&events[..], [Event::Markets(MarketEvent::RoundClosed { round: 1, capacity, .. })] if *capacity == Amount(1_000_000));
    assert!(closed, "{events:?}");
    world.check([(STRANGER, close("general"), Err(RoundRunning))]);
    let class: ClassRecord = world.record(&class_key(&name("general"))).unwrap();
    assert_eq!((class.round, class.running, class.largest.len()), (1, RoundTotals::default(), 0));
    assert_eq!(class.last.capacity, Amount(1_000_000));
    let quote: QuoteRecord = world.record(&MarketKey::Quote(name("general"), 1).state()).unwrap();
    assert_eq!(quote, QuoteRecord { price: PRICE_WHOLE, capped: false, epoch: 1 });
    // One cluster alone could serve: the next quote is capped as soon as there is demand.
    world.accept(PROVIDER, beat(&[("general", 5_000_000, 0)]));
    set_totals(&mut world, 1_000_000, 900_000);
    world.pass(1);
    world.accept(STRANGER, close("general"));
    let quote: QuoteRecord = world.record(&MarketKey::Quote(name("general"), 2).state()).unwrap();
    assert!(quote.capped && quote.price > PRICE_WHOLE);
}

#[test]
fn settled_work_is_the_demand_of_its_class() {
    let mut world = World::prepared();
    let batch = world.batch(&[
        world.terms("base", 10_000, 0, &[], 1),
        world.terms("base", 20_000, 1, &[], 1),
        world.terms("tuned", 30_000, 2, &[], 1),
    ]);
    world.accept(GATEWAY, settling(batch));
    let class: ClassRecord = world.record(&class_key(&name("general"))).unwrap();
    assert_eq!(class.running.served, Amount(50_000), "what has no class is no demand of any");
}

#[test]
fn a_step_by_hand() {
    let parameters = World::new().parameters.markets;
    let at = |price, capacity, served| {
        let now = PriceRecord { price, ..first_price(&parameters) };
        let totals = RoundTotals { capacity: Amount(capacity), served: Amount(served) };
        next_price(&now, &totals, &parameters).price
    };
    assert_eq!(at(PRICE_WHOLE, 0, 0), PRICE_WHOLE, "no capacity and no demand: it stands still");
    assert_eq!(at(2_000_000, 1_000, 700), 2_000_000, "at the target it stands still");
    // U = 1: 2,000,000 / 16 * .3 / .7 = 53,571.4
    assert_eq!(at(2_000_000, 1_000, 1_000), 2_053_571);
    assert_eq!(at(2_000_000, 1_000, 0), 1_875_000, "empty: down by a sixteenth");
    assert_eq!(at(2_000_000, 0, 1), 2_125_000, "demand without capacity: up by a sixteenth");
    assert_eq!(at(PRICE_WHOLE, 1_000, 0), PRICE_WHOLE, "never below the reference price");
}

#[test]
fn the_gain_adapts() {
    let parameters = World::new().parameters.markets;
    let totals = |served| RoundTotals { capacity: Amount(1_000), served: Amount(served) };
    let mut now = PriceRecord { price: 4_000_000, ..first_price(&parameters) };
    let mut gains = Vec::new();
    for served in [900, 900, 900, 500, 900, 500, 500] {
        now = next_price(&now, &totals(served), &parameters);
        gains.push(now.gain);
    }
    assert_eq!(gains, [4_096, 4_352, 4_608, 3_456, 2_592, 1_944, 2_200]);
    for _ in 0..100 {
        now = next_price(&now, &totals(900), &parameters);
    }
    assert_eq!(now.gain, 8_192);
}

proptest! {
    /// I17: a step is within 6.25 %, the price is never below the reference price, and it moves towards the target.
    #[test]
    fn steps_are_bounded_and_never_below_the_floor(
        price in PRICE_WHOLE..u64::MAX, gain in any::<u64>(), rose in any::<Option<bool>>(), capacity in any::<u64>(), served in any::<u64>(),
    ) {
        let parameters = World::new().parameters.markets;
        let totals = RoundTotals { capacity: Amount(capacity), served: Amount(served) };
        let next = next_price(&PriceRecord { price, gain, rose }, &totals, &parameters);
        prop_assert!(u128::from(next.price.abs_diff(price)) * 16 <= u128::from(price));
        prop_assert!(next.price >= PRICE_WHOLE);
        prop_assert!((parameters.gain_low..=parameters.gain_high).contains(&next.gain));
        let (above, below) = (served as u128 * 10 > capacity as u128 * 7, (served as u128 * 10) < capacity as u128 * 7);
        prop_assert!(!above || next.price >= price);
        prop_assert!(!below || next.price <= price);
    }

    /// I17: capped exactly when the supply without the three largest is below 1.1 of the demand.
    #[test]
    fn the_cap_is_the_index(shares in prop::collection::vec(0u64..1 << 50, 0..6), served in 0u64..1 << 52) {
        let mut shares = shares;
        shares.sort_unstable_by(|one, other| other.cmp(one));
        let capacity: u64 = shares.iter().sum();
        let largest = shares.iter().take(3).zip(1..).map(|(share, who)| ClusterShare { cluster: account(who), capacity: Amount(*share) });
        let running = RoundTotals { capacity: Amount(capacity), served: Amount(served) };
        let class = ClassRecord { running, largest: largest.collect(), ..ClassRecord::default() };
        let residual: u64 = shares.iter().skip(3).sum();
        prop_assert_eq!(is_capped(&class, &World::new().parameters.markets), u128::from(residual) * 10 < u128::from(served) * 11);
    }

    /// A9: with few clusters left beside the largest, providers gain nothing by a price above 1.2: the cap is on.
    #[test]
    fn a_premium_above_the_cap_pays_providers_no_more(reference in 1u64..1 << 50, price in 1_200_000u64..100_000_000) {
        let world = World::new();
        let part = |price, capped| {
            let quote = openledger_types::Quoted { class: name("general"), round: 1, price, capped };
            let terms = crate::CompletionTerms {
                reference: Amount(reference),
                quote: Some(quote),
                router_fee: openledger_types::BasisPoints(0),
                provider: account(PROVIDER),
                model: name("base"),
                lineage: vec![],
                shares: vec![],
                unattributed: 1,
                carry_in: Amount(0),
            };
            crate::split_completion(&terms, &world.parameters).unwrap()
        };
        let (at_cap, above) = (part(1_200_000, true), part(price, true));
        prop_assert_eq!(above.premium_split.provider, at_cap.premium_split.provider);
        let split = &above.premium_split;
        prop_assert_eq!(split.provider.0 + split.capacity.0 + split.burn.0, above.premium.0);
        prop_assert!(part(price, false).premium_split.provider >= split.provider);
    }
}
