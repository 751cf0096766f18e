//! The tables and histories of the funds.

use openledger_types::Rejection::*;
use openledger_types::funds::*;
use openledger_types::record::{Pool, Role, SupplyRecord};
use openledger_types::{
    AccountAction, Action, Amount, Asset, BasisPoints, Domain, Event, EvidenceRecord, codec, limits,
};
use proptest::prelude::*;

use super::FundsKey;
use crate::StateKey;
use crate::escrow::{self, Loss};
use crate::reputation::ReputationKey;
use crate::tests::*;

fn ask(action: FundsAction) -> Action {
    Action::Funds(action)
}

fn donate(pool: Pool, amount: u64) -> Action {
    ask(FundsAction::Donate { pool, amount: Amount(amount) })
}

fn project(project: &str) -> Action {
    ask(FundsAction::RegisterProject { name: name(project), source: "https://example.org".into() })
}

fn measurer(bond: u64) -> Action {
    ask(FundsAction::RegisterMeasurer { bond: Amount(bond) })
}

fn close(round: u64) -> Action {
    ask(FundsAction::CloseMaintenance { round })
}

fn report(lines: &[(&str, u64)]) -> UsageReport {
    let lines = lines.iter().map(|(project, usage)| UsageLine { project: name(project), usage: *usage });
    UsageReport { lines: lines.collect(), telemetry_root: bytes32(1), salt: bytes32(2) }
}

fn commit(who: u8, round: u64, report: &UsageReport) -> Action {
    ask(FundsAction::CommitUsage { commitment: report.commitment(account(who), round) })
}

fn reveal(report: &UsageReport) -> Action {
    ask(FundsAction::RevealUsage { report: Box::new(report.clone()) })
}

fn prove_audits(world: &mut World, who: u8) {
    let epoch = world.context.timestamp_ms / world.parameters.epoch_ms;
    let units = 20 << 32;
    let alpha = units + (1 << 32);
    let evidence = EvidenceRecord { alpha, beta: 4 << 32, units, epoch, base: u32::MAX, fraud_epoch: None };
    let key = StateKey::Reputation(ReputationKey::Evidence(account(who), Domain::Auditing));
    world.state.insert(key.encode(), codec::encode(&evidence));
}

fn pool(world: &World, pool: Pool) -> u64 {
    world.record::<Amount>(&StateKey::Pool(pool)).unwrap_or_default().0
}

/// Three measurers (0 to 2), projects of accounts 3 to 8, and 100 C for maintenance.
fn measured() -> World {
    let mut world = World::new();
    for who in 0..3 {
        prove_audits(&mut world, who);
        world.accept(who, measurer(1_000_000_000));
    }
    for who in 3..9 {
        world.accept(who, project(&format!("p{who}")));
    }
    world.accept(9, donate(Pool::Maintenance, 100_000_000));
    world.accept(9, donate(Pool::Verification, 10_000_000));
    world
}

#[test]
fn registrations_and_donations() {
    let mut world = World::new();
    let pass = |to| ask(FundsAction::PassProject { name: name("core"), to: account(to) });
    let claim = ask(FundsAction::ClaimInsurance { claim: 1 });
    prove_audits(&mut world, 0);
    world.check([
        (0, donate(Pool::Slashed, 1), Err(PoolClosed)),
        (0, donate(Pool::Uplift(name("base")), 1), Err(PoolClosed)),
        (0, donate(Pool::Treasury, 0), Err(AmountZero)),
        (0, donate(Pool::Treasury, 1_000_000_001), Err(BalanceTooLow)),
        (0, donate(Pool::Treasury, 5), Ok(())),
        (0, project("core"), Ok(())),
        (1, project("core"), Err(ProjectExists)),
        (1, pass(2), Err(NotRecipient)),
        (0, pass(2), Ok(())),
        (0, pass(2), Err(NotRecipient)),
        (0, ask(FundsAction::PassProject { name: name("none"), to: account(1) }), Err(ProjectUnknown)),
        (
            0,
            ask(FundsAction::RegisterProject { name: name("long"), source: "x".repeat(513) }),
            Err(TextTooLong),
        ),
        (0, ask(FundsAction::LeaveMeasuring), Err(MeasurerUnknown)),
        (0, measurer(999_999_999), Err(MeasurerBondTooLow)),
        (1, measurer(1_000_000_000), Err(MeasurerUnaudited)),
        (0, measurer(1_000_000_000), Ok(())),
        (0, measurer(1_000_000_000), Err(MeasurerExists)),
        (0, ask(FundsAction::LeaveMeasuring), Ok(())),
        (0, claim, Err(ClaimUnknown)),
    ]);
    assert_eq!((world.account(0).open.0, pool(&world, Pool::Treasury)), (10_000_000_000, 5));
}

