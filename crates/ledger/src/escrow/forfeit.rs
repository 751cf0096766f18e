//! What a proven fault takes: first what waits in escrow, then stake or bond.

use openledger_types::record::{ImmatureRecord, Role, TrancheRecord, UnbondingRecord};
use openledger_types::{
    AccountId, Amount, BasisPoints, ContributionId, EscrowEvent, Event, Forfeited, Name, Rejection,
    UNITS_PER_WHOLE,
};

use super::key::EscrowKey;
use super::waterfall::{self, Taken};
use super::{index, liquidity, tranches};
use crate::advances::{self, AdvanceKey};
use crate::bonds::{self, Bonded};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// What a proven fault costs, and who was harmed by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    /// The penalty, in credits. Stake pays at its collateral value.
    pub(crate) penalty: Amount,
    /// Who paid for the false answer, and how much.
    pub(crate) refund: Option<(AccountId, Amount)>,
    /// The most of that price which the insurance takes for paid, where the price is somebody's statement.
    pub(crate) insured: Option<Amount>,
    /// Who reported, and what its check cost.
    pub(crate) reporter: Option<(AccountId, Amount)>,
    /// The part that the reporter gets instead of the usual one: for a secret report among those at fault.
    pub(crate) reward: Option<BasisPoints>,
    /// Whose work was copied, and in which parts: they get what would be burned. At most 64.
    pub(crate) harmed: Vec<(AccountId, u64)>,
    /// The contribution at fault: what it holds for the subject until it is mature goes first.
    pub(crate) contribution: Option<(Name, ContributionId)>,
}

/// Everything that [`forfeit`] reads and that can be known from the subject and the loss alone. The subject must be known
/// before anything is loaded, so that its tranches can be loaded in the second round.
pub(crate) fn keys(subject: AccountId, role: Role, loss: &Loss) -> Vec<StateKey> {
    let mut keys = vec![
        StateKey::Account(subject),
        EscrowKey::Tranches(subject, role).state(),
        EscrowKey::Unbondings(subject, role).state(),
        bonds::key(subject, role),
        AdvanceKey::Pool.state(),
    ];
    if let Some((datanet, contribution)) = &loss.contribution {
        keys.push(StateKey::Immature(datanet.clone(), *contribution, subject));
    }
    keys.extend(waterfall::keys(subject, loss));
    keys
}

/// The epochs of the open tranches and of the open unbondings.
fn held(transition: &mut Transition<'_>, subject: AccountId, role: Role) -> Applied<(Vec<u64>, Vec<u64>)> {
    let tranches = index::read(transition, &EscrowKey::Tranches(subject, role).state())?.epochs();
    let unbondings = index::read(transition, &EscrowKey::Unbondings(subject, role).state())?.epochs();
    Ok((tranches, unbondings))
}

/// What [`forfeit`] reads beyond [`keys`], once those are loaded: for steps that load it together with what they found.
pub(crate) fn keys_of_held(
    transition: &mut Transition<'_>,
    subject: AccountId,
    role: Role,
) -> Applied<Vec<StateKey>> {
    let (tranches, unbondings) = held(transition, subject, role)?;
    let found = tranches.into_iter().map(|epoch| StateKey::Tranche(subject, role, epoch));
    let waiting = unbondings.into_iter().map(|epoch| StateKey::Unbonding(subject, role, epoch));
    Ok(found.chain(waiting).collect())
}

/// What is on its way out of stake or bond and a fault still reaches, once [`keys_of_held`] are loaded.
pub(crate) fn unbonding(transition: &mut Transition<'_>, subject: AccountId, role: Role) -> Applied<Amount> {
    let (_, epochs) = held(transition, subject, role)?;
    let mut sum = Amount::ZERO;
    for epoch in epochs {
        let key = StateKey::Unbonding(subject, role, epoch);
        let waiting =
            transition.view.get::<UnbondingRecord>(&key)?.map_or(Amount::ZERO, |found| found.amount);
        sum = sum.plus(waiting).ok_or(Rejection::AmountOverflow)?;
    }
    Ok(sum)
}

/// Takes the penalty from the subject as far as it holds it, and gives it to those whom the rule names.
pub(crate) fn forfeit(
    transition: &mut Transition<'_>,
    subject: AccountId,
    role: Role,
    loss: &Loss,
) -> Applied<Forfeited> {
    transition.view.need(keys(subject, role, loss))?;
    let (begun, unbondings) = held(transition, subject, role)?;
    let needed = keys_of_held(transition, subject, role)?;
    transition.view.need(needed)?;
    let held = take_immature(transition, subject, loss)?;
    let rest = loss.penalty.minus(held).unwrap_or(Amount::ZERO);
    let locked = take_tranches(transition, subject, role, &begun, rest)?;
    let credits = held.plus(locked).ok_or(Rejection::AmountOverflow)?;
    let rest = rest.minus(locked).unwrap_or(Amount::ZERO);
    let open = take_stake(transition, subject, role, &unbondings, open_worth(transition, rest))?;
    let forfeited = waterfall::share(transition, subject, Taken::of_escrow(subject, credits, open), loss)?;
    let event = EscrowEvent::Forfeited { subject, role, forfeited: forfeited.clone() };
    transition.emit(Event::Escrow(event));
    Ok(forfeited)
}

