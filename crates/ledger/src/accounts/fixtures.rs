//! One of each action, record and key, for the recorded encodings.

use openledger_types::accounts::{
    ChallengeRecord, FindingRecord, GroupRecord, LinkRecord, MemberRecord, SessionRecord,
};
use openledger_types::{
    AccountAction, Action, Amount, LinkBasis, ServiceKey, SessionGrant, SessionKey, SpendingLimit, codec,
};

use super::AccountKey;
use crate::StateKey;
use crate::tests::{account, bytes32};

const ED25519: SessionKey = SessionKey::Ed25519(ServiceKey([1; 32]));

fn grant() -> SessionGrant {
    SessionGrant {
        actions: vec!["Transfer".into()],
        credits: SpendingLimit { per_epoch: Amount(1), total: Amount(2) },
        open: SpendingLimit { per_epoch: Amount(3), total: Amount(4) },
        expires_in_epoch: 5,
    }
}

pub(crate) fn actions() -> Vec<Action> {
    let (one, other, basis) = (account(1), account(2), LinkBasis::HardwareKey);
    vec![
        Action::Accounts(AccountAction::DeclareLink { other: account(1) }),
        Action::Accounts(AccountAction::EndLink { other: account(1) }),
        Action::Accounts(AccountAction::GrantSession { key: ED25519, grant: grant() }),
        Action::Accounts(AccountAction::RevokeSession { key: SessionKey::Secp256k1(account(1)) }),
        Action::Accounts(AccountAction::ReportLink { one, other, basis, evidence: bytes32(1) }),
        Action::Accounts(AccountAction::ChallengeLink { one, other }),
        Action::Accounts(AccountAction::SettleLink { one, other }),
        Action::Accounts(AccountAction::JudgeLink { one, other, beacon: 3, stands: true }),
    ]
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let link = LinkRecord { proposed_by: account(1), declared_in_epoch: Some(2), ends_in_epoch: Some(3) };
    let challenge = ChallengeRecord {
        by: account(1),
        bond: Amount(2),
        epoch: 3,
        until_epoch: 4,
        jurors: 5,
        votes: vec![(account(6), true)],
    };
    let finding = FindingRecord {
        reporter: account(1),
        basis: LinkBasis::SharedFunding,
        evidence: bytes32(2),
        bond: Amount(3),
        stands: true,
        until_epoch: 4,
        upheld: 5,
        challenge: Some(challenge),
    };
    let session = SessionRecord {
        grant: Some(grant()),
        nonce: 1,
        epoch: 2,
        credits_in_epoch: Amount(3),
        open_in_epoch: Amount(4),
        credits_spent: Amount(5),
        open_spent: Amount(6),
    };
    vec![
        ("FindingRecord", codec::encode(&finding)),
        ("SessionRecord", codec::encode(&session)),
        ("LinkRecord", codec::encode(&link)),
        ("MemberRecord", codec::encode(&MemberRecord { root: account(1), since_epoch: Some(2) })),
        ("GroupRecord", codec::encode(&GroupRecord { members: vec![account(1), account(2)], size: 2 })),
    ]
}

pub(crate) fn keys() -> Vec<StateKey> {
    vec![
        AccountKey::link(account(1), account(2)).state(),
        AccountKey::LinkCount(account(1)).state(),
        AccountKey::Member(account(1)).state(),
        AccountKey::Group(account(1)).state(),
        AccountKey::Session(account(1), ED25519).state(),
        AccountKey::finding(account(1), account(2)).state(),
    ]
}
