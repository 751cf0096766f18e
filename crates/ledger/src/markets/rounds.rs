//! Closing a round of a class: its totals make the next quote, and the capacity fund buys.

use openledger_types::markets::{PRICE_WHOLE, PriceRecord, QuoteRecord};
use openledger_types::providers::{ClassRecord, RoundTotals};
use openledger_types::{Event, MarketEvent, Name, Rejection};

use super::key::MarketKey;
use super::{fund, price};
use crate::execute::Transition;
use crate::providers;
use crate::state::{Applied, StateKey};

/// The key of a quote.
pub(crate) fn quote_key(class: &Name, round: u64) -> StateKey {
    MarketKey::Quote(class.clone(), round).state()
}

/// The quote of a round. The first round, before anything was closed, has the reference price.
pub(crate) fn quote(
    transition: &mut Transition<'_>,
    class: &Name,
    round: u64,
) -> Applied<Option<QuoteRecord>> {
    let found = transition.view.get(&quote_key(class, round))?;
    let known = transition.parameters.markets.class(class).is_some();
    let first = QuoteRecord { price: PRICE_WHOLE, capped: false, epoch: 0 };
    Ok(found.or_else(|| (round == 0 && known).then_some(first)))
}

pub(super) fn keys(class: &Name) -> Vec<StateKey> {
    let mut keys = vec![providers::class_key(class), MarketKey::Price(class.clone()).state()];
    keys.extend(fund::keys_of_class(class));
    keys
}

pub(super) fn close(transition: &mut Transition<'_>, name: &Name) -> Applied {
    if transition.parameters.markets.class(name).is_none() {
        return Err(Rejection::ClassUnknown.into());
    }
    let class = providers::class_of(transition, name)?;
    let epoch = transition.epoch();
    if epoch <= class.since_epoch {
        return Err(Rejection::RoundRunning.into());
    }
    fund::buy(transition, name)?;
    let parameters = transition.parameters.markets.clone();
    let key = MarketKey::Price(name.clone()).state();
    let now = transition.view.get::<PriceRecord>(&key)?;
    let now = now.unwrap_or_else(|| price::first_price(&parameters));
    let next = price::next_price(&now, &class.running, &parameters);
    let capped = price::is_capped(&class, &parameters);
    let round = class.round.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    let RoundTotals { capacity, served } = class.running;
    let (last, running) = (class.running, RoundTotals::default());
    let opened = ClassRecord { round, since_epoch: epoch, running, largest: Vec::new(), last };
    transition.view.put(&providers::class_key(name), &opened);
    transition.view.put(&key, &next);
    transition.view.put(&quote_key(name, round), &QuoteRecord { price: next.price, capped, epoch });
    let PriceRecord { price, gain, .. } = next;
    let class = name.clone();
    transition.emit(Event::Markets(MarketEvent::RoundClosed {
        class,
        round,
        price,
        gain,
        capped,
        capacity,
        served,
    }));
    Ok(())
}
