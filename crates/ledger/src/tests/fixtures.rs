//! Recorded encodings of every action, record and key: a change here is a change of the protocol.
//! Each line of the file: kind, SHA-256 of the bytes, the bytes in hexadecimal. With `OPENLEDGER_WRITE_DOCS=1` the test
//! writes the file instead; whoever does that changes the protocol.
#![expect(clippy::disallowed_methods, reason = "the test reads and writes the recorded file")]

use openledger_types::datanets::{Mix, Provenance};
use openledger_types::record::*;
use openledger_types::{
    Action, Amount, Asset, BasisPoints, Batch, BuilderLine, CarryLine, ChannelId, ClassLine, ContributionId,
    DataLine, Debit, ProviderLine, Royalty, ServiceKey, UpliftLine, codec, sha256,
};

use super::*;
use crate::StateKey;

fn batch() -> Batch {
    Batch {
        number: 1,
        first_receipt: 2,
        receipts: 3,
        receipts_root: bytes32(4),
        reference_total: Amount(5),
        premium_total: Amount(6),
        router_fee_total: Amount(7),
        debits: vec![Debit { channel: ChannelId([8; 32]), cumulative: Amount(9), voucher: [10; 65] }],
        providers: vec![ProviderLine { provider: account(1), amount: Amount(11) }],
        builders: vec![BuilderLine { model: name("base"), account: account(2), amount: Amount(12) }],
        data: vec![DataLine {
            datanet: name("help"),
            contribution: ContributionId([13; 32]),
            owner: account(3),
            amount: Amount(14),
        }],
        uplift: vec![UpliftLine { model: name("base"), amount: Amount(15) }],
        carries: vec![CarryLine { model: name("base"), before: Amount(16), after: Amount(17) }],
        verification: Amount(18),
        maintenance: Amount(19),
        insurance: Amount(20),
        capacity: Amount(21),
        burn: Amount(22),
        classes: vec![ClassLine {
            class: name("general"),
            round: 23,
            provider: account(1),
            receipts: 24,
            reference: Amount(25),
            premium: Amount(26),
        }],
    }
}

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::Faucet { to: account(1), asset: Asset::Open, amount: Amount(2) },
        transfer(1, Asset::Credit, 2),
        Action::CreateDatanet { name: name("help"), title: "Help".into(), license: "CC0-1.0".into() },
        Action::Contribute { datanet: name("help"), contributions: vec![contribution(1, 2, &[(3, 4)])] },
        Action::RevokeContribution { datanet: name("help"), contribution: ContributionId([1; 32]) },
        Action::SealSnapshot {
            datanet: name("help"),
            version: 1,
            root: bytes32(2),
            index_root: bytes32(3),
            contributions: 4,
        },
        model("tuned", Some("base"), &[(1, 2)]),
        provider(1),
        Action::PostOffer {
            model: name("base"),
            class: Some(name("general")),
            prompt_price: Amount(1),
            completion_price: Amount(2),
            capacity: 3,
        },
        gateway(1, 2),
        Action::OpenChannel {
            gateway: account(1),
            authorizer: account(2),
            deposit: Amount(3),
            salt: bytes32(4),
        },
        Action::TopUpChannel { channel: ChannelId([1; 32]), amount: Amount(2) },
        Action::CloseChannel { channel: ChannelId([1; 32]) },
        settling(batch()),
        Action::ClaimTranches { role: Role::Data, epochs: vec![1, 2] },
        Action::BridgeDeposit { to: account(1), amount: Amount(2), reference: bytes32(3) },
        Action::Withdraw { amount: Amount(1), destination: "iban".into() },
        Action::CompleteWithdrawal { account: account(1), number: 2 },
        Action::RaiseBond { role: Role::Provider, amount: Amount(1) },
        Action::Unbond { role: Role::Gateway, amount: Amount(1) },
        Action::ReleaseBond { role: Role::Provider, epochs: vec![1, 2] },
    ]
    .into_iter()
    .chain(crate::accounts::fixtures::actions())
    .chain(crate::agents::fixtures::actions())
    .chain(crate::datanets::fixtures::actions())
    .chain(crate::providers::fixtures::actions())
    .chain(crate::models::fixtures::actions())
    .chain(crate::audits::fixtures::actions())
    .chain(crate::governance::fixtures::actions())
    .chain(crate::funds::fixtures::actions())
    .chain(crate::maturity::fixtures::actions())
    .chain(crate::advances::fixtures::actions())
    .chain(crate::markets::fixtures::actions())
    .chain(crate::settlement::fixtures::actions())
    .collect()
}

