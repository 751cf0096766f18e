//! The right to leave between the approval of a constitutional proposal and its execution.

use openledger_types::governance::{Scope, Stage};
use openledger_types::record::{Role, TrancheRecord, UnbondingRecord};
use openledger_types::{
    AccountId, Amount, Asset, Cause, Event, GovernanceEvent, Holder, ProposalClass, Rejection,
    UNITS_PER_WHOLE, limits,
};

use super::key::GovernanceKey;
use super::{houses, pause, votes};
use crate::advances::{self, AdvanceKey};
use crate::audits;
use crate::bonds::{self, Bonded};
use crate::escrow::{self, EscrowKey};
use crate::execute::Transition;
use crate::maturity;
use crate::state::{Applied, StateKey, Stop};
use crate::supply;

/// In which roles an account has OPEN at stake.
const ROLES: [Role; 6] =
    [Role::Provider, Role::Builder, Role::Data, Role::Gateway, Role::Evaluator, Role::Auditor];

/// What somebody takes along.
pub(super) struct Leaving<'a> {
    pub(super) scope: &'a Scope,
    pub(super) proposal: u64,
    pub(super) scopes: &'a [Scope],
    pub(super) tranches: &'a [(Role, u64)],
    pub(super) unbonding: &'a [(Role, u64)],
}

pub(super) fn keys(account: AccountId, leaving: &Leaving<'_>) -> Vec<StateKey> {
    let most = limits::LEAVING_LINES_MAX;
    let mut keys = houses::keys_of_lock(leaving.scope, account);
    keys.push(GovernanceKey::Proposal(leaving.scope.clone(), leaving.proposal).state());
    keys.push(pause::pause_key());
    keys.extend(ROLES.into_iter().flat_map(|role| bonds::keys(account, role)));
    keys.extend(ROLES.map(|role| EscrowKey::Tranches(account, role).state()));
    keys.extend(ROLES.map(|role| escrow::key_of_hold(account, role)));
    keys.push(AdvanceKey::Pool.state());
    let scopes = leaving.scopes.iter().take(most);
    keys.extend(scopes.flat_map(|scope| houses::keys_of_lock(scope, account)));
    let tranches = leaving.tranches.iter().take(most);
    keys.extend(tranches.map(|(role, epoch)| StateKey::Tranche(account, *role, *epoch)));
    let unbonding = leaving.unbonding.iter().take(most);
    keys.extend(unbonding.map(|(role, epoch)| StateKey::Unbonding(account, *role, *epoch)));
    keys
}

fn increasing<T: Ord>(lines: &[T]) -> bool {
    lines.len() <= limits::LEAVING_LINES_MAX
        && lines.iter().zip(lines.iter().skip(1)).all(|(one, next)| one < next)
}

fn check(transition: &mut Transition<'_>, leaving: &Leaving<'_>) -> Applied {
    let proposal = votes::read(transition, leaving.scope, leaving.proposal)?;
    let open = match proposal.stage {
        Stage::Approved { executes_in_epoch, .. } => {
            let epochs = proposal.terms.execution_epochs;
            let ends = pause::extended(transition, executes_in_epoch.saturating_add(epochs), epochs)?;
            proposal.class == ProposalClass::Constitution && transition.epoch() < ends
        }
        _ => false,
    };
    if !open {
        return Err(Rejection::LeavingClosed.into());
    }
    let nothing = leaving.scopes.is_empty() && leaving.tranches.is_empty() && leaving.unbonding.is_empty();
    let valid = match leaving.scope {
        Scope::Protocol => {
            increasing(leaving.scopes)
                && !leaving.scopes.contains(leaving.scope)
                && increasing(leaving.tranches)
                && increasing(leaving.unbonding)
        }
        Scope::Datanet(_) => nothing,
    };
    if valid { Ok(()) } else { Err(Rejection::LeavingInvalid.into()) }
}

/// Leaves. Inside the window only a malformed list is refused: what is not there counts as nothing.
pub(super) fn leave(transition: &mut Transition<'_>, leaving: &Leaving<'_>) -> Applied {
    check(transition, leaving)?;
    let mut open = houses::leave(transition, leaving.scope)?;
    for scope in leaving.scopes {
        open = plus(open, houses::leave(transition, scope)?)?;
    }
    if *leaving.scope == Scope::Protocol {
        open = plus(open, take_stake(transition)?)?;
    }
    for (role, epoch) in leaving.unbonding {
        open = plus(open, take_unbonding(transition, *role, *epoch)?)?;
    }
    let mut credits = Amount::ZERO;
    for (role, epoch) in leaving.tranches {
        credits = plus(credits, take_tranche(transition, *role, *epoch)?)?;
    }
    let (scope, proposal, account) = (leaving.scope.clone(), leaving.proposal, transition.sender);
    let event = GovernanceEvent::Left { scope, proposal, account, open, credits };
    transition.emit(Event::Governance(event));
    Ok(())
}

