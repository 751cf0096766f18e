//! Datanets: who contributed what, under which licence, and which versions were sealed.
//!
//! Rule (design, sections 4 and 6; mechanism notes, section 2 step 3): the creator is the curator and commits
//! contributions by content hash, in an order that never changes. Contributions with equal normalised text form one
//! cluster; the earliest owns it and only the owner is ever paid, so repeating a text earns nothing. That stays true
//! when the owner is revoked: a withdrawn text cannot come back as a copy of itself. Owners have whole parts; each
//! payment is floored per owner and the first owner gets what flooring leaves. A revoked contribution is paid nothing
//! from the next block on. A snapshot seals a version by its roots; versions count up without gaps.
//! Absent: the texts (they are in the snapshots outside), near-duplicates beyond equal normalised text, quality and
//! maturity.

mod apply;
#[cfg(test)]
mod tests;

pub(crate) use apply::{
    contribute, create, keys_of_contribute, keys_of_contribution, keys_of_datanet, revoke, seal,
};
