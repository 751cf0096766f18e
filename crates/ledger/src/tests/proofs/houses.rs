//! I18: nobody decides alone, and no decision shortens a delay that runs.

use std::collections::BTreeMap;

use openledger_types::governance::{ProposalRecord, Scope, Stage, Tally, VoteRecord};
use openledger_types::record::Pool;
use openledger_types::{
    AccountId, Action, Amount, Cause, Domain, Event, GovernanceAction, Holder, ProposalClass,
};

use super::super::history::{Dice, History, Invariant, PEOPLE, Row, Turn, VOTERS, share_of, step};
use super::super::*;
use crate::governance::{GovernanceKey, GovernanceStateRecord};
use crate::reputation::ReputationKey;
use crate::{StateKey, StateRecord};

/// I18. For every proposal at every action: what it needs never changes; its delay only gets later; money and constitution
/// are approved by both houses, as a recount of all votes with the cap of each cluster says, where no cluster counts as much as
/// a quorum; and they are executed after their delay, which is at least what it was when they were proposed, whatever was
/// decided since. Parameters and the treasury change by an execution, a review or the end of a term alone, never by the council.
/// Not checked: whether a vote was wise; whether two clusters are one owner (accounts find links).
#[derive(Default)]
struct NobodyAlone {
    approved: [u64; 2],
    failed: u64,
    executed: [u64; 3],
    objected: u64,
    /// Delays that were made shorter while another one ran.
    shortened: u64,
}

fn proposal_of(record: &Option<StateRecord>) -> Option<&ProposalRecord> {
    match record {
        Some(StateRecord::Governance(GovernanceStateRecord::Proposal(proposal))) => Some(proposal),
        _ => None,
    }
}

/// What each cluster gave in a house, against and for, counted from the votes themselves.
fn recount(
    world: &World,
    number: u64,
    tally: Tally,
    cap: u16,
    of: fn(&VoteRecord) -> u64,
) -> (u64, u64, u64) {
    let mut clusters: BTreeMap<AccountId, [u128; 2]> = BTreeMap::new();
    for who in 0..PEOPLE {
        let key = GovernanceKey::Vote(Scope::Protocol, number, account(who)).state();
        if let Some(vote) = world.record::<VoteRecord>(&key) {
            clusters.entry(vote.cluster).or_default()[usize::from(vote.support)] += u128::from(of(&vote));
        }
    }
    let most = u128::from(tally.total) * u128::from(cap) / 10_000;
    let (mut sides, mut largest) = ([0, 0], 0);
    for given in clusters.values() {
        let sum = given[0] + given[1];
        let counted = given.map(|one| if sum <= most { one } else { one * most / sum });
        sides = [sides[0] + counted[0], sides[1] + counted[1]];
        largest = largest.max(counted[0] + counted[1]);
    }
    (sides[0] as u64, sides[1] as u64, largest as u64)
}

fn check_majority(world: &World, number: u64, proposal: &ProposalRecord) {
    let terms = &proposal.terms;
    let houses: [(Tally, u16, u16, fn(&VoteRecord) -> u64); 2] = [
        (proposal.token, terms.token, terms.token_cap, |vote| vote.token),
        (proposal.contributors, terms.contributors, terms.contributor_cap, |vote| vote.contributors),
    ];
    for (tally, quorum, cap, of) in houses {
        let (no, yes, largest) = recount(world, number, tally, cap, of);
        assert_eq!((tally.no, tally.yes), (no, yes), "the votes on proposal {number}");
        let reaches = |votes: u64| u128::from(votes) * 10_000 >= u128::from(tally.total) * u128::from(quorum);
        assert!(tally.total > 0 && reaches(no + yes), "a quorum in each house");
        assert!(!reaches(largest), "no cluster is a quorum");
        match proposal.class {
            ProposalClass::Constitution => assert!(yes >= 2 * no, "two thirds in each house"),
            _ => assert!(yes > no, "a majority in each house"),
        }
    }
}

impl NobodyAlone {
    fn check(&mut self, number: u64, before: &ProposalRecord, now: &ProposalRecord, turn: &Turn<'_>) {
        let fixed = |one: &ProposalRecord| (one.terms, one.class, one.epoch, one.closes_in_epoch);
        assert_eq!((fixed(before), &before.changes), (fixed(now), &now.changes));
        let class = now.class as usize;
        match (before.stage, now.stage) {
            (Stage::Voting, Stage::Approved { epoch, executes_in_epoch }) => {
                check_majority(turn.world, number, now);
                assert!(executes_in_epoch - epoch >= now.terms.delay_low_epochs);
                self.approved[class - 1] += 1;
            }
            (
                Stage::Approved { executes_in_epoch: earlier, .. },
                Stage::Approved { executes_in_epoch: later, .. },
            ) => {
                assert!(later >= earlier, "a delay became shorter");
                self.objected += u64::from(later > earlier);
            }
            (Stage::Approved { epoch, executes_in_epoch }, Stage::Executed { epoch: done, .. }) => {
                assert!(done >= executes_in_epoch && executes_in_epoch - epoch >= now.terms.delay_low_epochs);
                self.executed[class] += 1;
            }
            (Stage::Voting, Stage::Executed { epoch, .. }) => {
                assert_eq!(now.class, ProposalClass::Routine);
                assert!(epoch >= now.closes_in_epoch);
                self.executed[class] += 1;
            }
            (Stage::Voting, Stage::Failed) => self.failed += 1,
            (before, Stage::Executed { .. }) => assert!(matches!(before, Stage::Executed { .. })),
            _ => {}
        }
    }

