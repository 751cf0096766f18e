//! Audits: settled answers are checked by sampling, and whoever checks is checked too.
//!
//! Rule (mechanism notes, D1, D4, D6, sections 1 and 4; design, section 6).
//!
//! Auditors bond OPEN and enter a register of at most 256. In a draw they weigh by their reputation for auditing, never by
//! stake; without reputation a twentieth; no cluster of linked accounts above 5 % of all weights. Who is silent five times in a
//! row is no longer drawn until it registers again.
//!
//! 1. Settlement fixes the rate of a batch, the highest that one of its providers calls for:
//!    `p = clamp(5 % * (1 + 2 (1 - R)) * value * faults, 4 %, 25 %)`, with the value of a receipt against the typical one
//!    (1/2 to 4) and one more for each recent fault (up to 4); everything in a provider's first 20 audits, tapering over
//!    the next 40. And it fixes the fee of a check, 1.25 times its cost, from the batch's totals; never more than the mean share of
//!    a receipt, so dust does not empty the fund.
//! 2. The first beacon after the epoch of the settlement draws the receipts (at most 64, which is above 4 % of the largest
//!    batch; fewer, but all that the least rate draws, where their fees would take more of the fund than the batch brought and a twentieth of it, and each stands for
//!    more). Anyone may send the draw; it is a pure function ([`drawn_receipts`]). The fees are set aside from the
//!    verification fund; while the fund is too low nothing is drawn, and exposure stays uncovered. A draw never expires: when it
//!    can be paid it draws by the same numbers, and the gateway has its time to open them from then on.
//! 3. The gateway opens each drawn receipt: its leaf and path to the batch's root, its parties and amounts, and the hash
//!    of what the auditor is handed. What it does not open may have been all that the batch paid, so it is slashed as for a fault
//!    in all of that, and the fault counts. From the opening to the settlement the audit holds what provider and gateway
//!    were paid in that epoch, and what its auditors have at stake ([`crate::escrow`]). The same randomness draws the
//!    auditor ([`drawn_auditors`]), never of the provider's, gateway's or consumer's cluster.
//! 4. The auditor commits to a verdict, and reveals it when the time for commitments has passed. A reveal before that is
//!    refused, so there is nothing to copy. Silence is a pass: the subject is paid, the auditor is not.
//! 5. A tenth of the audits are planted faults: the gateway hands over altered material. Which ones follows from a seed
//!    that the gateway committed to before the beacon, so it cannot choose, and that it reveals after all verdicts, so
//!    nobody can tell. An auditor who passes a planted fault loses 20 fees and reputation. A gateway without a seed is
//!    audited at the highest rate; one that keeps its seed back is slashed. A batch of the same epoch that is drawn later
//!    moves the time to reveal, and the first verdicts wait for it; when that time is over, no draw moves it any more.
//! 6. A tenth of the passing verdicts are checked by a second auditor. When either finds something, a panel of 3 runs the work
//!    again. Two thirds of the panel, and at least two, prove an objective fault; a majority without that proof degrades:
//!    the work is not paid and counts as bad evidence, but nothing is slashed. One exception, because it cannot be proven: a
//!    gateway that handed nothing over pays as for a receipt that it did not open, and can challenge to hand it over after all.
//!    Where nobody is left to draw, the round stays empty, the bond of a challenge comes back, and what was ruled before holds.
//! 7. Anyone can challenge a ruling for 7 epochs, with a bond: it is checked by a panel of 3, or after a panel by 15, 31,
//!    63, the bond doubling. The bond comes back when the panel agrees, and otherwise pays for the checks. Where the fund was too low, it
//!    paid for them in advance, and gets that back too, as far as the fund reaches by then.
//! 8. A secret report is a commitment with a bond, revealed later as a challenge. When it proves a fault, the reporter is not
//!    punished for a part in it and gets half of what those lose who passed it.
//! 9. Then the ruling is settled, for the provider and gateway and for each auditor. A proven fault costs 50 times the
//!    provider's share (as the gateway states it, and at least the mean of the batch; all that the batch paid to providers where
//!    the gateway lied about the receipt or hid it), and at least the part of the stake that is three times the fault rate of the
//!    cluster's other audits; tranches first ([`crate::escrow`]). The consumer gets back what the gateway has not given back
//!    already, the finder is rewarded. A pass is good evidence, and covers what became liquid for the receipts that it stands
//!    for: one over the rate, and over the part that is not planted.
//! 10. When more than a tenth of an epoch's rulings (20 at least) are faults, slashing pauses for 24 epochs. The first ruling of
//!     an audit counts and one fault of a cluster in an epoch, so nobody pauses it with faults of its own. What is pending
//!     stays pending and held, and no money moves because of it.
//!
//! Fees are fixed and never depend on what others say. Evidence about auditors comes from planted faults and panels only. A
//! part is liquid by reputation and within half the bond; the rest unlocks like a builder's.
//!
//! Absent: the checks themselves (anyone can run them: `receipt`, `inference`, `attribution`), how material reaches an
//! auditor, and how anyone finds that two accounts belong together.

