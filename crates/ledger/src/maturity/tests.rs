//! The table of maturity, its arithmetic, and the way of a contribution from its first evaluation to its true-up.

use openledger_types::Rejection::*;
use openledger_types::datanets::{Matter, Reason};
use openledger_types::maturity::{
    EvaluationRecord, MaturityAction, MaturityEvent, Measured, UpliftRecord, uplift_commitment,
};
use openledger_types::record::{
    ClusterRecord, ContributionRecord, ImmatureRecord, Pool, Role, TrancheRecord,
};
use openledger_types::{
    Action, Amount, BasisPoints, BondRecord, ContributionId, DatanetAction, Event, codec,
};
use proptest::prelude::*;

use super::arithmetic::WHOLE;
use super::evaluators::is_drawn;
use super::*;
use crate::StateKey;
use crate::escrow::EscrowKey;
use crate::tests::*;

/// Accounts that own nothing of contribution 1.
const EVALUATORS: [u8; 6] = [TUNER, PROVIDER, GATEWAY, CONSUMER, 10, 11];

fn measured() -> Measured {
    Measured { model: name("base"), datanet: name("help"), contribution: ContributionId([1; 32]) }
}

fn act(action: MaturityAction) -> Action {
    Action::Maturity(action)
}

fn bond(role: Role, amount: u64) -> Action {
    Action::RaiseBond { role, amount: Amount(amount) }
}

/// A world in which contribution 1 holds money for its author and six evaluators are registered.
fn evaluated() -> World {
    let mut world =
        World::with(|parameters| parameters.maturity.evaluators_per_round = 1_000, 1_000_000_000).prepare();
    let batch = world.batch(&[world.terms("base", 10_000_000, 0, &[(1, 1)], 1)]);
    world.accept(GATEWAY, settling(batch));
    for who in EVALUATORS {
        world.check([
            (who, act(MaturityAction::RegisterEvaluator), Err(BondTooLow)),
            (who, bond(Role::Evaluator, 100_000_000), Ok(())),
            (who, act(MaturityAction::RegisterEvaluator), Ok(())),
            (who, act(MaturityAction::RegisterEvaluator), Err(EvaluatorExists)),
        ]);
    }
    world.pass(1);
    world
}

fn epoch(world: &World) -> u64 {
    world.context.timestamp_ms / world.parameters.epoch_ms
}

fn commit(world: &World, who: u8, round: u32, uplift: i32) -> Action {
    let commitment = uplift_commitment(&account(who), &measured(), round, uplift, &bytes32(who));
    act(MaturityAction::CommitUplift { measured: measured(), beacon: epoch(world), commitment })
}

fn reveal(who: u8, uplift: i32) -> Action {
    act(MaturityAction::RevealUplift { measured: measured(), uplift, salt: bytes32(who) })
}

/// One round in which every evaluator finds the same uplift, give or take a little.
fn round(world: &mut World, number: u32, uplift: i32) {
    world.accept(STRANGER, act(MaturityAction::OpenRound { measured: measured() }));
    world.pass(1);
    let found = |who: u8| uplift + i32::from(who) * 10;
    for who in EVALUATORS {
        let committing = commit(world, who, number, found(who));
        world.accept(who, committing);
    }
    world.pass(2);
    for who in EVALUATORS {
        world.accept(who, reveal(who, found(who)));
    }
    world.pass(2);
}

fn evaluation(world: &World) -> EvaluationRecord {
    world.record(&MaturityKey::Evaluation(measured()).state()).unwrap()
}

