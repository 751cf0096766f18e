//! Escrow: what part of a payout is liquid at once, and how the rest unlocks.
//!
//! Rule (mechanism notes, section 2 step 5; design, section 6 points 4 and 6):
//! - Wanted liquid now: `amount * (lo + (hi - lo) * R)`, by role, with the reputation `R` in [0, 1): for serving, for
//!   routing, or for data of the datanet.
//! - Core rule: value not yet verified is never liquid beyond slashable collateral. Providers and gateways: liquid
//!   payouts that no audit has covered (their exposure) stay at or below half the collateral value of stake or bond.
//!   Builders likewise, by a bond that they may post: without one everything waits in tranches. The strict reading was
//!   chosen: a liquid part without collateral is what the core rule forbids, whatever the range of the role says.
//! - Collateral value = stake in whole OPEN * `collateral_per_open`: a governed haircut, never a market price.
//! - The rest goes into the tranche of (account, role, epoch): nothing before the cliff, then linear:
//!   `unlocked = floor(E * min(max(t - t0 - cliff, 0), V) / V)`, in whole epochs; with `V = 0` all at the cliff.
//!   claimed <= unlocked <= tranche, always.
//! - Data earns nothing liquid before its contribution is mature, and its clock stands still until then: the money is
//!   held per contribution and owner, apart from tranches, so a claim cannot reach it. Mature data was verified by
//!   hidden evaluations, so its liquid part needs no collateral.
//! - Router fees are liquid and unlock like a provider's payouts; the gateway earns them with the same kind of bonded service.
//!
//! - Fault (section 2 step 6): the penalty is taken from what an immature contribution at fault holds, then from the open
//!   tranches of the role, oldest first and in each what would unlock last, then from OPEN that is being unbonded, oldest
//!   first, then from stake or bond at its collateral value. Of what was taken the consumer gets back at most what it
//!   paid; the reporter at most a quarter of the rest and at most 20 times the cost of its check; half of what is left goes
//!   to the insurance and half is burned, or goes to those whose work was copied. Nobody of the subject's cluster gets
//!   anything back. Credits pay first and OPEN pays what they leave, at its collateral value; slashed OPEN that insures
//!   waits in a pool of its own. Exposure falls to what the remaining collateral secures: what was taken has paid for it.
//! - Hold (section 4, "only the escrowed tranche waits"): from the opening of an audit until it is settled nothing leaves the
//!   tranche of the epoch in which the receipt was paid, by claim, advance, refund or leaving; OPEN unbonded in that epoch or
//!   later is not released; and whoever leaves keeps at stake what the faults would cost. Provider, gateway and auditors
//!   are held alike. While a ruling says a fault, everything in the role waits. Until receipts of an epoch can no longer be
//!   drawn and opened in time, the cliff holds what provider and gateway earned in it, so the provider's cliff is never
//!   shorter than that; none of it is sold or refunded from, and who leaves leaves the whole stake or bond behind.
//! - A provider whose stake is below the least is paid as always, because the consumer has the answer; but what it earns waits as
//!   long as stake that is taken back, because nothing else answers for it; at most as long as a fault finds its tranche.
//! - Which tranches and unbondings are open is a set of at most 256 epochs beside them.
//!
//! Absent: who proves a fault (audits do).

mod apply;
mod exposure;
#[cfg(test)]
pub(crate) mod fixtures;
mod forfeit;
mod hold;
pub(crate) mod index;
mod key;
mod liquidity;
#[cfg(test)]
mod tests;
mod tranches;
mod waterfall;

pub(crate) use apply::{claim, hold_immature, keys, keys_of_lock, lock};
pub(crate) use exposure::{cover, expose};
pub(crate) use forfeit::{Loss, forfeit, keys as keys_of_forfeit, keys_of_held, open_worth, unbonding};
pub(crate) use hold::{
    accuse, at_risk, awaits_draw, due, hold, is_bound, is_held, key_of_hold, lift, undrawn,
};
pub use key::{EscrowKey, EscrowRecord};
pub use liquidity::{collateral, liquid_part, remaining, room, unlocked};
pub(crate) use tranches::{begin, earn, give_up, put as put_tranche};
