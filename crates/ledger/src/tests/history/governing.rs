//! Random actions of governance. Mostly something that is due: a vote that somebody has not given, a vote to count, a decision to
//! execute, a seat of the council; now and then anything at all, by anybody.

use openledger_types::governance::{
    Change, CouncilRecord, ElectionRecord, ElectionVoteRecord, LockRecord, Metric, Pausable, ProposalRecord,
    Scope, ScopeRecord, Stage, Target, VoteRecord,
};
use openledger_types::record::{Pool, Role};
use openledger_types::{Action, Amount, Domain, GovernanceAction as Ask, ProposalClass};

use super::super::*;
use super::scene::{VOTERS, one_of};
use super::{Dice, number_of};
use crate::StateKey;
use crate::governance::GovernanceKey;

pub(super) fn governance(world: &World, dice: &mut Dice) -> (u8, Action) {
    let council = due_of_council(world, dice);
    let due = if dice.chance(3) && !council.is_empty() { council } else { due(world, dice) };
    let (who, ask) = match one_of(&due, dice) {
        Some(due) if !dice.chance(4) => due,
        _ => anything(world, dice),
    };
    (who, Action::Governance(ask))
}

fn voter(dice: &mut Dice) -> u8 {
    VOTERS.start + dice.below(u64::from(VOTERS.end - VOTERS.start)) as u8
}

/// The voters, beginning with any of them.
fn voters(dice: &mut Dice) -> Vec<u8> {
    let mut voters: Vec<u8> = VOTERS.collect();
    let first = dice.below(voters.len() as u64) as usize;
    voters.rotate_left(first);
    voters
}

fn proposals(world: &World) -> Vec<(u64, ProposalRecord)> {
    let key = GovernanceKey::Scope(Scope::Protocol).state();
    let last = world.record::<ScopeRecord>(&key).unwrap_or_default().proposals;
    let read = |number| world.record(&GovernanceKey::Proposal(Scope::Protocol, number).state());
    (last.saturating_sub(23)..=last).filter_map(|number| Some((number, read(number)?))).collect()
}

/// What somebody would do now.
fn due(world: &World, dice: &mut Dice) -> Vec<(u8, Ask)> {
    let mut due = Vec::new();
    let proposals = proposals(world);
    for (number, proposal) in &proposals {
        due.extend(due_of_proposal(world, dice, *number, proposal));
    }
    if proposals.iter().filter(|(_, proposal)| proposal.stage == Stage::Voting).count() < 3 {
        let open = world.record::<ScopeRecord>(&GovernanceKey::Scope(Scope::Protocol).state());
        let open = open.unwrap_or_default().open;
        // A cluster has one proposal at a time.
        let free = voters(dice).into_iter().find(|who| !open.contains(&account(*who)));
        due.extend(free.map(|who| (who, propose(world, dice))));
    }
    for (who, scope) in VOTERS.flat_map(|who| [(who, Scope::Protocol), (who, Scope::Datanet(name("help")))]) {
        let lock: Option<LockRecord> =
            world.record(&GovernanceKey::Lock(scope.clone(), account(who)).state());
        let leaving = lock.into_iter().flat_map(|lock| lock.leaving);
        if leaving.into_iter().any(|(release, _)| release <= world.epoch()) {
            due.push((who, Ask::ReleaseLock { scope }));
        }
    }
    due
}

fn due_of_proposal(world: &World, dice: &mut Dice, number: u64, proposal: &ProposalRecord) -> Vec<(u8, Ask)> {
    let (scope, epoch, anyone) = (Scope::Protocol, world.epoch(), dice.who());
    let constitutional = proposal.class == ProposalClass::Constitution;
    match proposal.stage {
        Stage::Voting if epoch < proposal.closes_in_epoch => {
            let voted = |who: &u8| {
                let key = GovernanceKey::Vote(scope.clone(), number, account(*who)).state();
                world.record::<VoteRecord>(&key).is_some()
            };
            let Some(who) = voters(dice).into_iter().find(|who| !voted(who)) else { return Vec::new() };
            // One in five finds little support.
            let support = if number % 5 == 4 { dice.chance(3) } else { !dice.chance(9) };
            vec![(who, Ask::Vote { scope, proposal: number, support }); 3]
        }
        Stage::Voting if proposal.class == ProposalClass::Routine => {
            vec![(anyone, Ask::Execute { scope, proposal: number })]
        }
        Stage::Voting => vec![(anyone, Ask::CloseVote { scope, proposal: number }); 3],
        Stage::Approved { executes_in_epoch, .. } if epoch >= executes_in_epoch => {
            vec![(anyone, Ask::Execute { scope, proposal: number }); 3]
        }
        Stage::Approved { .. } if constitutional && !dice.chance(4) => vec![leaves(world, dice, number); 2],
        Stage::Approved { .. } if dice.chance(5) => {
            vec![(voter(dice), Ask::Vote { scope, proposal: number, support: false })]
        }
        Stage::Executed { epoch: done, reviewed: false, .. }
            if proposal.target.as_ref().is_some_and(|target| epoch >= done + target.review_after_epochs) =>
        {
            vec![(anyone, Ask::Review { scope, proposal: number })]
        }
        Stage::Executed { sunset_epoch: Some(sunset), .. } if sunset <= epoch => {
            vec![(anyone, Ask::Sunset { scope, proposal: number })]
        }
        _ => Vec::new(),
    }
}

