//! The uniform-price auction: pure functions over orders. Nothing depends on when an order came, so speed is worth nothing.

use openledger_types::markets::{NoteOrder, Side};
use openledger_types::{AccountId, Amount};

/// What an auction comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clearing {
    /// The price of every note.
    pub price: Amount,
    /// How many notes change hands.
    pub units: u64,
    /// What each order gets or gives, in the order of the orders.
    pub fills: Vec<u64>,
}

/// Clears buy and sell orders at one price: the one at which most notes change hands, and of several such the highest.
/// `raise_max` bounds what the sellers get together. Better prices are filled first; orders at the margin share what is left
/// in proportion to their size, floored, and the units that flooring leaves go one each in the order of accounts.
pub fn clear(orders: &[NoteOrder], raise_max: Option<Amount>) -> Clearing {
    let at = |price: Amount| volume(orders, price);
    let best = orders.iter().map(|order| (at(order.price), order.price)).max();
    let Some((most, price)) = best.filter(|(most, _)| *most > 0) else {
        return Clearing { fills: vec![0; orders.len()], ..Clearing::default() };
    };
    let payable = raise_max.and_then(|most| most.0.checked_div(price.0)).unwrap_or(u64::MAX);
    let units = u64::try_from(most).unwrap_or(u64::MAX).min(payable);
    let mut fills = vec![0; orders.len()];
    for side in [Side::Buy, Side::Sell] {
        fill(orders, side, price, units, &mut fills);
    }
    Clearing { price, units, fills }
}

fn volume(orders: &[NoteOrder], price: Amount) -> u128 {
    let of = |side: Side| -> u128 {
        let orders = orders.iter().filter(|order| order.side == side && accepts(order, price));
        orders.map(|order| u128::from(order.units)).sum()
    };
    of(Side::Buy).min(of(Side::Sell))
}

fn accepts(order: &NoteOrder, price: Amount) -> bool {
    match order.side {
        Side::Buy => order.price >= price,
        Side::Sell => order.price <= price,
    }
}

/// Fills one side with `units`, best prices first.
fn fill(orders: &[NoteOrder], side: Side, price: Amount, units: u64, fills: &mut [u64]) {
    let mut places: Vec<usize> = (0..orders.len())
        .filter(|place| orders.get(*place).is_some_and(|order| order.side == side && accepts(order, price)))
        .collect();
    let rank = |place: &usize| -> (u64, AccountId) {
        let order = orders.get(*place).expect("the place is of an order");
        let worse = if side == Side::Buy { u64::MAX.saturating_sub(order.price.0) } else { order.price.0 };
        (worse, order.account)
    };
    places.sort_by_key(rank);
    let mut left = units;
    for group in places.chunk_by(|one, other| rank(one).0 == rank(other).0) {
        let sizes: Vec<u64> =
            group.iter().filter_map(|place| orders.get(*place)).map(|order| order.units).collect();
        for (place, amount) in group.iter().zip(ration(&sizes, left)) {
            if let Some(slot) = fills.get_mut(*place) {
                *slot = amount;
            }
            left = left.saturating_sub(amount);
        }
    }
}

/// Shares `units` among `sizes`: all of each if there is enough, else in proportion, floored, and the rest one each in order.
pub(super) fn ration(sizes: &[u64], units: u64) -> Vec<u64> {
    let whole: u128 = sizes.iter().map(|size| u128::from(*size)).sum();
    if whole <= u128::from(units) {
        return sizes.to_vec();
    }
    let share = |size: &u64| {
        let product = u128::from(*size).saturating_mul(u128::from(units));
        u64::try_from(product.checked_div(whole).unwrap_or(0)).unwrap_or(u64::MAX)
    };
    let mut shares: Vec<u64> = sizes.iter().map(share).collect();
    let given: u64 = shares.iter().fold(0, |sum, share| sum.saturating_add(*share));
    let mut rest = units.saturating_sub(given);
    for (share, size) in shares.iter_mut().zip(sizes) {
        if rest > 0 && share < &mut size.clone() {
            *share = share.saturating_add(1);
            rest = rest.saturating_sub(1);
        }
    }
    shares
}
