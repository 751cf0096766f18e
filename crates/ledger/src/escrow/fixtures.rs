//! The keys and records of escrow whose encodings are recorded.

use openledger_types::escrow::{HeldEpoch, HoldRecord};
use openledger_types::record::Role;
use openledger_types::{Amount, BondRecord, EpochsRecord, codec};

use super::EscrowKey;
use crate::StateKey;
use crate::tests::account;

pub(crate) fn keys() -> Vec<StateKey> {
    let keys = vec![
        EscrowKey::Tranches(account(1), Role::Provider),
        EscrowKey::Unbondings(account(1), Role::Gateway),
        EscrowKey::Bond(account(1), Role::Evaluator),
        EscrowKey::Hold(account(1), Role::Auditor),
    ];
    keys.into_iter().map(StateKey::Escrow).collect()
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let mut epochs = EpochsRecord::default();
    epochs.insert(1);
    epochs.insert(66);
    let held = HeldEpoch { epoch: 1, checks: 2, amount: Amount(3) };
    vec![
        ("EpochsRecord", codec::encode(&epochs)),
        ("BondRecord", codec::encode(&BondRecord { bond: Amount(1), exposure: Amount(2) })),
        ("HoldRecord", codec::encode(&HoldRecord { epochs: vec![held], merged: true, faults: 4 })),
    ]
}
