//! The table of jobs, their graph and their evidence, and the property that a job's money is paid out exactly once.

use openledger_types::Rejection::*;
use openledger_types::agents::*;
use openledger_types::datanets::DatanetAction;
use openledger_types::record::Pool;
use openledger_types::{AccountAction, Action, Amount, BasisPoints, Domain, EvidenceRecord, Rejection};
use proptest::prelude::*;

use super::AgentKey;
use super::fixtures::{agent_record, job_record, job_terms, register};
use crate::StateKey;
use crate::reputation::ReputationKey;
use crate::tests::*;

const CLIENT: u8 = 8;
const WORKER: u8 = 1;
const JUDGE: u8 = 9;

fn act(action: AgentAction) -> Action {
    Action::Agents(action)
}

fn open(terms: JobTerms) -> Action {
    act(AgentAction::OpenJob { terms, mandate: None })
}

fn accept(job: u64) -> Action {
    act(AgentAction::AcceptJob { job: JobId(job) })
}

fn cancel(job: u64) -> Action {
    act(AgentAction::CancelJob { job: JobId(job) })
}

fn submit(job: u64) -> Action {
    act(AgentAction::SubmitResult { job: JobId(job), result: bytes32(7) })
}

fn decide(job: u64, paid: u16) -> Action {
    act(AgentAction::DecideJob { job: JobId(job), paid: BasisPoints(paid), reasons: bytes32(8) })
}

fn contest(job: u64, paid: u16) -> Action {
    act(AgentAction::ContestJob { job: JobId(job), paid: BasisPoints(paid) })
}

fn judge(job: u64, beacon: u64, contested: bool) -> Action {
    act(AgentAction::JudgeJob { job: JobId(job), beacon, contested })
}

fn settle(job: u64) -> Action {
    act(AgentAction::SettleJob { job: JobId(job) })
}

fn raise(agent: u64, amount: u64) -> Action {
    act(AgentAction::RaiseAgentBond { agent: AgentId(agent), amount: Amount(amount) })
}

/// Agents 1 to 5 of accounts 1 to 5.
fn prepared() -> World {
    let mut world = World::new();
    for who in 1..=5 {
        world.accept(who, register());
    }
    world
}

/// What an account has more or less than at the beginning.
fn gained(world: &World, who: u8) -> i64 {
    i64::try_from(world.credits(who)).unwrap() - 1_000_000_000
}

fn pool(world: &World, pool: Pool) -> u64 {
    world.record::<Amount>(&StateKey::Pool(pool)).unwrap_or_default().0
}

#[test]
fn a_job_goes_its_way_step_by_step() {
    let mut world = prepared();
    let invalid = |change: &dyn Fn(&mut JobTerms)| {
        let mut terms = job_terms(1, JUDGE, 10_000);
        change(&mut terms);
        open(terms)
    };
    world.check([
        (CLIENT, invalid(&|terms| terms.price = Amount(0)), Err(JobInvalid)),
        (CLIENT, invalid(&|terms| terms.accept_epochs = 0), Err(JobInvalid)),
        (CLIENT, invalid(&|terms| terms.deliver_epochs = 1_001), Err(JobInvalid)),
        (CLIENT, invalid(&|terms| terms.review_epochs = 0), Err(JobInvalid)),
        (CLIENT, invalid(&|terms| terms.provider = AgentId(9)), Err(AgentUnknown)),
        (CLIENT, invalid(&|terms| terms.parent = Some(JobId(9))), Err(JobUnknown)),
        (CLIENT, invalid(&|terms| terms.price = Amount(u64::MAX)), Err(AmountOverflow)),
        (CLIENT, invalid(&|terms| terms.price = Amount(1_000_000_000)), Err(BalanceTooLow)),
        (CLIENT, open(job_terms(1, JUDGE, 10_000)), Ok(())),
        (CLIENT, accept(1), Err(NotAgentActor)),
        (WORKER, accept(2), Err(JobUnknown)),
        (WORKER, submit(1), Err(NotJobParty)),
        (JUDGE, cancel(1), Err(NotJobParty)),
        (JUDGE, decide(1, 1), Err(JobStateWrong)),
        (CLIENT, contest(1, 0), Err(JobStateWrong)),
        (CLIENT, settle(1), Err(JobTooEarly)),
        (WORKER, accept(1), Ok(())),
        (WORKER, accept(1), Err(JobStateWrong)),
        (CLIENT, cancel(1), Err(JobStateWrong)),
        (WORKER, submit(1), Ok(())),
        (WORKER, submit(1), Err(JobStateWrong)),
        (CLIENT, decide(1, 1), Err(NotJobParty)),
        (JUDGE, decide(1, 10_001), Err(PaidTooMuch)),
        (JUDGE, decide(1, 6_000), Ok(())),
        (JUDGE, contest(1, 0), Err(NotJobParty)),
        (CLIENT, contest(1, 10_001), Err(PaidTooMuch)),
        (CLIENT, contest(1, 6_000), Err(ContestInvalid)),
        (CLIENT, contest(1, 6_001), Err(ContestInvalid)),
        (WORKER, contest(1, 6_000), Err(ContestInvalid)),
        (WORKER, contest(1, 5_999), Err(ContestInvalid)),
        (CLIENT, settle(1), Err(JobTooEarly)),
    ]);
    world.pass(3);
    world.check([
        (CLIENT, contest(1, 0), Err(JobTooLate)),
        (STRANGER, settle(1), Ok(())),
        (STRANGER, settle(1), Err(JobStateWrong)),
    ]);
    // 6,000 of 10,000: 2 % burned, 3 % for maintenance.
    assert_eq!(gained(&world, WORKER), 5_700);
    assert_eq!((gained(&world, CLIENT), gained(&world, JUDGE)), (-6_010, 10));
    assert_eq!(pool(&world, Pool::Maintenance), 180);
    assert_eq!(job_record(&world, 1).state, JobState::Closed { paid: Amount(6_000) });
}

