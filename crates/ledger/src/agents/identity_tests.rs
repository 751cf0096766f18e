//! The table of identities and performance bonds.

use openledger_types::Rejection::*;
use openledger_types::agents::*;
use openledger_types::{Action, Amount};

use super::fixtures::{agent_record, profile, register};
use crate::tests::{World, account};

const OWNER: u8 = 1;
const WALLET: u8 = 2;
const BUYER: u8 = 3;

fn act(action: AgentAction) -> Action {
    Action::Agents(action)
}

fn update(agent: u64, profile: AgentProfile) -> Action {
    act(AgentAction::UpdateAgent { agent: AgentId(agent), profile })
}

fn wallet(agent: u64, wallet: Option<u8>) -> Action {
    act(AgentAction::SetAgentWallet { agent: AgentId(agent), wallet: wallet.map(account) })
}

fn accept(agent: u64) -> Action {
    act(AgentAction::AcceptAgentWallet { agent: AgentId(agent) })
}

fn give(agent: u64, to: u8) -> Action {
    act(AgentAction::TransferAgent { agent: AgentId(agent), to: account(to) })
}

fn raise(amount: u64) -> Action {
    act(AgentAction::RaiseAgentBond { agent: AgentId(1), amount: Amount(amount) })
}

fn unbond(amount: u64) -> Action {
    act(AgentAction::UnbondAgent { agent: AgentId(1), amount: Amount(amount) })
}

fn release(epoch: u64) -> Action {
    act(AgentAction::ReleaseAgentBond { agent: AgentId(1), epoch })
}

#[test]
fn an_agent_has_an_owner_a_consenting_wallet_and_a_description() {
    let mut world = World::new();
    let long = AgentProfile { uri: "x".repeat(513), ..profile() };
    world.check([
        (OWNER, act(AgentAction::RegisterAgent { profile: long.clone() }), Err(TextTooLong)),
        (OWNER, update(1, profile()), Err(AgentUnknown)),
        (OWNER, register(), Ok(())),
        (BUYER, register(), Ok(())),
        (WALLET, update(1, profile()), Err(NotAgentOwner)),
        (OWNER, update(1, long), Err(TextTooLong)),
        (OWNER, update(1, AgentProfile { active: false, ..profile() }), Ok(())),
        (WALLET, accept(1), Err(AgentWalletNotNamed)),
        (WALLET, wallet(1, Some(WALLET)), Err(NotAgentOwner)),
        (OWNER, wallet(1, Some(WALLET)), Ok(())),
        (BUYER, accept(1), Err(AgentWalletNotNamed)),
    ]);
    assert_eq!(agent_record(&world, 1).actor(), account(OWNER), "a wallet acts once it has agreed");
    world.accept(WALLET, accept(1));
    assert_eq!(agent_record(&world, 1).actor(), account(WALLET));
    world.check([
        (WALLET, give(1, BUYER), Err(NotAgentOwner)),
        (OWNER, give(1, OWNER), Err(NewAgentOwnerInvalid)),
        (OWNER, raise(100), Ok(())),
        (OWNER, give(1, BUYER), Ok(())),
        (OWNER, give(1, BUYER), Err(NotAgentOwner)),
        (WALLET, accept(1), Err(AgentWalletNotNamed)),
    ]);
    let record = agent_record(&world, 1);
    assert_eq!((record.actor(), record.wallet, record.generation), (account(BUYER), None, 1));
    assert_eq!(record.bond, Amount(100), "the bond goes along");
    world.check([(BUYER, wallet(1, Some(WALLET)), Ok(())), (WALLET, accept(1), Ok(()))]);
    world.check([(BUYER, wallet(1, None), Ok(()))]);
    assert_eq!(agent_record(&world, 1).actor(), account(BUYER));
}

#[test]
fn a_bond_comes_back_after_the_unbonding_time() {
    let mut world = World::new();
    world.accept(OWNER, register());
    world.check([
        (BUYER, raise(1), Err(NotAgentOwner)),
        (OWNER, raise(0), Err(AmountZero)),
        (OWNER, raise(10_000_000_001), Err(BalanceTooLow)),
        (OWNER, raise(1_000), Ok(())),
        (OWNER, unbond(0), Err(AmountZero)),
        (OWNER, unbond(1_001), Err(AgentBondTooLow)),
        (OWNER, unbond(100), Ok(())),
        (OWNER, unbond(200), Ok(())),
        (OWNER, release(1), Err(AgentUnbondingUnknown)),
        (OWNER, release(0), Err(StillUnbonding)),
    ]);
    world.pass(90);
    world.check([
        (OWNER, give(1, BUYER), Ok(())),
        (BUYER, release(0), Err(AgentUnbondingUnknown)),
        (OWNER, release(0), Ok(())),
        (OWNER, release(0), Err(AgentUnbondingUnknown)),
    ]);
    assert_eq!(world.account(OWNER).open, Amount(10_000_000_000 - 700));
}
