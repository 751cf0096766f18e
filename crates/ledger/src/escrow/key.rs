//! The keys of escrow beyond tranches, and the record under each. The order of the variants is part of the protocol.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::codec::DecodeError;
use openledger_types::escrow::HoldRecord;
use openledger_types::record::Role;
use openledger_types::{AccountId, BondRecord, EpochsRecord};
use serde::{Deserialize, Serialize};

use crate::queries::record;
use crate::state::StateKey;

/// The key of one record.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum EscrowKey {
    /// `EpochsRecord`: in which epochs the open tranches of an account and role began.
    Tranches(AccountId, Role),
    /// `EpochsRecord`: in which epochs what an account unbonds in a role was asked for.
    Unbondings(AccountId, Role),
    /// `BondRecord` of a builder, contributor or evaluator.
    Bond(AccountId, Role),
    /// `HoldRecord`: what of an account and role is being checked.
    Hold(AccountId, Role),
}

impl EscrowKey {
    pub(crate) fn state(self) -> StateKey {
        StateKey::Escrow(self)
    }
}

/// A record of escrow. Each variant is the record of the [`EscrowKey`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum EscrowRecord {
    Tranches(EpochsRecord),
    Unbondings(EpochsRecord),
    Bond(BondRecord),
    Hold(HoldRecord),
}

impl EscrowRecord {
    pub(crate) fn decode(key: &EscrowKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            EscrowKey::Tranches(..) => Self::Tranches(record(bytes)?),
            EscrowKey::Unbondings(..) => Self::Unbondings(record(bytes)?),
            EscrowKey::Bond(..) => Self::Bond(record(bytes)?),
            EscrowKey::Hold(..) => Self::Hold(record(bytes)?),
        })
    }
}
