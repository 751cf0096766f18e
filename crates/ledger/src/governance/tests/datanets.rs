//! A datanet decides by the same machinery as the network: about its policy, its curator and its treasury.

use openledger_types::Rejection::*;
use openledger_types::datanets::{Policy, RulesRecord, treasury_account};
use openledger_types::record::{AccountRecord, DatanetRecord};

use super::*;
use crate::datanets::rules_key;

const MEMBERS: u8 = 10;

fn help() -> Scope {
    Scope::Datanet(name("help"))
}

fn propose_for_help(changes: &[Change], target: Target) -> Action {
    ask(GovernanceAction::Propose {
        scope: help(),
        title: "title".into(),
        document: bytes32(1),
        changes: changes.to_vec(),
        target: Some(target),
    })
}

fn support(proposal: u64, support: bool) -> Action {
    ask(GovernanceAction::Vote { scope: help(), proposal, support })
}

fn count(proposal: u64) -> Action {
    ask(GovernanceAction::CloseVote { scope: help(), proposal })
}

fn execute(proposal: u64) -> Action {
    ask(GovernanceAction::Execute { scope: help(), proposal })
}

fn treasury(world: &World) -> u64 {
    let key = StateKey::Account(treasury_account(&name("help")));
    world.record::<AccountRecord>(&key).unwrap_or_default().credits.0
}

/// A target that is kept as long as the datanet's treasury holds so much.
fn holds(value: u64) -> Target {
    let metric = Metric::DatanetTreasury(name("help"));
    Target { metric, at_least: true, value, review_after_epochs: 5 }
}

fn sharing(treasury_share: u16) -> Policy {
    Policy { treasury_share: BasisPoints(treasury_share), ..Policy::imports_only() }
}

fn changed(treasury_share: u16) -> Change {
    Change::Policy { policy: Box::new(sharing(treasury_share)) }
}

fn policy(world: &World) -> Policy {
    let rules: RulesRecord = world.record(&rules_key(&name("help"))).unwrap();
    rules.at(world.epoch()).clone()
}

/// Ten members with OPEN locked for the datanet and audited data in it, and a treasury of 1,000 C.
fn members() -> World {
    let mut world = World::new();
    let create = Action::CreateDatanet { name: name("help"), title: "Help".into(), license: "X".into() };
    world.accept(CURATOR, create);
    for who in 0..MEMBERS {
        world.accept(who, ask(GovernanceAction::Lock { scope: help(), amount: Amount(1_000_000_000) }));
        let domain = Domain::Data(name("help"));
        prove(&mut world, who, domain.clone(), 100);
        world.accept(who, ask(GovernanceAction::Enrol { scope: help(), domains: vec![domain] }));
    }
    let to = treasury_account(&name("help"));
    world.accept(
        STRANGER,
        Action::Transfer { to, asset: openledger_types::Asset::Credit, amount: Amount(1_000_000_000) },
    );
    world.pass(7);
    world
}

fn decide(world: &mut World, proposal: u64, yes: u8, epochs: u64) {
    for who in 0..yes {
        world.accept(who, support(proposal, true));
    }
    world.pass(epochs);
    world.accept(STRANGER, count(proposal));
}

/// The first proposal of a datanet could only renew an earlier one, so there never was one.
#[test]
fn members_propose_vote_leave_and_execute() {
    let mut world = members();
    let changes = [changed(150), Change::Curator { to: account(3) }];
    world.accept(1, propose_for_help(&changes, holds(1)));
    decide(&mut world, 1, 5, 14);
    // Whoever does not want the policy takes its votes back before it is executed.
    let leave = ask(GovernanceAction::Leave {
        scope: help(),
        proposal: 1,
        scopes: vec![],
        tranches: vec![],
        unbonding: vec![],
    });
    let before = world.account(9).open.0;
    world.accept(9, leave.clone());
    assert_eq!(world.account(9).open.0 - before, 1_000_000_000);
    world.check([(0, execute(1), Err(DelayRuns))]);
    world.pass(14);
    world.accept(STRANGER, execute(1));
    let datanet: DatanetRecord = world.record(&StateKey::Datanet(name("help"))).unwrap();
    assert_eq!(datanet.curator, account(3));
    assert_eq!(policy(&world), sharing(0), "a policy comes into force after its delay");
    world.pass(7);
    assert_eq!(policy(&world), sharing(150));
    world.check([(8, leave, Err(LeavingClosed))]);
    // What the houses promised is kept, so the policy stands; it has no term.
    world.accept(STRANGER, ask(GovernanceAction::Review { scope: help(), proposal: 1 }));
    world.check([(0, ask(GovernanceAction::Sunset { scope: help(), proposal: 1 }), Err(SunsetNotDue))]);
    assert_eq!(policy(&world), sharing(150));
}