#[test]
fn a_round_is_committed_revealed_and_paid_by_the_median() {
    let mut world = measured();
    let honest = report(&[("p3", 100), ("p4", 50), ("p5", 25), ("p6", 25)]);
    let liar = report(&[("p8", 1_000_000)]);
    let empty = report(&[]);
    let unsorted = report(&[("p4", 1), ("p3", 1)]);
    let unknown = report(&[("none", 1)]);
    let endless = report(&[("p3", limits::USAGE_MAX + 1)]);
    world.check([
        (3, commit(3, 0, &honest), Err(MeasurerUnknown)),
        (0, reveal(&honest), Err(UsageUnknown)),
        (0, commit(0, 0, &honest), Ok(())),
        (0, commit(0, 0, &honest), Err(UsageRepeated)),
        (1, commit(1, 0, &honest), Ok(())),
        (2, commit(2, 0, &liar), Ok(())),
        (0, close(0), Err(RoundNotDue)),
        (0, ask(FundsAction::LeaveMeasuring), Err(UsageOpen)),
    ]);
    world.pass(30);
    world.check([
        (0, reveal(&empty), Err(UsageInvalid)),
        (0, reveal(&unsorted), Err(UsageInvalid)),
        (0, reveal(&endless), Err(UsageInvalid)),
        (0, reveal(&unknown), Err(ProjectUnknown)),
        (0, reveal(&liar), Err(UsageUnknown)),
        (0, reveal(&honest), Ok(())),
        (0, reveal(&honest), Err(UsageUnknown)),
        (1, reveal(&honest), Ok(())),
        (2, reveal(&liar), Ok(())),
        (0, close(0), Err(RoundNotDue)),
    ]);
    world.pass(30);
    world.accept(9, close(0));
    // 5 % of 70 C to open with; everybody is at the cap of a tenth.
    let before = 1_000_000_000;
    let paid: Vec<u64> = (3..9).map(|who| world.credits(who) - before).collect();
    assert_eq!(paid, [350_000, 350_000, 350_000, 350_000, 0, 0], "the lie of one moves nothing");
    assert_eq!(world.credits(0), before + 1_000_000, "a fixed fee");
    let funds: FundsRecord = world.record(&FundsKey::Funds.state()).unwrap();
    assert_eq!((funds.budget.0, funds.next_round), (3_500_000, 1));
    assert_eq!(funds.shift, BasisPoints(287), "1.4 C of 30 C were paid");
    world.check([(9, close(0), Err(RoundNotDue)), (0, ask(FundsAction::LeaveMeasuring), Ok(()))]);
}

#[test]
fn whoever_commits_and_keeps_silent_loses_the_bond() {
    let mut world = measured();
    let honest = report(&[("p3", 1)]);
    world.accept(0, commit(0, 0, &honest));
    world.accept(1, commit(1, 0, &honest));
    world.pass(30);
    world.accept(0, reveal(&honest));
    world.pass(30);
    world.check([(0, commit(0, 2, &honest), Err(UsageOpen)), (9, close(0), Ok(()))]);
    assert_eq!(pool(&world, Pool::Slashed), 1_000_000_000);
    world.check([(1, ask(FundsAction::LeaveMeasuring), Err(MeasurerUnknown))]);
    assert_eq!(world.credits(3), 1_000_000_000 + 350_000, "a tenth of the opening budget");
}

/// The first who revealed named 64 projects of its own, as many as a round took: the reports of all others were refused, and
/// they lost their bonds for keeping silent.
#[test]
fn what_one_measurer_names_shuts_out_no_other() {
    let mut world = measured();
    let names: Vec<String> = (0..64).map(|number| format!("junk{number:02}")).collect();
    for name in &names {
        world.accept(2, project(name));
    }
    let junk = report(&names.iter().map(|name| (name.as_str(), 1 << 50)).collect::<Vec<_>>());
    let honest = report(&[("p3", 5)]);
    for (who, report) in [(0, &honest), (1, &honest), (2, &junk)] {
        world.accept(who, commit(who, 0, report));
    }
    world.pass(30);
    for (who, report) in [(2, &junk), (0, &honest), (1, &honest)] {
        world.accept(who, reveal(report));
    }
    world.pass(30);
    world.accept(9, close(0));
    assert_eq!(world.credits(3), 1_000_000_000 + 350_000);
    assert_eq!(world.credits(2), 1_000_000_000 + 1_000_000, "the fee of a report, and nothing for its names");
    assert_eq!(pool(&world, Pool::Slashed), 0);
    let left = |who| world.state.contains_key(&FundsKey::Report(0, account(who)).state().encode());
    assert!(!(0..3).any(left), "paid reports are gone");
}

