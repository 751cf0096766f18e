//! The arithmetic of liquidity: pure functions over integers, so that anyone can recompute a payout.

use openledger_types::parameters::EscrowParameters;
use openledger_types::record::TrancheRecord;
use openledger_types::{Amount, BasisPoints, UNITS_PER_WHOLE};

/// What is wanted liquid of `amount` at this reputation (in 1/2^32): the range is entered in whole basis points,
/// floored, and so is the part.
pub fn liquid_part(amount: Amount, escrow: &EscrowParameters, reputation: u32) -> Amount {
    let range = escrow.liquid_high.0.saturating_sub(escrow.liquid_low.0);
    let risen = u64::from(range).saturating_mul(u64::from(reputation)) >> 32;
    let risen = u16::try_from(risen).expect("a fraction below one of a u16 fits it");
    let share = escrow.liquid_low.0.saturating_add(risen).min(BasisPoints::WHOLE.0);
    amount.basis_points(BasisPoints(share))
}

/// What a stake or bond in OPEN counts for as collateral, in uC. A value beyond the range of amounts is its end: it
/// is only ever compared with what is charged or liquid.
pub fn collateral(bonded: Amount, collateral_per_open: Amount) -> Amount {
    bonded.fraction(collateral_per_open.0, UNITS_PER_WHOLE).unwrap_or(Amount(u64::MAX))
}

/// How much more may become liquid without audit: half the collateral less the exposure so far.
pub fn room(collateral: Amount, exposure: Amount) -> Amount {
    let half = Amount(collateral.0 >> 1);
    half.minus(exposure).unwrap_or(Amount::ZERO)
}

/// What is still in a tranche: neither claimed nor forfeited.
pub fn remaining(tranche: &TrancheRecord) -> Amount {
    let rest = tranche.amount.minus(tranche.forfeited).and_then(|left| left.minus(tranche.claimed));
    rest.expect("at most what is in a tranche is claimed or forfeited")
}

/// How much of a tranche that began in `begun` has unlocked in epoch `now`. What was forfeited would have unlocked last.
pub fn unlocked(tranche: &TrancheRecord, begun: u64, now: u64) -> Amount {
    let left = tranche.amount.minus(tranche.forfeited).expect("at most the tranche is forfeited");
    scheduled(tranche, begun, now).min(left)
}

fn scheduled(tranche: &TrancheRecord, begun: u64, now: u64) -> Amount {
    let elapsed = now.saturating_sub(begun);
    let Some(running) = elapsed.checked_sub(tranche.cliff_epochs) else {
        return Amount::ZERO;
    };
    if tranche.linear_epochs == 0 {
        return tranche.amount;
    }
    let running = running.min(tranche.linear_epochs);
    tranche.amount.fraction(running, tranche.linear_epochs).expect("a part of at most the whole fits")
}
