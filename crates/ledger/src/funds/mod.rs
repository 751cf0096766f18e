//! The funds: who is paid out of the pools of the network, and how fast.
//!
//! Rule (mechanism notes, sections 5 and 7; invariant I23; attacks A19 and A22).
//!
//! Maintenance is paid by measured use, never by what a project says of itself. A measurer has audited work as an auditor, a
//! bond, and counts signed telemetry. In a round it commits to a report, in the next it reveals it, so nobody copies; one
//! measurer for each cluster. Who commits and does not reveal loses the bond. A project's use is the median of what
//! the measurers that revealed counted, zero for those that do not name it, so a minority moves nothing. The round is paid when the reveals are over:
//! - budget: 70 % of the maintenance pool, in proportion to the measurers of three that revealed, at most a quarter above the
//!   last round's budget, and 5 % to begin with (the governor of section 7: payouts grow no faster than they are verified);
//! - each project gets its part by use, floored, and one cluster of recipients at most 10 % of the budget. What the cap
//!   leaves stays in the pool. What is not paid by use (30 %) stays for rounds by domain and bounties, which are grants.
//!
//! Floor: what was paid in a round against what maintenance costs in it is the coverage. While it is below one, the burn gives up
//! to 300 basis points of the reference price to maintenance: the receipt's burn is divided here, so receipts in flight stay right.
//!
//! Insurance owes what a proven fault left uncovered. A debt is made by the ledger, not asked for; it has an epoch after
//! which it is void, and one claim takes at most a tenth of the pool, so that the first do not take everything.
//!
//! Donations go into a pool and give no right. The treasury pays grants of governance alone.
//!
//! Absent: who makes a debt of the insurance (audits will, where a fault leaves a loss); checking the telemetry's signatures,
//! which is the measurers' and their auditors' work outside; the capacity fund, which is in `markets`; votes of experts in rounds by domain.

mod apply;
pub(crate) mod arithmetic;
#[cfg(test)]
pub(crate) mod fixtures;
mod insurance;
mod key;
mod maintenance;
#[cfg(test)]
mod tests;

pub(crate) use apply::{apply, keys};
pub use arithmetic::budget;
#[allow(unused_imports, reason = "audits call it when a proven fault is not covered")]
pub(crate) use insurance::owe;
pub use key::{FundsKey, FundsStateRecord};
pub(crate) use maintenance::{diverted, keys_of_settlement};
