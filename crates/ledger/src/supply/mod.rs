//! Where all money is.
//!
//! Rule (invariants I1 and I2 of the mechanism notes): after every transition, credits deposited - withdrawn - burned
//! = credits in balances, channels, escrow, pools and custody; OPEN issued - burned = OPEN in balances, bonded, in pools and
//! in custody (records of steps: jobs, deposits, treasuries, auctions). Only a deposit creates and only a burn or withdrawal
//! destroys; no payout, rating, vote or rank can mint. Each primitive that changes a record also changes its part of
//! [`SupplyRecord`], and a transition that would end unbalanced stops the node, because it is a mistake of this crate and of
//! nobody else. Steps move money by [`shift`] alone: one double-entry event for each movement.
//! Absent: prices; OPEN has no rate against credits here, only the governed collateral haircut.

mod conservation;
mod shift;

use openledger_types::record::SupplyRecord;
use openledger_types::{Amount, Asset, Rejection};

use crate::state::Applied;

pub use conservation::{ConservationError, check_conservation};
#[cfg(test)]
pub(crate) use conservation::{Held, PLACES};
pub(crate) use shift::shift;

/// A place where money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Balances(Asset),
    Channels,
    Escrow,
    Pools(Asset),
    Bonded,
    Custody(Asset),
}

fn part(supply: &mut SupplyRecord, part: Part) -> &mut Amount {
    match part {
        Part::Balances(Asset::Credit) => &mut supply.credits_in_balances,
        Part::Balances(Asset::Open) => &mut supply.open_in_balances,
        Part::Channels => &mut supply.credits_in_channels,
        Part::Escrow => &mut supply.credits_in_escrow,
        Part::Pools(Asset::Credit) => &mut supply.credits_in_pools,
        Part::Pools(Asset::Open) => &mut supply.open_in_pools,
        Part::Bonded => &mut supply.open_bonded,
        Part::Custody(Asset::Credit) => &mut supply.credits_in_custody,
        Part::Custody(Asset::Open) => &mut supply.open_in_custody,
    }
}

/// An amount came into a place.
pub(crate) fn enter(supply: &mut SupplyRecord, place: Part, amount: Amount) -> Applied {
    let held = part(supply, place);
    *held = held.plus(amount).ok_or(Rejection::AmountOverflow)?;
    Ok(())
}

/// An amount left a place.
pub(crate) fn leave(supply: &mut SupplyRecord, place: Part, amount: Amount) {
    let held = part(supply, place);
    *held = held.minus(amount).expect("a place holds at least what each of its records holds");
}

/// An amount came into existence.
pub(crate) fn deposit(supply: &mut SupplyRecord, asset: Asset, amount: Amount) -> Applied {
    let created = match asset {
        Asset::Credit => &mut supply.credits_deposited,
        Asset::Open => &mut supply.open_issued,
    };
    *created = created.plus(amount).ok_or(Rejection::AmountOverflow)?;
    Ok(())
}

/// Credits left the network through its bridge.
pub(crate) fn withdraw(supply: &mut SupplyRecord, amount: Amount) -> Applied {
    supply.credits_withdrawn = supply.credits_withdrawn.plus(amount).ok_or(Rejection::AmountOverflow)?;
    Ok(())
}

/// An amount ceased to exist.
pub(crate) fn burn(supply: &mut SupplyRecord, asset: Asset, amount: Amount) -> Applied {
    let burned = match asset {
        Asset::Credit => &mut supply.credits_burned,
        Asset::Open => &mut supply.open_burned,
    };
    *burned = burned.plus(amount).ok_or(Rejection::AmountOverflow)?;
    Ok(())
}

/// Whether everything created and not destroyed is held somewhere.
pub(crate) fn is_balanced(supply: &SupplyRecord) -> bool {
    let existing = supply
        .credits_deposited
        .minus(supply.credits_withdrawn)
        .and_then(|amount| amount.minus(supply.credits_burned));
    let held = Amount::sum([
        supply.credits_in_balances,
        supply.credits_in_channels,
        supply.credits_in_escrow,
        supply.credits_in_pools,
        supply.credits_in_custody,
    ]);
    let open_existing = supply.open_issued.minus(supply.open_burned);
    let open_held = Amount::sum([
        supply.open_in_balances,
        supply.open_bonded,
        supply.open_in_pools,
        supply.open_in_custody,
    ]);
    existing.is_some() && existing == held && open_existing.is_some() && open_existing == open_held
}
