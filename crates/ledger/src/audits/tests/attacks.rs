//! Attacks that worked once, as their authors would send them.

use openledger_types::advances::AdvanceAction;
use openledger_types::audits::{BreakerRecord, SubjectRecord};
use openledger_types::record::{GatewayRecord, TrancheRecord};
use openledger_types::{Cause, Holder};

use super::super::penalty;
use super::*;
use crate::settlement::refund_tests::refund as refunding;

/// What faults can take from the gateway: bond and escrow.
fn gateway_worth(world: &World) -> u64 {
    let gateway: GatewayRecord = world.record(&StateKey::Gateway(account(GATEWAY))).unwrap();
    gateway.bond.0 / 10 + world.account(GATEWAY).escrowed.0
}

/// Two receipts in a batch, of which the first is opened as this says.
fn opened_as(stated: impl FnOnce(&mut Opening)) -> (World, AuditId) {
    let mut world = network(plain);
    let batch = settle(&mut world, 2);
    world.pass(1);
    world.accept(STRANGER, draw(batch, 1));
    let mut opening = opening(0);
    stated(&mut opening);
    let path = tree::batch_path(&leaves(2), 0).unwrap();
    world.accept(GATEWAY, audits(AuditAction::OpenReceipt { batch, receipt: 0, opening, path }));
    world.accept(GATEWAY, open(batch, 1, 2));
    (world, AuditId { gateway: account(GATEWAY), batch, receipt: 0 })
}

/// One auditor and a panel of three agree.
fn ruled(world: &mut World, audit: AuditId, verdict: Verdict) {
    say(world, audit, |_| Some(verdict));
    advance(world, audit);
    if verdict != Verdict::Pass {
        say(world, audit, |_| Some(verdict));
        advance(world, audit);
    }
}

/// A gateway opened a receipt with zero for its charge and its share, so that fifty times the share was nothing.
#[test]
fn a_gateway_that_states_nothing_pays_for_the_whole_batch() {
    let (mut world, audit) = opened_as(|opening| {
        (opening.charged, opening.share, opening.router_fee) = Default::default();
    });
    ruled(&mut world, audit, Verdict::Fault(Fault::Receipt));
    let (before, consumer) = (gateway_worth(&world), world.credits(CONSUMER));
    finish(&mut world, audit);
    assert_eq!(before - gateway_worth(&world), 50 * 9_000, "both receipts' shares");
    assert_eq!(world.credits(CONSUMER) - consumer, 10_100, "what a receipt of the batch charged on average");
}

/// It understated the share of a receipt that its friend had computed wrongly.
#[test]
fn a_provider_pays_at_least_for_the_mean_receipt() {
    let (mut world, audit) = opened_as(|opening| opening.share = Amount(1));
    ruled(&mut world, audit, COMPUTATION);
    let before = world.account(PROVIDER).escrowed.0;
    finish(&mut world, audit);
    assert_eq!(before - world.account(PROVIDER).escrowed.0, 50 * 4_500);
}

/// It named a provider that the batch did not pay, to keep that one's money waiting.
#[test]
fn only_a_provider_of_the_batch_is_audited_for_it() {
    let mut world = network(plain);
    world.accept(STRANGER, provider(1_000_000_000));
    let batch = settle(&mut world, 1);
    world.pass(1);
    world.accept(CURATOR, draw(batch, 1));
    let opening = Opening { provider: account(STRANGER), ..opening(0) };
    let path = tree::batch_path(&leaves(1), 0).unwrap();
    let stated = audits(AuditAction::OpenReceipt { batch, receipt: 0, opening, path });
    world.check([(GATEWAY, stated, Err(Rejection::OpeningWrong)), (GATEWAY, open(batch, 0, 1), Ok(()))]);
}

