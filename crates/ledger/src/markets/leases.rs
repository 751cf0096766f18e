//! Leases: reserved capacity, prepaid, paid for the epochs in which it was there.

use openledger_types::markets::{LeaseBookRecord, LeaseOffer, LeaseRecord};
use openledger_types::providers::HeartbeatRecord;
use openledger_types::record::Role;
use openledger_types::{
    AccountId, Amount, Asset, Cause, Event, Holder, MarketEvent, Name, Rejection, limits,
};

use super::key::MarketKey;
use crate::escrow;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply::shift;

pub(super) fn book_key(provider: AccountId) -> StateKey {
    MarketKey::LeaseBook(provider).state()
}

fn book_of(transition: &mut Transition<'_>, provider: AccountId) -> Applied<LeaseBookRecord> {
    Ok(transition.view.get(&book_key(provider))?.unwrap_or_default())
}

fn emit(transition: &mut Transition<'_>, event: MarketEvent) {
    transition.emit(Event::Markets(event));
}

pub(super) fn offer(transition: &mut Transition<'_>, offer: LeaseOffer) -> Applied {
    let provider = transition.sender;
    transition.view.provider(provider)?;
    let markets = &transition.parameters.markets;
    if markets.class(&offer.class).is_none() {
        return Err(Rejection::ClassUnknown.into());
    }
    let epochs = 1..=markets.lease_epochs_max;
    if offer.capacity == Amount::ZERO || offer.price == Amount::ZERO || !epochs.contains(&offer.epochs_max) {
        return Err(Rejection::LeaseInvalid.into());
    }
    let mut book = book_of(transition, provider)?;
    if book.offers.len().saturating_add(book.leases.len()) >= limits::LEASES_PER_PROVIDER_MAX {
        return Err(Rejection::LeasesTooMany.into());
    }
    book.numbers = book.numbers.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    let number = book.numbers;
    book.offers.push((number, offer.clone()));
    transition.view.put(&book_key(provider), &book);
    emit(transition, MarketEvent::LeaseOffered { provider, number, offer });
    Ok(())
}

pub(super) fn withdraw(transition: &mut Transition<'_>, number: u64) -> Applied {
    let provider = transition.sender;
    let mut book = book_of(transition, provider)?;
    let place = book.offers.iter().position(|(other, _)| *other == number);
    book.offers.remove(place.ok_or(Rejection::LeaseUnknown)?);
    transition.view.put(&book_key(provider), &book);
    emit(transition, MarketEvent::LeaseWithdrawn { provider, number });
    Ok(())
}

pub(super) fn take(
    transition: &mut Transition<'_>,
    provider: AccountId,
    number: u64,
    epochs: u64,
) -> Applied {
    let mut book = book_of(transition, provider)?;
    let place = book.offers.iter().position(|(other, _)| *other == number);
    let (_, offer) = book.offers.remove(place.ok_or(Rejection::LeaseUnknown)?);
    if !(1..=offer.epochs_max).contains(&epochs) {
        return Err(Rejection::LeaseTooLong.into());
    }
    let held = offer.price.fraction(epochs, 1).ok_or(Rejection::AmountOverflow)?;
    let begins_epoch = transition.epoch().checked_add(1).ok_or(Rejection::AmountOverflow)?;
    let ends_epoch = begins_epoch.checked_add(epochs).ok_or(Rejection::AmountOverflow)?;
    let holder = transition.sender;
    let from = Holder::Account(holder);
    shift(transition, from, Holder::Custody, Asset::Credit, held, Cause::LeasePrepaid)?;
    book.leases.push(LeaseRecord {
        number,
        holder,
        offer,
        begins_epoch,
        ends_epoch,
        kept: 0,
        kept_epoch: None,
        collected_epoch: begins_epoch,
        held,
    });
    transition.view.put(&book_key(provider), &book);
    emit(transition, MarketEvent::LeaseTaken { provider, number, holder, begins_epoch, ends_epoch });
    Ok(())
}

