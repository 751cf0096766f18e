//! The table of providers, offers and heartbeats, and the arithmetic of capacity.

use openledger_types::Rejection::*;
use openledger_types::providers::{
    ClassRecord, ClusterRecord, ClusterShare, HeartbeatRecord, Load, RetiredKeyRecord, RoundTotals,
};
use openledger_types::record::{OfferRecord, ProviderRecord};
use openledger_types::{
    Action, Amount, Domain, Event, EvidenceRecord, ModelAction, ProviderAction, ServiceKey, codec,
};
use proptest::prelude::*;

use super::capacity::{Audited, count, rank};
use super::*;
use crate::StateKey;
use crate::reputation::ReputationKey;
use crate::tests::{PROVIDER, STRANGER, World, account, model, name, provider};

fn offer(model: &str, prompt_price: u64, completion_price: u64, capacity: u32) -> Action {
    offer_in(None, model, prompt_price, completion_price, capacity)
}

fn offer_in(class: Option<&str>, model: &str, prompt: u64, completion: u64, capacity: u32) -> Action {
    Action::PostOffer {
        model: name(model),
        class: class.map(name),
        prompt_price: Amount(prompt),
        completion_price: Amount(completion),
        capacity,
    }
}

fn act(action: ProviderAction) -> Action {
    Action::Providers(action)
}

pub(crate) fn beat(loads: &[(&str, u64, u64)]) -> Action {
    let load = |(class, capacity, busy): &(&str, u64, u64)| Load {
        class: name(class),
        capacity: Amount(*capacity),
        busy: Amount(*busy),
    };
    act(ProviderAction::Heartbeat { loads: loads.iter().map(load).collect() })
}

fn change(key: Option<u8>, endpoint: Option<&str>) -> Action {
    act(ProviderAction::ChangeService {
        service_key: key.map(|byte| ServiceKey([byte; 32])),
        endpoint: endpoint.map(str::to_owned),
    })
}

fn withdraw(model: &str) -> Action {
    act(ProviderAction::WithdrawOffer { model: name(model) })
}

/// Evidence as audits leave it: these many units, and a reputation that is close to one.
pub(crate) fn audited(world: &mut World, who: u8, units: u64) {
    let key = StateKey::Reputation(ReputationKey::Evidence(account(who), Domain::Serving));
    let epoch = world.context.timestamp_ms / world.parameters.epoch_ms;
    let (alpha, units) = ((units + 1) << 32, units << 32);
    let record = EvidenceRecord { alpha, beta: 4 << 32, units, epoch, base: u32::MAX, fraud_epoch: None };
    world.state.insert(key.encode(), codec::encode(&record));
}

#[test]
fn providers_stake_and_offer_known_models_at_a_price() {
    let mut world = World::new();
    world.check([
        (PROVIDER, provider(999_999_999), Err(StakeTooLow)),
        (PROVIDER, provider(10_000_000_001), Err(BalanceTooLow)),
        (PROVIDER, provider(2_000_000_000), Ok(())),
        (PROVIDER, provider(2_000_000_000), Err(ProviderExists)),
        (PROVIDER, offer("base", 1, 1, 1), Err(ModelUnknown)),
        (PROVIDER, model("base", None, &[]), Ok(())),
        (STRANGER, offer("base", 1, 1, 1), Err(ProviderUnknown)),
        (PROVIDER, offer("base", 0, 0, 1), Err(OfferInvalid)),
        (PROVIDER, offer("base", 1, 1, 0), Err(OfferInvalid)),
        (PROVIDER, offer_in(Some("ghost"), "base", 1, 1, 1), Err(ClassUnknown)),
        (PROVIDER, offer_in(Some("general"), "base", 1_001, 1, 1), Err(OfferAboveReference)),
        (PROVIDER, offer_in(Some("general"), "base", 1, 1_001, 1), Err(OfferAboveReference)),
        (PROVIDER, offer_in(Some("general"), "base", 1_000, 1_000, 1), Ok(())),
        (PROVIDER, offer("base", 0, 1, 1), Ok(())),
        (PROVIDER, offer("base", 2, 3, 4), Ok(())),
    ]);
    let events = world.accept(PROVIDER, offer("base", 5, 6, 7));
    assert!(matches!(&events[..], [Event::OfferPosted { offer, .. }] if offer.capacity == 7));
    let record: ProviderRecord = world.record(&StateKey::Provider(account(PROVIDER))).unwrap();
    assert_eq!((record.stake, record.exposure), (Amount(2_000_000_000), Amount::ZERO));
    assert_eq!(world.account(PROVIDER).open, Amount(8_000_000_000));
}