/// How much OPEN has this collateral value, rounded up; all there is where OPEN counts for nothing.
pub(crate) fn open_worth(transition: &Transition<'_>, credits: Amount) -> Amount {
    let product = u128::from(credits.0).saturating_mul(u128::from(UNITS_PER_WHOLE));
    match transition.parameters.collateral_per_open.0 {
        _ if credits == Amount::ZERO => Amount::ZERO,
        0 => Amount(u64::MAX),
        price => Amount(u64::try_from(product.div_ceil(u128::from(price))).unwrap_or(u64::MAX)),
    }
}

/// The whole of what the contribution at fault holds, up to the penalty.
fn take_immature(transition: &mut Transition<'_>, subject: AccountId, loss: &Loss) -> Applied<Amount> {
    let Some((datanet, contribution)) = &loss.contribution else {
        return Ok(Amount::ZERO);
    };
    let key = StateKey::Immature(datanet.clone(), *contribution, subject);
    let Some(mut immature) = transition.view.get::<ImmatureRecord>(&key)? else {
        return Ok(Amount::ZERO);
    };
    let taken = immature.amount.min(loss.penalty);
    immature.amount = immature.amount.minus(taken).expect("at most what is held is taken");
    if (immature.amount, immature.drawn) == (Amount::ZERO, Amount::ZERO) {
        transition.view.remove(&key);
    } else {
        transition.view.put(&key, &immature);
    }
    Ok(taken)
}

/// From the oldest tranche on; of each, what would have unlocked last.
fn take_tranches(
    transition: &mut Transition<'_>,
    subject: AccountId,
    role: Role,
    epochs: &[u64],
    wanted: Amount,
) -> Applied<Amount> {
    let mut taken = Amount::ZERO;
    for epoch in epochs {
        let key = StateKey::Tranche(subject, role, *epoch);
        let tranche: Option<TrancheRecord> = transition.view.get(&key)?;
        let mut tranche = tranche.expect("the index names tranches that exist");
        let missing = wanted.minus(taken).unwrap_or(Amount::ZERO);
        let part = liquidity::remaining(&tranche).min(missing);
        if part == Amount::ZERO {
            continue;
        }
        taken = taken.plus(part).ok_or(Rejection::AmountOverflow)?;
        tranche.forfeited = tranche.forfeited.plus(part).expect("at most the rest of a tranche is forfeited");
        let event = EscrowEvent::TrancheForfeited { account: subject, role, epoch: *epoch, amount: part };
        transition.emit(Event::Escrow(event));
        advances::write_off(transition, &mut tranche)?;
        tranches::put(transition, (subject, role, *epoch), &tranche)?;
    }
    Ok(taken)
}

/// What is on its way out first, oldest first, then the stake. What remains secures at most what it can: the exposure
/// falls to that, because what was taken has paid for it, and no room comes from it.
fn take_stake(
    transition: &mut Transition<'_>,
    subject: AccountId,
    role: Role,
    epochs: &[u64],
    wanted: Amount,
) -> Applied<Amount> {
    if wanted == Amount::ZERO {
        return Ok(Amount::ZERO);
    }
    let mut taken = Amount::ZERO;
    for epoch in epochs {
        let key = StateKey::Unbonding(subject, role, *epoch);
        let waiting: Option<UnbondingRecord> = transition.view.get(&key)?;
        let mut waiting = waiting.expect("the index names unbondings that exist");
        let part = waiting.amount.min(wanted.minus(taken).unwrap_or(Amount::ZERO));
        taken = taken.plus(part).ok_or(Rejection::AmountOverflow)?;
        waiting.amount = waiting.amount.minus(part).expect("at most what waits is taken");
        if waiting.amount == Amount::ZERO {
            transition.view.remove(&key);
            index::remove(transition, &EscrowKey::Unbondings(subject, role).state(), *epoch)?;
        } else {
            transition.view.put(&key, &waiting);
        }
    }
    let mut bonded = Bonded::read(transition, subject, role)?;
    let part = (*bonded.amount()).min(wanted.minus(taken).unwrap_or(Amount::ZERO));
    taken = taken.plus(part).ok_or(Rejection::AmountOverflow)?;
    *bonded.amount() = bonded.amount().minus(part).expect("at most the stake is taken");
    let most = bonded.exposure_max(transition.parameters.collateral_per_open);
    *bonded.exposure() = (*bonded.exposure()).min(most);
    bonded.write(transition, subject);
    Ok(taken)
}
