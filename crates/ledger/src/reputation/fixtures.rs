//! The keys and records of reputation whose encodings are recorded.

use openledger_types::{CounterpartyRecord, Domain, EvidenceRecord, FraudRecord, RequesterRecord, codec};

use super::ReputationKey;
use crate::StateKey;
use crate::tests::{account, name};

pub(crate) fn keys() -> Vec<StateKey> {
    let domain = Domain::Data(name("help"));
    let keys = vec![
        ReputationKey::Evidence(account(1), domain.clone()),
        ReputationKey::Counterparty(account(1), Domain::Serving, account(2)),
        ReputationKey::Requester(account(1), Domain::Routing),
        ReputationKey::Fraud(account(1)),
    ];
    keys.into_iter().map(StateKey::Reputation).collect()
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let evidence = EvidenceRecord { alpha: 1, beta: 2, units: 3, epoch: 4, base: 5, fraud_epoch: Some(6) };
    let counterparty = CounterpartyRecord { epoch: 1, counted: 2, seen: 3, good: 4, bad: 5, seen_now: 6 };
    vec![
        ("EvidenceRecord", codec::encode(&evidence)),
        ("CounterpartyRecord", codec::encode(&counterparty)),
        ("RequesterRecord", codec::encode(&RequesterRecord { epoch: 1, seen: 2, seen_now: 3 })),
        ("FraudRecord", codec::encode(&FraudRecord { epoch: 2, before: Some(1) })),
    ]
}
