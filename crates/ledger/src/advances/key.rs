//! The keys of advances and the record under each. The order of the variants is part of the protocol.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::advances::{AdvancePoolRecord, SharesRecord};
use openledger_types::codec::DecodeError;
use openledger_types::{AccountId, Amount};
use serde::{Deserialize, Serialize};

use crate::queries::record;
use crate::state::StateKey;

/// The key of one record.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AdvanceKey {
    /// `AdvancePoolRecord`.
    Pool,
    /// `SharesRecord`: the shares of an account.
    Shares(AccountId),
}

impl AdvanceKey {
    pub(crate) fn state(self) -> StateKey {
        StateKey::Advances(self)
    }
}

/// A record of advances. Each variant is the record of the [`AdvanceKey`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum AdvanceRecord {
    Pool(AdvancePoolRecord),
    Shares(SharesRecord),
}

impl AdvanceRecord {
    pub(crate) fn decode(key: &AdvanceKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            AdvanceKey::Pool => Self::Pool(record(bytes)?),
            AdvanceKey::Shares(_) => Self::Shares(record(bytes)?),
        })
    }

    /// What the record holds in custody.
    pub(crate) fn held(&self) -> Amount {
        match self {
            Self::Pool(pool) => pool.cash,
            Self::Shares(_) => Amount::ZERO,
        }
    }
}
