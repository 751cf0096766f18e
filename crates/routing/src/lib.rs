//! Routing: offers, reputation, load and prices to a choice with a reason and an order of fallbacks.
//!
//! The weight of a provider is `R² · availability · (reference price / price) · (1 − cluster share)²`, in integers. A
//! provider whose reputation is below one fifth is a newcomer: newcomers share five of a hundred requests, and all of
//! them where nobody else can serve. The draw takes its randomness from the caller, so a choice can be repeated.
//! Absent: sockets, clocks, health checks, and the reputation's own rules.

use openledger_types::{AccountId, Amount};

/// Below this reputation (in 1/2^32) a provider is a newcomer.
pub const NEWCOMER_BELOW: u32 = u32::MAX / 5;
/// One request in this many explores among newcomers.
pub const EXPLORE_ONE_IN: u64 = 20;
/// Candidates that are looked at.
pub const CANDIDATES_MAX: usize = 256;

/// A provider that offers the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub provider: AccountId,
    /// Reputation in 1/2^32.
    pub reputation: u32,
    /// What this request would cost there.
    pub price: Amount,
    /// Sequences it can take now.
    pub free: u32,
    /// Sequences it can take in all, at least 1.
    pub capacity: u32,
    /// Its cluster's share of recent traffic, in ten-thousandths.
    pub cluster_share: u16,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Providers in the order in which they are tried.
    pub order: Vec<AccountId>,
    /// Why the first one was chosen.
    pub reason: &'static str,
}

/// Chooses among candidates with free capacity; `None` when there is none. `draw` is uniform in 64 bits.
pub fn choose(candidates: &[Candidate], reference_price: Amount, draw: u64) -> Option<Choice> {
    let able: Vec<&Candidate> = candidates
        .iter()
        .take(CANDIDATES_MAX)
        .filter(|candidate| candidate.free > 0 && candidate.capacity > 0)
        .collect();
    let (newcomers, proven): (Vec<&Candidate>, Vec<&Candidate>) =
        able.into_iter().partition(|candidate| candidate.reputation < NEWCOMER_BELOW);
    let explore = draw.is_multiple_of(EXPLORE_ONE_IN);
    let (first, second, reason) = match (proven.is_empty(), newcomers.is_empty()) {
        (true, true) => return None,
        (true, false) => (newcomers, proven, "only newcomers can serve"),
        (false, false) if explore => (newcomers, proven, "exploration among newcomers"),
        (false, _) => (proven, newcomers, "reputation, load and price"),
    };
    let mut order = ranked(&first, reference_price, draw / EXPLORE_ONE_IN);
    order.extend(ranked(&second, reference_price, draw / EXPLORE_ONE_IN));
    Some(Choice { order, reason })
}

/// One weighted draw for the first place, the rest by weight.
fn ranked(candidates: &[&Candidate], reference_price: Amount, draw: u64) -> Vec<AccountId> {
    let mut weighted: Vec<(u128, AccountId)> =
        candidates.iter().map(|candidate| (weight(candidate, reference_price), candidate.provider)).collect();
    weighted.sort_by(|one, two| two.0.cmp(&one.0).then(one.1.cmp(&two.1)));
    let total: u128 = weighted.iter().map(|(weight, _)| weight).sum();
    if total > 0 {
        let mut rest = u128::from(draw) % total;
        let drawn = weighted.iter().position(|(weight, _)| {
            let here = rest < *weight;
            rest = rest.saturating_sub(*weight);
            here
        });
        if let Some(place) = drawn {
            let first = weighted.remove(place);
            weighted.insert(0, first);
        }
    }
    weighted.into_iter().map(|(_, provider)| provider).collect()
}

