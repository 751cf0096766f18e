//! Counting verdicts: pure functions.
//!
//! An objective fault needs two thirds of the whole panel and at least two auditors, because it takes money. A majority of
//! those who spoke withholds pay. Everything else passes. So a third of a panel can keep a penalty from being imposed, which an
//! appeal to a larger panel undoes, and needs two thirds to impose one on somebody innocent.

use openledger_types::AccountId;
use openledger_types::audits::{AuditRecord, Fault, Ruling, Stage, Verdict};

/// What a panel of `seats` auditors rules, of whom these spoke. For a planted fault, `planted` says whether it was found.
pub(super) fn ruling(said: &[Verdict], seats: usize, planted: Option<bool>) -> Ruling {
    let not_passed = said.iter().filter(|verdict| **verdict != Verdict::Pass).count();
    let majority = not_passed.saturating_mul(2) > said.len();
    if let Some(found) = planted {
        return match (majority, found) {
            (false, _) => Ruling::PlantFalse,
            (true, true) => Ruling::PlantFound,
            (true, false) => Ruling::PlantMissed,
        };
    }
    let faults = [Fault::Computation, Fault::Weights, Fault::Attribution, Fault::Receipt];
    let proven = |fault: &Fault| {
        let count = said.iter().filter(|verdict| **verdict == Verdict::Fault(*fault)).count();
        count >= 2 && count.saturating_mul(3) >= seats.saturating_mul(2)
    };
    if let Some(fault) = faults.into_iter().find(proven) {
        return Ruling::Faulty(fault);
    }
    if !majority {
        return Ruling::Passed;
    }
    let of_gateway = said.iter().filter(|verdict| blames_gateway(verdict)).count();
    Ruling::Degraded { by_gateway: of_gateway.saturating_mul(2) > not_passed }
}

fn blames_gateway(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Fault(fault) => fault.is_of_gateway(),
        Verdict::Withheld => true,
        Verdict::Pass | Verdict::Mismatch => false,
    }
}

/// Whether a ruling says what somebody claimed: that the work is fine, or that it is not.
pub(super) fn agrees(ruling: Ruling, claim: Verdict) -> bool {
    let fine = matches!(ruling, Ruling::Passed | Ruling::PlantFalse);
    fine == (claim == Verdict::Pass)
}

/// The first single auditor who did not pass the work.
pub(super) fn accuser(record: &AuditRecord) -> Option<AccountId> {
    let single = record.rounds.iter().filter(|round| matches!(round.stage, Stage::First | Stage::Second));
    let seats = single.flat_map(|round| round.seats.iter());
    let accuses = |verdict: Verdict| verdict != Verdict::Pass;
    seats.filter(|seat| seat.verdict.is_some_and(accuses)).map(|seat| seat.auditor).next()
}

/// A number of auditors from the parameters.
pub(super) fn size(auditors: u64) -> u8 {
    u8::try_from(auditors).unwrap_or(u8::MAX)
}