#[test]
fn offers_end_and_services_move() {
    let mut world = World::new();
    let delist = Action::Models(ModelAction::Delist { model: name("base") });
    world.check([
        (PROVIDER, withdraw("base"), Err(OfferUnknown)),
        (PROVIDER, change(Some(9), None), Err(ProviderUnknown)),
        (PROVIDER, provider(1_000_000_000), Ok(())),
        (PROVIDER, model("base", None, &[]), Ok(())),
        (PROVIDER, offer("base", 1, 1, 1), Ok(())),
        (STRANGER, withdraw("base"), Err(OfferUnknown)),
        (PROVIDER, withdraw("base"), Ok(())),
        (PROVIDER, withdraw("base"), Err(OfferUnknown)),
        (PROVIDER, offer("base", 1, 1, 1), Ok(())),
        (PROVIDER, delist, Ok(())),
        (PROVIDER, offer("base", 2, 2, 2), Err(ModelDelisted)),
        (PROVIDER, change(None, None), Err(ServiceUnchanged)),
        (PROVIDER, change(Some(1), Some("http://127.0.0.1:1")), Err(ServiceUnchanged)),
        (PROVIDER, change(None, Some(&"x".repeat(513))), Err(TextTooLong)),
        (PROVIDER, change(None, Some("http://127.0.0.1:9")), Ok(())),
        (PROVIDER, change(Some(9), None), Ok(())),
    ]);
    let record: ProviderRecord = world.record(&StateKey::Provider(account(PROVIDER))).unwrap();
    assert_eq!((record.service_key, &record.endpoint[..]), (ServiceKey([9; 32]), "http://127.0.0.1:9"));
    let retired = StateKey::Providers(ProviderKey::RetiredKey(account(PROVIDER), ServiceKey([1; 32])));
    assert_eq!(world.record(&retired), Some(RetiredKeyRecord { height: 1 }));
    let kept: Option<OfferRecord> = world.record(&StateKey::Offer(account(PROVIDER), name("base")));
    assert!(kept.is_some(), "an offer from before the delisting stands until its provider withdraws it");
}

fn class(world: &World) -> ClassRecord {
    world.record(&StateKey::Providers(ProviderKey::Class(name("general")))).unwrap()
}

#[test]
fn a_heartbeat_counts_once_an_epoch_and_no_more_than_stake_and_audits_say() {
    let mut world = World::new();
    let many: Vec<(&str, u64, u64)> = vec![("general", 1, 0); 17];
    world.check([
        (PROVIDER, beat(&[("general", 5, 1)]), Err(ProviderUnknown)),
        (PROVIDER, provider(1_000_000_000), Ok(())),
        (PROVIDER, beat(&[]), Err(LoadsInvalid)),
        (PROVIDER, beat(&many), Err(LoadsInvalid)),
        (PROVIDER, beat(&[("general", 5, 1), ("general", 5, 1)]), Err(LoadsInvalid)),
        (PROVIDER, beat(&[("general", 0, 0)]), Err(LoadsInvalid)),
        (PROVIDER, beat(&[("general", 5, 6)]), Err(LoadsInvalid)),
        (PROVIDER, beat(&[("ghost", 5, 5)]), Err(ClassUnknown)),
        (PROVIDER, beat(&[("general", 50_000_000, 7)]), Ok(())),
        (PROVIDER, beat(&[("general", 50_000_000, 7)]), Err(HeartbeatRepeated)),
    ]);
    // Nothing is audited: the newcomer's allowance counts, and nothing is proven.
    assert_eq!(class(&world).running, RoundTotals { capacity: Amount(1_000_000), served: Amount(0) });
    world.pass(1);
    audited(&mut world, PROVIDER, 10);
    world.accept(PROVIDER, beat(&[("general", 50_000_000, 7)]));
    let beat_key = StateKey::Providers(ProviderKey::Heartbeat(account(PROVIDER)));
    let last: HeartbeatRecord = world.record(&beat_key).unwrap();
    let load = &last.loads[0];
    assert!(load.proven > Amount::ZERO && load.proven <= Amount(10_000_000), "ten units show 10 C: {load:?}");
    assert_eq!(load.counted.0, load.proven.0 + 1_000_000);
    assert_eq!(class(&world).running.capacity.0, 1_000_000 + load.counted.0);
    assert_eq!(class(&world).largest.len(), 1, "one cluster");
    let markets = &world.parameters.markets;
    assert_eq!(capacity_of(Some(&last), &name("general"), 2, markets), load.counted);
    assert_eq!(capacity_of(Some(&last), &name("general"), 3, markets), Amount(0), "stale");
    assert_eq!(capacity_of(None, &name("general"), 1, markets), Amount(0));
}

