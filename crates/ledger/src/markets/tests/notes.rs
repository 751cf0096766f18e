//! Revenue notes: the table, a whole life of a series, and auctions as properties.

use openledger_types::Rejection::*;
use openledger_types::markets::{HoldingRecord, NoteOrder, SeriesRecord, Side};
use openledger_types::models::{TitleRecord, title_of};
use openledger_types::{AccountId, Action, Amount, BasisPoints, Event, MarketAction};
use proptest::prelude::*;

use super::*;
use crate::markets::auction::ration;
use crate::markets::{MarketKey, clear};
use crate::models::title_key;

fn issue(model: &str, share: u16, epochs: u64, units: u64, reserve: u64) -> Action {
    let (model, reserve) = (name(model), Amount(reserve));
    act(MarketAction::IssueNotes { model, share: BasisPoints(share), epochs, units, reserve })
}

fn order(world: &World, side: Side, units: u64, price: u64) -> Action {
    let epoch = world.context.timestamp_ms / world.parameters.epoch_ms;
    act(MarketAction::OrderNotes { model: name("base"), series: 1, epoch, side, units, price: Amount(price) })
}

fn clear_at(epoch: u64) -> Action {
    act(MarketAction::ClearNotes { model: name("base"), series: 1, epoch })
}

fn claim() -> Action {
    act(MarketAction::ClaimNotes { model: name("base"), series: 1 })
}

fn series(world: &World) -> SeriesRecord {
    world.record(&MarketKey::Series(title_of(&name("base")), 1).state()).unwrap()
}

fn units(world: &World, who: u8) -> u64 {
    let key = MarketKey::Holding(title_of(&name("base")), 1, account(who)).state();
    world.record::<HoldingRecord>(&key).map_or(0, |holding| holding.units)
}

/// A network with notes on which the base model has earned 1.8 C eight epochs ago, and 1.8 C just now.
fn earning() -> World {
    let mut world = World::with(|parameters| parameters.markets.notes = 1, 1_000_000_000).prepare();
    answer(&mut world);
    world.pass(8);
    answer(&mut world);
    world
}

