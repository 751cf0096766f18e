//! Votes and objections, and counting them.

use openledger_types::governance::{
    ClusterVotesRecord, EnrolmentRecord, House, LockRecord, ProposalRecord, Scope, ScopeRecord, Stage, Tally,
    VoteRecord,
};
use openledger_types::{
    AccountId, Amount, Asset, BasisPoints, Cause, Event, GovernanceEvent, Holder, ProposalClass, Rejection,
};

use super::key::GovernanceKey;
use super::{arithmetic, houses};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{accounts, supply};

/// A vote that nobody closes so many epochs after its end has failed.
const CLOSING_EPOCHS: u64 = 8;

pub(super) fn keys(sender: AccountId, scope: &Scope, proposal: u64) -> Vec<StateKey> {
    vec![
        GovernanceKey::Scope(scope.clone()).state(),
        GovernanceKey::Proposal(scope.clone(), proposal).state(),
        GovernanceKey::Vote(scope.clone(), proposal, sender).state(),
        GovernanceKey::Lock(scope.clone(), sender).state(),
        GovernanceKey::Enrolment(scope.clone(), sender).state(),
        accounts::key_of_cluster(sender),
    ]
}

pub(super) fn read(transition: &mut Transition<'_>, scope: &Scope, number: u64) -> Applied<ProposalRecord> {
    let key = GovernanceKey::Proposal(scope.clone(), number).state();
    Ok(transition.view.get(&key)?.ok_or(Rejection::ProposalUnknown)?)
}

pub(super) fn write(transition: &mut Transition<'_>, scope: &Scope, number: u64, record: &ProposalRecord) {
    transition.view.put(&GovernanceKey::Proposal(scope.clone(), number).state(), record);
}

/// Moves a proposal to a stage and says so.
pub(super) fn reach(
    transition: &mut Transition<'_>,
    scope: &Scope,
    number: u64,
    record: &mut ProposalRecord,
    stage: Stage,
) {
    record.stage = stage;
    write(transition, scope, number, record);
    let (scope, proposal) = (scope.clone(), number);
    transition.emit(Event::Governance(GovernanceEvent::StageReached { scope, proposal, stage }));
}

/// A vote with its weight: as it was at the beginning of the epoch of the proposal, and no more than there is now. It is
/// counted in the cluster of that epoch: who came to another since is not counted anew there, and who voted stays where that was.
fn weigh(
    transition: &mut Transition<'_>,
    scope: &Scope,
    number: u64,
    proposal: &ProposalRecord,
    (support, earlier): (bool, Option<&VoteRecord>),
) -> Applied<VoteRecord> {
    let (account, epoch) = (transition.sender, transition.epoch());
    let lock = GovernanceKey::Lock(scope.clone(), account).state();
    let enrolment = GovernanceKey::Enrolment(scope.clone(), account).state();
    let lock: LockRecord = transition.view.get(&lock)?.unwrap_or_default();
    let enrolment: EnrolmentRecord = transition.view.get(&enrolment)?.unwrap_or_default();
    let own = accounts::cluster_of(transition, account)?;
    let cluster = earlier.map_or(own, |earlier| earlier.cluster);
    // Everything else that the vote reads, in one round of loading.
    let mut needed = houses::keys_of_audited(own, account, &enrolment.domains);
    needed.push(GovernanceKey::ClusterVotes(scope.clone(), number, cluster).state());
    transition.view.need(needed)?;
    let parameters = transition.parameters.governance;
    let then = |weights: &[_], house| arithmetic::weight_at(weights, house, proposal.epoch, &parameters);
    let held = houses::now(&lock.weights, House::Token, epoch, &parameters).full;
    let token = then(&lock.weights, House::Token).min(held);
    let work = then(&enrolment.weights, House::Contributors);
    let contributors = if work == 0 {
        0
    } else {
        work.min(houses::audited_weight(transition, account, &enrolment.domains)?)
    };
    if token == 0 && contributors == 0 {
        return Err(Rejection::Weightless.into());
    }
    if earlier.is_none() && accounts::moved_since(transition, account, proposal.epoch)? {
        return Err(Rejection::ClusterMoved.into());
    }
    Ok(VoteRecord { support, token, contributors, cluster })
}