#[test]
fn silence_has_a_verdict_at_every_step() {
    let mut world = prepared();
    // Job 1 is not accepted, 2 is taken back, 3 is declined, 4 has no result, 5 has no decision.
    for _ in 0..5 {
        world.accept(CLIENT, open(job_terms(1, JUDGE, 1_000)));
    }
    world.check([
        (CLIENT, cancel(2), Ok(())),
        (CLIENT, cancel(2), Err(JobStateWrong)),
        (WORKER, cancel(3), Ok(())),
        (WORKER, accept(4), Ok(())),
        (WORKER, accept(5), Ok(())),
    ]);
    world.pass(1);
    world.accept(WORKER, submit(5));
    world.check([(CLIENT, settle(1), Err(JobTooEarly)), (CLIENT, settle(4), Err(JobTooEarly))]);
    world.pass(1);
    world.check([
        (WORKER, accept(1), Err(JobTooLate)),
        (WORKER, submit(4), Err(JobTooLate)),
        (STRANGER, settle(1), Ok(())),
        (STRANGER, settle(4), Ok(())),
        (STRANGER, settle(5), Err(JobTooEarly)),
    ]);
    world.pass(1);
    world.check([(JUDGE, decide(5, 0), Err(JobTooLate)), (STRANGER, settle(5), Ok(()))]);
    assert_eq!(gained(&world, WORKER), 950, "silence pays the work");
    assert_eq!((gained(&world, CLIENT), gained(&world, JUDGE)), (-1_000, 0), "and not the silent");
}

const JURORS: [u8; 3] = [5, 6, 7];

/// A job of 1,000 that the evaluator has decided about, with jurors who joined before.
fn decided(paid: u16) -> World {
    let mut world = prepared();
    for juror in JURORS.into_iter().chain([CLIENT]) {
        world.accept(juror, Action::Datanets(DatanetAction::JoinPanel));
    }
    world.pass(1);
    world.check([
        (CLIENT, open(job_terms(1, JUDGE, 1_000)), Ok(())),
        (WORKER, accept(1), Ok(())),
        (WORKER, submit(1), Ok(())),
        (JUDGE, decide(1, paid), Ok(())),
        (JURORS[0], judge(1, 1, true), Err(JobStateWrong)),
    ]);
    world
}

