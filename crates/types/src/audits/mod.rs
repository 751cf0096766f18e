//! The words of audits: who checks settled answers, what is drawn, what was found, and what follows.
//! Absent: the rules; they are in `ledger`, folder `audits`.

mod action;
mod event;
mod parameters;
mod record;

pub use action::AuditAction;
pub use event::{AuditEvent, SeatResult};
pub use parameters::AuditParameters;
pub use record::{
    AuditId, AuditRecord, AuditedBatchRecord, AuditorRecord, BreakerRecord, Challenge, DrawnReceipts, Fault,
    LiquidRecord, Opening, PanelEntry, PanelRecord, ReportRecord, Round, Ruling, Seat, SeedRecord, Stage,
    Status, SubjectRecord, Verdict,
};

use borsh::BorshSerialize;

use crate::{AccountId, Hash, codec, sha256};

/// What an auditor commits to before it reveals: the hash of its verdict in this round of this audit, under a salt.
pub fn verdict_commitment(
    audit: &AuditId,
    round: u8,
    auditor: &AccountId,
    verdict: &Verdict,
    salt: &Hash,
) -> Hash {
    tagged("openledger verdict v1", &(audit, round, auditor, verdict, salt))
}

/// What a gateway commits to in an epoch: the hash of the seed that decides which of its audits are planted faults.
pub fn seed_commitment(gateway: &AccountId, epoch: u64, seed: &Hash) -> Hash {
    tagged("openledger planting seed v1", &(gateway, epoch, seed))
}

/// What a secret report commits to: who reports which audit, and what a check would find.
pub fn report_commitment(reporter: &AccountId, audit: &AuditId, claim: &Verdict, salt: &Hash) -> Hash {
    tagged("openledger report v1", &(reporter, audit, claim, salt))
}

/// SHA-256 over a domain tag and an encoding, so that no hash of one kind is one of another.
fn tagged(tag: &str, value: &impl BorshSerialize) -> Hash {
    sha256(&codec::encode(&(tag, value)))
}
