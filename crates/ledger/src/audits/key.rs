//! The keys of audits and the record under each. Absent: lists; read models build those from events.

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::audits::{
    AuditRecord, AuditedBatchRecord, AuditorRecord, BreakerRecord, LiquidRecord, PanelRecord, ReportRecord,
    SeedRecord, SubjectRecord,
};
use openledger_types::codec::DecodeError;
use openledger_types::{AccountId, Amount, AuditId, Hash};
use serde::{Deserialize, Serialize};

use crate::queries::record;
use crate::state::StateKey;

/// The key of one record of audits.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AuditKey {
    /// `PanelRecord`: everybody who can be drawn.
    Panel,
    /// `AuditorRecord`.
    Auditor(AccountId),
    /// `SeedRecord`, by gateway and epoch.
    Seed(AccountId, u64),
    /// `AuditedBatchRecord`, by gateway and number.
    Batch(AccountId, u64),
    /// `AuditRecord`.
    Audit(AuditId),
    /// `SubjectRecord` of a provider.
    Subject(AccountId),
    /// `SubjectRecord` of a cluster.
    Cluster(AccountId),
    /// `BreakerRecord`.
    Breaker,
    /// `ReportRecord`, by reporter and commitment.
    Report(AccountId, Hash),
    /// `LiquidRecord`, by gateway and number of the batch.
    Liquid(AccountId, u64),
}

impl AuditKey {
    pub(crate) fn state(self) -> StateKey {
        StateKey::Audits(self)
    }
}

/// A record of audits with its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "record", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the record of the key of the same name")]
pub enum AuditsRecord {
    Panel(PanelRecord),
    Auditor(AuditorRecord),
    Seed(SeedRecord),
    Batch(AuditedBatchRecord),
    Audit(Box<AuditRecord>),
    Subject(SubjectRecord),
    Cluster(SubjectRecord),
    Breaker(BreakerRecord),
    Report(ReportRecord),
    Liquid(LiquidRecord),
}

impl AuditsRecord {
    /// Reads the record that lives under `key`.
    pub(crate) fn decode(key: &AuditKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key {
            AuditKey::Panel => Self::Panel(record(bytes)?),
            AuditKey::Auditor(_) => Self::Auditor(record(bytes)?),
            AuditKey::Seed(..) => Self::Seed(record(bytes)?),
            AuditKey::Batch(..) => Self::Batch(record(bytes)?),
            AuditKey::Audit(_) => Self::Audit(Box::new(record(bytes)?)),
            AuditKey::Subject(_) => Self::Subject(record(bytes)?),
            AuditKey::Cluster(_) => Self::Cluster(record(bytes)?),
            AuditKey::Breaker => Self::Breaker(record(bytes)?),
            AuditKey::Report(..) => Self::Report(record(bytes)?),
            AuditKey::Liquid(..) => Self::Liquid(record(bytes)?),
        })
    }

    /// Credits that the record holds in custody.
    pub(crate) fn held(&self) -> Option<Amount> {
        match self {
            Self::Batch(batch) => Some(batch.held),
            Self::Audit(audit) => {
                let bond = audit.challenge.as_ref().map_or(Amount::ZERO, |challenge| challenge.bond);
                audit.held.plus(bond)
            }
            Self::Report(report) => Some(report.bond),
            _ => Some(Amount::ZERO),
        }
    }
}
