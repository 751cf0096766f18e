//! The table of reported links.

use openledger_types::Rejection::*;
use openledger_types::accounts::{FindingRecord, MemberRecord};
use openledger_types::datanets::DatanetAction;
use openledger_types::{AccountAction, AccountId, Action, Amount, LinkBasis};

use super::AccountKey;
use super::link_tests::{fill, link};
use crate::tests::{World, account, bytes32};

const REPORTER: u8 = 5;
const CHALLENGER: u8 = 6;
const STRANGER: u8 = 9;
const JURORS: [u8; 3] = [7, 8, 10];
const BASIS: LinkBasis = LinkBasis::SharedFunding;

fn report(one: u8, other: u8) -> Action {
    let (one, other) = (account(one), account(other));
    Action::Accounts(AccountAction::ReportLink { one, other, basis: BASIS, evidence: bytes32(1) })
}

fn challenge(one: u8, other: u8) -> Action {
    Action::Accounts(AccountAction::ChallengeLink { one: account(one), other: account(other) })
}

fn settle(one: u8, other: u8) -> Action {
    Action::Accounts(AccountAction::SettleLink { one: account(one), other: account(other) })
}

fn judge(one: u8, other: u8, beacon: u64, stands: bool) -> Action {
    Action::Accounts(AccountAction::JudgeLink { one: account(one), other: account(other), beacon, stands })
}

/// Three jurors, bonded in epoch 0; now it is epoch 1.
fn judged_by_jurors() -> World {
    let mut world = World::new();
    for juror in JURORS {
        world.accept(juror, Action::Datanets(DatanetAction::JoinPanel));
    }
    world.pass(1);
    world
}

fn root(world: &World, who: u8) -> AccountId {
    let record: Option<MemberRecord> = world.record(&AccountKey::Member(account(who)).state());
    record.map_or(account(who), |record| record.root)
}

/// Whether the two are one cluster, and what reporter and challenger have more or less than before, in a tenth of OPEN.
fn outcome(world: &World) -> (bool, [i64; 2]) {
    let gained = |who| i64::try_from(world.account(who).open.0).unwrap() / 100_000 - 100_000;
    (root(world, 1) == root(world, 2), [gained(REPORTER), gained(CHALLENGER)])
}

#[test]
fn a_report_that_nobody_challenges_stands() {
    let mut world = World::new();
    world.check([
        (REPORTER, report(1, 1), Err(LinkToSelf)),
        (REPORTER, challenge(1, 2), Err(LinkUnknown)),
        (REPORTER, settle(1, 2), Err(LinkUnknown)),
        (REPORTER, judge(1, 2, 1, true), Err(LinkUnknown)),
        (REPORTER, report(1, 2), Ok(())),
        (CHALLENGER, report(2, 1), Err(LinkExists)),
        (CHALLENGER, settle(1, 2), Err(LinkTooEarly)),
        (CHALLENGER, judge(1, 2, 1, true), Err(NoPanel)),
    ]);
    assert_eq!(outcome(&world), (false, [-100, 0]), "a report links nobody");
    world.pass(8);
    world.check([
        (CHALLENGER, challenge(1, 2), Err(LinkTooLate)),
        (CHALLENGER, settle(2, 1), Ok(())),
        (CHALLENGER, settle(1, 2), Err(LinkTooEarly)),
        (REPORTER, report(1, 2), Err(LinkExists)),
    ]);
    assert_eq!(outcome(&world), (true, [-100, 0]), "whoever was not there can still win the bond");
    world.pass(91);
    world.check([(CHALLENGER, settle(1, 2), Ok(())), (CHALLENGER, settle(1, 2), Err(LinkExists))]);
    assert_eq!(outcome(&world), (true, [0, 0]));
    let mut poor =
        World::with(|parameters| parameters.accounts.finding_bond = Amount(1_000_000_000_000_000), 1);
    poor.check([(REPORTER, report(1, 2), Err(BalanceTooLow))]);
}

/// The report of 1 and 2, challenged in epoch 1 or, when it stands, in epoch 10, and judged by so many of the jurors.
fn challenged(stood: bool, votes: &[bool]) -> World {
    let mut world = judged_by_jurors();
    world.accept(REPORTER, report(1, 2));
    if stood {
        world.pass(9);
        world.accept(STRANGER, settle(1, 2));
    }
    world.accept(CHALLENGER, challenge(2, 1));
    world.pass(1);
    judging(&mut world, votes);
    world.pass(14);
    world.accept(STRANGER, settle(1, 2));
    world
}

fn judging(world: &mut World, votes: &[bool]) {
    let beacon = world.parameters.epoch_at(world.context.timestamp_ms);
    for (juror, stands) in JURORS.into_iter().zip(votes) {
        world.accept(juror, judge(1, 2, beacon, *stands));
    }
}

