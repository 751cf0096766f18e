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
    let small = |byte: u8| Candidate {
        account: openledger_types::AccountId([byte; 20]),
        cluster: openledger_types::AccountId([byte; 20]),
        votes: 1 + u64::from(byte),
        number: 100 + u32::from(byte),
    };
    full.candidates = (0..64).map(small).collect();
    let strong = full.candidates.iter().map(|one| Candidate { votes: u64::MAX, ..one.clone() });
    let strong = ElectionRecord { candidates: strong.collect(), ..full.clone() };
    world.state.insert(key.encode(), codec::encode(&strong));
    world.check([(3, stand(), Err(CandidatesTooMany))]);
    // Sixty-four with a little work each filled the list, and nobody else could stand.
    world.state.insert(key.encode(), codec::encode(&full));
    world.check([(3, stand(), Ok(())), (3, elect(3), Ok(())), (0, elect(1), Err(CandidateInvalid))]);
    let election: ElectionRecord = world.record(&key).unwrap();
    assert_eq!(election.candidates.len(), 64);
    assert!(election.candidates.iter().all(|one| one.votes > 1), "the weakest made room");
    assert_eq!(election.candidates[63].account, account(3));
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

/// A second pause took the place of the first: five members of the next council ended what theirs had paused.
#[test]
fn a_pause_ends_no_other() {
    let mut world = World::new();
    let now = world.context.timestamp_ms;
    let pause = |world: &mut World, steps: &[Pausable], until_ms| {
        world.transit(0, |transition| crate::governance::pause::begin(transition, steps, until_ms));
    };
    pause(&mut world, &[Pausable::Providers, Pausable::Settlement], now + 10);
    pause(&mut world, &[Pausable::Channels, Pausable::Providers], now + 5);
    let record: PauseRecord = world.record(&GovernanceKey::Pause.state()).unwrap();
    let lines: Vec<_> = record.steps.iter().map(|paused| (paused.step, paused.until_ms - now)).collect();
    assert_eq!(lines, [(Pausable::Providers, 10), (Pausable::Channels, 5), (Pausable::Settlement, 10)]);
    world.context.timestamp_ms += 10;
    world.check([(9, provider(1_000_000_000), Ok(()))]);
    pause(&mut world, &[Pausable::Providers], now + 12);
    let record: PauseRecord = world.record(&GovernanceKey::Pause.state()).unwrap();
    assert_eq!((record.steps[0].from_ms, record.steps[0].until_ms), (now + 10, now + 12));
}

/// Proposals were paused for longer than an approved one could wait, and it was cancelled; leaving ended with it.
#[test]
fn a_pause_of_proposals_takes_no_time_from_them() {
    let mut world = voters_with(|parameters| parameters.governance.execution_epochs = 2);
    world.accept(0, propose(&[grant(1_000)], Some(KEPT)));
    world.accept(1, propose(&[grant(2_000)], Some(KEPT)));
    votes(&mut world, 1, 0..4, 4..4);
    votes(&mut world, 2, 0..4, 4..4);
    world.pass(7);
    world.accept(0, close(1));
    world.accept(0, close(2));
    world.pass(7);
    let until_ms = world.context.timestamp_ms + 3 * world.parameters.epoch_ms;
    let proposals = [Pausable::Proposals];
    world.transit(0, |transition| crate::governance::pause::begin(transition, &proposals, until_ms));
    world.pass(2);
    world.check([(0, run(1), Err(StepPaused))]);
    world.pass(3);
    world.accept(0, run(1));
    assert!(matches!(stage(&world, 1), Stage::Executed { .. }), "two epochs after the pause");
    world.pass(1);
    world.accept(0, run(2));
    assert_eq!(stage(&world, 2), Stage::Cancelled);
}

/// Two pauses, the second a moment after the first: what was approved before both was cancelled as if only the second had been.
#[test]
fn two_pauses_of_proposals_take_no_time_from_them() {
    let mut world = voters_with(|parameters| parameters.governance.execution_epochs = 2);
    world.accept(0, propose(&[grant(1_000)], Some(KEPT)));
    votes(&mut world, 1, 0..4, 4..4);
    world.pass(7);
    world.accept(0, close(1));
    world.pass(7);
    for _ in 0..2 {
        let until_ms = world.context.timestamp_ms + 3 * world.parameters.epoch_ms;
        let proposals = [Pausable::Proposals];
        world.transit(0, |transition| crate::governance::pause::begin(transition, &proposals, until_ms));
        world.context.timestamp_ms += 1;
        world.pass(3);
    }
    world.accept(0, run(1));
    assert!(matches!(stage(&world, 1), Stage::Executed { .. }));
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
