//! Issuing, ordering and claiming revenue notes.

use openledger_types::markets::{HoldingRecord, NoteBookRecord, NoteOrder, SeriesRecord, Side};
use openledger_types::models::{TitleRecord, title_of};
use openledger_types::{
    AccountId, Amount, Asset, BasisPoints, Cause, Event, Holder, MarketEvent, Name, Rejection, limits,
};

use super::earnings::{count, ends, holding_key, ripen, series_key};
use super::key::MarketKey;
use crate::execute::Transition;
use crate::models::title_key;
use crate::state::{Applied, StateKey};
use crate::supply::shift;

pub(super) fn note_book_key(model: &Name, series: u64, epoch: u64) -> StateKey {
    MarketKey::NoteBook(title_of(model), series, epoch).state()
}

pub(super) fn keys_of_series(model: &Name, series: u64, account: AccountId) -> Vec<StateKey> {
    let title = title_of(model);
    vec![title_key(model), series_key(title, series), holding_key(title, series, account)]
}

/// The title of a model, where notes exist at all.
pub(super) fn open(transition: &mut Transition<'_>, model: &Name) -> Applied<TitleRecord> {
    if transition.parameters.markets.notes == 0 {
        return Err(Rejection::NotesClosed.into());
    }
    title(transition, model)
}

/// A model's title. What was sold and ordered is settled even where notes were switched off since.
pub(super) fn title(transition: &mut Transition<'_>, model: &Name) -> Applied<TitleRecord> {
    Ok(transition.view.get(&title_key(model))?.ok_or(Rejection::ModelUnknown)?)
}

pub(super) fn series_of(transition: &mut Transition<'_>, model: &Name, series: u64) -> Applied<SeriesRecord> {
    Ok(transition.view.get(&series_key(title_of(model), series))?.ok_or(Rejection::SeriesUnknown)?)
}

/// What an owner offers.
pub(super) struct Issue<'a> {
    pub(super) model: &'a Name,
    pub(super) share: BasisPoints,
    pub(super) epochs: u64,
    pub(super) units: u64,
    pub(super) reserve: Amount,
}

pub(super) fn issue(transition: &mut Transition<'_>, issue: &Issue<'_>) -> Applied {
    let Issue { model, share, epochs, units, reserve } = *issue;
    let mut title = open(transition, model)?;
    if title.owner != transition.sender {
        return Err(Rejection::NotModelOwner.into());
    }
    let markets = transition.parameters.markets.clone();
    let within = (1..=markets.note_share_max.0).contains(&share.0)
        && (1..=markets.note_epochs_max).contains(&epochs)
        && (1..=limits::NOTE_UNITS_MAX).contains(&units);
    if !within || reserve == Amount::ZERO {
        return Err(Rejection::NotesInvalid.into());
    }
    let now = transition.epoch();
    if let Some(active) = title.active_series {
        let series = series_of(transition, model, active)?;
        if ends(&series).is_none_or(|ends| now < ends) {
            return Err(Rejection::SeriesActive.into());
        }
    }
    let raise_max = audited_earnings(transition, &title).fraction(markets.note_multiple, 1);
    let raise_max = raise_max.ok_or(Rejection::AmountOverflow)?;
    if raise_max < reserve {
        return Err(Rejection::EarningsTooLow.into());
    }
    let auction_epoch = now.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    title.series = title.series.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    title.active_series = Some(title.series);
    let record = SeriesRecord {
        share,
        epochs,
        units,
        reserve,
        raise_max,
        auction_epoch,
        begins_epoch: None,
        pending: Vec::new(),
        matured: Amount::ZERO,
        claimed: Amount::ZERO,
    };
    transition.view.put(&series_key(title_of(model), title.series), &record);
    transition.view.put(&title_key(model), &title);
    let (model, series) = (model.clone(), title.series);
    transition.emit(Event::Markets(MarketEvent::NotesIssued {
        model,
        series,
        share,
        epochs,
        units,
        reserve,
        auction_epoch,
    }));
    Ok(())
}

/// What a model earned in the epochs that count: those before the cliff, in which a fault would have been found by now.
fn audited_earnings(transition: &Transition<'_>, title: &TitleRecord) -> Amount {
    let parameters = &transition.parameters;
    let last = transition.epoch().checked_sub(parameters.builder_escrow.cliff_epochs);
    let Some(last) = last else { return Amount::ZERO };
    let counted = title.earned.iter().filter(|earned| {
        earned.epoch <= last && last.saturating_sub(earned.epoch) < parameters.markets.note_earning_epochs
    });
    Amount::sum(counted.map(|earned| earned.amount)).unwrap_or(Amount(u64::MAX))
}

/// What somebody orders.
pub(super) struct Order<'a> {
    pub(super) model: &'a Name,
    pub(super) series: u64,
    pub(super) epoch: u64,
    pub(super) order: NoteOrder,
}

