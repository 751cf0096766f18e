//! The tables of the mechanism notes (section 3), the properties I10 and I11, and what weighs how much.

use openledger_types::record::ProviderRecord;
use openledger_types::{
    AccountAction, Action, Amount, BasisPoints, CounterpartyRecord, Domain, Event, EvidenceRecord,
    FraudRecord, ReputationEvent, ReputationParameters, codec,
};
use proptest::prelude::*;

use super::arithmetic::{self, ALPHA, BETA, UNIT, bound, decay};
use super::*;
use crate::tests::*;
use crate::{StateKey, escrow};

const WHOLE: u32 = 1 << 16;

fn parameters() -> ReputationParameters {
    ReputationParameters::starting()
}

/// Thousandths, rounded.
fn thousandths(reputation: u32) -> u64 {
    (u64::from(reputation) * 1_000 + (1 << 31)) >> 32
}

fn of_units(good: u64, bad: u64) -> u32 {
    bound(ALPHA + good * UNIT, BETA + 5 * bad * UNIT, 205)
}

fn good(units: u32) -> Evidence {
    Evidence { good: units * WHOLE, bad: 0, counterparty: None }
}

fn bad(units: u32) -> Evidence {
    Evidence { good: 0, bad: units * WHOLE, counterparty: None }
}

fn give(world: &mut World, who: u8, evidence: Evidence) -> Vec<Event> {
    world.transit(CURATOR, |transition| record(transition, account(who), &Domain::Serving, evidence))
}

fn read(world: &mut World, who: u8) -> u32 {
    let mut found = 0;
    world.transit(CURATOR, |transition| {
        found = of(transition, account(who), &Domain::Serving)?;
        Ok(())
    });
    found
}

#[test]
fn clean_units_to_reach_a_reputation() {
    assert_eq!(of_units(0, 0), 0, "the prior");
    for (reputation, units) in [(500, 8), (700, 16), (800, 27), (900, 60), (950, 126)] {
        let wanted = (u64::from(u32::MAX) * reputation / 1_000) as u32;
        assert!(of_units(units - 1, 0) < wanted && wanted <= of_units(units, 0), "{reputation} at {units}");
    }
}

#[test]
fn failures_after_two_hundred_clean_units() {
    let found: Vec<u64> = [0, 1, 2, 3, 5].map(|failures| thousandths(of_units(200, failures))).to_vec();
    assert_eq!(found, [968, 939, 913, 889, 844]);
    // The scaling at the turn of the epoch does not move the bound by more than rounding.
    let before = EvidenceRecord { alpha: ALPHA + 200 * UNIT, beta: BETA + 10 * UNIT, ..arithmetic::prior(0) };
    let scaled =
        |value: u64| (u128::from(value) * (205 << 32) / u128::from(before.alpha + before.beta)) as u64;
    let after = bound(scaled(before.alpha), scaled(before.beta), 205);
    assert!(of_units(200, 2).abs_diff(after) <= 64);
}

/// The long run of the notes, with twenty units per epoch and outcomes from a seeded sequence, within .02.
#[test]
fn the_long_run_follows_the_true_rate_of_success() {
    for (success, expected) in [(990u64, 913u64), (980, 865), (950, 746), (900, 599), (800, 408)] {
        let (mut evidence, mut seed, mut sum) = (arithmetic::prior(0), 1u64, 0u64);
        for epoch in 1..=2_000 {
            evidence = arithmetic::turned(&evidence, None, &parameters(), epoch);
            for _ in 0..20 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if (seed >> 33) % 1_000 < success {
                    evidence.alpha += UNIT;
                } else {
                    evidence.beta += 5 * UNIT;
                }
            }
            if epoch > 200 {
                sum += thousandths(current(Some(&evidence), None, &parameters(), epoch));
            }
        }
        let mean = sum / 1_800;
        assert!(mean.abs_diff(expected) <= 20, "{success}: {mean} instead of {expected}");
    }
}