mod batches;
mod challenges;
mod draw;
#[cfg(test)]
pub(crate) mod fixtures;
mod key;
mod openings;
mod penalty;
mod register;
mod rulings;
mod seats;
mod seeds;
mod settle;
mod tally;
#[cfg(test)]
pub(crate) mod tests;
mod verdicts;

use openledger_types::{AccountId, AuditAction};

use crate::execute::Transition;
use crate::state::{Applied, StateKey};

pub(crate) use batches::{keys_of_batch, note};
pub use draw::{
    AuditorDraw, audit_fee, audit_rate, checks_max, drawn_auditors, drawn_receipts, is_planted, is_repeated,
    stands_for,
};
pub use key::{AuditKey, AuditsRecord};
pub(crate) use register::drop_auditor;

pub(crate) fn keys(sender: AccountId, action: &AuditAction) -> Vec<StateKey> {
    match action {
        AuditAction::RegisterAuditor { .. } => register::keys(sender),
        AuditAction::CommitSeed { .. } => seeds::keys_of_commit(sender),
        AuditAction::DrawAudits { gateway, batch, beacon } => {
            batches::keys_of_draw(*gateway, *batch, *beacon)
        }
        AuditAction::OpenReceipt { batch, receipt, opening, .. } => {
            openings::keys_of_open(sender, *batch, *receipt, opening)
        }
        AuditAction::CloseOpening { gateway, batch } => openings::keys_of_close(*gateway, *batch),
        AuditAction::CommitVerdict { audit, .. } => verdicts::keys_of_commit(sender, *audit),
        AuditAction::RevealVerdict { audit, .. } => verdicts::keys_of_reveal(sender, *audit),
        AuditAction::RevealSeed { epoch, .. } => seeds::keys_of_reveal(sender, *epoch),
        AuditAction::CloseSeed { gateway, epoch } => seeds::keys_of_close(*gateway, *epoch),
        AuditAction::AdvanceAudit { audit, beacon } => rulings::keys(*audit, *beacon),
        AuditAction::ChallengeAudit { audit, .. } => challenges::keys_of_challenge(*audit),
        AuditAction::ReportSecretly { commitment } | AuditAction::WithdrawReport { commitment } => {
            challenges::keys_of_report(sender, *commitment)
        }
        AuditAction::RevealReport { audit, claim, salt } => {
            let commitment = openledger_types::audits::report_commitment(&sender, audit, claim, salt);
            let report = challenges::keys_of_report(sender, commitment);
            report.into_iter().chain(challenges::keys_of_challenge(*audit)).collect()
        }
        AuditAction::SettleSubject { audit, provider, consumer } => {
            settle::keys(*audit, *provider, *consumer)
        }
        AuditAction::SettleSeat { audit, auditor } => seats::keys(*audit, *auditor),
    }
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &AuditAction) -> Applied {
    match action {
        AuditAction::RegisterAuditor { endpoint } => register::register(transition, endpoint),
        AuditAction::CommitSeed { commitment } => seeds::commit(transition, *commitment),
        AuditAction::DrawAudits { gateway, batch, beacon } => {
            batches::draw_audits(transition, *gateway, *batch, *beacon)
        }
        AuditAction::OpenReceipt { batch, receipt, opening, path } => {
            openings::open(transition, *batch, *receipt, opening, path)
        }
        AuditAction::CloseOpening { gateway, batch } => openings::close_opening(transition, *gateway, *batch),
        AuditAction::CommitVerdict { audit, commitment } => verdicts::commit(transition, *audit, *commitment),
        AuditAction::RevealVerdict { audit, verdict, salt } => {
            verdicts::reveal(transition, *audit, *verdict, salt)
        }
        AuditAction::RevealSeed { epoch, seed } => seeds::reveal(transition, *epoch, *seed),
        AuditAction::CloseSeed { gateway, epoch } => seeds::close(transition, *gateway, *epoch),
        AuditAction::AdvanceAudit { audit, beacon } => rulings::advance(transition, *audit, *beacon),
        AuditAction::ChallengeAudit { audit, claim } => challenges::challenge(transition, *audit, *claim),
        AuditAction::ReportSecretly { commitment } => challenges::report(transition, *commitment),
        AuditAction::RevealReport { audit, claim, salt } => {
            challenges::reveal(transition, *audit, *claim, salt)
        }
        AuditAction::WithdrawReport { commitment } => challenges::withdraw(transition, *commitment),
        AuditAction::SettleSubject { audit, provider, consumer } => {
            settle::subject(transition, *audit, *provider, *consumer)
        }
        AuditAction::SettleSeat { audit, auditor } => seats::settle(transition, *audit, *auditor),
    }
}
