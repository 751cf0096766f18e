//! The seeds of planted faults: committed before the draw, revealed after the verdicts.

use openledger_types::audits::{SeedRecord, seed_commitment};
use openledger_types::record::Role;
use openledger_types::{AccountId, AuditEvent, Event, Hash, Rejection};

use super::{AuditKey, penalty};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

pub(super) fn keys_of_commit(gateway: AccountId) -> Vec<StateKey> {
    vec![StateKey::Gateway(gateway)]
}

/// Fixes the seed of this epoch's batches.
pub(super) fn commit(transition: &mut Transition<'_>, commitment: Hash) -> Applied {
    let (gateway, epoch) = (transition.sender, transition.epoch());
    transition.view.gateway(gateway)?;
    let key = AuditKey::Seed(gateway, epoch).state();
    if transition.view.get::<SeedRecord>(&key)?.is_some() {
        return Err(Rejection::SeedCommitted.into());
    }
    transition.view.put(&key, &SeedRecord { commitment, seed: None, due: None, closed: false });
    transition.emit(Event::Audits(AuditEvent::SeedCommitted { gateway, epoch, commitment }));
    Ok(())
}

pub(super) fn keys_of_reveal(gateway: AccountId, epoch: u64) -> Vec<StateKey> {
    vec![AuditKey::Seed(gateway, epoch).state()]
}

fn unrevealed(transition: &mut Transition<'_>, gateway: AccountId, epoch: u64) -> Applied<SeedRecord> {
    let seed: Option<SeedRecord> = transition.view.get(&AuditKey::Seed(gateway, epoch).state())?;
    let seed = seed.filter(|seed| seed.seed.is_none() && !seed.closed);
    Ok(seed.ok_or(Rejection::SeedUnknown)?)
}

/// Reveals the seed, when no verdict on an audit of that epoch can change any more.
pub(super) fn reveal(transition: &mut Transition<'_>, epoch: u64, seed: Hash) -> Applied {
    let (gateway, now) = (transition.sender, transition.epoch());
    let record = unrevealed(transition, gateway, epoch)?;
    let (after, by) = record.due.ok_or(Rejection::SeedEarly)?;
    if now <= after {
        return Err(Rejection::SeedEarly.into());
    }
    if now > by {
        return Err(Rejection::SeedLate.into());
    }
    if seed_commitment(&gateway, epoch, &seed) != record.commitment {
        return Err(Rejection::SeedWrong.into());
    }
    let key = AuditKey::Seed(gateway, epoch).state();
    transition.view.put(&key, &SeedRecord { seed: Some(seed), ..record });
    transition.emit(Event::Audits(AuditEvent::SeedRevealed { gateway, epoch, seed }));
    Ok(())
}

pub(super) fn keys_of_close(gateway: AccountId, epoch: u64) -> Vec<StateKey> {
    let mut keys = penalty::keys(gateway, Role::Gateway);
    keys.push(AuditKey::Seed(gateway, epoch).state());
    keys
}

/// Whoever keeps its seed back could hide which faults were planted: it pays what an auditor pays for passing a fault, at the
/// highest fee.
pub(super) fn close(transition: &mut Transition<'_>, gateway: AccountId, epoch: u64) -> Applied {
    let record = unrevealed(transition, gateway, epoch)?;
    let (_, by) = record.due.ok_or(Rejection::SeedEarly)?;
    if transition.epoch() <= by {
        return Err(Rejection::SeedEarly.into());
    }
    let key = AuditKey::Seed(gateway, epoch).state();
    transition.view.put(&key, &SeedRecord { closed: true, ..record });
    let slash = penalty::check(transition, transition.parameters.audits.fee_max);
    penalty::withheld(transition, gateway, slash)?;
    transition.emit(Event::Audits(AuditEvent::SeedWithheld { gateway, epoch }));
    Ok(())
}
