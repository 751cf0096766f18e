//! I19: leaving always completes and pays what has unlocked, to the unit.

use openledger_types::escrow::HoldRecord;
use openledger_types::governance::{LockRecord, Pausable, PauseRecord, ProposalRecord, Scope, Stage};
use openledger_types::record::Role;
use openledger_types::{
    Action, Amount, Asset, Event, GovernanceAction, GovernanceEvent, Holder, ProposalClass,
};

use super::super::history::{History, Invariant, Turn, share_of, step};
use super::super::*;
use crate::escrow::{EscrowKey, EscrowRecord};
use crate::governance::{GovernanceKey, GovernanceStateRecord};
use crate::{StateKey, StateRecord};

const ROLES: [Role; 6] =
    [Role::Provider, Role::Builder, Role::Data, Role::Gateway, Role::Evaluator, Role::Auditor];

/// I19. Every leave of a history in the window of an approved constitutional proposal is accepted, whoever sends it and
/// whatever it names, unless its lists are malformed; every other is refused. It pays, in wide integers and by the sentence of
/// the rule: all locks of the named scopes that no open vote holds, all stake but what covers payouts that no audit has
/// covered and what faults in open audits would cost, and nothing of a stake whose latest work may still be drawn; everything named
/// that was unbonding before any work that is audited or may be, and
/// of each named tranche that no audit holds `floor(E * min(max(t - t0 - cliff, 0), V) / V)` less what was claimed or sold.
/// What is left of a tranche keeps its schedule.
/// Not checked: bonds of agents, measurers and disputes, which end by their own rules.
#[derive(Default)]
struct Leaving {
    left: u64,
    refused: u64,
    stakes: u64,
    tranches: u64,
    locks: u64,
}

fn increasing<T: Ord>(lines: &[T]) -> bool {
    lines.len() <= 64 && lines.windows(2).all(|pair| pair[0] < pair[1])
}

fn open(turn: &Turn<'_>, scope: &Scope, proposal: u64) -> bool {
    let key = GovernanceKey::Proposal(scope.clone(), proposal).state();
    turn.world.record::<ProposalRecord>(&key).is_some_and(|proposal| match proposal.stage {
        Stage::Approved { executes_in_epoch, .. } => {
            let ends = extended(turn, executes_in_epoch + proposal.terms.execution_epochs, &proposal);
            proposal.class == ProposalClass::Constitution && turn.world.epoch() < ends
        }
        _ => false,
    })
}

/// What waited when proposals were paused has all of its time again after the pause.
fn extended(turn: &Turn<'_>, ends: u64, proposal: &ProposalRecord) -> u64 {
    let record: PauseRecord = turn.world.record(&GovernanceKey::Pause.state()).unwrap_or_default();
    let Some(pause) = record.steps.iter().find(|paused| paused.step == Pausable::Proposals) else {
        return ends;
    };
    let [from, until] = [pause.from_ms, pause.until_ms].map(|ms| turn.world.parameters.epoch_at(ms));
    if from < ends { ends.max(until + 1 + proposal.terms.execution_epochs) } else { ends }
}

/// What is locked in a scope, on its way back or not; without what was given to a vote that is not over.
fn locked(turn: &Turn<'_>, scope: &Scope) -> u128 {
    let key = GovernanceKey::Lock(scope.clone(), account(turn.who)).state();
    let Some(StateRecord::Governance(GovernanceStateRecord::Lock(lock))) = turn.before(&key) else {
        return 0;
    };
    let LockRecord { weights, leaving, held_until_epoch: until } = lock;
    let free = |release: u64| turn.world.epoch() >= until || release < until;
    let full = weights.last().map_or(0, |weight| weight.full);
    let lines = leaving.iter().map(|(release, amount)| (*release, amount.0)).chain([(until, full)]);
    lines.filter(|(release, _)| free(*release)).map(|(_, amount)| u128::from(amount)).sum()
}

/// What is being checked of the account in a role.
fn hold(turn: &Turn<'_>, role: Role) -> HoldRecord {
    match turn.before(&EscrowKey::Hold(account(turn.who), role).state()) {
        Some(StateRecord::Escrow(EscrowRecord::Hold(record))) => record,
        _ => HoldRecord::default(),
    }
}

/// The first epoch whose work was paid and may still be drawn and opened.
fn undrawn(turn: &Turn<'_>, role: Role) -> Option<u64> {
    let index = turn.before(&EscrowKey::Tranches(account(turn.who), role).state());
    let Some(StateRecord::Escrow(EscrowRecord::Tranches(index))) = index else { return None };
    let audits = &turn.world.parameters.audits;
    let opened = 1 + audits.draw_epochs + audits.open_epochs;
    let young = |epoch: &u64| turn.world.epoch() - epoch <= opened;
    index.epochs().into_iter().find(young).filter(|_| matches!(role, Role::Provider | Role::Gateway))
}

/// Whether OPEN that was unbonded in an epoch answers for work that is being checked.
fn bound(hold: &HoldRecord, epoch: u64) -> bool {
    hold.faults > 0 || hold.epochs.iter().any(|held| held.epoch <= epoch)
}

