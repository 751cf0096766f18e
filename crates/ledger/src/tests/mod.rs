//! What the tests of every step share, and the tests that cross steps.

mod economy;
mod fixtures;
mod genesis_file;
pub(crate) mod history;
mod invariants;
mod model;
mod proofs;
mod rules;
mod world;

pub(crate) use world::*;
