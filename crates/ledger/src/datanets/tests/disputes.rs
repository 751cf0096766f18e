//! Disputes: the table, who pays whom, and who sits on a panel.

use openledger_types::Rejection::*;
use openledger_types::datanets::{DatanetAction, Decision, Matter, Provenance, Reason};
use openledger_types::record::ClusterRecord;
use openledger_types::{Action, BasisPoints, ContributionId, Hash};
use proptest::prelude::*;

use super::super::jurors::is_drawn;
use super::open::*;
use super::rules::{contribution_of, open_policy};
use crate::StateKey;
use crate::tests::*;

const JURORS: [u8; 5] = [2, 3, 4, 5, 6];

fn act(action: DatanetAction) -> Action {
    Action::Datanets(action)
}

fn id(id: u8) -> ContributionId {
    ContributionId([id; 32])
}

fn appeal(contribution: u8) -> Action {
    act(DatanetAction::Appeal { datanet: name("open"), contribution: id(contribution) })
}

fn claim(contribution: u8, matter: Matter) -> Action {
    act(DatanetAction::Claim { datanet: name("open"), contribution: id(contribution), matter })
}

fn repeats(earlier: u8, cluster: u8) -> Matter {
    Matter::Repeats { earlier: id(earlier), cluster: bytes32(cluster) }
}

fn removal(reason: Reason) -> Matter {
    Matter::Removal { reason }
}

fn contest(contribution: u8) -> Action {
    act(DatanetAction::Contest { datanet: name("open"), contribution: id(contribution) })
}

fn vote(contribution: u8, beacon: u64, for_claimant: bool) -> Action {
    act(DatanetAction::Vote { datanet: name("open"), contribution: id(contribution), beacon, for_claimant })
}

fn close(contribution: u8) -> Action {
    act(DatanetAction::CloseDispute { datanet: name("open"), contribution: id(contribution) })
}

fn open(world: &World, who: u8) -> i64 {
    world.account(who).open.0 as i64 - 10_000_000_000
}

fn owner(world: &World, cluster: u8) -> ContributionId {
    world.record::<ClusterRecord>(&StateKey::Cluster(name("open"), bytes32(cluster))).unwrap().owner
}

fn epoch(world: &World) -> u64 {
    world.parameters.epoch_at(world.context.timestamp_ms)
}

/// Jurors, and a contribution by the author with its id as its cluster for each id.
fn world_with(ids: &[u8]) -> World {
    let mut world = opened(open_policy());
    for juror in JURORS {
        world.accept(juror, act(DatanetAction::JoinPanel));
    }
    world.pass(1);
    for id in ids {
        contribute(&mut world, CONTRIBUTOR, &text(*id, *id, CONTRIBUTOR), Provenance::Human);
    }
    world
}

#[test]
fn an_appeal_is_judged_by_a_panel_that_nobody_chose() {
    let mut world = world_with(&[1, 2]);
    world.check([
        (CONTRIBUTOR, appeal(9), Err(SubmissionUnknown)),
        (CONTRIBUTOR, appeal(1), Err(NotRejected)),
        (CURATOR, decide(1, reject(Reason::Spam)), Ok(())),
        (CURATOR, decide(2, reject(Reason::Spam)), Ok(())),
        (STRANGER, appeal(1), Err(NotContributor)),
        (STRANGER, close(1), Err(DisputeUnknown)),
        (2, vote(1, 2, true), Err(DisputeUnknown)),
        (CONTRIBUTOR, appeal(1), Ok(())),
        (CONTRIBUTOR, appeal(1), Err(DisputeExists)),
        (2, vote(1, 1, true), Err(BeaconWrong)),
        (2, vote(1, 2, true), Err(BeaconWrong)),
        (STRANGER, vote(1, 2, true), Err(JurorUnknown)),
        (CONTRIBUTOR, act(DatanetAction::JoinPanel), Ok(())),
    ]);
    world.pass(1);
    world.check([
        (CONTRIBUTOR, vote(1, 2, true), Err(NotDrawn)),
        (2, vote(1, 1, true), Err(BeaconWrong)),
        (2, vote(1, 2, true), Ok(())),
        (2, vote(1, 2, true), Err(VoteRepeated)),
        (3, vote(1, 2, true), Ok(())),
        (4, vote(1, 2, false), Ok(())),
        (2, act(DatanetAction::LeavePanel), Err(TooEarly)),
        (STRANGER, close(1), Err(TooEarly)),
    ]);
    world.pass(3);
    world.check([
        (5, vote(1, 2, true), Err(TooLate)),
        (STRANGER, conclude(1), Err(DisputeExists)),
        (CONTRIBUTOR, appeal(2), Err(TooLate)),
        (STRANGER, close(1), Ok(())),
        (STRANGER, close(1), Err(DisputeUnknown)),
        (2, act(DatanetAction::LeavePanel), Err(TooEarly)),
    ]);
    world.pass(90);
    world.check([
        (2, act(DatanetAction::LeavePanel), Ok(())),
        (2, act(DatanetAction::LeavePanel), Err(JurorUnknown)),
        (2, act(DatanetAction::JoinPanel), Ok(())),
        (2, act(DatanetAction::JoinPanel), Err(JurorExists)),
    ]);
    let record = contribution_of(&world, 1).unwrap();
    assert_eq!(
        (record.factor, record.height),
        (BasisPoints(6_000), 2),
        "in force, and as early as it was committed"
    );
    // Two commitments of 0.1, of which one came back; a juror's bond; three votes of 0.2.
    assert_eq!(open(&world, CONTRIBUTOR), -100_000 - 100_000_000 - 600_000);
    assert_eq!(open(&world, 2), -100_000_000 + 200_000);
}

