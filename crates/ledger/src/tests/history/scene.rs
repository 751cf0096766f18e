//! What a history begins with beside the prepared world: rules whose times fit into it, voters with audited work, projects,
//! filled pools, and debts of the insurance (which no action makes). Everything here is within the bounds of the parameters.

use std::ops::Range;

use borsh::BorshDeserialize;
use openledger_types::governance::Scope;
use openledger_types::record::Pool;
use openledger_types::{
    Action, Amount, Asset, BasisPoints, Domain, EvidenceRecord, FundsAction, GovernanceAction, Parameters,
    codec,
};

use super::super::*;
use super::SECOND_PROVIDER;
use crate::reputation::ReputationKey;
use crate::{StateKey, funds};

/// Whoever votes, measures and decides: ten accounts with audited work, each at the cap of both houses.
pub(crate) const VOTERS: Range<u8> = 28..38;
/// What measurers count.
pub(super) const PROJECTS: [&str; 7] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6"];
/// Who is paid for the first of them, and to whom the insurance owes.
const RECIPIENTS: u8 = 12;

/// Votes, terms and rounds that a history of some hundreds of epochs sees the end of; and audited work that still counts then.
pub(super) fn rules(parameters: &mut Parameters) {
    parameters.reputation.good_half_life_epochs = 3_650;
    parameters.reputation.units_half_life_epochs = 3_650;
    let governance = &mut parameters.governance;
    governance.token_cap = BasisPoints(1_000);
    governance.contributor_cap = BasisPoints(1_000);
    governance.money_epochs = 15;
    governance.constitution_epochs = 30;
    governance.sunset_epochs = 60;
    governance.election_epochs = 30;
    parameters.funds.round_epochs = 24;
    parameters.funds.claim_epochs = 3_650;
    parameters.markets.notes = 1;
    parameters.markets.entrant_epochs = 8_760;
}

/// The people and the money of the steps that no deposit of the prepared world reaches.
pub(super) fn furnish(world: &mut World) {
    for who in VOTERS {
        for (asset, amount) in [(Asset::Credit, 500_000_000), (Asset::Open, 20_000_000_000)] {
            world.accept(CURATOR, Action::Faucet { to: account(who), asset, amount: Amount(amount) });
        }
        for domain in [Domain::Serving, Domain::Auditing, Domain::Data(name("help"))] {
            prove(world, who, domain);
        }
        for (scope, domain) in
            [(Scope::Protocol, Domain::Serving), (Scope::Datanet(name("help")), Domain::Data(name("help")))]
        {
            let amount = Amount(1_000_000_000);
            world.accept(who, Action::Governance(GovernanceAction::Lock { scope: scope.clone(), amount }));
            let domains = vec![domain];
            world.accept(who, Action::Governance(GovernanceAction::Enrol { scope, domains }));
        }
    }
    for provider in [PROVIDER, SECOND_PROVIDER] {
        prove(world, provider, Domain::Serving);
    }
    for (place, project) in (0..).zip(PROJECTS) {
        let register = FundsAction::RegisterProject { name: name(project), source: "source".into() };
        world.accept(RECIPIENTS + place, Action::Funds(register));
    }
    for pool in [Pool::Treasury, Pool::Insurance, Pool::Maintenance, Pool::Verification, Pool::Capacity] {
        let amount = Amount(100_000_000);
        world.accept(CURATOR, Action::Funds(FundsAction::Donate { pool, amount }));
    }
    for place in 0..12 {
        let (harmed, amount) = (account(RECIPIENTS + place), Amount(30_000_000));
        world.transit(CURATOR, |transition| funds::owe(transition, harmed, (Amount(200_000_000), amount)));
    }
}

/// Gives an account audited work, as audits would in a hundred jobs.
pub(crate) fn prove(world: &mut World, who: u8, domain: Domain) {
    let (units, epoch) = (100 << 32, world.epoch());
    let (alpha, beta) = (200 << 32, 4 << 32);
    let evidence = EvidenceRecord { alpha, beta, units, epoch, base: u32::MAX, fraud_epoch: None };
    let key = StateKey::Reputation(ReputationKey::Evidence(account(who), domain));
    world.state.insert(key.encode(), codec::encode(&evidence));
}

/// The records whose keys begin like this one, by so many bytes.
pub(super) fn records<T: BorshDeserialize>(
    world: &World,
    key: &StateKey,
    bytes: usize,
) -> Vec<(StateKey, T)> {
    let read = |(key, value): (StateKey, &[u8])| (key, codec::decode("record", value, 1 << 20).unwrap());
    world.alike(key, bytes).into_iter().map(read).collect()
}

/// Somebody with money from the beginning.
pub(super) fn rich(dice: &mut super::Dice) -> u8 {
    if dice.chance(2) { VOTERS.start + dice.below(10) as u8 } else { dice.below(u64::from(ACCOUNTS)) as u8 }
}

/// One of them, if there is one.
pub(super) fn one_of<T: Clone>(from: &[T], dice: &mut super::Dice) -> Option<T> {
    from.get(dice.below(from.len() as u64) as usize).cloned()
}
