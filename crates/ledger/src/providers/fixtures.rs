//! The actions, keys and records of capacity whose encodings are recorded.

use openledger_types::providers::{
    ClassRecord, ClusterRecord, ClusterShare, CountedLoad, HeartbeatRecord, Load, RetiredKeyRecord,
    RoundTotals,
};
use openledger_types::{Action, Amount, ProviderAction, ServiceKey, codec};

use super::ProviderKey;
use crate::StateKey;
use crate::tests::{account, name};

pub(crate) fn actions() -> Vec<Action> {
    let load = Load { class: name("general"), capacity: Amount(2), busy: Amount(1) };
    let endpoint = Some("e".to_owned());
    let actions = vec![
        ProviderAction::Heartbeat { loads: vec![load] },
        ProviderAction::WithdrawOffer { model: name("base") },
        ProviderAction::ChangeService { service_key: Some(ServiceKey([1; 32])), endpoint },
    ];
    actions.into_iter().map(Action::Providers).collect()
}

pub(crate) fn keys() -> Vec<StateKey> {
    let keys = vec![
        ProviderKey::Heartbeat(account(1)),
        ProviderKey::RetiredKey(account(1), ServiceKey([2; 32])),
        ProviderKey::Class(name("general")),
        ProviderKey::Cluster(name("general"), account(1)),
    ];
    keys.into_iter().map(StateKey::Providers).collect()
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let totals = RoundTotals { capacity: Amount(1), served: Amount(2) };
    let load = CountedLoad {
        class: name("general"),
        capacity: Amount(4),
        busy: Amount(3),
        counted: Amount(2),
        proven: Amount(1),
    };
    let beat = HeartbeatRecord { epoch: 1, cluster: account(1), loads: vec![load] };
    let class = ClassRecord {
        round: 1,
        since_epoch: 2,
        running: totals,
        largest: vec![ClusterShare { cluster: account(1), capacity: Amount(3) }],
        last: totals,
    };
    vec![
        ("HeartbeatRecord", codec::encode(&beat)),
        ("RetiredKeyRecord", codec::encode(&RetiredKeyRecord { height: 1 })),
        ("ClassRecord", codec::encode(&class)),
        ("ClassClusterRecord", codec::encode(&ClusterRecord { first_epoch: 1, round: 2, totals })),
    ]
}
