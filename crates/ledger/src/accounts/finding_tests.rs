//! The table of reported links.

use openledger_types::Rejection::*;
use openledger_types::{AccountAction, AccountId, Action, Amount, LinkBasis};

use super::AccountKey;
use crate::tests::{World, account, bytes32};

const REPORTER: u8 = 5;
const CHALLENGER: u8 = 6;
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

fn root(world: &World, who: u8) -> AccountId {
    world.record(&AccountKey::Member(account(who)).state()).unwrap_or(account(who))
}

/// Whether the two are one cluster, and what reporter and challenger have more or less than before, in whole OPEN.
fn outcome(world: &World) -> (bool, [i64; 2]) {
    let gained = |who| i64::try_from(world.account(who).open.0).unwrap() / 1_000_000 - 10_000;
    (root(world, 1) == root(world, 2), [gained(REPORTER), gained(CHALLENGER)])
}

#[test]
fn a_report_that_nobody_challenges_stands() {
    let mut world = World::new();
    world.check([
        (REPORTER, report(1, 1), Err(LinkToSelf)),
        (REPORTER, challenge(1, 2), Err(LinkUnknown)),
        (REPORTER, settle(1, 2), Err(LinkUnknown)),
        (REPORTER, report(1, 2), Ok(())),
        (CHALLENGER, report(2, 1), Err(LinkExists)),
        (CHALLENGER, settle(1, 2), Err(LinkTooEarly)),
    ]);
    assert_eq!(outcome(&world), (false, [-10, 0]), "a report links nobody");
    world.pass(8);
    world.check([
        (CHALLENGER, challenge(1, 2), Err(LinkTooLate)),
        (CHALLENGER, settle(2, 1), Ok(())),
        (CHALLENGER, settle(1, 2), Err(LinkExists)),
        (REPORTER, report(1, 2), Err(LinkExists)),
    ]);
    assert_eq!(outcome(&world), (true, [0, 0]));
    let mut poor =
        World::with(|parameters| parameters.accounts.finding_bond = Amount(1_000_000_000_000_000), 1);
    poor.check([(REPORTER, report(1, 2), Err(BalanceTooLow))]);
}

#[test]
fn whoever_was_wrong_pays_whoever_was_right() {
    let judged = |verdict: Option<bool>| {
        let mut world = World::new();
        world.check([
            (REPORTER, report(1, 2), Ok(())),
            (CHALLENGER, challenge(2, 1), Ok(())),
            (CHALLENGER, challenge(1, 2), Err(LinkBusy)),
            (STRANGER, settle(1, 2), Err(LinkTooEarly)),
        ]);
        match verdict {
            None => world.pass(15),
            Some(stands) => drop(
                world
                    .transit(STRANGER, |transition| super::judge(transition, account(1), account(2), stands)),
            ),
        }
        world.check([(STRANGER, settle(1, 2), Ok(()))]);
        outcome(&world)
    };
    assert_eq!(judged(Some(true)), (true, [10, -10]));
    assert_eq!(judged(Some(false)), (false, [-10, 10]));
    assert_eq!(judged(None), (false, [0, 0]), "who is not proven to be linked is not");
}

const STRANGER: u8 = 9;

#[test]
fn what_audits_found_stands_at_once_until_the_committee_says_otherwise() {
    let judged = |verdict: Option<bool>| {
        let mut world = World::new();
        world.transit(REPORTER, |transition| {
            super::found(transition, account(1), account(2), BASIS, bytes32(1))
        });
        assert_eq!(outcome(&world), (true, [0, 0]));
        world.pass(100);
        world.accept(CHALLENGER, challenge(1, 2));
        match verdict {
            None => world.pass(15),
            Some(stands) => drop(
                world
                    .transit(STRANGER, |transition| super::judge(transition, account(1), account(2), stands)),
            ),
        }
        world.check([(STRANGER, settle(1, 2), Ok(()))]);
        outcome(&world)
    };
    assert_eq!(judged(Some(true)), (true, [10, -10]));
    assert_eq!(judged(Some(false)), (false, [0, 0]));
    assert_eq!(judged(None), (true, [0, 0]));
}
