//! I14 and I15: how much is audited, and what an honest subject risks by mistakes of others.

use openledger_types::audits::{AuditedBatchRecord, Ruling, SubjectRecord, Verdict};
use openledger_types::{Action, Amount, BasisPoints, Domain, limits};

use super::super::history::{Dice, History, Invariant, Turn, share_of};
use super::super::*;
use crate::audits::tests::{self as audited, COMPUTATION, opened, plain, say};
use crate::audits::{AuditKey, audit_rate, drawn_receipts};
use crate::reputation;

/// I14. For random subjects the rate is at least the least one; for a newcomer (no reputation, or within its first jobs) at
/// least the base rate, and everything in the first jobs. Every batch that a history settles has at least those rates for
/// each of its providers. And a draw takes every receipt with the same chance and keeps the rate, also where the most that
/// one batch may have audited limits it: that is above the least rate of the largest batch.
/// Not checked: that somebody sends the draw. Until then what was paid stays exposed, and until the gateway opens what was
/// drawn it is at fault.
#[derive(Default)]
struct Audited {
    batches: u64,
    newcomers: u64,
}

impl Invariant for Audited {
    fn after(&mut self, turn: &Turn<'_>) {
        let (Action::SettleBatch(batch), Ok(())) = (turn.action, turn.result) else { return };
        let (world, rules) = (turn.world, turn.world.parameters.audits);
        let key = AuditKey::Batch(account(turn.who), batch.number).state();
        let record: AuditedBatchRecord = world.record(&key).expect("every batch is remembered for audits");
        assert!(record.rate >= rules.rate_min);
        self.batches += 1;
        for line in &batch.providers {
            let key = AuditKey::Subject(line.provider).state();
            let subject = world.record::<SubjectRecord>(&key).unwrap_or_default();
            let trusted = world.ask(|transition| reputation::of(transition, line.provider, &Domain::Serving));
            if subject.assigned < rules.newcomer_jobs {
                assert_eq!(record.rate, BasisPoints::WHOLE, "a newcomer's first jobs are all audited");
                self.newcomers += 1;
            }
            assert!(trusted > 0 || record.rate >= rules.rate_base, "a newcomer has at least the base rate");
        }
    }

    fn end(&mut self, _: &World) {
        assert!(
            self.batches > share_of(300) && self.newcomers > share_of(50),
            "{} batches, {} of newcomers",
            self.batches,
            self.newcomers
        );
    }
}

fn check_rates() {
    let (mut dice, rules) = (Dice::new(14), World::new().parameters.audits);
    for _ in 0..20_000 {
        let faults = dice.below(6) as u32;
        let assigned = dice.below(200);
        let subject = SubjectRecord { assigned, since: dice.below(90), audited: 9, faults, counted_in: None };
        let trusted = if dice.chance(4) { 0 } else { dice.number() as u32 };
        let charged = Amount(if dice.chance(4) { dice.number() } else { dice.below(100_000) });
        let rate = audit_rate(trusted, &subject, charged, dice.below(100), &rules);
        assert!(rate >= rules.rate_min && rate <= BasisPoints::WHOLE);
        assert!(assigned >= rules.newcomer_jobs || rate == BasisPoints::WHOLE);
        // The first audits after those, and whoever has no reputation.
        let new = trusted == 0 || assigned < rules.newcomer_jobs + rules.taper_jobs / 2;
        assert!(!new || rate >= rules.rate_base, "{rate:?} of {subject:?} with {trusted}");
    }
}

/// How often each of so many receipts is drawn in so many draws.
fn counted(receipts: u32, rate: BasisPoints, draws: u64) -> Vec<u64> {
    let mut counts = vec![0; receipts as usize];
    for draw in 0..draws {
        let randomness = openledger_types::sha256(&draw.to_le_bytes());
        let drawn = drawn_receipts(&randomness, &account(GATEWAY), draw, receipts, (rate, rate), usize::MAX);
        assert!(drawn.len() <= limits::AUDITS_PER_BATCH_MAX);
        drawn.iter().for_each(|receipt| counts[*receipt as usize] += 1);
    }
    counts
}

fn check_draws() {
    let least = World::new().parameters.audits.rate_min;
    for (receipts, rate) in
        [(1, least), (40, least), (limits::BATCH_RECEIPTS_MAX, least), (64, BasisPoints(2_500))]
    {
        let draws = 120_000 / u64::from(receipts);
        let counts = counted(receipts, rate, draws);
        // The mean of all, in millionths: five standard errors of 120,000 draws are below a tenth of it.
        let expected = u64::from(rate.0) * 100;
        let whole = counts.iter().sum::<u64>() * 1_000_000 / (draws * u64::from(receipts));
        assert!(whole.abs_diff(expected) < expected / 12, "{whole} of {receipts} at {expected}");
        // Each of them within six standard errors.
        let mean = draws * expected / 1_000_000;
        let margin = 6 * mean.isqrt() + 6;
        assert!(counts.iter().all(|count| count.abs_diff(mean) <= margin), "some are drawn less often");
    }
    let most = limits::AUDITS_PER_BATCH_MAX as u64 * 10_000;
    assert!(
        most >= u64::from(limits::BATCH_RECEIPTS_MAX) * u64::from(least.0),
        "the limit is above the least rate"
    );
}