#[test]
fn decay_halves_in_its_half_life() {
    assert_eq!(decay(1_000_000, 0, 60), 1_000_000);
    assert_eq!(decay(1 << 40, 60, 60), 1 << 39);
    assert_eq!(decay(1 << 40, 600, 60), 1 << 30);
    assert_eq!(decay(u64::MAX, 60 * 64, 60), 0);
    assert_eq!(decay(u64::MAX, u64::MAX, 1), 0);
    // The factors of the notes: .98851 and .99616 per epoch.
    assert_eq!(decay(10_000_000, 1, 60) / 100, 98_851);
    assert_eq!(decay(10_000_000, 1, 180) / 100, 99_615);
    // Epoch by epoch gives what one step gives, within 2^-32 of the amount per step.
    let mut slow = 200 * UNIT;
    for epoch in 1..=500 {
        slow = decay(slow, 1, 60);
        assert!(decay(200 * UNIT, epoch, 60).abs_diff(slow) <= 200 * epoch);
    }
}

#[test]
fn a_reputation_rises_slowly_and_falls_at_once() {
    let mut world = World::prepared();
    assert_eq!(read(&mut world, PROVIDER), 0, "a new identity has nothing");
    give(&mut world, PROVIDER, good(200));
    assert_eq!(thousandths(read(&mut world, PROVIDER)), 50);
    world.pass(1);
    assert_eq!(thousandths(read(&mut world, PROVIDER)), 100);
    world.pass(9);
    give(&mut world, PROVIDER, good(1));
    assert_eq!(thousandths(read(&mut world, PROVIDER)), 550);
    world.pass(10);
    let high = thousandths(read(&mut world, PROVIDER));
    assert!((900..1_000).contains(&high), "{high}");
    give(&mut world, PROVIDER, bad(20));
    let low = thousandths(read(&mut world, PROVIDER));
    assert!(low < 600, "{low}");
    give(&mut world, PROVIDER, good(200));
    world.pass(1);
    give(&mut world, PROVIDER, good(200));
    assert!(thousandths(read(&mut world, PROVIDER)) <= low + 300);
    world.pass(3_000);
    assert_eq!(read(&mut world, PROVIDER), 0, "evidence is forgotten");
}

#[test]
fn units_vote_with_a_half_life_of_their_own() {
    let mut world = World::prepared();
    give(&mut world, AUTHOR, good(8));
    for (epochs, expected) in [(0, 8 << 16), (90, 4 << 16), (90, 2 << 16)] {
        world.pass(epochs);
        let mut found = 0;
        world.transit(CURATOR, |transition| {
            found = units(transition, account(AUTHOR), &Domain::Serving)?;
            Ok(())
        });
        assert_eq!(found, expected);
    }
}

#[test]
fn bad_evidence_by_one_counterparty_weighs_half_after_as_many_units_as_saturate() {
    let half = parameters().counterparty_units * UNIT;
    let weighed = [0, half, 3 * half].map(|counted| arithmetic::repeated(8 * UNIT, counted, &parameters()));
    assert_eq!(weighed, [8 * UNIT, 4 * UNIT, 2 * UNIT]);
}

#[test]
fn whoever_is_in_no_cluster_is_read_alone() {
    let mut world = World::prepared();
    give(&mut world, PROVIDER, good(200));
    let mut found = 0;
    world.transit(CURATOR, |transition| {
        found = alone(transition, account(PROVIDER), &Domain::Serving)?;
        Ok(())
    });
    assert_eq!((thousandths(found), found), (50, read(&mut world, PROVIDER)));
}

/// What a pair reads is known before anything is loaded.
#[test]
fn evidence_of_a_counterparty_is_loaded_in_one_round() {
    let mut world = World::prepared();
    let (subject, counterparty) = (account(PROVIDER), account(CONSUMER));
    let mut runs = 0;
    world.transit(CURATOR, |transition| {
        runs += 1;
        transition.view.need(keys_of_pair(subject, &Domain::Serving, counterparty))?;
        record(
            transition,
            subject,
            &Domain::Serving,
            Evidence { counterparty: Some(counterparty), ..good(4) },
        )
    });
    assert_eq!(runs, 2);
    let key = ReputationKey::Counterparty(subject, Domain::Serving, counterparty);
    let pair: CounterpartyRecord = world.record(&StateKey::Reputation(key)).unwrap();
    assert_eq!(pair.seen_now, 4 * UNIT, "all of it was seen, whatever it weighs");
}

#[test]
fn what_a_job_weighs() {
    for (fee, quarters, expected) in [
        (0, 4, 0),
        (1, 4, 0),
        (50_000, 4, 1 << 15),
        (100_000, 4, 1 << 16),
        (u64::MAX, 4, 1 << 16),
        (100_000, 8, 1 << 17),
    ] {
        assert_eq!(weight(Amount(fee), quarters, &parameters()), expected, "{fee}");
    }
}

