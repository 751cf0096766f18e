//! Escrow: what part of a payout is liquid at once, and how the rest unlocks.
//!
//! Rule (mechanism notes, section 2 step 5; design, section 6 points 4 and 6):
//! - Wanted liquid now: `amount * (lo + (hi - lo) * R)`, by role, with the reputation `R` in [0, 1): for serving, for
//!   routing, or for data of the datanet.
//! - Core rule: value not yet verified is never liquid beyond slashable collateral. Providers and gateways: liquid
//!   payouts that no audit has covered (their exposure) stay at or below half the collateral value of stake or bond.
//!   Builders: there is no builder bond yet, so their collateral is nothing and everything waits in tranches. The
//!   strict reading was chosen: a liquid part without collateral is what the core rule forbids, whatever the range of
//!   the role says.
//! - Collateral value = stake in whole OPEN * `collateral_per_open`: a governed haircut, never a market price.
//! - The rest goes into the tranche of (account, role, epoch): nothing before the cliff, then linear:
//!   `unlocked = floor(E * min(max(t - t0 - cliff, 0), V) / V)`, in whole epochs; with `V = 0` all at the cliff.
//!   claimed <= unlocked <= tranche, always.
//! - Data earns nothing liquid before its contribution is mature, and its clock stands still until then: the money is
//!   held per contribution and owner, apart from tranches, so a claim cannot reach it. Mature data was verified by
//!   hidden evaluations, so its liquid part needs no collateral.
//! - Router fees are liquid and unlock like a provider's payouts; the gateway earns them with the same kind of bonded service.
//!
//! Absent: audits that lower exposure, maturity, forfeits of tranches on a proven fault.

mod apply;
mod liquidity;
#[cfg(test)]
mod tests;

pub(crate) use apply::{claim, hold_immature, keys, lock};
pub use liquidity::{collateral, liquid_part, room, unlocked};
