//! The table of datanets: creating, importing, revoking, sealing.

mod disputes;
mod histories;
mod open;
mod rules;
mod tasks;

pub(super) use rules::open_policy;

use openledger_types::Rejection::*;
use openledger_types::record::{ClusterRecord, DatanetRecord};
use openledger_types::{Action, ContributionId, Event, NewContribution};

use crate::StateKey;
use crate::tests::{AUTHOR, CURATOR, STRANGER, World, bytes32, contribution, name};

fn create(datanet: &str, title: &str) -> Action {
    Action::CreateDatanet { name: name(datanet), title: title.into(), license: "CC0-1.0".into() }
}

fn contribute(datanet: &str, contributions: Vec<NewContribution>) -> Action {
    Action::Contribute { datanet: name(datanet), contributions }
}

fn revoke(id: u8) -> Action {
    Action::RevokeContribution { datanet: name("help"), contribution: ContributionId([id; 32]) }
}

fn seal(version: u32, contributions: u32) -> Action {
    Action::SealSnapshot {
        datanet: name("help"),
        version,
        root: bytes32(1),
        index_root: bytes32(2),
        contributions,
    }
}

#[test]
fn contributions_are_committed_once_by_the_curator_with_owners() {
    let mut world = World::new();
    let one = || contribution(1, 1, &[(AUTHOR, 1)]);
    let many: Vec<_> = (0..=255).map(|id| contribution(id, id, &[(AUTHOR, 1)])).chain([one()]).collect();
    let sixty_five: Vec<(u8, u16)> = (0..65).map(|who| (who, 1)).collect();
    let mut long = one();
    long.label = "x".repeat(513);
    world.check([
        (CURATOR, create("help", &"x".repeat(513)), Err(TextTooLong)),
        (CURATOR, create("help", "Help"), Ok(())),
        (STRANGER, create("help", "Mine"), Err(DatanetExists)),
        (CURATOR, contribute("none", vec![]), Err(DatanetUnknown)),
        (STRANGER, contribute("help", vec![long]), Err(TextTooLong)),
        (STRANGER, contribute("help", vec![one()]), Err(NotCurator)),
        (CURATOR, contribute("help", vec![]), Err(ContributionsNone)),
        (CURATOR, contribute("help", many), Err(ContributionsTooMany)),
        (CURATOR, contribute("help", vec![contribution(1, 1, &[])]), Err(OwnersInvalid)),
        (CURATOR, contribute("help", vec![contribution(1, 1, &[(1, 1), (1, 1)])]), Err(OwnersInvalid)),
        (CURATOR, contribute("help", vec![contribution(1, 1, &[(1, 1), (2, 0)])]), Err(OwnersInvalid)),
        (CURATOR, contribute("help", vec![contribution(1, 1, &sixty_five)]), Err(OwnersInvalid)),
        (CURATOR, contribute("help", vec![contribution(1, 1, &sixty_five[..64])]), Ok(())),
        (CURATOR, contribute("help", vec![one()]), Err(ContributionExists)),
        (CURATOR, contribute("help", vec![contribution(2, 2, &[(1, 1)]), one()]), Err(ContributionExists)),
        (CURATOR, contribute("help", vec![contribution(2, 2, &[(1, 1)]); 2]), Err(ContributionExists)),
    ]);
    let datanet: DatanetRecord = world.record(&StateKey::Datanet(name("help"))).unwrap();
    assert_eq!(datanet.contributions, 1);
}

#[test]
fn the_earliest_of_a_cluster_owns_it_also_within_one_action() {
    let mut world = World::new();
    world.accept(CURATOR, create("help", "Help"));
    let copies = vec![contribution(1, 7, &[(1, 1)]), contribution(2, 7, &[(2, 1)])];
    let events = world.accept(CURATOR, contribute("help", copies));
    let owns: Vec<bool> = events
        .iter()
        .map(|event| match event {
            Event::ContributionCommitted { owns_cluster, .. } => *owns_cluster,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(owns, [true, false]);
    let cluster: ClusterRecord = world.record(&StateKey::Cluster(name("help"), bytes32(7))).unwrap();
    assert_eq!(cluster, ClusterRecord { owner: ContributionId([1; 32]), copies: 1, since: 1 });
}

#[test]
fn revoking_and_sealing() {
    let mut world = World::prepared();
    world.check([
        (STRANGER, revoke(9), Err(ContributionUnknown)),
        (STRANGER, revoke(1), Err(NotOwner)),
        (AUTHOR, revoke(1), Ok(())),
        (CURATOR, revoke(1), Err(ContributionRevoked)),
        (CURATOR, revoke(2), Ok(())),
        (STRANGER, seal(1, 4), Err(NotCurator)),
        (CURATOR, seal(2, 4), Err(VersionNotNext)),
        (CURATOR, seal(0, 4), Err(VersionNotNext)),
        (CURATOR, seal(1, 0), Err(SnapshotCountWrong)),
        (CURATOR, seal(1, 5), Err(SnapshotCountWrong)),
        (CURATOR, seal(1, 4), Ok(())),
        (CURATOR, seal(1, 4), Err(VersionNotNext)),
        (CURATOR, seal(2, 4), Ok(())),
    ]);
}
