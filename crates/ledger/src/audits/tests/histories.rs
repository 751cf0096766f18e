//! Worked histories: who does what, and what everybody has at the end.

use openledger_types::record::{GatewayRecord, Pool};
use openledger_types::{Domain, EvidenceRecord};

use super::*;
use crate::reputation::ReputationKey;

fn evidence(world: &World, who: u8, domain: Domain) -> Option<EvidenceRecord> {
    world.record(&StateKey::Reputation(ReputationKey::Evidence(account(who), domain)))
}

fn pool(world: &World, pool: Pool) -> u64 {
    world.record::<Amount>(&StateKey::Pool(pool)).unwrap_or_default().0
}

#[test]
fn an_honest_receipt_passes_pays_its_auditor_and_covers_exposure() {
    let (mut world, audit) = opened(plain);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    let (bond, held) = worth(&world, auditor);
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::Passed);
    let before = provider_record(&world).exposure.0;
    finish(&mut world, audit);
    assert_eq!(worth(&world, auditor), (bond, held + 4_500), "the whole fee");
    assert_eq!(world.account(auditor).escrowed.0, 3_375, "a quarter of it is liquid without reputation");
    assert_eq!(before - provider_record(&world).exposure.0, 1_800, "what was liquid of 4,500");
    assert!(evidence(&world, PROVIDER, Domain::Serving).unwrap().alpha > 1 << 32);
    assert!(evidence(&world, GATEWAY, Domain::Routing).unwrap().alpha > 1 << 32);
    assert_eq!(evidence(&world, auditor, Domain::Auditing), None, "nothing proved that it looked");
}

#[test]
fn a_lazy_auditor_loses_twenty_fees_on_a_planted_fault() {
    let (mut world, audit) = opened(|parameters| parameters.audits.planted.0 = 10_000);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    let (bond, held) = worth(&world, auditor);
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::PlantMissed);
    let stake = provider_record(&world).stake;
    finish(&mut world, audit);
    // 20 * 4,500 uC at 0.1 C per OPEN, and no fee.
    assert_eq!(worth(&world, auditor), (bond - 900_000, held));
    assert_eq!(evidence(&world, auditor, Domain::Auditing).unwrap().beta, (4 + 5) << 32);
    assert_eq!(provider_record(&world).stake, stake, "the provider has nothing to do with it");
    assert_eq!(evidence(&world, PROVIDER, Domain::Serving), None);
}

#[test]
fn an_auditor_who_finds_a_planted_fault_is_paid_and_believed() {
    let (mut world, audit) = opened(|parameters| parameters.audits.planted.0 = 10_000);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    let (bond, held) = worth(&world, auditor);
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::PlantFound);
    finish(&mut world, audit);
    assert_eq!(worth(&world, auditor), (bond, held + 4_500));
    assert_eq!(evidence(&world, auditor, Domain::Auditing).unwrap().alpha, 2 << 32);
}

#[test]
fn a_gateway_that_says_it_planted_and_did_not_pays_itself() {
    let (mut world, audit) = opened(|parameters| parameters.audits.planted.0 = 10_000);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    world.accept(auditor, challenge(audit, Verdict::Pass));
    advance(&mut world, audit);
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::PlantFalse);
    let (bond, _) = worth(&world, auditor);
    finish(&mut world, audit);
    assert_eq!(worth(&world, auditor).0, bond, "the auditor was right");
    assert!(evidence(&world, auditor, Domain::Auditing).unwrap().alpha > 1 << 32);
    assert!(evidence(&world, GATEWAY, Domain::Routing).unwrap().beta > 4 << 32);
}

#[test]
fn a_silent_gateway_is_slashed_for_what_it_keeps_back() {
    let mut world = network(plain);
    let batch = settle(&mut world, 2);
    world.pass(1);
    let funds = pool(&world, Pool::Verification);
    world.accept(STRANGER, draw(batch, 1));
    assert_eq!(funds - pool(&world, Pool::Verification), 9_000, "two fees are set aside");
    world.accept(GATEWAY, open(batch, 1, 2));
    let close = || audits(AuditAction::CloseOpening { gateway: account(GATEWAY), batch });
    world.check([(STRANGER, close(), Err(Rejection::OpeningOpen))]);
    until(&mut world, 4);
    let held = |world: &World| {
        let gateway: GatewayRecord = world.record(&StateKey::Gateway(account(GATEWAY))).unwrap();
        gateway.bond.0 / 10 + world.account(GATEWAY).escrowed.0
    };
    let before = held(&world);
    let events = world.accept(STRANGER, close());
    let withheld = |event: &Event| matches!(event, Event::Audits(AuditEvent::ReceiptsWithheld { receipts, .. }) if *receipts == [0]);
    assert!(events.iter().any(withheld));
    assert_eq!(before - held(&world), 50 * 9_000, "50 times what the batch's providers earned");
    world.check([
        (STRANGER, close(), Err(Rejection::AuditBatchUnknown)),
        (GATEWAY, open(batch, 0, 2), Err(Rejection::AuditBatchUnknown)),
    ]);
}

