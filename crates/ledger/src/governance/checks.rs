//! What a proposal must be before anyone reads it: its form, its promise, what it changes, and who makes it.

use std::collections::BTreeSet;

use openledger_types::governance::{
    Change, EnrolmentRecord, House, LockRecord, Metric, Scope, ScopeRecord, Target,
};
use openledger_types::record::Pool;
use openledger_types::{Amount, ProposalClass, Rejection, limits};

use super::key::GovernanceKey;
use super::{arithmetic, proposals};
use crate::execute::Transition;
use crate::governed::{self, governed};
use crate::state::Applied;
use crate::{accounts, datanets};

/// Counts, and nothing twice.
pub(super) fn check_form(scope: &Scope, changes: &[Change]) -> Applied {
    let mut named = BTreeSet::new();
    let distinct = changes.iter().all(|change| match change {
        Change::Parameter { name, .. } => named.insert(name.as_str()),
        // Parameters have no empty names and none with a space.
        Change::Grant { .. } => named.insert("a grant"),
        Change::Renew { .. } => named.insert("a renewal"),
        Change::Policy { .. } => named.insert("a policy"),
        Change::Curator { .. } => named.insert("a curator"),
    });
    let governed = changes.iter().all(|change| match change {
        Change::Parameter { .. } | Change::Renew { .. } => *scope == Scope::Protocol,
        Change::Policy { .. } | Change::Curator { .. } => *scope != Scope::Protocol,
        Change::Grant { .. } => true,
    });
    let count = 1..=limits::CHANGES_PER_PROPOSAL_MAX;
    if count.contains(&changes.len()) && distinct && governed {
        Ok(())
    } else {
        Err(Rejection::ChangesInvalid.into())
    }
}

pub(super) fn check_target(scope: &Scope, class: ProposalClass, target: Option<&Target>) -> Applied {
    let valid = match target {
        None => class == ProposalClass::Routine,
        Some(target) => {
            let listed = match &target.metric {
                Metric::Pool(pool) => !matches!(pool, Pool::Uplift(_) | Pool::Carry(..)),
                Metric::DatanetTreasury(name) => *scope == Scope::Datanet(name.clone()),
                _ => true,
            };
            listed && (1..=limits::REVIEW_EPOCHS_MAX).contains(&target.review_after_epochs)
        }
    };
    if valid { Ok(()) } else { Err(Rejection::TargetInvalid.into()) }
}

/// What could not be executed today is not proposed.
pub(super) fn check_changes(transition: &mut Transition<'_>, scope: &Scope, changes: &[Change]) -> Applied {
    let values = changes.iter().filter_map(|change| match change {
        Change::Parameter { name, value } => governed(name).map(|governed| (governed, *value)),
        _ => None,
    });
    governed::with_values(&transition.parameters, values).map_err(|_| Rejection::RulesBroken)?;
    for change in changes {
        match (change, scope) {
            (Change::Grant { amount: Amount::ZERO, .. }, _) => return Err(Rejection::AmountZero.into()),
            (Change::Grant { amount, .. }, _) => check_grant_size(transition, scope, *amount)?,
            (Change::Policy { policy }, Scope::Datanet(name)) => {
                datanets::check_change(transition, name, policy)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A proposal changes something: whatever changes nothing would pass because nobody has a reason to object, and keep others from
/// proposing until then.
pub(super) fn check_standing(transition: &mut Transition<'_>, scope: &Scope, changes: &[Change]) -> Applied {
    for change in changes {
        let stands = match (change, scope) {
            (Change::Parameter { name, value }, _) => {
                governed(name).is_some_and(|governed| (governed.value)(&transition.parameters) == *value)
            }
            (Change::Policy { policy }, Scope::Datanet(name)) => {
                datanets::last_policy(transition, name)? == **policy
            }
            (Change::Curator { to }, Scope::Datanet(name)) => transition.view.datanet(name)?.curator == *to,
            _ => false,
        };
        if stands {
            return Err(Rejection::ChangesNothing.into());
        }
    }
    Ok(())
}

/// One proposal of a cluster at a time, by the clusters of today.
pub(super) fn check_others(transition: &mut Transition<'_>, record: &ScopeRecord) -> Applied {
    transition.view.need(record.open.iter().map(|proposer| accounts::key_of_cluster(*proposer)))?;
    let cluster = accounts::cluster_of(transition, transition.sender)?;
    for proposer in &record.open {
        if accounts::cluster_of(transition, *proposer)? == cluster {
            return Err(Rejection::ProposalRepeated.into());
        }
    }
    Ok(())
}

/// One grant takes a small part of the treasury.
pub(super) fn check_grant_size(transition: &mut Transition<'_>, scope: &Scope, amount: Amount) -> Applied {
    let treasury = proposals::held_by_treasury(transition, scope)?;
    let most = treasury.basis_points(transition.parameters.governance.grant_max);
    if amount <= most { Ok(()) } else { Err(Rejection::GrantTooHigh.into()) }
}

/// Who proposes had weight before this epoch: whoever just arrived first waits.
pub(super) fn check_proposer(transition: &mut Transition<'_>, scope: &Scope) -> Applied {
    let (account, epoch) = (transition.sender, transition.epoch());
    let lock = GovernanceKey::Lock(scope.clone(), account).state();
    let enrolment = GovernanceKey::Enrolment(scope.clone(), account).state();
    let lock: LockRecord = transition.view.get(&lock)?.unwrap_or_default();
    let enrolment: EnrolmentRecord = transition.view.get(&enrolment)?.unwrap_or_default();
    let parameters = &transition.parameters.governance;
    let token = arithmetic::weight_at(&lock.weights, House::Token, epoch, parameters);
    let work = arithmetic::weight_at(&enrolment.weights, House::Contributors, epoch, parameters);
    if token == 0 && work == 0 { Err(Rejection::ProposerWeightless.into()) } else { Ok(()) }
}
