//! The tables of rejections.

use openledger_types::Rejection::*;
use openledger_types::{AccountId, Asset};

use super::*;

fn refresh(account: AccountId) -> Action {
    ask(GovernanceAction::RefreshEnrolment { scope: Scope::Protocol, account })
}

#[test]
fn votes_are_locked_and_come_back_after_a_while() {
    let mut world = World::new();
    let elsewhere = ask(GovernanceAction::Lock { scope: Scope::Datanet(name("none")), amount: Amount(1) });
    world.check([
        (0, lock(0), Err(AmountZero)),
        (0, lock(10_000_000_001), Err(BalanceTooLow)),
        (0, elsewhere, Err(DatanetUnknown)),
        (0, lock(5_000), Ok(())),
        (0, unlock(0), Err(AmountZero)),
        (0, unlock(5_001), Err(LockTooLow)),
        (0, release(), Err(NothingReleased)),
        (0, unlock(2_000), Ok(())),
        (0, unlock(1_000), Ok(())),
        (0, release(), Err(NothingReleased)),
    ]);
    world.pass(6);
    world.check([(0, release(), Err(NothingReleased))]);
    world.pass(1);
    world.check([(0, release(), Ok(())), (0, release(), Err(NothingReleased))]);
    assert_eq!(world.account(0).open.0, 10_000_000_000 - 2_000);
    for _ in 0..32 {
        world.accept(0, unlock(1));
        world.pass(1);
        let key = GovernanceKey::Lock(Scope::Protocol, account(0)).state();
        let mut record: LockRecord = world.record(&key).unwrap();
        record.leaving.last_mut().unwrap().0 += 1_000;
        world.state.insert(key.encode(), codec::encode(&record));
    }
    world.check([(0, unlock(1), Err(UnlocksTooMany))]);
}

#[test]
fn audited_work_is_registered_by_domain() {
    let mut world = World::new();
    prove_work(&mut world, 0, 100);
    let nine: Vec<Domain> =
        (b'a'..b'j').map(|letter| Domain::Data(name(&char::from(letter).to_string()))).collect();
    let datanet =
        |domain| ask(GovernanceAction::Enrol { scope: Scope::Datanet(name("help")), domains: vec![domain] });
    world.check([
        (0, enrol(&[]), Err(DomainsInvalid)),
        (0, enrol(&nine), Err(DomainsInvalid)),
        (0, enrol(&[Domain::Serving, Domain::Serving]), Err(DomainsInvalid)),
        (0, enrol(&[Domain::Auditing, Domain::Serving]), Err(DomainsInvalid)),
        (0, enrol(&[Domain::Labelling(name("help"))]), Err(DomainsInvalid)),
        (0, enrol(&[Domain::Agent]), Err(DomainsInvalid)),
        (0, datanet(Domain::Data(name("help"))), Err(DatanetUnknown)),
        (1, refresh(account(0)), Err(EnrolmentUnknown)),
        (0, enrol(&[Domain::Serving, Domain::Auditing]), Ok(())),
        (1, refresh(account(0)), Ok(())),
    ]);
    let create = Action::CreateDatanet { name: name("help"), title: "Help".into(), license: "X".into() };
    world.check([
        (CURATOR, create, Ok(())),
        (0, datanet(Domain::Serving), Err(DomainsInvalid)),
        (0, datanet(Domain::Data(name("other"))), Err(DomainsInvalid)),
        (0, datanet(Domain::Data(name("help"))), Ok(())),
    ]);
    let weight = |world: &World, who| -> u64 {
        let key = GovernanceKey::Enrolment(Scope::Protocol, account(who)).state();
        world.record::<EnrolmentRecord>(&key).unwrap().weights.last().unwrap().full
    };
    assert!(weight(&world, 0) > 80 << 16 && weight(&world, 0) < 100 << 16, "R times evidence");
    prove_work(&mut world, 0, 7);
    world.accept(1, refresh(account(0)));
    assert_eq!(weight(&world, 0), 0, "below 8 units there is no vote");
    prove_work(&mut world, 0, 8);
    world.accept(1, refresh(account(0)));
    assert!(weight(&world, 0) > 0, "8 units vote");
}

#[test]
fn a_history_of_weights_is_as_long_as_a_vote_can_ask_for() {
    let mut world = World::new();
    let mut check = |passed: u64, expected: &[u64]| {
        world.pass(passed);
        world.accept(0, lock(1));
        let key = GovernanceKey::Lock(Scope::Protocol, account(0)).state();
        let record: LockRecord = world.record(&key).unwrap();
        let epochs: Vec<u64> = record.weights.iter().map(|weight| weight.epoch).collect();
        assert_eq!(epochs, expected);
    };
    check(0, &[0]);
    check(0, &[0]);
    check(1, &[0, 1]);
    check(128, &[0, 1, 129]);
    check(1, &[1, 129, 130]);
}

