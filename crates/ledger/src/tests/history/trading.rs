//! Random actions of markets: rounds, the capacity fund and leases here, revenue notes below.

use openledger_types::markets::{
    AwardRecord, HoldingRecord, LeaseBookRecord, NoteBookRecord, SeriesRecord, Side,
};
use openledger_types::models::{TitleRecord, title_of};
use openledger_types::providers::{ClassRecord, HeartbeatRecord, Load, ProviderAction};
use openledger_types::record::ProviderRecord;
use openledger_types::{AccountId, Action, Amount, BasisPoints, MarketAction as Ask, Name};

use super::super::*;
use super::scene::{one_of, records, rich};
use super::{Dice, SECOND_PROVIDER, number_of};
use crate::StateKey;
use crate::markets::MarketKey;
use crate::models::title_key;
use crate::providers::{ProviderKey, class_key};

pub(super) fn markets(world: &World, dice: &mut Dice) -> (u8, Action) {
    let (who, class) = (dice.who(), name("general"));
    let provider = provider_of(world, dice);
    let ask = match dice.below(16) {
        0..3 => return heartbeat(world, dice, provider),
        3..6 => {
            let record: ClassRecord = world.record(&class_key(&class)).unwrap_or_default();
            if record.since_epoch < world.epoch() || dice.chance(5) {
                Ask::CloseRound { class: if dice.chance(20) { name("ghost") } else { class } }
            } else {
                return heartbeat(world, dice, provider);
            }
        }
        6..8 => {
            let (capacity, price) = (dice.amount(2_000_000), dice.amount(90_000));
            return (provider, Action::Markets(Ask::BidCapacity { class, capacity, price }));
        }
        8 => {
            let awards: Vec<(StateKey, AwardRecord)> =
                records(world, &MarketKey::Award(class.clone(), account(0)).state(), 2);
            let award = one_of(&awards, dice).map(|(key, _)| key);
            let provider = match award {
                Some(StateKey::Markets(MarketKey::Award(_, provider))) => provider,
                _ => account(who),
            };
            Ask::EndAward { class, provider }
        }
        9 => return offer(dice, provider),
        _ => return lease(world, dice, provider),
    };
    (who, Action::Markets(ask))
}

/// One of the two providers of every world, or whoever registered since.
fn provider_of(world: &World, dice: &mut Dice) -> u8 {
    if !dice.chance(3) {
        return dice.pick(&[PROVIDER, SECOND_PROVIDER]);
    }
    let all: Vec<(StateKey, ProviderRecord)> = records(world, &StateKey::Provider(account(0)), 1);
    let all: Vec<u8> = all
        .into_iter()
        .filter_map(|(key, _)| if let StateKey::Provider(id) = key { number_of(id) } else { None })
        .collect();
    one_of(&all, dice).unwrap_or(PROVIDER)
}

/// Mostly somebody who has not reported in this epoch.
fn heartbeat(world: &World, dice: &mut Dice, provider: u8) -> (u8, Action) {
    let silent = |who: &u8| {
        let key = StateKey::Providers(ProviderKey::Heartbeat(account(*who)));
        world.record::<HeartbeatRecord>(&key).is_none_or(|beat| beat.epoch < world.epoch())
    };
    let who = [provider, PROVIDER, SECOND_PROVIDER].into_iter().find(silent).unwrap_or(provider);
    let capacity = dice.amount(6_000_000);
    let load =
        Load { class: name("general"), capacity, busy: Amount(dice.below(capacity.0.min(1 << 40) + 1)) };
    let loads = if dice.chance(20) { Vec::new() } else { vec![load] };
    (who, Action::Providers(ProviderAction::Heartbeat { loads }))
}

fn offer(dice: &mut Dice, provider: u8) -> (u8, Action) {
    let (class, capacity, price) = (name("general"), dice.amount(1_500_000), dice.amount(300_000));
    let epochs_max = if dice.chance(9) { 0 } else { 1 + dice.below(40) };
    (provider, Action::Markets(Ask::OfferLease { class, capacity, price, epochs_max }))
}

/// Something with an offer or a lease that is there; now and then with one that is not.
fn lease(world: &World, dice: &mut Dice, provider: u8) -> (u8, Action) {
    let books: Vec<(StateKey, LeaseBookRecord)> =
        records(world, &MarketKey::LeaseBook(account(0)).state(), 2);
    let book = one_of(&books, dice);
    let (owner, book) = match book {
        Some((StateKey::Markets(MarketKey::LeaseBook(owner)), book)) => (owner, book),
        _ => (account(provider), LeaseBookRecord::default()),
    };
    if book.offers.is_empty() && book.leases.len() < 9 && dice.chance(3) {
        return offer(dice, provider);
    }
    let who = rich(dice);
    let offer = one_of(&book.offers, dice).filter(|_| !dice.chance(9));
    let taken = one_of(&book.leases, dice).filter(|_| !dice.chance(9));
    let number = dice.below(9);
    let (who, ask) = match dice.below(12) {
        0 => {
            let number = offer.map_or(number, |(number, _)| number);
            (number_of(owner).unwrap_or(who), Ask::WithdrawLease { number })
        }
        1..6 => {
            let (number, most) = offer.map_or((number, 3), |(number, offer)| (number, offer.epochs_max));
            let epochs = if dice.chance(9) { most + 1 } else { 1 + dice.below(most) };
            (who, Ask::TakeLease { provider: owner, number, epochs })
        }
        6 | 7 => {
            let holder = taken.as_ref().and_then(|lease| number_of(lease.holder)).unwrap_or(who);
            let number = taken.map_or(number, |lease| lease.number);
            (holder, Ask::TransferLease { provider: owner, number, to: account(who) })
        }
        _ => {
            let number = taken.map_or(number, |lease| lease.number);
            (who, Ask::CollectLease { provider: owner, number })
        }
    };
    (who, Action::Markets(ask))
}