#[test]
fn caps_are_functions_of_records() {
    let parameters = World::new().parameters;
    let served = |amount| RoundTotals { capacity: Amount(0), served: Amount(amount) };
    let class = ClassRecord { round: 3, last: served(100_000_000), ..ClassRecord::default() };
    let cluster = |round, amount| ClusterRecord { first_epoch: 0, round, totals: served(amount) };
    let room = |class: &ClassRecord, cluster: Option<&ClusterRecord>, capped| {
        traffic_room(class, cluster, capped, &parameters.markets)
    };
    assert_eq!(room(&class, None, false), Some(Amount(20_000_000)));
    assert_eq!(room(&class, Some(&cluster(3, 15_000_000)), false), Some(Amount(5_000_000)));
    assert_eq!(room(&class, Some(&cluster(3, 25_000_000)), false), Some(Amount(0)));
    assert_eq!(room(&class, Some(&cluster(2, 25_000_000)), false), Some(Amount(20_000_000)));
    assert_eq!(room(&class, Some(&cluster(3, 25_000_000)), true), None);
    assert_eq!(room(&ClassRecord::default(), None, false), Some(Amount(1_000_000)));
    let record = ProviderRecord {
        service_key: ServiceKey([1; 32]),
        stake: Amount(1_000_000_000),
        endpoint: String::new(),
        exposure: Amount(10_000_000),
    };
    assert_eq!(exposure_room(&record, &parameters), Amount(40_000_000));
}

proptest! {
    /// A8: whatever is reported, what counts stays within stake, and what is proven within what audits showed.
    #[test]
    fn what_counts_never_exceeds_stake_nor_what_was_shown(
        reported in prop::collection::vec(1u64..u64::MAX, 1..16), stake in any::<u64>(), reputation in any::<u32>(), units in 0u64..1 << 40,
    ) {
        let parameters = World::new().parameters;
        let loads: Vec<Load> = reported
            .iter()
            .map(|capacity| Load { class: name("general"), capacity: Amount(*capacity), busy: Amount(0) })
            .collect();
        let counted = count(&loads, Amount(stake), Audited { reputation, units }, &parameters);
        let sum = |part: fn(&openledger_types::providers::CountedLoad) -> Amount| -> u128 {
            counted.iter().map(|load| u128::from(part(load).0)).sum()
        };
        let backed = u128::from(crate::escrow::collateral(Amount(stake), parameters.collateral_per_open).0);
        prop_assert!(sum(|load| load.counted) <= backed);
        prop_assert!(sum(|load| load.proven) <= (backed * u128::from(reputation)) >> 32);
        prop_assert!(sum(|load| load.proven) <= (u128::from(units) * 1_000_000) >> 16);
        prop_assert!(sum(|load| load.counted) <= sum(|load| load.proven) + 1_000_000);
        for (load, reported) in counted.iter().zip(&loads) {
            prop_assert!(load.counted <= reported.capacity && load.proven <= load.counted);
        }
    }

    /// Three places are enough: whatever order capacity comes in, they hold the three largest sums.
    #[test]
    fn the_largest_clusters_are_exact(steps in prop::collection::vec((0u8..9, 1u64..100), 1..60)) {
        let mut sums = std::collections::BTreeMap::<_, u64>::new();
        let mut largest = Vec::new();
        for (who, more) in steps {
            let sum = sums.entry(account(who)).or_default();
            *sum += more;
            rank(&mut largest, ClusterShare { cluster: account(who), capacity: Amount(*sum) });
        }
        let mut expected: Vec<_> = sums.into_iter().map(|(cluster, sum)| (std::cmp::Reverse(sum), cluster)).collect();
        expected.sort();
        let found: Vec<_> = largest.iter().map(|share| (std::cmp::Reverse(share.capacity.0), share.cluster)).collect();
        prop_assert_eq!(&found[..], &expected[..expected.len().min(3)]);
    }

    /// I16: clusters that serve within their room stay within their part of the traffic, in any order.
    #[test]
    fn a_cluster_within_its_room_stays_within_its_part(
        last in 5_000_000u64..1 << 40, jobs in prop::collection::vec((0u8..5, 1u64..1 << 38), 1..80),
    ) {
        let markets = World::new().parameters.markets;
        let class = ClassRecord {
            round: 1,
            last: RoundTotals { capacity: Amount(0), served: Amount(last) },
            ..ClassRecord::default()
        };
        let mut clusters = std::collections::BTreeMap::<u8, ClusterRecord>::new();
        for (who, wanted) in jobs {
            let room = traffic_room(&class, clusters.get(&who), false, &markets).unwrap();
            let fresh = ClusterRecord { first_epoch: 0, round: 1, totals: RoundTotals::default() };
            let record = clusters.entry(who).or_insert(fresh);
            record.totals.served.0 += wanted.min(room.0);
            prop_assert!(record.totals.served.0 <= last / 5);
        }
    }
}
