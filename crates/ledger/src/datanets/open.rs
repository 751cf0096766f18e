//! Open contributions: commit, reveal, decide, conclude.

use openledger_types::datanets::{
    CommitmentRecord, Contributors, DatanetEvent, DatanetRole, Decision, Provenance, Reason, Stage,
    SubmissionRecord, commitment,
};
use openledger_types::record::{ClusterRecord, ContributionRecord, DatanetRecord};
use openledger_types::{
    AccountId, Amount, Asset, BasisPoints, Cause, ContributionId, Event, Hash, Holder, Name, NewContribution,
    Rejection,
};

use super::apply::{self, Terms, check_owners};
use super::rules::{self, emit};
use super::{DatanetKey, clusters};
use crate::execute::{Transition, check_text};
use crate::state::{Applied, StateKey};
use crate::supply;

pub(super) fn commitment_key(datanet: &Name, contributor: AccountId, commitment: Hash) -> StateKey {
    StateKey::Datanets(DatanetKey::Commitment(datanet.clone(), contributor, commitment))
}

pub(super) fn submission_key(datanet: &Name, id: ContributionId) -> StateKey {
    StateKey::Datanets(DatanetKey::Submission(datanet.clone(), id))
}

pub(super) fn submission(
    transition: &mut Transition<'_>,
    datanet: &Name,
    id: ContributionId,
) -> Applied<SubmissionRecord> {
    Ok(transition.view.get(&submission_key(datanet, id))?.ok_or(Rejection::SubmissionUnknown)?)
}

/// OPEN goes from the account's balance to its stake.
pub(super) fn bond(
    transition: &mut Transition<'_>,
    account: AccountId,
    amount: Amount,
    cause: Cause,
) -> Applied {
    let (from, to) = (Holder::Account(account), Holder::Bond(account));
    supply::shift(transition, from, to, Asset::Open, amount, cause)
}

/// OPEN goes back, or is burned: nobody gains by somebody else's failure to reveal or by a rejection.
pub(super) fn release(
    transition: &mut Transition<'_>,
    account: AccountId,
    amount: Amount,
    lost: bool,
) -> Applied {
    let (to, cause) = if lost {
        (Holder::Burned, Cause::BondLost)
    } else {
        (Holder::Account(account), Cause::BondReturned)
    };
    supply::shift(transition, Holder::Bond(account), to, Asset::Open, amount, cause)
}

pub(super) fn commit(transition: &mut Transition<'_>, name: &Name, commitment: Hash) -> Applied {
    let datanet = transition.view.datanet(name)?;
    let policy = rules::policy(transition, name)?;
    let contributor = transition.sender;
    let named = policy.contributors == Contributors::Named && contributor != datanet.curator;
    if named && !rules::has_role(transition, name, contributor, DatanetRole::Contributor)? {
        return Err(Rejection::NotContributor.into());
    }
    let key = commitment_key(name, contributor, commitment);
    if transition.view.get::<CommitmentRecord>(&key)?.is_some() {
        return Err(Rejection::CommitmentExists.into());
    }
    let parameters = transition.parameters.datanets;
    let amount = parameters.commitment_bond.plus(policy.contribution_bond);
    let amount = amount.ok_or(Rejection::AmountOverflow)?;
    bond(transition, contributor, amount, Cause::ContributionBond)?;
    let (height, epoch) = (transition.context.height, transition.epoch());
    transition.view.put(&key, &CommitmentRecord { height, epoch, promise: policy.promise(), bond: amount });
    let until_epoch = epoch.saturating_add(parameters.reveal_epochs);
    let datanet = name.clone();
    emit(transition, DatanetEvent::Committed { datanet, contributor, commitment, until_epoch });
    Ok(())
}

/// Takes the bond of a commitment that was not revealed in time. Anybody may.
pub(super) fn sweep(
    transition: &mut Transition<'_>,
    name: &Name,
    contributor: AccountId,
    commitment: Hash,
) -> Applied {
    let key = commitment_key(name, contributor, commitment);
    let record: CommitmentRecord = transition.view.get(&key)?.ok_or(Rejection::CommitmentUnknown)?;
    let last = record.epoch.saturating_add(transition.parameters.datanets.reveal_epochs);
    if transition.epoch() <= last {
        return Err(Rejection::TooEarly.into());
    }
    transition.view.remove(&key);
    release(transition, contributor, record.bond, true)?;
    emit(transition, DatanetEvent::CommitmentExpired { datanet: name.clone(), contributor, commitment });
    Ok(())
}

