//! What lies exactly on a limit, and what a batch and its netting leave out. Lies are refused in `tests.rs`.

use openledger_types::Rejection::*;
use openledger_types::providers::ClassRecord;
use openledger_types::record::ChannelRecord;
use openledger_types::{Amount, Batch, CarryLine, ContributionId, Event, Rejection, UpliftLine, limits};

use super::*;
use crate::StateKey;
use crate::tests::*;

fn completion(world: &World, reference: u64, round: u64, shares: &[(u8, u64)]) -> CompletionLines {
    split_completion(&world.terms("base", reference, round, shares, 1), &world.parameters).unwrap()
}

fn refused(change: impl FnOnce(&mut Batch)) -> Rejection {
    let mut world = World::prepared();
    let mut batch = world
        .batch(&[world.terms("base", 10_007, 1, &[(1, 3), (2, 2)], 1), world.terms("tuned", 9, 2, &[], 1)]);
    change(&mut batch);
    world.send(GATEWAY, settling(batch)).unwrap_err()
}

fn twice<T: Clone>(lines: &mut Vec<T>) {
    lines.push(lines[0].clone());
}

#[test]
fn no_list_names_one_thing_twice() {
    assert_eq!(refused(|batch| twice(&mut batch.debits)), LinesUnsorted);
    assert_eq!(refused(|batch| twice(&mut batch.providers)), LinesUnsorted);
    assert_eq!(refused(|batch| twice(&mut batch.builders)), LinesUnsorted);
    assert_eq!(refused(|batch| twice(&mut batch.data)), LinesUnsorted);
    assert_eq!(refused(|batch| twice(&mut batch.uplift)), LinesUnsorted);
    assert_eq!(refused(|batch| twice(&mut batch.carries)), LinesUnsorted);
    assert_eq!(refused(|batch| twice(&mut batch.classes)), LinesUnsorted);
}

#[test]
fn a_list_as_long_as_allowed_is_looked_at() {
    let full = |batch: &mut Batch, count| batch.providers = vec![batch.providers[0].clone(); count];
    assert_eq!(refused(|batch| full(batch, limits::BATCH_LINES_MAX)), LinesUnsorted);
    assert_eq!(refused(|batch| full(batch, limits::BATCH_LINES_MAX + 1)), BatchTooLarge);
}

#[test]
fn a_batch_of_as_many_receipts_as_allowed_settles() {
    let mut world = World::prepared();
    let many = vec![world.terms("base", 1_000, 0, &[(1, 1)], 1); limits::BATCH_RECEIPTS_MAX as usize];
    let batch = world.batch(&many);
    assert_eq!((batch.receipts, batch.data.len()), (limits::BATCH_RECEIPTS_MAX, 1));
    world.accept(GATEWAY, settling(batch));
}

