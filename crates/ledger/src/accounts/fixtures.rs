//! One of each action, record and key, for the recorded encodings.

use openledger_types::accounts::{GroupRecord, LinkRecord};
use openledger_types::{AccountAction, Action, codec};

use super::AccountKey;
use crate::StateKey;
use crate::tests::account;

pub(crate) fn actions() -> Vec<Action> {
    vec![
        Action::Accounts(AccountAction::DeclareLink { other: account(1) }),
        Action::Accounts(AccountAction::EndLink { other: account(1) }),
    ]
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let link = LinkRecord { proposed_by: account(1), declared_in_epoch: Some(2), ends_in_epoch: Some(3) };
    vec![
        ("LinkRecord", codec::encode(&link)),
        ("GroupRecord", codec::encode(&GroupRecord { members: vec![account(1), account(2)], size: 2 })),
    ]
}

pub(crate) fn keys() -> Vec<StateKey> {
    vec![
        AccountKey::link(account(1), account(2)).state(),
        AccountKey::LinkCount(account(1)).state(),
        AccountKey::Member(account(1)).state(),
        AccountKey::Group(account(1)).state(),
    ]
}
