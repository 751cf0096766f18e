//! Datanets: who contributed what, under which licence, and which versions were sealed.
//!
//! Rule (design, sections 4 and 6; mechanism notes, section 2 step 3): the creator is the curator and commits
//! contributions by content hash, in an order that never changes. Contributions with equal normalised text form one
//! cluster; the earliest owns it and only the owner is ever paid, so repeating a text earns nothing. That stays true
//! when the owner is revoked: a withdrawn text cannot come back as a copy of itself. Owners have whole parts; each
//! payment is floored per owner and the first owner gets what flooring leaves. A revoked contribution is paid nothing
//! from the next block on. A snapshot seals a version by its roots and the hash of the policy in force; versions count up
//! without gaps.
//!
//! Policy (mechanism notes, section 2 step 3): licences, who may contribute, which provenance, a quality bar, a bond, and a
//! part of what contributions earn for the curator and for the datanet's treasury. All within the network's bounds; a change
//! comes into force after a delay, raises a share by a small step at most, and never touches what was committed before:
//! curator and treasury are owners of a contribution from its acceptance, by parts that never change. So they earn, wait for
//! maturity and unlock like authors, and settlement and receipts divide by one rule. Whoever curated at the acceptance keeps
//! the share; curatorship passes by offer and acceptance. The treasury is an account without a key
//! ([`openledger_types::datanets::treasury_account`]).
//!
//! Provenance (`h` in the mechanism notes): attribution mass counts in full for verified human text, less for unverified and
//! declared synthetic text. The factor is fixed at the acceptance. The curator says what imports are and answers for it.
//!
//! Absent: the texts (they are in the snapshots outside), near-duplicates beyond equal normalised text, quality and
//! maturity.

mod actions;
mod apply;
#[cfg(test)]
pub(crate) mod fixtures;
mod key;
mod rules;
#[cfg(test)]
mod tests;

pub(crate) use actions::{apply, keys};
pub(crate) use apply::{
    contribute, create, keys_of_contribute, keys_of_contribution, keys_of_datanet, revoke, seal,
};
pub use key::{DatanetKey, DatanetsRecord};