pub(super) fn reveal(
    transition: &mut Transition<'_>,
    name: &Name,
    contribution: &NewContribution,
    provenance: Provenance,
    salt: &Hash,
) -> Applied {
    check_text(&contribution.license)?;
    check_text(&contribution.label)?;
    let contributor = transition.sender;
    let key =
        commitment_key(name, contributor, commitment(name, contributor, contribution, provenance, salt));
    let committed: CommitmentRecord = transition.view.get(&key)?.ok_or(Rejection::CommitmentUnknown)?;
    let (now, parameters) = (transition.epoch(), transition.parameters.datanets);
    // In its own block a commitment would protect nothing: the text is already seen.
    if transition.context.height <= committed.height {
        return Err(Rejection::RevealTooSoon.into());
    }
    if now > committed.epoch.saturating_add(parameters.reveal_epochs) {
        return Err(Rejection::TooLate.into());
    }
    check_owners(&contribution.owners)?;
    let policy = rules::rules(transition, name)?.at(committed.epoch).clone();
    rules::check_license(&policy, &contribution.license)?;
    if !policy.provenance.contains(&provenance) {
        return Err(Rejection::ProvenanceNotAllowed.into());
    }
    let id = contribution.id;
    check_free(transition, name, id, committed.height)?;
    transition.view.remove(&key);
    clusters::claim(transition, name, contribution.cluster, id, committed.height)?;
    let until_epoch = now.saturating_add(parameters.decision_epochs);
    let submission = SubmissionRecord {
        contributor,
        contribution: contribution.clone(),
        provenance,
        committed_at: committed.height,
        promise: committed.promise,
        bond: committed.bond,
        stage: Stage::Pending { until_epoch },
    };
    transition.view.put(&submission_key(name, id), &submission);
    let (datanet, contribution) = (name.clone(), Box::new(contribution.clone()));
    emit(transition, DatanetEvent::Revealed { datanet, contributor, contribution, provenance, until_epoch });
    Ok(())
}

/// Whether nobody had this id before the commitment. Whoever took it afterwards saw the reveal on its way and has it no
/// longer once the contribution is accepted.
fn check_free(transition: &mut Transition<'_>, name: &Name, id: ContributionId, height: u64) -> Applied {
    let key = StateKey::Contribution(name.clone(), id);
    let earlier = transition.view.get::<ContributionRecord>(&key)?.is_some_and(|held| held.height <= height);
    if earlier || transition.view.get::<SubmissionRecord>(&submission_key(name, id))?.is_some() {
        return Err(Rejection::ContributionExists.into());
    }
    Ok(())
}

/// The curator or a reviewer, and not one who contributed it or owns a part of it.
fn check_reviewer(
    transition: &mut Transition<'_>,
    name: &Name,
    datanet: &DatanetRecord,
    submission: &SubmissionRecord,
) -> Applied {
    let sender = transition.sender;
    let may = sender == datanet.curator || rules::has_role(transition, name, sender, DatanetRole::Reviewer)?;
    let party = sender == submission.contributor
        || submission.contribution.owners.iter().any(|owner| owner.account == sender);
    if may && !party { Ok(()) } else { Err(Rejection::NotReviewer.into()) }
}

pub(super) fn decide(
    transition: &mut Transition<'_>,
    name: &Name,
    id: ContributionId,
    decision: Decision,
) -> Applied {
    let datanet = transition.view.datanet(name)?;
    let mut submission = submission(transition, name, id)?;
    transition.view.need(keys_found(name, &submission))?;
    check_reviewer(transition, name, &datanet, &submission)?;
    let now = transition.epoch();
    let in_force = match submission.stage {
        Stage::Pending { until_epoch } if now <= until_epoch => false,
        Stage::Provisional { until_epoch } if now <= until_epoch => true,
        _ => return Err(Rejection::NotPending.into()),
    };
    check_decision(transition, name, &submission, decision)?;
    let by = transition.sender;
    match decision {
        Decision::Accept { verified, .. } => {
            if !in_force {
                let cap = if verified { Provenance::Human } else { Provenance::Unverified };
                enter(transition, name, &submission, cap)?;
            }
            transition.view.remove(&submission_key(name, id));
            release(transition, submission.contributor, submission.bond, false)?;
        }
        Decision::Reject { reason, .. } => {
            if super::disputes::is_open(transition, name, id)? {
                return Err(Rejection::DisputeExists.into());
            }
            let until_epoch = now.saturating_add(transition.parameters.datanets.appeal_epochs);
            submission.stage = Stage::Rejected { reason, in_force, until_epoch, by };
            transition.view.put(&submission_key(name, id), &submission);
        }
    }
    emit(transition, DatanetEvent::Decided { datanet: name.clone(), contribution: id, by, decision });
    Ok(())
}

/// A decision cannot contradict the policy or what the ledger knows: a copy of nothing earlier is none.
fn check_decision(
    transition: &mut Transition<'_>,
    name: &Name,
    submission: &SubmissionRecord,
    decision: Decision,
) -> Applied {
    let bar = submission.promise.quality_bar;
    let sound = match decision {
        Decision::Accept { quality, .. } => (bar..=BasisPoints::WHOLE).contains(&quality),
        Decision::Reject { quality, reason: Reason::Quality } => quality < bar,
        Decision::Reject { quality, reason: Reason::Copy } => {
            let cluster = transition.view.cluster(name, submission.contribution.cluster)?;
            let earlier = |cluster: ClusterRecord| {
                cluster.owner != submission.contribution.id && cluster.since <= submission.committed_at
            };
            quality <= BasisPoints::WHOLE && cluster.is_some_and(earlier)
        }
        Decision::Reject { quality, .. } => quality <= BasisPoints::WHOLE,
    };
    if sound { Ok(()) } else { Err(Rejection::DecisionContradicts.into()) }
}

