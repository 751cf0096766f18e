//! The actions, keys and records of advances whose encodings are recorded.

use openledger_types::advances::{AdvanceAction, AdvancePoolRecord, SharesRecord};
use openledger_types::record::Role;
use openledger_types::{Action, Amount, codec};

use super::AdvanceKey;
use crate::StateKey;
use crate::tests::account;

pub(crate) fn actions() -> Vec<Action> {
    let actions = vec![
        AdvanceAction::FundAdvances { amount: Amount(1) },
        AdvanceAction::RedeemShares { shares: 2 },
        AdvanceAction::TakeAdvance { role: Role::Provider, epoch: 3, amount: Amount(4) },
        AdvanceAction::CollectAdvances { account: account(5), role: Role::Builder, epochs: vec![6] },
    ];
    actions.into_iter().map(Action::Advances).collect()
}

pub(crate) fn keys() -> Vec<StateKey> {
    [AdvanceKey::Pool, AdvanceKey::Shares(account(1))].map(StateKey::Advances).to_vec()
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let pool =
        AdvancePoolRecord { cash: Amount(1), owed: Amount(2), paid: Amount(3), shares: 4, generation: 5 };
    vec![
        ("AdvancePoolRecord", codec::encode(&pool)),
        ("SharesRecord", codec::encode(&SharesRecord { generation: 1, shares: 2 })),
    ]
}
