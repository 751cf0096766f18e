//! The actions, keys and records of refunds whose encodings are recorded.

use openledger_types::settlement::{Refund, RefundConsent, RefundRecord, SettlementAction};
use openledger_types::{Action, Amount, ChannelId, codec};

use super::SettlementKey;
use crate::StateKey;
use crate::tests::account;

pub(crate) fn actions() -> Vec<Action> {
    let consent = RefundConsent { provider: account(1), epoch: 6, cumulative: Amount(7), signature: [8; 65] };
    let refund = Refund {
        batch: 1,
        receipt: 2,
        channel: ChannelId([3; 32]),
        charged: Amount(4),
        amount: Amount(5),
        failed: true,
        consent: Some(consent),
    };
    vec![Action::Settlement(SettlementAction::Refund(refund))]
}

pub(crate) fn keys() -> Vec<StateKey> {
    vec![SettlementKey::Refund(account(1), 2).state(), SettlementKey::Refunds(account(1), 3).state()]
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let refund = RefundRecord {
        channel: Some(ChannelId([1; 32])),
        consumer: account(5),
        charged: Amount(2),
        refunded: Amount(3),
        by_provider: Amount(4),
        failed: true,
    };
    vec![("RefundRecord", codec::encode(&refund)), ("RefundsRecord", codec::encode(&Amount(1)))]
}
