//! The funds: who is paid out of the pools of the network, and how fast.
//!
//! Rule (mechanism notes, sections 5 and 7; invariant I23; attacks A19 and A22).
//!
//! Maintenance is paid by measured use, never by what a project says of itself. A measurer has audited work as an auditor, a
//! bond, and counts signed telemetry. In a round it commits to a report, in the next it reveals it, so nobody copies; one
//! measurer for each cluster, as clusters were in the whole round. Who commits and does not reveal loses the bond, and without one nothing is revealed. A project's use
//! is the median of what the measurers that revealed counted, zero for those that do not name it, so a minority moves nothing; each
//! report is kept for itself until then, so it shuts out no other. Rounds are paid in order, when their reveals are over, and
//! nobody reports on a third round before the first is paid:
//! - budget: 70 % of the maintenance pool, in proportion to the measurers of three that revealed, at most a quarter above the
//!   last budget that was not zero, and 5 % to begin with (the governor of section 7: payouts grow no faster than they are verified);
//! - each project gets its part by use, floored, and one cluster of recipients at most 10 % of the budget. What the cap
//!   leaves stays in the pool. What is not paid by use (30 %) stays for rounds by domain and bounties, which are grants.
//!
//! Floor: what was paid in a round against what maintenance costs in it is the coverage. While it is below one, the burn gives up
//! to 300 basis points of the reference price to maintenance: the receipt's burn is divided here, so receipts in flight stay right.
//!
//! Insurance owes a consumer what a fault left uncovered when everything that the subject had at stake and in escrow was taken, and
//! at most the part of the price that nobody was paid (verification, maintenance, insurance and burn, a fifth of it): whoever is
//! buyer, provider and builder in one gets back no more than it gave away. Of an audited receipt that is a part of its batch's mean
//! price, so that all receipts of a batch insure no more than the batch was paid, whatever is said of each. A debt is made by the ledger, not asked for; it has an
//! epoch after which it is void, and one claim takes at most a tenth of the pool, so that the first do not take everything. Taking
//! what is owed cannot be paused.
//!
//! Donations go into a pool and give no right. The treasury pays grants of governance alone.
//!
//! Absent: checking the telemetry's signatures, which is the measurers' and their auditors' work outside; the capacity fund, which is in `markets`; votes of experts in rounds by domain.

mod apply;
pub(crate) mod arithmetic;
mod counting;
#[cfg(test)]
pub(crate) mod fixtures;
mod insurance;
mod key;
mod maintenance;
#[cfg(test)]
mod tests;

pub(crate) use apply::{apply, keys};
pub use arithmetic::budget;
pub(crate) use insurance::{key_of_owing, owe};
pub use key::{FundsKey, FundsStateRecord};
pub(crate) use maintenance::{diverted, keys_of_settlement};
