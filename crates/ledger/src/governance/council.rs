//! The emergency council: its election by the contributor house, and the one pause that it may order.

use std::collections::BTreeMap;

use openledger_types::governance::{
    Candidate, CouncilRecord, ElectionClusterRecord, ElectionRecord, ElectionVoteRecord, EnrolmentRecord,
    House, Pausable, PauseOrder, Scope, Seat,
};
use openledger_types::{AccountId, BasisPoints, Event, GovernanceEvent, Rejection, limits};

use super::key::GovernanceKey;
use super::{arithmetic, houses, pause};
use crate::accounts;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// How long an order waits for the same order of others.
const ORDER_MS: u64 = 86_400_000;

pub(super) fn keys(sender: AccountId) -> Vec<StateKey> {
    vec![
        GovernanceKey::Council.state(),
        GovernanceKey::Election.state(),
        GovernanceKey::Pause.state(),
        GovernanceKey::House(Scope::Protocol, House::Contributors).state(),
        GovernanceKey::Enrolment(Scope::Protocol, sender).state(),
        accounts::key_of_cluster(sender),
    ]
}

fn council(transition: &mut Transition<'_>) -> Applied<CouncilRecord> {
    Ok(transition.view.get(&GovernanceKey::Council.state())?.unwrap_or_default())
}

fn election(transition: &mut Transition<'_>) -> Applied<ElectionRecord> {
    Ok(transition.view.get(&GovernanceKey::Election.state())?.ok_or(Rejection::ElectionNone)?)
}

fn emit(transition: &mut Transition<'_>, event: GovernanceEvent) {
    transition.emit(Event::Governance(event));
}

/// Opens an election when no council can act.
pub(super) fn open_election(transition: &mut Transition<'_>) -> Applied {
    let key = GovernanceKey::Election.state();
    if transition.view.get::<ElectionRecord>(&key)?.is_some() {
        return Err(Rejection::ElectionRuns.into());
    }
    let (mut council, epoch) = (council(transition)?, transition.epoch());
    if !council.seats.is_empty() && !council.used && epoch < council.term_ends_in_epoch {
        return Err(Rejection::CouncilInOffice.into());
    }
    council.election = council.election.saturating_add(1);
    transition.view.put(&GovernanceKey::Council.state(), &council);
    let house = houses::house(transition, &Scope::Protocol, House::Contributors)?;
    let closes_in_epoch = epoch.saturating_add(transition.parameters.governance.election_epochs);
    let total = arithmetic::counted(house.opening);
    let election = ElectionRecord { epoch, closes_in_epoch, total, candidates: Vec::new(), stood: 0 };
    transition.view.put(&key, &election);
    emit(transition, GovernanceEvent::ElectionOpened { election: council.election, closes_in_epoch });
    Ok(())
}

/// The sender's cluster and weight in the open election, and whether it came to that cluster since it was opened.
fn elector(
    transition: &mut Transition<'_>,
    election: &ElectionRecord,
    more: impl FnOnce(AccountId) -> Vec<StateKey>,
) -> Applied<(AccountId, u64, bool)> {
    let account = transition.sender;
    let key = GovernanceKey::Enrolment(Scope::Protocol, account).state();
    let enrolment: EnrolmentRecord = transition.view.get(&key)?.unwrap_or_default();
    let cluster = accounts::cluster_of(transition, account)?;
    let mut needed = houses::keys_of_audited(cluster, account, &enrolment.domains);
    needed.extend(more(cluster));
    transition.view.need(needed)?;
    let parameters = transition.parameters.governance;
    let house = House::Contributors;
    let then = arithmetic::weight_at(&enrolment.weights, house, election.epoch, &parameters);
    let weight = if then == 0 {
        0
    } else {
        then.min(houses::audited_weight(transition, account, &enrolment.domains)?)
    };
    if weight == 0 {
        return Err(Rejection::Weightless.into());
    }
    Ok((cluster, weight, accounts::moved_since(transition, account, election.epoch)?))
}

/// The most that one cluster counts.
fn cap(transition: &Transition<'_>, election: &ElectionRecord) -> u64 {
    let cap = u64::from(transition.parameters.governance.contributor_cap.0);
    arithmetic::part(election.total, cap, u64::from(BasisPoints::WHOLE.0))
}