pub(super) fn order(transition: &mut Transition<'_>, wanted: &Order<'_>) -> Applied {
    let Order { model, series: number, epoch, order } = wanted;
    let (number, epoch) = (*number, *epoch);
    open(transition, model)?;
    let series = series_of(transition, model, number)?;
    check_open(transition, &series, epoch, order)?;
    let cost = order.price.fraction(order.units, 1).ok_or(Rejection::AmountOverflow)?;
    if cost == Amount::ZERO {
        return Err(Rejection::OrderInvalid.into());
    }
    let key = note_book_key(model, number, epoch);
    let mut book = transition.view.get::<NoteBookRecord>(&key)?.unwrap_or_default();
    let mine = |other: &NoteOrder| other.account == order.account && other.side == order.side;
    if book.orders.iter().any(mine) {
        return Err(Rejection::OrderRepeated.into());
    }
    if let Some(worst) = displaced(&book, order)? {
        let out = book.orders.remove(worst);
        give_back(transition, model, number, epoch, &out)?;
    }
    match order.side {
        Side::Buy => {
            let from = Holder::Account(order.account);
            shift(transition, from, Holder::Custody, Asset::Credit, cost, Cause::NotesOrdered)?;
        }
        Side::Sell => list(transition, model, number, order)?,
    }
    book.orders.push(order.clone());
    transition.view.put(&key, &book);
    let NoteOrder { account, side, units, price } = order.clone();
    let (model, series) = ((*model).clone(), number);
    transition.emit(Event::Markets(MarketEvent::NotesOrdered {
        model,
        series,
        epoch,
        account,
        side,
        units,
        price,
    }));
    Ok(())
}

/// Orders are for the running epoch; the first auction is for buyers at the reserve or above; later ones end with the series.
fn check_open(transition: &Transition<'_>, series: &SeriesRecord, epoch: u64, order: &NoteOrder) -> Applied {
    let first = series.begins_epoch.is_none();
    let open = epoch == transition.epoch()
        && if first { epoch == series.auction_epoch } else { ends(series).is_some_and(|ends| epoch < ends) };
    if !open {
        return Err(Rejection::AuctionClosed.into());
    }
    let possible = (1..=limits::NOTE_UNITS_MAX).contains(&order.units)
        && (!first || (order.side == Side::Buy && order.price >= series.reserve));
    if possible { Ok(()) } else { Err(Rejection::OrderInvalid.into()) }
}

/// Which order makes room in a full book: the worst of the side, if the new one is better.
fn displaced(book: &NoteBookRecord, order: &NoteOrder) -> Applied<Option<usize>> {
    let same = || book.orders.iter().enumerate().filter(|(_, other)| other.side == order.side);
    if same().count() < limits::AUCTION_ORDERS_MAX {
        return Ok(None);
    }
    let worst = match order.side {
        Side::Buy => same().min_by_key(|(_, other)| (other.price, other.account)),
        Side::Sell => same().max_by_key(|(_, other)| (other.price, other.account)),
    };
    let better = |other: &NoteOrder| match order.side {
        Side::Buy => order.price > other.price,
        Side::Sell => order.price < other.price,
    };
    let place = worst.filter(|(_, other)| better(other)).map(|(place, _)| place);
    Ok(Some(place.ok_or(Rejection::BookFull)?))
}

fn give_back(
    transition: &mut Transition<'_>,
    model: &Name,
    series: u64,
    epoch: u64,
    out: &NoteOrder,
) -> Applied {
    match out.side {
        Side::Buy => {
            let back = out.price.fraction(out.units, 1).expect("the order was paid");
            let to = Holder::Account(out.account);
            shift(transition, Holder::Custody, to, Asset::Credit, back, Cause::NotesReturned)?;
        }
        Side::Sell => {
            let key = holding_key(title_of(model), series, out.account);
            let mut holding: HoldingRecord = transition.view.get(&key)?.expect("a seller holds notes");
            holding.listed = holding.listed.saturating_sub(out.units);
            transition.view.put(&key, &holding);
        }
    }
    let NoteOrder { account, side, units, .. } = *out;
    let model = model.clone();
    transition.emit(Event::Markets(MarketEvent::NotesDisplaced {
        model,
        series,
        epoch,
        account,
        side,
        units,
    }));
    Ok(())
}

/// Notes in an order still earn for their holder, and cannot be sold twice.
fn list(transition: &mut Transition<'_>, model: &Name, series: u64, order: &NoteOrder) -> Applied {
    let key = holding_key(title_of(model), series, order.account);
    let mut holding = transition.view.get::<HoldingRecord>(&key)?.unwrap_or_default();
    let listed = holding.listed.checked_add(order.units).filter(|listed| *listed <= holding.units);
    holding.listed = listed.ok_or(Rejection::NotesTooFew)?;
    transition.view.put(&key, &holding);
    Ok(())
}

pub(super) fn claim(transition: &mut Transition<'_>, model: &Name, number: u64) -> Applied {
    let account = transition.sender;
    // What was sold stays owed, also where no new notes are allowed any more.
    let mut series = series_of(transition, model, number)?;
    let key = holding_key(title_of(model), number, account);
    let mut holding = transition.view.get::<HoldingRecord>(&key)?.unwrap_or_default();
    let parameters = transition.parameters.clone();
    ripen(&mut series, transition.epoch(), &parameters);
    count(&mut holding, &series);
    let amount = std::mem::take(&mut holding.owed);
    if amount == Amount::ZERO {
        return Err(Rejection::NothingEarned.into());
    }
    series.claimed = series.claimed.plus(amount).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&key, &holding);
    transition.view.put(&series_key(title_of(model), number), &series);
    let to = Holder::Account(account);
    shift(transition, Holder::Custody, to, Asset::Credit, amount, Cause::NotesClaimed)?;
    let (model, series) = (model.clone(), number);
    transition.emit(Event::Markets(MarketEvent::NotesClaimed { model, series, account, amount }));
    Ok(())
}
