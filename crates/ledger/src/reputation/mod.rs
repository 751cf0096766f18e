//! Reputation: what audited work says about a subject in a domain.
//!
//! Rule (mechanism notes, section 3; design, section 6). Evidence comes from audits, gold tasks, planted faults,
//! canaries and holdouts, never from ratings, votes or volume.
//! - Evidence is a Beta distribution: `alpha = 1 + L+ (alpha - 1) + sum w ok` and
//!   `beta = 4 + L- (beta - 4) + 5 sum w bad` per epoch. Good evidence halves in 60 epochs and bad evidence in 180, both
//!   towards the low prior (1, 4). At an epoch's turn `N = alpha + beta` is scaled down to 205.
//! - `R = clamp(mu - 1.2816 sigma, 0, 1)` with `mu = alpha / N` and `sigma^2 = mu (1 - mu) / (min(N, 205) + 1)`: the lower
//!   end of a one-sided interval of 90 %, in 1/2^32. A new identity has 0. R rises by at most .05 per epoch and falls at
//!   once.
//! - A unit of evidence weighs `w = min(1, fee / 0.1 C) * type * (1 - share) * 10 / (10 + v)`. `share` is the part of
//!   what the counterparty's cluster has had audited in the domain that went to the subject's cluster, before this
//!   epoch; at least .25 remains, and a counterparty without a past has a share of one. `v` is what it has given the
//!   subject before. Both are forgotten by half in 60 epochs, which weighs the past like a window of 87 epochs. Within
//!   an epoch good evidence is discounted as it accumulates: `(10 + v')^2 = (10 + v)^2 + 20 x` for `x` units at once, the
//!   continuous form of the same discount. So neither the order of evidence nor its division into pieces changes what it
//!   weighs. Good evidence by an account of the subject's own cluster weighs nothing; bad evidence always counts.
//! - A proven fraud sets alpha to 1 and beta to 54, nothing else counts in that epoch, and the mark on the cluster weighs
//!   like 50 of beta on every linked account in every domain, halving like bad evidence.
//! - Nothing is computed for epochs in which nothing happened: a record is decayed when it is read, by a loop over the
//!   bits of the elapsed time.
//!
//! What is read is in at most two rounds of loading when the action names the subject and the counterparty: their
//! clusters first, then what is remembered about the clusters.
//!
//! Absent: who gives evidence (audits and evaluations do), and routing, which reads the same numbers.

mod apply;
mod arithmetic;
#[cfg(test)]
pub(crate) mod fixtures;
mod key;
mod marks;
#[cfg(test)]
mod tests;

pub(crate) use apply::{Evidence, alone, keys, keys_alone, keys_found, keys_of_pair, of, record, units};
#[cfg(test)]
pub(crate) use arithmetic::turned;
pub use arithmetic::{current, weight};
pub use key::{ReputationKey, ReputationRecord};
pub(crate) use marks::{carry_mark, hand_on_mark, key_of_mark, mark_fraud};