fn check_open(transition: &Transition<'_>, election: &ElectionRecord) -> Applied {
    let open = transition.epoch() < election.closes_in_epoch;
    if open { Ok(()) } else { Err(Rejection::ElectionNone.into()) }
}

/// Stands for the council: a member of the contributor house, one for each cluster. When the list is full, the candidate with the
/// fewest votes makes room for whoever weighs more than those, so many small candidates keep out nobody with support.
pub(super) fn stand(transition: &mut Transition<'_>) -> Applied {
    let mut election = election(transition)?;
    check_open(transition, &election)?;
    let account = transition.sender;
    let (cluster, weight, moved) = elector(transition, &election, |_| Vec::new())?;
    if moved {
        return Err(Rejection::ClusterMoved.into());
    }
    if election.candidates.iter().any(|one| one.cluster == cluster || one.account == account) {
        return Err(Rejection::CandidateInvalid.into());
    }
    if election.candidates.len() >= limits::CANDIDATES_MAX {
        let weakest = election.candidates.iter().enumerate();
        let weakest = weakest.min_by_key(|(_, one)| (one.votes, std::cmp::Reverse(one.number)));
        let own = weight.min(cap(transition, &election));
        let place = weakest.filter(|(_, one)| one.votes < own).map(|(place, _)| place);
        election.candidates.remove(place.ok_or(Rejection::CandidatesTooMany)?);
    }
    election.stood = election.stood.saturating_add(1);
    election.candidates.push(Candidate { account, cluster, votes: 0, number: election.stood });
    transition.view.put(&GovernanceKey::Election.state(), &election);
    let number = council(transition)?.election;
    emit(transition, GovernanceEvent::CandidateStood { election: number, candidate: account });
    Ok(())
}

/// Gives the sender's vote to one candidate, or moves it. One vote for seven seats, so a minority gets its part of them.
pub(super) fn elect(transition: &mut Transition<'_>, candidate: AccountId) -> Applied {
    let mut election = election(transition)?;
    check_open(transition, &election)?;
    let (account, number) = (transition.sender, council(transition)?.election);
    let chosen = election.candidates.iter().find(|one| one.account == candidate);
    let chosen = chosen.ok_or(Rejection::CandidateInvalid)?.number;
    let vote_key = GovernanceKey::ElectionVote(number, account).state();
    let cluster_key = |cluster| GovernanceKey::ElectionCluster(number, cluster).state();
    let (own, weight, moved) =
        elector(transition, &election, |cluster| vec![vote_key.clone(), cluster_key(cluster)])?;
    let earlier: Option<ElectionVoteRecord> = transition.view.get(&vote_key)?;
    // A vote stays with the cluster in which it was first counted, so nothing is counted twice and no cap is counted anew.
    if moved && earlier.is_none() {
        return Err(Rejection::ClusterMoved.into());
    }
    let cluster = earlier.map_or(own, |earlier| earlier.cluster);
    let mut given: ElectionClusterRecord = transition.view.get(&cluster_key(cluster))?.unwrap_or_default();
    let cap = cap(transition, &election);
    let before = counted(&given, cap);
    if let Some(earlier) = earlier {
        let mut lines = given.given.iter_mut().filter(|(number, _)| *number == earlier.candidate);
        lines.by_ref().for_each(|(_, sum)| *sum = sum.saturating_sub(earlier.weight));
    }
    match given.given.iter_mut().find(|(number, _)| *number == chosen) {
        Some((_, sum)) => *sum = sum.saturating_add(weight),
        None => given.given.push((chosen, weight)),
    }
    // What was given to somebody who made room for others is free again.
    let stands = |number: u32| election.candidates.iter().any(|one| one.number == number);
    given.given.retain(|(number, sum)| *sum > 0 && stands(*number));
    let after = counted(&given, cap);
    for one in &mut election.candidates {
        let of = |counted: &BTreeMap<u32, u64>| counted.get(&one.number).copied().unwrap_or_default();
        one.votes = one.votes.saturating_sub(of(&before)).saturating_add(of(&after));
    }
    transition.view.put(&vote_key, &ElectionVoteRecord { candidate: chosen, weight, cluster });
    transition.view.put(&cluster_key(cluster), &given);
    transition.view.put(&GovernanceKey::Election.state(), &election);
    emit(transition, GovernanceEvent::Elected { election: number, account, candidate });
    Ok(())
}

