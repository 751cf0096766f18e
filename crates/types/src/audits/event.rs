//! What happened in audits.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{AuditId, Opening, Ruling, Stage, Verdict};
use crate::{AccountId, Amount, Hash};

/// What a ruling means for one auditor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatResult {
    /// It said nothing: no fee.
    Silent,
    /// It was paid; what it said is neither confirmed nor refuted.
    Unproven,
    /// It was paid, and it was right.
    Right,
    /// It was paid, and it was wrong where judgement differs.
    Wrong,
    /// It passed a fault: no fee, and it loses bond.
    Missed,
    /// It passed a fault and reported that first.
    Immune,
}

/// A fact about audits.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's or the record's documented fields")]
pub enum AuditEvent {
    /// An auditor can be drawn.
    AuditorRegistered { auditor: AccountId, endpoint: String },
    /// An auditor is no longer drawn: it left, or was silent too often.
    AuditorDropped { auditor: AccountId },
    /// A gateway committed to a seed.
    SeedCommitted { gateway: AccountId, epoch: u64, commitment: Hash },
    /// A gateway revealed its seed.
    SeedRevealed { gateway: AccountId, epoch: u64, seed: Hash },
    /// A gateway did not reveal its seed in time.
    SeedWithheld { gateway: AccountId, epoch: u64 },
    /// Receipts were drawn; the gateway opens them until the end of epoch `open_by`.
    AuditsDrawn { gateway: AccountId, batch: u64, beacon: u64, receipts: Vec<u32>, fee: Amount, open_by: u64 },
    /// A drawn receipt was opened.
    ReceiptOpened { audit: AuditId, opening: Opening },
    /// A gateway did not open drawn receipts in time.
    ReceiptsWithheld { gateway: AccountId, batch: u64, receipts: Vec<u32> },
    /// Auditors were drawn.
    SeatsDrawn { audit: AuditId, stage: Stage, auditors: Vec<AccountId>, commit_by: u64, reveal_by: u64 },
    /// An auditor committed to a verdict.
    VerdictCommitted { audit: AuditId, auditor: AccountId, commitment: Hash },
    /// An auditor revealed its verdict.
    VerdictRevealed { audit: AuditId, auditor: AccountId, verdict: Verdict },
    /// An audit has a ruling, which can be challenged until the end of epoch `until`.
    AuditRuled { audit: AuditId, ruling: Ruling, established: bool, until: u64 },
    /// A ruling was challenged.
    AuditChallenged { audit: AuditId, challenger: AccountId, bond: Amount, claim: Verdict, secret: bool },
    /// A challenge was decided.
    ChallengeDecided { audit: AuditId, challenger: AccountId, upheld: bool },
    /// Somebody reported secretly.
    ReportedSecretly { reporter: AccountId, commitment: Hash, bond: Amount },
    /// A secret report was taken back.
    ReportWithdrawn { reporter: AccountId, commitment: Hash },
    /// The consequences of a ruling for provider and gateway.
    SubjectSettled { audit: AuditId, ruling: Ruling },
    /// The consequences of a ruling for an auditor. Of the fee, `escrowed` waits in the tranche of this epoch.
    SeatSettled {
        audit: AuditId,
        auditor: AccountId,
        result: SeatResult,
        fee: Amount,
        escrowed: Amount,
        epoch: u64,
    },
    /// Too many audits failed: slashing pauses before this epoch.
    SlashingPaused { until: u64 },
}