/// What a submission leads to.
pub(super) fn keys_found(name: &Name, submission: &SubmissionRecord) -> Vec<StateKey> {
    vec![
        StateKey::Account(submission.contributor),
        StateKey::Contribution(name.clone(), submission.contribution.id),
        StateKey::Cluster(name.clone(), submission.contribution.cluster),
    ]
}

/// A submission becomes a contribution, on the terms of its commitment. `cap` is the most that was verified.
pub(super) fn enter(
    transition: &mut Transition<'_>,
    name: &Name,
    submission: &SubmissionRecord,
    cap: Provenance,
) -> Applied {
    let mut datanet = transition.view.datanet(name)?;
    let terms = Terms {
        curator: datanet.curator,
        provenance: submission.provenance.min(cap),
        height: submission.committed_at,
        contributor: Some(submission.contributor),
        promise: submission.promise,
    };
    // Free since the reveal: only somebody who came later can have taken the id.
    let key = StateKey::Contribution(name.clone(), submission.contribution.id);
    transition.view.remove(&key);
    apply::commit(transition, name, datanet.contributions, &submission.contribution, &terms)?;
    datanet.contributions = datanet.contributions.checked_add(1).ok_or(Rejection::ContributionsTooMany)?;
    transition.view.put(&StateKey::Datanet(name.clone()), &datanet);
    Ok(())
}

/// Goes on when a deadline has passed without anybody's action. Anybody may.
pub(super) fn conclude(transition: &mut Transition<'_>, name: &Name, id: ContributionId) -> Applied {
    let mut submission = submission(transition, name, id)?;
    transition.view.need(keys_found(name, &submission))?;
    let now = transition.epoch();
    let passed = |until_epoch: u64| if now > until_epoch { Ok(()) } else { Err(Rejection::TooEarly) };
    match submission.stage {
        Stage::Pending { until_epoch } => {
            passed(until_epoch)?;
            enter(transition, name, &submission, Provenance::Unverified)?;
            let until_epoch = now.saturating_add(transition.parameters.datanets.provisional_epochs);
            submission.stage = Stage::Provisional { until_epoch };
            transition.view.put(&submission_key(name, id), &submission);
            let datanet = name.clone();
            emit(transition, DatanetEvent::AcceptedBySilence { datanet, contribution: id, until_epoch });
            Ok(())
        }
        Stage::Provisional { until_epoch } => {
            passed(until_epoch)?;
            if super::disputes::is_open(transition, name, id)? {
                return Err(Rejection::DisputeExists.into());
            }
            settle(transition, name, &submission)
        }
        Stage::Rejected { until_epoch, reason, in_force, .. } => {
            passed(until_epoch)?;
            if super::disputes::is_open(transition, name, id)? {
                return Err(Rejection::DisputeExists.into());
            }
            refuse(transition, name, &submission, reason, in_force)
        }
    }
}

/// It is in force for good.
pub(super) fn settle(transition: &mut Transition<'_>, name: &Name, submission: &SubmissionRecord) -> Applied {
    let id = submission.contribution.id;
    transition.view.remove(&submission_key(name, id));
    release(transition, submission.contributor, submission.bond, false)?;
    emit(transition, DatanetEvent::Settled { datanet: name.clone(), contribution: id, accepted: true });
    Ok(())
}

/// It is gone for good: from the next block on it earns nothing.
pub(super) fn refuse(
    transition: &mut Transition<'_>,
    name: &Name,
    submission: &SubmissionRecord,
    reason: Reason,
    in_force: bool,
) -> Applied {
    let id = submission.contribution.id;
    transition.view.remove(&submission_key(name, id));
    release(transition, submission.contributor, submission.bond, reason.is_fault())?;
    if in_force {
        remove(transition, name, id)?;
    }
    clusters::vacate(transition, name, submission.contribution.cluster, id)?;
    emit(transition, DatanetEvent::Settled { datanet: name.clone(), contribution: id, accepted: false });
    Ok(())
}

/// Revokes a contribution that is in force.
pub(super) fn remove(transition: &mut Transition<'_>, name: &Name, id: ContributionId) -> Applied {
    let key = StateKey::Contribution(name.clone(), id);
    let mut contribution = transition.view.contribution(name, id)?;
    if contribution.revoked_at.is_none() {
        contribution.revoked_at = Some(transition.context.height);
        transition.view.put(&key, &contribution);
        transition.emit(Event::ContributionRevoked { datanet: name.clone(), contribution: id });
    }
    Ok(())
}