/// What `units` by one counterparty weighed, in thousandths.
fn weighed(world: &mut World, counterparty: u8, units: u32) -> (u64, u64) {
    let evidence = Evidence { good: units * WHOLE, bad: 0, counterparty: Some(account(counterparty)) };
    let events = give(world, PROVIDER, evidence);
    let [Event::Reputation(ReputationEvent::EvidenceRecorded { good, bad, .. })] = events[..] else {
        panic!("one event: {events:?}");
    };
    ((good * 1_000) >> 32, (bad * 1_000) >> 32)
}

#[test]
fn a_counterparty_who_repeats_itself_weighs_less_and_less() {
    let mut world = World::prepared();
    assert_eq!(
        weighed(&mut world, CONSUMER, 4),
        (954, 0),
        "a quarter of 4, and the first is discounted already"
    );
    world.pass(1);
    assert_eq!(weighed(&mut world, CONSUMER, 40), (6_938, 0));
    world.pass(1);
    assert!(weighed(&mut world, CONSUMER, 4).0 < 650);
    assert_eq!(weighed(&mut world, STRANGER, 4), (954, 0), "another one counts in full");
    // Somebody who spends elsewhere keeps more of the weight.
    let elsewhere = Evidence { good: 60 * WHOLE, bad: 0, counterparty: Some(account(AUTHOR)) };
    give(&mut world, TUNER, elsewhere);
    world.pass(1);
    assert_eq!(weighed(&mut world, AUTHOR, 1), (954, 0), "nothing went here so far");
    let own = Evidence { good: 5 * WHOLE, bad: 3 * WHOLE, counterparty: Some(account(PROVIDER)) };
    let events = give(&mut world, PROVIDER, own);
    let [Event::Reputation(ReputationEvent::EvidenceRecorded { good, bad, .. })] = events[..] else {
        panic!("one event: {events:?}");
    };
    assert_eq!((good, bad), (0, 3 * UNIT), "nobody praises oneself");
}

#[test]
fn a_proven_fraud_weighs_on_the_subject_and_its_cluster() {
    let mut world = World::prepared();
    for _ in 0..30 {
        give(&mut world, PROVIDER, good(20));
        world.pass(1);
    }
    assert!(thousandths(read(&mut world, PROVIDER)) > 900);
    give(&mut world, PROVIDER, good(1));
    let events =
        world.transit(CURATOR, |transition| mark_fraud(transition, account(PROVIDER), &Domain::Serving));
    assert!(matches!(events[..], [Event::Reputation(ReputationEvent::FraudMarked { .. })]));
    assert_eq!(give(&mut world, PROVIDER, good(100)), [], "nothing else counts in this epoch");
    let key = StateKey::Reputation(ReputationKey::Evidence(account(PROVIDER), Domain::Serving));
    let evidence: EvidenceRecord = world.record(&key).unwrap();
    assert_eq!((evidence.alpha, evidence.beta, evidence.units), (UNIT, 54 * UNIT, 0));
    for _ in 0..20 {
        world.pass(1);
        give(&mut world, PROVIDER, good(5));
    }
    let after = read(&mut world, PROVIDER);
    let linked =
        EvidenceRecord { alpha: ALPHA + 100 * UNIT, beta: BETA, base: u32::MAX, ..arithmetic::prior(30) };
    let mark: FraudRecord =
        world.record(&StateKey::Reputation(ReputationKey::Fraud(account(PROVIDER)))).unwrap();
    let weighed = current(Some(&linked), Some(&mark), &parameters(), 30);
    assert_eq!(weighed, bound(linked.alpha, linked.beta + 50 * UNIT, 205));
    assert_eq!(
        current(Some(&linked), Some(&mark), &parameters(), 29),
        current(Some(&linked), None, &parameters(), 29)
    );
    assert!(after < weighed + (weighed >> 1));
}