#[test]
fn the_treasury_of_a_datanet_is_spent_by_its_houses() {
    let mut world = members();
    let grant = |amount| Change::Grant { to: account(STRANGER), amount: Amount(amount) };
    let own = [grant(10_000_000)];
    world.check([
        (1, propose_for_help(&[grant(10_000_001)], holds(1)), Err(GrantTooHigh)),
        (10, propose_for_help(&own, holds(1)), Err(ProposerWeightless)),
        (1, propose_for_help(&[set("router_fee_max", 1_100)], holds(1)), Err(ChangesInvalid)),
        (1, propose_for_help(&own, holds(1)), Ok(())),
    ]);
    decide(&mut world, 1, 5, 7);
    world.pass(7);
    let before = world.credits(STRANGER);
    world.accept(STRANGER, execute(1));
    assert_eq!((world.credits(STRANGER) - before, treasury(&world)), (10_000_000, 990_000_000));
}

#[test]
fn a_policy_of_a_datanet_keeps_its_bounds_and_its_promise() {
    let mut world = members();
    let elsewhere = Target { metric: Metric::DatanetTreasury(name("other")), ..holds(1) };
    world.check([
        (1, propose_for_help(&[changed(201)], holds(1)), Err(ShareStepTooLarge)),
        (1, propose_for_help(&[changed(2_001)], holds(1)), Err(ShareTooHigh)),
        (1, propose_for_help(&[changed(0)], holds(1)), Err(ChangesNothing)),
        (1, propose_for_help(&[Change::Curator { to: account(CURATOR) }], holds(1)), Err(ChangesNothing)),
        (1, propose_for_help(&[changed(150)], elsewhere), Err(TargetInvalid)),
        (1, propose_for_help(&[changed(150)], holds(u64::MAX)), Ok(())),
    ]);
    decide(&mut world, 1, 5, 14);
    world.pass(14);
    world.accept(STRANGER, execute(1));
    world.pass(5);
    world.accept(STRANGER, ask(GovernanceAction::Review { scope: help(), proposal: 1 }));
    world.pass(7);
    assert_eq!(policy(&world), sharing(0), "the promise was not kept");
    let key = GovernanceKey::Proposal(help(), 1).state();
    assert_eq!(world.record::<ProposalRecord>(&key).unwrap().stage, Stage::Restored);
}

fn announce(treasury_share: u16) -> Action {
    let policy = Box::new(sharing(treasury_share));
    Action::Datanets(openledger_types::DatanetAction::SetPolicy { datanet: name("help"), policy })
}

/// A policy that the houses propose, and that is approved; nobody has executed it.
fn approved(world: &mut World, treasury_share: u16, target: Target) {
    world.accept(1, propose_for_help(&[changed(treasury_share)], target));
    decide(world, 1, 5, 14);
    world.pass(14);
}

/// The curator lowered its share while the houses voted, so that their step was too large, and nobody could execute it.
#[test]
fn a_curator_has_no_veto() {
    let mut world = members();
    world.accept(CURATOR, announce(200));
    world.pass(7);
    world.accept(1, propose_for_help(&[changed(350)], holds(1)));
    world.accept(CURATOR, announce(0));
    decide(&mut world, 1, 5, 14);
    world.pass(14);
    assert_eq!(policy(&world), sharing(0));
    world.accept(STRANGER, execute(1));
    world.pass(7);
    assert_eq!(policy(&world), sharing(350));
}

/// What the curator announced before the execution was never in force, and came into force when the promise was broken.
#[test]
fn a_broken_promise_restores_the_policy_that_was_in_force() {
    let mut world = members();
    approved(&mut world, 150, holds(u64::MAX));
    world.check([(CURATOR, announce(100), Ok(())), (STRANGER, execute(1), Ok(()))]);
    world.pass(5);
    world.accept(STRANGER, ask(GovernanceAction::Review { scope: help(), proposal: 1 }));
    world.pass(7);
    assert_eq!(policy(&world), sharing(0));
}

#[test]
fn a_policy_that_is_out_of_bounds_by_now_is_not_restored() {
    let mut world = members();
    world.accept(CURATOR, announce(200));
    world.pass(7);
    approved(&mut world, 150, holds(u64::MAX));
    world.accept(STRANGER, execute(1));
    let mut parameters = world.parameters.clone();
    parameters.datanets.treasury_share_max = BasisPoints(199);
    world.state.insert(StateKey::Parameters.encode(), openledger_types::codec::encode(&parameters));
    world.pass(7);
    world.accept(STRANGER, ask(GovernanceAction::Review { scope: help(), proposal: 1 }));
    world.pass(7);
    assert_eq!(policy(&world), sharing(150));
}
