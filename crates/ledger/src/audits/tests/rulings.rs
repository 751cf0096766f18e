//! Challenges, appeals, secret reports, correlated faults and the pause.

use openledger_types::audits::{BreakerRecord, SubjectRecord, report_commitment};

use super::super::tally;
use super::*;

#[test]
fn a_false_challenge_loses_its_bond_and_a_true_one_overturns() {
    let (mut world, audit) = opened(plain);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    let credits = world.credits(CONSUMER);
    world.check([
        (CONSUMER, challenge(audit, Verdict::Pass), Err(Rejection::ClaimSame)),
        (CONSUMER, challenge(audit, COMPUTATION), Ok(())),
        (CONSUMER, challenge(audit, COMPUTATION), Err(Rejection::AuditNotRuled)),
    ]);
    assert_eq!(credits - world.credits(CONSUMER), 1_000_000);
    advance(&mut world, audit);
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::Passed);
    assert_eq!(credits - world.credits(CONSUMER), 1_000_000, "the bond pays for the checks");

    // The next challenge is decided by everybody who is left, and stakes twice as much.
    world.accept(CONSUMER, challenge(audit, COMPUTATION));
    assert_eq!(credits - world.credits(CONSUMER), 3_000_000);
    advance(&mut world, audit);
    assert_eq!(sitting(&world, audit).len(), 5, "nine auditors less one and three");
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::Faulty(Fault::Computation));
    assert_eq!(credits - world.credits(CONSUMER), 1_000_000, "the second bond came back");
    let (bond, _) = worth(&world, auditor);
    finish(&mut world, audit);
    assert_eq!(worth(&world, auditor).0, bond - 900_000, "whoever passed it pays");
    assert!(world.credits(CONSUMER) > credits - 1_000_000 + 10_100, "refund and reward");
}

#[test]
fn a_cabal_of_a_panel_is_overturned_by_a_larger_one() {
    let (mut world, audit) = opened(plain);
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    let jurors = sitting(&world, audit);
    say(&mut world, audit, |seat| Some([Verdict::Pass, Verdict::Pass, COMPUTATION][seat]));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::Passed);
    world.accept(CONSUMER, challenge(audit, COMPUTATION));
    advance(&mut world, audit);
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::Faulty(Fault::Computation));
    let bonds: Vec<u64> = jurors.iter().map(|juror| worth(&world, *juror).0).collect();
    finish(&mut world, audit);
    let lost: Vec<u64> =
        jurors.iter().zip(bonds).map(|(juror, bond)| bond - worth(&world, *juror).0).collect();
    assert_eq!(lost, [900_000, 900_000, 0]);
}

#[test]
fn a_panel_that_says_nothing_changes_nothing() {
    let (mut world, audit) = opened(plain);
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    let credits = world.credits(CONSUMER);
    world.accept(CONSUMER, challenge(audit, COMPUTATION));
    advance(&mut world, audit);
    advance(&mut world, audit);
    assert_eq!((ruling(&world, audit), world.credits(CONSUMER)), (Ruling::Passed, credits));
    finish(&mut world, audit);
}

#[test]
fn the_first_secret_reporter_is_not_punished_and_gets_half() {
    let (mut world, audit) = opened(|parameters| {
        plain(parameters);
        parameters.audits.repeated.0 = 10_000;
    });
    let [reporter] = sitting(&world, audit)[..] else { panic!("one auditor") };
    let commitment = report_commitment(&account(reporter), &audit, &COMPUTATION, &SALT);
    let report = || audits(AuditAction::ReportSecretly { commitment });
    let withdraw = || audits(AuditAction::WithdrawReport { commitment });
    let revealed = || audits(AuditAction::RevealReport { audit, claim: COMPUTATION, salt: SALT });
    world.check([
        (reporter, withdraw(), Err(Rejection::ReportUnknown)),
        (reporter, report(), Ok(())),
        (reporter, report(), Err(Rejection::ReportExists)),
        (reporter, withdraw(), Err(Rejection::ReportEarly)),
        (reporter, revealed(), Err(Rejection::ReportEarly)),
    ]);
    say(&mut world, audit, |_| Some(Verdict::Pass));
    world.check([(reporter, revealed(), Err(Rejection::AuditNotRuled))]);
    advance(&mut world, audit);
    let [colluder] = sitting(&world, audit)[..] else { panic!("one auditor") };
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    world.check([(CONSUMER, revealed(), Err(Rejection::ReportUnknown)), (reporter, revealed(), Ok(()))]);
    advance(&mut world, audit);
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::Faulty(Fault::Computation));
    let (before, other) = (worth(&world, reporter), worth(&world, colluder));
    let open = world.account(reporter).open.0;
    finish(&mut world, audit);
    assert_eq!(worth(&world, reporter).0, before.0, "immune");
    assert_eq!(worth(&world, colluder).0, other.0 - 900_000);
    assert_eq!(world.account(reporter).open.0 - open, 450_000, "half of what the other lost");
    assert!(worth(&world, reporter).1 > before.1, "and the reward for the fault");
}

#[test]
fn a_report_that_is_not_revealed_is_taken_back() {
    let mut world = network(plain);
    let commitment = bytes32(3);
    world.accept(STRANGER, audits(AuditAction::ReportSecretly { commitment }));
    world.pass(1);
    let before = world.credits(STRANGER);
    world.accept(STRANGER, audits(AuditAction::WithdrawReport { commitment }));
    assert_eq!(world.credits(STRANGER) - before, 1_000_000);
}