/// What provider, client and evaluator gained, and the OPEN that provider and client lost, once the jurors have judged. The time
/// for an answer runs now.
fn judged(mut world: World, before: [u64; 2], votes: &[bool]) -> (i64, i64, i64, [u64; 2]) {
    world.pass(2);
    let early = world.epoch();
    world.check([(JURORS[0], judge(1, early, true), Err(BeaconWrong))]);
    world.pass(1);
    let beacon = world.epoch();
    for (juror, vote) in JURORS.into_iter().zip(votes) {
        world.check([
            (juror, judge(1, beacon, *vote), Ok(())),
            (juror, judge(1, beacon, *vote), Err(VoteRepeated)),
        ]);
    }
    world.check([
        (CLIENT, judge(1, beacon, false), Err(NotDrawn)),
        (STRANGER, judge(1, beacon, false), Err(JurorUnknown)),
        (WORKER, settle(1), Err(JobTooEarly)),
    ]);
    world.pass(14);
    world.check([
        (JURORS[2], judge(1, beacon, true), Err(TooLate)),
        (WORKER, settle(1), Ok(())),
        (WORKER, settle(1), Err(JobStateWrong)),
    ]);
    let lost = [before[0] - world.account(WORKER).open.0, before[1] - world.account(CLIENT).open.0];
    (gained(&world, WORKER), gained(&world, CLIENT), gained(&world, JUDGE), lost)
}

fn opens(world: &World) -> [u64; 2] {
    [WORKER, CLIENT].map(|who| world.account(who).open.0)
}

/// Nobody answered a contested decision, so an evaluator who was wrong, or whose friend the client was, had the last word.
#[test]
fn a_decision_is_contested_once_and_jurors_choose() {
    let contested = |votes: &[bool]| {
        let mut world = decided(2_000);
        let before = opens(&world);
        world.check([
            (WORKER, contest(1, 9_000), Ok(())),
            (WORKER, contest(1, 9_500), Err(JobStateWrong)),
            (CLIENT, contest(1, 2_000), Err(ContestInvalid)),
        ]);
        judged(world, before, votes)
    };
    let fee = World::new().parameters.datanets.juror_fee.0;
    assert_eq!(contested(&[true, true, false]), (855, -900, 0, [3 * fee, 0]), "the evaluator was wrong");
    assert_eq!(contested(&[false, true, false]), (190, -210, 10, [10_000_000, 0]), "the provider was");
    assert_eq!(contested(&[]), (190, -210, 10, [0, 0]), "silence confirms and takes no bond");
    assert_eq!(contested(&[true]), (190, -210, 10, [fee, 0]), "one juror is no panel, and is paid");
}

/// The evaluator decided almost nothing, its friend the client contested that with nothing at all, and jurors could choose between
/// the two: the provider, who had a right to one contest, came too late for it.
#[test]
fn whoever_contests_first_shuts_nobody_out() {
    let answered = |votes: &[bool]| {
        let mut world = decided(1);
        let before = opens(&world);
        world.check([
            (CLIENT, contest(1, 0), Ok(())),
            (STRANGER, contest(1, 9_000), Err(NotJobParty)),
            (CLIENT, contest(1, 0), Err(JobStateWrong)),
            (WORKER, contest(1, 0), Err(ContestInvalid)),
            (WORKER, contest(1, 9_000), Ok(())),
            (WORKER, contest(1, 10_000), Err(JobStateWrong)),
            (CLIENT, contest(1, 0), Err(JobStateWrong)),
        ]);
        judged(world, before, votes)
    };
    const BOND: u64 = 10_000_000;
    let fee = World::new().parameters.datanets.juror_fee.0;
    assert_eq!(answered(&[false, false, true]), (855, -900, 0, [0, BOND]), "the provider was right");
    assert_eq!(
        answered(&[true, false, true]),
        (0, -10, 10, [BOND, 0]),
        "the client was, and the evaluator almost"
    );
    assert_eq!(answered(&[]), (0, -10, 10, [0, 0]), "silence confirms and takes no bond");
    assert_eq!(answered(&[false]), (0, -10, 10, [0, fee]), "whoever called the panel pays one juror");
    let mut world = decided(1);
    world.pass(2);
    world.accept(CLIENT, contest(1, 0));
    world.pass(2);
    let mut late = world.clone();
    world.accept(WORKER, contest(1, 9_000));
    late.pass(1);
    late.check([(WORKER, contest(1, 9_000), Err(JobTooLate))]);
}