#[test]
fn evaluators_are_drawn_commit_and_reveal() {
    let mut world = evaluated();
    let other = Measured { model: name("tuned"), ..measured() };
    let ghost = Measured { contribution: ContributionId([99; 32]), ..measured() };
    let early = commit(&world, TUNER, 1, 5);
    world.check([
        (STRANGER, act(MaturityAction::RetireEvaluator), Err(EvaluatorUnknown)),
        (STRANGER, act(MaturityAction::OpenRound { measured: other }), Err(ModelUnused)),
        (STRANGER, act(MaturityAction::OpenRound { measured: ghost }), Err(ContributionUnknown)),
        (TUNER, early.clone(), Err(RoundUnknown)),
        (STRANGER, act(MaturityAction::OpenRound { measured: measured() }), Ok(())),
        (STRANGER, act(MaturityAction::OpenRound { measured: measured() }), Err(RoundOpen)),
        (TUNER, early, Err(RoundUnknown)),
        (AUTHOR, bond(Role::Evaluator, 100_000_000), Ok(())),
        (AUTHOR, act(MaturityAction::RegisterEvaluator), Ok(())),
        (STRANGER, bond(Role::Evaluator, 100_000_000), Ok(())),
        (STRANGER, act(MaturityAction::RegisterEvaluator), Ok(())),
    ]);
    world.pass(1);
    let row = |world: &World, who: u8| commit(world, who, 1, 5);
    world.check([
        (CURATOR, row(&world, CURATOR), Err(EvaluatorUnknown)),
        (AUTHOR, row(&world, AUTHOR), Err(EvaluatorRelated)),
        (STRANGER, row(&world, STRANGER), Err(EvaluatorNotDrawn)),
        (TUNER, row(&world, TUNER), Ok(())),
        (TUNER, row(&world, TUNER), Err(UpliftCommitted)),
        (PROVIDER, commit(&world, PROVIDER, 1, 2 * WHOLE), Ok(())),
        (CONSUMER, row(&world, CONSUMER), Ok(())),
        (TUNER, reveal(TUNER, 5), Err(WindowClosed)),
    ]);
    let late = row(&world, GATEWAY);
    world.pass(2);
    world.check([
        (GATEWAY, late, Err(WindowClosed)),
        (GATEWAY, reveal(GATEWAY, 5), Err(CommitmentMissing)),
        (TUNER, reveal(TUNER, 6), Err(CommitmentMissing)),
        (PROVIDER, reveal(PROVIDER, 2 * WHOLE), Err(UpliftOutOfRange)),
    ]);
    let events = world.accept(TUNER, reveal(TUNER, 5));
    let paid = |event: &Event| {
        matches!(event, Event::Maturity(MaturityEvent::UpliftRevealed { fee: Amount(10_000), .. }))
    };
    assert!(events.iter().any(paid), "{events:?}");
    world.check([(TUNER, reveal(TUNER, 5), Err(CommitmentMissing))]);
    let tranche: TrancheRecord =
        world.record(&StateKey::Tranche(account(TUNER), Role::Evaluator, epoch(&world))).unwrap();
    assert_eq!(tranche.amount, Amount(7_500), "the rest is liquid within the bond");
    world.pass(2);
    world.check([(CONSUMER, reveal(CONSUMER, 5), Err(WindowClosed))]);
    assert_eq!(evaluation(&world).count, 1);
    world.accept(TUNER, act(MaturityAction::RetireEvaluator));
}

/// Rounds were free: whoever evaluates could open them about anything until the verification fund was empty.
#[test]
fn whoever_opens_a_round_pays_its_evaluators() {
    let mut world = evaluated();
    let fund =
        |world: &World| world.record::<Amount>(&StateKey::Pool(Pool::Verification)).unwrap_or_default();
    let (before, credits) = (fund(&world), world.credits(STRANGER));
    (1..=3).for_each(|number| round(&mut world, number, 0));
    assert_eq!(credits - world.credits(STRANGER), 3 * 1_000 * 10_000, "as many as are drawn on average");
    assert_eq!(fund(&world).0 - before.0, 3 * (1_000 - 6) * 10_000, "here there are only six");
    let rest = Action::Transfer {
        to: account(AUTHOR),
        asset: openledger_types::Asset::Credit,
        amount: Amount(world.credits(COAUTHOR) - 9_999_999),
    };
    world.check([
        (COAUTHOR, rest, Ok(())),
        (COAUTHOR, act(MaturityAction::OpenRound { measured: measured() }), Err(BalanceTooLow)),
    ]);
}

