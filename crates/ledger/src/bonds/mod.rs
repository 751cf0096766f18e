//! Bonds: the OPEN that accounts have at stake, and how it comes back.
//!
//! Rule (design, section 6; mechanism notes, sections 3 and 4): stake and bond can be raised at any time. What is taken
//! back first waits for `unbonding_epochs` in a record of its own, longer than any challenge, and is still bonded in that
//! time: it can be slashed and it secures nothing new. It waits longer while an audit of work until then is open. What remains is nothing, which ends the business, or at least the
//! least stake; and the exposure (liquid payouts that no audit has covered) must stay within half the collateral of what
//! remains, so nobody pays themselves out and leaves.
//!
//! Auditors post a least bond before they register, and leave the register when they take all of it back; evaluators
//! leave theirs when they take so much back that the rest is below the least.
//!
//! Builders, contributors and evaluators post bonds in the same way, of any size and without registration: a builder's bond
//! secures liquid royalties, a contributor's secures money drawn before maturity, an evaluator's secures its verdicts.
//!
//! Absent: slashing and exposure; those are rules of `escrow`.

mod apply;
mod bonded;
#[cfg(test)]
mod tests;

pub(crate) use apply::{keys, keys_of_release, raise, release, unbond};
pub(crate) use bonded::{Bonded, key};