#[test]
fn a_mark_follows_the_accounts_into_and_out_of_a_cluster() {
    let mut world = World::prepared();
    let mark = |world: &mut World, who: u8| {
        world.transit(CURATOR, |transition| mark_fraud(transition, account(who), &Domain::Serving));
    };
    let link = |world: &mut World, one: u8, other: u8| {
        for (who, other) in [(one, other), (other, one)] {
            world.accept(who, Action::Accounts(AccountAction::DeclareLink { other: account(other) }));
        }
    };
    let marked = |world: &mut World, who: u8| {
        let mut root = account(who);
        world.transit(CURATOR, |transition| {
            root = crate::accounts::cluster_of(transition, account(who))?;
            Ok(())
        });
        world.record::<FraudRecord>(&key_of_mark(root)).map(|mark| mark.epoch)
    };
    link(&mut world, AUTHOR, COAUTHOR);
    world.pass(3);
    mark(&mut world, STRANGER);
    assert_eq!([AUTHOR, COAUTHOR, STRANGER].map(|who| marked(&mut world, who)), [None, None, Some(3)]);
    link(&mut world, STRANGER, AUTHOR);
    assert_eq!([AUTHOR, COAUTHOR, STRANGER].map(|who| marked(&mut world, who)), [Some(3); 3]);
    for round in 0..2 {
        world.accept(STRANGER, Action::Accounts(AccountAction::EndLink { other: account(AUTHOR) }));
        world.pass(90 * (1 - round));
    }
    assert_eq!([AUTHOR, COAUTHOR, STRANGER].map(|who| marked(&mut world, who)), [Some(3); 3]);
    // The account that names the cluster leaves: its successor has the mark as well. The lowest of two names it.
    let mut world = World::prepared();
    let mut chain = [AUTHOR, COAUTHOR, STRANGER];
    chain.sort_by_key(|who| account(*who));
    link(&mut world, chain[0], chain[1]);
    link(&mut world, chain[2], chain[1]);
    mark(&mut world, chain[1]);
    for round in 0..2 {
        world.accept(chain[0], Action::Accounts(AccountAction::EndLink { other: account(chain[1]) }));
        world.pass(90 * (1 - round));
    }
    assert_eq!(chain.map(|who| marked(&mut world, who)), [Some(0); 3]);
    // The whole cluster is one pair, and both leave it at once.
    let mut world = World::prepared();
    link(&mut world, AUTHOR, COAUTHOR);
    mark(&mut world, AUTHOR);
    mark(&mut world, COAUTHOR);
    for round in 0..2 {
        world.accept(AUTHOR, Action::Accounts(AccountAction::EndLink { other: account(COAUTHOR) }));
        world.pass(90 * (1 - round));
    }
    assert_eq!([AUTHOR, COAUTHOR].map(|who| marked(&mut world, who)), [Some(0); 2]);
}