/// Registrations whose bonds were taken back thinned the draw out, until nobody honest was drawn.
#[test]
fn whoever_takes_its_bond_back_counts_among_the_evaluators_no_more() {
    let mut world = evaluated();
    let count = |world: &World| world.record::<u64>(&MaturityKey::Evaluators.state()).unwrap_or_default();
    let unbond = |amount| Action::Unbond { role: Role::Evaluator, amount: Amount(amount) };
    world.check([
        (TUNER, bond(Role::Evaluator, 50_000_000), Ok(())),
        (TUNER, unbond(50_000_000), Ok(())),
        (STRANGER, bond(Role::Evaluator, 7), Ok(())),
        (STRANGER, unbond(7), Ok(())),
    ]);
    assert_eq!(count(&world), 6, "what is above the least may go");
    world.check([
        (TUNER, unbond(1), Ok(())),
        (PROVIDER, unbond(100_000_000), Ok(())),
        (TUNER, act(MaturityAction::RetireEvaluator), Err(EvaluatorUnknown)),
        (TUNER, act(MaturityAction::RegisterEvaluator), Err(BondTooLow)),
    ]);
    assert_eq!(count(&world), 4);
}

/// Evaluators who retired when the beacon was known raised the chance of those who stayed, so a crowd could choose its members.
#[test]
fn the_chance_of_a_draw_is_that_of_the_opening() {
    let mut world = evaluated();
    world.accept(STRANGER, act(MaturityAction::OpenRound { measured: measured() }));
    assert_eq!(evaluation(&world).evaluators, 6);
    world.pass(1);
    let mut few = world.clone();
    few.parameters.maturity.evaluators_per_round = 1;
    let parameters = codec::encode(&few.parameters);
    few.state.insert(StateKey::Parameters.encode(), parameters);
    let drawn = |world: &World, who: u8| {
        let mut world = world.clone();
        let committing = commit(&world, who, 1, 5);
        world.send(who, committing).map(drop)
    };
    let before = EVALUATORS.map(|who| drawn(&few, who));
    assert!(before.contains(&Err(EvaluatorNotDrawn)), "six of whom one is drawn");
    let stays = EVALUATORS.into_iter().zip(before).find(|(_, result)| result.is_err()).unwrap().0;
    for who in EVALUATORS.into_iter().filter(|who| *who != stays) {
        few.accept(who, act(MaturityAction::RetireEvaluator));
    }
    assert_eq!(drawn(&few, stays), Err(EvaluatorNotDrawn), "the only one who is left is not drawn for that");
}

