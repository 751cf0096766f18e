//! The transitions of datanets.

use std::collections::BTreeSet;

use openledger_types::datanets::{Policy, Promise, Provenance};
use openledger_types::record::{ContributionRecord, DatanetRecord, SnapshotRecord};
use openledger_types::{
    AccountId, ContributionId, Event, Hash, Name, NewContribution, NewOwner, Rejection, limits,
};

use super::{clusters, rules};
use crate::execute::{Transition, check_text};
use crate::state::{Applied, StateKey};

pub(crate) fn keys_of_datanet(name: &Name) -> Vec<StateKey> {
    vec![StateKey::Datanet(name.clone()), rules::rules_key(name)]
}

pub(crate) fn keys_of_contribution(datanet: &Name, id: ContributionId) -> Vec<StateKey> {
    vec![StateKey::Datanet(datanet.clone()), StateKey::Contribution(datanet.clone(), id)]
}

pub(crate) fn keys_of_contribute(datanet: &Name, contributions: &[NewContribution]) -> Vec<StateKey> {
    let mut keys = keys_of_datanet(datanet);
    for contribution in contributions.iter().take(limits::CONTRIBUTIONS_PER_ACTION_MAX) {
        keys.push(StateKey::Contribution(datanet.clone(), contribution.id));
        keys.push(StateKey::Cluster(datanet.clone(), contribution.cluster));
    }
    keys
}

/// Creates a datanet that its curator fills.
pub(crate) fn create(transition: &mut Transition<'_>, name: &Name, title: &str, license: &str) -> Applied {
    rules::create(transition, name, title, license, Policy::imports_only())
}

/// The datanet, if the sender curates it.
pub(super) fn curated(transition: &mut Transition<'_>, name: &Name) -> Applied<DatanetRecord> {
    let datanet = transition.view.datanet(name)?;
    if datanet.curator == transition.sender { Ok(datanet) } else { Err(Rejection::NotCurator.into()) }
}

pub(crate) fn contribute(
    transition: &mut Transition<'_>,
    name: &Name,
    contributions: &[NewContribution],
) -> Applied {
    for contribution in contributions.iter().take(limits::CONTRIBUTIONS_PER_ACTION_MAX) {
        check_text(&contribution.license)?;
        check_text(&contribution.label)?;
    }
    let mut datanet = curated(transition, name)?;
    let policy = rules::policy(transition, name)?;
    let terms = Terms {
        curator: datanet.curator,
        provenance: policy.imports,
        height: transition.context.height,
        contributor: None,
        promise: policy.promise(),
    };
    if contributions.is_empty() {
        return Err(Rejection::ContributionsNone.into());
    }
    if contributions.len() > limits::CONTRIBUTIONS_PER_ACTION_MAX {
        return Err(Rejection::ContributionsTooMany.into());
    }
    for contribution in contributions {
        check_owners(&contribution.owners)?;
        rules::check_license(&policy, &contribution.license)?;
        commit(transition, name, datanet.contributions, contribution, &terms)?;
        datanet.contributions =
            datanet.contributions.checked_add(1).ok_or(Rejection::ContributionsTooMany)?;
    }
    transition.view.put(&StateKey::Datanet(name.clone()), &datanet);
    Ok(())
}

pub(super) fn check_owners(owners: &[NewOwner]) -> Applied {
    let distinct: BTreeSet<_> = owners.iter().map(|owner| owner.account).collect();
    let count = 1..=limits::OWNERS_PER_CONTRIBUTION_MAX;
    let valid = count.contains(&owners.len())
        && distinct.len() == owners.len()
        && owners.iter().all(|owner| owner.parts > 0);
    if valid { Ok(()) } else { Err(Rejection::OwnersInvalid.into()) }
}

/// On which terms a contribution becomes one.
pub(super) struct Terms {
    /// Who curates now: the policy's share is that account's, for as long as the contribution earns.
    pub(super) curator: AccountId,
    /// As it was verified, or as the curator says of imports.
    pub(super) provenance: Provenance,
    /// When it was committed: what the order within its cluster goes by.
    pub(super) height: u64,
    /// Who contributed it openly.
    pub(super) contributor: Option<AccountId>,
    /// What the policy in force promised when it was committed.
    pub(super) promise: Promise,
}

pub(super) fn commit(
    transition: &mut Transition<'_>,
    datanet: &Name,
    sequence: u64,
    contribution: &NewContribution,
    terms: &Terms,
) -> Applied {
    let key = StateKey::Contribution(datanet.clone(), contribution.id);
    if transition.view.get::<ContributionRecord>(&key)?.is_some() {
        return Err(Rejection::ContributionExists.into());
    }
    let record = ContributionRecord {
        sequence,
        cluster: contribution.cluster,
        owners: rules::owners(&terms.promise, terms.curator, datanet, &contribution.owners),
        license: contribution.license.clone(),
        label: contribution.label.clone(),
        height: terms.height,
        revoked_at: None,
        mature: false,
        provenance: terms.provenance,
        factor: rules::factor(&transition.parameters.datanets, terms.provenance),
        contributor: terms.contributor,
    };
    transition.view.put(&key, &record);
    let owns_cluster =
        clusters::join(transition, datanet, contribution.cluster, contribution.id, terms.height)?;
    transition.emit(Event::ContributionCommitted {
        datanet: datanet.clone(),
        sequence,
        contribution: contribution.clone(),
        owns_cluster,
    });
    Ok(())
}

pub(crate) fn revoke(transition: &mut Transition<'_>, name: &Name, id: ContributionId) -> Applied {
    let datanet = transition.view.datanet(name)?;
    let mut contribution = transition.view.contribution(name, id)?;
    // What others contributed is not the curator's to withdraw; for that there are decisions, which can be appealed.
    let first_owner = contribution.owners.first().map(|owner| owner.account);
    let answers = contribution.contributor.unwrap_or(datanet.curator);
    if transition.sender != answers && Some(transition.sender) != first_owner {
        return Err(Rejection::NotOwner.into());
    }
    if contribution.revoked_at.is_some() {
        return Err(Rejection::ContributionRevoked.into());
    }
    contribution.revoked_at = Some(transition.context.height);
    transition.view.put(&StateKey::Contribution(name.clone(), id), &contribution);
    transition.emit(Event::ContributionRevoked { datanet: name.clone(), contribution: id });
    Ok(())
}

pub(crate) fn seal(
    transition: &mut Transition<'_>,
    name: &Name,
    version: u32,
    root: Hash,
    index_root: Hash,
    contributions: u32,
) -> Applied {
    let mut datanet = curated(transition, name)?;
    if Some(version) != datanet.version.checked_add(1) {
        return Err(Rejection::VersionNotNext.into());
    }
    if contributions == 0 || u64::from(contributions) > datanet.contributions {
        return Err(Rejection::SnapshotCountWrong.into());
    }
    datanet.version = version;
    transition.view.put(&StateKey::Datanet(name.clone()), &datanet);
    let policy = rules::policy(transition, name)?;
    let (policy, mix) = (policy.hash(), policy.mix);
    let height = transition.context.height;
    let snapshot = SnapshotRecord { root, index_root, contributions, height, policy, mix };
    transition.view.put(&StateKey::Snapshot(name.clone(), version), &snapshot);
    transition.emit(Event::SnapshotSealed {
        datanet: name.clone(),
        version,
        root,
        index_root,
        contributions,
    });
    Ok(())
}
