//! What a pause stops. Exits are on no list: claims, releases, withdrawals, closing of channels, votes and leaving go on.

use openledger_types::agents::AgentAction;
use openledger_types::governance::{Pausable, PauseRecord};
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
        Action::Funds(FundsAction::CloseMaintenance { .. } | FundsAction::ClaimInsurance { .. }) => {
            Some(Pausable::Funds)
        }
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
    let pause: Option<PauseRecord> = transition.view.get(&GovernanceKey::Pause.state())?;
    let now = transition.context.timestamp_ms;
    let paused = pause.is_some_and(|pause| now < pause.until_ms && pause.steps.contains(&step));
    if paused { Err(Rejection::StepPaused.into()) } else { Ok(()) }
}
