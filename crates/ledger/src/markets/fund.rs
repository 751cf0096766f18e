//! The capacity fund: it buys new capacity at one price for all, and pays for what was there.

use openledger_types::markets::{AwardRecord, CapacityBid, CapacityBookRecord};
use openledger_types::providers::{CountedLoad, HeartbeatRecord};
use openledger_types::record::{Pool, Role};
use openledger_types::{
    AccountId, Amount, Asset, Cause, Event, Holder, MarketEvent, Name, Rejection, UNITS_PER_WHOLE, limits,
};

use super::key::MarketKey;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply::shift;
use crate::{accounts, escrow, providers};

pub(super) fn keys_of_class(class: &Name) -> [StateKey; 2] {
    [MarketKey::CapacityBook(class.clone()).state(), StateKey::Pool(Pool::Capacity)]
}

pub(super) fn keys_of_bid(provider: AccountId, class: &Name) -> Vec<StateKey> {
    let mut keys = vec![
        StateKey::Provider(provider),
        MarketKey::CapacityBook(class.clone()).state(),
        award_key(class, provider),
        accounts::key_of_cluster(provider),
        providers::class_key(class),
        StateKey::Pool(Pool::Capacity),
    ];
    keys.push(providers::cluster_key(class, provider));
    keys
}

pub(super) fn award_key(class: &Name, provider: AccountId) -> StateKey {
    MarketKey::Award(class.clone(), provider).state()
}

/// What `capacity` costs in one epoch at `price` for each C of it.
fn cost(capacity: Amount, price: Amount) -> Option<Amount> {
    capacity.fraction(price.0, UNITS_PER_WHOLE)
}

/// Puts a bid into the book of the running round.
pub(super) fn bid(transition: &mut Transition<'_>, class: &Name, capacity: Amount, price: Amount) -> Applied {
    let provider = transition.sender;
    let stake = transition.view.provider(provider)?.stake;
    if transition.parameters.markets.class(class).is_none() {
        return Err(Rejection::ClassUnknown.into());
    }
    let per_epoch = cost(capacity, price).ok_or(Rejection::AmountOverflow)?;
    if capacity == Amount::ZERO || per_epoch == Amount::ZERO {
        return Err(Rejection::BidInvalid.into());
    }
    let cluster = accounts::cluster_of(transition, provider)?;
    let known = providers::cluster_in(transition, class, cluster)?;
    let new_until = transition.parameters.markets.entrant_epochs;
    let epoch = transition.epoch();
    let known_before = known.is_some_and(|record| epoch >= record.first_epoch.saturating_add(new_until));
    // Whoever came to another cluster, or left one, is not new by that.
    if known_before || accounts::moved_since(transition, provider, epoch.saturating_sub(new_until))? {
        return Err(Rejection::ClusterNotNew.into());
    }
    let key = MarketKey::CapacityBook(class.clone()).state();
    let mut book = transition.view.get::<CapacityBookRecord>(&key)?.unwrap_or_default();
    let awarded = transition.view.get::<AwardRecord>(&award_key(class, provider))?.is_some();
    if awarded || is_listed(transition, &book, provider, cluster)? {
        return Err(Rejection::BidRepeated.into());
    }
    check_bounds(transition, stake, (capacity, price))?;
    if book.bids.len() >= limits::AUCTION_ORDERS_MAX {
        // The dearest bid makes room for a cheaper one.
        let dearest = book.bids.iter().enumerate().max_by_key(|(_, bid)| (bid.price, bid.provider));
        let place = dearest.filter(|(_, bid)| price < bid.price).map(|(place, _)| place);
        book.bids.remove(place.ok_or(Rejection::BookFull)?);
    }
    book.bids.push(CapacityBid { provider, cluster, capacity, price });
    transition.view.put(&key, &book);
    let class = class.clone();
    transition.emit(Event::Markets(MarketEvent::CapacityBid { class, provider, capacity, price }));
    Ok(())
}

/// Whether the provider or its cluster has a bid, by the clusters of then and of now.
fn is_listed(
    transition: &mut Transition<'_>,
    book: &CapacityBookRecord,
    provider: AccountId,
    cluster: AccountId,
) -> Applied<bool> {
    transition.view.need(book.bids.iter().map(|bid| accounts::key_of_cluster(bid.provider)))?;
    let mut listed = false;
    for bid in &book.bids {
        let now = accounts::cluster_of(transition, bid.provider)?;
        listed |= bid.provider == provider || bid.cluster == cluster || now == cluster;
    }
    Ok(listed)
}

/// A round can pay so many of the largest bids at the highest price.
const BIDS_PER_ROUND_MIN: u64 = 4;