/// Adds or takes away what an account gave, through the cap of its cluster.
fn count(
    transition: &mut Transition<'_>,
    scope: &Scope,
    number: u64,
    proposal: &mut ProposalRecord,
    vote: &VoteRecord,
    adds: bool,
) -> Applied {
    let key = GovernanceKey::ClusterVotes(scope.clone(), number, vote.cluster).state();
    let mut cluster: ClusterVotesRecord = transition.view.get(&key)?.unwrap_or_default();
    let side = usize::from(vote.support);
    let terms = proposal.terms;
    recount(&mut proposal.token, &mut cluster.token, terms.token_cap, side, vote.token, adds);
    let house = &mut proposal.contributors;
    recount(house, &mut cluster.contributors, terms.contributor_cap, side, vote.contributors, adds);
    transition.view.put(&key, &cluster);
    Ok(())
}

fn recount(tally: &mut Tally, given: &mut [u64; 2], cap: u16, side: usize, weight: u64, adds: bool) {
    let cap = arithmetic::part(tally.total, u64::from(cap), u64::from(BasisPoints::WHOLE.0));
    let before = arithmetic::capped(given, cap);
    if let Some(sum) = given.get_mut(side) {
        *sum = if adds { sum.saturating_add(weight) } else { sum.saturating_sub(weight) };
    }
    let after = arithmetic::capped(given, cap);
    let moved = |votes: u64, side: usize| {
        let (before, after) = (before.get(side).copied(), after.get(side).copied());
        votes.saturating_sub(before.unwrap_or_default()).saturating_add(after.unwrap_or_default())
    };
    *tally = Tally { no: moved(tally.no, 0), yes: moved(tally.yes, 1), total: tally.total };
}

/// Votes, or changes a vote. After approval objections alone are taken; they make the delay longer.
pub(super) fn vote(transition: &mut Transition<'_>, scope: &Scope, number: u64, support: bool) -> Applied {
    let (account, epoch) = (transition.sender, transition.epoch());
    let mut proposal = read(transition, scope, number)?;
    let open = match proposal.stage {
        Stage::Voting => epoch < proposal.closes_in_epoch,
        Stage::Approved { executes_in_epoch, .. } => !support && epoch < executes_in_epoch,
        _ => false,
    };
    if !open {
        return Err(Rejection::VoteOver.into());
    }
    let key = GovernanceKey::Vote(scope.clone(), number, account).state();
    let earlier: Option<VoteRecord> = transition.view.get(&key)?;
    let vote = weigh(transition, scope, number, &proposal, (support, earlier.as_ref()))?;
    if let Some(earlier) = &earlier {
        count(transition, scope, number, &mut proposal, earlier, false)?;
    }
    count(transition, scope, number, &mut proposal, &vote, true)?;
    transition.view.put(&key, &vote);
    if support && vote.token > 0 {
        hold(transition, scope, proposal.closes_in_epoch)?;
    }
    write(transition, scope, number, &proposal);
    transition.emit(Event::Governance(GovernanceEvent::Voted {
        scope: scope.clone(),
        proposal: number,
        account,
        support,
        token: proposal.token,
        contributors: proposal.contributors,
    }));
    object(transition, scope, number, &mut proposal)
}

/// Whoever supports a change stays locked until the vote is over.
fn hold(transition: &mut Transition<'_>, scope: &Scope, until: u64) -> Applied {
    let key = GovernanceKey::Lock(scope.clone(), transition.sender).state();
    let mut lock: LockRecord = transition.view.get(&key)?.unwrap_or_default();
    lock.held_until_epoch = lock.held_until_epoch.max(until);
    transition.view.put(&key, &lock);
    Ok(())
}

