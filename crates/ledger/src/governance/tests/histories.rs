//! Histories: each class passes, fails, is cancelled, comes back.

use openledger_types::Rejection::*;

use super::*;

fn executed(world: &World, number: u64) -> bool {
    matches!(stage(world, number), Stage::Executed { .. })
}

#[test]
fn a_small_step_passes_unless_enough_object() {
    let mut world = voters();
    world.accept(0, propose(&[set("router_fee_max", 1_100)], None));
    world.pass(3);
    world.accept(STRANGER, run(1));
    assert_eq!(parameter(&world, "router_fee_max"), 1_100);
    assert_eq!(world.account(0).open.0, 9_000_000_000, "the bond came back");

    world.accept(0, propose(&[set("router_fee_max", 1_000)], None));
    world.accept(1, vote(2, true));
    world.accept(2, vote(2, false));
    assert_eq!(
        stage(&world, 2),
        Stage::Voting,
        "the cap is rounded down, so one cluster is less than a tenth"
    );
    world.accept(3, vote(2, false));
    assert_eq!(stage(&world, 2), Stage::Cancelled, "more than a tenth of the contributor house objects");
    assert_eq!(world.account(0).open.0, 8_900_000_000, "the bond is lost");
    world.pass(3);
    world.check([(0, run(2), Err(NotApproved))]);
}

#[test]
fn small_steps_do_not_add_up_to_a_large_one() {
    let mut world = voters();
    let steps =
        [propose(&[set("router_fee_max", 1_100)], None), propose(&[set("router_fee_max", 900)], None)];
    for (who, step) in (0..).zip(steps) {
        world.accept(who, step);
    }
    world.pass(3);
    world.accept(0, run(1));
    world.accept(0, run(2));
    assert_eq!(parameter(&world, "router_fee_max"), 900, "both are within the band around 1,000");
    world.accept(0, propose(&[set("router_fee_max", 850)], Some(KEPT)));
    assert_eq!(proposal(&world, 3).class, ProposalClass::Money);
    world.pass(29);
    world.accept(1, propose(&[set("router_fee_max", 850)], Some(KEPT)));
    assert_eq!(proposal(&world, 4).class, ProposalClass::Money);
    world.pass(1);
    world.accept(2, propose(&[set("router_fee_max", 850)], None));
    assert_eq!(proposal(&world, 5).class, ProposalClass::Routine, "the window passed without a step");
}

#[test]
fn a_step_that_others_moved_out_of_its_band_is_not_executed() {
    let mut world = voters_with(|parameters| parameters.governance.routine_band_epochs = 7);
    world.accept(0, propose(&[set("router_fee_max", 1_100)], None));
    world.pass(3);
    world.accept(0, run(1));
    world.pass(7);
    world.accept(0, propose(&[set("router_fee_max", 1_200)], None));
    world.accept(1, propose(&[set("router_fee_max", 1_000)], None));
    world.pass(3);
    world.accept(0, run(3));
    world.pass(7);
    world.check([(0, run(2), Err(StepTooFar))]);
}

#[test]
fn a_review_of_a_small_step_does_not_move_its_band() {
    let mut world = voters();
    let missed = Target { value: u64::MAX, review_after_epochs: 1, ..KEPT };
    world.accept(0, propose(&[set("router_fee_max", 1_100)], None));
    world.accept(1, propose(&[set("router_fee_max", 950)], Some(missed)));
    world.pass(3);
    world.check([(0, run(1), Ok(())), (0, run(2), Ok(()))]);
    world.pass(1);
    world.accept(0, review(2));
    assert_eq!((stage(&world, 2), parameter(&world, "router_fee_max")), (Stage::Restored, 1_100));
    world.accept(0, propose(&[set("router_fee_max", 1_200)], Some(KEPT)));
    assert_eq!(proposal(&world, 3).class, ProposalClass::Money, "a fifth above where the steps began");
}

#[test]
fn a_vote_that_nobody_closes_in_time_has_failed() {
    let mut world = voters();
    world.accept(0, propose(&[grant(10_000_000)], Some(KEPT)));
    votes(&mut world, 1, 0..3, 3..3);
    world.pass(15);
    let mut late = world.clone();
    world.accept(STRANGER, close(1));
    assert!(matches!(stage(&world, 1), Stage::Approved { .. }), "8 epochs after its end");
    late.pass(1);
    late.accept(STRANGER, close(1));
    assert_eq!(stage(&late, 1), Stage::Failed);
}

