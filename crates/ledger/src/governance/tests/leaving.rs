//! I19: leaving completes and pays `floor(pro rata)`, between approval of a constitutional proposal and its execution.

use openledger_types::Rejection::*;
use openledger_types::record::{GatewayRecord, ProviderRecord, Role, TrancheRecord};

use super::*;
use crate::escrow;

fn leave(tranches: &[(Role, u64)], unbonding: &[(Role, u64)]) -> Action {
    ask(GovernanceAction::Leave {
        scope: Scope::Protocol,
        proposal: 1,
        scopes: vec![Scope::Datanet(name("help"))],
        tranches: tranches.to_vec(),
        unbonding: unbonding.to_vec(),
    })
}

/// Ten voters, a provider and a gateway that were paid, and a constitutional proposal that is voted on.
fn approved() -> World {
    let mut world = voters().prepare();
    let batch = world.batch(&[world.terms("base", 10_007, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    world.accept(0, propose(&[set("unbonding_epochs", 91)], Some(KEPT)));
    votes(&mut world, 1, 0..5, 5..5);
    world
}

#[test]
fn whoever_disagrees_takes_everything_that_is_verified_along() {
    let mut world = approved();
    let begun = world.context.timestamp_ms / world.parameters.epoch_ms;
    let many: Vec<(Role, u64)> = (0..65).map(|epoch| (Role::Provider, epoch)).collect();
    let repeated = [(Role::Provider, 1), (Role::Provider, 1)];
    world.check([(PROVIDER, leave(&[], &[]), Err(LeavingClosed))]);
    world.pass(14);
    world.accept(0, close(1));
    world.check([
        (PROVIDER, leave(&many, &[]), Err(LeavingInvalid)),
        (PROVIDER, leave(&repeated, &[]), Err(LeavingInvalid)),
        (PROVIDER, leave(&[], &repeated), Err(LeavingInvalid)),
    ]);
    let provider: ProviderRecord = world.record(&StateKey::Provider(account(PROVIDER))).unwrap();
    let key = StateKey::Tranche(account(PROVIDER), Role::Provider, begun);
    let tranche: TrancheRecord = world.record(&key).unwrap();
    let unlocked = escrow::unlocked(&tranche, begun, begun + 14).0;
    let before = world.account(PROVIDER);
    world.accept(PROVIDER, leave(&[(Role::Provider, begun)], &[(Role::Gateway, 3)]));
    let after = world.account(PROVIDER);
    // The exposure of the provider stays covered twice: uC * 2 / (0.1 C for one OPEN).
    let stays = provider.exposure.0 * 2 * 10;
    assert!(stays > 0);
    assert_eq!(after.open.0 - before.open.0, 1_000_000_000 + provider.stake.0 - stays);
    assert_eq!(after.credits.0 - before.credits.0, unlocked);
    let left: ProviderRecord = world.record(&StateKey::Provider(account(PROVIDER))).unwrap();
    assert_eq!(left.stake.0, stays);
    // Again, and with nothing at all: it completes.
    world.accept(PROVIDER, leave(&[(Role::Provider, begun)], &[]));
    world.accept(STRANGER, leave(&many[..64], &many[..64]));
    assert_eq!(world.account(PROVIDER).open, after.open);
    let gateway: GatewayRecord = world.record(&StateKey::Gateway(account(GATEWAY))).unwrap();
    assert_eq!(gateway.bond.0, 1_000_000_000, "who stays keeps the stake");
    world.pass(60);
    world.accept(0, run(1));
    world.check([(GATEWAY, leave(&[], &[]), Err(LeavingClosed))]);
}

#[test]
fn nobody_leaves_for_money_and_a_datanet_gives_back_its_locks_alone() {
    let mut world = voters();
    world.accept(0, propose(&[grant(1_000)], Some(KEPT)));
    votes(&mut world, 1, 0..5, 5..5);
    world.pass(7);
    world.accept(0, close(1));
    let datanet = ask(GovernanceAction::Leave {
        scope: Scope::Datanet(name("help")),
        proposal: 1,
        scopes: vec![],
        tranches: vec![],
        unbonding: vec![],
    });
    world.check([(0, leave(&[], &[]), Err(LeavingClosed)), (0, datanet, Err(ProposalUnknown))]);
}

/// A supporter of one proposal left because of another, with the OPEN that its vote was to hold until the count.
#[test]
fn whoever_supports_a_vote_that_runs_leaves_when_it_is_over() {
    let mut world = approved();
    world.pass(14);
    world.accept(0, close(1));
    for who in 0..VOTERS {
        prove_work(&mut world, who, 100);
    }
    world.accept(1, propose(&[grant(1_000)], Some(KEPT)));
    world.accept(2, vote(2, true));
    world.accept(3, vote(2, false));
    let before = [2, 3].map(|who| world.account(who).open.0);
    for who in [2, 3] {
        world.accept(who, leave(&[], &[]));
    }
    let after = [2, 3].map(|who| world.account(who).open.0);
    assert_eq!(after, [before[0], before[1] + 1_000_000_000], "an objection holds nobody");
    let key = GovernanceKey::Lock(Scope::Protocol, account(2)).state();
    assert_eq!(world.record::<LockRecord>(&key).unwrap().weights.last().unwrap().full, 0);
    world.pass(6);
    world.check([(2, release(), Err(NothingReleased))]);
    world.pass(1);
    world.accept(2, release());
    assert_eq!(world.account(2).open.0, before[0] + 1_000_000_000);
}

/// A provider sold most of a tranche to the advance pool, left while a constitutional proposal waited, and took along what it had
/// sold: the pool was never repaid.
#[test]
fn whoever_sold_a_tranche_does_not_leave_with_it() {
    use openledger_types::advances::{AdvanceAction, AdvancePoolRecord};
    let mut world = approved();
    let begun = world.context.timestamp_ms / world.parameters.epoch_ms;
    let key = StateKey::Tranche(account(PROVIDER), Role::Provider, begun);
    let whole: TrancheRecord = world.record(&key).unwrap();
    let sold = Amount(whole.amount.0 / 2);
    world.accept(STRANGER, Action::Advances(AdvanceAction::FundAdvances { amount: Amount(1_000_000) }));
    world.pass(4);
    let take = AdvanceAction::TakeAdvance { role: Role::Provider, epoch: begun, amount: sold };
    world.accept(PROVIDER, Action::Advances(take));
    world.pass(10);
    world.accept(0, close(1));
    let before = world.credits(PROVIDER);
    world.accept(PROVIDER, leave(&[(Role::Provider, begun)], &[]));
    // After two weeks all of it has unlocked: the pool has its part, the provider the rest.
    assert_eq!(world.credits(PROVIDER) - before, whole.amount.0 - sold.0);
    let pool: AdvancePoolRecord = world.record(&crate::advances::AdvanceKey::Pool.state()).unwrap();
    assert_eq!(pool.owed, Amount(0));
    assert!(!world.state.contains_key(&key.encode()));
}

/// Somebody whose work was being audited left with the stake and the tranche that would have paid for the faults.
#[test]
fn whoever_is_audited_leaves_what_faults_would_cost() {
    let mut world = approved();
    let begun = world.context.timestamp_ms / world.parameters.epoch_ms;
    let held = (account(PROVIDER), Role::Provider, begun);
    world.transit(STRANGER, |transition| escrow::hold(transition, held, Amount(40_000_000)));
    let unbond = Action::Unbond { role: Role::Provider, amount: Amount(500_000_000) };
    world.accept(PROVIDER, Action::RaiseBond { role: Role::Provider, amount: Amount(500_000_000) });
    world.accept(PROVIDER, unbond);
    world.pass(14);
    world.accept(0, close(1));
    let before = world.account(PROVIDER);
    let all = || leave(&[(Role::Provider, begun)], &[(Role::Provider, begun)]);
    world.accept(PROVIDER, all());
    let after = world.account(PROVIDER);
    let left: ProviderRecord = world.record(&StateKey::Provider(account(PROVIDER))).unwrap();
    assert_eq!(left.stake.0, 400_000_000, "40 C at 0.1 C for one OPEN");
    assert_eq!((after.open.0 - before.open.0, after.credits), (1_600_000_000, before.credits));
    world.transit(STRANGER, |transition| escrow::lift(transition, held, Amount(40_000_000)));
    world.accept(PROVIDER, all());
    let end = world.account(PROVIDER);
    assert!(end.credits > after.credits && end.open.0 - after.open.0 > 500_000_000);
}

/// A provider and a gateway left with stake and bond between the settlement of a false answer and its audit, which had nothing
/// to take then.
#[test]
fn whoever_may_still_be_drawn_leaves_no_stake_out() {
    let mut world = approved();
    world.pass(14);
    world.accept(0, close(1));
    let now = world.epoch();
    let batch = world.batch(&[world.terms("base", 10_000, 0, &[], 1)]);
    world.accept(GATEWAY, settling(batch));
    world.accept(PROVIDER, Action::RaiseBond { role: Role::Provider, amount: Amount(500_000_000) });
    world.accept(PROVIDER, Action::Unbond { role: Role::Provider, amount: Amount(500_000_000) });
    let at_stake = |world: &World| {
        let provider: ProviderRecord = world.record(&StateKey::Provider(account(PROVIDER))).unwrap();
        let gateway: GatewayRecord = world.record(&StateKey::Gateway(account(GATEWAY))).unwrap();
        let waiting = StateKey::Unbonding(account(PROVIDER), Role::Provider, now);
        (provider.stake.0, gateway.bond.0, world.state.contains_key(&waiting.encode()))
    };
    for passed in [0, 3] {
        world.pass(passed);
        world.accept(PROVIDER, leave(&[], &[(Role::Provider, now)]));
        world.accept(GATEWAY, leave(&[], &[]));
        assert_eq!(at_stake(&world), (1_000_000_000, 1_000_000_000, true));
    }
    world.pass(1);
    world.accept(PROVIDER, leave(&[], &[(Role::Provider, now)]));
    world.accept(GATEWAY, leave(&[], &[]));
    let (stake, bond, waits) = at_stake(&world);
    assert!(stake < 1_000_000 && bond < 1_000_000 && !waits, "the exposure alone stays covered");
}
