//! What a seat and a ruling are worth, case by case, and the last epoch of every deadline.

use openledger_types::Domain;
use openledger_types::audits::{SeatResult, Stage, SubjectRecord};

use super::super::{penalty, register, seats, settle as settling_of};
use super::*;

/// Who passed, who found something; each in the round that ruled and in an earlier one.
fn judged(world: &World, audit: AuditId, stage: Stage, ruling: (Ruling, bool)) -> [SeatResult; 4] {
    let record = record(world, audit);
    let seat = |verdict, last| {
        let mut seat = record.rounds[0].seats[0].clone();
        seat.verdict = Some(verdict);
        seats::judged(&record, &seat, (stage, last), ruling)
    };
    [seat(Verdict::Pass, true), seat(COMPUTATION, true), seat(Verdict::Pass, false), seat(COMPUTATION, false)]
}

#[test]
fn a_seat_is_judged_by_what_is_established() {
    use SeatResult::{Missed, Right, Unproven, Wrong};

    let (world, audit) = opened(plain);
    let faulty = Ruling::Faulty(Fault::Weights);
    let table = [
        (Stage::First, (Ruling::Passed, false), [Unproven; 4]),
        (Stage::First, (faulty, false), [Unproven; 4]),
        (Stage::Panel(3), (Ruling::Degraded { by_gateway: true }, true), [Unproven; 4]),
        (Stage::First, (Ruling::Passed, true), [Right, Wrong, Right, Wrong]),
        (Stage::Panel(3), (Ruling::PlantFalse, true), [Right, Wrong, Right, Wrong]),
        (Stage::First, (Ruling::PlantFound, true), [Wrong, Right, Wrong, Right]),
        (Stage::First, (Ruling::PlantMissed, true), [Missed, Right, Missed, Right]),
        (Stage::Panel(3), (Ruling::PlantMissed, true), [Wrong, Right, Wrong, Right]),
        (Stage::Panel(3), (faulty, true), [Wrong, Right, Missed, Right]),
    ];
    for (stage, ruling, results) in table {
        assert_eq!(judged(&world, audit, stage, ruling), results, "{stage:?} {ruling:?}");
    }
    let silent = &record(&world, audit).rounds[0].seats[0];
    let record = record(&world, audit);
    let result = seats::judged(&record, silent, (Stage::First, true), (faulty, true));
    assert_eq!(result, SeatResult::Silent);
}

#[test]
fn every_role_is_trusted_in_its_own_domain() {
    let domains = [Role::Provider, Role::Gateway, Role::Auditor].map(penalty::domain);
    assert_eq!(domains, [Domain::Serving, Domain::Routing, Domain::Auditing]);
}

/// 10,100 uC charged, 4,500 of them to the provider; the only receipt of its batch.
#[test]
fn what_a_ruling_costs_and_gives_back() {
    let (mut world, audit) = opened(plain);
    let record = record(&world, audit);
    let mut costs = Vec::new();
    let [by_gateway, by_provider] = [true, false].map(|by_gateway| Ruling::Degraded { by_gateway });
    let rulings = [Ruling::PlantFalse, by_gateway, by_provider, Ruling::Faulty(Fault::Computation)];
    let slash = world.parameters.audits.job_slash;
    let check = record.fee.0 * world.parameters.audits.auditor_slash;
    world.transit(STRANGER, |transition| {
        costs = rulings.map(|ruling| penalty::of_ruling(transition, &record, ruling).0).to_vec();
        Ok(())
    });
    assert_eq!(costs, [check, 4_500 * slash, 4_500, 4_500 * slash]);
    let given_back = rulings.map(|ruling| penalty::refund(&record, ruling).0);
    assert_eq!(given_back, [0, 10_100, 10_100, 10_100]);
    // A share of nothing costs what was charged all the same, where the gateway handed nothing over.
    let mut nothing = record.clone();
    (nothing.opening.share, nothing.earned) = (Amount::ZERO, Amount::ZERO);
    world.transit(STRANGER, |transition| {
        costs = rulings.map(|ruling| penalty::of_ruling(transition, &nothing, ruling).0).to_vec();
        Ok(())
    });
    assert_eq!(costs, [check, 10_100, 0, 0]);
}

#[test]
fn audits_and_faults_are_counted_in_windows() {
    let mut world = network(plain);
    let key = AuditKey::Cluster(account(PROVIDER)).state();
    let window = world.parameters.audits.fault_epochs;
    let mut counted = Vec::new();
    for (passed, faulty) in [(0, true), (0, false), (window - 1, true), (1, false)] {
        world.pass(passed);
        world.transit(STRANGER, |transition| settling_of::count(transition, key.clone(), faulty));
        let subject: SubjectRecord = world.record(&key).unwrap();
        counted.push((subject.since, subject.audited, subject.faults));
    }
    assert_eq!(counted, [(0, 1, 1), (0, 2, 1), (0, 3, 2), (window, 1, 0)], "the last is of a new window");
}

/// Faults of a window that has passed are not correlated with anything.
#[test]
fn old_faults_are_not_correlated() {
    let mut world = network(plain);
    let window = world.parameters.audits.fault_epochs;
    let cluster = SubjectRecord { audited: 40, faults: 20, since: epoch(&world), ..SubjectRecord::default() };
    let mut parts = Vec::new();
    for passed in [window - 1, 1] {
        world.pass(passed);
        world.transit(STRANGER, |transition| {
            parts.push(penalty::correlated(transition, Amount(1_000_000_000), &cluster).0);
            Ok(())
        });
    }
    assert_eq!(parts, [100_000_000, 0]);
}

#[test]
fn the_last_epoch_of_a_deadline_is_in_time() {
    let (mut world, audit) = opened(plain);
    let [auditor] = sitting(&world, audit)[..] else { panic!("one auditor") };
    let commit_by = record(&world, audit).rounds[0].commit_by;
    until(&mut world, commit_by);
    let action = commit(&world, audit, auditor, Verdict::Pass);
    world.accept(auditor, action);
    world.pass(1);
    world.accept(auditor, reveal(audit, Verdict::Pass));
    advance(&mut world, audit);
    let Status::Ruled { until: last, .. } = record(&world, audit).status else { panic!("ruled") };
    until(&mut world, last);
    world.accept(CONSUMER, challenge(audit, COMPUTATION));
}

/// Whoever has less at stake than the least is not drawn again, and exactly the least is enough.
#[test]
fn an_auditor_without_its_bond_leaves_the_register() {
    let mut found = Vec::new();
    for least in [1_999_999_999, 2_000_000_000, 2_000_000_001] {
        let mut world = network(plain);
        world.parameters.audits.bond_min = Amount(least);
        let events = world.transit(STRANGER, |transition| register::refresh(transition, account(9), false));
        let dropped = Event::Audits(AuditEvent::AuditorDropped { auditor: account(9) });
        found.push(events.contains(&dropped));
    }
    assert_eq!(found, [false, false, true]);
}
