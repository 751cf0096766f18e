//! Exposure: liquid payouts that nothing has verified yet, against the collateral that secures them.

use openledger_types::record::Role;
use openledger_types::{AccountId, Amount, EscrowEvent, Event, Rejection};

use crate::bonds::Bonded;
use crate::execute::Transition;
use crate::state::Applied;

/// Audits or evaluations have verified work that was paid: liquid payouts of that amount need no collateral any more.
pub(crate) fn cover(
    transition: &mut Transition<'_>,
    account: AccountId,
    role: Role,
    amount: Amount,
) -> Applied {
    let mut bonded = Bonded::read(transition, account, role)?;
    let exposure = bonded.exposure().minus(amount).unwrap_or(Amount::ZERO);
    if exposure == *bonded.exposure() {
        return Ok(());
    }
    *bonded.exposure() = exposure;
    bonded.write(transition, account);
    transition.emit(Event::Escrow(EscrowEvent::Covered { account, role, exposure }));
    Ok(())
}

/// How much of `wanted` may be liquid in this role; it counts as exposed from now on.
pub(crate) fn expose(
    transition: &mut Transition<'_>,
    account: AccountId,
    role: Role,
    wanted: Amount,
) -> Applied<Amount> {
    let mut bonded = Bonded::read(transition, account, role)?;
    let most = bonded.exposure_max(transition.parameters.collateral_per_open);
    let liquid = wanted.min(most.minus(*bonded.exposure()).unwrap_or(Amount::ZERO));
    *bonded.exposure() = bonded.exposure().plus(liquid).ok_or(Rejection::AmountOverflow)?;
    if liquid > Amount::ZERO {
        bonded.write(transition, account);
    }
    Ok(liquid)
}