#[test]
fn proven_data_matures_and_shares_in_the_uplift() {
    let mut world = evaluated();
    let held: ImmatureRecord =
        world.record(&StateKey::Immature(name("help"), ContributionId([1; 32]), account(AUTHOR))).unwrap();
    let mature = act(MaturityAction::Mature { measured: measured() });
    let pool = Pool::Uplift(name("base"));
    let entering = act(MaturityAction::EnterUplift { pool: pool.clone(), measured: measured() });
    world.check([(STRANGER, mature.clone(), Err(RoundUnknown))]);
    for number in 1..=5 {
        world.check([(
            STRANGER,
            entering.clone(),
            Err(if number == 1 { RoundUnknown } else { UpliftUnproven }),
        )]);
        round(&mut world, number, 1_000);
    }
    assert_eq!((evaluation(&world).count, evaluation(&world).quality), (30, BasisPoints::WHOLE));
    // Of texts that say the same, the one that owns their cluster is proven and no other.
    let mut copied = world.clone();
    let text: ContributionRecord =
        world.record(&StateKey::Contribution(name("help"), ContributionId([1; 32]))).unwrap();
    let key = StateKey::Cluster(name("help"), text.cluster);
    let mut cluster: ClusterRecord = world.record(&key).unwrap();
    cluster.owner = ContributionId([2; 32]);
    copied.state.insert(key.encode(), codec::encode(&cluster));
    copied.check([(STRANGER, mature.clone(), Err(ClusterNotOwned))]);
    world.check([
        (STRANGER, entering.clone(), Err(UpliftUnproven)),
        (STRANGER, mature.clone(), Ok(())),
        (STRANGER, mature, Err(ContributionMature)),
    ]);
    let tranche: TrancheRecord =
        world.record(&StateKey::Tranche(account(AUTHOR), Role::Data, epoch(&world))).unwrap();
    assert_eq!((tranche.amount, tranche.linear_epochs), (held.amount, 90));
    assert_eq!(world.account(AUTHOR).escrowed, held.amount);
    let key = StateKey::Contribution(name("help"), ContributionId([1; 32]));
    assert!(world.record::<ContributionRecord>(&key).unwrap().mature);
    let wrong = act(MaturityAction::EnterUplift { pool: Pool::Insurance, measured: measured() });
    let entered = epoch(&world);
    let paying = act(MaturityAction::PayUplift { pool: pool.clone(), epoch: entered, measured: measured() });
    world.check([
        (STRANGER, wrong, Err(EntryWrong)),
        (STRANGER, entering.clone(), Ok(())),
        (STRANGER, entering, Err(EntryWrong)),
        (STRANGER, paying.clone(), Err(StillWaiting)),
    ]);
    world.pass(1);
    let pot: Amount = world.record(&StateKey::Pool(pool.clone())).unwrap();
    let mut late = world.clone();
    late.pass(1);
    late.accept(STRANGER, paying.clone());
    assert_eq!(late.account(AUTHOR).escrowed, held.amount, "an old entry takes nothing that came since");
    assert_eq!(late.record::<Amount>(&StateKey::Pool(pool.clone())), Some(pot));
    assert!(pot > Amount::ZERO);
    world.accept(STRANGER, paying.clone());
    assert_eq!(world.account(AUTHOR).escrowed, held.amount.plus(pot).unwrap());
    assert_eq!(world.record::<Amount>(&StateKey::Pool(pool.clone())), None);
    assert_eq!(world.record::<UpliftRecord>(&MaturityKey::Uplift(pool, entered).state()), None);
    world.check([(STRANGER, paying, Err(EntryWrong))]);
}

/// A contribution took one part of its datanet's pool for each model that had measured it.
#[test]
fn a_contribution_enters_a_pool_once_by_the_best_of_its_models() {
    let mut world = evaluated();
    (1..=5).for_each(|number| round(&mut world, number, 1_000));
    world.accept(STRANGER, act(MaturityAction::Mature { measured: measured() }));
    // What the same evaluators find with another model, which improves less by it, and with a third, which improves more.
    let with = |model: &str| Measured { model: name(model), ..measured() };
    let mut known = evaluation(&world);
    for (model, times) in [("tuned", -1), ("third", 1)] {
        known.sum += times * 3_000;
        let key = MaturityKey::Evaluation(with(model)).state().encode();
        world.state.insert(key, codec::encode(&known));
        known = evaluation(&world);
    }
    let pool = || Pool::Unproven(name("help"));
    let enter = |model: &str| act(MaturityAction::EnterUplift { pool: pool(), measured: with(model) });
    let entered = epoch(&world);
    let weights = |world: &World| -> u64 {
        world.record::<UpliftRecord>(&MaturityKey::Uplift(pool(), entered).state()).unwrap().weights
    };
    world.accept(STRANGER, enter("base"));
    let by_base = weights(&world);
    world.check([
        (STRANGER, enter("tuned"), Err(EntryWrong)),
        (STRANGER, enter("third"), Ok(())),
        (STRANGER, enter("base"), Err(EntryWrong)),
    ]);
    assert!(by_base < weights(&world) && weights(&world) < by_base + by_base, "{by_base}");
    world.pass(1);
    let pay =
        |model: &str| act(MaturityAction::PayUplift { pool: pool(), epoch: entered, measured: with(model) });
    world.check([(STRANGER, pay("base"), Ok(())), (STRANGER, pay("third"), Err(EntryWrong))]);
    assert_eq!(world.record::<UpliftRecord>(&MaturityKey::Uplift(pool(), entered).state()), None);
}