#[test]
fn a_gateway_that_keeps_its_seed_back_is_slashed() {
    let (mut world, audit) = opened(plain);
    let close = || audits(AuditAction::CloseSeed { gateway: account(GATEWAY), epoch: 0 });
    say(&mut world, audit, |_| Some(Verdict::Pass));
    world.check([(STRANGER, close(), Err(Rejection::SeedEarly))]);
    until(&mut world, 7);
    let seed = || audits(AuditAction::RevealSeed { epoch: 0, seed: SEED });
    let before = world.account(GATEWAY).escrowed.0;
    world.check([
        (GATEWAY, seed(), Err(Rejection::SeedLate)),
        (STRANGER, close(), Ok(())),
        (STRANGER, close(), Err(Rejection::SeedUnknown)),
        (GATEWAY, seed(), Err(Rejection::SeedUnknown)),
        (STRANGER, advancing(&world, audit), Ok(())),
    ]);
    assert!(world.account(GATEWAY).escrowed.0 < before);
    assert_eq!(ruling(&world, audit), Ruling::Passed);
}

#[test]
fn silence_passes_the_subject_and_costs_the_auditor_its_fee() {
    let (mut world, audit) = opened(plain);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    let before = (worth(&world, auditor), provider_record(&world).exposure, pool(&world, Pool::Verification));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::Passed);
    finish(&mut world, audit);
    assert_eq!((worth(&world, auditor), provider_record(&world).exposure), (before.0, before.1));
    assert_eq!(pool(&world, Pool::Verification), before.2 + 4_500, "the fee goes back");
    assert_eq!(evidence(&world, PROVIDER, Domain::Serving), None, "nobody looked");
}

#[test]
fn a_proven_fault_is_slashed_refunded_and_marked() {
    let (mut world, audit) = opened(plain);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    let jurors = sitting(&world, audit);
    assert_eq!(jurors.len(), 3);
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::Faulty(Fault::Computation));
    let (consumer, escrowed) = (world.credits(CONSUMER), world.account(PROVIDER).escrowed.0);
    let (_, held) = worth(&world, auditor);
    finish(&mut world, audit);
    assert_eq!(escrowed - world.account(PROVIDER).escrowed.0, 50 * 4_500, "tranches first");
    assert_eq!(world.credits(CONSUMER) - consumer, 10_100);
    // 25 % of what remains after the refund, and the fee.
    assert_eq!(worth(&world, auditor).1 - held, (225_000 - 10_100) / 4 + 4_500);
    assert_eq!(evidence(&world, PROVIDER, Domain::Serving).unwrap().beta, 54 << 32);
    for juror in jurors {
        assert!(evidence(&world, juror, Domain::Auditing).unwrap().alpha > 1 << 32);
    }
}

#[test]
fn a_mismatch_is_not_paid_and_not_slashed() {
    let (mut world, audit) = opened(plain);
    say(&mut world, audit, |_| Some(Verdict::Mismatch));
    advance(&mut world, audit);
    say(&mut world, audit, |seat| Some([Verdict::Mismatch, Verdict::Mismatch, Verdict::Pass][seat]));
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::Degraded { by_gateway: false });
    let (stake, escrowed) = (provider_record(&world).stake, world.account(PROVIDER).escrowed.0);
    let consumer = world.credits(CONSUMER);
    finish(&mut world, audit);
    assert_eq!(provider_record(&world).stake, stake);
    assert_eq!(escrowed - world.account(PROVIDER).escrowed.0, 4_500, "the work is not paid");
    assert_eq!(world.credits(CONSUMER) - consumer, 4_500);
    assert!(evidence(&world, PROVIDER, Domain::Serving).unwrap().beta > 4 << 32);
}

#[test]
fn a_gateway_that_hands_nothing_over_pays_as_for_a_receipt_that_it_kept_back() {
    let (mut world, audit) = opened(plain);
    for _ in 0..2 {
        say(&mut world, audit, |_| Some(Verdict::Withheld));
        advance(&mut world, audit);
    }
    assert_eq!(ruling(&world, audit), Ruling::Degraded { by_gateway: true });
    let (consumer, provider) = (world.credits(CONSUMER), world.account(PROVIDER).escrowed);
    let held = worth(&world, GATEWAY);
    finish(&mut world, audit);
    assert_eq!(world.credits(CONSUMER) - consumer, 10_100, "all that the receipt cost");
    assert_eq!(world.account(PROVIDER).escrowed, provider, "the provider did nothing wrong");
    let lost = held.1 - worth(&world, GATEWAY).1;
    assert!(lost > 20 * 10_100, "a penalty above what the receipt cost: {lost}");
}

#[test]
fn a_second_auditor_checks_a_pass() {
    let (mut world, audit) = opened(|parameters| {
        plain(parameters);
        parameters.audits.repeated.0 = 10_000;
    });
    let first = sitting(&world, audit);
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    let second = sitting(&world, audit);
    assert!(second.len() == 1 && second != first);
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    let jurors = sitting(&world, audit);
    assert!(jurors.len() == 3 && !jurors.contains(&first[0]) && !jurors.contains(&second[0]));
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    let (bond, held) = worth(&world, first[0]);
    finish(&mut world, audit);
    assert_eq!(worth(&world, first[0]), (bond - 900_000, held), "it passed a fault");
    assert!(evidence(&world, second[0], Domain::Auditing).unwrap().alpha > 1 << 32);
}