/// Whoever joined once kept a place in every draw: one bond, handed from account to account, emptied all panels, and who was
/// drawn could be bonded after the draw.
#[test]
fn only_jurors_who_were_bonded_before_the_call_have_a_part_in_a_draw() {
    let mut world = world_with(&[1]);
    let link = |world: &mut World, one: u8, two: u8| {
        for (one, other) in [(one, two), (two, one)] {
            let link = openledger_types::AccountAction::DeclareLink { other: account(other) };
            world.accept(one, Action::Accounts(link));
        }
        let root = world.ask(|transition| crate::accounts::cluster_of(transition, account(one)));
        if root == account(one) { (one, two) } else { (two, one) }
    };
    let (one, linked) = link(&mut world, 5, 6);
    world.pass(1);
    let jurors = |world: &World| -> u32 {
        world.record(&StateKey::Datanets(crate::DatanetKey::Jurors)).unwrap_or_default()
    };
    world.check([
        (CURATOR, decide(1, reject(Reason::Spam)), Ok(())),
        (CONTRIBUTOR, appeal(1), Ok(())),
        (STRANGER, act(DatanetAction::JoinPanel), Ok(())),
    ]);
    assert_eq!(jurors(&world), 6);
    let (stayed, moved) = link(&mut world, 2, 3);
    world.pass(1);
    world.check([
        (STRANGER, vote(1, 3, false), Err(NotDrawn)),
        (moved, vote(1, 3, true), Err(NotDrawn)),
        (stayed, vote(1, 3, true), Ok(())),
        (one, vote(1, 3, true), Ok(())),
        (linked, vote(1, 3, true), Err(VoteRepeated)),
        (4, vote(1, 3, true), Ok(())),
        (STRANGER, act(DatanetAction::LeavePanel), Err(TooEarly)),
    ]);
    world.pass(89);
    world.check([(STRANGER, act(DatanetAction::LeavePanel), Err(TooEarly))]);
    world.pass(2);
    world.accept(STRANGER, act(DatanetAction::LeavePanel));
    assert_eq!(jurors(&world), 5, "who has left makes no panel thinner");
}

#[test]
fn a_lost_appeal_costs_its_bond_and_silence_of_the_panel_nothing() {
    let mut world = world_with(&[1, 2]);
    for id in [1, 2] {
        world.accept(CURATOR, decide(id, reject(Reason::Quality)));
        world.accept(CONTRIBUTOR, appeal(id));
    }
    world.pass(1);
    for juror in JURORS {
        world.accept(juror, vote(1, 2, juror == 2));
    }
    world.accept(2, vote(2, 2, false));
    world.accept(3, vote(2, 2, false));
    world.pass(3);
    world.check([(STRANGER, close(1), Ok(())), (STRANGER, close(2), Ok(()))]);
    assert_eq!((contribution_of(&world, 1), contribution_of(&world, 2).is_some()), (None, true));
    assert_eq!(open(&world, CONTRIBUTOR), -10_000_000 - 400_000, "one bond, and two votes of the other");
    assert_eq!(open(&world, 4), -100_000_000 + 200_000, "a vote is paid whatever it says");
}