/// Somebody leaves with everything that is there: whoever earns, now and then a voter or anybody.
fn leaves(world: &World, dice: &mut Dice, proposal: u64) -> (u8, Ask) {
    let who = match dice.below(8) {
        0 => voter(dice),
        1 => dice.pick(&[PROVIDER, GATEWAY]),
        2..5 => dice.pick(&[AUTHOR, COAUTHOR, SECOND_AUTHOR, BASE_BUILDER, TUNER]),
        _ => dice.who(),
    };
    let roles = [Role::Provider, Role::Builder, Role::Data, Role::Gateway, Role::Evaluator, Role::Auditor];
    let held = |key: fn(openledger_types::AccountId, Role) -> StateKey| {
        let of = |role| {
            let prefix = key(account(who), role);
            world.alike(&prefix, prefix.encode().len() - 8)
        };
        let mut lines: Vec<(Role, u64)> = roles
            .into_iter()
            .flat_map(of)
            .filter_map(|(key, _)| match key {
                StateKey::Tranche(_, role, epoch) | StateKey::Unbonding(_, role, epoch) => {
                    Some((role, epoch))
                }
                _ => None,
            })
            .collect();
        lines.truncate(64);
        // Keys are not in the order of their epochs.
        lines.sort_unstable();
        lines
    };
    let mut tranches = held(|account, role| StateKey::Tranche(account, role, 0));
    let mut unbonding = held(|account, role| StateKey::Unbonding(account, role, 0));
    if dice.chance(4) {
        unbonding.truncate(1);
        tranches.push((Role::Auditor, dice.below(world.epoch() + 1)));
    }
    if dice.chance(12) {
        tranches.reverse();
    }
    let scopes = if dice.chance(3) { Vec::new() } else { vec![Scope::Datanet(name("help"))] };
    (who, Ask::Leave { scope: Scope::Protocol, proposal, scopes, tranches, unbonding })
}

/// An election, its candidates and votes, and the orders of the council that it seated.
fn due_of_council(world: &World, dice: &mut Dice) -> Vec<(u8, Ask)> {
    let council: CouncilRecord = world.record(&GovernanceKey::Council.state()).unwrap_or_default();
    let epoch = world.epoch();
    if let Some(election) = world.record::<ElectionRecord>(&GovernanceKey::Election.state()) {
        if epoch >= election.closes_in_epoch {
            return vec![(dice.who(), Ask::CloseElection)];
        }
        let stands = |who: &u8| election.candidates.iter().any(|one| one.account == account(*who));
        if election.candidates.len() < 5 {
            let standing = voters(dice).into_iter().find(|who| !stands(who));
            return standing.map(|who| (who, Ask::Stand)).into_iter().collect();
        }
        let elected = |who: &u8| {
            let key = GovernanceKey::ElectionVote(council.election, account(*who)).state();
            world.record::<ElectionVoteRecord>(&key).is_some()
        };
        let least = election.candidates.iter().min_by_key(|one| one.votes).expect("somebody stands");
        let candidate = least.account;
        let voter = voters(dice).into_iter().find(|who| !elected(who));
        return voter.map(|who| (who, Ask::Elect { candidate })).into_iter().collect();
    }
    if council.seats.is_empty() || council.used || epoch >= council.term_ends_in_epoch {
        return vec![(dice.who(), Ask::OpenElection)];
    }
    let seat = one_of(&council.seats, dice).and_then(|seat| number_of(seat.member));
    seat.map(|who| (who, order(council.election))).into_iter().collect()
}

/// What a council would order: the same for all of its members.
fn order(election: u64) -> Ask {
    let first = Pausable::ALL[(election % 7) as usize];
    let mut steps = vec![first, Pausable::ALL[(election * 3 % 7) as usize]];
    steps.sort_unstable();
    steps.dedup();
    Ask::OrderPause { steps, duration_ms: (1 + election % 6) * 3_600_000 }
}

