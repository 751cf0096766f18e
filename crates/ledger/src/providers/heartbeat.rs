//! Heartbeats, and the totals of classes and clusters.

use openledger_types::providers::{
    ClassRecord, ClusterRecord, ClusterShare, CountedLoad, HeartbeatRecord, Load, ProviderEvent, RoundTotals,
};
use openledger_types::{AccountId, Amount, Domain, Event, Name, Rejection, limits};

use super::capacity::{self, Audited};
use super::key::ProviderKey;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{accounts, markets, reputation};

pub(super) fn heartbeat(transition: &mut Transition<'_>, loads: &[Load]) -> Applied {
    let provider = transition.sender;
    let record = transition.view.provider(provider)?;
    check_loads(transition, loads)?;
    let epoch = transition.epoch();
    let key = StateKey::Providers(ProviderKey::Heartbeat(provider));
    let last = transition.view.get::<HeartbeatRecord>(&key)?;
    if last.is_some_and(|last| last.epoch >= epoch) {
        return Err(Rejection::HeartbeatRepeated.into());
    }
    let cluster = accounts::cluster_of(transition, provider)?;
    let mut clusters: Vec<StateKey> = loads.iter().map(|load| cluster_key(&load.class, cluster)).collect();
    clusters.extend(markets::keys_found_of_heartbeat(provider, epoch));
    // Both ask for what they miss before either stops, so that one round of loading brings it.
    let found = transition.view.need(clusters);
    let reputation = reputation::of(transition, provider, &Domain::Serving);
    found?;
    let audited = Audited {
        reputation: reputation?,
        units: reputation::units(transition, provider, &Domain::Serving)?,
    };
    let loads = capacity::count(loads, record.stake, audited, &transition.parameters);
    for load in &loads {
        count_capacity(transition, cluster, load)?;
    }
    let beat = HeartbeatRecord { epoch, cluster, loads: loads.clone() };
    transition.view.put(&key, &beat);
    transition.emit(Event::Providers(ProviderEvent::Heartbeat { provider, cluster, epoch, loads }));
    markets::heard(transition, provider, &beat)
}

fn check_loads(transition: &Transition<'_>, loads: &[Load]) -> Applied {
    let increasing = loads.iter().zip(loads.iter().skip(1)).all(|(one, next)| one.class < next.class);
    let possible = loads.iter().all(|load| load.capacity > Amount::ZERO && load.busy <= load.capacity);
    if !(1..=limits::CLASSES_MAX).contains(&loads.len()) || !increasing || !possible {
        return Err(Rejection::LoadsInvalid.into());
    }
    let markets = &transition.parameters.markets;
    if loads.iter().any(|load| markets.class(&load.class).is_none()) {
        return Err(Rejection::ClassUnknown.into());
    }
    Ok(())
}

pub(crate) fn class_key(class: &Name) -> StateKey {
    StateKey::Providers(ProviderKey::Class(class.clone()))
}

pub(crate) fn cluster_key(class: &Name, cluster: AccountId) -> StateKey {
    StateKey::Providers(ProviderKey::Cluster(class.clone(), cluster))
}

/// A class of the network; before its first heartbeat nothing is in it, and its first round began at genesis.
pub(crate) fn class_of(transition: &mut Transition<'_>, class: &Name) -> Applied<ClassRecord> {
    Ok(transition.view.get(&class_key(class))?.unwrap_or_default())
}

/// A cluster in the class's running round, counters of older rounds at zero; `None` when it never was in the class.
pub(crate) fn cluster_in(
    transition: &mut Transition<'_>,
    class: &Name,
    cluster: AccountId,
) -> Applied<Option<ClusterRecord>> {
    let round = class_of(transition, class)?.round;
    let record = transition.view.get::<ClusterRecord>(&cluster_key(class, cluster))?;
    Ok(record.map(|record| {
        if record.round == round {
            record
        } else {
            ClusterRecord { round, totals: RoundTotals::default(), ..record }
        }
    }))
}

fn count_capacity(transition: &mut Transition<'_>, cluster: AccountId, load: &CountedLoad) -> Applied {
    let (mut class, mut record) = entered(transition, &load.class, cluster)?;
    raise(&mut class.running.capacity, load.counted)?;
    raise(&mut record.totals.capacity, load.counted)?;
    capacity::rank(&mut class.largest, ClusterShare { cluster, capacity: record.totals.capacity });
    write(transition, &load.class, cluster, &class, &record);
    Ok(())
}

/// The keys that counting served work names.
pub(crate) fn keys_of_served(class: &Name, provider: AccountId) -> [StateKey; 2] {
    [class_key(class), StateKey::Providers(ProviderKey::Heartbeat(provider))]
}

/// The key that it needs beside, once heartbeats are loaded.
pub(crate) fn key_found_of_served(
    transition: &mut Transition<'_>,
    class: &Name,
    provider: AccountId,
) -> Applied<StateKey> {
    Ok(cluster_key(class, cluster_of_served(transition, provider)?))
}

/// Work that was settled counts for the class and for the cluster of the provider's last heartbeat.
pub(crate) fn count_served(
    transition: &mut Transition<'_>,
    class_name: &Name,
    provider: AccountId,
    reference: Amount,
) -> Applied {
    let cluster = cluster_of_served(transition, provider)?;
    let (mut class, mut record) = entered(transition, class_name, cluster)?;
    raise(&mut class.running.served, reference)?;
    raise(&mut record.totals.served, reference)?;
    write(transition, class_name, cluster, &class, &record);
    Ok(())
}

fn cluster_of_served(transition: &mut Transition<'_>, provider: AccountId) -> Applied<AccountId> {
    let key = StateKey::Providers(ProviderKey::Heartbeat(provider));
    Ok(transition.view.get::<HeartbeatRecord>(&key)?.map_or(provider, |record| record.cluster))
}

fn entered(
    transition: &mut Transition<'_>,
    class_name: &Name,
    cluster: AccountId,
) -> Applied<(ClassRecord, ClusterRecord)> {
    let class = class_of(transition, class_name)?;
    let fresh =
        ClusterRecord { first_epoch: transition.epoch(), round: class.round, totals: RoundTotals::default() };
    let record = cluster_in(transition, class_name, cluster)?.unwrap_or(fresh);
    Ok((class, record))
}

fn write(
    transition: &mut Transition<'_>,
    class_name: &Name,
    cluster: AccountId,
    class: &ClassRecord,
    record: &ClusterRecord,
) {
    transition.view.put(&class_key(class_name), class);
    transition.view.put(&cluster_key(class_name, cluster), record);
}

fn raise(sum: &mut Amount, amount: Amount) -> Applied {
    *sum = sum.plus(amount).ok_or(Rejection::AmountOverflow)?;
    Ok(())
}