/// What a cluster counts for each candidacy, through its cap.
fn counted(given: &ElectionClusterRecord, cap: u64) -> BTreeMap<u32, u64> {
    let sums: Vec<u64> = given.given.iter().map(|(_, sum)| *sum).collect();
    given.given.iter().map(|(number, _)| *number).zip(arithmetic::capped(&sums, cap)).collect()
}

/// Seats the seven with the most votes, earlier candidates first on a tie. Nobody when too few voted or fewer than five got
/// a vote: then another election can be opened.
pub(super) fn close_election(transition: &mut Transition<'_>) -> Applied {
    let election = election(transition)?;
    let epoch = transition.epoch();
    if epoch < election.closes_in_epoch {
        return Err(Rejection::ElectionRuns.into());
    }
    let mut council = council(transition)?;
    let votes = election.candidates.iter().fold(0u64, |sum, one| sum.saturating_add(one.votes));
    let quorum = transition.parameters.governance.election_quorum.0;
    let mut elected: Vec<&Candidate> = election.candidates.iter().filter(|one| one.votes > 0).collect();
    elected.sort_by_key(|one| std::cmp::Reverse(one.votes));
    elected.truncate(limits::COUNCIL_SEATS);
    let seated = arithmetic::reaches(votes, election.total, quorum);
    let members: Vec<AccountId> = if seated && elected.len() >= limits::COUNCIL_MAJORITY {
        elected.into_iter().map(|one| one.account).collect()
    } else {
        Vec::new()
    };
    council.seats = members.iter().map(|member| Seat { member: *member, order: None }).collect();
    council.used = false;
    council.term_ends_in_epoch = epoch.saturating_add(transition.parameters.governance.council_term_epochs);
    transition.view.put(&GovernanceKey::Council.state(), &council);
    transition.view.remove(&GovernanceKey::Election.state());
    emit(transition, GovernanceEvent::CouncilSeated { election: council.election, members });
    Ok(())
}

/// Orders a pause. It begins when five members gave the same order within a day; then the council has no more.
pub(super) fn order_pause(transition: &mut Transition<'_>, steps: &[Pausable], duration_ms: u64) -> Applied {
    let (mut council, now) = (council(transition)?, transition.context.timestamp_ms);
    let (member, in_office) = (transition.sender, transition.epoch() < council.term_ends_in_epoch);
    let seat = council.seats.iter_mut().find(|seat| seat.member == member).filter(|_| in_office);
    let seat = seat.ok_or(Rejection::NotCouncil)?;
    if council.used {
        return Err(Rejection::CouncilUsed.into());
    }
    let increasing = steps.iter().zip(steps.iter().skip(1)).all(|(one, next)| one < next);
    let longest = transition.parameters.governance.pause_ms_max;
    if steps.is_empty() || !increasing || !(1..=longest).contains(&duration_ms) {
        return Err(Rejection::PauseInvalid.into());
    }
    seat.order = Some(PauseOrder { steps: steps.to_vec(), duration_ms, ordered_at_ms: now });
    let same = council.seats.iter().filter(|seat| {
        seat.order.as_ref().is_some_and(|order| {
            order.steps == steps
                && order.duration_ms == duration_ms
                && now.saturating_sub(order.ordered_at_ms) < ORDER_MS
        })
    });
    let agreed = same.count() >= limits::COUNCIL_MAJORITY;
    council.used = agreed;
    transition.view.put(&GovernanceKey::Council.state(), &council);
    let steps = steps.to_vec();
    emit(transition, GovernanceEvent::PauseOrdered { member, steps: steps.clone(), duration_ms });
    if agreed {
        let until_ms = now.saturating_add(duration_ms);
        pause::begin(transition, &steps, until_ms)?;
        emit(transition, GovernanceEvent::Paused { steps, until_ms });
    }
    Ok(())
}
