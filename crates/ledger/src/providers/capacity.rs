//! The arithmetic of capacity: pure functions over records, so that routers and anyone else come to the same numbers.

use openledger_types::providers::{
    ClassRecord, ClusterRecord, ClusterShare, CountedLoad, HeartbeatRecord, Load,
};
use openledger_types::record::ProviderRecord;
use openledger_types::{Amount, MarketParameters, Name, Parameters};

use crate::escrow;

/// How many clusters a residual supply leaves out.
const LARGEST: usize = 3;

/// What audits say about a provider.
#[derive(Debug, Clone, Copy)]
pub(super) struct Audited {
    /// Its reputation in serving, in 1/2^32.
    pub(super) reputation: u32,
    /// Its verified evidence, in 1/2^16 units.
    pub(super) units: u64,
}

/// The capacity per epoch that a stake backs.
pub(crate) fn backed(stake: Amount, parameters: &Parameters) -> Amount {
    let collateral = escrow::collateral(stake, parameters.collateral_per_open);
    collateral.fraction(parameters.markets.backed_capacity, 10_000).unwrap_or(Amount(u64::MAX))
}

/// What of each load counts: in the order given, each takes of what the stake backs and of what was shown, and what they take
/// is gone for the next.
pub(super) fn count(
    loads: &[Load],
    stake: Amount,
    audited: Audited,
    parameters: &Parameters,
) -> Vec<CountedLoad> {
    let markets = &parameters.markets;
    let mut backed = backed(stake, parameters);
    let by_reputation = backed.fraction(u64::from(audited.reputation), 1 << 32).unwrap_or(Amount::ZERO);
    let by_units = markets.unit_capacity.fraction(audited.units, 1 << 16).unwrap_or(Amount(u64::MAX));
    let mut shown = by_reputation.min(by_units);
    let mut allowance = markets.newcomer_capacity;
    let take = |from: &mut Amount, amount: Amount| {
        let taken = amount.min(*from);
        *from = Amount(from.0.saturating_sub(taken.0));
        taken
    };
    loads
        .iter()
        .map(|load| {
            let within = load.capacity.min(backed);
            let proven = take(&mut shown, within);
            let more = take(&mut allowance, Amount(within.0.saturating_sub(proven.0)));
            let counted = take(&mut backed, Amount(proven.0.saturating_add(more.0)));
            let Load { class, capacity, busy } = load.clone();
            CountedLoad { class, capacity, busy, counted, proven }
        })
        .collect()
}

/// Counts a cluster's new total among the largest.
pub(super) fn rank(largest: &mut Vec<ClusterShare>, share: ClusterShare) {
    largest.retain(|other| other.cluster != share.cluster);
    largest.push(share);
    largest.sort_by_key(|other| (std::cmp::Reverse(other.capacity), other.cluster));
    largest.truncate(LARGEST);
}

/// What is left of a round's capacity without its three largest clusters.
pub fn residual_supply(class: &ClassRecord) -> Amount {
    let largest = class.largest.iter().fold(0u64, |sum, share| sum.saturating_add(share.capacity.0));
    Amount(class.running.capacity.0.saturating_sub(largest))
}

/// The capacity of a provider that counts in `epoch`; a stale heartbeat counts for nothing.
pub fn capacity_of(
    heartbeat: Option<&HeartbeatRecord>,
    class: &Name,
    epoch: u64,
    parameters: &MarketParameters,
) -> Amount {
    let fresh = heartbeat.filter(|record| epoch.saturating_sub(record.epoch) < parameters.heartbeat_epochs);
    let load = fresh.and_then(|record| record.loads.iter().find(|load| load.class == *class));
    load.map_or(Amount::ZERO, |load| load.counted)
}

/// What may still become liquid for a provider before an audit: half its collateral less its exposure.
pub fn exposure_room(provider: &ProviderRecord, parameters: &Parameters) -> Amount {
    escrow::room(escrow::collateral(provider.stake, parameters.collateral_per_open), provider.exposure)
}

/// What a cluster may still serve of a class in the running round; `None` means that the class is capped, so that its few
/// clusters must serve what they can.
pub fn traffic_room(
    class: &ClassRecord,
    cluster: Option<&ClusterRecord>,
    capped: bool,
    parameters: &MarketParameters,
) -> Option<Amount> {
    if capped {
        return None;
    }
    let share = class.last.served.basis_points(parameters.traffic_max).max(parameters.newcomer_capacity);
    let served =
        cluster.filter(|record| record.round == class.round).map_or(0, |record| record.totals.served.0);
    Some(Amount(share.0.saturating_sub(served)))
}