/// A model with notes, or one that could have some.
struct Issuer {
    model: Name,
    owner: u8,
    series: u64,
    record: Option<SeriesRecord>,
}

fn issuer(world: &World, dice: &mut Dice) -> Issuer {
    let auction = |model: &&str| read(world, name(model)).is_open(world.epoch());
    let model = ["base", "tuned"].into_iter().find(auction);
    read(world, name(model.unwrap_or_else(|| dice.pick(&["base", "base", "tuned"]))))
}

fn read(world: &World, model: Name) -> Issuer {
    let title: Option<TitleRecord> = world.record(&title_key(&model));
    let owner = title.as_ref().and_then(|title| number_of(title.owner)).unwrap_or(BASE_BUILDER);
    let series = title.map_or(0, |title| title.series);
    let record = world.record(&MarketKey::Series(title_of(&model), series).state());
    Issuer { model, owner, series, record }
}

impl Issuer {
    /// Whether the auction of this epoch takes orders: the first is in an epoch of its own, later ones end with the series.
    fn is_open(&self, epoch: u64) -> bool {
        self.record.as_ref().is_some_and(|series| match series.begins_epoch {
            None => series.auction_epoch == epoch,
            Some(begins) => series.units > 0 && epoch < begins + series.epochs,
        })
    }
}

pub(super) fn notes(world: &World, dice: &mut Dice) -> (u8, Action) {
    let issuer = issuer(world, dice);
    let (epoch, who) = (world.epoch(), rich(dice));
    let open = issuer.is_open(epoch);
    let Issuer { model, owner, series, record } = issuer;
    let title = title_of(&model);
    let books: Vec<(StateKey, NoteBookRecord)> =
        records(world, &MarketKey::NoteBook(account(0), 0, 0).state(), 2);
    let waiting = books.into_iter().find_map(|(key, _)| match key {
        StateKey::Markets(MarketKey::NoteBook(of, series, at)) if of == title && at < epoch => {
            Some((series, at))
        }
        _ => None,
    });
    let first = record.as_ref().filter(|series| series.begins_epoch.is_none() && series.units > 0);
    let over = record.as_ref().is_none_or(|series| {
        series.begins_epoch.is_some_and(|begins| begins + series.epochs <= epoch) || series.units == 0
    });
    if let Some((series, epoch)) = waiting.filter(|_| !dice.chance(3)) {
        return (who, Action::Markets(Ask::ClearNotes { model, series, epoch }));
    }
    if let Some(first) = first.filter(|first| first.auction_epoch < epoch && !dice.chance(3)) {
        let epoch = first.auction_epoch;
        return (who, Action::Markets(Ask::ClearNotes { model, series, epoch }));
    }
    let reserve = record.as_ref().map_or(9, |series| series.reserve.0);
    let place = if open { dice.below(10) } else { dice.pick(&[0, 1, 1, 5, 8, 9]) };
    let (who, ask) = match place {
        0..2 if over || dice.chance(3) => {
            let share = BasisPoints(1 + dice.below(4_200) as u16);
            let (epochs, units) = (10 + dice.below(90), 1 + dice.below(2_000));
            (owner, Ask::IssueNotes { model, share, epochs, units, reserve: Amount(1 + dice.below(40)) })
        }
        0..6 => {
            let price = if dice.chance(9) { dice.amount(90) } else { Amount(reserve + dice.below(60)) };
            let units = 1 + dice.below(900);
            (who, Ask::OrderNotes { model, series, epoch, side: Side::Buy, units, price })
        }
        6 | 7 => {
            let (who, units) = holder(world, dice, title, series).unwrap_or((who, 1));
            let units = 1 + dice.below(units);
            let price = Amount(1 + dice.below(80));
            (who, Ask::OrderNotes { model, series, epoch, side: Side::Sell, units, price })
        }
        8 => {
            let series = 1 + dice.below(series);
            let who = holder(world, dice, title, series).map_or(who, |(who, _)| who);
            (who, Ask::ClaimNotes { model, series })
        }
        _ => (who, Ask::ClearNotes { model, series, epoch: epoch.saturating_sub(dice.below(3)) }),
    };
    (who, Action::Markets(ask))
}

/// Somebody with notes of a series, and how many.
fn holder(world: &World, dice: &mut Dice, title: AccountId, series: u64) -> Option<(u8, u64)> {
    let key = MarketKey::Holding(title, series, account(0)).state();
    let bytes = key.encode().len() - 20;
    let held: Vec<(StateKey, HoldingRecord)> = records(world, &key, bytes);
    let held: Vec<(u8, u64)> = held
        .into_iter()
        .filter(|(_, holding)| holding.units > 0)
        .filter_map(|(key, holding)| match key {
            StateKey::Markets(MarketKey::Holding(_, _, account)) => {
                Some((number_of(account)?, holding.units))
            }
            _ => None,
        })
        .collect();
    one_of(&held, dice)
}
