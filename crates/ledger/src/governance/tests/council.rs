//! The emergency council: election, one pause, election again.

use openledger_types::Rejection::*;
use openledger_types::{Asset, Rejection};

use super::*;

const DAY_MS: u64 = 86_400_000;

fn order(steps: &[Pausable], duration_ms: u64) -> Action {
    ask(GovernanceAction::OrderPause { steps: steps.to_vec(), duration_ms })
}

fn elect(candidate: u8) -> Action {
    ask(GovernanceAction::Elect { candidate: account(candidate) })
}

fn stand() -> Action {
    ask(GovernanceAction::Stand)
}

fn open() -> Action {
    ask(GovernanceAction::OpenElection)
}

fn seat() -> Action {
    ask(GovernanceAction::CloseElection)
}

fn seated() -> World {
    let mut world = voters();
    world.accept(STRANGER, open());
    for who in 0..7 {
        world.accept(who, stand());
        world.accept(who, elect(who));
    }
    world.pass(7);
    world.accept(STRANGER, seat());
    world
}

#[test]
fn the_contributor_house_elects_seven() {
    let mut world = voters();
    world.check([
        (0, stand(), Err(ElectionNone)),
        (0, elect(1), Err(ElectionNone)),
        (0, seat(), Err(ElectionNone)),
        (10, open(), Ok(())),
        (10, open(), Err(ElectionRuns)),
        (10, stand(), Err(Weightless)),
        (0, elect(1), Err(CandidateInvalid)),
        (1, stand(), Ok(())),
        (1, stand(), Err(CandidateInvalid)),
        (10, elect(1), Err(Weightless)),
        (0, elect(1), Ok(())),
        (0, seat(), Err(ElectionRuns)),
        (2, stand(), Ok(())),
        (0, elect(2), Ok(())),
    ]);
    let election: ElectionRecord = world.record(&GovernanceKey::Election.state()).unwrap();
    assert_eq!(election.candidates[0].votes, 0, "a vote moves");
    assert!(election.candidates[1].votes > 0);
    let key = GovernanceKey::Election.state();
    let mut full = election;
    full.candidates = (0..64)
        .map(|byte| Candidate {
            account: openledger_types::AccountId([byte; 20]),
            cluster: openledger_types::AccountId([byte; 20]),
            votes: 0,
        })
        .collect();
    world.state.insert(key.encode(), codec::encode(&full));
    world.check([(3, stand(), Err(CandidatesTooMany))]);
    world.pass(7);
    world.check([(3, elect(1), Err(ElectionNone)), (3, seat(), Ok(())), (3, open(), Ok(()))]);
    let council: CouncilRecord = world.record(&GovernanceKey::Council.state()).unwrap();
    assert!(council.seats.is_empty(), "too few got votes");
}

#[test]
fn five_of_seven_pause_named_steps_once() {
    let mut world = seated();
    let hours = |count: u64| count * 3_600_000;
    let settlement = [Pausable::Providers, Pausable::Channels];
    let wrong = [Pausable::Channels, Pausable::Providers];
    world.check([
        (0, open(), Err(CouncilInOffice)),
        (7, order(&settlement, hours(1)), Err(NotCouncil)),
        (0, order(&[], hours(1)), Err(PauseInvalid)),
        (0, order(&wrong, hours(1)), Err(PauseInvalid)),
        (0, order(&settlement, 0), Err(PauseInvalid)),
        (0, order(&settlement, hours(72) + 1), Err(PauseInvalid)),
        (0, order(&settlement, hours(72)), Ok(())),
        (0, order(&settlement, hours(72)), Ok(())),
        (1, order(&settlement, hours(72)), Ok(())),
        (2, order(&settlement, hours(72)), Ok(())),
        (3, order(&settlement, hours(71)), Ok(())),
        (4, order(&settlement, hours(72)), Ok(())),
        (9, provider(1_000_000_000), Ok(())),
    ]);
    let before = world.state.get(&StateKey::Supply.encode()).cloned();
    let events = world.accept(5, order(&settlement, hours(72)));
    assert!(events.iter().all(|event| matches!(event, Event::Governance(_))), "a pause moves no money");
    assert_eq!(world.state.get(&StateKey::Supply.encode()).cloned(), before);
    let paused: Result<(), Rejection> = Err(StepPaused);
    world.check([
        (8, provider(1_000_000_000), paused),
        (8, gateway(1_000_000_000, 1), paused),
        (8, transfer(1, Asset::Credit, 1), Ok(())),
        (0, unlock(1), Ok(())),
        (0, order(&settlement, hours(1)), Err(CouncilUsed)),
        (9, open(), Ok(())),
    ]);
    world.context.timestamp_ms += hours(72);
    world.check([(8, provider(1_000_000_000), Ok(()))]);
}

#[test]
fn an_order_is_forgotten_after_a_day_and_a_council_after_its_term() {
    let mut world = seated();
    for who in 0..4 {
        world.accept(who, order(&[Pausable::Models], DAY_MS));
    }
    world.context.timestamp_ms += DAY_MS;
    world.accept(4, order(&[Pausable::Models], DAY_MS));
    assert!(!world.state.contains_key(&GovernanceKey::Pause.state().encode()));
    world.pass(365);
    world.check([(0, order(&[Pausable::Models], DAY_MS), Err(NotCouncil)), (0, open(), Ok(()))]);
}
