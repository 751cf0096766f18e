//! What notes earn: a part of a model's line goes into the series, matures, and is claimed by holders.

use openledger_types::markets::{HoldingRecord, SeriesRecord};
use openledger_types::models::{Earned, TitleRecord, title_of};
use openledger_types::{AccountId, Amount, Event, MarketEvent, Parameters, Rejection};

use super::key::MarketKey;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply::{self, Part};

pub(super) fn series_key(title: AccountId, series: u64) -> StateKey {
    MarketKey::Series(title, series).state()
}

pub(super) fn holding_key(title: AccountId, series: u64, account: AccountId) -> StateKey {
    MarketKey::Holding(title, series, account).state()
}

/// Epochs until what notes earned can be claimed: as long as a builder's tranche waits to its end.
pub(super) fn maturity(parameters: &Parameters) -> u64 {
    let escrow = &parameters.builder_escrow;
    escrow.cliff_epochs.saturating_add(escrow.linear_epochs)
}

/// The first epoch in which the series takes nothing any more; `None` before its first auction.
pub(super) fn ends(series: &SeriesRecord) -> Option<u64> {
    series.begins_epoch.map(|begins| begins.saturating_add(series.epochs))
}

/// Moves what has waited long enough to what can be claimed.
pub(super) fn ripen(series: &mut SeriesRecord, now: u64, parameters: &Parameters) {
    let wait = maturity(parameters);
    let ripe = |earned: &Earned| earned.epoch.saturating_add(wait) <= now;
    for earned in series.pending.iter().filter(|earned| ripe(earned)) {
        series.matured = series.matured.plus(earned.amount).expect("the parts of what is in custody fit");
    }
    series.pending.retain(|earned| !ripe(earned));
}

/// Brings what a holding is owed up to date. Each part is floored, so all holders together get at most what matured.
pub(super) fn count(holding: &mut HoldingRecord, series: &SeriesRecord) {
    let grown = series.matured.minus(holding.counted).unwrap_or_default();
    let due = grown.fraction(holding.units, series.units.max(1)).unwrap_or_default();
    holding.owed = holding.owed.plus(due).expect("what holders are owed is at most what matured");
    holding.counted = series.matured;
}

/// Adds to the amount of an epoch, the last of the list.
fn add(list: &mut Vec<Earned>, epoch: u64, amount: Amount) -> Applied {
    match list.last_mut().filter(|last| last.epoch == epoch) {
        Some(last) => last.amount = last.amount.plus(amount).ok_or(Rejection::AmountOverflow)?,
        None => list.push(Earned { epoch, amount }),
    }
    Ok(())
}

/// What a title that earns leads to.
pub(crate) fn key_of_active(title: &TitleRecord) -> Option<StateKey> {
    title.active_series.map(|series| series_key(title_of(&title.model), series))
}

/// A model's line earned: remembers it, and gives the notes their part into custody. Returns what is left for the owner.
pub(crate) fn earn(
    transition: &mut Transition<'_>,
    mut title: TitleRecord,
    amount: Amount,
) -> Applied<Amount> {
    if transition.parameters.markets.notes == 0 && title.active_series.is_none() {
        return Ok(amount);
    }
    let (epoch, parameters) = (transition.epoch(), transition.parameters.clone());
    let line = title_of(&title.model);
    let oldest = maturity(&parameters).saturating_add(parameters.markets.note_earning_epochs);
    title.earned.retain(|earned| earned.epoch.saturating_add(oldest) >= epoch);
    add(&mut title.earned, epoch, amount)?;
    transition.view.put(&StateKey::Models(crate::models::ModelKey::Title(line)), &title);
    let Some(number) = title.active_series else { return Ok(amount) };
    let key = series_key(line, number);
    let mut series: SeriesRecord = transition.view.get(&key)?.expect("an active series has a record");
    let running = series.begins_epoch.is_some_and(|begins| epoch >= begins)
        && ends(&series).is_some_and(|ends| epoch < ends);
    let part = if running { amount.basis_points(series.share) } else { Amount::ZERO };
    if part == Amount::ZERO {
        return Ok(amount);
    }
    ripen(&mut series, epoch, &parameters);
    add(&mut series.pending, epoch, part)?;
    supply::enter(&mut transition.supply, Part::Custody(openledger_types::Asset::Credit), part)?;
    transition.view.put(&key, &series);
    let model = title.model;
    transition.emit(Event::Markets(MarketEvent::NotesEarned { model, series: number, amount: part }));
    Ok(amount.minus(part).expect("a part of the amount"))
}