fn records() -> Vec<(&'static str, Vec<u8>)> {
    let supply = SupplyRecord {
        credits_deposited: Amount(1),
        credits_withdrawn: Amount(2),
        credits_burned: Amount(3),
        open_issued: Amount(4),
        credits_in_balances: Amount(5),
        credits_in_channels: Amount(6),
        credits_in_escrow: Amount(7),
        credits_in_pools: Amount(8),
        open_in_balances: Amount(9),
        open_bonded: Amount(10),
        credits_in_custody: Amount(11),
        open_in_custody: Amount(12),
        open_in_pools: Amount(13),
        open_burned: Amount(14),
    };
    let contribution = ContributionRecord {
        sequence: 1,
        cluster: bytes32(2),
        owners: vec![OwnerRecord { account: account(3), parts: 4 }],
        license: "CC0-1.0".into(),
        label: "page".into(),
        height: 5,
        revoked_at: Some(6),
        mature: true,
        provenance: Provenance::Unverified,
        factor: BasisPoints(7),
        contributor: Some(account(8)),
    };
    let model = ModelRecord {
        builder: account(1),
        weights: bytes32(2),
        parent: Some(name("base")),
        lineage: vec![Royalty { account: account(1), share: BasisPoints::WHOLE }],
        depth: 3,
        license: "MIT".into(),
    };
    let channel = ChannelRecord {
        consumer: account(1),
        gateway: account(2),
        authorizer: account(3),
        deposit: Amount(4),
        spent: Amount(5),
        closes_at_ms: Some(6),
        closed: true,
    };
    let datanet = DatanetRecord {
        curator: account(1),
        title: "t".into(),
        license: "l".into(),
        contributions: 2,
        version: 3,
    };
    let snapshot = SnapshotRecord {
        root: bytes32(1),
        index_root: bytes32(2),
        contributions: 3,
        height: 4,
        policy: bytes32(5),
        mix: Mix { verbatim: BasisPoints(6_000), context: BasisPoints(4_000), influence: BasisPoints(0) },
    };
    let provider = ProviderRecord {
        service_key: ServiceKey([1; 32]),
        stake: Amount(2),
        endpoint: "e".into(),
        exposure: Amount(4),
    };
    let gateway = GatewayRecord {
        service_key: ServiceKey([1; 32]),
        bond: Amount(2),
        router_fee: BasisPoints(3),
        endpoint: "e".into(),
        batches: 4,
        receipts: 5,
        exposure: Amount(6),
    };
    let offer =
        OfferRecord { class: None, prompt_price: Amount(1), completion_price: Amount(2), capacity: 3 };
    let batch = BatchRecord {
        receipts_root: bytes32(1),
        first_receipt: 2,
        receipts: 3,
        charged: Amount(4),
        height: 5,
    };
    let tranche = TrancheRecord {
        amount: Amount(1),
        claimed: Amount(2),
        forfeited: Amount(3),
        pledged: Amount(4),
        cliff_epochs: 5,
        linear_epochs: 6,
    };
    let account_record = AccountRecord { nonce: 1, credits: Amount(2), open: Amount(3), escrowed: Amount(4) };
    let deposit = DepositRecord { account: account(1), amount: Amount(2), height: 3 };
    let withdrawal = WithdrawalRecord { amount: Amount(1), destination: "iban".into(), height: 2 };
    vec![
        ("ParametersRecord", codec::encode(&World::new().parameters)),
        ("SupplyRecord", codec::encode(&supply)),
        ("AccountRecord", codec::encode(&account_record)),
        ("DatanetRecord", codec::encode(&datanet)),
        ("ContributionRecord", codec::encode(&contribution)),
        (
            "ClusterRecord",
            codec::encode(&ClusterRecord { owner: ContributionId([1; 32]), copies: 2, since: 3 }),
        ),
        ("SnapshotRecord", codec::encode(&snapshot)),
        ("ModelRecord", codec::encode(&model)),
        ("ProviderRecord", codec::encode(&provider)),
        ("OfferRecord", codec::encode(&offer)),
        ("GatewayRecord", codec::encode(&gateway)),
        ("ChannelRecord", codec::encode(&channel)),
        ("BatchRecord", codec::encode(&batch)),
        ("TrancheRecord", codec::encode(&tranche)),
        (
            "ImmatureRecord",
            codec::encode(&ImmatureRecord { amount: Amount(1), first_epoch: 2, drawn: Amount(3) }),
        ),
        ("DepositRecord", codec::encode(&deposit)),
        ("WithdrawalRecord", codec::encode(&withdrawal)),
        ("UnbondingRecord", codec::encode(&UnbondingRecord { amount: Amount(1), releases_in_epoch: 2 })),
        ("BeaconRecord", codec::encode(&BeaconRecord { randomness: bytes32(1), height: 2, previous: 3 })),
    ]
    .into_iter()
    .chain(crate::reputation::fixtures::records())
    .chain(crate::accounts::fixtures::records())
    .chain(crate::agents::fixtures::records())
    .chain(crate::datanets::fixtures::records())
    .chain(crate::providers::fixtures::records())
    .chain(crate::models::fixtures::records())
    .chain(crate::escrow::fixtures::records())
    .chain(crate::audits::fixtures::records())
    .chain(crate::governance::fixtures::records())
    .chain(crate::funds::fixtures::records())
    .chain(crate::maturity::fixtures::records())
    .chain(crate::advances::fixtures::records())
    .chain(crate::markets::fixtures::records())
    .chain(crate::settlement::fixtures::records())
    .collect()
}

