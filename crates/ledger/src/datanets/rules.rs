//! Policies, roles and curatorship.

use std::collections::BTreeSet;

use openledger_types::datanets::{
    Contributors, DatanetEvent, DatanetParameters, DatanetRole, DatedPolicy, Mix, Policy, Promise,
    Provenance, RulesRecord, treasury_account,
};
use openledger_types::record::{DatanetRecord, OwnerRecord};
use openledger_types::{AccountId, BasisPoints, Event, Name, NewOwner, Rejection, limits};

use super::DatanetKey;
use super::apply::curated;
use crate::execute::{Transition, check_text};
use crate::state::{Applied, StateKey};

pub(crate) fn rules_key(datanet: &Name) -> StateKey {
    StateKey::Datanets(DatanetKey::Rules(datanet.clone()))
}

pub(super) fn role_key(datanet: &Name, account: AccountId, role: DatanetRole) -> StateKey {
    StateKey::Datanets(DatanetKey::Role(datanet.clone(), account, role))
}

/// The rules of a datanet that exists.
pub(super) fn rules(transition: &mut Transition<'_>, datanet: &Name) -> Applied<RulesRecord> {
    Ok(transition.view.get(&rules_key(datanet))?.ok_or(Rejection::DatanetUnknown)?)
}

/// The policy in force now.
pub(super) fn policy(transition: &mut Transition<'_>, datanet: &Name) -> Applied<Policy> {
    let epoch = transition.epoch();
    Ok(rules(transition, datanet)?.at(epoch).clone())
}

pub(super) fn has_role(
    transition: &mut Transition<'_>,
    datanet: &Name,
    account: AccountId,
    role: DatanetRole,
) -> Applied<bool> {
    Ok(transition.view.get::<u64>(&role_key(datanet, account, role))?.is_some())
}

/// Creates a datanet with its first policy, in force at once.
pub(super) fn create(
    transition: &mut Transition<'_>,
    name: &Name,
    title: &str,
    license: &str,
    policy: Policy,
) -> Applied {
    check_text(title)?;
    check_text(license)?;
    check_policy(&policy, &transition.parameters.datanets)?;
    let key = StateKey::Datanet(name.clone());
    if transition.view.get::<DatanetRecord>(&key)?.is_some() {
        return Err(Rejection::DatanetExists.into());
    }
    let curator = transition.sender;
    let (title, license) = (title.to_owned(), license.to_owned());
    let record = DatanetRecord {
        curator,
        title: title.clone(),
        license: license.clone(),
        contributions: 0,
        version: 0,
    };
    transition.view.put(&key, &record);
    let epoch = transition.epoch();
    let hash = policy.hash();
    transition.view.put(&rules_key(name), &RulesRecord::beginning(policy.clone(), epoch));
    transition.emit(Event::DatanetCreated { name: name.clone(), curator, title, license });
    let (datanet, policy) = (name.clone(), Box::new(policy));
    emit(transition, DatanetEvent::PolicySet { datanet, policy, hash, from_epoch: epoch });
    Ok(())
}

pub(super) fn emit(transition: &mut Transition<'_>, event: DatanetEvent) {
    transition.emit(Event::Datanets(event));
}

/// Whether a mix gives weight to methods that exist, and is whole.
fn check_mix(mix: &Mix) -> Applied {
    if !mix.is_whole() {
        return Err(Rejection::MixInvalid.into());
    }
    if mix.influence.0 > 0 {
        return Err(Rejection::InfluenceAbsent.into());
    }
    Ok(())
}