#[test]
fn a_false_secret_report_loses_its_bond() {
    let (mut world, audit) = opened(plain);
    let commitment = report_commitment(&account(CONSUMER), &audit, &COMPUTATION, &SALT);
    let credits = world.credits(CONSUMER);
    world.accept(CONSUMER, audits(AuditAction::ReportSecretly { commitment }));
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    world.accept(CONSUMER, audits(AuditAction::RevealReport { audit, claim: COMPUTATION, salt: SALT }));
    advance(&mut world, audit);
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    assert_eq!(credits - world.credits(CONSUMER), 1_000_000);
}

/// A network whose verification fund can pay for one check of a small receipt and no more.
pub(super) fn poor() -> (World, AuditId) {
    let mut world = World::with(plain, 1_000_000_000).prepare();
    for who in AUDITORS {
        world.accept(who, bond(2_000_000_000));
        world.accept(who, register());
    }
    let batch = world.batch(&[world.terms("base", 70_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    let batch = super::settle(&mut world, 1);
    world.pass(1);
    world.accept(STRANGER, draw(batch, 1));
    world.accept(GATEWAY, open(batch, 0, 1));
    (world, AuditId { gateway: account(GATEWAY), batch, receipt: 0 })
}

#[test]
fn a_fault_waits_until_the_fund_can_pay_for_its_panel() {
    let (mut world, audit) = poor();
    say(&mut world, audit, |_| Some(COMPUTATION));
    until(&mut world, 6);
    world.accept(GATEWAY, audits(AuditAction::RevealSeed { epoch: 0, seed: SEED }));
    until(&mut world, 9);
    world.check([(STRANGER, advancing(&world, audit), Err(Rejection::PoolTooLow))]);
    let batch = world.batch(&[world.terms("base", 1_000_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    world.check([(STRANGER, advancing(&world, audit), Ok(()))]);
    assert_eq!(sitting(&world, audit).len(), 3, "drawn by the same beacon, however late");
}

#[test]
fn slashing_pauses_when_too_many_audits_fail_and_no_money_moves() {
    let (mut world, audit) = opened(|parameters| {
        plain(parameters);
        parameters.audits.breaker_rulings = 1;
    });
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    let breaker: BreakerRecord = world.record(&AuditKey::Breaker.state()).unwrap();
    assert_eq!(breaker.paused_until, epoch(&world) + 24);
    until(&mut world, breaker.paused_until - 1);
    let supply = world.record::<openledger_types::record::SupplyRecord>(&StateKey::Supply);
    world.check([(STRANGER, settle_subject(audit), Err(Rejection::SlashingPaused))]);
    assert_eq!(world.record(&StateKey::Supply), supply);
    world.pass(1);
    finish(&mut world, audit);
}

#[test]
fn faults_of_one_cluster_are_correlated() {
    let mut world = network(plain);
    let cluster = |audited, faults| SubjectRecord { audited, faults, ..SubjectRecord::default() };
    let stake = Amount(1_000_000_000);
    let mut parts = Vec::new();
    for subject in [cluster(1, 0), cluster(1, 1), cluster(40, 2), cluster(40, 20)] {
        world.transit(STRANGER, |transition| {
            parts.push(super::super::penalty::correlated(transition, stake, &subject).0);
            Ok(())
        });
    }
    // A stake of 1,000 OPEN is worth 100 C. Three times 0, 1/20, 2/40; never above all of it.
    assert_eq!(parts, [0, 15_000_000, 15_000_000, 100_000_000]);
}

#[test]
fn panels_are_counted_by_thirds_and_majorities() {
    use openledger_types::audits::Fault::{Attribution, Computation, Receipt};
    use openledger_types::audits::Verdict::{Fault, Mismatch, Pass, Withheld};
    let count = |said: &[Verdict], seats| tally::ruling(said, seats, None);
    let degraded = |by_gateway| Ruling::Degraded { by_gateway };
    assert_eq!(count(&[COMPUTATION, COMPUTATION, Pass], 3), Ruling::Faulty(Computation));
    assert_eq!(count(&[COMPUTATION, Pass, Pass], 3), Ruling::Passed);
    assert_eq!(count(&[COMPUTATION], 3), degraded(false), "one alone proves nothing");
    assert_eq!(count(&[COMPUTATION], 1), degraded(false), "not even where there is only one");
    assert_eq!(count(&[COMPUTATION, Fault(Receipt), Pass], 3), degraded(false));
    assert_eq!(count(&[Withheld, Fault(Receipt), Pass], 3), degraded(true));
    assert_eq!(count(&[Mismatch, Pass], 3), Ruling::Passed, "half is no majority");
    let mut fifteen = vec![Fault(Attribution); 9];
    fifteen.extend([Pass; 6]);
    assert_eq!(count(&fifteen, 15), degraded(true), "a third blocks a penalty, not the withholding of pay");
    fifteen[9] = Fault(Attribution);
    assert_eq!(count(&fifteen, 15), Ruling::Faulty(Attribution));
    assert_eq!(tally::ruling(&[Pass, COMPUTATION, COMPUTATION], 3, Some(false)), Ruling::PlantMissed);
    assert_eq!(tally::ruling(&[Pass, COMPUTATION, COMPUTATION], 3, Some(true)), Ruling::PlantFound);
    assert_eq!(tally::ruling(&[Pass, Pass], 3, Some(true)), Ruling::PlantFalse);
}
