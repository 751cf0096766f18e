//! The lines of resource classes in a batch: their premiums are what the quotes of their rounds make of the reference prices.

use std::collections::BTreeMap;

use openledger_types::markets::{PRICE_WHOLE, QuoteRecord};
use openledger_types::{AccountId, Amount, Batch, ClassLine, Parameters, Rejection};

use super::bounds::Bounds;
use crate::execute::Transition;
use crate::markets;
use crate::providers;
use crate::state::{Applied, StateKey};

/// What class lines name.
pub(super) fn keys(batch: &Batch, lines: usize) -> Vec<StateKey> {
    let keys = |line: &ClassLine| {
        let quote = markets::quote_key(&line.class, line.round);
        let served = providers::keys_of_served(&line.class, line.provider);
        std::iter::once(quote).chain(served)
    };
    batch.classes.iter().take(lines).flat_map(keys).collect()
}

/// What the providers' heartbeats lead to.
pub(super) fn keys_found(transition: &mut Transition<'_>, batch: &Batch) -> Applied<Vec<StateKey>> {
    let found = batch.classes.iter();
    found.map(|line| providers::key_found_of_served(transition, &line.class, line.provider)).collect()
}

/// Every premium follows from its quote, and there are no others. Returns the bounds of the providers' part of them all.
pub(super) fn check(transition: &mut Transition<'_>, batch: &Batch) -> Applied<Bounds> {
    let mut providers: BTreeMap<AccountId, Bounds> = BTreeMap::new();
    let (mut all, mut sums) = (Bounds::NOTHING, (0u64, Amount::ZERO, Amount::ZERO));
    for line in &batch.classes {
        let quote = markets::quote(transition, &line.class, line.round)?.ok_or(Rejection::QuoteUnknown)?;
        let rate = quote.price.saturating_sub(PRICE_WHOLE);
        if !Bounds::of_floors(line.reference, rate, PRICE_WHOLE, line.receipts).contain(line.premium) {
            return Err(Rejection::PremiumWrong.into());
        }
        let parameters = &transition.parameters;
        let premium = provider_part(line, &quote, parameters);
        let reference = Bounds::of_shares(line.reference, parameters.split.provider, line.receipts);
        let earned = providers.entry(line.provider).or_insert(Bounds::NOTHING);
        *earned = earned.plus(reference).plus(premium);
        all = all.plus(premium);
        sums.0 = sums.0.saturating_add(u64::from(line.receipts));
        sums.1 = sums.1.plus(line.reference).ok_or(Rejection::AmountOverflow)?;
        sums.2 = sums.2.plus(line.premium).ok_or(Rejection::AmountOverflow)?;
    }
    let within = sums.0 <= u64::from(batch.receipts)
        && sums.1 <= batch.reference_total
        && sums.2 == batch.premium_total;
    // A provider may also have served without a class, so its line is at least what its class lines lead to.
    let paid = |provider| batch.providers.iter().find(|line| line.provider == provider);
    let covered = providers
        .into_iter()
        .all(|(provider, earned)| paid(provider).map_or(0, |line| u128::from(line.amount.0)) >= earned.low);
    if within && covered { Ok(all) } else { Err(Rejection::ClassLinesWrong.into()) }
}

/// The provider's part of the premiums of one line. All completions of a line have one quote, so either all of them are
/// beyond the cap or none is.
fn provider_part(line: &ClassLine, quote: &QuoteRecord, parameters: &Parameters) -> Bounds {
    let (part, cap) = (parameters.premium.provider, parameters.markets.capped_premium);
    let rate = u128::from(quote.price.saturating_sub(PRICE_WHOLE)).saturating_mul(10_000);
    let beyond = rate > u128::from(PRICE_WHOLE).saturating_mul(u128::from(cap.0));
    if quote.capped && beyond {
        Bounds::of_nested(line.reference, cap, part, line.receipts)
    } else {
        Bounds::of_shares(line.premium, part, line.receipts)
    }
}

/// What was settled counts for its class and for the cluster that served it.
pub(super) fn count(transition: &mut Transition<'_>, batch: &Batch) -> Applied {
    for line in &batch.classes {
        providers::count_served(transition, &line.class, line.provider, line.reference)?;
    }
    Ok(())
}
