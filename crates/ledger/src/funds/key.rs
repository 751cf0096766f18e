//! The keys of the funds and the record under each. The order of the variants is part of the protocol.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::codec::DecodeError;
use openledger_types::funds::{
    ClaimRecord, FundsRecord, MaintenanceRoundRecord, MeasurerRecord, ProjectRecord, ReportRecord,
};
use openledger_types::{AccountId, Name};
use serde::{Deserialize, Serialize};

use crate::queries::record;
use crate::state::StateKey;

/// The key of one record of the funds.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum FundsKey {
    /// `FundsRecord`: what is remembered from round to round.
    Funds,
    /// `ProjectRecord`, by name.
    Project(Name),
    /// `MeasurerRecord`.
    Measurer(AccountId),
    /// `MaintenanceRoundRecord`, by number.
    Round(u64),
    /// `ClaimRecord`: a debt of the insurance, by number.
    Claim(u64),
    /// `ReportRecord`: what a measurer revealed of a round.
    Report(u64, AccountId),
}

impl FundsKey {
    pub(crate) fn state(self) -> StateKey {
        StateKey::Funds(self)
    }
}

/// A record of the funds with its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum FundsStateRecord {
    Funds(FundsRecord),
    Project(ProjectRecord),
    Measurer(MeasurerRecord),
    Round(MaintenanceRoundRecord),
    Claim(ClaimRecord),
    Report(ReportRecord),
}

impl FundsStateRecord {
    /// Reads the record that lives under `key`.
    pub(crate) fn decode(key: &FundsKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            FundsKey::Funds => Self::Funds(record(bytes)?),
            FundsKey::Project(_) => Self::Project(record(bytes)?),
            FundsKey::Measurer(_) => Self::Measurer(record(bytes)?),
            FundsKey::Round(_) => Self::Round(record(bytes)?),
            FundsKey::Claim(_) => Self::Claim(record(bytes)?),
            FundsKey::Report(..) => Self::Report(record(bytes)?),
        })
    }
}
