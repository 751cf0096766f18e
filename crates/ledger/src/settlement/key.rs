//! The keys of settlement beside batches, and the record under each. The order of the variants is part of the protocol.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::codec::DecodeError;
use openledger_types::settlement::RefundRecord;
use openledger_types::{AccountId, Amount};
use serde::{Deserialize, Serialize};

use crate::queries::record;
use crate::state::StateKey;

/// The key of one record.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SettlementKey {
    /// `RefundRecord`, by gateway and number of the receipt.
    Refund(AccountId, u64),
    /// `Amount`: what was refunded of all receipts of a batch, by gateway and number.
    Refunds(AccountId, u64),
}

impl SettlementKey {
    pub(crate) fn state(self) -> StateKey {
        StateKey::Settlement(self)
    }
}

/// A record of settlement. Each variant is the record of the [`SettlementKey`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum SettlementRecord {
    Refund(RefundRecord),
    Refunds(Amount),
}

impl SettlementRecord {
    pub(crate) fn decode(key: &SettlementKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            SettlementKey::Refund(..) => Self::Refund(record(bytes)?),
            SettlementKey::Refunds(..) => Self::Refunds(record(bytes)?),
        })
    }
}
