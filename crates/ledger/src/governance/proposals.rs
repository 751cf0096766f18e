//! Making a proposal: its class, what it has to pass, and the bond.

use openledger_types::datanets::treasury_account;
use openledger_types::governance::{
    Change, DriftRecord, House, ProposalRecord, Scope, ScopeRecord, Stage, Tally, Target, Terms,
};
use openledger_types::record::Pool;
use openledger_types::{
    AccountId, Amount, Asset, BasisPoints, Cause, Event, GovernanceEvent, Hash, Holder, ProposalClass,
    Rejection, limits,
};

use super::key::GovernanceKey;
use super::{arithmetic, checks, houses};
use crate::execute::{Transition, check_text};
use crate::governed::{self, governed};
use crate::state::{Applied, StateKey};
use crate::{accounts, datanets, supply};

pub(super) fn keys(sender: AccountId, scope: &Scope, changes: &[Change]) -> Vec<StateKey> {
    let mut keys = houses::keys_of_scope(scope);
    keys.extend([
        accounts::key_of_cluster(sender),
        GovernanceKey::Scope(scope.clone()).state(),
        GovernanceKey::House(scope.clone(), House::Token).state(),
        GovernanceKey::House(scope.clone(), House::Contributors).state(),
        GovernanceKey::Lock(scope.clone(), sender).state(),
        GovernanceKey::Enrolment(scope.clone(), sender).state(),
    ]);
    keys.extend(changes.iter().take(limits::CHANGES_PER_PROPOSAL_MAX).flat_map(|change| match change {
        // A name that no parameter has is refused before it is read.
        Change::Parameter { name, .. } => {
            governed(name).map(|governed| GovernanceKey::Drift(governed.name.to_owned()).state())
        }
        Change::Grant { .. } => Some(key_of_treasury(scope)),
        Change::Renew { proposal } => Some(GovernanceKey::Proposal(scope.clone(), *proposal).state()),
        Change::Policy { .. } | Change::Curator { .. } => match scope {
            Scope::Protocol => None,
            Scope::Datanet(name) => Some(datanets::rules_key(name)),
        },
    }));
    keys
}

/// What grants of a scope are paid from: the network's treasury, or the account without a key that is a datanet's.
pub(super) fn key_of_treasury(scope: &Scope) -> StateKey {
    match scope {
        Scope::Protocol => StateKey::Pool(Pool::Treasury),
        Scope::Datanet(name) => StateKey::Account(treasury_account(name)),
    }
}

/// What that treasury holds.
pub(super) fn held_by_treasury(transition: &mut Transition<'_>, scope: &Scope) -> Applied<Amount> {
    match scope {
        Scope::Protocol => transition.view.pool(&Pool::Treasury),
        Scope::Datanet(name) => Ok(transition.view.account(treasury_account(name))?.credits),
    }
}

/// A proposal as it was sent.
pub(super) struct Proposed<'a> {
    pub(super) scope: &'a Scope,
    pub(super) title: &'a str,
    pub(super) document: Hash,
    pub(super) changes: &'a [Change],
    pub(super) target: Option<&'a Target>,
}

pub(super) fn propose(transition: &mut Transition<'_>, proposed: &Proposed<'_>) -> Applied {
    let Proposed { scope, title, document, changes, target } = *proposed;
    houses::check_scope(transition, scope)?;
    check_text(title)?;
    checks::check_form(scope, changes)?;
    let class = class(transition, scope, changes)?;
    checks::check_target(scope, class, target)?;
    checks::check_changes(transition, scope, changes)?;
    checks::check_proposer(transition, scope)?;
    let key = GovernanceKey::Scope(scope.clone()).state();
    let mut record: ScopeRecord = transition.view.get(&key)?.unwrap_or_default();
    if record.open.len() >= limits::PROPOSALS_OPEN_MAX {
        return Err(Rejection::ProposalsTooMany.into());
    }
    checks::check_standing(transition, scope, changes)?;
    checks::check_others(transition, &record)?;
    record.open.push(transition.sender);
    record.proposals = record.proposals.saturating_add(1);
    transition.view.put(&key, &record);
    let (proposer, epoch) = (transition.sender, transition.epoch());
    let bond = transition.parameters.governance.proposal_bond;
    let from = Holder::Account(proposer);
    supply::shift(transition, from, Holder::Custody, Asset::Open, bond, Cause::ProposalBonded)?;
    let mut tally = |house| -> Applied<Tally> {
        let total = arithmetic::counted(houses::house(transition, scope, house)?.opening);
        Ok(Tally { yes: 0, no: 0, total })
    };
    let (token, contributors) = (tally(House::Token)?, tally(House::Contributors)?);
    let closes_in_epoch = epoch.saturating_add(voting_epochs(transition, class));
    let proposal = ProposalRecord {
        proposer,
        title: title.to_owned(),
        document,
        changes: changes.to_vec(),
        target: target.cloned(),
        class,
        terms: terms(transition, scope, class),
        bond,
        epoch,
        closes_in_epoch,
        token,
        contributors,
        stage: Stage::Voting,
        previous: Vec::new(),
        metric_base: 0,
        previous_policy: None,
    };
    transition.view.put(&GovernanceKey::Proposal(scope.clone(), record.proposals).state(), &proposal);
    transition.emit(Event::Governance(GovernanceEvent::Proposed {
        scope: scope.clone(),
        proposal: record.proposals,
        proposer,
        class,
        title: proposal.title,
        document,
        changes: proposal.changes,
        target: proposal.target,
        closes_in_epoch,
    }));
    Ok(())
}