    /// Whether a delay of the rules became shorter while an approved proposal waits under the old one.
    fn count_shortened(&mut self, turn: &Turn<'_>) {
        let shorter = turn.changed.iter().any(|change| match change {
            (_, Some(StateRecord::Parameters(before)), Some(StateRecord::Parameters(after))) => {
                let low = |rules: &openledger_types::GovernanceParameters| {
                    (rules.money_delay_low_epochs, rules.constitution_delay_low_epochs)
                };
                let (before, after) = (low(&before.governance), low(&after.governance));
                after.0 < before.0 || after.1 < before.1
            }
            _ => false,
        });
        let waits = || {
            let key = GovernanceKey::Proposal(Scope::Protocol, 0).state();
            turn.world.alike(&key, key.encode().len() - 8).iter().any(|(key, _)| {
                let proposal: ProposalRecord = turn.world.record(key).unwrap();
                matches!(proposal.stage, Stage::Approved { .. })
            })
        };
        self.shortened += u64::from(shorter && waits());
    }
}

impl Invariant for NobodyAlone {
    fn after(&mut self, turn: &Turn<'_>) {
        use GovernanceAction as Ask;
        for (key, before, after) in turn.changed {
            let StateKey::Governance(GovernanceKey::Proposal(_, number)) = key else { continue };
            if let (Some(before), Some(after)) = (proposal_of(before), proposal_of(after)) {
                self.check(*number, before, after, turn);
            }
        }
        let decided = matches!(
            turn.action,
            Action::Governance(Ask::Execute { .. } | Ask::Review { .. } | Ask::Sunset { .. })
        );
        assert!(decided || turn.changed.iter().all(|(key, ..)| *key != StateKey::Parameters));
        for event in turn.events {
            if let Event::Moved { from: Holder::Pool(Pool::Treasury), cause, .. } = event {
                let executes = matches!(turn.action, Action::Governance(Ask::Execute { .. }));
                assert!(executes && *cause == Cause::Granted);
            }
        }
        self.count_shortened(turn);
    }

    fn end(&mut self, _: &World) {
        let Self { approved, failed, executed, objected, shortened } = self;
        let counted = format!("{approved:?} {failed} {executed:?} {objected} {shortened}");
        assert!(approved.iter().all(|approved| *approved >= share_of(30)), "{counted}");
        assert!(executed.iter().all(|executed| *executed >= share_of(20)), "{counted}");
        assert!(*failed >= share_of(20) && *objected > 0 && *shortened > 0, "{counted}");
    }
}

/// In the world of one house, one cluster or a council alone: nothing but small steps is ever approved or executed.
#[derive(Default)]
struct Captured {
    steps: u64,
    refused: u64,
}

impl Invariant for Captured {
    fn after(&mut self, turn: &Turn<'_>) {
        for (_, before, after) in turn.changed {
            let (Some(before), Some(after)) = (proposal_of(before), proposal_of(after)) else { continue };
            let routine = after.class == ProposalClass::Routine;
            let passed = matches!(after.stage, Stage::Approved { .. } | Stage::Executed { .. });
            assert!(routine || !passed, "{} passed", after.title);
            self.steps += u64::from(routine && passed);
            let voted = after.token.yes > 0 || after.contributors.yes > 0;
            self.refused += u64::from(before.stage != after.stage && after.stage == Stage::Failed && voted);
        }
    }

    fn end(&mut self, _: &World) {
        let Self { steps, refused } = self;
        assert!(*steps >= share_of(20) && *refused >= share_of(50), "{steps} small steps, {refused} refused");
    }
}

fn ask(action: GovernanceAction) -> Action {
    Action::Governance(action)
}

/// Nobody has audited work any more: the token house is alone.
fn tokens_alone(world: &mut World) {
    for who in VOTERS {
        for domain in [Domain::Serving, Domain::Auditing, Domain::Data(name("help"))] {
            let key = StateKey::Reputation(ReputationKey::Evidence(account(who), domain));
            world.state.remove(&key.encode());
        }
    }
}

/// Nobody has OPEN locked: the contributor house is alone.
fn work_alone(world: &mut World) {
    for who in VOTERS {
        let amount = Amount(1_000_000_000);
        world.accept(who, ask(GovernanceAction::Unlock { scope: Scope::Protocol, amount }));
    }
}

/// All voters are one cluster, with nearly everything in both houses.
fn one_cluster(world: &mut World) {
    use openledger_types::AccountAction;
    let link = |other: u8| Action::Accounts(AccountAction::DeclareLink { other: account(other) });
    for who in VOTERS.skip(1) {
        world.accept(who, link(VOTERS.start));
        world.accept(VOTERS.start, link(who));
    }
}

/// Governance without new locks.
fn without_locks(world: &World, dice: &mut Dice) -> (u8, Action) {
    let (.., governance) = step("governance", 1);
    loop {
        let (who, action) = governance(world, dice);
        if !matches!(action, Action::Governance(GovernanceAction::Lock { .. })) {
            return (who, action);
        }
    }
}

#[test]
pub(crate) fn i18_nobody_decides_alone_and_no_delay_shrinks() {
    let rows = [step("governance", 10), step("accounts", 1), step("funds", 1)];
    History::focused(History::beginning(), 18, &rows, &mut [&mut NobodyAlone::default()]);
    let locked: [Row; 1] = [step("governance", 1)];
    let unlocked: [Row; 1] = [("governance", 1, without_locks)];
    let alone: [(fn(&mut World), &[Row]); 3] =
        [(tokens_alone, &locked), (work_alone, &unlocked), (one_cluster, &locked)];
    for (seed, (prepare, rows)) in (180..).zip(alone) {
        let mut world = History::beginning();
        prepare(&mut world);
        History::focused(world, seed, rows, &mut [&mut Captured::default()]);
    }
}