fn keys() -> Vec<StateKey> {
    let contribution = ContributionId([1; 32]);
    vec![
        StateKey::Parameters,
        StateKey::Supply,
        StateKey::Account(account(1)),
        StateKey::Datanet(name("help")),
        StateKey::Contribution(name("help"), contribution),
        StateKey::Cluster(name("help"), bytes32(2)),
        StateKey::Snapshot(name("help"), 3),
        StateKey::Model(name("base")),
        StateKey::Provider(account(1)),
        StateKey::Offer(account(1), name("base")),
        StateKey::Gateway(account(1)),
        StateKey::Channel(ChannelId([4; 32])),
        StateKey::Batch(account(1), 5),
        StateKey::Tranche(account(1), Role::Gateway, 6),
        StateKey::Immature(name("help"), contribution, account(1)),
        StateKey::Pool(Pool::Verification),
        StateKey::Pool(Pool::Maintenance),
        StateKey::Pool(Pool::Insurance),
        StateKey::Pool(Pool::Capacity),
        StateKey::Pool(Pool::Uplift(name("base"))),
        StateKey::Pool(Pool::Carry(account(1), name("base"))),
        StateKey::Deposit(bytes32(1)),
        StateKey::Withdrawal(account(1), 2),
        StateKey::Unbonding(account(1), Role::Provider, 3),
        StateKey::Pool(Pool::Slashed),
        StateKey::Beacon(4),
        StateKey::LastBeacon,
    ]
    .into_iter()
    .chain(crate::reputation::fixtures::keys())
    .chain(crate::accounts::fixtures::keys())
    .chain(crate::agents::fixtures::keys())
    .chain(crate::datanets::fixtures::keys())
    .chain(crate::providers::fixtures::keys())
    .chain(crate::models::fixtures::keys())
    .chain(crate::escrow::fixtures::keys())
    .chain(crate::audits::fixtures::keys())
    .chain(crate::governance::fixtures::keys())
    .chain(crate::funds::fixtures::keys())
    .chain(crate::maturity::fixtures::keys())
    .chain(crate::advances::fixtures::keys())
    .chain(crate::markets::fixtures::keys())
    .chain(crate::settlement::fixtures::keys())
    .collect()
}

/// Keys that have kinds of their own inside.
const NESTED: [&str; 15] = [
    "Pool",
    "Reputation",
    "Accounts",
    "Datanets",
    "Providers",
    "Models",
    "Escrow",
    "Audits",
    "Agents",
    "Governance",
    "Funds",
    "Maturity",
    "Advances",
    "Markets",
    "Settlement",
];

#[test]
fn encodings_are_what_was_recorded() {
    let actions = actions().into_iter().map(|action| {
        let bytes = codec::encode(&action);
        assert_eq!(codec::decode::<Action>("action", &bytes, bytes.len()), Ok(action.clone()));
        (format!("{}Action", action.name().replace(' ', "")), bytes)
    });
    let keys = keys().into_iter().map(|key| {
        let bytes = key.encode();
        assert_eq!(StateKey::decode(&bytes), Ok(key.clone()));
        let text = format!("{key:?}");
        let kind = text
            .split('(')
            .take(if NESTED.iter().any(|kind| text.starts_with(kind)) { 2 } else { 1 })
            .collect::<String>();
        (format!("{}Key", kind.trim_end_matches(')')), bytes)
    });
    let records = records().into_iter().map(|(kind, bytes)| (kind.to_owned(), bytes));
    let lines: Vec<String> = actions
        .chain(records)
        .chain(keys)
        .map(|(kind, bytes)| format!("{kind} {} {}", hex::encode(sha256(&bytes).0), hex::encode(&bytes)))
        .collect();
    let written = lines.join("\n") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/encodings.txt");
    if std::env::var("OPENLEDGER_WRITE_DOCS").is_ok() {
        std::fs::write(path, &written).unwrap();
    }
    let recorded = std::fs::read_to_string(path).unwrap_or_default();
    let changed = recorded.lines().zip(written.lines()).find(|(recorded, written)| recorded != written);
    assert!(
        recorded == written,
        "an encoding is not what was recorded; if that is meant, write it with OPENLEDGER_WRITE_DOCS=1. First: {changed:?}"
    );
}