#[test]
fn money_needs_both_houses_and_waits_longer_when_more_object() {
    let mut world = voters();
    let grants = propose(&[grant(10_000_000)], Some(KEPT));
    for who in 0..4 {
        world.accept(who, grants.clone());
    }
    votes(&mut world, 1, 0..3, 3..3);
    votes(&mut world, 2, 0..1, 1..1);
    votes(&mut world, 3, 0..3, 3..6);
    votes(&mut world, 4, 0..4, 4..5);
    world.pass(7);
    for number in 1..=4 {
        world.accept(STRANGER, close(number));
    }
    assert_eq!((stage(&world, 2), stage(&world, 3)), (Stage::Failed, Stage::Failed));
    assert_eq!(proposal(&world, 2).bond, Amount(0));
    assert_eq!(world.account(1).open.0, 9_000_000_000 - 100_000_000, "one bond is lost: too few voted");
    let Stage::Approved { epoch, executes_in_epoch } = stage(&world, 1) else { panic!() };
    assert_eq!(executes_in_epoch - epoch, 7);
    let Stage::Approved { executes_in_epoch, .. } = stage(&world, 4) else { panic!() };
    assert!(executes_in_epoch - epoch >= 44, "a tenth objected in the vote");
    // Objections after the approval move the delay, and withdrawing is not possible.
    world.accept(3, vote(1, false));
    let Stage::Approved { executes_in_epoch, .. } = stage(&world, 1) else { panic!() };
    assert!(executes_in_epoch - epoch >= 44);
    world.check([(3, vote(1, true), Err(VoteOver))]);
    world.pass(43);
    world.check([(0, run(1), Err(DelayRuns))]);
    world.pass(2);
    world.accept(0, run(1));
    assert_eq!(world.credits(STRANGER), 1_010_000_000);
    // 1 % of what is left.
    world.check([(0, run(4), Err(GrantTooHigh))]);
    world.pass(31);
    world.accept(0, run(4));
    assert_eq!(stage(&world, 4), Stage::Cancelled, "nobody could execute it in time");
}

#[test]
fn all_grants_of_a_window_together_are_limited() {
    let mut world = voters();
    let mut numbers = 0;
    let mut paid = 0;
    for _ in 0..6 {
        let treasury: Amount = world.record(&StateKey::Pool(Pool::Treasury)).unwrap();
        world.accept(0, propose(&[grant(treasury.0 / 100)], Some(KEPT)));
        numbers += 1;
        prove_all(&mut world);
        votes(&mut world, numbers, 0..4, 4..4);
        world.pass(7);
        world.accept(0, close(numbers));
        world.pass(7);
        match world.send(0, run(numbers)) {
            Ok(_) => paid += 1,
            Err(rejection) => assert_eq!(rejection, GrantTooHigh),
        }
    }
    assert_eq!(paid, 5, "5 % in 90 epochs");
}

fn prove_all(world: &mut World) {
    for who in 0..VOTERS {
        prove_work(world, who, 100);
    }
}