/// What objections do: they cancel a routine proposal, and make the delay of an approved one longer, never shorter.
fn object(
    transition: &mut Transition<'_>,
    scope: &Scope,
    number: u64,
    proposal: &mut ProposalRecord,
) -> Applied {
    let (token, contributors, terms) = (proposal.token, proposal.contributors, proposal.terms);
    match proposal.stage {
        Stage::Voting if proposal.class == ProposalClass::Routine => {
            let enough = arithmetic::reaches(token.no, token.total, terms.token)
                || arithmetic::reaches(contributors.no, contributors.total, terms.contributors);
            if enough {
                decide(transition, scope, proposal, false)?;
                reach(transition, scope, number, proposal, Stage::Cancelled);
            }
        }
        Stage::Approved { epoch, executes_in_epoch } => {
            let delay = arithmetic::delay(&terms, arithmetic::objections(&token, &contributors));
            let later = epoch.saturating_add(delay).max(executes_in_epoch);
            if later > executes_in_epoch {
                let stage = Stage::Approved { epoch, executes_in_epoch: later };
                reach(transition, scope, number, proposal, stage);
            }
        }
        _ => {}
    }
    Ok(())
}

/// A proposal is open no longer; its bond comes back or is lost.
pub(super) fn decide(
    transition: &mut Transition<'_>,
    scope: &Scope,
    proposal: &mut ProposalRecord,
    returns: bool,
) -> Applied {
    let key = GovernanceKey::Scope(scope.clone()).state();
    let mut record: ScopeRecord = transition.view.get(&key)?.unwrap_or_default();
    record.open.retain(|proposer| *proposer != proposal.proposer);
    transition.view.put(&key, &record);
    let (to, cause) = if returns {
        (Holder::Account(proposal.proposer), Cause::ProposalBondReturned)
    } else {
        (Holder::Burned, Cause::ProposalBondLost)
    };
    let bond = std::mem::replace(&mut proposal.bond, Amount::ZERO);
    supply::shift(transition, Holder::Custody, to, Asset::Open, bond, cause)
}

/// Counts the votes on a money or constitutional proposal.
pub(super) fn close(transition: &mut Transition<'_>, scope: &Scope, number: u64) -> Applied {
    let mut proposal = read(transition, scope, number)?;
    if proposal.class == ProposalClass::Routine || proposal.stage != Stage::Voting {
        return Err(Rejection::NotApproved.into());
    }
    let epoch = transition.epoch();
    if epoch < proposal.closes_in_epoch {
        return Err(Rejection::VoteOpen.into());
    }
    let (token, contributors, terms) = (proposal.token, proposal.contributors, proposal.terms);
    let voted = |tally: &Tally| tally.yes.saturating_add(tally.no);
    let quorum = arithmetic::reaches(voted(&token), token.total, terms.token)
        && arithmetic::reaches(voted(&contributors), contributors.total, terms.contributors);
    let passes = |tally: &Tally| {
        let (yes, no) = (u128::from(tally.yes), u128::from(tally.no));
        match proposal.class {
            // Two thirds: at least two for each one against.
            ProposalClass::Constitution => yes > 0 && yes >= no.saturating_mul(2),
            _ => yes > no,
        }
    };
    // Weights are remembered for as long as a vote, its closing and its delay can take, so nobody gains by waiting.
    let late = epoch > proposal.closes_in_epoch.saturating_add(CLOSING_EPOCHS);
    let passed = quorum && !late && passes(&token) && passes(&contributors);
    decide(transition, scope, &mut proposal, quorum)?;
    let delay = arithmetic::delay(&terms, arithmetic::objections(&token, &contributors));
    let approved = Stage::Approved { epoch, executes_in_epoch: epoch.saturating_add(delay) };
    let stage = if passed { approved } else { Stage::Failed };
    reach(transition, scope, number, &mut proposal, stage);
    Ok(())
}
