//! What the tests of every step share, and the tests that cross steps.

mod economy;
mod fixtures;
mod properties;
mod rules;
mod world;

pub(crate) use world::*;