/// Whether a policy can be one, and is within the network's bounds.
fn check_policy(policy: &Policy, parameters: &DatanetParameters) -> Applied {
    let distinct: BTreeSet<&String> = policy.licenses.iter().collect();
    let licenses = policy.licenses.len() <= limits::LICENSES_PER_POLICY_MAX
        && distinct.len() == policy.licenses.len()
        && policy.licenses.iter().all(|license| (1..=limits::LICENSE_BYTES_MAX).contains(&license.len()));
    let kinds = policy.provenance.iter().zip(policy.provenance.iter().skip(1));
    let provenance = !policy.provenance.is_empty() && kinds.into_iter().all(|(one, next)| one < next);
    let open_only_if_public = !policy.private || policy.contributors == Contributors::Named;
    let bonded = policy.contributors == Contributors::Bonded;
    let bond = bonded == (policy.contribution_bond.0 > 0)
        && policy.contribution_bond <= parameters.contribution_bond_max;
    let bar = policy.quality_bar <= BasisPoints::WHOLE;
    if !(licenses && provenance && open_only_if_public && bond && bar) {
        return Err(Rejection::PolicyInvalid.into());
    }
    check_mix(&policy.mix)?;
    let within = policy.curator_share <= parameters.curator_share_max
        && policy.treasury_share <= parameters.treasury_share_max;
    if within { Ok(()) } else { Err(Rejection::ShareTooHigh.into()) }
}

/// The curator sets a policy to come.
pub(super) fn set_policy(transition: &mut Transition<'_>, name: &Name, policy: &Policy) -> Applied {
    curated(transition, name)?;
    check_change(transition, name, policy)?;
    replace_policy(transition, name, policy).map(drop)
}

/// Whether a policy is within the network's bounds of today.
pub(crate) fn check_bounds(transition: &Transition<'_>, policy: &Policy) -> Applied {
    check_policy(policy, &transition.parameters.datanets)
}

/// Whether a policy may follow the one in force, whoever decides it.
pub(crate) fn check_change(transition: &mut Transition<'_>, name: &Name, policy: &Policy) -> Applied {
    let parameters = transition.parameters.datanets;
    check_policy(policy, &parameters)?;
    let now = transition.epoch();
    let rules = rules(transition, name)?;
    let in_force = rules.at(now);
    let step = |before: BasisPoints, after: BasisPoints| after.0.saturating_sub(before.0);
    let risen = step(in_force.curator_share, policy.curator_share)
        .max(step(in_force.treasury_share, policy.treasury_share));
    if risen > parameters.share_step_max.0 {
        return Err(Rejection::ShareStepTooLarge.into());
    }
    Ok(())
}

/// The policy that was decided last, in force or to come.
pub(crate) fn last_policy(transition: &mut Transition<'_>, name: &Name) -> Applied<Policy> {
    Ok(rules(transition, name)?.at(u64::MAX).clone())
}

/// Writes a policy to come, in the place of one that is not in force yet. Returns the one in force: what was only announced may
/// be the curator's answer to a vote.
pub(crate) fn replace_policy(
    transition: &mut Transition<'_>,
    name: &Name,
    policy: &Policy,
) -> Applied<Policy> {
    let mut rules = rules(transition, name)?;
    let now = transition.epoch();
    let replaced = rules.at(now).clone();
    let from_epoch = now.saturating_add(transition.parameters.datanets.policy_delay_epochs);
    rules.policies.retain(|dated| dated.from_epoch <= now);
    rules.policies.push(DatedPolicy { from_epoch, policy: policy.clone() });
    // The one in force and the one before it: a commitment of that time may still be revealed.
    let keep_from = rules.policies.len().saturating_sub(3);
    rules.policies.drain(..keep_from);
    transition.view.put(&rules_key(name), &rules);
    let (datanet, hash) = (name.clone(), policy.hash());
    let policy = Box::new(policy.clone());
    emit(transition, DatanetEvent::PolicySet { datanet, policy, hash, from_epoch });
    Ok(replaced)
}

pub(super) fn grant(
    transition: &mut Transition<'_>,
    name: &Name,
    account: AccountId,
    role: DatanetRole,
) -> Applied {
    curated(transition, name)?;
    if has_role(transition, name, account, role)? {
        return Err(Rejection::RoleHeld.into());
    }
    let epoch = transition.epoch();
    transition.view.put(&role_key(name, account, role), &epoch);
    emit(transition, DatanetEvent::RoleGranted { datanet: name.clone(), account, role });
    Ok(())
}