#[test]
fn parts_never_cost_more_than_the_job_and_one_graph_shows_all() {
    let mut world = prepared();
    let part = |of: u64, provider: u64, price: u64| JobTerms {
        parent: Some(JobId(of)),
        evaluator_fee: Amount(0),
        ..job_terms(provider, JUDGE, price)
    };
    world.check([
        (CLIENT, open(job_terms(1, JUDGE, 1_000)), Ok(())),
        (WORKER, open(part(1, 2, 100)), Err(NotJobParty)),
        (WORKER, accept(1), Ok(())),
        (CLIENT, open(part(1, 2, 100)), Err(NotJobParty)),
        (WORKER, open(part(1, 2, 600)), Ok(())),
        (WORKER, open(part(1, 3, 401)), Err(PartsExceedPrice)),
        (WORKER, open(part(1, 3, 400)), Ok(())),
        (2, accept(2), Ok(())),
        (2, open(part(2, 4, 600)), Ok(())),
        (WORKER, open(part(1, 5, 1)), Err(PartsExceedPrice)),
        (3, cancel(3), Ok(())),
        (WORKER, open(part(1, 5, 400)), Ok(())),
    ]);
    let graph: GraphRecord = world.record(&AgentKey::Graph(JobId(1)).state()).unwrap();
    assert_eq!(graph.jobs, [1, 2, 3, 4, 5].map(JobId));
    assert_eq!(graph.cost, Amount(1_010 + 600 + 600 + 400));
    assert_eq!(job_record(&world, 4).depth, 2);
    world.accept(WORKER, submit(1));
    world.check([(WORKER, open(part(1, 2, 1)), Err(JobStateWrong))]);
}

#[test]
fn a_graph_is_bounded() {
    let mut world = prepared();
    let part = |of: u64| JobTerms {
        parent: Some(JobId(of)),
        evaluator_fee: Amount(0),
        ..job_terms(1, JUDGE, 1_000)
    };
    world.accept(CLIENT, open(job_terms(1, JUDGE, 1_000)));
    for depth in 1..=8 {
        world.accept(WORKER, accept(depth));
        world.accept(WORKER, open(part(depth)));
    }
    world.accept(WORKER, accept(9));
    world.check([(WORKER, open(part(9)), Err(GraphTooLarge))]);
    let small = |of: u64| JobTerms { price: Amount(1), ..part(of) };
    world.accept(CLIENT, open(job_terms(1, JUDGE, 1_000)));
    world.accept(WORKER, accept(10));
    for _ in 0..64 {
        world.accept(WORKER, open(small(10)));
    }
    world.check([(WORKER, open(small(10)), Err(GraphTooLarge))]);
}

#[test]
fn what_failed_of_a_job_is_taken_of_the_bond() {
    let mut world = prepared();
    let bonded = |bond: u64| JobTerms { bond: Amount(bond), ..job_terms(1, JUDGE, 1_000) };
    let unbond = |amount| act(AgentAction::UnbondAgent { agent: AgentId(1), amount: Amount(amount) });
    world.check([
        (WORKER, raise(1, 1_000), Ok(())),
        (CLIENT, open(bonded(700)), Ok(())),
        (CLIENT, open(bonded(301)), Ok(())),
        (CLIENT, open(bonded(300)), Ok(())),
        (WORKER, accept(1), Ok(())),
        (WORKER, accept(2), Err(AgentBondTooLow)),
        (WORKER, accept(3), Ok(())),
        (WORKER, unbond(1), Err(AgentBondTooLow)),
        (WORKER, submit(1), Ok(())),
        (JUDGE, decide(1, 7_500), Ok(())),
    ]);
    world.pass(3);
    world.check([(STRANGER, settle(1), Ok(())), (STRANGER, settle(3), Ok(()))]);
    let record = agent_record(&world, 1);
    assert_eq!((record.bond, record.at_risk), (Amount(1_000 - 175 - 300), Amount(0)));
    assert_eq!(world.account(CLIENT).open, Amount(10_000_000_000 + 175 + 300));
}

/// Good and bad evidence about the worker as an agent.
fn evidence(world: &World) -> Option<(bool, bool)> {
    let key = StateKey::Reputation(ReputationKey::Evidence(account(WORKER), Domain::Agent));
    let record: EvidenceRecord = world.record(&key)?;
    Some((record.alpha > 1 << 32, record.beta > 4 << 32))
}