/// An answer of 10 C by the base model: its title earns 1.8 C.
fn answer(world: &mut World) -> Vec<Event> {
    let batch = world.batch(&[world.terms("base", 10_000_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch))
}

fn epoch(world: &World) -> u64 {
    world.context.timestamp_ms / world.parameters.epoch_ms
}

#[test]
fn a_network_without_notes_has_none() {
    let mut world = World::prepared();
    answer(&mut world);
    let buy = order(&world, Side::Buy, 1, 1);
    world.check([
        (BASE_BUILDER, issue("base", 4_000, 90, 100, 1), Err(NotesClosed)),
        (STRANGER, buy, Err(NotesClosed)),
        (STRANGER, clear_at(0), Err(SeriesUnknown)),
        (STRANGER, claim(), Err(SeriesUnknown)),
    ]);
    let title: TitleRecord = world.record(&title_key(&name("base"))).unwrap();
    assert!(title.earned.is_empty());
}

#[test]
fn notes_are_issued_within_limits() {
    let mut world = earning();
    world.check([
        (BASE_BUILDER, issue("ghost", 4_000, 90, 100, 1), Err(ModelUnknown)),
        (STRANGER, issue("base", 4_000, 90, 100, 1), Err(NotModelOwner)),
        (BASE_BUILDER, issue("base", 4_001, 90, 100, 1), Err(NotesInvalid)),
        (BASE_BUILDER, issue("base", 0, 90, 100, 1), Err(NotesInvalid)),
        (BASE_BUILDER, issue("base", 4_000, 91, 100, 1), Err(NotesInvalid)),
        (BASE_BUILDER, issue("base", 4_000, 90, 0, 1), Err(NotesInvalid)),
        (BASE_BUILDER, issue("base", 4_000, 90, 100, 0), Err(NotesInvalid)),
        (BASE_BUILDER, issue("base", 4_000, 90, 100, 5_400_001), Err(EarningsTooLow)),
        (TUNER, issue("tuned", 4_000, 90, 100, 1), Err(EarningsTooLow)),
        (BASE_BUILDER, issue("base", 4_000, 90, 100, 10_000), Ok(())),
        (BASE_BUILDER, issue("base", 4_000, 90, 100, 10_000), Err(SeriesActive)),
    ]);
    assert_eq!(
        series(&world).raise_max,
        Amount(5_400_000),
        "only what is older than the cliff counts, three times"
    );
}

#[test]
fn the_life_of_a_series() {
    let mut world = earning();
    world.accept(BASE_BUILDER, issue("base", 4_000, 10, 100, 10_000));
    let early = order(&world, Side::Buy, 10, 10_000);
    world.check([(CONSUMER, early, Err(AuctionClosed)), (CONSUMER, clear_at(9), Err(AuctionRunning))]);
    world.pass(1);
    let auction = epoch(&world);
    let late = act(MarketAction::OrderNotes {
        model: name("base"),
        series: 1,
        epoch: auction - 1,
        side: Side::Buy,
        units: 1,
        price: Amount(10_000),
    });
    let buy = |units, price| order(&world.clone(), Side::Buy, units, price);
    let sell = order(&world, Side::Sell, 1, 10_000);
    let rows = [
        (CONSUMER, late, Err(AuctionClosed)),
        (CONSUMER, buy(0, 10_000), Err(OrderInvalid)),
        (CONSUMER, buy(10, 9_999), Err(OrderInvalid)),
        (CONSUMER, sell, Err(OrderInvalid)),
        (CONSUMER, buy(1_000_000_000, u64::MAX), Err(AmountOverflow)),
        (CONSUMER, buy(1_000, 10_000_000), Err(BalanceTooLow)),
        (CONSUMER, buy(60, 20_000), Ok(())),
        (CONSUMER, buy(60, 30_000), Err(OrderRepeated)),
        (STRANGER, buy(60, 15_000), Ok(())),
        (AUTHOR, buy(30, 15_000), Ok(())),
        (COAUTHOR, buy(50, 12_000), Ok(())),
        (STRANGER, clear_at(auction), Err(AuctionRunning)),
    ];
    world.check(rows);
    world.pass(1);
    let owner = world.credits(BASE_BUILDER);
    world.accept(STRANGER, clear_at(auction));
    // 150 units are wanted at 15,000 and 100 exist: the price is 15,000, and 60 : 30 share the 40 that are left.
    assert_eq!(world.credits(BASE_BUILDER) - owner, 100 * 15_000);
    assert_eq!([CONSUMER, STRANGER, AUTHOR, COAUTHOR].map(|who| units(&world, who)).iter().sum::<u64>(), 100);
    assert_eq!(units(&world, CONSUMER), 60);
    assert!((26..=27).contains(&units(&world, STRANGER)) && (13..=14).contains(&units(&world, AUTHOR)));
    assert_eq!(world.credits(COAUTHOR), 1_000_000_000, "who was below the price has its money back");
    world
        .check([(STRANGER, clear_at(auction), Err(AuctionUnknown)), (STRANGER, claim(), Err(NothingEarned))]);

    // 40 % of 1.8 C goes to the notes, the rest to the owner.
    let before = world.account(BASE_BUILDER).escrowed;
    answer(&mut world);
    assert_eq!(world.account(BASE_BUILDER).escrowed.0 - before.0, 1_080_000);
    assert_eq!(series(&world).custody(), Some(Amount(720_000)));
    world.check([(CONSUMER, claim(), Err(NothingEarned))]);

    // A resale: 10 notes at 16,000, and 1 % of it to the owner.
    let sell = |units, price| order(&world.clone(), Side::Sell, units, price);
    let buy = order(&world, Side::Buy, 10, 16_000);
    let rows = [
        (CONSUMER, sell(61, 1), Err(NotesTooFew)),
        (COAUTHOR, sell(1, 1), Err(NotesTooFew)),
        (CONSUMER, sell(20, 15_500), Ok(())),
        (COAUTHOR, buy, Ok(())),
    ];
    world.check(rows);
    let resale = epoch(&world);
    world.pass(1);
    let (owner, seller) = (world.credits(BASE_BUILDER), world.credits(CONSUMER));
    world.accept(STRANGER, clear_at(resale));
    assert_eq!((units(&world, CONSUMER), units(&world, COAUTHOR)), (50, 10));
    assert_eq!(world.credits(BASE_BUILDER) - owner, 1_600);
    assert_eq!(world.credits(CONSUMER) - seller, 158_400);
    assert_eq!(world.credits(COAUTHOR), 1_000_000_000 - 160_000);

    // The owner gives the model away; the notes stay.
    let give =
        openledger_types::ModelAction::TransferModel { model: name("base"), to: account(SECOND_AUTHOR) };
    world.accept(BASE_BUILDER, Action::Models(give));
    world.pass(7);
    answer(&mut world);
    assert_eq!(series(&world).custody(), Some(Amount(1_440_000)));
    world.pass(2);
    answer(&mut world);
    assert_eq!(series(&world).custody(), Some(Amount(1_440_000)), "the series took what it was sold for");
    world.pass(40);
    let late = order(&world, Side::Buy, 1, 10_000);
    world.check([(STRANGER, late, Err(AuctionClosed))]);
    for (who, share) in [(CONSUMER, 50), (COAUTHOR, 10)] {
        let before = world.credits(who);
        world.accept(who, claim());
        assert_eq!(world.credits(who) - before, 14_400 * share, "{share} of 100 notes");
    }
    world.check([(CONSUMER, claim(), Err(NothingEarned))]);
}

/// What was sold and ordered is settled and paid although the network has switched notes off.
#[test]
fn notes_that_were_sold_outlive_the_flag() {
    let mut world = earning();
    world.accept(BASE_BUILDER, issue("base", 4_000, 10, 100, 10_000));
    world.pass(1);
    let auction = epoch(&world);
    let buy = order(&world, Side::Buy, 60, 20_000);
    world.accept(CONSUMER, buy);
    world.pass(1);
    world.parameters.markets.notes = 0;
    world.state.insert(StateKey::Parameters.encode(), codec::encode(&world.parameters));
    let more = order(&world, Side::Buy, 1, 20_000);
    world.check([(STRANGER, more, Err(NotesClosed)), (STRANGER, clear_at(auction), Ok(()))]);
    assert_eq!(units(&world, CONSUMER), 60);
    answer(&mut world);
    assert!(series(&world).custody() > Some(Amount::ZERO), "the series earns");
}

#[test]
fn an_auction_without_buyers_ends_the_series_and_another_may_come() {
    let mut world = earning();
    world.accept(BASE_BUILDER, issue("base", 4_000, 10, 100, 10_000));
    world.pass(2);
    let auction = epoch(&world) - 1;
    world.check([
        (STRANGER, clear_at(auction), Ok(())),
        (STRANGER, clear_at(auction), Err(AuctionUnknown)),
        (BASE_BUILDER, issue("base", 4_000, 10, 100, 10_000), Ok(())),
    ]);
    let unsold = act(MarketAction::OrderNotes {
        model: name("base"),
        series: 1,
        epoch: auction + 1,
        side: Side::Buy,
        units: 1,
        price: Amount(10_000),
    });
    world.check([(STRANGER, unsold, Err(AuctionClosed))]);
}

#[test]
fn a_full_book_takes_a_better_order_for_the_worst() {
    let mut world = earning();
    world.accept(BASE_BUILDER, issue("base", 4_000, 10, 100, 10_000));
    world.pass(1);
    world.accept(STRANGER, order(&world.clone(), Side::Buy, 1, 10_000));
    let key = MarketKey::NoteBook(title_of(&name("base")), 1, epoch(&world)).state();
    let mut book: openledger_types::markets::NoteBookRecord = world.record(&key).unwrap();
    // Sixty-three others, whose money is taken from somebody so that the whole still balances.
    let mut rich = world.account(CURATOR);
    for place in 0..63 {
        let price = Amount(20_000 + place);
        book.orders.push(NoteOrder {
            account: AccountId([place as u8; 20]),
            side: Side::Buy,
            units: 1,
            price,
        });
        rich.credits.0 -= price.0;
    }
    let moved: u64 = (0..63).map(|place| 20_000 + place).sum();
    let mut supply: openledger_types::record::SupplyRecord = world.record(&StateKey::Supply).unwrap();
    supply.credits_in_balances.0 -= moved;
    supply.credits_in_custody.0 += moved;
    for (key, bytes) in [
        (&key, codec::encode(&book)),
        (&StateKey::Account(account(CURATOR)), codec::encode(&rich)),
        (&StateKey::Supply, codec::encode(&supply)),
    ] {
        world.state.insert(key.encode(), bytes);
    }
    let before = world.credits(STRANGER);
    let (same, better) = (order(&world, Side::Buy, 5, 10_000), order(&world, Side::Buy, 5, 10_001));
    world.check([(CONSUMER, same, Err(BookFull)), (CONSUMER, better, Ok(()))]);
    assert_eq!(world.credits(STRANGER) - before, 10_000, "the displaced order is paid back at once");
}

fn orders() -> impl Strategy<Value = Vec<NoteOrder>> {
    let one = (any::<bool>(), 1u64..1_000, 1u64..40);
    prop::collection::vec(one, 0..24).prop_map(|orders| {
        let order = |(place, (buys, units, price)): (u8, (bool, u64, u64))| NoteOrder {
            account: AccountId([place; 20]),
            side: if buys { Side::Buy } else { Side::Sell },
            units,
            price: Amount(price),
        };
        (0..).zip(orders).map(order).collect()
    })
}

proptest! {
    /// A17: an auction is exact, honours every limit, prefers better prices, and does not know who came first.
    #[test]
    fn auctions_clear_exactly(orders in orders(), raise_max in prop::option::of(0u64..20_000)) {
        let cleared = clear(&orders, raise_max.map(Amount));
        let filled = |side| orders.iter().zip(&cleared.fills).filter(move |(order, _)| order.side == side);
        let sum = |side| filled(side).map(|(_, units)| *units).sum::<u64>();
        prop_assert_eq!((sum(Side::Buy), sum(Side::Sell)), (cleared.units, cleared.units));
        for (order, units) in orders.iter().zip(&cleared.fills) {
            prop_assert!(*units <= order.units);
            let good = match order.side { Side::Buy => order.price >= cleared.price, Side::Sell => order.price <= cleared.price };
            prop_assert!(*units == 0 || good);
            for (other, less) in orders.iter().zip(&cleared.fills) {
                let better = other.side == order.side && match order.side {
                    Side::Buy => other.price > order.price,
                    Side::Sell => other.price < order.price,
                };
                prop_assert!(!better || *units == 0 || *less == other.units, "a better price is filled first");
            }
        }
        if let Some(most) = raise_max {
            prop_assert!(cleared.units * cleared.price.0 <= most);
        }
        // No other price moves more notes.
        let volume = |price: u64| {
            let side = |side: Side, good: &dyn Fn(u64) -> bool| orders.iter().filter(|order| order.side == side && good(order.price.0)).map(|order| order.units).sum::<u64>();
            side(Side::Buy, &|limit| limit >= price).min(side(Side::Sell, &|limit| limit <= price))
        };
        let most = (0..50).map(volume).max().unwrap();
        prop_assert!(raise_max.is_some() || cleared.units == most);
        let mut reversed = orders.clone();
        reversed.reverse();
        let mut again = clear(&reversed, raise_max.map(Amount));
        again.fills.reverse();
        prop_assert_eq!(again, cleared, "speed is worth nothing");
    }

    /// A17: who buys in one auction and sells in the next at the same price loses the levy: nothing is gained by being first.
    #[test]
    fn a_sniper_gains_nothing(orders in orders(), units in 1u64..500) {
        let sniper = AccountId([250; 20]);
        let mut with: Vec<NoteOrder> = orders;
        with.push(NoteOrder { account: sniper, side: Side::Buy, units, price: Amount(1_000) });
        let first = clear(&with, None);
        let bought = *first.fills.last().unwrap();
        let paid = bought * first.price.0;
        let resale = Amount(paid).basis_points(BasisPoints(10_000 - 100));
        prop_assert!(resale.0 <= paid && (paid < 100 || resale.0 < paid));
    }

    #[test]
    fn rations_sum_to_what_there_is(sizes in prop::collection::vec(0u64..1 << 40, 0..20), units in 0u64..1 << 44) {
        let shares = ration(&sizes, units);
        let whole: u64 = sizes.iter().sum();
        prop_assert_eq!(shares.iter().sum::<u64>(), whole.min(units));
        for (share, size) in shares.iter().zip(&sizes) {
            prop_assert!(share <= size);
            let exact = u128::from(*size) * u128::from(units.min(whole)) / u128::from(whole.max(1));
            prop_assert!(u128::from(*share) >= exact && u128::from(*share) <= exact + 1);
        }
    }
}
