//! Maturity: data is proven before it is money.
//!
//! Rule (mechanism notes, section 2 steps 4 and 5; design, section 6 points 3 and 4):
//! - A round of evaluations of a contribution, as one model sees it, is opened by anybody who pays the fees of as many
//!   evaluators as are drawn on average into the verification fund. The first beacon after that draws evaluators: each by a
//!   hash of the beacon, what is measured, the round and its account, so that `evaluators_per_round` of those who were
//!   registered at the opening are drawn on average. Nobody's chance changes after the opening, and whoever takes its bond back
//!   is no longer registered. They measure the uplift of the model on a hidden, rotated holdout with and without the
//!   contribution's cluster, commit within a window and reveal in the next, so none can copy another.
//! - Evaluators have a bond, were registered before the round was opened, and are of no owner's cluster. Each reveal is
//!   paid a fixed fee from the verification fund, whatever it says: agreement pays nothing. Rounds are about models that
//!   somebody pays for: the model's uplift pool holds a least amount.
//! - Bounds: mean uplift -/+ 1.2816 standard errors, in integers, rounded outwards. After at least 30 evaluations: with the
//!   lower bound above zero and no open dispute the contribution is mature, and what it holds for each owner becomes a
//!   tranche that begins in that epoch. With the upper bound below zero its quality falls by ten times as much, and it is mature
//!   no more: what it earns from then on is held until evaluations prove it again.
//! - What was held for 180 epochs without maturity goes to the uplift pool of its datanet; at once, what is held for somebody
//!   whose id an earlier commitment took over.
//! - Early liquidity: an owner may draw what is held up to the collateral value of its bond as contributor. Maturity
//!   frees the bond; a sweep takes from it what was drawn.
//! - True-up: in each epoch mature contributions are entered for a pool, by model or by datanet, with the weight of their
//!   lower bound; a contribution once, by the best of its models. From the next epoch on every entry is paid
//!   `floor(pot * weight / weights)`, by owner as the contribution's parts say, into data tranches. The pot is what the pool
//!   held when the first entry was paid in that next epoch, and nothing later; what flooring and revoked entries leave goes back.
//!
//! Absent: evidence about evaluators, whose fees and bonds are all that they answer with; holdouts, which are off the ledger;
//! and a weight by quality in each payment: receipts are recomputed from what is fixed at the acceptance, and quality is not.

mod apply;
mod arithmetic;
mod evaluators;
#[cfg(test)]
pub(crate) mod fixtures;
mod gate;
mod key;
mod register;
#[cfg(test)]
mod tests;
mod true_up;

pub(crate) use apply::{apply, keys};
pub use arithmetic::{Bounds, bounds, quality};
pub use key::{MaturityKey, MaturityRecord};
pub(crate) use register::{drop_evaluator, keys_of_evaluator};
