//! The keys of models beside the model's own record.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::codec::DecodeError;
use openledger_types::models::{ManifestRecord, TitleRecord};
use openledger_types::{AccountId, Hash};
use serde::{Deserialize, Serialize};

use crate::queries::record;

/// The key of a record beside a model.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ModelKey {
    /// `ManifestRecord`, by the manifest's identity.
    Manifest(Hash),
    /// `TitleRecord`, by the model's line in lineages.
    Title(AccountId),
}

/// A record beside a model. Each variant is the record of the [`ModelKey`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum ModelsRecord {
    Manifest(ManifestRecord),
    Title(TitleRecord),
}

impl ModelsRecord {
    pub(crate) fn decode(key: &ModelKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            ModelKey::Manifest(_) => Self::Manifest(record(bytes)?),
            ModelKey::Title(_) => Self::Title(record(bytes)?),
        })
    }
}
