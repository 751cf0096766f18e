//! Models: base models and adapters with their lineage.
//!
//! Rule (design, section 6 step 1: "the builder share follows the lineage by registered royalties, bounded in depth
//! and width"): a model names royalties, each a part of the builder share. What is left goes down the lineage: to the
//! parent's lines in proportion to their shares, or, without a parent, to the builder. Shares of the parent's lines are
//! floored to basis points and what flooring leaves goes to the parent's first line. An account that appears twice is
//! one line, at its first place. The resolved lineage sums to exactly 10,000 basis points, has at most 16 lines, and
//! at most 8 models stand on top of each other. It is resolved at registration, so a parent cannot change it later.
//! Absent: the weights, evaluations, and transfer of royalties.

mod apply;
#[cfg(test)]
mod tests;

pub(crate) use apply::{keys, register};