#[test]
fn evidence_comes_from_evaluators_who_belong_to_nobody_and_from_missed_jobs() {
    let declare = |other: u8| Action::Accounts(AccountAction::DeclareLink { other: account(other) });
    let judged = |linked: Option<u8>, paid: u16| {
        let mut world = prepared();
        if let Some(side) = linked {
            world.accept(JUDGE, declare(side));
            world.accept(side, declare(JUDGE));
        }
        // Another provider first, so that the client is nobody's captive.
        for (agent, worker) in [(2, 2), (1, WORKER)] {
            world.accept(CLIENT, open(job_terms(agent, JUDGE, 1_000_000)));
            let job = u64::from(agent == 1) + 1;
            world.accept(worker, accept(job));
            world.accept(worker, submit(job));
            world.accept(JUDGE, decide(job, paid));
            world.pass(3);
            world.accept(STRANGER, settle(job));
        }
        evidence(&world)
    };
    assert_eq!(judged(Some(CLIENT), 10_000), None);
    assert_eq!(judged(Some(WORKER), 10_000), None);
    assert!(judged(None, 0).is_some_and(|(good, bad)| !good && bad));
    let mut world = prepared();
    world.accept(CLIENT, open(job_terms(1, JUDGE, 1_000_000)));
    world.accept(WORKER, accept(1));
    world.pass(2);
    world.accept(STRANGER, settle(1));
    assert!(evidence(&world).is_some_and(|(good, bad)| !good && bad), "a missed job speaks for itself");
}

/// The ends of one job: who sends what, by numbers.
fn step(kind: u8, job: u64, paid: u16) -> (u8, Action) {
    match kind {
        0 | 1 => (WORKER, accept(job)),
        2 => ([CLIENT, WORKER][usize::from(paid & 1)], cancel(job)),
        3 | 4 => (WORKER, submit(job)),
        5 | 6 => (JUDGE, decide(job, paid)),
        7 => ([CLIENT, WORKER][usize::from(paid & 1)], contest(job, paid)),
        _ => (STRANGER, settle(job)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// In whatever order things are tried: once everybody had time, each job is closed, each closed once, nothing is left in
    /// custody, and no bond is at risk. (`World` checks that nothing is made or lost on the way.)
    #[test]
    fn a_job_ends_with_its_money_paid_out_exactly_once(
        steps in prop::collection::vec((0u8..12, 1u64..5, 0u16..=10_000), 1..60),
    ) {
        let mut world = prepared();
        world.accept(WORKER, raise(1, 10_000));
        for bond in [0, 500, 1_000] {
            let terms = JobTerms { bond: Amount(bond), ..job_terms(1, JUDGE, 1_000 + bond) };
            world.accept(CLIENT, open(terms));
        }
        let mut closed = [0u8; 5];
        let mut note = |job: u64, kind: u8, result: &Result<_, Rejection>| {
            if result.is_ok() && matches!(kind, 2 | 8..) {
                closed[usize::try_from(job).unwrap()] += 1;
            }
        };
        for (kind, job, paid) in steps {
            if kind == 11 {
                world.pass(1);
            } else {
                let (who, action) = step(kind, job, paid);
                let result = world.send(who, action);
                note(job, kind, &result);
            }
        }
        world.pass(30);
        for job in 1..=3 {
            let result = world.send(STRANGER, settle(job));
            note(job, 8, &result);
        }
        prop_assert_eq!(closed, [0, 1, 1, 1, 0]);
        let supply: openledger_types::record::SupplyRecord = world.record(&StateKey::Supply).unwrap();
        prop_assert_eq!((supply.credits_in_custody, supply.open_in_custody), (Amount(0), Amount(0)));
        prop_assert_eq!(agent_record(&world, 1).at_risk, Amount(0));
    }

    /// I4: a job in two parts never pays its provider more than one job, whatever the decision.
    #[test]
    fn splitting_a_job_never_pays(one in 1u64..100_000, two in 1u64..100_000, paid in 0u16..=10_000) {
        let paid_for = |prices: &[u64]| {
            let mut world = prepared();
            for (index, price) in prices.iter().enumerate() {
                let job = index as u64 + 1;
                world.accept(CLIENT, open(job_terms(1, JUDGE, *price)));
                world.accept(WORKER, accept(job));
                world.accept(WORKER, submit(job));
                world.accept(JUDGE, decide(job, paid));
            }
            world.pass(3);
            for job in 1..=prices.len() as u64 {
                world.accept(STRANGER, settle(job));
            }
            gained(&world, WORKER)
        };
        prop_assert!(paid_for(&[one, two]) <= paid_for(&[one + two]));
    }
}