#[test]
pub(crate) fn i14_nobody_is_audited_less_than_the_least_rate() {
    check_rates();
    check_draws();
    History::check(14, &mut [&mut Audited::default()]);
}

/// What a provider has: balance, escrow and the worth of its stake, in uC.
fn wealth(world: &World) -> u64 {
    let held = world.account(PROVIDER);
    let stake = audited::provider_record(world).stake;
    held.credits.0
        + held.escrowed.0
        + crate::escrow::collateral(stake, world.parameters.collateral_per_open).0
}

/// One audit of an honest receipt, in a world: the first auditor accuses, and so many of the panel agree. Returns the
/// ruling, and what the provider loses.
fn accused(world: &mut World, audit: openledger_types::AuditId, agree: usize) -> (Ruling, u64) {
    say(world, audit, |_| Some(COMPUTATION));
    audited::advance(world, audit);
    say(world, audit, |seat| Some(if seat < agree { COMPUTATION } else { Verdict::Pass }));
    audited::advance(world, audit);
    let (ruling, before) = (audited::ruling(world, audit), wealth(world));
    audited::finish(world, audit);
    (ruling, before.saturating_sub(wealth(world)))
}

/// I15. An honest provider of small jobs, falsely accused by the first auditor, loses only when two of the panel err alike,
/// so with 3 % mistakes of each auditor a proven fault is a mistake in less than one audit in 10,000 (the reference's rate).
/// What such a mistake costs is measured on the ledger: the first, and one more in the same window, which is correlated.
/// By those costs an honest provider expects to keep more than 99 % of what it earns even if everything it does is audited.
/// Not checked: what the lost reputation costs later; and a stake so large for its jobs that the correlated part of a second
/// mistake outweighs them: a job must earn more than 3 * 10^-8 of the stake, which at the least stake is 3 uC.
#[test]
pub(crate) fn i15_an_honest_provider_gains_in_spite_of_mistakes() {
    let share = 4_500;
    let mut mistaken = Vec::new();
    for agree in 0..=3 {
        let (mut world, audit) = opened(plain);
        let (ruling, loss) = accused(&mut world, audit, agree);
        assert_eq!(matches!(ruling, Ruling::Faulty(_)), agree >= 2, "{agree} of three: {ruling:?}");
        assert!(agree >= 2 || loss == 0, "{agree} of three take {loss}");
        mistaken.push(loss);
    }
    let first = mistaken[3];
    assert_eq!((mistaken[2], first), (first, 50 * share));
    // Both stages, with three mistakes in a hundred: e (3 e^2 (1 - e) + e^3), in 10^-8.
    let error = 3u64;
    let both = error * (3 * error * error * (100 - error) + error.pow(3));
    assert!(both < 10_000, "{both} in 10^8 audits of honest work prove a fault");
    // One more within the window costs the part of the stake, too. The window is long enough for both.
    let (mut world, audit) = opened(|parameters| {
        plain(parameters);
        parameters.audits.fault_epochs = 365;
    });
    accused(&mut world, audit, 3);
    let batch = audited::settle(&mut world, 1);
    let epoch = world.epoch();
    world.pass(1);
    world.accept(STRANGER, audited::draw(batch, epoch + 1));
    world.accept(GATEWAY, audited::open(batch, 0, 1));
    let second = openledger_types::AuditId { gateway: account(GATEWAY), batch, receipt: 0 };
    let stake = wealth_of_stake(&world);
    let (_, correlated) = accused(&mut world, second, 3);
    let rules = world.parameters.audits;
    assert_eq!(correlated, stake * rules.correlation / rules.correlation_audits);
    // Of n audits each is a mistake with 10^-4, after (n - 1) * 10^-4 others on average. All in 10^-8 of a uC.
    for audits in [1u64, 20, 60, 1_000, 10_000] {
        let earned = u128::from(audits * share) * 100_000_000;
        let alone = u128::from(audits * first) * 10_000;
        let others = u128::from(audits - 1);
        let per_other = u128::from(stake * rules.correlation / audits.max(rules.correlation_audits));
        let together = u128::from(audits) * others * per_other;
        let lost = alone + together;
        assert!(lost * 100 < earned, "{audits} audits: {lost} lost of {earned}");
    }
}

fn wealth_of_stake(world: &World) -> u64 {
    let stake = audited::provider_record(world).stake;
    crate::escrow::collateral(stake, world.parameters.collateral_per_open).0
}
