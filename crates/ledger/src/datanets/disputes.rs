//! Disputes about contributions: appeals against rejections, claims against contributions, objections, votes, verdicts.
//!
//! The panel is drawn from bonded jurors by the first randomness after it was called. It is the part that a committee of
//! auditors can take over: [`appeal`] and [`contest`] call a panel, [`vote`] is a member's judgement, and [`close`] applies
//! the verdict. Nobody votes with tokens, and nobody is paid for agreeing: the fee of a vote is fixed.

use openledger_types::datanets::{
    DatanetEvent, DisputeRecord, FaultRecord, Matter, Provenance, Reason, Stage, SubmissionRecord,
};
use openledger_types::record::{ClusterRecord, ContributionRecord};
use openledger_types::{AccountId, Asset, BasisPoints, Cause, ContributionId, Holder, Name, Rejection};

use super::open::{self, bond, submission, submission_key};
use super::rules::emit;
use super::{DatanetKey, clawback, clusters, jurors};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply;

/// The key of the open dispute about a contribution.
pub(crate) fn dispute_key(datanet: &Name, id: ContributionId) -> StateKey {
    StateKey::Datanets(DatanetKey::Dispute(datanet.clone(), id))
}

/// Whether a dispute about a contribution is open.
pub(crate) fn is_open(transition: &mut Transition<'_>, datanet: &Name, id: ContributionId) -> Applied<bool> {
    Ok(transition.view.get::<DisputeRecord>(&dispute_key(datanet, id))?.is_some())
}

fn dispute(transition: &mut Transition<'_>, datanet: &Name, id: ContributionId) -> Applied<DisputeRecord> {
    Ok(transition.view.get(&dispute_key(datanet, id))?.ok_or(Rejection::DisputeUnknown)?)
}

/// Writes a new dispute and takes the claimant's bond.
fn begin(
    transition: &mut Transition<'_>,
    name: &Name,
    id: ContributionId,
    matter: Matter,
    excluded: Vec<AccountId>,
) -> Applied {
    if is_open(transition, name, id)? {
        return Err(Rejection::DisputeExists.into());
    }
    let parameters = transition.parameters.datanets;
    let claimant = transition.sender;
    bond(transition, claimant, parameters.dispute_bond, Cause::DisputeBond)?;
    let epoch = transition.epoch();
    let waiting = match matter {
        Matter::Appeal => parameters.vote_epochs,
        Matter::Repeats { .. } | Matter::Removal { .. } => parameters.appeal_epochs,
    };
    let record = DisputeRecord {
        matter,
        claimant,
        bond: parameters.dispute_bond,
        respondent: None,
        epoch,
        until_epoch: epoch.saturating_add(waiting),
        jurors: jurors::count(transition)?,
        excluded,
        votes: Vec::new(),
    };
    let until_epoch = record.until_epoch;
    transition.view.put(&dispute_key(name, id), &record);
    let datanet = name.clone();
    emit(
        transition,
        DatanetEvent::DisputeOpened { datanet, contribution: id, claimant, matter, until_epoch },
    );
    Ok(())
}

/// The contributor asks a panel whether the rejection stands.
pub(super) fn appeal(transition: &mut Transition<'_>, name: &Name, id: ContributionId) -> Applied {
    let datanet = transition.view.datanet(name)?;
    let submission = submission(transition, name, id)?;
    if transition.sender != submission.contributor {
        return Err(Rejection::NotContributor.into());
    }
    let Stage::Rejected { until_epoch, by, .. } = submission.stage else {
        return Err(Rejection::NotRejected.into());
    };
    if transition.epoch() > until_epoch {
        return Err(Rejection::TooLate.into());
    }
    let owners = submission.contribution.owners.iter().map(|owner| owner.account);
    let excluded = [submission.contributor, datanet.curator, by].into_iter().chain(owners.take(1));
    begin(transition, name, id, Matter::Appeal, excluded.collect())
}

/// Says that a contribution in force repeats an earlier one, or must go.
pub(super) fn claim(
    transition: &mut Transition<'_>,
    name: &Name,
    id: ContributionId,
    matter: Matter,
) -> Applied {
    let datanet = transition.view.datanet(name)?;
    let contribution = transition.view.contribution(name, id)?;
    if contribution.revoked_at.is_some() {
        return Err(Rejection::ContributionRevoked.into());
    }
    // A rejection on its way has its own dispute.
    let submission: Option<SubmissionRecord> = transition.view.get(&submission_key(name, id))?;
    if submission.is_some_and(|submission| matches!(submission.stage, Stage::Rejected { .. })) {
        return Err(Rejection::NotPending.into());
    }
    check_matter(transition, name, id, &contribution, matter)?;
    let owners = contribution.owners.iter().map(|owner| owner.account).take(1);
    let parties =
        [transition.sender, datanet.curator].into_iter().chain(contribution.contributor).chain(owners);
    begin(transition, name, id, matter, parties.collect())
}

