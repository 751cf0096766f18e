//! The actions, keys and records of audits whose encodings are recorded.

use openledger_types::audits::{
    AuditAction, AuditRecord, AuditedBatchRecord, AuditorRecord, BreakerRecord, Challenge, DrawnReceipts,
    Fault, LiquidRecord, Opening, PanelEntry, PanelRecord, ReportRecord, Round, Ruling, Seat, SeedRecord,
    Stage, Status, SubjectRecord, Verdict,
};
use openledger_types::{Action, Amount, AuditId, BasisPoints, codec};

use super::AuditKey;
use crate::StateKey;
use crate::tests::{account, bytes32};

fn audit() -> AuditId {
    AuditId { gateway: account(1), batch: 2, receipt: 3 }
}

fn opening() -> Opening {
    Opening {
        leaf: bytes32(1),
        provider: account(2),
        consumer: account(3),
        charged: Amount(4),
        share: Amount(5),
        router_fee: Amount(6),
        material: bytes32(7),
    }
}

pub(crate) fn actions() -> Vec<Action> {
    let (gateway, audit, salt, commitment) = (account(1), audit(), bytes32(2), bytes32(3));
    let claim = Verdict::Fault(Fault::Weights);
    let actions = vec![
        AuditAction::RegisterAuditor { endpoint: "e".into() },
        AuditAction::CommitSeed { commitment },
        AuditAction::DrawAudits { gateway, batch: 2, beacon: 3 },
        AuditAction::OpenReceipt { batch: 1, receipt: 2, opening: opening(), path: vec![bytes32(3)] },
        AuditAction::CloseOpening { gateway, batch: 2 },
        AuditAction::CommitVerdict { audit, commitment },
        AuditAction::RevealVerdict { audit, verdict: claim, salt },
        AuditAction::RevealSeed { epoch: 1, seed: salt },
        AuditAction::CloseSeed { gateway, epoch: 2 },
        AuditAction::AdvanceAudit { audit, beacon: 4 },
        AuditAction::ChallengeAudit { audit, claim },
        AuditAction::ReportSecretly { commitment },
        AuditAction::RevealReport { audit, claim: Verdict::Withheld, salt },
        AuditAction::WithdrawReport { commitment },
        AuditAction::SettleSubject { audit, provider: account(4), consumer: account(5) },
        AuditAction::SettleSeat { audit, auditor: account(4) },
    ];
    actions.into_iter().map(Action::Audits).collect()
}

pub(crate) fn keys() -> Vec<StateKey> {
    let keys = vec![
        AuditKey::Panel,
        AuditKey::Auditor(account(1)),
        AuditKey::Seed(account(1), 2),
        AuditKey::Batch(account(1), 2),
        AuditKey::Audit(audit()),
        AuditKey::Subject(account(1)),
        AuditKey::Cluster(account(1)),
        AuditKey::Breaker,
        AuditKey::Report(account(1), bytes32(2)),
        AuditKey::Liquid(account(1), 2),
    ];
    keys.into_iter().map(AuditKey::state).collect()
}

fn audit_record() -> AuditRecord {
    let seat = Seat {
        auditor: account(1),
        commitment: Some(bytes32(2)),
        verdict: Some(Verdict::Mismatch),
        settled: true,
    };
    let round = Round { stage: Stage::Panel(3), commit_by: 1, reveal_by: 2, seats: vec![seat] };
    let challenge = Challenge {
        challenger: account(4),
        bond: Amount(5),
        advanced: Amount(6),
        claim: Verdict::Pass,
        ruling: Ruling::Degraded { by_gateway: true },
        established: true,
        secret: false,
    };
    AuditRecord {
        opening: opening(),
        parties: [account(2), account(1), account(3)],
        epoch: 4,
        randomness: bytes32(5),
        receipts: 6,
        charged: Amount(7),
        earned: Amount(8),
        covers: [Amount(9), Amount(10)],
        fee: Amount(8),
        held: Amount(9),
        rounds: vec![round],
        status: Status::Ruled { ruling: Ruling::Faulty(Fault::Attribution), established: true, until: 10 },
        seed_by: 11,
        planted: true,
        challenge: Some(challenge),
        reporter: Some((account(6), true)),
        settled: true,
    }
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let entry = PanelEntry { auditor: account(1), cluster: account(2), since: 3, reputation: 4, silences: 5 };
    let drawn =
        DrawnReceipts { beacon: 1, randomness: bytes32(2), stands_for: 3, open_by: 4, unopened: vec![5, 6] };
    let batch = AuditedBatchRecord {
        epoch: 1,
        rate: BasisPoints(2),
        fee: Amount(3),
        charged: Amount(4),
        earned: Amount(5),
        drawn: Some(drawn),
        held: Amount(5),
    };
    let seed = SeedRecord { commitment: bytes32(1), seed: Some(bytes32(2)), due: Some((3, 4)), closed: true };
    let subject = SubjectRecord { assigned: 1, since: 2, audited: 3, faults: 4, counted_in: Some(5) };
    let liquid = LiquidRecord { providers: vec![(account(1), 2)], gateway: 3 };
    let breaker = BreakerRecord { epoch: 1, ruled: 2, faulty: 3, paused_until: 4 };
    vec![
        ("PanelRecord", codec::encode(&PanelRecord { entries: vec![entry] })),
        ("AuditorRecord", codec::encode(&AuditorRecord { endpoint: "e".into() })),
        ("SeedRecord", codec::encode(&seed)),
        ("AuditedBatchRecord", codec::encode(&batch)),
        ("AuditRecord", codec::encode(&audit_record())),
        ("SubjectRecord", codec::encode(&subject)),
        ("BreakerRecord", codec::encode(&breaker)),
        ("LiquidRecord", codec::encode(&liquid)),
        ("ReportRecord", codec::encode(&ReportRecord { bond: Amount(1), epoch: 2 })),
    ]
}