/// A challenge that nobody could judge killed every report, also a true one; and a report that was overlooked stood for good.
#[test]
fn whoever_was_wrong_pays_the_panel_and_whoever_was_right() {
    for stood in [false, true] {
        assert_eq!(outcome(&challenged(stood, &[true, true, false])), (true, [94, -100]));
        assert_eq!(outcome(&challenged(stood, &[true, false, false])), (false, [-100, 94]));
        assert_eq!(outcome(&challenged(stood, &[])), (false, [0, 0]), "who is not found to be linked is not");
        assert_eq!(outcome(&challenged(stood, &[true, true])), (false, [0, -4]), "two are no panel");
    }
    let paid = |world: &World, juror: u8| world.account(juror).open.0 - 9_900_000_000;
    assert_eq!(JURORS.map(|juror| paid(&challenged(false, &[true, true]), juror)), [200_000, 200_000, 0]);
}

#[test]
fn a_link_is_not_challenged_until_a_panel_errs() {
    let mut world = challenged(false, &[true, true, true]);
    assert_eq!(outcome(&world), (true, [94, -100]));
    world.check([(STRANGER, settle(1, 2), Err(LinkExists)), (CHALLENGER, challenge(1, 2), Ok(()))]);
    assert_eq!(outcome(&world), (true, [94, -300]), "twice as much");
    world.pass(15);
    world.accept(STRANGER, settle(1, 2));
    assert_eq!(outcome(&world), (true, [94, -100]), "what a panel found holds where the next one is silent");
    world.accept(CHALLENGER, challenge(1, 2));
    world.pass(1);
    judging(&mut world, &[false, false, false]);
    world.pass(14);
    world.accept(STRANGER, settle(1, 2));
    assert_eq!(
        outcome(&world),
        (false, [94, -106]),
        "the reporter's bond was back, so the winner paid the panel"
    );
}

#[test]
fn a_panel_is_drawn_and_has_no_part_in_the_matter() {
    let mut world = judged_by_jurors();
    world.check([
        (JURORS[0], report(1, 2), Ok(())),
        (CHALLENGER, challenge(1, 2), Ok(())),
        (CHALLENGER, challenge(1, 2), Err(LinkBusy)),
        (STRANGER, Action::Datanets(DatanetAction::JoinPanel), Ok(())),
        (JURORS[1], judge(1, 2, 1, true), Err(BeaconWrong)),
    ]);
    world.pass(1);
    world.check([
        (JURORS[0], judge(1, 2, 2, true), Err(NotDrawn)),
        (STRANGER, judge(1, 2, 2, true), Err(NotDrawn)),
        (CHALLENGER, judge(1, 2, 2, false), Err(JurorUnknown)),
        (JURORS[1], judge(2, 1, 2, true), Ok(())),
        (JURORS[1], judge(1, 2, 2, true), Err(VoteRepeated)),
        (STRANGER, settle(1, 2), Err(LinkTooEarly)),
    ]);
    world.pass(14);
    world.check([(JURORS[2], judge(1, 2, 2, true), Err(TooLate))]);
}

fn found(world: &World) -> Option<FindingRecord> {
    world.record(&AccountKey::finding(account(1), account(2)).state())
}

/// The report of two clusters that cannot be one could never be settled, and its bond stayed where it was.
#[test]
fn clusters_too_large_to_be_one_stay_apart_and_keep_nobodys_bond() {
    for judged in [false, true] {
        let mut world = judged_by_jurors();
        for who in [1, 2] {
            fill(&mut world, who);
            link(&mut world, who, who + 2);
        }
        world.accept(REPORTER, report(1, 2));
        if judged {
            world.accept(CHALLENGER, challenge(1, 2));
            world.pass(1);
            judging(&mut world, &[true, true, true]);
        }
        world.pass(15);
        world.accept(STRANGER, settle(1, 2));
        let expected = if judged { [94, -100] } else { [0, 0] };
        assert_eq!((outcome(&world), found(&world)), ((false, expected), None));
    }
}

/// Neither could one be that was found wrong, where the root of a large cluster had no other link: the other one was linked for ever.
#[test]
fn the_root_of_a_large_cluster_can_lose_its_last_link() {
    let mut world = judged_by_jurors();
    fill(&mut world, 1);
    world.state.remove(&AccountKey::LinkCount(account(1)).state().encode());
    world.accept(REPORTER, report(1, 2));
    world.pass(9);
    world.accept(STRANGER, settle(1, 2));
    assert!(outcome(&world).0);
    world.accept(CHALLENGER, challenge(1, 2));
    world.pass(1);
    judging(&mut world, &[false, false, false]);
    world.pass(14);
    world.accept(STRANGER, settle(1, 2));
    assert_eq!((outcome(&world), found(&world)), ((false, [-100, 94]), None));
    assert_eq!([1, 2].map(|who| root(&world, who)), [1, 2].map(account));
}
