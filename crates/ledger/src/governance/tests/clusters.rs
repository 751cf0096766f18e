//! What a cluster counts at most, whoever leaves it or comes to it while votes are counted.

use openledger_types::Rejection::*;

use super::*;

fn end(other: u8) -> Action {
    Action::Accounts(AccountAction::EndLink { other: account(other) })
}

/// Accounts 0, 1 and 2 are one cluster of three links, and its root has asked to leave. Returns the root and the others.
fn cluster() -> (World, u8, [u8; 2]) {
    let mut world = voters_with(|parameters| parameters.unbonding_epochs = 1);
    for (one, other) in [(0, 1), (1, 2), (0, 2)] {
        link(&mut world, one, other);
    }
    let root = world.ask(|transition| crate::accounts::cluster_of(transition, account(0)));
    let root = (0..3).find(|who| account(*who) == root).unwrap();
    let others = [(root + 1) % 3, (root + 2) % 3];
    for other in others {
        world.accept(root, end(other));
    }
    world.pass(1);
    (world, root, others)
}

fn leave(world: &mut World, root: u8, others: [u8; 2]) {
    for other in others {
        world.accept(root, end(other));
    }
}

/// A cap is counted under the root of a cluster. When the root left, the others had another, and a cap of their own.
#[test]
fn a_cluster_that_loses_its_root_counts_no_second_time() {
    let (mut world, root, [one, other]) = cluster();
    world.accept(5, propose(&[grant(1_000)], Some(KEPT)));
    for who in [root, one] {
        world.accept(who, vote(1, true));
    }
    let tally = proposal(&world, 1).token;
    leave(&mut world, root, [one, other]);
    world.check([(other, vote(1, true), Err(ClusterMoved))]);
    assert_eq!(proposal(&world, 1).token, tally, "two voters fill the cap");
    assert!(tally.yes <= tally.total / 10);
    // Whoever voted before may think again: it is counted where it was.
    for who in [root, one] {
        world.accept(who, vote(1, false));
    }
    assert_eq!((proposal(&world, 1).token.yes, proposal(&world, 1).token.no), (0, tally.yes));
    world.accept(6, propose(&[grant(2_000)], Some(KEPT)));
    world.pass(1);
    world.accept(7, propose(&[grant(3_000)], Some(KEPT)));
    world.check([
        (other, vote(2, true), Err(ClusterMoved)),
        (other, vote(3, true), Ok(())),
        (root, vote(3, true), Ok(())),
    ]);
    assert!(proposal(&world, 3).token.yes > tally.yes, "from the next epoch on they are two clusters");
}

#[test]
fn the_same_holds_for_an_election() {
    let (mut world, root, [one, other]) = cluster();
    let elect = |candidate: u8| ask(GovernanceAction::Elect { candidate: account(candidate) });
    let stand = || ask(GovernanceAction::Stand);
    world.accept(STRANGER, ask(GovernanceAction::OpenElection));
    world.accept(5, stand());
    world.accept(6, stand());
    world.accept(root, stand());
    for who in [root, one] {
        world.accept(who, elect(5));
    }
    let election = |world: &World| world.record::<ElectionRecord>(&GovernanceKey::Election.state()).unwrap();
    let votes = election(&world).candidates[0].votes;
    leave(&mut world, root, [one, other]);
    world.check([
        (other, elect(5), Err(ClusterMoved)),
        (other, stand(), Err(ClusterMoved)),
        (one, elect(6), Ok(())),
        (one, elect(5), Ok(())),
    ]);
    assert_eq!(election(&world).candidates[0].votes, votes);
    assert!(votes <= election(&world).total / 10);
}