#[test]
fn a_claim_that_nobody_contests_merges_the_cluster_from_now_on() {
    let mut world = world_with(&[1, 2, 3]);
    for id in [1, 2, 3] {
        world.accept(REVIEWER, decide(id, accept(6_000)));
    }
    world.check([
        (STRANGER, claim(9, repeats(1, 1)), Err(ContributionUnknown)),
        (STRANGER, claim(2, repeats(9, 1)), Err(ContributionUnknown)),
        (STRANGER, claim(2, repeats(1, 2)), Err(ClaimInvalid)),
        (STRANGER, claim(2, repeats(2, 2)), Err(ClaimInvalid)),
        (STRANGER, claim(1, repeats(2, 2)), Err(ClaimInvalid)),
        (STRANGER, claim(2, Matter::Appeal), Err(ClaimInvalid)),
        (STRANGER, claim(2, removal(Reason::Scope)), Err(ClaimInvalid)),
        (STRANGER, claim(2, repeats(1, 1)), Ok(())),
        (AUTHOR, claim(2, removal(Reason::License)), Err(DisputeExists)),
        (2, vote(2, 2, true), Err(NoPanel)),
        (STRANGER, contest(2), Err(ClaimInvalid)),
        (STRANGER, close(2), Err(TooEarly)),
    ]);
    world.pass(4);
    world.check([
        (AUTHOR, contest(2), Err(TooLate)),
        (STRANGER, close(2), Ok(())),
        (STRANGER, claim(2, repeats(1, 1)), Err(ClaimInvalid)),
        (STRANGER, claim(3, repeats(2, 2)), Ok(())),
    ]);
    assert_eq!(owner(&world, 2), id(1));
    assert_eq!(open(&world, STRANGER), -10_000_000);
    world.pass(4);
    world.accept(STRANGER, close(3));
    assert_eq!(owner(&world, 3), id(1), "what repeats a repetition repeats the earliest");
}

/// Merged clusters pay the earliest: a batch that names the copy is refused, whatever it paid before.
#[test]
fn settlement_pays_the_earliest_of_a_merged_cluster() {
    let mut world = World::prepared();
    world.accept(CURATOR, super::rules::create_open(open_policy()));
    world.accept(CURATOR, super::rules::grant(REVIEWER, openledger_types::datanets::DatanetRole::Reviewer));
    for one in [1, 2] {
        contribute(&mut world, CONTRIBUTOR, &text(one, one, CONTRIBUTOR), Provenance::Human);
        world.accept(REVIEWER, decide(one, accept(6_000)));
    }
    let batch = |world: &World, one: u8| {
        let record = contribution_of(world, one).unwrap();
        let mut terms = world.terms("base", 10_000, 0, &[], 0);
        let (factor, owners) = (record.factor, record.owners);
        terms.shares = vec![crate::DataShare {
            datanet: name("open"),
            contribution: id(one),
            weight: 1,
            factor,
            owners: owners.into(),
        }];
        settling(world.batch(&[terms]))
    };
    world.accept(GATEWAY, batch(&world, 2));
    world.accept(STRANGER, claim(2, repeats(1, 1)));
    world.accept(GATEWAY, batch(&world, 2));
    world.pass(4);
    world.accept(STRANGER, close(2));
    let (copy, earliest) = (batch(&world, 2), batch(&world, 1));
    world.check([(GATEWAY, copy, Err(ClusterNotOwned)), (GATEWAY, earliest, Ok(()))]);
}

/// A3: what was earned with a fault before anybody knew is not kept.
#[test]
fn what_a_fault_earned_is_clawed_back_from_every_owner() {
    let mut world = World::prepared();
    world.accept(CURATOR, super::rules::create_open(open_policy()));
    world.accept(CURATOR, super::rules::grant(REVIEWER, openledger_types::datanets::DatanetRole::Reviewer));
    contribute(&mut world, CONTRIBUTOR, &text(1, 1, CONTRIBUTOR), Provenance::Human);
    world.accept(REVIEWER, decide(1, accept(6_000)));
    let record = contribution_of(&world, 1).unwrap();
    let mut terms = world.terms("base", 10_000, 0, &[], 0);
    let (factor, owners) = (record.factor, record.owners);
    terms.shares = vec![crate::DataShare {
        datanet: name("open"),
        contribution: id(1),
        weight: 1,
        factor,
        owners: owners.into(),
    }];
    let batch = settling(world.batch(&[terms]));
    world.accept(GATEWAY, batch);
    let take = |owner: openledger_types::AccountId, claimant| {
        let (datanet, contribution, claimant) = (name("open"), id(1), account(claimant));
        act(DatanetAction::Clawback { datanet, contribution, owner, claimant })
    };
    world.check([
        (CURATOR, take(account(CONTRIBUTOR), STRANGER), Err(NothingToClaw)),
        (STRANGER, claim(1, removal(Reason::Synthetic)), Ok(())),
    ]);
    world.pass(4);
    let treasury = openledger_types::datanets::treasury_account(&name("open"));
    world.check([
        (CURATOR, close(1), Ok(())),
        (CURATOR, take(account(CONTRIBUTOR), CURATOR), Err(NothingToClaw)),
        (CURATOR, take(account(CONTRIBUTOR), STRANGER), Ok(())),
        (CURATOR, take(account(CONTRIBUTOR), STRANGER), Err(NothingToClaw)),
        (CURATOR, take(account(CURATOR), STRANGER), Ok(())),
        (CURATOR, take(treasury, STRANGER), Ok(())),
        (CURATOR, take(account(AUTHOR), STRANGER), Err(NothingToClaw)),
    ]);
    assert_eq!((world.account(CONTRIBUTOR).escrowed.0, world.account(CURATOR).escrowed.0), (0, 0));
    assert!(world.credits(STRANGER) > 1_000_000_000, "a claimant is rewarded");
}

