//! The draws as pure functions: rates, fees, receipts, auditors.
#![expect(clippy::float_arithmetic, reason = "the reference of a logarithm is the library's")]

use openledger_types::audits::{AuditParameters, PanelEntry, PanelRecord, SubjectRecord};
use openledger_types::{AccountId, Amount, AuditId, BasisPoints, Hash, limits, sha256};
use proptest::prelude::*;

use super::super::draw::{cap, falls_into, minus_log2};
use super::super::*;
use super::account;

fn parameters() -> AuditParameters {
    AuditParameters::starting()
}

fn seasoned(faults: u32) -> SubjectRecord {
    SubjectRecord { assigned: 1_000, since: 0, audited: 10, faults, counted_in: None }
}

#[test]
fn a_drawn_receipt_stands_for_those_that_were_not() {
    let stands_for = |receipts, drawn, rate, planted| {
        stands_for(receipts, (drawn, 64), BasisPoints(rate), BasisPoints(planted))
    };
    assert_eq!(stands_for(1, 1, 10_000, 0), 1 << 16);
    assert_eq!(stands_for(10, 1, 400, 0), 25 << 16, "of ten receipts mostly none is drawn");
    assert_eq!(stands_for(1_024, 41, 400, 0), 25 << 16);
    assert_eq!(stands_for(1_024, 64, 2_500, 0), 16 << 16, "more than 64 are not looked at");
    assert_eq!(stands_for(1, 1, 10_000, 5_000), 2 << 16, "every other one is a planted fault");
}

#[test]
fn the_rate_follows_trust_value_and_faults() {
    let rate = |reputation: u32, charged, faults, epoch| {
        audit_rate(reputation, &seasoned(faults), Amount(charged), epoch, &parameters()).0
    };
    assert_eq!(rate(u32::MAX, 10_000, 0, 0), 500);
    assert_eq!(rate(1 << 31, 10_000, 0, 0), 1_000);
    assert_eq!(rate(0, 10_000, 0, 0), 1_500);
    assert_eq!(rate(u32::MAX, 1, 0, 0), 400, "half of the value is the least, and 4 % is the least of all");
    assert_eq!(rate(0, 1, 0, 0), 750, "the least value is half of the typical one");
    assert_eq!(rate(u32::MAX, 20_000, 0, 0), 1_000);
    assert_eq!(rate(u32::MAX, 10_000, 2, 29), 1_500);
    assert_eq!(rate(u32::MAX, 10_000, 2, 30), 500, "faults are forgotten after their window");
    assert_eq!(rate(0, u64::MAX, 9, 0), 2_500);
    let newcomer = |assigned| {
        let subject = SubjectRecord { assigned, ..SubjectRecord::default() };
        audit_rate(u32::MAX, &subject, Amount(10_000), 0, &parameters()).0
    };
    assert_eq!([0, 19, 20, 40, 59, 60].map(newcomer), [10_000, 10_000, 10_000, 5_250, 737, 500]);
    let no_taper = AuditParameters { taper_jobs: 0, ..parameters() };
    let sudden = |assigned| {
        let subject = SubjectRecord { assigned, ..SubjectRecord::default() };
        audit_rate(u32::MAX, &subject, Amount(10_000), 0, &no_taper).0
    };
    assert_eq!([0, 19, 20].map(sudden), [10_000, 10_000, 500]);
}

#[test]
fn a_rate_of_zero_draws_nothing_and_of_one_everything() {
    let draws = |part| [0, 1 << 63, u64::MAX].map(|number| falls_into(number, BasisPoints(part)));
    assert_eq!((draws(0), draws(5_000), draws(10_000)), ([false; 3], [true, false, false], [true; 3]));
}

#[test]
fn a_fee_is_the_cost_and_a_margin_within_limits() {
    let fee = |share| audit_fee(Amount(share), &parameters()).0;
    assert_eq!(
        [0, 100, 4_500, 100_001, u64::MAX].map(fee),
        [0, 100, 4_500, 100_000, 100_000],
        "dust pays for its own checks"
    );
}

#[test]
fn the_cap_leaves_no_cluster_above_its_part() {
    // 30 equal clusters: none is above 5 %.
    assert!(cap(vec![10; 30], BasisPoints(500)) >= 10);
    // One holds half of 2,000: it is cut to 5 % of what is left with it, 1,000 * 5 / 95.
    let mut weights = vec![10; 100];
    weights.push(1_000);
    assert_eq!(cap(weights, BasisPoints(500)), 52);
    // Fewer than 20 clusters cannot all be below 5 %; all weigh the same.
    assert_eq!(cap(vec![5, 7, 900], BasisPoints(500)), 5);
    assert_eq!(cap(vec![], BasisPoints(500)), 0);
}

fn panel(reputations: &[(u8, u32)]) -> PanelRecord {
    let entry = |(place, (cluster, reputation)): (usize, &(u8, u32))| PanelEntry {
        auditor: AccountId([u8::try_from(place).unwrap(); 20]),
        cluster: AccountId([*cluster; 20]),
        since: 0,
        reputation: *reputation,
        silences: 0,
    };
    PanelRecord { entries: reputations.iter().enumerate().map(entry).collect() }
}

fn drawn(panel: &PanelRecord, number: u32, size: usize, excluded: &[AccountId]) -> Vec<AccountId> {
    let audit = AuditId { gateway: account(7), batch: 1, receipt: number };
    let draw =
        AuditorDraw { randomness: &sha256(b"beacon"), audit: &audit, round: 0, size, known_by: 0, excluded };
    drawn_auditors(panel, &draw, &parameters())
}