fn check_matter(
    transition: &mut Transition<'_>,
    name: &Name,
    id: ContributionId,
    contribution: &ContributionRecord,
    matter: Matter,
) -> Applied {
    let sound = match matter {
        Matter::Appeal => false,
        // Removals are for faults; taste is the curator's business, before the acceptance.
        Matter::Removal { reason } => reason.is_fault() && reason != Reason::Copy,
        Matter::Repeats { earlier, cluster } => {
            let other = transition.view.contribution(name, earlier)?;
            let keys =
                [contribution.cluster, other.cluster].map(|hash| StateKey::Cluster(name.clone(), hash));
            transition.view.need(keys)?;
            let held = transition.view.cluster(name, contribution.cluster)?;
            let held = held.expect("every committed contribution has a cluster");
            let order = |record: &ContributionRecord| (record.height, record.sequence);
            cluster == other.cluster
                && cluster != contribution.cluster
                && held.owner == id
                && order(&other) < order(contribution)
        }
    };
    if sound { Ok(()) } else { Err(Rejection::ClaimInvalid.into()) }
}

/// Objects to a claim: from now on a panel judges it. Anybody may, because many authors are not there to do it.
pub(super) fn contest(transition: &mut Transition<'_>, name: &Name, id: ContributionId) -> Applied {
    let mut dispute = dispute(transition, name, id)?;
    let (respondent, now) = (transition.sender, transition.epoch());
    if dispute.has_panel() || respondent == dispute.claimant {
        return Err(Rejection::ClaimInvalid.into());
    }
    if now > dispute.until_epoch {
        return Err(Rejection::TooLate.into());
    }
    bond(transition, respondent, dispute.bond, Cause::DisputeBond)?;
    dispute.respondent = Some(respondent);
    dispute.excluded.push(respondent);
    dispute.epoch = now;
    dispute.until_epoch = now.saturating_add(transition.parameters.datanets.vote_epochs);
    dispute.jurors = jurors::count(transition)?;
    transition.view.put(&dispute_key(name, id), &dispute);
    let (datanet, until_epoch) = (name.clone(), dispute.until_epoch);
    emit(transition, DatanetEvent::Contested { datanet, contribution: id, respondent, until_epoch });
    Ok(())
}

/// A juror who was drawn judges.
pub(super) fn vote(
    transition: &mut Transition<'_>,
    name: &Name,
    id: ContributionId,
    beacon: u64,
    for_claimant: bool,
) -> Applied {
    let mut dispute = dispute(transition, name, id)?;
    if !dispute.has_panel() {
        return Err(Rejection::NoPanel.into());
    }
    let panel = jurors::Panel {
        epoch: dispute.epoch,
        drawn_after: dispute.epoch,
        until_epoch: dispute.until_epoch,
        jurors: dispute.jurors,
        excluded: &dispute.excluded,
        votes: &dispute.votes,
    };
    jurors::sit(transition, &(name, id), beacon, &panel)?;
    let juror = transition.sender;
    dispute.votes.push((juror, for_claimant));
    transition.view.put(&dispute_key(name, id), &dispute);
    let datanet = name.clone();
    emit(transition, DatanetEvent::Voted { datanet, contribution: id, juror, for_claimant });
    Ok(())
}

/// What a dispute leads to.
fn keys_found(
    transition: &mut Transition<'_>,
    name: &Name,
    id: ContributionId,
    dispute: &DisputeRecord,
) -> Applied<Vec<StateKey>> {
    let people = [dispute.claimant].into_iter().chain(dispute.respondent);
    let people = people.chain(dispute.votes.iter().map(|(juror, _)| *juror));
    let mut keys: Vec<StateKey> = people.map(StateKey::Account).collect();
    if let Matter::Repeats { cluster, .. } = dispute.matter {
        keys.push(StateKey::Cluster(name.clone(), cluster));
    }
    if let Some(submission) = transition.view.get::<SubmissionRecord>(&submission_key(name, id))? {
        keys.extend(open::keys_found(name, &submission));
    }
    let key = StateKey::Contribution(name.clone(), id);
    if let Some(contribution) = transition.view.get::<ContributionRecord>(&key)? {
        keys.push(StateKey::Cluster(name.clone(), contribution.cluster));
    }
    Ok(keys)
}

/// How a dispute ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The claimant is right.
    Won,
    /// The claimant is wrong.
    Lost,
    /// Too few judged: the contribution stays or enters, and nobody pays anything.
    Void,
}

fn verdict(dispute: &DisputeRecord, quorum: u64) -> Verdict {
    if !dispute.has_panel() {
        return Verdict::Won;
    }
    let Some((won, lost)) = jurors::counted(&dispute.votes, quorum) else {
        return Verdict::Void;
    };
    // In doubt for the contribution.
    let wins = if dispute.matter == Matter::Appeal { won >= lost } else { won > lost };
    if wins { Verdict::Won } else { Verdict::Lost }
}

