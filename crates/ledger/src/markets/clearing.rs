//! Clearing an auction of notes: the money and the notes of all orders move at once.

use openledger_types::markets::{HoldingRecord, NoteBookRecord, NoteOrder, SeriesRecord, Side};
use openledger_types::models::{TitleRecord, title_of};
use openledger_types::{AccountId, Amount, Asset, Cause, Event, Holder, MarketEvent, Name, Rejection};

use super::auction::{self, Clearing};
use super::earnings::{count, holding_key, ripen, series_key};
use super::notes::{note_book_key, series_of, title};
use crate::execute::Transition;
use crate::models::title_key;
use crate::state::{Applied, StateKey};
use crate::supply::shift;

/// Which auction.
struct Auction<'a> {
    model: &'a Name,
    series: u64,
    epoch: u64,
    owner: AccountId,
}

pub(super) fn clear(transition: &mut Transition<'_>, model: &Name, number: u64, epoch: u64) -> Applied {
    let title = title(transition, model)?;
    let mut series = series_of(transition, model, number)?;
    let key = note_book_key(model, number, epoch);
    let book = transition.view.get::<NoteBookRecord>(&key)?;
    let first = series.begins_epoch.is_none() && series.units > 0 && epoch == series.auction_epoch;
    if epoch >= transition.epoch() {
        return Err(Rejection::AuctionRunning.into());
    }
    if book.is_none() && !first {
        return Err(Rejection::AuctionUnknown.into());
    }
    let mut orders = book.unwrap_or_default().orders;
    let auction = Auction { model, series: number, epoch, owner: title.owner };
    load(transition, &auction, &orders)?;
    transition.view.remove(&key);
    if first {
        // The owner's side of the first auction stands in the series and not in the book.
        let (account, units, price) = (title_of(model), series.units, series.reserve);
        orders.push(NoteOrder { account, side: Side::Sell, units, price });
    }
    let cleared = auction::clear(&orders, first.then_some(series.raise_max));
    let now = transition.epoch();
    let parameters = transition.parameters.clone();
    ripen(&mut series, now, &parameters);
    if first {
        begin(transition, &auction, title, &mut series, cleared.units, now);
    }
    for (order, filled) in orders.iter().zip(&cleared.fills) {
        match order.side {
            Side::Buy => bought(transition, &auction, &series, order, *filled, cleared.price)?,
            Side::Sell if first => {
                let proceeds = proceeds(*filled, cleared.price);
                let to = Holder::Account(auction.owner);
                shift(transition, Holder::Custody, to, Asset::Credit, proceeds, Cause::NotesSold)?;
            }
            Side::Sell => sold(transition, &auction, &series, order, *filled, cleared.price)?,
        }
    }
    transition.view.put(&series_key(title_of(model), number), &series);
    let (model, series) = (model.clone(), number);
    let Clearing { price, units, .. } = cleared;
    transition.emit(Event::Markets(MarketEvent::NotesCleared { model, series, epoch, units, price }));
    Ok(())
}

fn load(transition: &mut Transition<'_>, auction: &Auction<'_>, orders: &[NoteOrder]) -> Applied {
    let title = title_of(auction.model);
    let found = orders.iter().flat_map(|order| {
        [StateKey::Account(order.account), holding_key(title, auction.series, order.account)]
    });
    transition.view.need(found.chain([StateKey::Account(auction.owner)]))
}

/// The notes that were sold begin to earn; those that were not sold do not exist, and without any the series is over.
fn begin(
    transition: &mut Transition<'_>,
    auction: &Auction<'_>,
    mut title: TitleRecord,
    series: &mut SeriesRecord,
    units: u64,
    now: u64,
) {
    series.units = units;
    if units > 0 {
        series.begins_epoch = Some(now);
        return;
    }
    title.active_series = None;
    transition.view.put(&title_key(auction.model), &title);
}

fn proceeds(units: u64, price: Amount) -> Amount {
    price.fraction(units, 1).expect("buyers have paid at least as much into custody")
}

/// A holding with what it is owed counted, so that its notes can change.
fn counted(
    transition: &mut Transition<'_>,
    auction: &Auction<'_>,
    series: &SeriesRecord,
    account: AccountId,
) -> Applied<(StateKey, HoldingRecord)> {
    let key = holding_key(title_of(auction.model), auction.series, account);
    let mut holding = transition.view.get::<HoldingRecord>(&key)?.unwrap_or_default();
    count(&mut holding, series);
    Ok((key, holding))
}

fn bought(
    transition: &mut Transition<'_>,
    auction: &Auction<'_>,
    series: &SeriesRecord,
    order: &NoteOrder,
    filled: u64,
    price: Amount,
) -> Applied {
    let paid = proceeds(order.units, order.price);
    let back = paid.minus(proceeds(filled, price)).expect("the price is at most the buyer's");
    let to = Holder::Account(order.account);
    shift(transition, Holder::Custody, to, Asset::Credit, back, Cause::NotesReturned)?;
    if filled > 0 {
        let (key, mut holding) = counted(transition, auction, series, order.account)?;
        holding.units = holding.units.checked_add(filled).ok_or(Rejection::AmountOverflow)?;
        transition.view.put(&key, &holding);
        emit_filled(transition, auction, order, filled);
    }
    Ok(())
}

/// A seller gets the price less the levy, which is the owner's of the model.
fn sold(
    transition: &mut Transition<'_>,
    auction: &Auction<'_>,
    series: &SeriesRecord,
    order: &NoteOrder,
    filled: u64,
    price: Amount,
) -> Applied {
    let (key, mut holding) = counted(transition, auction, series, order.account)?;
    holding.listed = holding.listed.saturating_sub(order.units);
    holding.units = holding.units.checked_sub(filled).expect("listed notes are held");
    transition.view.put(&key, &holding);
    if filled == 0 {
        return Ok(());
    }
    let value = proceeds(filled, price);
    let levy = value.basis_points(transition.parameters.markets.note_levy);
    let left = value.minus(levy).expect("a levy is a part");
    let (owner, seller) = (Holder::Account(auction.owner), Holder::Account(order.account));
    shift(transition, Holder::Custody, owner, Asset::Credit, levy, Cause::NotesLevy)?;
    shift(transition, Holder::Custody, seller, Asset::Credit, left, Cause::NotesSold)?;
    emit_filled(transition, auction, order, filled);
    Ok(())
}

fn emit_filled(transition: &mut Transition<'_>, auction: &Auction<'_>, order: &NoteOrder, units: u64) {
    let Auction { series, epoch, .. } = *auction;
    let (model, account, side) = (auction.model.clone(), order.account, order.side);
    transition.emit(Event::Markets(MarketEvent::NotesFilled { model, series, epoch, account, side, units }));
}