#[test]
fn auditors_win_by_reputation_and_clusters_by_their_cap() {
    // 40 clusters with reputation 1, and one cluster of ten accounts with as much together as eleven of them.
    let mut all: Vec<(u8, u32)> = (0..40).map(|cluster| (cluster, u32::MAX)).collect();
    all[0].1 = 0;
    all[1].1 = 1 << 31;
    all.extend([(200, u32::MAX); 11]);
    let panel = panel(&all);
    let (mut newcomer, mut half, mut cluster) = (0, 0, 0);
    let draws = 6_000;
    for number in 0..draws {
        let place = drawn(&panel, number, 1, &[])[0].0[0];
        newcomer += u32::from(place == 0);
        half += u32::from(place == 1);
        cluster += u32::from(place >= 40);
    }
    let percent = |count: u32| f64::from(count) * 100.0 / f64::from(draws);
    // Weights: 38 full ones, 21 fortieths of one, a twentieth, and the cluster's 5 % of everything.
    assert!((percent(cluster) - 5.0).abs() < 1.2, "{}", percent(cluster));
    assert!((percent(newcomer) - 0.12).abs() < 0.15, "{}", percent(newcomer));
    assert!((percent(half) - 1.29).abs() < 0.5, "{}", percent(half));
}

proptest! {
    #[test]
    fn the_logarithm_is_the_logarithm(number in any::<u64>(), shift in 0u32..64) {
        let number = number >> shift;
        let found = minus_log2(number) as f64 / (1u64 << 32) as f64;
        let expected = if number == 0 { 64.0 } else { 64.0 - (number as f64).log2() };
        prop_assert!((found - expected).abs() < 1e-8, "{found} and {expected}");
    }

    /// I12: nobody of an excluded cluster is drawn, nobody who registered later, and one of each cluster.
    #[test]
    fn auditors_are_never_party(
        entries in prop::collection::vec((0u8..12, any::<u32>(), 0u64..4), 0..60),
        excluded in prop::collection::vec(0u8..12, 0..4),
        known_by in 0u64..4, size in 0usize..70, receipt in any::<u32>(),
    ) {
        let list: Vec<_> = entries.iter().map(|(cluster, reputation, _)| (*cluster, *reputation)).collect();
        let mut panel = panel(&list);
        panel.entries.iter_mut().zip(&entries).for_each(|(entry, (_, _, since))| entry.since = *since);
        let excluded: Vec<_> = excluded.iter().map(|cluster| AccountId([*cluster; 20])).collect();
        let audit = AuditId { gateway: account(7), batch: 1, receipt };
        let draw = AuditorDraw { randomness: &Hash([1; 32]), audit: &audit, round: 0, size, known_by, excluded: &excluded };
        let drawn = drawn_auditors(&panel, &draw, &parameters());
        let mut clusters = Vec::new();
        for auditor in &drawn {
            let entry = panel.entries.iter().find(|entry| entry.auditor == *auditor).unwrap();
            prop_assert!(!excluded.contains(&entry.cluster) && entry.since <= known_by);
            prop_assert!(!clusters.contains(&entry.cluster));
            clusters.push(entry.cluster);
        }
        prop_assert!(drawn.len() <= size);
    }

    /// I14: the rate is never below the least one, everything of a newcomer is audited, and no more than the limit is drawn.
    #[test]
    fn rates_have_a_floor(reputation in any::<u32>(), assigned in 0u64..200, faults in 0u32..9, charged in any::<u64>(), receipts in 1u32..1_025) {
        let subject = SubjectRecord { assigned, since: 0, audited: faults, faults, counted_in: None };
        let rate = audit_rate(reputation, &subject, Amount(charged), 3, &parameters());
        prop_assert!(rate >= parameters().rate_min && rate <= BasisPoints::WHOLE);
        prop_assert!(assigned >= 60 || rate > parameters().rate_base || assigned == 59);
        let least = parameters().rate_min;
        let draw = |rate, most| drawn_receipts(&Hash([3; 32]), &account(7), assigned, receipts, (least, rate), most);
        let drawn = draw(rate, usize::MAX);
        // A fund that is nearly empty cuts the rate down to the least, and no further.
        let (few, always) = (draw(rate, 1), draw(least, usize::MAX));
        prop_assert!(always.iter().all(|receipt| few.contains(receipt)));
        prop_assert_eq!(few.len(), always.len().max(drawn.len().min(1)));
        prop_assert!(drawn.is_sorted() && drawn.iter().all(|receipt| *receipt < receipts));
        prop_assert!(drawn.len() <= limits::AUDITS_PER_BATCH_MAX);
        if rate == BasisPoints::WHOLE {
            prop_assert_eq!(drawn.len(), usize::try_from(receipts).unwrap().min(limits::AUDITS_PER_BATCH_MAX));
        }
    }
}

#[test]
fn the_ends_of_the_logarithm() {
    assert_eq!([0, 1, 1 << 63, u64::MAX].map(minus_log2), [64 << 32, 64 << 32, 1 << 32, 1]);
}

#[test]
fn the_parts_drawn_are_the_rates() {
    let mut count = 0;
    let gateway = account(7);
    for batch in 0..500 {
        count += drawn_receipts(
            &Hash([4; 32]),
            &gateway,
            batch,
            100,
            (BasisPoints(400), BasisPoints(500)),
            usize::MAX,
        )
        .len();
    }
    assert!((2_300..2_700).contains(&count), "{count} of 50,000 at 5 %");
    let planted = (0..20_000).filter(|receipt| {
        let audit = AuditId { gateway: account(7), batch: 1, receipt: *receipt };
        is_planted(&Hash([1; 32]), &Hash([2; 32]), &audit, BasisPoints(1_000))
    });
    assert!((1_850..2_150).contains(&planted.count()));
}