#[test]
fn a_proposal_is_checked_before_anyone_reads_it() {
    let mut world = voters();
    let pool = |metric| Some(Target { metric, ..KEPT });
    let many: Vec<Change> = (0..17).map(|place| set(crate::GOVERNED[place].name, 1)).collect();
    let datanet = ask(GovernanceAction::Propose {
        scope: Scope::Datanet(name("none")),
        title: "title".into(),
        document: bytes32(1),
        changes: vec![grant(1)],
        target: Some(KEPT),
    });
    let long = ask(GovernanceAction::Propose {
        scope: Scope::Protocol,
        title: "x".repeat(513),
        document: bytes32(1),
        changes: vec![grant(1)],
        target: Some(KEPT),
    });
    let late = Target { review_after_epochs: 366, ..KEPT };
    world.check([
        (0, datanet, Err(DatanetUnknown)),
        (0, long, Err(TextTooLong)),
        (0, propose(&[], None), Err(ChangesInvalid)),
        (0, propose(&many, None), Err(ChangesInvalid)),
        (0, propose(&[set("epoch_ms", 1), set("epoch_ms", 2)], None), Err(ChangesInvalid)),
        (0, propose(&[grant(1), grant(2)], Some(KEPT)), Err(ChangesInvalid)),
        (0, propose(&[set("chain_id", 1)], None), Err(ParameterUnknown)),
        (0, propose(&[set("epoch_ms", 1)], None), Err(ParameterFixed)),
        (0, propose(&[set("governance.token_half_life_epochs", 8)], None), Err(ParameterFixed)),
        (0, propose(&[Change::Renew { proposal: 1 }], Some(KEPT)), Err(ProposalUnknown)),
        (0, propose(&[set("split.burn", 400)], None), Err(TargetInvalid)),
        (0, propose(&[grant(1)], pool(Metric::Pool(Pool::Uplift(name("base"))))), Err(TargetInvalid)),
        (0, propose(&[grant(1)], Some(late)), Err(TargetInvalid)),
        (0, propose(&[set("split.burn", 400)], Some(KEPT)), Err(RulesBroken)),
        (0, propose(&[set("router_fee_max", 10_001)], Some(KEPT)), Err(RulesBroken)),
        (0, propose(&[Change::Curator { to: account(1) }], Some(KEPT)), Err(ChangesInvalid)),
        (0, propose(&[set("router_fee_max", 1_000)], None), Err(ChangesNothing)),
        (0, propose(&[grant(0)], Some(KEPT)), Err(AmountZero)),
        (0, propose(&[grant(10_000_001)], Some(KEPT)), Err(GrantTooHigh)),
        (10, propose(&[grant(1)], Some(KEPT)), Err(ProposerWeightless)),
        (10, lock(1_000), Ok(())),
        (10, propose(&[grant(1)], Some(KEPT)), Err(ProposerWeightless)),
        (0, propose(&[grant(1)], Some(KEPT)), Ok(())),
        (0, propose(&[Change::Renew { proposal: 1 }], Some(KEPT)), Err(RenewalInvalid)),
        (0, propose(&[grant(2)], Some(KEPT)), Err(ProposalRepeated)),
    ]);
    link(&mut world, 0, 3);
    world.check([(3, propose(&[grant(2)], Some(KEPT)), Err(ProposalRepeated))]);
    world.accept(1, transfer(0, Asset::Open, 8_950_000_000));
    world.check([(1, propose(&[grant(1)], Some(KEPT)), Err(BalanceTooLow))]);
    let key = GovernanceKey::Scope(Scope::Protocol).state();
    world
        .state
        .insert(key.encode(), codec::encode(&ScopeRecord { proposals: 1, open: vec![account(9); 64] }));
    world.check([(2, propose(&[grant(1)], Some(KEPT)), Err(ProposalsTooMany))]);
}

#[test]
fn what_a_change_touches_decides_the_class() {
    let mut world = voters();
    let rows = [
        (vec![set("router_fee_max", 1_100)], ProposalClass::Routine),
        (vec![set("router_fee_max", 1_101)], ProposalClass::Money),
        (vec![set("provider_stake_min", 1_000_000_001)], ProposalClass::Money),
        (vec![set("router_fee_max", 1_050), grant(1)], ProposalClass::Money),
        (vec![set("router_fee_max", 1_050), set("unbonding_epochs", 91)], ProposalClass::Constitution),
        (vec![set("governance.money_epochs", 8)], ProposalClass::Constitution),
    ];
    for (who, (changes, class)) in (0..).zip(rows) {
        let events = world.accept(who, propose(&changes, Some(KEPT)));
        let proposed = events.iter().find_map(|event| match event {
            Event::Governance(GovernanceEvent::Proposed { class, .. }) => Some(*class),
            _ => None,
        });
        assert_eq!(proposed, Some(class), "{changes:?}");
    }
}

#[test]
fn votes_and_their_stages_are_refused_out_of_turn() {
    let mut world = voters();
    world.accept(0, propose(&[grant(1_000)], Some(KEPT)));
    world.accept(1, propose(&[set("router_fee_max", 1_050)], None));
    world.accept(10, lock(1_000));
    world.check([
        (0, vote(3, true), Err(ProposalUnknown)),
        (0, close(3), Err(ProposalUnknown)),
        (10, vote(1, true), Err(Weightless)),
        (11, vote(1, true), Err(Weightless)),
        (0, close(1), Err(VoteOpen)),
        (0, close(2), Err(NotApproved)),
        (0, run(1), Err(NotApproved)),
        (0, run(2), Err(DelayRuns)),
        (0, review(1), Err(ReviewNotDue)),
        (0, sunset(1), Err(SunsetNotDue)),
    ]);
    votes(&mut world, 1, 0..4, 4..4);
    world.pass(7);
    world.check([
        (5, vote(1, true), Err(VoteOver)),
        (5, vote(2, false), Err(VoteOver)),
        (0, close(1), Ok(())),
        (0, close(1), Err(NotApproved)),
        (5, vote(1, true), Err(VoteOver)),
        (0, run(1), Err(DelayRuns)),
    ]);
    world.pass(7);
    world.check([
        (5, vote(1, false), Err(VoteOver)),
        (0, run(1), Ok(())),
        (0, run(1), Err(NotApproved)),
        (0, review(1), Err(ReviewNotDue)),
    ]);
    assert_eq!(world.credits(STRANGER), 1_000_001_000);
}