#[test]
fn harmful_data_loses_quality_and_never_matures() {
    let mut world = evaluated();
    for number in 1..=5 {
        round(&mut world, number, -3_000);
    }
    let quality = evaluation(&world).quality;
    assert!((5_400..5_700).contains(&quality.0), "{quality:?}");
    world.check([(STRANGER, act(MaturityAction::Mature { measured: measured() }), Err(UpliftUnproven))]);
}

/// Quality was written down and read by nobody: what had matured once was paid for ever, whatever evaluations found.
#[test]
fn what_is_found_to_do_harm_is_mature_no_more() {
    let mut world = evaluated();
    (1..=5).for_each(|number| round(&mut world, number, 1_000));
    let mature = act(MaturityAction::Mature { measured: measured() });
    world.accept(STRANGER, mature.clone());
    let key = StateKey::Contribution(name("help"), ContributionId([1; 32]));
    let is_mature = |world: &World| world.record::<ContributionRecord>(&key).unwrap().mature;
    round(&mut world, 6, 0);
    assert!(is_mature(&world), "worth little, and no harm");
    let earned = world.account(AUTHOR).escrowed;
    round(&mut world, 7, -60_000);
    assert!(!is_mature(&world));
    assert_eq!(world.account(AUTHOR).escrowed, earned, "what began to unlock stays");
    let batch = world.batch(&[world.terms("base", 10_000_000, 0, &[(1, 1)], 1)]);
    world.accept(GATEWAY, settling(batch));
    let held = StateKey::Immature(name("help"), ContributionId([1; 32]), account(AUTHOR));
    assert!(world.record::<ImmatureRecord>(&held).unwrap().amount > Amount::ZERO);
    world.check([(STRANGER, mature, Err(UpliftUnproven))]);
}

#[test]
fn early_liquidity_is_secured_by_the_bond() {
    let mut world = evaluated();
    let (datanet, contribution) = (name("help"), ContributionId([1; 32]));
    let key = StateKey::Immature(datanet.clone(), contribution, account(AUTHOR));
    let held = world.record::<ImmatureRecord>(&key).unwrap().amount.0;
    let draw = |amount| {
        act(MaturityAction::DrawEarly { datanet: name("help"), contribution, amount: Amount(amount) })
    };
    let sweep = act(MaturityAction::SweepImmature { datanet, contribution, owner: account(AUTHOR) });
    world.check([
        (AUTHOR, draw(0), Err(AmountZero)),
        (AUTHOR, draw(1), Err(EarlyBeyondBond)),
        (AUTHOR, bond(Role::Data, 2_000_000), Ok(())),
        (STRANGER, draw(1), Err(NothingHeld)),
        (AUTHOR, draw(held + 1), Err(NothingHeld)),
        (AUTHOR, draw(200_001), Err(EarlyBeyondBond)),
        (AUTHOR, draw(150_000), Ok(())),
        (AUTHOR, draw(50_001), Err(EarlyBeyondBond)),
        (AUTHOR, Action::Unbond { role: Role::Data, amount: Amount(1_000_000) }, Err(StillExposed)),
        (STRANGER, sweep.clone(), Err(StillWaiting)),
    ]);
    assert_eq!(world.credits(AUTHOR), 1_000_000_000 + 150_000);
    let bonded = |world: &World| -> BondRecord {
        world.record(&EscrowKey::Bond(account(AUTHOR), Role::Data).state()).unwrap()
    };
    assert_eq!(bonded(&world).exposure, Amount(150_000));
    let mut matured = world.clone();
    for number in 1..=5 {
        round(&mut matured, number, 1_000);
    }
    matured.accept(STRANGER, act(MaturityAction::Mature { measured: measured() }));
    assert_eq!((bonded(&matured).bond, bonded(&matured).exposure), (Amount(2_000_000), Amount(0)));
    matured.check([(STRANGER, sweep.clone(), Err(ContributionMature))]);
    // Never mature: what is left goes to the pool of the datanet, and the bond pays for what was drawn.
    world.pass(180);
    let mut disputed = world.clone();
    let (datanet, contribution) = (name("help"), ContributionId([1; 32]));
    let claim =
        DatanetAction::Claim { datanet, contribution, matter: Matter::Removal { reason: Reason::License } };
    disputed.accept(STRANGER, Action::Datanets(claim));
    disputed.check([(STRANGER, sweep.clone(), Err(MaturityDisputed))]);
    world.check([(STRANGER, sweep.clone(), Ok(())), (STRANGER, sweep, Err(NothingHeld))]);
    assert_eq!(world.account(AUTHOR).escrowed, Amount(0));
    let unproven = StateKey::Pool(Pool::Unproven(name("help")));
    assert_eq!(world.record::<Amount>(&unproven), Some(Amount(held - 150_000)));
    assert_eq!((bonded(&world).bond, bonded(&world).exposure), (Amount(500_000), Amount(0)));
    assert_eq!(world.record::<Amount>(&StateKey::Pool(Pool::Slashed)), Some(Amount(1_500_000)));
}

