//! What a pause stops. Exits are on no list: claims, releases, withdrawals, closing of channels, votes and leaving go on.

use openledger_types::agents::AgentAction;
use openledger_types::governance::{Pausable, PauseRecord, PausedStep};
use openledger_types::{Action, DatanetAction, FundsAction, GovernanceAction, ModelAction, Rejection};

use super::key::GovernanceKey;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// The step that an action belongs to, if it can be paused.
fn step(action: &Action) -> Option<Pausable> {
    match action {
        Action::CreateDatanet { .. }
        | Action::Contribute { .. }
        | Action::SealSnapshot { .. }
        | Action::Datanets(DatanetAction::Create { .. } | DatanetAction::Commit { .. }) => {
            Some(Pausable::Datanets)
        }
        Action::RegisterModel { .. }
        | Action::Models(ModelAction::RegisterManifest { .. } | ModelAction::RegisterAdapter { .. }) => {
            Some(Pausable::Models)
        }
        Action::RegisterProvider { .. } | Action::RegisterGateway { .. } | Action::PostOffer { .. } => {
            Some(Pausable::Providers)
        }
        Action::OpenChannel { .. }
        | Action::TopUpChannel { .. }
        | Action::Agents(AgentAction::TopUpByMandate { .. }) => Some(Pausable::Channels),
        Action::SettleBatch(_) => Some(Pausable::Settlement),
        Action::Governance(GovernanceAction::Execute { .. }) => Some(Pausable::Proposals),
        Action::Funds(FundsAction::CloseMaintenance { .. }) => Some(Pausable::Funds),
        _ => None,
    }
}

/// What [`check`] reads.
pub(crate) fn key_of_pause(action: &Action) -> Option<StateKey> {
    step(action).map(|_| GovernanceKey::Pause.state())
}

/// Refuses an action of a step that is paused.
pub(crate) fn check_pause(transition: &mut Transition<'_>, action: &Action) -> Applied {
    let Some(step) = step(action) else {
        return Ok(());
    };
    let now = transition.context.timestamp_ms;
    let paused = last_pause(transition, step)?.is_some_and(|pause| now < pause.until_ms);
    if paused { Err(Rejection::StepPaused.into()) } else { Ok(()) }
}

/// The key of all pauses.
pub(crate) fn pause_key() -> StateKey {
    GovernanceKey::Pause.state()
}

/// The last pause of a step, running or over.
pub(crate) fn last_pause(transition: &mut Transition<'_>, step: Pausable) -> Applied<Option<PausedStep>> {
    let record: PauseRecord = transition.view.get(&pause_key())?.unwrap_or_default();
    Ok(record.steps.into_iter().find(|paused| paused.step == step))
}

/// For how long after a pause of a step something may still be given back the time that the pause took.
fn grace_ms(transition: &Transition<'_>, step: Pausable) -> u64 {
    let parameters = &transition.parameters;
    match step {
        Pausable::Settlement => parameters.channel_close_delay_ms,
        // The epoch in which the pause ends does not count.
        Pausable::Proposals => {
            parameters.governance.execution_epochs.saturating_add(1).saturating_mul(parameters.epoch_ms)
        }
        _ => 0,
    }
}

/// Begins a pause of these steps. One that runs already becomes longer, never shorter; the other steps keep theirs. Only the
/// last pause is remembered, so one that begins before the time that an earlier one gave back is over continues it.
pub(crate) fn begin(transition: &mut Transition<'_>, steps: &[Pausable], until_ms: u64) -> Applied {
    let from_ms = transition.context.timestamp_ms;
    let mut record: PauseRecord = transition.view.get(&pause_key())?.unwrap_or_default();
    for step in steps {
        let grace = grace_ms(transition, *step);
        let fresh = PausedStep { step: *step, from_ms, until_ms };
        match record.steps.binary_search_by_key(step, |paused| paused.step) {
            Err(place) => record.steps.insert(place, fresh),
            Ok(place) => {
                let last = record.steps.get_mut(place).expect("it was found there");
                let runs = from_ms < last.until_ms.saturating_add(grace);
                *last =
                    if runs { PausedStep { until_ms: until_ms.max(last.until_ms), ..*last } } else { fresh };
            }
        }
    }
    transition.view.put(&pause_key(), &record);
    Ok(())
}

/// The last epoch in which something that took so many epochs to do can still be done: what could be done when proposals were
/// paused has all of its time again when the pause is over.
pub(super) fn extended(transition: &mut Transition<'_>, deadline: u64, epochs: u64) -> Applied<u64> {
    let Some(pause) = last_pause(transition, Pausable::Proposals)? else { return Ok(deadline) };
    let [from, until] = [pause.from_ms, pause.until_ms].map(|ms| transition.parameters.epoch_at(ms));
    let again = until.saturating_add(1).saturating_add(epochs);
    Ok(if from < deadline { deadline.max(again) } else { deadline })
}
