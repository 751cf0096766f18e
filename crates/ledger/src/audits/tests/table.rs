//! The table of rejections, in the order of an audit.

use openledger_types::Rejection::*;
use openledger_types::record::Pool;

use super::*;

#[test]
fn auditors_bond_register_and_leave() {
    let mut world = World::prepared();
    let long = audits(AuditAction::RegisterAuditor { endpoint: "x".repeat(513) });
    let unbond = |amount| Action::Unbond { role: Role::Auditor, amount: Amount(amount) };
    world.check([
        (STRANGER, long, Err(TextTooLong)),
        (STRANGER, register(), Err(AuditorBondTooLow)),
        (STRANGER, bond(999_999_999), Err(AuditorBondTooLow)),
        (STRANGER, bond(1_000_000_000), Ok(())),
        (STRANGER, register(), Ok(())),
        (STRANGER, register(), Err(AuditorRegistered)),
        (STRANGER, unbond(1), Err(AuditorBondTooLow)),
        (STRANGER, unbond(1_000_000_000), Ok(())),
        (STRANGER, register(), Err(AuditorBondTooLow)),
        (STRANGER, bond(1_000_000_000), Ok(())),
        (STRANGER, register(), Ok(())),
    ]);
}

#[test]
fn draws_and_openings() {
    let mut world = network(plain);
    let commitment = seed_commitment(&account(GATEWAY), 0, &SEED);
    let seed = || audits(AuditAction::CommitSeed { commitment });
    world.check([
        (STRANGER, seed(), Err(GatewayUnknown)),
        (GATEWAY, seed(), Ok(())),
        (GATEWAY, seed(), Err(SeedCommitted)),
    ]);
    let batch = settle(&mut world, 2);
    let revealed = || audits(AuditAction::RevealSeed { epoch: 0, seed: SEED });
    let close = |batch| audits(AuditAction::CloseOpening { gateway: account(GATEWAY), batch });
    world.check([
        (STRANGER, draw(batch, 0), Err(AuditBeaconWrong)),
        (STRANGER, draw(batch, 1), Err(AuditBeaconWrong)),
        (STRANGER, draw(batch + 1, 1), Err(AuditBatchUnknown)),
        (GATEWAY, open(batch, 0, 2), Err(ReceiptNotDrawn)),
        (STRANGER, close(batch + 1), Err(AuditBatchUnknown)),
        (STRANGER, close(batch), Err(OpeningOpen)),
    ]);
    world.pass(2);
    world.check([
        (STRANGER, close(batch), Err(OpeningOpen)),
        (STRANGER, draw(batch, 2), Err(AuditBeaconWrong)),
        (GATEWAY, revealed(), Err(SeedEarly)),
        (STRANGER, draw(batch, 1), Ok(())),
        (STRANGER, draw(batch, 1), Err(AuditsDrawn)),
        (GATEWAY, revealed(), Err(SeedEarly)),
    ]);
    let change = |change: fn(&mut Opening, &mut Vec<Hash>)| {
        let (mut opening, mut path) = (opening(0), tree::batch_path(&leaves(2), 0).unwrap());
        change(&mut opening, &mut path);
        audits(AuditAction::OpenReceipt { batch, receipt: 0, opening, path })
    };
    world.check([
        (GATEWAY, open(batch, 0, 1), Err(OpeningWrong)),
        (GATEWAY, change(|_, path| path.extend([bytes32(0); 11])), Err(OpeningWrong)),
        (GATEWAY, change(|opening, _| opening.leaf = bytes32(0)), Err(OpeningWrong)),
        (GATEWAY, change(|opening, _| opening.charged = Amount(20_201)), Err(OpeningWrong)),
        (GATEWAY, change(|opening, _| opening.share = Amount(10_001)), Err(OpeningWrong)),
        (GATEWAY, change(|opening, _| opening.share = Amount(u64::MAX)), Err(OpeningWrong)),
        (GATEWAY, change(|opening, _| opening.provider = account(STRANGER)), Err(ProviderUnknown)),
        (PROVIDER, open(batch, 0, 2), Err(AuditBatchUnknown)),
        (GATEWAY, open(batch, 0, 2), Ok(())),
        (GATEWAY, open(batch, 0, 2), Err(ReceiptNotDrawn)),
    ]);
    until(&mut world, 4);
    world.check([(GATEWAY, open(batch, 1, 2), Err(OpeningTooLate))]);
}

