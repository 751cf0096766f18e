//! What auditors, gateways and challengers ask for.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{AuditId, Opening, Verdict};
use crate::{AccountId, Hash};

/// An action about audits. Anyone may send those that name no sender: their result does not depend on who does.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AuditAction {
    /// Become an auditor, or be drawn again after having been dropped. The bond is raised before.
    RegisterAuditor {
        /// Where gateways hand over what is audited.
        endpoint: String,
    },
    /// Commit to the seed that decides which audits of this epoch's batches are planted faults. Sender: a gateway.
    CommitSeed {
        /// The seed's commitment.
        commitment: Hash,
    },
    /// Draw what is audited of a batch.
    DrawAudits {
        /// Who settled it.
        gateway: AccountId,
        /// Its number.
        batch: u64,
        /// Epoch of the first beacon after the settlement's epoch.
        beacon: u64,
    },
    /// Open a drawn receipt. Sender: its gateway.
    OpenReceipt {
        /// The batch's number.
        batch: u64,
        /// The receipt's place in the batch, from 0.
        receipt: u32,
        /// What it says.
        opening: Opening,
        /// From its leaf to the batch's root, the lowest hash first.
        path: Vec<Hash>,
    },
    /// End the opening of a batch: what the gateway did not open counts as a fault of the gateway.
    CloseOpening {
        /// Who settled it.
        gateway: AccountId,
        /// Its number.
        batch: u64,
    },
    /// Commit to a verdict. Sender: an auditor who was drawn.
    CommitVerdict {
        /// About what.
        audit: AuditId,
        /// The verdict's commitment.
        commitment: Hash,
    },
    /// Reveal a verdict after the last commitment. Sender: the auditor.
    RevealVerdict {
        /// About what.
        audit: AuditId,
        /// What was found.
        verdict: Verdict,
        /// The commitment's salt.
        salt: Hash,
    },
    /// Reveal a seed after the last verdict. Sender: the gateway.
    RevealSeed {
        /// Epoch of the commitment.
        epoch: u64,
        /// The seed.
        seed: Hash,
    },
    /// Charge a gateway that did not reveal its seed.
    CloseSeed {
        /// Who.
        gateway: AccountId,
        /// Epoch of the commitment.
        epoch: u64,
    },
    /// Take an audit to its next stage: count a round, draw the next auditors, or rule.
    AdvanceAudit {
        /// Which.
        audit: AuditId,
        /// Epoch of the first beacon after the last deadline, or after the challenge.
        beacon: u64,
    },
    /// Stake money on a ruling being wrong.
    ChallengeAudit {
        /// Which.
        audit: AuditId,
        /// What a check would find.
        claim: Verdict,
    },
    /// Report secretly: a commitment now, the report later. The reporter's own part in it is not punished.
    ReportSecretly {
        /// The report's commitment.
        commitment: Hash,
    },
    /// Reveal a secret report; it challenges the ruling.
    RevealReport {
        /// About what.
        audit: AuditId,
        /// What a check would find.
        claim: Verdict,
        /// The commitment's salt.
        salt: Hash,
    },
    /// Take back the bond of a secret report that was not revealed.
    WithdrawReport {
        /// The report's commitment.
        commitment: Hash,
    },
    /// Draw the consequences of a ruling for provider, gateway and consumer.
    SettleSubject {
        /// Which.
        audit: AuditId,
        /// The receipt's provider, as opened.
        provider: AccountId,
        /// The receipt's consumer, as opened.
        consumer: AccountId,
    },
    /// Draw the consequences of a ruling for one of its auditors.
    SettleSeat {
        /// Which.
        audit: AuditId,
        /// Who.
        auditor: AccountId,
    },
}

impl AuditAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RegisterAuditor { .. } => "Register auditor",
            Self::CommitSeed { .. } => "Commit seed",
            Self::DrawAudits { .. } => "Draw audits",
            Self::OpenReceipt { .. } => "Open receipt",
            Self::CloseOpening { .. } => "Close opening",
            Self::CommitVerdict { .. } => "Commit verdict",
            Self::RevealVerdict { .. } => "Reveal verdict",
            Self::RevealSeed { .. } => "Reveal seed",
            Self::CloseSeed { .. } => "Close seed",
            Self::AdvanceAudit { .. } => "Advance audit",
            Self::ChallengeAudit { .. } => "Challenge audit",
            Self::ReportSecretly { .. } => "Report secretly",
            Self::RevealReport { .. } => "Reveal report",
            Self::WithdrawReport { .. } => "Withdraw report",
            Self::SettleSubject { .. } => "Settle audit",
            Self::SettleSeat { .. } => "Settle auditor",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::RegisterAuditor { endpoint } => format!("Become an auditor at {endpoint}"),
            Self::CommitSeed { commitment } => format!("Commit to the planting seed {commitment}"),
            Self::DrawAudits { gateway, batch, beacon } => {
                format!("Draw audits of batch {batch} of {gateway} with the beacon of epoch {beacon}")
            }
            Self::OpenReceipt { batch, receipt, opening, .. } => format!(
                "Open receipt {receipt} of batch {batch}: {} C by provider {} for {}",
                opening.charged, opening.provider, opening.consumer
            ),
            Self::CloseOpening { gateway, batch } => {
                format!("Close the opening of batch {batch} of {gateway}")
            }
            Self::CommitVerdict { audit, commitment } => {
                format!("Commit to the verdict {commitment} on {audit}")
            }
            Self::RevealVerdict { audit, verdict, .. } => {
                format!("Reveal the verdict {verdict:?} on {audit}")
            }
            Self::RevealSeed { epoch, seed } => format!("Reveal the planting seed {seed} of epoch {epoch}"),
            Self::CloseSeed { gateway, epoch } => {
                format!("Charge {gateway} for the planting seed of epoch {epoch}")
            }
            Self::AdvanceAudit { audit, beacon } => {
                format!("Advance the audit of {audit} with the beacon of epoch {beacon}")
            }
            Self::ChallengeAudit { audit, claim } => format!("Challenge the audit of {audit}: {claim:?}"),
            Self::ReportSecretly { commitment } => format!("Report secretly: {commitment}"),
            Self::RevealReport { audit, claim, .. } => format!("Reveal a report on {audit}: {claim:?}"),
            Self::WithdrawReport { commitment } => format!("Withdraw the secret report {commitment}"),
            Self::SettleSubject { audit, provider, .. } => {
                format!("Settle the audit of {audit} for provider {provider}")
            }
            Self::SettleSeat { audit, auditor } => {
                format!("Settle the audit of {audit} for auditor {auditor}")
            }
        }
    }
}
