//! Invoice advances: locked tranches are sold to a pool that waits for them.
//!
//! Rule (mechanism notes, section 6; design, section 6): anybody funds the pool with credits and gets shares of it; the
//! value of the pool is what it has in hand and what it paid for tranches that are not repaid yet. So a gain counts when it
//! is made, and nobody buys shares just before it. Only whole shares are bought, and what a part of one would cost stays with the
//! buyer, so whoever makes shares dear gains nothing by what others put in. Shares are redeemed at that value, as far as there is credit in hand.
//!
//! The owner of a tranche sells a part of what it will unlock, at most 80 %, at a discount between 30 % at reputation 0 and
//! 2 % at reputation 1 in the role's domain; contributors, whose domain is a datanet's, sell at the highest discount. What
//! unlocks repays the pool first, when the owner claims or when anybody collects. What is held by an audit is not sold, and what
//! providers and gateways earned in an epoch not until its receipts can no longer be drawn and opened.
//!
//! The pool keeps the risk of faults: what a fault takes of a sold tranche is lost for the pool, and its value falls at once.
//! A pool that has lost everything begins anew with the next money: shares of an earlier generation are worth nothing, and have
//! no part in what came after their loss.
//!
//! Absent: loans against anything but tranches, and guarantees.

mod apply;
#[cfg(test)]
pub(crate) mod fixtures;
mod key;
mod pool;
#[cfg(test)]
mod tests;

pub(crate) use apply::{apply, keys};
pub use key::{AdvanceKey, AdvanceRecord};
pub(crate) use pool::{repay, write_off};