pub(super) fn withdraw(
    transition: &mut Transition<'_>,
    name: &Name,
    account: AccountId,
    role: DatanetRole,
) -> Applied {
    if transition.sender != account {
        curated(transition, name)?;
    }
    if !has_role(transition, name, account, role)? {
        return Err(Rejection::RoleNotHeld.into());
    }
    transition.view.remove(&role_key(name, account, role));
    emit(transition, DatanetEvent::RoleWithdrawn { datanet: name.clone(), account, role });
    Ok(())
}

pub(super) fn offer_curatorship(
    transition: &mut Transition<'_>,
    name: &Name,
    to: Option<AccountId>,
) -> Applied {
    curated(transition, name)?;
    let mut rules = rules(transition, name)?;
    rules.offered_to = to;
    transition.view.put(&rules_key(name), &rules);
    emit(transition, DatanetEvent::CuratorshipOffered { datanet: name.clone(), to });
    Ok(())
}

/// Two steps, so that a datanet is not handed to an account that nobody uses.
pub(super) fn accept_curatorship(transition: &mut Transition<'_>, name: &Name) -> Applied {
    transition.view.datanet(name)?;
    let rules = rules(transition, name)?;
    let to = transition.sender;
    if rules.offered_to != Some(to) {
        return Err(Rejection::CuratorshipNotOffered.into());
    }
    appoint(transition, name, to)
}

/// Makes an account the curator: it was offered and accepted, or the datanet's houses decided it.
pub(crate) fn appoint(transition: &mut Transition<'_>, name: &Name, to: AccountId) -> Applied {
    let mut datanet = transition.view.datanet(name)?;
    let mut rules = rules(transition, name)?;
    rules.offered_to = None;
    let from = std::mem::replace(&mut datanet.curator, to);
    transition.view.put(&rules_key(name), &rules);
    transition.view.put(&StateKey::Datanet(name.clone()), &datanet);
    emit(transition, DatanetEvent::CuratorChanged { datanet: name.clone(), from, to });
    Ok(())
}

/// Refuses a licence that the policy does not name; an empty licence is the datanet's own.
pub(super) fn check_license(policy: &Policy, license: &str) -> Applied {
    let allowed = policy.licenses.is_empty()
        || license.is_empty()
        || policy.licenses.iter().any(|allowed| allowed == license);
    if allowed { Ok(()) } else { Err(Rejection::LicenseNotAllowed.into()) }
}

/// What attribution of this provenance counts.
pub(super) fn factor(parameters: &DatanetParameters, provenance: Provenance) -> BasisPoints {
    match provenance {
        Provenance::Human => parameters.factor_human,
        Provenance::Unverified => parameters.factor_unverified,
        Provenance::Synthetic => parameters.factor_synthetic,
    }
}

/// The owners of a contribution: its authors by their parts, then the curator and the treasury with the shares that the
/// policy gives them. Whole parts of one sum, so that settlement, receipts and whoever recomputes them divide by one rule.
/// A curator who is an author too has one line.
pub(super) fn owners(
    promise: &Promise,
    curator: AccountId,
    datanet: &Name,
    authors: &[NewOwner],
) -> Vec<OwnerRecord> {
    let whole = u64::from(BasisPoints::WHOLE.0);
    let shares = [(curator, promise.curator_share), (treasury_account(datanet), promise.treasury_share)];
    let taken = shares.iter().fold(0u64, |sum, (_, share)| sum.saturating_add(u64::from(share.0)));
    let parts = authors.iter().fold(0u64, |sum, owner| sum.saturating_add(u64::from(owner.parts)));
    // Parts are u16 and at most 64, so no product here comes near the end of u64.
    let scale = if taken == 0 { 1 } else { whole.saturating_sub(taken) };
    let mut owners: Vec<OwnerRecord> = authors
        .iter()
        .map(|owner| OwnerRecord {
            account: owner.account,
            parts: u64::from(owner.parts).saturating_mul(scale),
        })
        .collect();
    for (account, share) in shares.into_iter().filter(|(_, share)| share.0 > 0) {
        let parts = parts.saturating_mul(u64::from(share.0));
        match owners.iter_mut().find(|owner| owner.account == account) {
            Some(owner) => owner.parts = owner.parts.saturating_add(parts),
            None => owners.push(OwnerRecord { account, parts }),
        }
    }
    owners
}