/// It kept back the one large receipt of a batch of small ones, and paid for a mean one.
#[test]
fn whoever_keeps_a_receipt_back_pays_for_the_whole_batch() {
    let mut world = network(plain);
    let batch = settle(&mut world, 2);
    world.pass(1);
    world.accept(STRANGER, draw(batch, 1));
    world.accept(GATEWAY, open(batch, 1, 2));
    until(&mut world, 4);
    let before = gateway_worth(&world);
    let close = audits(AuditAction::CloseOpening { gateway: account(GATEWAY), batch });
    world.accept(STRANGER, close);
    assert_eq!(before - gateway_worth(&world), 50 * 9_000);
    let cluster = AuditKey::Cluster(account(GATEWAY)).state();
    let counted: SubjectRecord = world.record(&cluster).unwrap();
    assert_eq!((counted.audited, counted.faults), (1, 1));
}

fn claim(epoch: u64) -> Action {
    Action::ClaimTranches { role: Role::Provider, epochs: vec![epoch] }
}

fn sell(epoch: u64) -> Action {
    Action::Advances(AdvanceAction::TakeAdvance { role: Role::Provider, epoch, amount: Amount(1_000) })
}

/// A provider claimed and sold the tranche of a false answer while the panel was still at work.
#[test]
fn what_an_audit_is_about_waits_for_its_end() {
    let (mut world, audit) = opened(plain);
    world.accept(STRANGER, Action::Advances(AdvanceAction::FundAdvances { amount: Amount(1_000_000) }));
    let tranche = |world: &World| {
        let key = StateKey::Tranche(account(PROVIDER), Role::Provider, 0);
        world.record::<TrancheRecord>(&key).unwrap()
    };
    world.check([(PROVIDER, sell(0), Err(Rejection::AdvanceTooMuch))]);
    ruled(&mut world, audit, Verdict::Pass);
    until(&mut world, 14);
    assert_eq!(crate::escrow::unlocked(&tranche(&world), 0, 14), tranche(&world).amount);
    world.check([
        (PROVIDER, claim(0), Err(Rejection::NothingUnlocked)),
        (PROVIDER, sell(0), Err(Rejection::AdvanceTooMuch)),
    ]);
    finish(&mut world, audit);
    world.check([(PROVIDER, sell(0), Ok(())), (PROVIDER, claim(0), Ok(()))]);
}