/// Somebody emptied the verification fund, waited until the time to draw was over, and no batch of that time was ever audited.
#[test]
fn a_draw_that_nobody_can_pay_for_waits_for_the_fund() {
    let mut world = World::with(plain, 1_000_000_000).prepare();
    let batch = settle(&mut world, 3);
    let close = || audits(AuditAction::CloseOpening { gateway: account(GATEWAY), batch });
    world.pass(9);
    world.check([
        (STRANGER, draw(batch, 1), Err(PoolTooLow)),
        (STRANGER, draw(batch, 9), Err(AuditBeaconWrong)),
        (STRANGER, close(), Err(OpeningOpen)),
    ]);
    let large = world.batch(&[world.terms("base", 10_000_000, 0, &[], 1)]);
    world.check([
        (GATEWAY, settling(large), Ok(())),
        (STRANGER, draw(batch, 1), Ok(())),
        (GATEWAY, open(batch, 0, 3), Ok(())),
    ]);
    world.pass(1);
    world.check([(GATEWAY, open(batch, 1, 3), Ok(())), (STRANGER, close(), Err(OpeningOpen))]);
    world.pass(1);
    world.check([(GATEWAY, open(batch, 2, 3), Err(OpeningTooLate)), (STRANGER, close(), Ok(()))]);
}

/// A gateway settled dust, for each receipt of which the fund paid the least fee.
#[test]
fn dust_takes_no_more_from_the_fund_than_its_providers_earned() {
    let mut world = network(plain);
    let fund = |world: &World| world.record::<Amount>(&StateKey::Pool(Pool::Verification)).unwrap().0;
    let terms: Vec<_> = (0..100).map(|_| world.terms("base", 10, 0, &[], 1)).collect();
    let batch = world.batch(&terms);
    let number = batch.number;
    world.accept(GATEWAY, settling(batch));
    world.pass(1);
    let before = fund(&world);
    world.accept(STRANGER, draw(number, 1));
    assert_eq!(before - fund(&world), 64 * 4, "64 shares of 4 uC");
}

#[test]
fn verdicts_are_committed_first_and_revealed_later() {
    let (mut world, audit) = opened(plain);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    let other = AUDITORS.into_iter().find(|who| *who != auditor).unwrap();
    let unknown = AuditId { receipt: 1, ..audit };
    let committed = commit(&world, audit, auditor, COMPUTATION);
    let nothing = audits(AuditAction::CommitVerdict { audit: unknown, commitment: bytes32(0) });
    world.check([
        (auditor, nothing, Err(AuditUnknown)),
        (other, committed.clone(), Err(SeatUnknown)),
        (auditor, reveal(audit, COMPUTATION), Err(RevealEarly)),
        (auditor, committed.clone(), Ok(())),
        (auditor, committed.clone(), Err(VerdictCommitted)),
        (auditor, reveal(audit, COMPUTATION), Err(RevealEarly)),
        (STRANGER, advancing(&world, audit), Err(AdvanceEarly)),
        (STRANGER, settle_subject(audit), Err(AuditNotRuled)),
        (STRANGER, settle_seat(audit, auditor), Err(AuditNotRuled)),
        (STRANGER, challenge(audit, COMPUTATION), Err(AuditNotRuled)),
    ]);
    until(&mut world, 5);
    let wrong = audits(AuditAction::RevealSeed { epoch: 0, seed: SALT });
    world.check([
        (auditor, committed, Err(CommitTooLate)),
        (auditor, reveal(audit, Verdict::Pass), Err(VerdictWrong)),
        (auditor, reveal(audit, COMPUTATION), Ok(())),
        (auditor, reveal(audit, COMPUTATION), Err(VerdictWrong)),
        (GATEWAY, wrong.clone(), Err(SeedEarly)),
    ]);
    until(&mut world, 6);
    world.check([
        (auditor, reveal(audit, COMPUTATION), Err(RevealTooLate)),
        (GATEWAY, wrong, Err(SeedWrong)),
        (STRANGER, audits(AuditAction::RevealSeed { epoch: 0, seed: SEED }), Err(SeedUnknown)),
        (GATEWAY, audits(AuditAction::RevealSeed { epoch: 0, seed: SEED }), Ok(())),
        (STRANGER, advancing(&world, audit), Err(AdvanceEarly)),
    ]);
    until(&mut world, 8);
    let later = audits(AuditAction::AdvanceAudit { audit, beacon: 8 });
    world.check([(STRANGER, later, Err(AuditBeaconWrong)), (STRANGER, advancing(&world, audit), Ok(()))]);
}