/// What of the stake in a role is free: all but the cover of what no audit has covered, or of what open audits may cost.
fn free_stake(turn: &Turn<'_>, role: Role) -> u128 {
    let who = account(turn.who);
    let (stake, exposure) = match role {
        Role::Provider => match turn.before(&StateKey::Provider(who)) {
            Some(StateRecord::Provider(record)) => (record.stake, record.exposure),
            _ => return 0,
        },
        Role::Gateway => match turn.before(&StateKey::Gateway(who)) {
            Some(StateRecord::Gateway(record)) => (record.bond, record.exposure),
            _ => return 0,
        },
        _ => match turn.before(&EscrowKey::Bond(who, role).state()) {
            Some(StateRecord::Escrow(EscrowRecord::Bond(record))) => (record.bond, record.exposure),
            _ => return 0,
        },
    };
    let times = if role == Role::Data { 1 } else { 2 };
    let per_open = u128::from(turn.world.parameters.collateral_per_open.0);
    let hold = hold(turn, role);
    if hold.faults > 0 || undrawn(turn, role).is_some() {
        return 0;
    }
    let risk = hold.epochs.iter().map(|held| u128::from(held.amount.0)).sum::<u128>();
    let cover = (u128::from(exposure.0) * times).max(risk);
    u128::from(stake.0).saturating_sub((cover * 1_000_000).div_ceil(per_open))
}

/// What a tranche pays whoever leaves.
fn unlocked(turn: &Turn<'_>, role: Role, begun: u64) -> u128 {
    let key = StateKey::Tranche(account(turn.who), role, begun);
    let Some(StateRecord::Tranche(before)) = turn.before(&key) else { return 0 };
    let (now, wide) = (turn.world.epoch(), |amount: Amount| u128::from(amount.0));
    let running = (now - begun).saturating_sub(before.cliff_epochs).min(before.linear_epochs);
    let linear = u128::from(before.linear_epochs);
    let unlocked = match linear {
        0 if now - begun < before.cliff_epochs => 0,
        0 => wide(before.amount),
        _ => wide(before.amount) * u128::from(running) / linear,
    };
    let hold = hold(turn, role);
    let held = hold.faults > 0 || hold.epochs.iter().any(|held| held.epoch == begun);
    let unlocked = if held { wide(before.claimed) } else { unlocked };
    let due = unlocked.min(wide(before.amount) - wide(before.forfeited)) - wide(before.claimed);
    if let Some(StateRecord::Tranche(after)) = turn.after(&key) {
        let schedule = |one: &openledger_types::record::TrancheRecord| {
            (one.amount, one.forfeited, one.cliff_epochs, one.linear_epochs)
        };
        assert_eq!(schedule(&before), schedule(&after), "the rest keeps its schedule");
        assert_eq!(wide(after.claimed), wide(before.claimed) + due);
    }
    due - due.min(wide(before.pledged))
}

impl Invariant for Leaving {
    fn after(&mut self, turn: &Turn<'_>) {
        let Action::Governance(GovernanceAction::Leave { scope, proposal, scopes, tranches, unbonding }) =
            turn.action
        else {
            return;
        };
        let valid = increasing(scopes) && increasing(tranches) && increasing(unbonding);
        let completes = open(turn, scope, *proposal) && valid && !scopes.contains(scope);
        assert_eq!(turn.result.is_ok(), completes, "{:?}", turn.result);
        if !completes {
            self.refused += 1;
            return;
        }
        let locks: u128 = [scope].into_iter().chain(scopes).map(|scope| locked(turn, scope)).sum();
        let stakes: u128 = ROLES.into_iter().map(|role| free_stake(turn, role)).sum();
        let waiting = unbonding.iter().map(|(role, epoch)| {
            match turn.before(&StateKey::Unbonding(account(turn.who), *role, *epoch)) {
                Some(StateRecord::Unbonding(_)) if bound(&hold(turn, *role), *epoch) => 0,
                Some(StateRecord::Unbonding(_))
                    if undrawn(turn, *role).is_some_and(|paid| paid <= *epoch) =>
                {
                    0
                }
                Some(StateRecord::Unbonding(record)) => u128::from(record.amount.0),
                _ => 0,
            }
        });
        let waiting: u128 = waiting.sum();
        let credits: u128 = tranches.iter().map(|(role, epoch)| unlocked(turn, *role, *epoch)).sum();
        let (mut paid, mut said) = ([0, 0], None);
        for event in turn.events {
            match event {
                Event::Moved { to: Holder::Account(to), asset, amount, .. } => {
                    assert_eq!(*to, account(turn.who), "nobody else is paid");
                    paid[usize::from(*asset == Asset::Open)] += u128::from(amount.0);
                }
                Event::Governance(GovernanceEvent::Left { open, credits, .. }) => {
                    said = Some([u128::from(credits.0), u128::from(open.0)]);
                }
                _ => {}
            }
        }
        assert_eq!(paid, [credits, locks + stakes + waiting]);
        assert_eq!(said, Some(paid));
        self.left += 1;
        self.stakes += u64::from(stakes > 0);
        self.tranches += u64::from(credits > 0);
        self.locks += u64::from(locks > 0);
    }

    fn end(&mut self, _: &World) {
        let Self { left, refused, stakes, tranches, locks } = self;
        let counted = format!("{left} left: {stakes} {tranches} {locks}, {refused} refused");
        assert!(*left >= share_of(100) && *refused >= share_of(20), "{counted}");
        assert!([stakes, tranches, locks].iter().all(|some| **some >= share_of(10)), "{counted}");
    }
}

#[test]
pub(crate) fn i19_leaving_completes_and_pays_what_has_unlocked() {
    let rows = [
        step("governance", 14),
        step("settlement", 6),
        step("bonds", 4),
        step("channels", 2),
        step("datanets", 1),
        step("escrow", 1),
        step("accounts", 1),
    ];
    History::focused(History::beginning(), 19, &rows, &mut [&mut Leaving::default()]);
}
