//! Draws that come late and receipts that earned nothing, as somebody used them.

use openledger_types::Event::Moved;
use openledger_types::audits::{SeedRecord, SubjectRecord};
use openledger_types::settlement::{Refund, SettlementAction};
use openledger_types::transaction::channel_id;
use openledger_types::{Cause, Holder};

use super::*;

fn seed(world: &World) -> SeedRecord {
    world.record(&AuditKey::Seed(account(GATEWAY), 0).state()).unwrap()
}

/// Two batches of epoch 0, of which one is drawn and opened, and its auditor finds the planted fault.
fn planted() -> (World, AuditId, u64) {
    let mut world = network(|parameters| {
        parameters.audits.planted.0 = 10_000;
        parameters.audits.repeated.0 = 0;
    });
    let (batch, other) = (settle(&mut world, 1), settle(&mut world, 1));
    world.pass(1);
    world.accept(STRANGER, draw(batch, 1));
    world.accept(GATEWAY, open(batch, 0, 1));
    let audit = AuditId { gateway: account(GATEWAY), batch, receipt: 0 };
    say(&mut world, audit, |_| Some(COMPUTATION));
    (world, audit, other)
}

/// Somebody drew another batch of the epoch late. The seed was not due then, and the honest gateway paid for its own planted
/// fault.
#[test]
fn a_verdict_waits_for_a_seed_that_a_late_draw_moved() {
    let (mut world, audit, other) = planted();
    let first = record(&world, audit).seed_by;
    until(&mut world, first - 1);
    world.accept(STRANGER, draw(other, 1));
    let (_, by) = seed(&world).due.unwrap();
    assert!(by > first);
    until(&mut world, first + 1);
    let early = audits(AuditAction::AdvanceAudit { audit, beacon: first + 1 });
    world.check([(STRANGER, early, Err(Rejection::AdvanceEarly))]);
    advance(&mut world, audit);
    assert_eq!(ruling(&world, audit), Ruling::PlantFound);
}

/// A gateway that had kept its seed back drew an old batch, so that it was never late.
#[test]
fn a_draw_after_the_end_does_not_move_it() {
    let (mut world, _, other) = planted();
    let due = seed(&world).due;
    until(&mut world, due.unwrap().1 + 1);
    world.accept(STRANGER, draw(other, 1));
    assert_eq!(seed(&world).due, due);
    let close = AuditAction::CloseSeed { gateway: account(GATEWAY), epoch: 0 };
    world.accept(STRANGER, audits(close));
    assert!(seed(&world).closed);
}

/// A receipt so small that its provider's share was floored to nothing is in no line of its batch: its gateway could not open
/// it, and paid for the whole batch.
#[test]
fn a_receipt_that_earned_nothing_can_be_opened() {
    let mut world = network(plain);
    world.accept(STRANGER, provider(1_000_000_000));
    let mut dust = world.terms("base", 2, 0, &[], 1);
    dust.provider = account(STRANGER);
    let mut batch = world.batch(&[world.terms("base", 10_000, 0, &[], 1), dust]);
    batch.receipts_root = tree::batch_root(&leaves(2));
    assert_eq!(batch.providers.len(), 1);
    let number = batch.number;
    world.accept(GATEWAY, settling(batch));
    world.pass(1);
    world.accept(STRANGER, draw(number, 1));
    let zero = Opening {
        provider: account(STRANGER),
        charged: Amount(2),
        share: Amount::ZERO,
        router_fee: Amount::ZERO,
        ..opening(1)
    };
    let stated = |opening| {
        let path = tree::batch_path(&leaves(2), 1).unwrap();
        audits(AuditAction::OpenReceipt { batch: number, receipt: 1, opening, path })
    };
    world.check([
        (GATEWAY, open(number, 0, 2), Ok(())),
        (GATEWAY, stated(Opening { share: Amount(1), ..zero.clone() }), Err(Rejection::OpeningWrong)),
        (GATEWAY, stated(zero), Ok(())),
    ]);
    let audit = AuditId { gateway: account(GATEWAY), batch: number, receipt: 1 };
    assert_eq!(record(&world, audit).covers[0], Amount::ZERO);
}

/// What a faulty receipt costs the provider when its cluster failed before, with and without stake on its way out.
fn costs(unbonds: bool) -> u64 {
    let (mut world, audit) = opened(plain);
    if unbonds {
        let unbond = Action::Unbond { role: Role::Provider, amount: Amount(900_000_000) };
        // What is liquid and not audited stays covered, so the exposure goes first.
        let key = StateKey::Provider(account(PROVIDER));
        let bare = ProviderRecord { exposure: Amount::ZERO, ..provider_record(&world) };
        world.state.insert(key.encode(), openledger_types::codec::encode(&bare));
        world.accept(PROVIDER, Action::RaiseBond { role: Role::Provider, amount: Amount(900_000_000) });
        world.accept(PROVIDER, unbond);
    } else {
        world.accept(PROVIDER, Action::RaiseBond { role: Role::Provider, amount: Amount(900_000_000) });
    }
    let failed = SubjectRecord { audited: 20, faults: 10, ..SubjectRecord::default() };
    let cluster = AuditKey::Cluster(account(PROVIDER)).state();
    world.state.insert(cluster.encode(), openledger_types::codec::encode(&failed));
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    let bonded = |world: &World| {
        let supply: openledger_types::record::SupplyRecord = world.record(&StateKey::Supply).unwrap();
        supply.open_bonded.0
    };
    let before = bonded(&world);
    finish(&mut world, audit);
    before - bonded(&world)
}

/// A provider took most of its stake back when it heard of the audit, so that the part it lost was of little.
#[test]
fn stake_on_its_way_out_counts_for_correlated_faults() {
    assert_eq!(costs(true), costs(false));
}

/// A gateway refunded the receipt of a victim to a consumer of its own, and the audit gave the victim nothing.
#[test]
fn what_went_to_somebody_else_was_not_given_back() {
    let (mut world, audit) = opened(plain);
    let (deposit, authorizer) = (Amount(1_000_000), account(STRANGER));
    let salt = bytes32(1);
    world.accept(STRANGER, Action::OpenChannel { gateway: account(GATEWAY), authorizer, deposit, salt });
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    say(&mut world, audit, |_| Some(COMPUTATION));
    advance(&mut world, audit);
    let refund = Refund {
        batch: audit.batch,
        receipt: 2,
        channel: channel_id(&account(STRANGER), &account(GATEWAY), &salt),
        charged: Amount(10_100),
        amount: Amount(10_000),
        failed: false,
        consent: None,
    };
    world.accept(GATEWAY, Action::Settlement(SettlementAction::Refund(refund)));
    let events = finish(&mut world, audit);
    let victim = Holder::Account(account(CONSUMER));
    let got = events.iter().find_map(|event| match event {
        Moved { cause: Cause::Refunded, to, amount, .. } if *to == victim => Some(*amount),
        _ => None,
    });
    assert_eq!(got, Some(Amount(10_100)));
}