#[test]
fn disputed_and_revoked_data_does_not_mature() {
    let mut world = evaluated();
    for number in 1..=5 {
        round(&mut world, number, 1_000);
    }
    let revoke = Action::RevokeContribution { datanet: name("help"), contribution: ContributionId([1; 32]) };
    world.check([
        (AUTHOR, revoke, Ok(())),
        (STRANGER, act(MaturityAction::Mature { measured: measured() }), Err(ContributionRevoked)),
        (STRANGER, act(MaturityAction::OpenRound { measured: measured() }), Err(ContributionRevoked)),
    ]);
}

fn record(values: &[i32]) -> EvaluationRecord {
    let squares = values.iter().map(|value| u64::from(value.unsigned_abs()).pow(2)).sum();
    let (count, sum) = (values.len() as u64, values.iter().map(|value| i64::from(*value)).sum());
    EvaluationRecord {
        count,
        sum,
        squares,
        round: 1,
        opened_in: 0,
        evaluators: 0,
        quality: BasisPoints::WHOLE,
    }
}

#[test]
fn bounds_of_a_mean() {
    let unknown = Bounds { lower: -65_536, upper: 65_536 };
    assert_eq!(bounds(&record(&[])), unknown);
    assert_eq!(bounds(&record(&[100])), unknown);
    assert_eq!(bounds(&record(&[100; 30])), Bounds { lower: 99, upper: 102 });
    // Standard deviation 1,017 in 30: the error is 185.7, the margin 238.
    let spread: Vec<i32> = (0..30).map(|place| if place % 2 == 0 { 2_000 } else { 0 }).collect();
    assert_eq!(bounds(&record(&spread)), Bounds { lower: 762, upper: 1_239 });
    for (upper, expected) in [(1, 10_000), (0, 10_000), (-655, 9_010), (-6_554, 0), (i64::MIN, 0)] {
        assert_eq!(quality(upper, 10), BasisPoints(expected), "{upper}");
    }
}

proptest! {
    #[test]
    fn the_mean_is_between_its_bounds(values in prop::collection::vec(-WHOLE..=WHOLE, 2..200)) {
        let record = record(&values);
        let Bounds { lower, upper } = bounds(&record);
        let count = record.count as i64;
        prop_assert!(lower * count <= record.sum && record.sum <= upper * count);
    }

    /// Drawing follows the wanted number on average.
    #[test]
    fn a_draw_is_fair(seed in any::<u8>()) {
        let draws = (0..1_000u32).filter(|round| is_drawn(&bytes32(seed), &measured(), *round, &account(1), (4, 100)));
        let count = draws.count();
        prop_assert!((15..70).contains(&count), "{count} of 1,000 at 4 of 100");
        prop_assert!(is_drawn(&bytes32(seed), &measured(), 1, &account(1), (4, 4)));
        prop_assert!(!is_drawn(&bytes32(seed), &measured(), 1, &account(1), (0, 4)));
    }
}