/// Silence about one round took the bond, and the report about the next, which nobody answered for any more, was counted.
#[test]
fn whoever_lost_the_bond_is_not_heard() {
    let mut world = measured();
    let honest = report(&[("p3", 1)]);
    world.accept(0, commit(0, 0, &honest));
    world.accept(1, commit(1, 0, &honest));
    world.pass(30);
    world.check([
        (1, reveal(&honest), Ok(())),
        (0, commit(0, 1, &honest), Ok(())),
        (1, commit(1, 1, &honest), Ok(())),
    ]);
    world.pass(30);
    world.check([
        (9, close(0), Ok(())),
        (0, reveal(&honest), Err(MeasurerUnknown)),
        (1, reveal(&honest), Ok(())),
    ]);
}

/// A later round was paid first: the reports of the earlier one were lost, and whoever had kept silent in it kept the bond.
#[test]
fn rounds_are_paid_in_order_and_an_empty_one_begins_nothing_anew() {
    let mut world = measured();
    let honest = report(&[("p3", 1)]);
    world.accept(0, commit(0, 0, &honest));
    world.pass(30);
    world.check([(0, reveal(&honest), Ok(())), (0, commit(0, 1, &honest), Ok(()))]);
    world.pass(30);
    world.check([(1, commit(1, 2, &honest), Err(UsageOpen)), (0, reveal(&honest), Ok(()))]);
    world.pass(30);
    world.check([
        (9, close(1), Err(RoundNotDue)),
        (9, close(0), Ok(())),
        (9, close(1), Ok(())),
        (1, commit(1, 3, &honest), Ok(())),
    ]);
    let budget = |world: &World| world.record::<FundsRecord>(&FundsKey::Funds.state()).unwrap().budget;
    let last = budget(&world);
    assert!(last > Amount(0));
    world.pass(30);
    world.check([(9, close(2), Ok(())), (1, reveal(&honest), Ok(()))]);
    assert_eq!(budget(&world), last);
    world.accept(9, donate(Pool::Maintenance, 500_000_000));
    world.pass(30);
    world.accept(9, close(3));
    assert_eq!(budget(&world), Amount(last.0 + last.0 / 4), "a quarter more, and not 5 % of what there is");
}

/// A proven fault cost more than the provider had. The consumer is owed what nobody was paid of its price, and whoever bought
/// from itself is owed nothing.
#[test]
fn the_insurance_owes_what_a_fault_leaves() {
    let fault = |linked: bool| {
        let mut world = World::prepared();
        if linked {
            let link = |other| Action::Accounts(AccountAction::DeclareLink { other: account(other) });
            world.accept(PROVIDER, link(CONSUMER));
            world.accept(CONSUMER, link(PROVIDER));
        }
        world.accept(9, donate(Pool::Insurance, 500_000_000));
        let (subject, role, paid) = (account(PROVIDER), Role::Provider, Amount(200_000_000));
        world.transit(STRANGER, |transition| {
            let refund = Some((account(CONSUMER), paid));
            let loss = Loss { penalty: Amount(50 * paid.0), refund, ..Loss::default() };
            let mut needed = escrow::keys_of_forfeit(subject, role, &loss);
            needed.extend(escrow::keys_of_held(transition, subject, role)?);
            transition.view.need(needed)?;
            escrow::forfeit(transition, subject, role, &loss).map(drop)
        });
        world
    };
    let mut world = fault(false);
    let before = world.credits(CONSUMER);
    // A stake of 1,000 OPEN is worth 100 C; of a price of 200 C less the greatest fee, a fifth was paid to nobody.
    world.accept(CONSUMER, ask(FundsAction::ClaimInsurance { claim: 1 }));
    assert_eq!(world.credits(CONSUMER) - before, 36_000_000);
    world.check([(CONSUMER, ask(FundsAction::ClaimInsurance { claim: 1 }), Err(ClaimUnknown))]);
    fault(true).check([(CONSUMER, ask(FundsAction::ClaimInsurance { claim: 1 }), Err(ClaimUnknown))]);
}

#[test]
fn linked_measurers_count_once_and_places_are_limited() {
    let mut world = measured();
    let link = |other| Action::Accounts(AccountAction::DeclareLink { other: account(other) });
    let honest = report(&[("p3", 1)]);
    world.accept(0, commit(0, 0, &honest));
    world.accept(0, link(1));
    world.accept(1, link(0));
    world.check([(1, commit(1, 0, &honest), Err(UsageRepeated))]);
    let key = FundsKey::Round(0).state();
    let mut round: MaintenanceRoundRecord = world.record(&key).unwrap();
    let one = round.measurements[0].clone();
    round.measurements = (0..16)
        .map(|byte| {
            let other = openledger_types::AccountId([byte; 20]);
            Measurement { measurer: other, cluster: other, ..one.clone() }
        })
        .collect();
    world.state.insert(key.encode(), codec::encode(&round));
    world.check([(2, commit(2, 0, &honest), Err(MeasurersTooMany))]);
}