#[test]
fn the_liquid_part_of_a_payout_follows_the_evidence() {
    let mut world = World::prepared();
    let mut liquid = Vec::new();
    for _ in 0..3 {
        let before = world.credits(PROVIDER);
        let batch = world.batch(&[world.terms("base", 10_000, 0, &[], 1)]);
        world.accept(GATEWAY, settling(batch));
        liquid.push(world.credits(PROVIDER) - before);
        give(&mut world, PROVIDER, good(200));
        world.pass(7);
    }
    // 4,500 each: 40 %, then R = .4 of the way to 90 %, then R = .75.
    assert_eq!(liquid, [1_800, 2_699, 3_487]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// I10: in [0, 1], at most .05 up per epoch, never up by bad evidence, and independent of the order in an epoch.
    #[test]
    fn reputation_is_bounded_and_independent_of_order(
        epochs in prop::collection::vec((1u64..200, prop::collection::vec((0u32..2_000_000, 0u32..200_000, 0u8..4), 0..6)), 1..12),
    ) {
        let mut world = World::prepared();
        let step = (u64::from(parameters().rise_max.0) << 32) / u64::from(BasisPoints::WHOLE.0);
        for (elapsed, given) in epochs {
            let before = u64::from(read(&mut world, PROVIDER));
            world.pass(elapsed);
            let mut backwards = world.clone();
            let evidence = |(good, bad, who): &(u32, u32, u8)| Evidence {
                good: *good,
                bad: *bad,
                counterparty: [None, Some(account(CONSUMER)), Some(account(STRANGER)), Some(account(PROVIDER))][usize::from(*who)],
            };
            for given in &given {
                let unharmed = read(&mut world, PROVIDER);
                give(&mut world, PROVIDER, Evidence { good: 0, ..evidence(given) });
                prop_assert!(read(&mut world, PROVIDER) <= unharmed, "bad evidence raised the reputation");
                give(&mut world, PROVIDER, Evidence { bad: 0, ..evidence(given) });
            }
            for given in given.iter().rev() {
                give(&mut backwards, PROVIDER, Evidence { bad: 0, ..evidence(given) });
                give(&mut backwards, PROVIDER, Evidence { good: 0, ..evidence(given) });
            }
            prop_assert_eq!(&backwards.state, &world.state, "the order within an epoch mattered");
            let after = u64::from(read(&mut world, PROVIDER));
            prop_assert!(after <= before + step * elapsed, "rose from {before} to {after} in {elapsed} epochs");
        }
    }

    /// I10: decay moves evidence towards the prior only, and what is read is what an epoch-by-epoch walk gives.
    #[test]
    fn decay_moves_towards_the_prior_only(
        alpha in 0u64..1 << 42, beta in 0u64..1 << 42, base in any::<u32>(), elapsed in 0u64..400,
    ) {
        let evidence = EvidenceRecord { alpha, beta, base, ..arithmetic::prior(7) };
        let after = arithmetic::turned(&evidence, None, &parameters(), 7 + elapsed);
        let distance = |value: u64, prior: u64| value.abs_diff(prior);
        let scaled = alpha + beta > 205 << 32;
        prop_assert!(scaled || distance(after.alpha, ALPHA) <= distance(alpha, ALPHA));
        prop_assert!(scaled || distance(after.beta, BETA) <= distance(beta, BETA));
        prop_assert!(elapsed == 0 || after.alpha + after.beta <= (205 << 32) + 1);
        let mut walked = evidence.clone();
        for epoch in 8..=7 + elapsed {
            walked = arithmetic::turned(&walked, None, &parameters(), epoch);
        }
        let (lazy, eager) = (
            current(Some(&evidence), None, &parameters(), 7 + elapsed),
            current(Some(&walked), None, &parameters(), 7 + elapsed),
        );
        prop_assert!(lazy.abs_diff(eager) <= 1 << 12, "{lazy} and {eager}");
    }

    /// I11: leaving and coming back under another name never makes more liquid than staying.
    #[test]
    fn whitewash_never_raises_what_can_be_liquid(
        stake in 0u64..1 << 60, moved in 0u64..1 << 60, exposure in 0u64..1 << 60, price in 0u64..1 << 40,
        amount in any::<u64>(), reputation in any::<u32>(),
    ) {
        let moved = moved.min(stake);
        let value = |stake: u64| escrow::collateral(Amount(stake), Amount(price));
        let escrow = World::new().parameters.provider_escrow;
        let room = |collateral: Amount, exposure: u64| (collateral.0 / 2).saturating_sub(exposure);
        // Stake can leave only while half of what remains covers the exposure.
        prop_assume!(exposure <= value(stake - moved).0 / 2);
        let stays = room(value(stake), exposure);
        let left = room(value(stake - moved), exposure);
        let fresh = room(value(moved), 0);
        prop_assert!(u128::from(left) + u128::from(fresh) <= u128::from(stays) || value(stake).0 == u64::MAX);
        let new = escrow::liquid_part(Amount(amount), &escrow, 0);
        prop_assert!(new <= escrow::liquid_part(Amount(amount), &escrow, reputation));
    }

    /// Dividing evidence of one counterparty into pieces changes nothing.
    #[test]
    fn pieces_weigh_what_the_whole_weighs(counted in 0u64..1 << 40, one in 0u64..1 << 40, two in 0u64..1 << 40) {
        let grown = |counted, added| arithmetic::saturated(counted, added, &parameters());
        prop_assert_eq!(grown(counted, 0), counted);
        prop_assert!(grown(counted, one) >= counted && grown(counted, one + two) >= grown(counted, one));
        prop_assert!(grown(counted, one) - counted <= one);
        prop_assert!(grown(grown(counted, one), two).abs_diff(grown(counted, one + two)) <= 2);
    }
}

#[test]
fn records_of_counterparties_are_small() {
    assert!(codec::encode(&CounterpartyRecord::default()).len() <= 48);
    let mut world = World::prepared();
    let key = StateKey::Provider(account(PROVIDER));
    let provider: ProviderRecord = world.record(&key).unwrap();
    give(&mut world, PROVIDER, Evidence { counterparty: Some(account(CONSUMER)), ..good(1) });
    assert_eq!(world.record::<ProviderRecord>(&key), Some(provider), "the provider's record is not touched");
}
