//! Doing what was decided, comparing it with what was promised, and taking it back.

use openledger_types::datanets::treasury_account;
use openledger_types::governance::{
    Change, DriftRecord, GrantsRecord, Metric, ProposalRecord, Scope, Stage, Target,
};
use openledger_types::record::Pool;
use openledger_types::{
    AccountId, Amount, Asset, Cause, Event, GovernanceEvent, Holder, Parameters, ProposalClass, Rejection,
};

use super::key::GovernanceKey;
use super::{checks, pause, proposals, votes};
use crate::execute::Transition;
use crate::governed::{self, Governed, governed};
use crate::state::{Applied, StateKey};
use crate::{datanets, supply};

pub(super) fn keys(scope: &Scope, proposal: u64) -> Vec<StateKey> {
    vec![
        GovernanceKey::Scope(scope.clone()).state(),
        GovernanceKey::Proposal(scope.clone(), proposal).state(),
        GovernanceKey::Grants(scope.clone()).state(),
        proposals::key_of_treasury(scope),
    ]
}

/// What execution reads once the proposal is known.
fn keys_of_changes(scope: &Scope, proposal: &ProposalRecord) -> Vec<StateKey> {
    let mut keys = vec![StateKey::Account(proposal.proposer)];
    keys.extend(proposal.changes.iter().map(|change| match change {
        Change::Parameter { name, .. } => GovernanceKey::Drift(name.clone()).state(),
        Change::Grant { to, .. } => StateKey::Account(*to),
        Change::Renew { proposal } => GovernanceKey::Proposal(scope.clone(), *proposal).state(),
        Change::Policy { .. } | Change::Curator { .. } => proposals::key_of_treasury(scope),
    }));
    if let Scope::Datanet(name) = scope {
        keys.extend(datanets::keys_of_datanet(name));
    }
    keys.extend(proposal.target.as_ref().and_then(key_of_metric));
    keys
}

fn key_of_metric(target: &Target) -> Option<StateKey> {
    match &target.metric {
        Metric::Pool(pool) => Some(StateKey::Pool(pool.clone())),
        Metric::DatanetTreasury(name) => Some(StateKey::Account(treasury_account(name))),
        _ => None,
    }
}

/// Executes a proposal whose time has come, or ends one whose time is over.
pub(super) fn execute(transition: &mut Transition<'_>, scope: &Scope, number: u64) -> Applied {
    let mut proposal = votes::read(transition, scope, number)?;
    let due = match (proposal.class, proposal.stage) {
        (ProposalClass::Routine, Stage::Voting) => proposal.closes_in_epoch,
        (_, Stage::Approved { executes_in_epoch, .. }) => executes_in_epoch,
        _ => return Err(Rejection::NotApproved.into()),
    };
    let epoch = transition.epoch();
    if epoch < due {
        return Err(Rejection::DelayRuns.into());
    }
    transition.view.need(keys_of_changes(scope, &proposal))?;
    if proposal.class == ProposalClass::Routine {
        votes::decide(transition, scope, &mut proposal, true)?;
    }
    let time = proposal.terms.execution_epochs;
    if epoch >= pause::extended(transition, due.saturating_add(time), time)? {
        votes::reach(transition, scope, number, &mut proposal, Stage::Cancelled);
        return Ok(());
    }
    proposal.previous = set_parameters(transition, scope, number, &proposal)?;
    for change in &proposal.changes {
        match (change, scope) {
            (Change::Grant { to, amount }, _) => grant(transition, scope, *to, *amount)?,
            (Change::Renew { proposal }, _) => renew(transition, scope, *proposal)?,
            (Change::Policy { policy }, Scope::Datanet(name)) => {
                // How far it moves the shares was checked when it was proposed: what the curator did since is no veto.
                datanets::check_bounds(transition, policy)?;
                let replaced = datanets::replace_policy(transition, name, policy)?;
                proposal.previous_policy = Some(Box::new(replaced));
            }
            (Change::Curator { to }, Scope::Datanet(name)) => datanets::appoint(transition, name, *to)?,
            // Parameters were written together; a policy is a datanet's.
            (Change::Parameter { .. } | Change::Policy { .. } | Change::Curator { .. }, _) => {}
        }
    }
    if let Some(target) = &proposal.target {
        proposal.metric_base = total(transition, &target.metric)?;
    }
    let stands = proposal.class != ProposalClass::Constitution || proposal.previous.is_empty();
    let sunset_epoch = (!stands).then(|| epoch.saturating_add(proposal.terms.sunset_epochs));
    let stage = Stage::Executed { epoch, reviewed: false, sunset_epoch };
    votes::reach(transition, scope, number, &mut proposal, stage);
    Ok(())
}

