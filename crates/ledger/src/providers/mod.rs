//! Providers, their offers, and the capacity that counts.
//!
//! Rule (design, sections 1 and 6; mechanism notes, sections 3, 7 and attack A8): a provider stakes OPEN and names the key that
//! countersigns its receipts. It offers models at prices per token; a new offer for the same model replaces the old one, and an
//! offer can be withdrawn. An offer may belong to a resource class of the network's table; then it asks for at most the
//! class's reference prices, and its work pays the posted premium (`markets`). Key and address can change; a key that was
//! retired stays provable, so older receipts still verify.
//!
//! Once in an epoch a provider may report, by class, what it measured that it can serve in an epoch, in uC of reference price.
//! Of that there counts at most what its stake backs (`backed_capacity` of the collateral, over all its classes together), and
//! of that at most what audited work has shown (that much times the reputation, which only audits raise) or, before, a
//! newcomer's allowance. So capacity that is not there counts for next to nothing, and earns nothing at all: awards and leases
//! are paid for capacity that counts and, of the fund, only for what is proven.
//!
//! A class keeps totals of its round (counted capacity, settled reference price) and the three clusters with the most
//! capacity. A cluster's capacity only grows within a round, so three places are enough to know the three largest. A cluster
//! keeps its own totals; older ones count as zero. No list grows with the number of providers.
//!
//! Two caps are told to whoever routes and are pure functions of records: [`exposure_room`], what may still become liquid
//! without audit, which settlement enforces; and [`traffic_room`], what a cluster may still serve of a class in its round: a
//! fifth of what the class served in the round before, or at least a newcomer's allowance, unless the class is capped because
//! too few could serve without the largest.
//!
//! Absent: choosing a provider (routing), audits, and raising or taking back the stake, which is in `bonds`.

mod apply;
mod capacity;
#[cfg(test)]
pub(crate) mod fixtures;
mod heartbeat;
mod key;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use apply::{apply, keys, keys_of_action, post_offer, register};
pub(crate) use capacity::backed;
pub use capacity::{capacity_of, exposure_room, residual_supply, traffic_room};
pub(crate) use heartbeat::{
    class_key, class_of, cluster_in, cluster_key, count_served, key_found_of_served, keys_of_served,
};
pub use key::{CapacityRecord, ProviderKey};