#[test]
fn a_contested_claim_pays_the_winner() {
    for (won, votes) in [(true, [true, true, false]), (false, [true, false, false])] {
        let mut world = world_with(&[1, 2]);
        for id in [1, 2] {
            world.accept(REVIEWER, decide(id, accept(6_000)));
        }
        world.accept(STRANGER, claim(2, repeats(1, 1)));
        world.accept(GATEWAY, contest(2));
        world.check([(PROVIDER, contest(2), Err(ClaimInvalid))]);
        world.pass(1);
        for (juror, vote_for) in JURORS.into_iter().zip(votes) {
            world.accept(juror, vote(2, 2, vote_for));
        }
        world.pass(3);
        world.accept(CURATOR, close(2));
        assert_eq!(owner(&world, 2) == id(1), won);
        let (winner, loser) = if won { (STRANGER, GATEWAY) } else { (GATEWAY, STRANGER) };
        assert_eq!((open(&world, winner), open(&world, loser)), (4_700_000, -10_000_000));
    }
}

#[test]
fn a_fault_that_comes_out_later_removes_from_now_on() {
    let mut world = world_with(&[1, 2, 3]);
    world.accept(REVIEWER, decide(1, accept(6_000)));
    world.check([(STRANGER, claim(2, removal(Reason::Synthetic)), Err(ContributionUnknown))]);
    world.pass(8);
    world.accept(STRANGER, conclude(2));
    world.accept(STRANGER, conclude(3));
    world.check([
        (STRANGER, claim(1, removal(Reason::License)), Ok(())),
        (STRANGER, claim(2, removal(Reason::Synthetic)), Ok(())),
        (REVIEWER, decide(2, reject(Reason::Spam)), Err(DisputeExists)),
        (REVIEWER, decide(3, reject(Reason::Spam)), Ok(())),
        (STRANGER, claim(3, removal(Reason::Spam)), Err(NotPending)),
    ]);
    world.pass(4);
    world.check([
        (STRANGER, close(1), Ok(())),
        (STRANGER, close(2), Ok(())),
        (STRANGER, claim(1, removal(Reason::License)), Err(ContributionRevoked)),
        (
            REVIEWER,
            decide(2, Decision::Accept { quality: BasisPoints(6_000), verified: true }),
            Err(SubmissionUnknown),
        ),
    ]);
    let revoked = |id| contribution_of(&world, id).unwrap().revoked_at;
    assert_eq!([revoked(1), revoked(2)], [Some(world.context.height); 2]);
    assert_eq!(
        open(&world, CONTRIBUTOR),
        -200_000,
        "the bond of what was settled is back, of the others not yet or never"
    );
}

#[test]
fn an_accepted_contribution_that_waits_for_a_claim_is_not_settled() {
    let mut world = world_with(&[1]);
    world.pass(8);
    world.accept(STRANGER, conclude(1));
    world.pass(30);
    world.accept(STRANGER, claim(1, removal(Reason::Unlawful)));
    world.pass(1);
    world.check([(STRANGER, conclude(1), Err(DisputeExists))]);
    assert_eq!(epoch(&world), 40);
}

proptest! {
    /// Every juror has the same chance of a seat, and small pools judge together.
    #[test]
    fn panels_are_drawn_evenly(seed in any::<[u8; 32]>(), jurors in 1u32..2_000, seats in 1u64..16) {
        let drawn = |number: u8| is_drawn(&Hash(seed), &(name("open"), id(number)), &account(1), jurors, seats);
        let often = (0..=255).filter(|number| drawn(*number)).count() as u64;
        let expected = 256 * seats / u64::from(jurors);
        prop_assert!(often <= 4 * expected + 16, "{often} times instead of {expected}");
        if u64::from(jurors) <= seats {
            prop_assert_eq!(often, 256);
        } else if expected >= 16 {
            prop_assert!(often >= expected / 4, "{often} times instead of {expected}");
        }
    }
}
