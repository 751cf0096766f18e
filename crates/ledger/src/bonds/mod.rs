//! Bonds: the OPEN that providers and gateways have at stake, and how it comes back.
//!
//! Rule (design, section 6; mechanism notes, sections 3 and 4): stake and bond can be raised at any time. What is taken
//! back first waits for `unbonding_epochs` in a record of its own, longer than any challenge, and is still bonded in that
//! time: it can be slashed and it secures nothing new. What remains is nothing, which ends the business, or at least the
//! least stake; and the exposure (liquid payouts that no audit has covered) must stay within half the collateral of what
//! remains, so nobody pays themselves out and leaves.
//!
//! Absent: slashing, and lowering of exposure; both belong to audits. So until audits exist, whoever was paid liquid can
//! lower the stake to twice the exposure and no further.

mod apply;
#[cfg(test)]
mod tests;

pub(crate) use apply::{keys, keys_of_release, raise, release, unbond};
