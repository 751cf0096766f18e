//! I10 and I11: what evidence does to a reputation, and what a new name is worth.

use openledger_types::record::{ProviderRecord, Role};
use openledger_types::{Action, Amount, Domain, EvidenceRecord};

use super::super::history::{Dice, History};
use super::super::*;
use crate::reputation::{self, Evidence};
use crate::{StateKey, escrow};

/// Evidence, or a proven fraud, about one of a few subjects.
#[derive(Clone)]
struct Said {
    subject: u8,
    domain: Domain,
    evidence: Option<Evidence>,
}

fn random_said(dice: &mut Dice) -> Said {
    let domains = [Domain::Serving, Domain::Auditing, Domain::Data(name("help"))];
    let unit = 1 + dice.below(1 << 20) as u32;
    let counterparty = (!dice.chance(4)).then(|| account(10 + dice.below(5) as u8));
    let (good, bad) = if dice.chance(4) { (0, unit >> 2) } else { (unit, 0) };
    let evidence = (!dice.chance(60)).then_some(Evidence { good, bad, counterparty });
    Said { subject: dice.below(4) as u8, domain: domains[dice.below(3) as usize].clone(), evidence }
}

fn say(world: &mut World, said: &Said) {
    let subject = account(said.subject);
    world.transit(CURATOR, |transition| match said.evidence {
        Some(evidence) => reputation::record(transition, subject, &said.domain, evidence),
        None => reputation::mark_fraud(transition, subject, &said.domain),
    });
}

fn reputation(world: &World, said: &Said) -> u64 {
    u64::from(world.ask(|transition| reputation::of(transition, account(said.subject), &said.domain)))
}

/// I10. Over forty epochs of evidence and frauds about four subjects in three domains: a reputation is below one (it is a
/// fraction of 2^32 by its type), rises by at most .05 per epoch, never rises by bad evidence or by a fraud, and three
/// random orders of what was said in an epoch end in the same state, byte for byte. And while nothing is said, evidence only
/// decays: from either side towards the prior, the further the longer, never beyond it, and in the end it is the prior.
/// Not checked: whether what was said is true; audits are judged by other audits.
#[test]
pub(crate) fn i10_reputation_rises_slowly_in_any_order() {
    let (mut world, mut dice) = (World::prepared(), Dice::new(10));
    let step = (u64::from(world.parameters.reputation.rise_max.0) << 32) / 10_000;
    let (mut highest, mut fell) = (0, 0);
    for _ in 0..40 {
        let elapsed = 1 + dice.below(4);
        let all: Vec<Said> = (0..12).map(|_| random_said(&mut dice)).collect();
        let before: Vec<u64> = all.iter().map(|said| reputation(&world, said)).collect();
        world.pass(elapsed);
        let beginning = world.clone();
        for said in &all {
            let unharmed = reputation(&world, said);
            say(&mut world, said);
            let now = reputation(&world, said);
            let harms = said.evidence.is_none_or(|evidence| evidence.good == 0);
            assert!(!harms || now <= unharmed, "bad evidence raised a reputation");
            fell += u64::from(now < unharmed);
        }
        for (said, before) in all.iter().zip(before) {
            let now = reputation(&world, said);
            assert!(
                now <= before + step * elapsed + elapsed,
                "rose from {before} to {now} in {elapsed} epochs"
            );
            highest = highest.max(now);
        }
        for _ in 0..2 {
            let (mut other, mut order) = (beginning.clone(), all.clone());
            for place in (1..order.len()).rev() {
                order.swap(place, dice.below(place as u64 + 1) as usize);
            }
            order.iter().for_each(|said| say(&mut other, said));
            assert_eq!(other.state, world.state, "the order within an epoch mattered");
        }
    }
    check_decay(&world, &mut dice);
    assert!(highest > 1 << 30 && fell > 20, "highest {highest}, fell {fell} times");
}

fn check_decay(world: &World, dice: &mut Dice) {
    let rules = world.parameters.reputation;
    let (prior_alpha, prior_beta) = (1u64 << 32, 4u64 << 32);
    for _ in 0..500 {
        // Below the limit of all evidence; beyond it, all of it is scaled down once before it decays.
        let (alpha, beta) = (prior_alpha + dice.below(100 << 32), (1 << 32) + dice.below(100 << 32));
        let mut last = EvidenceRecord { alpha, beta, units: alpha, epoch: 9, base: 0, fraud_epoch: None };
        let first = last.clone();
        let between = |prior: u64, now: u64, before: u64| {
            (prior..=before.max(prior)).contains(&now) || (before..=prior).contains(&now)
        };
        for elapsed in [1, 2, 7, 30, 60, 180, 1_000, 100_000] {
            let now = reputation::turned(&first, None, &rules, 9 + elapsed);
            assert!(between(prior_alpha, now.alpha, last.alpha), "{elapsed} epochs: {now:?} of {first:?}");
            assert!(between(prior_beta, now.beta, last.beta), "{elapsed} epochs: {now:?} of {first:?}");
            assert!(now.units <= last.units);
            last = now;
        }
        assert_eq!((last.alpha, last.beta, last.units), (prior_alpha, prior_beta, 0));
    }
}

/// I11. A new identity has no reputation, and at no time more than one with a clean history. A provider who moves what
/// it can of its stake to a new name, at any exposure, can make no more liquid under both names than it could under one.
/// Not checked: a new name for somebody without exposure, which is only a new name.
#[test]
pub(crate) fn i11_a_new_name_is_worth_nothing() {
    let mut dice = Dice::new(11);
    for _ in 0..12 {
        let mut world = History::beginning();
        let provider = |world: &World, who| -> ProviderRecord {
            world.record(&StateKey::Provider(account(who))).unwrap()
        };
        let room = |world: &World, who| {
            let record = provider(world, who);
            escrow::room(
                escrow::collateral(record.stake, world.parameters.collateral_per_open),
                record.exposure,
            )
            .0
        };
        world.accept(PROVIDER, Action::RaiseBond { role: Role::Provider, amount: Amount(3_000_000_000) });
        for _ in 0..dice.below(3) {
            let batch = world.batch(&[world.terms("base", 1 + dice.below(20_000_000), 0, &[], 1)]);
            world.accept(GATEWAY, settling(batch));
        }
        let clean = Evidence { good: 40 << 16, bad: 0, counterparty: None };
        say(&mut world, &Said { subject: PROVIDER, domain: Domain::Serving, evidence: Some(clean) });
        let before = room(&world, PROVIDER);
        let moved = 1_000_000_000 + dice.below(2_000_000_001);
        if world.send(PROVIDER, Action::Unbond { role: Role::Provider, amount: Amount(moved) }).is_err() {
            continue;
        }
        let waits = world.parameters.unbonding_epochs;
        let epoch = world.epoch();
        world.pass(waits);
        world.accept(PROVIDER, Action::ReleaseBond { role: Role::Provider, epochs: vec![epoch] });
        let newcomer = 45;
        world.accept(PROVIDER, transfer(newcomer, openledger_types::Asset::Open, moved));
        world.accept(newcomer, super::super::provider(moved));
        let of = |world: &World, who| {
            world.ask(|transition| reputation::of(transition, account(who), &Domain::Serving))
        };
        assert_eq!(of(&world, newcomer), 0);
        assert!(of(&world, PROVIDER) > 0);
        assert!(room(&world, PROVIDER) + room(&world, newcomer) <= before);
    }
}
