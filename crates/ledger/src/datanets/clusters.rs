//! Who owns a cluster: the earliest commitment. Reveals claim, acceptances take over, rejections vacate.

use openledger_types::datanets::DatanetEvent;
use openledger_types::record::ClusterRecord;
use openledger_types::{ContributionId, Hash, Name, Rejection};

use super::rules::emit;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// A cluster whose owner was rejected: whoever committed the text at any time may take it.
const VACANT: u64 = u64::MAX;

fn key(datanet: &Name, cluster: Hash) -> StateKey {
    StateKey::Cluster(datanet.clone(), cluster)
}

/// At the reveal: a cluster that nobody owns is claimed, so that nobody who sees the text can own it first. One that
/// somebody owns waits for the acceptance.
pub(super) fn claim(
    transition: &mut Transition<'_>,
    datanet: &Name,
    cluster: Hash,
    id: ContributionId,
    height: u64,
) -> Applied {
    let existing = transition.view.cluster(datanet, cluster)?;
    if existing.as_ref().is_none_or(|existing| existing.since == VACANT) {
        let copies = existing.map_or(0, |existing| existing.copies);
        transition.view.put(&key(datanet, cluster), &ClusterRecord { owner: id, copies, since: height });
    }
    Ok(())
}

/// At the acceptance: the earliest commitment owns it, and everybody else is a copy. Returns whether this one owns it.
pub(super) fn join(
    transition: &mut Transition<'_>,
    datanet: &Name,
    cluster: Hash,
    id: ContributionId,
    height: u64,
) -> Applied<bool> {
    let existing = transition.view.cluster(datanet, cluster)?;
    let (owns, record) = match existing {
        None => (true, ClusterRecord { owner: id, copies: 0, since: height }),
        Some(held) if held.owner == id && held.since != VACANT => {
            (true, ClusterRecord { since: held.since.min(height), ..held })
        }
        Some(held) => {
            let copies = held.copies.saturating_add(1);
            if height < held.since {
                (true, ClusterRecord { owner: id, copies, since: height })
            } else {
                (false, ClusterRecord { copies, ..held })
            }
        }
    };
    transition.view.put(&key(datanet, cluster), &record);
    Ok(owns)
}

/// After a rejection: the text is free again, for its copies too.
pub(super) fn vacate(
    transition: &mut Transition<'_>,
    datanet: &Name,
    cluster: Hash,
    id: ContributionId,
) -> Applied {
    let held = transition.view.cluster(datanet, cluster)?;
    if let Some(held) = held.filter(|held| held.owner == id) {
        transition.view.put(&key(datanet, cluster), &ClusterRecord { since: VACANT, ..held });
    }
    Ok(())
}

/// A contribution in force takes a cluster whose owner was rejected or came later. Anybody may ask for it.
pub(super) fn take(transition: &mut Transition<'_>, datanet: &Name, id: ContributionId) -> Applied {
    let contribution = transition.view.contribution(datanet, id)?;
    if contribution.revoked_at.is_some() {
        return Err(Rejection::ContributionRevoked.into());
    }
    let held = transition.view.cluster(datanet, contribution.cluster)?;
    let held = held.expect("every committed contribution has a cluster");
    if held.owner == id || contribution.height >= held.since {
        return Err(Rejection::ClusterOwned.into());
    }
    let record = ClusterRecord { owner: id, since: contribution.height, ..held };
    transition.view.put(&key(datanet, contribution.cluster), &record);
    let (datanet, cluster) = (datanet.clone(), contribution.cluster);
    emit(transition, DatanetEvent::ClusterTaken { datanet, cluster, owner: id });
    Ok(())
}