/// The weight, at least 1 so that every able provider can be drawn. Each factor has at most 16 bits, so the product
/// fits in 96.
fn weight(candidate: &Candidate, reference_price: Amount) -> u128 {
    const UNIT: u128 = 10_000;
    let reputation = if candidate.reputation < NEWCOMER_BELOW {
        UNIT
    } else {
        u128::from(candidate.reputation).saturating_mul(UNIT) >> 32
    };
    let free = u128::from(candidate.free.min(candidate.capacity));
    let availability = free.saturating_mul(UNIT) / u128::from(candidate.capacity.max(1));
    let cheapness = (u128::from(reference_price.0).saturating_mul(UNIT)
        / u128::from(candidate.price.0.max(1)))
    .min(6 * UNIT);
    let rest = UNIT.saturating_sub(u128::from(candidate.cluster_share));
    let product = [reputation, reputation, availability, cheapness, rest, rest]
        .into_iter()
        .fold(1u128, u128::saturating_mul);
    (product / UNIT.pow(3)).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(byte: u8, reputation: u32, price: u64, free: u32) -> Candidate {
        Candidate {
            provider: AccountId([byte; 20]),
            reputation,
            price: Amount(price),
            free,
            capacity: 8,
            cluster_share: 0,
        }
    }

    fn first_places(candidates: &[Candidate], draws: u64) -> Vec<u64> {
        let mut counts = vec![0; candidates.len()];
        for draw in 0..draws {
            // A fixed odd multiplier spreads the draws over the 64 bits.
            let choice = choose(candidates, Amount(100), draw.wrapping_mul(0x9e37_79b9_7f4a_7c15)).unwrap();
            counts[usize::from(choice.order[0].0[0])] += 1;
        }
        counts
    }

    #[test]
    fn weights_follow_reputation_price_and_load() {
        let high = u32::MAX / 10 * 9;
        let half = u32::MAX / 2;
        // Name, candidates, whether the first must win clearly more often than the second.
        let rows = [
            ("reputation", [candidate(0, high, 100, 8), candidate(1, half, 100, 8)]),
            ("price", [candidate(0, high, 100, 8), candidate(1, high, 300, 8)]),
            ("load", [candidate(0, high, 100, 8), candidate(1, high, 100, 2)]),
        ];
        for (name, candidates) in rows {
            let counts = first_places(&candidates, 4_000);
            assert!(counts[0] > counts[1] * 2, "{name}: {counts:?}");
            assert!(counts[1] > 0, "{name}: {counts:?}");
        }
    }

    #[test]
    fn newcomers_get_the_exploration_share_and_all_when_alone() {
        let candidates = [candidate(0, u32::MAX, 100, 8), candidate(1, 0, 100, 8)];
        let counts = first_places(&candidates, 20_000);
        assert!((800..1_200).contains(&counts[1]), "{counts:?}");
        let alone = choose(&candidates[1..], Amount(100), 7).unwrap();
        assert_eq!((alone.order.len(), alone.reason), (1, "only newcomers can serve"));
        assert_eq!(choose(&[candidate(0, 5, 100, 0)], Amount(100), 7), None);
    }

    proptest! {
        #[test]
        fn every_able_provider_is_in_the_order_once(
            parts in proptest::collection::vec((any::<u32>(), 1u64..1_000_000_000, 0u32..9, 0u16..12_000), 0..20),
            draw: u64,
        ) {
            let candidates: Vec<Candidate> = parts
                .iter()
                .enumerate()
                .map(|(index, (reputation, price, free, share))| Candidate {
                    cluster_share: *share,
                    ..candidate(u8::try_from(index).unwrap(), *reputation, *price, *free)
                })
                .collect();
            let mut able: Vec<AccountId> =
                candidates.iter().filter(|candidate| candidate.free > 0).map(|candidate| candidate.provider).collect();
            let chosen = choose(&candidates, Amount(100), draw);
            let mut order = chosen.clone().map(|choice| choice.order).unwrap_or_default();
            prop_assert_eq!(chosen, choose(&candidates, Amount(100), draw));
            order.sort();
            able.sort();
            prop_assert_eq!(order, able);
        }
    }
}
