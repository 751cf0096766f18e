//! The invariants of the mechanism notes, section 10, as named tests. [`super::invariants`] is the table of them.
//!
//! Most look at every action of a long random history ([`super::history`]); the arithmetic ones look at chosen extremes
//! and at many random splits. Each head says what it checks and what it does not.

mod audits;
mod exits;
mod extremes;
mod faults;
mod flow;
mod houses;
mod liquidity;
mod money;
mod neutrality;
mod pauses;
mod prices;
mod rates;
mod reputation;
mod selfdeal;
mod upkeep;

pub(crate) use audits::*;
pub(crate) use exits::*;
pub(crate) use extremes::*;
pub(crate) use faults::*;
pub(crate) use flow::*;
pub(crate) use houses::*;
pub(crate) use liquidity::*;
pub(crate) use money::*;
pub(crate) use neutrality::*;
pub(crate) use pauses::*;
pub(crate) use prices::*;
pub(crate) use rates::*;
pub(crate) use reputation::*;
pub(crate) use selfdeal::*;
pub(crate) use upkeep::*;