fn scope(dice: &mut Dice) -> Scope {
    match dice.below(6) {
        0..4 => Scope::Protocol,
        4 => Scope::Datanet(name("help")),
        _ => Scope::Datanet(name("tools")),
    }
}

fn anything(world: &World, dice: &mut Dice) -> (u8, Ask) {
    let (who, scope) = (if dice.chance(3) { dice.who() } else { voter(dice) }, scope(dice));
    let last = proposals(world).last().map_or(0, |(number, _)| *number);
    let proposal = last.saturating_sub(dice.below(6));
    let ask = match dice.below(17) {
        0..3 => Ask::Lock { scope, amount: dice.amount(world.account(who).open.0 / 40) },
        3..5 => Ask::Unlock { scope, amount: dice.amount(60_000_000) },
        5 => Ask::ReleaseLock { scope },
        6 => {
            let domain = match &scope {
                Scope::Datanet(name) if !dice.chance(4) => Domain::Data(name.clone()),
                _ if dice.chance(4) => Domain::Auditing,
                _ => Domain::Serving,
            };
            Ask::Enrol { scope, domains: vec![domain] }
        }
        7 => Ask::RefreshEnrolment {
            scope,
            account: account(if dice.chance(4) { dice.who() } else { voter(dice) }),
        },
        8 => propose(world, dice),
        9 => Ask::Vote { scope: Scope::Protocol, proposal, support: dice.chance(2) },
        10 => Ask::CloseVote { scope, proposal },
        11 => Ask::Execute { scope, proposal },
        12 => Ask::Review { scope, proposal },
        13 => Ask::Sunset { scope, proposal },
        14 => return leaves(world, dice, proposal),
        15 => order(dice.below(9)),
        _ => match dice.below(4) {
            0 => Ask::OpenElection,
            1 => Ask::Stand,
            2 => Ask::Elect { candidate: account(dice.who()) },
            _ => Ask::CloseElection,
        },
    };
    (who, ask)
}

fn set(name: &str, value: u64) -> Change {
    Change::Parameter { name: name.into(), value }
}

/// Small steps, grants, larger changes, terms to renew; and now and then something that nobody may propose.
fn propose(world: &World, dice: &mut Dice) -> Ask {
    let treasury: Amount = world.record(&StateKey::Pool(Pool::Treasury)).unwrap_or_default();
    let renewable = proposals(world)
        .into_iter()
        .find(|(_, proposal)| matches!(proposal.stage, Stage::Executed { sunset_epoch: Some(_), .. }));
    let mut routine = false;
    let changes = match dice.below(12) {
        0..3 => {
            routine = true;
            let now = u64::from(world.parameters.router_fee_max.0);
            vec![set("router_fee_max", (now * (92 + dice.below(17)) / 100).clamp(500, 2_000))]
        }
        3 => vec![Change::Grant { to: account(dice.who()), amount: dice.amount(treasury.0 / 110) }],
        4 => vec![set("agents.burn", dice.below(600)), set("markets.note_levy", dice.below(300))],
        5 => vec![set("funds.required_per_epoch", dice.below(2_000_000))],
        6 => vec![set("governance.constitution_delay_low_epochs", 7 + dice.below(12))],
        7 => vec![set("governance.money_delay_low_epochs", 1 + dice.below(12))],
        8 => {
            let burn = 300 + dice.below(400);
            vec![set("split.burn", burn), set("split.maintenance", 1_200 - burn)]
        }
        9 => vec![
            set("funds.recipient_cap", 300 + dice.below(701)),
            set("markets.step_max", 200 + dice.below(426)),
        ],
        10 => match renewable {
            Some((proposal, _)) => vec![Change::Renew { proposal }],
            None => vec![set("governance.sunset_epochs", 30 + dice.below(60))],
        },
        _ => refused(dice),
    };
    let metric = match dice.below(3) {
        0 => Metric::Bonded,
        1 => Metric::BurnedPerEpoch,
        _ => Metric::Pool(Pool::Treasury),
    };
    let value = if dice.chance(3) { u64::MAX } else { 0 };
    let target = Target { metric, at_least: true, value, review_after_epochs: 1 + dice.below(20) };
    Ask::Propose {
        scope: if dice.chance(12) { scope(dice) } else { Scope::Protocol },
        title: "title".into(),
        document: bytes32(dice.byte()),
        changes,
        target: (!routine || dice.chance(4)).then_some(target),
    }
}

/// What no house may decide.
fn refused(dice: &mut Dice) -> Vec<Change> {
    match dice.below(4) {
        0 => Vec::new(),
        1 => vec![set("epoch_ms", 1)],
        2 => vec![set("split.burn", 400)],
        _ => vec![Change::Grant { to: account(0), amount: Amount(u64::MAX) }],
    }
}