/// A bid asks for no more than a part of what the capacity can earn, for no more than the stake backs, and for so little capacity
/// that it costs a part of a round even at the highest price: bids are taken whole, cheapest first, and all get the price of the
/// dearest taken, so a large bid for nothing would leave no money for anybody who names a price.
fn check_bounds(
    transition: &mut Transition<'_>,
    stake: Amount,
    (capacity, price): (Amount, Amount),
) -> Applied {
    let markets = &transition.parameters.markets;
    let (share, epochs) = (markets.fund_budget, markets.award_epochs);
    let dearest = Amount(UNITS_PER_WHOLE).basis_points(markets.fund_price_max);
    let backed = providers::backed(stake, &transition.parameters);
    let budget = transition.view.pool(&Pool::Capacity)?.basis_points(share);
    let most =
        cost(capacity, dearest).and_then(|most| most.fraction(epochs.checked_mul(BIDS_PER_ROUND_MIN)?, 1));
    let payable = most.is_some_and(|most| most <= budget);
    if price <= dearest && capacity <= backed && payable { Ok(()) } else { Err(Rejection::BidTooHigh.into()) }
}

/// Which bids win, and the price of all of them: cheapest first, while all that were taken can be paid at the price of the
/// dearest taken. Bids are taken whole. Nothing depends on the order in which they came.
pub(super) fn winners(mut bids: Vec<CapacityBid>, budget: Amount, epochs: u64) -> (Vec<CapacityBid>, Amount) {
    bids.sort_by_key(|bid| (bid.price, bid.provider));
    let mut price = Amount::ZERO;
    let mut taken: Vec<CapacityBid> = Vec::new();
    for bid in bids {
        let dearer = bid.price;
        let mut capacities = taken.iter().map(|bid| bid.capacity).chain([bid.capacity]);
        let sum = capacities.try_fold(Amount::ZERO, |sum, capacity| sum.plus(cost(capacity, dearer)?));
        drop(capacities);
        let whole = sum.and_then(|sum| sum.fraction(epochs, 1));
        if whole.is_none_or(|whole| whole > budget) {
            break;
        }
        price = dearer;
        taken.push(bid);
    }
    (taken, price)
}

/// Clears the book of a class and sets the money aside.
pub(super) fn buy(transition: &mut Transition<'_>, class: &Name) -> Applied {
    let key = MarketKey::CapacityBook(class.clone()).state();
    let Some(book) = transition.view.get::<CapacityBookRecord>(&key)? else { return Ok(()) };
    transition.view.need(book.bids.iter().map(|bid| award_key(class, bid.provider)))?;
    transition.view.remove(&key);
    let markets = &transition.parameters.markets;
    let (share, epochs) = (markets.fund_budget, markets.award_epochs);
    let budget = transition.view.pool(&Pool::Capacity)?.basis_points(share);
    let (taken, price) = winners(book.bids, budget, epochs);
    let until_epoch = transition.epoch().saturating_add(epochs);
    for CapacityBid { provider, capacity, .. } in taken {
        let held = cost(capacity, price).and_then(|cost| cost.fraction(epochs, 1));
        let held = held.expect("the sum over all winners is within the budget");
        shift(
            transition,
            Holder::Pool(Pool::Capacity),
            Holder::Custody,
            Asset::Credit,
            held,
            Cause::CapacityAward,
        )?;
        transition.view.put(&award_key(class, provider), &AwardRecord { capacity, price, until_epoch, held });
        let class = class.clone();
        let awarded = MarketEvent::CapacityAwarded { class, provider, capacity, price, until_epoch };
        transition.emit(Event::Markets(awarded));
    }
    Ok(())
}

/// Pays a heartbeat for the proven capacity that was bought; all of it waits in the tranche of the epoch.
pub(super) fn pay(transition: &mut Transition<'_>, provider: AccountId, beat: &HeartbeatRecord) -> Applied {
    for CountedLoad { class, proven, .. } in &beat.loads {
        let key = award_key(class, provider);
        let Some(mut award) = transition.view.get::<AwardRecord>(&key)? else { continue };
        if beat.epoch >= award.until_epoch {
            continue;
        }
        let due = cost(award.capacity.min(*proven), award.price).unwrap_or_default().min(award.held);
        award.held = award.held.minus(due).expect("what is due is at most what is held");
        transition.view.put(&key, &award);
        let parameters = transition.parameters.provider_escrow;
        escrow::earn(
            transition,
            Holder::Custody,
            (provider, Role::Provider),
            parameters,
            due,
            Cause::CapacityPaid,
        )?;
    }
    Ok(())
}

/// Gives back what an award did not pay.
pub(super) fn end(transition: &mut Transition<'_>, class: &Name, provider: AccountId) -> Applied {
    let key = award_key(class, provider);
    let award = transition.view.get::<AwardRecord>(&key)?.ok_or(Rejection::AwardUnknown)?;
    if transition.epoch() < award.until_epoch {
        return Err(Rejection::AwardRunning.into());
    }
    transition.view.remove(&key);
    let returned = award.held;
    let fund = Holder::Pool(Pool::Capacity);
    shift(transition, Holder::Custody, fund, Asset::Credit, returned, Cause::CapacityAward)?;
    let class = class.clone();
    transition.emit(Event::Markets(MarketEvent::AwardEnded { class, provider, returned }));
    Ok(())
}
