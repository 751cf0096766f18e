//! The emergency council: its election by the contributor house, and the one pause that it may order.

use openledger_types::governance::{
    Candidate, CouncilRecord, ElectionClusterRecord, ElectionRecord, ElectionVoteRecord, EnrolmentRecord,
    House, Pausable, PauseOrder, PauseRecord, Scope, Seat,
};
use openledger_types::{AccountId, BasisPoints, Event, GovernanceEvent, Rejection, limits};

use super::key::GovernanceKey;
use super::{arithmetic, houses};
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
    transition.view.put(&key, &ElectionRecord { epoch, closes_in_epoch, total, candidates: Vec::new() });
    emit(transition, GovernanceEvent::ElectionOpened { election: council.election, closes_in_epoch });
    Ok(())
}

/// The sender's cluster and weight in the open election.
fn elector(
    transition: &mut Transition<'_>,
    election: &ElectionRecord,
    more: impl FnOnce(AccountId) -> Vec<StateKey>,
) -> Applied<(AccountId, u64)> {
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
    if weight == 0 { Err(Rejection::Weightless.into()) } else { Ok((cluster, weight)) }
}

fn check_open(transition: &Transition<'_>, election: &ElectionRecord) -> Applied {
    let open = transition.epoch() < election.closes_in_epoch;
    if open { Ok(()) } else { Err(Rejection::ElectionNone.into()) }
}

/// Stands for the council: a member of the contributor house, one for each cluster.
pub(super) fn stand(transition: &mut Transition<'_>) -> Applied {
    let mut election = election(transition)?;
    check_open(transition, &election)?;
    let account = transition.sender;
    let (cluster, _) = elector(transition, &election, |_| Vec::new())?;
    if election.candidates.iter().any(|one| one.cluster == cluster || one.account == account) {
        return Err(Rejection::CandidateInvalid.into());
    }
    if election.candidates.len() >= limits::CANDIDATES_MAX {
        return Err(Rejection::CandidatesTooMany.into());
    }
    election.candidates.push(Candidate { account, cluster, votes: 0 });
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
    let place = election.candidates.iter().position(|one| one.account == candidate);
    let place = place.ok_or(Rejection::CandidateInvalid)?;
    let vote_key = GovernanceKey::ElectionVote(number, account).state();
    let cluster_key = |cluster| GovernanceKey::ElectionCluster(number, cluster).state();
    let (cluster, weight) =
        elector(transition, &election, |cluster| vec![vote_key.clone(), cluster_key(cluster)])?;
    let earlier: Option<ElectionVoteRecord> = transition.view.get(&vote_key)?;
    // A vote stays with the cluster in which it was first counted, so changing it never counts it twice.
    if earlier.is_some_and(|earlier| earlier.cluster != cluster) {
        return Err(Rejection::Weightless.into());
    }
    let mut given: ElectionClusterRecord = transition.view.get(&cluster_key(cluster))?.unwrap_or_default();
    given.given.resize(election.candidates.len().max(given.given.len()), 0);
    let whole = u64::from(BasisPoints::WHOLE.0);
    let cap = u64::from(transition.parameters.governance.contributor_cap.0);
    let cap = arithmetic::part(election.total, cap, whole);
    let before = arithmetic::capped(&given.given, cap);
    if let Some(earlier) = earlier {
        let earlier_place = usize::try_from(earlier.candidate).unwrap_or(usize::MAX);
        if let Some(sum) = given.given.get_mut(earlier_place) {
            *sum = sum.saturating_sub(earlier.weight);
        }
    }
    if let Some(sum) = given.given.get_mut(place) {
        *sum = sum.saturating_add(weight);
    }
    let after = arithmetic::capped(&given.given, cap);
    for ((one, before), after) in election.candidates.iter_mut().zip(before).zip(after) {
        one.votes = one.votes.saturating_sub(before).saturating_add(after);
    }
    let place = u32::try_from(place).expect("candidates are few");
    transition.view.put(&vote_key, &ElectionVoteRecord { candidate: place, weight, cluster });
    transition.view.put(&cluster_key(cluster), &given);
    transition.view.put(&GovernanceKey::Election.state(), &election);
    emit(transition, GovernanceEvent::Elected { election: number, account, candidate });
    Ok(())
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
        transition.view.put(&GovernanceKey::Pause.state(), &PauseRecord { steps: steps.clone(), until_ms });
        emit(transition, GovernanceEvent::Paused { steps, until_ms });
    }
    Ok(())
}
