//! What audits take out of the verification fund and out of the insurance.

use openledger_types::funds::{FundsAction, FundsEvent};
use openledger_types::record::Pool;

use super::rulings::poor;
use super::*;
use crate::escrow::{self, Loss};

/// Both audits go through a round with this verdict.
fn ruled_together(world: &mut World, both: [AuditId; 2], verdict: Verdict) {
    for audit in both {
        for who in sitting(world, audit) {
            let action = commit(world, audit, who, verdict);
            world.accept(who, action);
        }
    }
    let commit_by = record(world, both[0]).rounds.last().unwrap().commit_by;
    until(world, commit_by + 1);
    for audit in both {
        for who in sitting(world, audit) {
            world.accept(who, reveal(audit, verdict));
        }
    }
    advance(world, both[0]);
    let second = advancing(world, both[1]);
    world.accept(STRANGER, second);
}

/// A gateway whose bond was gone said of each drawn receipt that it had cost what the whole batch did, and its friend was owed the
/// batch's insurance once for each.
#[test]
fn a_batch_is_insured_once_however_many_receipts_are_audited() {
    let mut world = network(plain);
    let batch = settle(&mut world, 2);
    world.pass(1);
    world.accept(STRANGER, draw(batch, 1));
    let both = [0, 1].map(|receipt| AuditId { gateway: account(GATEWAY), batch, receipt });
    for AuditId { receipt, .. } in both {
        let opening = Opening { charged: Amount(20_200), ..opening(receipt) };
        let path = tree::batch_path(&leaves(2), usize::try_from(receipt).unwrap()).unwrap();
        world.accept(GATEWAY, audits(AuditAction::OpenReceipt { batch, receipt, opening, path }));
    }
    for _ in 0..2 {
        ruled_together(&mut world, both, Verdict::Fault(Fault::Receipt));
    }
    let (gateway, role) = (account(GATEWAY), Role::Gateway);
    world.transit(STRANGER, |transition| {
        let loss = Loss { penalty: Amount(u64::MAX), ..Loss::default() };
        let mut needed = escrow::keys_of_forfeit(gateway, role, &loss);
        needed.extend(escrow::keys_of_held(transition, gateway, role)?);
        transition.view.need(needed)?;
        escrow::forfeit(transition, gateway, role, &loss).map(drop)
    });
    world.pass(8);
    let mut owed = Vec::new();
    for audit in both {
        for event in world.accept(STRANGER, settle_subject(audit)) {
            if let Event::Funds(FundsEvent::InsuranceOwed { amount, .. }) = event {
                owed.push(amount.0);
            }
        }
    }
    assert_eq!(owed, [1_818, 1_818], "a fifth of 10,100 less the greatest fee, for each of two receipts");
}

/// A gateway settled batches of newcomers, whose receipts are all audited, until the fund had nothing left for anybody else.
#[test]
fn batches_of_newcomers_do_not_empty_the_fund() {
    let mut world = network(plain);
    let batches: Vec<u64> = (0..10).map(|_| settle(&mut world, 64)).collect();
    world.pass(1);
    let fund = |world: &World| world.record::<Amount>(&StateKey::Pool(Pool::Verification)).unwrap().0;
    let before = fund(&world);
    for batch in &batches {
        let held = fund(&world);
        let events = world.accept(STRANGER, draw(*batch, 1));
        let drawn = events.iter().find_map(|event| match event {
            Event::Audits(AuditEvent::AuditsDrawn { receipts, .. }) => Some(receipts.len()),
            _ => None,
        });
        assert!(drawn.is_some_and(|drawn| (1..64).contains(&drawn)), "{drawn:?} of 64");
        let key = AuditKey::Batch(account(GATEWAY), *batch).state();
        let record: AuditedBatchRecord = world.record(&key).unwrap();
        let stands_for = record.drawn.unwrap().stands_for;
        assert_eq!(stands_for, (64 << 16) / u64::try_from(drawn.unwrap()).unwrap(), "each for more");
        assert!(held - fund(&world) <= held / 20 + record.charged.0 / 10);
    }
    assert!(fund(&world) > before / 2, "{} of {before}", fund(&world));
}

/// A challenge while the fund is low, and what its panel says. Returns what the challenger had before.
fn challenged(verdict: Option<Verdict>, donated: u64) -> (World, AuditId, u64) {
    let (mut world, audit) = poor();
    say(&mut world, audit, |_| Some(Verdict::Pass));
    advance(&mut world, audit);
    let credits = world.credits(CONSUMER);
    world.accept(CONSUMER, challenge(audit, COMPUTATION));
    advance(&mut world, audit);
    if donated > 0 {
        let donate = FundsAction::Donate { pool: Pool::Verification, amount: Amount(donated) };
        world.accept(STRANGER, Action::Funds(donate));
    }
    say(&mut world, audit, |_| verdict);
    advance(&mut world, audit);
    (world, audit, credits)
}

/// Whoever challenged while the fund was low paid for the checks, also when it had been right.
#[test]
fn whoever_was_right_gets_back_what_it_paid_for_checks() {
    let paid = |verdict, donated| {
        let (world, _, credits) = challenged(verdict, donated);
        credits - world.credits(CONSUMER)
    };
    assert_eq!(paid(Some(COMPUTATION), 1_000_000), 0);
    assert_eq!(paid(None, 1_000_000), 0, "nobody spoke");
    assert_eq!(paid(Some(Verdict::Pass), 1_000_000), 1_000_000, "whoever was wrong pays for the checks");
    let (mut world, audit, credits) = challenged(Some(COMPUTATION), 0);
    let low = credits - world.credits(CONSUMER);
    assert!((1..3 * 4_500).contains(&low), "as far as the fund reaches: {low}");
    finish(&mut world, audit);
    assert!(world.credits(CONSUMER) > credits, "the reward is more than that");
}
