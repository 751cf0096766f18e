//! The gate: what matures, what is drawn early, and what is swept.

use openledger_types::maturity::{MaturityEvent, Measured};
use openledger_types::record::{ContributionRecord, ImmatureRecord, Pool, Role};
use openledger_types::{AccountId, Amount, Asset, Cause, ContributionId, Event, Holder, Name, Rejection};

use super::{arithmetic, evaluators};
use crate::bonds::{self, Bonded};
use crate::datanets;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{escrow, supply};

/// The lower bound of a contribution that may earn: evaluated often enough, better than nothing, not disputed, not revoked.
pub(super) fn proven(
    transition: &mut Transition<'_>,
    measured: &Measured,
) -> Applied<(ContributionRecord, u64)> {
    let contribution = transition.view.contribution(&measured.datanet, measured.contribution)?;
    if contribution.revoked_at.is_some() {
        return Err(Rejection::ContributionRevoked.into());
    }
    let cluster = transition.view.cluster(&measured.datanet, contribution.cluster)?;
    if cluster.is_none_or(|cluster| cluster.owner != measured.contribution) {
        return Err(Rejection::ClusterNotOwned.into());
    }
    let record = evaluators::read(transition, measured)?;
    let lower = u64::try_from(arithmetic::bounds(&record).lower).unwrap_or(0);
    if record.count < transition.parameters.maturity.evaluations_min || lower == 0 {
        return Err(Rejection::UpliftUnproven.into());
    }
    if datanets::is_disputed(transition, &measured.datanet, measured.contribution)? {
        return Err(Rejection::MaturityDisputed.into());
    }
    Ok((contribution, lower))
}

pub(super) fn mature(transition: &mut Transition<'_>, measured: &Measured) -> Applied {
    let (mut contribution, _) = proven(transition, measured)?;
    if contribution.mature {
        return Err(Rejection::ContributionMature.into());
    }
    contribution.mature = true;
    let key = StateKey::Contribution(measured.datanet.clone(), measured.contribution);
    transition.view.put(&key, &contribution);
    let held = |owner| StateKey::Immature(measured.datanet.clone(), measured.contribution, owner);
    let owners: Vec<AccountId> = contribution.owners.iter().map(|owner| owner.account).collect();
    let epoch = transition.epoch();
    transition.view.need(owners.iter().flat_map(|owner| {
        let mut keys = escrow::keys_of_lock(*owner, Role::Data);
        keys.extend([
            held(*owner),
            bonds::key(*owner, Role::Data),
            StateKey::Tranche(*owner, Role::Data, epoch),
        ]);
        keys
    }))?;
    let mut amounts = Vec::new();
    for owner in owners {
        let key = held(owner);
        let Some(immature) = transition.view.get::<ImmatureRecord>(&key)? else { continue };
        transition.view.remove(&key);
        escrow::begin(transition, (owner, Role::Data), transition.parameters.data_escrow, immature.amount)?;
        escrow::cover(transition, owner, Role::Data, immature.drawn)?;
        amounts.push((owner, immature.amount));
    }
    let measured = measured.clone();
    transition.emit(Event::Maturity(MaturityEvent::Matured { measured, epoch, amounts }));
    Ok(())
}

pub(super) fn draw_early(
    transition: &mut Transition<'_>,
    datanet: &Name,
    contribution: ContributionId,
    amount: Amount,
) -> Applied {
    if amount == Amount::ZERO {
        return Err(Rejection::AmountZero.into());
    }
    let owner = transition.sender;
    let record = transition.view.contribution(datanet, contribution)?;
    if record.revoked_at.is_some() {
        return Err(Rejection::ContributionRevoked.into());
    }
    if !owns(&record, owner) {
        return Err(Rejection::NothingHeld.into());
    }
    let key = StateKey::Immature(datanet.clone(), contribution, owner);
    let mut immature: ImmatureRecord = transition.view.get(&key)?.ok_or(Rejection::NothingHeld)?;
    immature.amount = immature.amount.minus(amount).ok_or(Rejection::NothingHeld)?;
    immature.drawn = immature.drawn.plus(amount).ok_or(Rejection::AmountOverflow)?;
    if escrow::expose(transition, owner, Role::Data, amount)? != amount {
        return Err(Rejection::EarlyBeyondBond.into());
    }
    transition.view.put(&key, &immature);
    let (from, to) = (Holder::Escrow(owner), Holder::Account(owner));
    supply::shift(transition, from, to, Asset::Credit, amount, Cause::DrawnEarly)
}

/// Whether the account is an owner. Whoever earned under an id that an earlier commitment took over is not one any more.
fn owns(contribution: &ContributionRecord, account: AccountId) -> bool {
    contribution.owners.iter().any(|owner| owner.account == account)
}

/// What cannot mature goes to the pool: after a long wait, or at once where it is held for somebody who owns nothing.
pub(super) fn sweep(
    transition: &mut Transition<'_>,
    datanet: &Name,
    contribution: ContributionId,
    owner: AccountId,
) -> Applied {
    let record = transition.view.contribution(datanet, contribution)?;
    let owns = owns(&record, owner);
    if owns && record.mature {
        return Err(Rejection::ContributionMature.into());
    }
    if datanets::is_disputed(transition, datanet, contribution)? {
        return Err(Rejection::MaturityDisputed.into());
    }
    let key = StateKey::Immature(datanet.clone(), contribution, owner);
    let immature: ImmatureRecord = transition.view.get(&key)?.ok_or(Rejection::NothingHeld)?;
    let ends = immature.first_epoch.saturating_add(transition.parameters.maturity.wait_epochs_max);
    if owns && transition.epoch() < ends {
        return Err(Rejection::StillWaiting.into());
    }
    transition.view.remove(&key);
    let (from, to) = (Holder::Escrow(owner), Holder::Pool(Pool::Unproven(datanet.clone())));
    supply::shift(transition, from, to, Asset::Credit, immature.amount, Cause::Swept)?;
    take_back(transition, owner, immature.drawn)
}

/// What was drawn early was secured by the bond, so the bond pays for it.
fn take_back(transition: &mut Transition<'_>, owner: AccountId, drawn: Amount) -> Applied {
    if drawn == Amount::ZERO {
        return Ok(());
    }
    let worth = escrow::open_worth(transition, drawn);
    let mut bonded = Bonded::read(transition, owner, Role::Data)?;
    let taken = worth.min(*bonded.amount());
    *bonded.amount() = bonded.amount().minus(taken).expect("at most the bond is taken");
    let exposure = bonded.exposure().minus(drawn).unwrap_or(Amount::ZERO);
    *bonded.exposure() = exposure.min(bonded.exposure_max(transition.parameters.collateral_per_open));
    bonded.write(transition, owner);
    let (from, to) = (Holder::Bond(owner), Holder::Pool(Pool::Slashed));
    supply::shift(transition, from, to, Asset::Open, taken, Cause::Slashed)
}
