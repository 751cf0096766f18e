//! The keys of reputation and the record under each. Absent: lists of subjects; read models build those from events.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::codec::DecodeError;
use openledger_types::{AccountId, CounterpartyRecord, Domain, EvidenceRecord, FraudRecord, RequesterRecord};
use serde::{Deserialize, Serialize};

use crate::queries::record;

/// The key of one record of reputation.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ReputationKey {
    /// `EvidenceRecord` of a subject in a domain.
    Evidence(AccountId, Domain),
    /// `CounterpartyRecord`, by the subject's cluster, domain and the counterparty's cluster.
    Counterparty(AccountId, Domain, AccountId),
    /// `RequesterRecord`, by the counterparty's cluster and domain.
    Requester(AccountId, Domain),
    /// `FraudRecord`, by cluster.
    Fraud(AccountId),
}

/// A record of reputation with its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum ReputationRecord {
    Evidence(EvidenceRecord),
    Counterparty(CounterpartyRecord),
    Requester(RequesterRecord),
    Fraud(FraudRecord),
}

impl ReputationRecord {
    /// Reads the record that lives under `key`.
    pub(crate) fn decode(key: &ReputationKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            ReputationKey::Evidence(..) => Self::Evidence(record(bytes)?),
            ReputationKey::Counterparty(..) => Self::Counterparty(record(bytes)?),
            ReputationKey::Requester(..) => Self::Requester(record(bytes)?),
            ReputationKey::Fraud(_) => Self::Fraud(record(bytes)?),
        })
    }
}