#[test]
fn the_burn_pays_maintenance_until_it_is_covered() {
    let mut world = World::prepared();
    let funds = FundsRecord { shift: BasisPoints(300), ..FundsRecord::default() };
    world.state.insert(FundsKey::Funds.state().encode(), codec::encode(&funds));
    let batch = world.batch(&[world.terms("base", 10_000, 0, &[], 1)]);
    let events = world.accept(GATEWAY, settling(batch));
    assert!(events.iter().any(|event| matches!(event, Event::Burned { amount: Amount(200), .. })));
    assert_eq!(pool(&world, Pool::Maintenance), 700 + 300);
    let supply: SupplyRecord = world.record(&StateKey::Supply).unwrap();
    assert_eq!(supply.credits_burned, Amount(200));
}

#[test]
fn the_insurance_pays_what_it_owes_in_time_and_not_all_at_once() {
    let mut world = World::new();
    world.accept(9, donate(Pool::Insurance, 1_000));
    let owed = ClaimRecord { harmed: account(0), amount: Amount(150), until_epoch: 2, from_epoch: 0 };
    let put = |world: &mut World, number, record: &ClaimRecord| {
        world.state.insert(FundsKey::Claim(number).state().encode(), codec::encode(record));
    };
    put(&mut world, 1, &owed);
    put(&mut world, 2, &owed);
    let claim = |claim| ask(FundsAction::ClaimInsurance { claim });
    world.check([(1, claim(1), Err(NotHarmed)), (0, claim(1), Ok(())), (0, claim(1), Err(ClaimEarly))]);
    assert_eq!(world.credits(0), 1_000_000_100, "a tenth of the pool");
    world.pass(1);
    world.check([(0, claim(1), Ok(())), (0, claim(1), Err(ClaimUnknown))]);
    world.pass(2);
    world.check([(0, claim(2), Err(ClaimLate))]);
    put(&mut world, 3, &ClaimRecord { until_epoch: 9, ..owed });
    let mut supply: SupplyRecord = world.record(&StateKey::Supply).unwrap();
    supply.credits_in_pools.0 -= pool(&world, Pool::Insurance);
    supply.credits_in_balances.0 += pool(&world, Pool::Insurance);
    let mut rich = world.account(1);
    rich.credits.0 += pool(&world, Pool::Insurance);
    world.state.insert(StateKey::Account(account(1)).encode(), codec::encode(&rich));
    world.state.insert(StateKey::Supply.encode(), codec::encode(&supply));
    world.state.remove(&StateKey::Pool(Pool::Insurance).encode());
    world.check([(0, claim(3), Err(PoolTooLow)), (0, transfer(1, Asset::Credit, 1), Ok(()))]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// I23: no cluster of recipients is paid more than its cap, whatever is measured and however it divides its projects.
    #[test]
    fn no_cluster_is_paid_more_than_a_tenth(
        counts in prop::collection::vec(prop::collection::vec(1u64..1_000_000, 6), 3), linked in any::<bool>(),
    ) {
        let mut world = measured();
        if linked {
            let link = |other| Action::Accounts(AccountAction::DeclareLink { other: account(other) });
            world.accept(3, link(4));
            world.accept(4, link(3));
        }
        let names = ["p3", "p4", "p5", "p6", "p7", "p8"];
        let reports: Vec<UsageReport> = counts
            .iter()
            .map(|counts| report(&names.into_iter().zip(counts.iter().copied()).collect::<Vec<_>>()))
            .collect();
        for (who, report) in (0..3).zip(&reports) {
            world.accept(who, commit(who, 0, report));
        }
        world.pass(30);
        for (who, report) in (0..3).zip(&reports) {
            world.accept(who, reveal(report));
        }
        world.pass(30);
        world.accept(9, close(0));
        let funds: FundsRecord = world.record(&FundsKey::Funds.state()).unwrap();
        let paid = |who: u8| world.credits(who) - 1_000_000_000;
        for who in 3..9 {
            prop_assert!(paid(who) <= funds.budget.0 / 10);
        }
        if linked { prop_assert!(paid(3) + paid(4) <= funds.budget.0 / 10); }
        prop_assert!((3..9).map(paid).sum::<u64>() <= funds.budget.0);
    }
}