#[test]
fn nobody_audits_a_party_that_they_are_linked_to() {
    let (mut world, audit) = opened(plain);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    let link =
        |other| Action::Accounts(openledger_types::AccountAction::DeclareLink { other: account(other) });
    world.accept(auditor, link(CONSUMER));
    world.accept(CONSUMER, link(auditor));
    let action = commit(&world, audit, auditor, Verdict::Pass);
    world.check([(auditor, action, Err(AuditorIsParty))]);
}

#[test]
fn rulings_are_challenged_in_time_and_settled_once() {
    let (mut world, audit) = opened(plain);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    let strangers = audits(AuditAction::SettleSubject {
        audit,
        provider: account(PROVIDER),
        consumer: account(STRANGER),
    });
    let again = audits(AuditAction::AdvanceAudit { audit, beacon: 7 });
    world.check([
        (STRANGER, again, Err(AuditRuled)),
        (STRANGER, strangers, Err(PartiesWrong)),
        (STRANGER, settle_subject(audit), Err(ChallengeOpen)),
        (STRANGER, settle_seat(audit, auditor), Err(ChallengeOpen)),
    ]);
    world.pass(8);
    world.check([
        (CONSUMER, challenge(audit, COMPUTATION), Err(ChallengeTooLate)),
        (STRANGER, settle_subject(audit), Ok(())),
        (STRANGER, settle_subject(audit), Err(AuditSettled)),
        (STRANGER, settle_seat(audit, GATEWAY), Err(SeatUnknown)),
        (STRANGER, settle_seat(audit, auditor), Ok(())),
        (STRANGER, settle_seat(audit, auditor), Err(AuditUnknown)),
    ]);
}

#[test]
fn the_largest_panel_has_the_last_word() {
    let (mut world, audit) = opened(|parameters| {
        plain(parameters);
        parameters.audits.committee = 3;
        parameters.audits.committee_max = 3;
    });
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    world.accept(CONSUMER, challenge(audit, COMPUTATION));
    advance(&mut world, audit);
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    world.check([(CONSUMER, challenge(audit, COMPUTATION), Err(ChallengeLast))]);
}

#[test]
fn whoever_is_silent_five_times_is_no_longer_drawn() {
    let mut world = network(|parameters| {
        plain(parameters);
        parameters.audits.silences_max = 1;
    });
    let batch = settle(&mut world, 1);
    world.pass(1);
    world.accept(STRANGER, draw(batch, 1));
    world.accept(GATEWAY, open(batch, 0, 1));
    let audit = AuditId { gateway: account(GATEWAY), batch, receipt: 0 };
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    advance(&mut world, audit);
    let events = finish(&mut world, audit);
    let dropped = Event::Audits(AuditEvent::AuditorDropped { auditor: account(auditor) });
    assert!(events.contains(&dropped));
    world.check([(auditor, register(), Ok(()))]);
}

#[test]
fn the_register_has_an_end() {
    let mut world = World::prepared();
    let entry = |number: u16| openledger_types::audits::PanelEntry {
        auditor: AccountId(std::array::from_fn(|place| number.to_be_bytes()[place & 1])),
        cluster: account(0),
        since: 0,
        reputation: 0,
        silences: 0,
    };
    let full = openledger_types::audits::PanelRecord { entries: (0..256).map(entry).collect() };
    let bytes = openledger_types::codec::encode(&full);
    assert!(bytes.len() < openledger_types::limits::RECORD_BYTES_MAX / 4);
    world.state.insert(AuditKey::Panel.state().encode(), bytes);
    world.check([(STRANGER, bond(1_000_000_000), Ok(())), (STRANGER, register(), Err(AuditorsFull))]);
}
