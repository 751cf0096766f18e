//! One of each action, record and key, for the recorded encodings.

use openledger_types::funds::*;
use openledger_types::record::Pool;
use openledger_types::{Action, Amount, BasisPoints, codec};

use super::FundsKey;
use crate::StateKey;
use crate::tests::{account, bytes32, name};

fn report() -> Box<UsageReport> {
    let lines = vec![UsageLine { project: name("core"), usage: 1 }];
    Box::new(UsageReport { lines, telemetry_root: bytes32(1), salt: bytes32(2) })
}

pub(crate) fn actions() -> Vec<Action> {
    let kinds = vec![
        FundsAction::Donate { pool: Pool::Treasury, amount: Amount(1) },
        FundsAction::RegisterProject { name: name("core"), source: "s".into() },
        FundsAction::PassProject { name: name("core"), to: account(1) },
        FundsAction::RegisterMeasurer { bond: Amount(1) },
        FundsAction::LeaveMeasuring,
        FundsAction::CommitUsage { commitment: bytes32(1) },
        FundsAction::RevealUsage { report: report() },
        FundsAction::CloseMaintenance { round: 1 },
        FundsAction::ClaimInsurance { claim: 1 },
    ];
    kinds.into_iter().map(Action::Funds).collect()
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let funds =
        FundsRecord { next_round: 1, open: vec![1], budget: Amount(2), shift: BasisPoints(3), claims: 4 };
    let measurement = Measurement {
        measurer: account(1),
        cluster: account(2),
        commitment: report().commitment(account(1), 3),
        revealed: true,
    };
    let line = CountedLine { project: name("core"), recipient: account(1), usage: 3 };
    let round = MaintenanceRoundRecord { measurements: vec![measurement] };
    let claim = ClaimRecord { harmed: account(1), amount: Amount(2), until_epoch: 3, from_epoch: 4 };
    vec![
        ("FundsRecord", codec::encode(&funds)),
        ("ProjectRecord", codec::encode(&ProjectRecord { recipient: account(1), source: "s".into() })),
        ("MeasurerRecord", codec::encode(&MeasurerRecord { bond: Amount(1), committed_round: Some(2) })),
        ("MaintenanceRoundRecord", codec::encode(&round)),
        ("ClaimRecord", codec::encode(&claim)),
        ("ReportRecord", codec::encode(&ReportRecord { lines: vec![line] })),
    ]
}

pub(crate) fn keys() -> Vec<StateKey> {
    let keys = [
        FundsKey::Funds,
        FundsKey::Project(name("core")),
        FundsKey::Measurer(account(1)),
        FundsKey::Round(1),
        FundsKey::Claim(1),
        FundsKey::Report(1, account(2)),
    ];
    keys.into_iter().map(FundsKey::state).collect()
}