#[test]
fn a_deposit_may_be_spent_whole() {
    let mut world = World::prepared();
    // 99,009,901 and a hundredth of it.
    let batch = world.batch(&[world.terms("base", 99_009_901, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    let channel: ChannelRecord = world.record(&StateKey::Channel(world.channel())).unwrap();
    assert_eq!(channel.spent, channel.deposit);
}

#[test]
fn a_carry_is_at_most_as_many_units_as_a_batch_has_lines() {
    let most = u64::try_from(limits::BATCH_LINES_MAX).unwrap();
    for (after, expected) in [(most, Ok(())), (most + 1, Err(CarryWrong))] {
        let mut world = World::prepared();
        let mut batch = world.batch(&[world.terms("base", 1_000_000, 0, &[(1, 1)], 0)]);
        assert!(batch.carries.is_empty());
        batch.data[0].amount.0 -= after;
        batch.carries = vec![CarryLine { model: name("base"), before: Amount(0), after: Amount(after) }];
        assert_eq!(world.send(GATEWAY, settling(batch)).map(drop), expected);
    }
}

#[test]
fn nothing_is_paid_or_burned_as_zero() {
    let mut world = World::prepared();
    let batch = world.batch(&[world.terms("base", 7, 0, &[], 1)]);
    assert_eq!((batch.burn, batch.capacity), (Amount(0), Amount(0)));
    for event in world.accept(GATEWAY, settling(batch)) {
        match event {
            Event::PoolPaid { amount, .. } | Event::Burned { amount, .. } => assert!(amount > Amount(0)),
            _ => {}
        }
    }
}

#[test]
fn what_a_class_served_is_counted() {
    let mut world = World::prepared();
    let key = StateKey::Providers(crate::providers::ProviderKey::Class(name("general")));
    let served = |world: &World| world.record::<ClassRecord>(&key).unwrap_or_default().running.served;
    let before = served(&world);
    let batch = world.batch(&[world.terms("base", 10_000, 1, &[], 1), world.terms("base", 500, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    assert_eq!(served(&world).0 - before.0, 10_000, "what was served without a class counts for none");
}

#[test]
fn one_contribution_is_one_line_however_often_it_is_used() {
    let world = World::prepared();
    let mut netting = Netting::new();
    let mut lines = completion(&world, 10_000, 0, &[(2, 1), (4, 1)]);
    // Three owners in each: after 800 the lines of a batch would be full.
    for count in 1..=800 {
        let carry_in = lines.carry_out;
        netting.add(&lines).unwrap();
        assert_eq!(netting.receipts(), count);
        lines = split_completion(
            &CompletionTerms { carry_in, ..world.terms("base", 10_000, 0, &[(2, 1), (4, 1)], 1) },
            &world.parameters,
        )
        .unwrap();
    }
    let batch = netting.finish(1, 1, bytes32(5), vec![]);
    assert_eq!((batch.receipts, batch.data.len()), (800, 3));
}

#[test]
fn a_completion_that_costs_nothing_has_no_class_line() {
    let world = World::prepared();
    let batch = world.batch(&[world.terms("base", 0, 1, &[], 1), world.terms("base", 100, 2, &[], 1)]);
    assert_eq!(batch.classes.iter().map(|line| line.round).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_contribution_of_another_datanet_is_not_revoked_with_its_namesake() {
    let world = World::prepared();
    let netted = || {
        let mut netting = Netting::new();
        netting.add(&completion(&world, 10_007, 0, &[(1, 3), (2, 2)])).unwrap();
        netting
    };
    let finish = |netting: Netting| netting.finish(1, 1, bytes32(5), vec![]);
    let mut other = netted();
    other.revoke(&name("other"), ContributionId([1; 32]));
    assert_eq!(finish(other), finish(netted()));
    let mut own = netted();
    own.revoke(&name("help"), ContributionId([1; 32]));
    let own = finish(own);
    assert!(own.data.iter().all(|line| line.contribution == ContributionId([2; 32])));
    assert_eq!(own.uplift, [UpliftLine { model: name("base"), amount: Amount(341 + 226 + 680) }]);
}

#[test]
fn whoever_would_get_nothing_has_no_line() {
    let world = World::prepared();
    // One unit for two owners, of whom the second has twice the parts of the first.
    let lines = completion(&world, 20, 0, &[(2, 1)]);
    assert_eq!(lines.data.iter().map(|line| line.amount).collect::<Vec<_>>(), [Amount(1)]);
}

#[test]
fn every_sum_of_a_completion_is_looked_at_by_itself() {
    let world = World::prepared();
    let lines = completion(&world, 1_000_007, 2, &[(1, 3), (2, 2)]);
    Netting::new().add(&lines).unwrap();
    let broken: [fn(&mut CompletionLines); 7] = [
        |lines| lines.reference_split.burn.0 += 1,
        |lines| lines.premium_split.capacity.0 += 1,
        |lines| lines.premium_split.burn.0 -= 1,
        |lines| lines.builders[0].amount.0 += 1,
        |lines| lines.builders[0].model = name("tuned"),
        |lines| lines.data[0].amount.0 += 1,
        |lines| lines.carry_out.0 += 1,
    ];
    for (place, change) in broken.into_iter().enumerate() {
        let mut changed = lines.clone();
        change(&mut changed);
        assert_eq!(Netting::new().add(&changed), Err(NettingError::Inexact), "change {place}");
    }
}
