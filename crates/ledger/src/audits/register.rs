//! The register of auditors.

use openledger_types::audits::{AuditorRecord, PanelEntry, PanelRecord};
use openledger_types::record::Role;
use openledger_types::{AccountId, AuditEvent, Domain, Event, Rejection, limits};

use super::AuditKey;
use crate::accounts::{cluster_of, key_of_cluster};
use crate::bonds::{self, Bonded};
use crate::execute::{Transition, check_text};
use crate::reputation;
use crate::state::{Applied, StateKey};

pub(super) fn keys(auditor: AccountId) -> Vec<StateKey> {
    let mut keys = reputation::keys(auditor, &Domain::Auditing);
    keys.extend([
        AuditKey::Panel.state(),
        AuditKey::Auditor(auditor).state(),
        bonds::key(auditor, Role::Auditor),
        key_of_cluster(auditor),
    ]);
    keys
}

/// Enters the register. The reputation of an earlier time counts.
pub(super) fn register(transition: &mut Transition<'_>, endpoint: &str) -> Applied {
    check_text(endpoint)?;
    let auditor = transition.sender;
    let mut panel = panel(transition)?;
    let Err(place) = place(&panel, auditor) else {
        return Err(Rejection::AuditorRegistered.into());
    };
    if *Bonded::read(transition, auditor, Role::Auditor)?.amount() < transition.parameters.audits.bond_min {
        return Err(Rejection::AuditorBondTooLow.into());
    }
    if panel.entries.len() >= limits::AUDITORS_MAX {
        return Err(Rejection::AuditorsFull.into());
    }
    let entry = PanelEntry {
        auditor,
        cluster: cluster_of(transition, auditor)?,
        since: transition.epoch(),
        reputation: reputation::of(transition, auditor, &Domain::Auditing)?,
        silences: 0,
    };
    panel.entries.insert(place, entry);
    transition.view.put(&AuditKey::Panel.state(), &panel);
    let endpoint = endpoint.to_owned();
    transition.view.put(&AuditKey::Auditor(auditor).state(), &AuditorRecord { endpoint: endpoint.clone() });
    transition.emit(Event::Audits(AuditEvent::AuditorRegistered { auditor, endpoint }));
    Ok(())
}

pub(super) fn panel(transition: &mut Transition<'_>) -> Applied<PanelRecord> {
    Ok(transition.view.get(&AuditKey::Panel.state())?.unwrap_or_default())
}

fn place(panel: &PanelRecord, auditor: AccountId) -> Result<usize, usize> {
    panel.entries.binary_search_by_key(&auditor, |entry| entry.auditor)
}

/// Takes an auditor out of the register; it is in it or not.
pub(crate) fn drop_auditor(transition: &mut Transition<'_>, auditor: AccountId) -> Applied {
    let mut panel = panel(transition)?;
    if let Ok(place) = place(&panel, auditor) {
        panel.entries.remove(place);
        transition.view.put(&AuditKey::Panel.state(), &panel);
        transition.emit(Event::Audits(AuditEvent::AuditorDropped { auditor }));
    }
    Ok(())
}

/// Writes what is known about a registered auditor by now, and whether it just said something. Who is silent too often or
/// has too little at stake is no longer drawn.
pub(super) fn refresh(transition: &mut Transition<'_>, auditor: AccountId, silent: bool) -> Applied {
    let mut panel = panel(transition)?;
    let Some(entry) = place(&panel, auditor).ok().and_then(|place| panel.entries.get_mut(place)) else {
        return Ok(());
    };
    entry.cluster = cluster_of(transition, auditor)?;
    entry.reputation = reputation::of(transition, auditor, &Domain::Auditing)?;
    entry.silences = if silent { entry.silences.saturating_add(1) } else { 0 };
    let silences = u64::from(entry.silences);
    let parameters = transition.parameters.audits;
    let bond = *Bonded::read(transition, auditor, Role::Auditor)?.amount();
    if silences >= parameters.silences_max || bond < parameters.bond_min {
        return drop_auditor(transition, auditor);
    }
    transition.view.put(&AuditKey::Panel.state(), &panel);
    Ok(())
}