pub(super) fn transfer(
    transition: &mut Transition<'_>,
    provider: AccountId,
    number: u64,
    to: AccountId,
) -> Applied {
    let mut book = book_of(transition, provider)?;
    let lease = book.leases.iter_mut().find(|lease| lease.number == number);
    let lease = lease.ok_or(Rejection::LeaseUnknown)?;
    if lease.holder != transition.sender {
        return Err(Rejection::NotLeaseHolder.into());
    }
    let from = std::mem::replace(&mut lease.holder, to);
    transition.view.put(&book_key(provider), &book);
    emit(transition, MarketEvent::LeaseTransferred { provider, number, from, to });
    Ok(())
}

/// A heartbeat keeps the running leases of a class when what counts covers all of them together.
pub(super) fn keep(transition: &mut Transition<'_>, provider: AccountId, beat: &HeartbeatRecord) -> Applied {
    let mut book = book_of(transition, provider)?;
    if book.leases.is_empty() {
        return Ok(());
    }
    let epoch = beat.epoch;
    let running = |lease: &LeaseRecord| (lease.begins_epoch..lease.ends_epoch).contains(&epoch);
    let leased = |class: &Name, leases: &[LeaseRecord]| {
        let leases = leases.iter().filter(|lease| running(lease) && lease.offer.class == *class);
        Amount::sum(leases.map(|lease| lease.offer.capacity))
    };
    let covered: Vec<Name> = beat
        .loads
        .iter()
        .filter(|load| leased(&load.class, &book.leases).is_some_and(|leased| leased <= load.counted))
        .map(|load| load.class.clone())
        .collect();
    for lease in &mut book.leases {
        if running(lease) && covered.contains(&lease.offer.class) {
            lease.kept = lease.kept.saturating_add(1);
            lease.kept_epoch = Some(epoch);
        }
    }
    transition.view.put(&book_key(provider), &book);
    Ok(())
}

/// What elapsed since the last time: epochs to pay, epochs to refund, and the epoch up to which that counts.
fn elapsed(lease: &LeaseRecord, now: u64) -> (u64, u64, u64) {
    let until = now.clamp(lease.collected_epoch, lease.ends_epoch.max(lease.collected_epoch));
    let epochs = until.saturating_sub(lease.collected_epoch);
    let running = u64::from(lease.kept_epoch.is_some_and(|epoch| epoch >= until));
    let kept = lease.kept.saturating_sub(running).min(epochs);
    (kept, epochs.saturating_sub(kept), until)
}

pub(super) fn collect(transition: &mut Transition<'_>, provider: AccountId, number: u64) -> Applied {
    let mut book = book_of(transition, provider)?;
    let place = book.leases.iter().position(|lease| lease.number == number);
    let mut lease = book.leases.remove(place.ok_or(Rejection::LeaseUnknown)?);
    let epoch = transition.epoch();
    let tranche = escrow::keys(provider, Role::Provider, &[epoch]);
    transition.view.need(tranche.into_iter().chain([StateKey::Account(lease.holder)]))?;
    let (kept, missed, until) = elapsed(&lease, epoch);
    if kept == 0 && missed == 0 {
        return Err(Rejection::NothingElapsed.into());
    }
    let price = |epochs| lease.offer.price.fraction(epochs, 1).expect("a part of the prepayment fits");
    let (due, back) = (price(kept), price(missed));
    let left = lease.held.minus(due).and_then(|left| left.minus(back));
    lease.held = left.expect("every epoch is prepaid and counted once");
    lease.kept = lease.kept.saturating_sub(kept);
    lease.collected_epoch = until;
    let parameters = transition.parameters.provider_escrow;
    let to = (provider, Role::Provider);
    escrow::earn(transition, Holder::Custody, to, parameters, due, Cause::LeasePaid)?;
    let holder = Holder::Account(lease.holder);
    shift(transition, Holder::Custody, holder, Asset::Credit, back, Cause::LeaseRefunded)?;
    emit(transition, MarketEvent::LeaseCollected { provider, number, kept, missed });
    if until >= lease.ends_epoch {
        emit(transition, MarketEvent::LeaseEnded { provider, number });
    } else {
        book.leases.push(lease);
        book.leases.sort_by_key(|lease| lease.number);
    }
    transition.view.put(&book_key(provider), &book);
    Ok(())
}
