//! Providers and their offers.
//!
//! Rule (design, sections 1 and 6): a provider stakes OPEN and names the key that countersigns its receipts. It offers
//! models at prices per token; a new offer for the same model replaces the old one. Its reputation starts at 0 and
//! comes from audited evidence only; its exposure (liquid payouts that no audit has covered) starts at 0.
//! Absent: choosing a provider (routing), audits, and raising or taking back the stake, which is in `bonds`.

mod apply;
#[cfg(test)]
mod tests;

pub(crate) use apply::{keys, post_offer, register};
