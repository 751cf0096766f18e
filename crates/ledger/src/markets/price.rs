//! The posted price of a class: pure functions over integers.

use openledger_types::markets::{PRICE_WHOLE, PriceRecord};
use openledger_types::providers::{ClassRecord, RoundTotals};
use openledger_types::{BasisPoints, MarketParameters};

use crate::providers::residual_supply;

/// The price of a class in which no round was closed.
pub fn first_price(parameters: &MarketParameters) -> PriceRecord {
    PriceRecord { price: PRICE_WHOLE, gain: parameters.gain_start, rose: None }
}

/// `P' = P (1 + gain (U - U*) / U*)`, with the utilisation `U = served / capacity` counted up to twice the target `U*`. The
/// step is floored, at most `step_max` of the price, and never leads below the reference price. The gain adapts first: a
/// direction that is kept adds to it, a turn multiplies it down (arXiv 2110.04753).
pub fn next_price(now: &PriceRecord, totals: &RoundTotals, parameters: &MarketParameters) -> PriceRecord {
    let whole = u128::from(BasisPoints::WHOLE.0);
    let served = u128::from(totals.served.0).saturating_mul(whole);
    let wanted = u128::from(totals.capacity.0).saturating_mul(u128::from(parameters.utilisation_target.0));
    let rises = match served.cmp(&wanted) {
        std::cmp::Ordering::Greater => Some(true),
        std::cmp::Ordering::Less => Some(false),
        std::cmp::Ordering::Equal => None,
    };
    let gain = next_gain(now, rises, parameters);
    // The deviation in 1/2^32; without capacity, any demand is as far from the target as counts.
    let off = served.abs_diff(wanted).min(wanted);
    let deviation = (off << 32).checked_div(wanted).unwrap_or(1 << 32);
    let step = u128::from(now.price).saturating_mul(u128::from(gain)).saturating_mul(deviation) >> 48;
    let most = u128::from(now.price).saturating_mul(u128::from(parameters.step_max.0));
    let most = most.checked_div(whole).unwrap_or(0);
    let step = u64::try_from(step.min(most)).unwrap_or(u64::MAX);
    let price = match rises {
        Some(true) => now.price.saturating_add(step),
        Some(false) => now.price.saturating_sub(step).max(PRICE_WHOLE),
        None => now.price,
    };
    PriceRecord { price, gain, rose: rises }
}

fn next_gain(now: &PriceRecord, rises: Option<bool>, parameters: &MarketParameters) -> u64 {
    let gain = match (now.rose, rises) {
        (Some(before), Some(next)) if before == next => now.gain.saturating_add(parameters.gain_increase),
        (Some(_), Some(_)) => {
            let product = now.gain.saturating_mul(u64::from(parameters.gain_decrease.0));
            product.checked_div(u64::from(BasisPoints::WHOLE.0)).unwrap_or(0)
        }
        _ => now.gain,
    };
    gain.clamp(parameters.gain_low, parameters.gain_high.max(parameters.gain_low))
}

/// Whether the class is capped: without its three largest clusters, supply is less than `residual_least` (1.1) of demand.
pub fn is_capped(class: &ClassRecord, parameters: &MarketParameters) -> bool {
    let supply = u128::from(residual_supply(class).0).saturating_mul(u128::from(BasisPoints::WHOLE.0));
    let demand = u128::from(class.running.served.0).saturating_mul(u128::from(parameters.residual_least));
    supply < demand
}