/// The class of the proposal is the highest that any of its changes needs.
fn class(transition: &mut Transition<'_>, scope: &Scope, changes: &[Change]) -> Applied<ProposalClass> {
    let mut class = ProposalClass::Routine;
    for change in changes {
        class = class.max(match change {
            Change::Parameter { name, value } => class_of_parameter(transition, name, *value)?,
            Change::Grant { .. } => ProposalClass::Money,
            Change::Renew { proposal } => {
                renewable(transition, scope, *proposal)?;
                ProposalClass::Constitution
            }
            // On what terms people contribute, and who decides about what they contribute.
            Change::Policy { .. } | Change::Curator { .. } => ProposalClass::Constitution,
        });
    }
    Ok(class)
}

fn class_of_parameter(transition: &mut Transition<'_>, name: &str, value: u64) -> Applied<ProposalClass> {
    let governed = governed(name).ok_or(Rejection::ParameterUnknown)?;
    let class = governed.class.ok_or(Rejection::ParameterFixed)?;
    if class == ProposalClass::Routine && !is_small_step(transition, governed, value)? {
        return Ok(ProposalClass::Money);
    }
    Ok(class)
}

/// Whether a value is within the band of routine proposals, counted from where the parameter stood before the first of
/// the steps that followed each other within the window.
pub(super) fn is_small_step(
    transition: &mut Transition<'_>,
    governed: &governed::Governed,
    value: u64,
) -> Applied<bool> {
    let anchor = anchor(transition, governed)?;
    let band = transition.parameters.governance.routine_band;
    Ok(arithmetic::within_band(value, anchor, band))
}

pub(super) fn anchor(transition: &mut Transition<'_>, governed: &governed::Governed) -> Applied<u64> {
    let key = GovernanceKey::Drift(governed.name.to_owned()).state();
    let drift: Option<DriftRecord> = transition.view.get(&key)?;
    let window = transition.parameters.governance.routine_band_epochs;
    let epoch = transition.epoch();
    let moving = drift.filter(|drift| epoch.saturating_sub(drift.epoch) < window);
    Ok(moving.map_or_else(|| (governed.value)(&transition.parameters), |drift| drift.anchor))
}

/// The proposal, if its term can be renewed.
pub(super) fn renewable(
    transition: &mut Transition<'_>,
    scope: &Scope,
    number: u64,
) -> Applied<(ProposalRecord, u64)> {
    let key = GovernanceKey::Proposal(scope.clone(), number).state();
    let record: ProposalRecord = transition.view.get(&key)?.ok_or(Rejection::ProposalUnknown)?;
    match record.stage {
        Stage::Executed { sunset_epoch: Some(sunset), .. } => Ok((record, sunset)),
        _ => Err(Rejection::RenewalInvalid.into()),
    }
}

fn voting_epochs(transition: &Transition<'_>, class: ProposalClass) -> u64 {
    let parameters = &transition.parameters.governance;
    match class {
        ProposalClass::Routine => parameters.routine_epochs,
        ProposalClass::Money => parameters.money_epochs,
        ProposalClass::Constitution => parameters.constitution_epochs,
    }
}

/// The terms are copied: whatever is decided later holds for later proposals.
fn terms(transition: &Transition<'_>, scope: &Scope, class: ProposalClass) -> Terms {
    let parameters = &transition.parameters.governance;
    let (token, contributors, low, high) = match class {
        ProposalClass::Routine => {
            (parameters.routine_cancel_token, parameters.routine_cancel_contributors, 0, 0)
        }
        ProposalClass::Money => (
            parameters.money_quorum_token,
            parameters.money_quorum_contributors,
            parameters.money_delay_low_epochs,
            parameters.money_delay_high_epochs,
        ),
        ProposalClass::Constitution => (
            parameters.constitution_quorum_token,
            parameters.constitution_quorum_contributors,
            parameters.constitution_delay_low_epochs,
            parameters.constitution_delay_high_epochs,
        ),
    };
    let caps: (BasisPoints, BasisPoints) = match scope {
        Scope::Protocol => (parameters.token_cap, parameters.contributor_cap),
        Scope::Datanet(_) => (parameters.datanet_cap, parameters.datanet_cap),
    };
    Terms {
        token: token.0,
        contributors: contributors.0,
        token_cap: caps.0.0,
        contributor_cap: caps.1.0,
        delay_low_epochs: low,
        delay_high_epochs: high,
        objection_low: parameters.objection_low.0,
        objection_high: parameters.objection_high.0,
        execution_epochs: parameters.execution_epochs,
        sunset_epochs: parameters.sunset_epochs,
    }
}