/// Applies the verdict when the time is over. Anybody may.
pub(super) fn close(transition: &mut Transition<'_>, name: &Name, id: ContributionId) -> Applied {
    let dispute = dispute(transition, name, id)?;
    let found = keys_found(transition, name, id, &dispute)?;
    transition.view.need(found)?;
    if transition.epoch() <= dispute.until_epoch {
        return Err(Rejection::TooEarly.into());
    }
    let verdict = verdict(&dispute, transition.parameters.datanets.panel_quorum);
    transition.view.remove(&dispute_key(name, id));
    pay(transition, &dispute, verdict)?;
    let (datanet, won) = (name.clone(), verdict == Verdict::Won);
    let votes = u32::try_from(dispute.votes.len()).unwrap_or(u32::MAX);
    emit(
        transition,
        DatanetEvent::DisputeClosed { datanet, contribution: id, matter: dispute.matter, won, votes },
    );
    match (dispute.matter, verdict) {
        (Matter::Appeal, Verdict::Won | Verdict::Void) => overturn(transition, name, id),
        (Matter::Appeal, Verdict::Lost) => {
            let submission = submission(transition, name, id)?;
            let Stage::Rejected { reason, in_force, .. } = submission.stage else {
                unreachable!("a submission stays rejected while its appeal is open");
            };
            open::refuse(transition, name, &submission, reason, in_force)
        }
        (Matter::Repeats { cluster, .. }, Verdict::Won) => merge(transition, name, id, cluster),
        (Matter::Removal { reason }, Verdict::Won) => {
            let fault = FaultRecord { reason, claimant: dispute.claimant };
            transition.view.put(&clawback::fault_key(name, id), &fault);
            expel(transition, name, id, reason)
        }
        (Matter::Repeats { .. } | Matter::Removal { .. }, Verdict::Lost | Verdict::Void) => Ok(()),
    }
}

/// A rejection does not stand: the contribution is in force for good.
fn overturn(transition: &mut Transition<'_>, name: &Name, id: ContributionId) -> Applied {
    let submission = submission(transition, name, id)?;
    if let Stage::Rejected { in_force: false, .. } = submission.stage {
        open::enter(transition, name, &submission, Provenance::Unverified)?;
    }
    open::settle(transition, name, &submission)
}

/// The later contribution's cluster belongs to whoever owns the earlier one's: copies earn nothing, and what they were
/// paid before stays paid.
fn merge(
    transition: &mut Transition<'_>,
    name: &Name,
    id: ContributionId,
    cluster: openledger_types::Hash,
) -> Applied {
    let contribution = transition.view.contribution(name, id)?;
    let (into, held) =
        (transition.view.cluster(name, cluster)?, transition.view.cluster(name, contribution.cluster)?);
    let into = into.expect("every committed contribution has a cluster");
    let held = held.expect("every committed contribution has a cluster");
    // Somebody earlier took the later one's cluster meanwhile: there is nothing left to merge.
    if held.owner != id {
        return Ok(());
    }
    let record =
        ClusterRecord { owner: into.owner, since: into.since, copies: held.copies.saturating_add(1) };
    transition.view.put(&StateKey::Cluster(name.clone(), contribution.cluster), &record);
    let (datanet, owner) = (name.clone(), into.owner);
    emit(transition, DatanetEvent::ClusterTaken { datanet, cluster: contribution.cluster, owner });
    Ok(())
}

/// A contribution must go. While it is provisional, its bond goes with it.
fn expel(transition: &mut Transition<'_>, name: &Name, id: ContributionId, reason: Reason) -> Applied {
    match transition.view.get::<SubmissionRecord>(&submission_key(name, id))? {
        Some(submission) => open::refuse(transition, name, &submission, reason, true),
        None => {
            let contribution = transition.view.contribution(name, id)?;
            open::remove(transition, name, id)?;
            clusters::vacate(transition, name, contribution.cluster, id)
        }
    }
}

/// The loser's bond pays the jurors' fixed fees, then half of the rest goes to the winner and half is burned. Where there
/// is no loser with a bond the claimant pays the fees alone: an appeal is a service, and a void panel has little to pay.
fn pay(transition: &mut Transition<'_>, dispute: &DisputeRecord, verdict: Verdict) -> Applied {
    let (payer, winner) = match (verdict, dispute.respondent) {
        (Verdict::Won, Some(respondent)) => (respondent, Some(dispute.claimant)),
        (Verdict::Lost, respondent) => (dispute.claimant, respondent),
        (Verdict::Won | Verdict::Void, _) => (dispute.claimant, None),
    };
    let parties = [Some(dispute.claimant), dispute.respondent].into_iter().flatten();
    for party in parties.filter(|party| *party != payer) {
        open::release(transition, party, dispute.bond, false)?;
    }
    let bond = Holder::Bond(payer);
    let mut rest = jurors::pay(transition, &bond, dispute.bond, &dispute.votes)?;
    if verdict != Verdict::Lost && winner.is_none() {
        return open::release(transition, payer, rest, false);
    }
    let half = rest.basis_points(BasisPoints(5_000));
    if let Some(winner) = winner {
        rest = rest.minus(half).expect("a half is a part");
        supply::shift(transition, bond, Holder::Account(winner), Asset::Open, half, Cause::Indemnity)?;
    }
    open::release(transition, payer, rest, true)
}
