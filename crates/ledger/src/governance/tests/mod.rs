//! The tables, histories and properties of governance, and the world they begin in.

mod clusters;
mod council;
mod datanets;
mod histories;
mod leaving;
mod properties;
mod tables;

use openledger_types::governance::*;
use openledger_types::record::Pool;
use openledger_types::{
    AccountAction, Action, Amount, BasisPoints, Domain, Event, EvidenceRecord, GovernanceEvent, Parameters,
    codec,
};

use super::GovernanceKey;
use crate::StateKey;
use crate::reputation::ReputationKey;
use crate::tests::*;

/// Accounts that vote, each of them a tenth of both houses.
const VOTERS: u8 = 10;
/// A metric that is kept in these worlds.
const KEPT: Target = Target { metric: Metric::Bonded, at_least: true, value: 0, review_after_epochs: 5 };

fn ask(action: GovernanceAction) -> Action {
    Action::Governance(action)
}

fn lock(amount: u64) -> Action {
    ask(GovernanceAction::Lock { scope: Scope::Protocol, amount: Amount(amount) })
}

fn unlock(amount: u64) -> Action {
    ask(GovernanceAction::Unlock { scope: Scope::Protocol, amount: Amount(amount) })
}

fn release() -> Action {
    ask(GovernanceAction::ReleaseLock { scope: Scope::Protocol })
}

fn enrol(domains: &[Domain]) -> Action {
    ask(GovernanceAction::Enrol { scope: Scope::Protocol, domains: domains.to_vec() })
}

fn set(name: &str, value: u64) -> Change {
    Change::Parameter { name: name.into(), value }
}

fn grant(amount: u64) -> Change {
    Change::Grant { to: account(STRANGER), amount: Amount(amount) }
}

fn propose(changes: &[Change], target: Option<Target>) -> Action {
    ask(GovernanceAction::Propose {
        scope: Scope::Protocol,
        title: "title".into(),
        document: bytes32(1),
        changes: changes.to_vec(),
        target,
    })
}

fn vote(proposal: u64, support: bool) -> Action {
    ask(GovernanceAction::Vote { scope: Scope::Protocol, proposal, support })
}

fn close(proposal: u64) -> Action {
    ask(GovernanceAction::CloseVote { scope: Scope::Protocol, proposal })
}

fn run(proposal: u64) -> Action {
    ask(GovernanceAction::Execute { scope: Scope::Protocol, proposal })
}

fn review(proposal: u64) -> Action {
    ask(GovernanceAction::Review { scope: Scope::Protocol, proposal })
}

fn sunset(proposal: u64) -> Action {
    ask(GovernanceAction::Sunset { scope: Scope::Protocol, proposal })
}

/// Gives an account audited work, as audits would in a hundred jobs.
fn prove_work(world: &mut World, who: u8, units: u64) {
    prove(world, who, Domain::Serving, units);
}

fn prove(world: &mut World, who: u8, domain: Domain, units: u64) {
    let epoch = world.context.timestamp_ms / world.parameters.epoch_ms;
    let evidence = EvidenceRecord {
        alpha: (1 + units) << 32,
        beta: 4 << 32,
        units: units << 32,
        epoch,
        base: u32::MAX,
        fraud_epoch: None,
    };
    let key = StateKey::Reputation(ReputationKey::Evidence(account(who), domain));
    world.state.insert(key.encode(), codec::encode(&evidence));
}

/// Ten voters with equal weight in both houses, and a treasury of 1,000 C.
fn voters() -> World {
    voters_with(|_| {})
}

fn voters_with(change: impl FnOnce(&mut Parameters)) -> World {
    let widened = |parameters: &mut Parameters| {
        parameters.governance.token_cap = BasisPoints(1_000);
        parameters.governance.contributor_cap = BasisPoints(1_000);
        change(parameters);
    };
    let mut world = World::with(widened, 1_000_000_000);
    for who in 0..VOTERS {
        world.accept(who, lock(1_000_000_000));
        prove_work(&mut world, who, 100);
        world.accept(who, enrol(&[Domain::Serving]));
    }
    fill_treasury(&mut world, 1_000_000_000);
    world.pass(7);
    world
}

/// Moves credits of the last account into the treasury, as a donation would.
fn fill_treasury(world: &mut World, amount: u64) {
    let donor = ACCOUNTS - 1;
    let mut record = world.account(donor);
    record.credits.0 -= amount;
    world.state.insert(StateKey::Account(account(donor)).encode(), codec::encode(&record));
    let key = StateKey::Pool(Pool::Treasury);
    world.state.insert(key.encode(), codec::encode(&Amount(amount)));
    let mut supply: openledger_types::record::SupplyRecord = world.record(&StateKey::Supply).unwrap();
    supply.credits_in_balances.0 -= amount;
    supply.credits_in_pools.0 += amount;
    world.state.insert(StateKey::Supply.encode(), codec::encode(&supply));
}

fn proposal(world: &World, number: u64) -> ProposalRecord {
    world.record(&GovernanceKey::Proposal(Scope::Protocol, number).state()).unwrap()
}

fn stage(world: &World, number: u64) -> Stage {
    proposal(world, number).stage
}

fn parameter(world: &World, name: &str) -> u64 {
    let parameters: Parameters = world.record(&StateKey::Parameters).unwrap();
    (crate::governed::governed(name).unwrap().value)(&parameters)
}

/// Links two accounts, so that they are one cluster.
fn link(world: &mut World, one: u8, other: u8) {
    let declare = |other| Action::Accounts(AccountAction::DeclareLink { other: account(other) });
    world.accept(one, declare(other));
    world.accept(other, declare(one));
}

/// These vote for, those against.
fn votes(world: &mut World, number: u64, yes: std::ops::Range<u8>, no: std::ops::Range<u8>) {
    for who in yes {
        world.accept(who, vote(number, true));
    }
    for who in no {
        world.accept(who, vote(number, false));
    }
}