fn plus(one: Amount, other: Amount) -> Applied<Amount> {
    Ok(one.plus(other).ok_or(Rejection::AmountOverflow)?)
}

/// What must stay at stake: liquid payouts that no audit has covered are covered until one has, and what faults in open audits
/// would cost; everything while work may still be drawn and opened, because nobody knows yet what faults in it would cost.
fn stays(transition: &mut Transition<'_>, bonded: &mut Bonded) -> Applied<Amount> {
    if escrow::undrawn(transition, transition.sender, bonded.role())?.is_some() {
        return Ok(*bonded.amount());
    }
    let at_risk = escrow::at_risk(transition, transition.sender, bonded.role())?;
    let covered = covers(bonded, transition.parameters.collateral_per_open);
    Ok(covered.max(escrow::open_worth(transition, at_risk)).min(*bonded.amount()))
}

/// The cover of the exposure.
fn covers(bonded: &mut Bonded, collateral_per_open: Amount) -> Amount {
    let (stake, exposure) = (*bonded.amount(), u128::from(bonded.exposure().0));
    // Contributors cover early liquidity once, everybody else twice ([`Bonded::exposure_max`]).
    let times = if bonded.role() == Role::Data { 1 } else { 2 };
    let covered = exposure.saturating_mul(times).saturating_mul(u128::from(UNITS_PER_WHOLE));
    let needed = match u128::from(collateral_per_open.0) {
        0 if exposure == 0 => 0,
        0 => u128::MAX,
        per_open => covered.div_ceil(per_open),
    };
    stake.min(Amount(u64::try_from(needed).unwrap_or(u64::MAX)))
}

fn take_stake(transition: &mut Transition<'_>) -> Applied<Amount> {
    let account = transition.sender;
    let mut taken = Amount::ZERO;
    for role in ROLES {
        let mut bonded = match Bonded::read(transition, account, role) {
            Ok(bonded) => bonded,
            // Whoever is not registered has nothing at stake.
            Err(Stop::Rejected(_)) => continue,
            Err(missing) => return Err(missing),
        };
        let stays = stays(transition, &mut bonded)?;
        let goes = bonded.amount().minus(stays).expect("what stays is a part of the stake");
        *bonded.amount() = stays;
        bonded.write(transition, account);
        if role == Role::Auditor && stays == Amount::ZERO {
            audits::drop_auditor(transition, account)?;
        }
        if role == Role::Evaluator {
            maturity::drop_evaluator(transition, account, stays)?;
        }
        taken = plus(taken, goes)?;
    }
    let (from, to) = (Holder::Bond(account), Holder::Account(account));
    supply::shift(transition, from, to, Asset::Open, taken, Cause::Left)?;
    Ok(taken)
}

fn take_unbonding(transition: &mut Transition<'_>, role: Role, epoch: u64) -> Applied<Amount> {
    let account = transition.sender;
    let key = StateKey::Unbonding(account, role, epoch);
    let Some(waiting) = transition.view.get::<UnbondingRecord>(&key)? else {
        return Ok(Amount::ZERO);
    };
    let undrawn = escrow::undrawn(transition, account, role)?.is_some_and(|paid| paid <= epoch);
    if undrawn || escrow::is_bound(transition, (account, role, epoch))? {
        return Ok(Amount::ZERO);
    }
    transition.view.remove(&key);
    escrow::index::remove(transition, &EscrowKey::Unbondings(account, role).state(), epoch)?;
    let (from, to) = (Holder::Bond(account), Holder::Account(account));
    supply::shift(transition, from, to, Asset::Open, waiting.amount, Cause::Left)?;
    Ok(waiting.amount)
}

fn take_tranche(transition: &mut Transition<'_>, role: Role, epoch: u64) -> Applied<Amount> {
    let account = transition.sender;
    let key = StateKey::Tranche(account, role, epoch);
    let Some(mut tranche) = transition.view.get::<TrancheRecord>(&key)? else {
        return Ok(Amount::ZERO);
    };
    // What was sold of it is the advance pool's, also of what unlocks now.
    advances::repay(transition, (account, role, epoch), &mut tranche)?;
    let due = escrow::due(transition, (account, role, epoch), &tranche)?;
    tranche.claimed = plus(tranche.claimed, due)?;
    escrow::put_tranche(transition, (account, role, epoch), &tranche)?;
    let (from, to) = (Holder::Escrow(account), Holder::Account(account));
    supply::shift(transition, from, to, Asset::Credit, due, Cause::Left)?;
    Ok(due)
}
