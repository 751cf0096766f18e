//! The keys of datanets beyond the plain ones, and the record under each. Absent: lists; read models build those.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::codec::DecodeError;
use openledger_types::datanets::{DatanetRole, RulesRecord};
use openledger_types::{AccountId, Name};
use serde::Serialize;

use crate::queries::record;

/// The key of one record of this step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum DatanetKey {
    /// `RulesRecord`: the policies of a datanet.
    Rules(Name),
    /// The epoch in which an account was given a role.
    Role(Name, AccountId, DatanetRole),
}

/// A record of this step with its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum DatanetsRecord {
    Rules(RulesRecord),
    Role(u64),
}

impl DatanetsRecord {
    /// Reads the record that lives under `key`.
    pub(crate) fn decode(key: &DatanetKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            DatanetKey::Rules(_) => Self::Rules(record(bytes)?),
            DatanetKey::Role(..) => Self::Role(record(bytes)?),
        })
    }
}
