//! The keys of providers beside the provider's own record and its offers.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::codec::DecodeError;
use openledger_types::providers::{ClassRecord, ClusterRecord, HeartbeatRecord, RetiredKeyRecord};
use openledger_types::{AccountId, Name, ServiceKey};
use serde::{Deserialize, Serialize};

use crate::queries::record;

/// The key of a record about capacity.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKey {
    /// `HeartbeatRecord`: the provider's last heartbeat.
    Heartbeat(AccountId),
    /// `RetiredKeyRecord`: a key that countersigned for the provider.
    RetiredKey(AccountId, ServiceKey),
    /// `ClassRecord`: the totals of a resource class.
    Class(Name),
    /// `ClusterRecord`: a cluster in a class.
    Cluster(Name, AccountId),
}

/// A record about capacity. Each variant is the record of the [`ProviderKey`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum CapacityRecord {
    Heartbeat(HeartbeatRecord),
    RetiredKey(RetiredKeyRecord),
    Class(ClassRecord),
    Cluster(ClusterRecord),
}

impl CapacityRecord {
    pub(crate) fn decode(key: &ProviderKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            ProviderKey::Heartbeat(_) => Self::Heartbeat(record(bytes)?),
            ProviderKey::RetiredKey(..) => Self::RetiredKey(record(bytes)?),
            ProviderKey::Class(_) => Self::Class(record(bytes)?),
            ProviderKey::Cluster(..) => Self::Cluster(record(bytes)?),
        })
    }
}