/// When the ruling was there it took what other epochs had unlocked, before anybody settled it.
#[test]
fn whoever_is_ruled_at_fault_takes_nothing_until_it_is_settled() {
    let (mut world, audit) = opened(|parameters| {
        plain(parameters);
        parameters.unbonding_epochs = 1;
    });
    let later = world.batch(&[world.terms("base", 1_000_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(later));
    let unbond = Action::Unbond { role: Role::Auditor, amount: Amount(2_000_000_000) };
    let release = || Action::ReleaseBond { role: Role::Auditor, epochs: vec![1] };
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    world.accept(auditor, unbond);
    ruled(&mut world, audit, COMPUTATION);
    until(&mut world, 12);
    world.check([
        (PROVIDER, claim(1), Err(Rejection::NothingUnlocked)),
        (PROVIDER, sell(1), Err(Rejection::AdvanceTooMuch)),
        (auditor, release(), Err(Rejection::StillUnbonding)),
    ]);
    finish(&mut world, audit);
    world.check([(PROVIDER, claim(1), Ok(())), (auditor, release(), Ok(()))]);
}

/// An overturned ruling holds nothing beyond the audit's own tranche any more.
#[test]
fn a_ruling_that_falls_lets_go() {
    let (mut world, audit) = opened(plain);
    let later = world.batch(&[world.terms("base", 1_000_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(later));
    ruled(&mut world, audit, COMPUTATION);
    world.accept(PROVIDER, challenge(audit, Verdict::Pass));
    advance(&mut world, audit);
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    world.check([(PROVIDER, claim(0), Err(Rejection::NothingUnlocked)), (PROVIDER, claim(1), Ok(()))]);
    finish(&mut world, audit);
    world.check([(PROVIDER, claim(0), Ok(()))]);
}

/// A provider failed twenty audits of its own in an epoch, and nobody was slashed for a day.
#[test]
fn faults_of_one_cluster_trip_the_breaker_once() {
    let mut world = network(plain);
    let rule = |world: &mut World, provider: u8, ruling: Ruling| {
        let parties = [account(provider), account(GATEWAY), account(CONSUMER)];
        world.transit(STRANGER, |transition| penalty::count_ruling(transition, parties, ruling));
        world.record::<BreakerRecord>(&AuditKey::Breaker.state()).unwrap()
    };
    let faulty = Ruling::Faulty(Fault::Computation);
    for _ in 0..30 {
        let breaker = rule(&mut world, PROVIDER, faulty);
        assert_eq!((breaker.ruled, breaker.faulty, breaker.paused_until), (1, 1, 0));
    }
    for _ in 0..17 {
        rule(&mut world, PROVIDER, Ruling::Passed);
    }
    assert_eq!(rule(&mut world, 20, faulty).paused_until, 0);
    assert_eq!(rule(&mut world, 21, faulty).paused_until, 24, "three clusters of twenty rulings");
}

#[test]
fn an_appeal_does_not_count_towards_the_pause() {
    let (mut world, audit) = opened(plain);
    ruled(&mut world, audit, COMPUTATION);
    let breaker = |world: &World| world.record::<BreakerRecord>(&AuditKey::Breaker.state()).unwrap();
    let before = breaker(&world);
    assert_eq!((before.ruled, before.faulty), (1, 1));
    world.accept(PROVIDER, challenge(audit, Verdict::Pass));
    advance(&mut world, audit);
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    assert_eq!((ruling(&world, audit), breaker(&world)), (Ruling::Faulty(Fault::Computation), before));
}

/// Whoever challenged when nobody was left to check lost the bond, and somebody with a few credits could go on for ever.
#[test]
fn a_challenge_that_nobody_can_check_costs_nothing_and_ends() {
    let (mut world, audit) = opened(plain);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    say(&mut world, audit, |_| Some(Verdict::Pass));
    for other in AUDITORS.into_iter().filter(|who| *who != auditor) {
        world.accept(other, Action::Unbond { role: Role::Auditor, amount: Amount(2_000_000_000) });
    }
    advance(&mut world, audit);
    let credits = world.credits(CONSUMER);
    for _ in 0..4 {
        world.accept(CONSUMER, challenge(audit, COMPUTATION));
        advance(&mut world, audit);
        assert_eq!((ruling(&world, audit), world.credits(CONSUMER)), (Ruling::Passed, credits));
    }
    world.check([(CONSUMER, challenge(audit, COMPUTATION), Err(Rejection::ChallengeLast))]);
    let (bond, _) = worth(&world, auditor);
    finish(&mut world, audit);
    assert_eq!(worth(&world, auditor).0, bond);
}

fn refund(world: &World, audit: AuditId, amount: u64) -> Action {
    refunding(world, amount, |refund| refund.batch = audit.batch)
}

/// A consumer was refunded by its gateway, and then again by the audit.
#[test]
fn nobody_is_refunded_twice() {
    let (mut world, audit) = opened(plain);
    ruled(&mut world, audit, COMPUTATION);
    let part = refund(&world, audit, 10_000);
    world.accept(GATEWAY, part);
    let events = finish(&mut world, audit);
    let refunded = |event: &&Event| matches!(event, Event::Moved { cause: Cause::Refunded, to, .. } if *to == Holder::Account(account(CONSUMER)));
    let moved: Vec<_> = events.iter().filter(refunded).collect();
    assert!(matches!(moved[..], [Event::Moved { amount: Amount(100), .. }]), "{moved:?}");
    let more = refund(&world, audit, 1);
    world.check([(GATEWAY, more, Err(Rejection::RefundTooMuch))]);
}

#[test]
fn what_an_audit_gave_back_is_not_refunded_again() {
    let (mut world, audit) = opened(plain);
    ruled(&mut world, audit, COMPUTATION);
    finish(&mut world, audit);
    let again = refund(&world, audit, 1);
    world.check([(GATEWAY, again, Err(Rejection::RefundTooMuch))]);
}