/// The parameters that a proposal names, with its values.
fn values(proposal: &ProposalRecord) -> impl Iterator<Item = (&'static Governed, u64)> + '_ {
    proposal.changes.iter().filter_map(|change| match change {
        Change::Parameter { name, value } => {
            Some((governed(name).expect("a proposal names parameters that are in the table"), *value))
        }
        _ => None,
    })
}

/// Writes all values or none; returns what they replaced.
fn set_parameters(
    transition: &mut Transition<'_>,
    scope: &Scope,
    number: u64,
    proposal: &ProposalRecord,
) -> Applied<Vec<u64>> {
    let mut previous = Vec::new();
    for (governed, value) in values(proposal) {
        if proposal.class == ProposalClass::Routine {
            if !proposals::is_small_step(transition, governed, value)? {
                return Err(Rejection::StepTooFar.into());
            }
            let anchor = proposals::anchor(transition, governed)?;
            let drift = DriftRecord { anchor, epoch: transition.epoch() };
            transition.view.put(&GovernanceKey::Drift(governed.name.to_owned()).state(), &drift);
        } else {
            forget_drift(transition, governed);
        }
        previous.push((governed.value)(&transition.parameters));
    }
    let changed = governed::with_values(&transition.parameters, values(proposal));
    put_parameters(transition, scope, number, changed.map_err(|_| Rejection::RulesBroken)?);
    Ok(previous)
}

/// After a step that both houses decided, small steps are counted from where it led.
fn forget_drift(transition: &mut Transition<'_>, governed: &Governed) {
    transition.view.remove(&GovernanceKey::Drift(governed.name.to_owned()).state());
}

fn put_parameters(transition: &mut Transition<'_>, scope: &Scope, number: u64, parameters: Parameters) {
    for governed in governed::GOVERNED {
        let (before, after) = ((governed.value)(&transition.parameters), (governed.value)(&parameters));
        if before != after {
            let (scope, name) = (scope.clone(), governed.name.to_owned());
            let event = GovernanceEvent::ParameterSet { scope, proposal: number, name, before, after };
            transition.emit(Event::Governance(event));
        }
    }
    if transition.parameters != parameters {
        transition.view.put(&StateKey::Parameters, &parameters);
        transition.parameters = parameters;
    }
}

/// Pays a grant within the limits of one and of all in the window.
fn grant(transition: &mut Transition<'_>, scope: &Scope, to: AccountId, amount: Amount) -> Applied {
    checks::check_grant_size(transition, scope, amount)?;
    let (epoch, parameters) = (transition.epoch(), transition.parameters.governance);
    let key = GovernanceKey::Grants(scope.clone()).state();
    let mut grants: GrantsRecord = transition.view.get(&key)?.unwrap_or_default();
    let left = proposals::held_by_treasury(transition, scope)?;
    let within = grants.count(epoch, parameters.grants_epochs, left, amount, parameters.grants_max);
    if !within.ok_or(Rejection::AmountOverflow)? {
        return Err(Rejection::GrantTooHigh.into());
    }
    transition.view.put(&key, &grants);
    let (from, to) = (Holder::Pool(Pool::Treasury), Holder::Account(to));
    match scope {
        Scope::Protocol => supply::shift(transition, from, to, Asset::Credit, amount, Cause::Granted),
        Scope::Datanet(name) => datanets::treasury_pay(transition, name, to, amount, Cause::Granted),
    }
}

fn renew(transition: &mut Transition<'_>, scope: &Scope, number: u64) -> Applied {
    let (mut renewed, sunset) = proposals::renewable(transition, scope, number)?;
    if let Stage::Executed { epoch, reviewed, .. } = renewed.stage {
        let sunset = sunset.max(transition.epoch()).saturating_add(renewed.terms.sunset_epochs);
        let stage = Stage::Executed { epoch, reviewed, sunset_epoch: Some(sunset) };
        votes::reach(transition, scope, number, &mut renewed, stage);
    }
    Ok(())
}

/// What the ledger counts for a metric: a running total for rates, what is there for the others.
fn total(transition: &mut Transition<'_>, metric: &Metric) -> Applied<u64> {
    let supply = &transition.supply;
    Ok(match metric {
        Metric::BurnedPerEpoch => supply.credits_burned.0,
        Metric::DepositedPerEpoch => supply.credits_deposited.0,
        Metric::WithdrawnPerEpoch => supply.credits_withdrawn.0,
        Metric::Bonded => supply.open_bonded.0,
        Metric::Escrowed => supply.credits_in_escrow.0,
        Metric::Pool(pool) => transition.view.pool(pool)?.0,
        Metric::DatanetTreasury(name) => transition.view.account(treasury_account(name))?.credits.0,
    })
}

fn measured(
    transition: &mut Transition<'_>,
    metric: &Metric,
    proposal: &ProposalRecord,
    elapsed: u64,
) -> Applied<u64> {
    let total = total(transition, metric)?;
    Ok(match metric {
        Metric::BurnedPerEpoch | Metric::DepositedPerEpoch | Metric::WithdrawnPerEpoch => {
            total.saturating_sub(proposal.metric_base).checked_div(elapsed).unwrap_or(0)
        }
        Metric::Bonded | Metric::Escrowed | Metric::Pool(_) | Metric::DatanetTreasury(_) => total,
    })
}

/// Looks at what was promised. A breach restores the old values, without another vote.
pub(super) fn review(transition: &mut Transition<'_>, scope: &Scope, number: u64) -> Applied {
    let mut proposal = votes::read(transition, scope, number)?;
    let (Stage::Executed { epoch, reviewed: false, sunset_epoch }, Some(target)) =
        (proposal.stage, proposal.target.clone())
    else {
        return Err(Rejection::ReviewNotDue.into());
    };
    let elapsed = transition.epoch().saturating_sub(epoch);
    if elapsed < target.review_after_epochs {
        return Err(Rejection::ReviewNotDue.into());
    }
    transition.view.need(keys_of_changes(scope, &proposal))?;
    let measured = measured(transition, &target.metric, &proposal, elapsed)?;
    let kept = if target.at_least { measured >= target.value } else { measured <= target.value };
    let event = GovernanceEvent::Reviewed { scope: scope.clone(), proposal: number, measured, kept };
    transition.emit(Event::Governance(event));
    let restored = !kept && restore(transition, scope, number, &proposal)?;
    let reviewed = Stage::Executed { epoch, reviewed: true, sunset_epoch };
    let stage = if restored { Stage::Restored } else { reviewed };
    votes::reach(transition, scope, number, &mut proposal, stage);
    Ok(())
}

/// Ends a constitutional proposal whose term is over.
pub(super) fn sunset(transition: &mut Transition<'_>, scope: &Scope, number: u64) -> Applied {
    let mut proposal = votes::read(transition, scope, number)?;
    match proposal.stage {
        Stage::Executed { sunset_epoch: Some(sunset), .. } if sunset <= transition.epoch() => {
            transition.view.need(keys_of_changes(scope, &proposal))?;
            if !restore(transition, scope, number, &proposal)? {
                return Err(Rejection::RulesBroken.into());
            }
            votes::reach(transition, scope, number, &mut proposal, Stage::Restored);
            Ok(())
        }
        _ => Err(Rejection::SunsetNotDue.into()),
    }
}

/// Puts the old values back where the proposal's own still stand; what was decided since stays. Nothing happens when the
/// rest would break a rule between parameters, or the policy before is out of today's bounds: the later decision is the one
/// that was checked.
fn restore(
    transition: &mut Transition<'_>,
    scope: &Scope,
    number: u64,
    proposal: &ProposalRecord,
) -> Applied<bool> {
    let parameters = transition.parameters.clone();
    let standing = values(proposal).zip(&proposal.previous);
    let standing = standing.filter(|((governed, value), _)| (governed.value)(&parameters) == *value);
    let standing: Vec<_> = standing.map(|((governed, _), before)| (governed, *before)).collect();
    let previous = proposal.previous_policy.as_deref();
    if previous.is_some_and(|policy| datanets::check_bounds(transition, policy).is_err()) {
        return Ok(false);
    }
    match governed::with_values(&parameters, standing.iter().copied()) {
        Ok(restored) => {
            // What small steps took back still counts as small steps.
            if proposal.class != ProposalClass::Routine {
                standing.into_iter().for_each(|(governed, _)| forget_drift(transition, governed));
            }
            put_parameters(transition, scope, number, restored);
            restore_policy(transition, scope, proposal)?;
            Ok(true)
        }
        Err(_) => Ok(false),
    }
}

/// The policy before, unless another was set since. Its shares may be higher by more than a step: they were promised before.
fn restore_policy(transition: &mut Transition<'_>, scope: &Scope, proposal: &ProposalRecord) -> Applied {
    let (Scope::Datanet(name), Some(previous)) = (scope, &proposal.previous_policy) else { return Ok(()) };
    let last = datanets::last_policy(transition, name)?;
    let stands = |change: &Change| matches!(change, Change::Policy { policy } if **policy == last);
    if proposal.changes.iter().any(stands) {
        datanets::replace_policy(transition, name, previous)?;
    }
    Ok(())
}