#[test]
fn the_constitution_needs_two_thirds_and_ends_unless_renewed() {
    let mut world = voters();
    let changes = [set("split.burn", 400), set("split.maintenance", 800)];
    for who in 0..2 {
        world.accept(who, propose(&changes, Some(KEPT)));
    }
    votes(&mut world, 1, 0..6, 6..10);
    votes(&mut world, 2, 0..6, 6..9);
    world.pass(14);
    world.accept(0, close(1));
    world.accept(0, close(2));
    assert_eq!(stage(&world, 1), Stage::Failed, "six of ten are less than two thirds");
    world.pass(60);
    world.accept(0, run(2));
    assert_eq!((parameter(&world, "split.burn"), parameter(&world, "split.maintenance")), (400, 800));
    prove_all(&mut world);
    world.accept(0, propose(&[Change::Renew { proposal: 2 }], Some(KEPT)));
    assert_eq!(proposal(&world, 3).class, ProposalClass::Constitution);
    for who in 0..VOTERS {
        world.accept(who, vote(3, true));
    }
    world.pass(14);
    world.accept(0, close(3));
    world.pass(14);
    world.accept(0, run(3));
    world.pass(365);
    world.check([(0, sunset(2), Err(SunsetNotDue))]);
    world.pass(365);
    // It forgets small steps that nobody took: that is no change, whoever looked before.
    let bytes = world.signed(STRANGER, sunset(2));
    let outcome = world.outcome(&bytes);
    let changed = outcome.changes.keys().cloned();
    let absent: Vec<_> = changed.filter(|key| !world.state.contains_key(key)).collect();
    world.check_knowing(&bytes, &outcome, absent);
    world.accept(STRANGER, sunset(2));
    assert_eq!((parameter(&world, "split.burn"), parameter(&world, "split.maintenance")), (500, 700));
    world.check([(0, sunset(2), Err(SunsetNotDue)), (0, sunset(3), Err(SunsetNotDue))]);
}

#[test]
fn a_missed_promise_restores_the_old_values() {
    let mut world = voters();
    let missed = Target { value: 1, ..KEPT };
    let two = [set("provider_stake_min", 2_000_000_000), set("gateway_bond_min", 2_000_000_000)];
    world.accept(0, propose(&two, Some(missed.clone())));
    world.accept(1, propose(&[set("collateral_per_open", 90_000)], Some(KEPT)));
    world.accept(2, propose(&[set("gateway_bond_min", 3_000_000_000)], Some(missed)));
    for number in 1..=3 {
        votes(&mut world, number, 0..4, 4..4);
    }
    world.pass(7);
    for number in 1..=3 {
        world.accept(0, close(number));
    }
    world.pass(7);
    for number in 1..=3 {
        world.accept(0, run(number));
    }
    world.pass(4);
    world.check([(0, review(1), Err(ReviewNotDue))]);
    world.pass(1);
    for number in 1..=2 {
        world.accept(STRANGER, review(number));
    }
    assert_eq!(stage(&world, 1), Stage::Restored);
    assert!(executed(&world, 2));
    assert_eq!(parameter(&world, "provider_stake_min"), 1_000_000_000);
    assert_eq!(parameter(&world, "gateway_bond_min"), 3_000_000_000, "a later decision stands");
    assert_eq!(parameter(&world, "collateral_per_open"), 90_000);
    world.check([(0, review(1), Err(ReviewNotDue)), (0, review(2), Err(ReviewNotDue))]);
}

#[test]
fn a_passed_vote_shortens_no_delay_that_runs() {
    let mut world = voters();
    world.accept(0, propose(&[set("governance.constitution_delay_low_epochs", 7)], Some(KEPT)));
    votes(&mut world, 1, 0..5, 5..5);
    world.pass(14);
    world.accept(0, close(1));
    prove_all(&mut world);
    world.accept(0, propose(&[set("unbonding_epochs", 80)], Some(KEPT)));
    votes(&mut world, 2, 0..5, 5..5);
    world.pass(14);
    world.accept(0, run(1));
    assert_eq!(parameter(&world, "governance.constitution_delay_low_epochs"), 7);
    world.accept(0, close(2));
    world.pass(13);
    world.check([(0, run(2), Err(DelayRuns))]);
    world.pass(1);
    world.accept(0, run(2));
}

#[test]
fn one_house_alone_decides_nothing() {
    let mut world =
        World::with(|parameters| parameters.governance.token_cap = BasisPoints(1_000), 1_000_000_000);
    for who in 0..VOTERS {
        world.accept(who, lock(9_000_000_000));
    }
    fill_treasury(&mut world, 1_000_000_000);
    world.pass(30);
    world.accept(0, propose(&[grant(1_000)], Some(KEPT)));
    world.accept(1, propose(&[set("split.burn", 400), set("split.maintenance", 800)], Some(KEPT)));
    for number in 1..=2 {
        votes(&mut world, number, 0..VOTERS, 0..0);
    }
    world.pass(14);
    world.accept(0, close(1));
    world.accept(0, close(2));
    assert_eq!((stage(&world, 1), stage(&world, 2)), (Stage::Failed, Stage::Failed));
}
