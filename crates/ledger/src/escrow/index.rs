//! Which tranches and unbondings of an account are open, so that a fault finds them: a bounded set of epochs beside the
//! records themselves.

use openledger_types::EpochsRecord;

use crate::execute::Transition;
use crate::state::{Applied, StateKey};

pub(super) fn read(transition: &mut Transition<'_>, key: &StateKey) -> Applied<EpochsRecord> {
    Ok(transition.view.get(key)?.unwrap_or_default())
}

/// Remembers that something began in `epoch`.
pub(crate) fn add(transition: &mut Transition<'_>, key: &StateKey, epoch: u64) -> Applied {
    let mut epochs = read(transition, key)?;
    epochs.insert(epoch);
    transition.view.put(key, &epochs);
    Ok(())
}

/// Forgets what is over.
pub(crate) fn remove(transition: &mut Transition<'_>, key: &StateKey, epoch: u64) -> Applied {
    let mut epochs = read(transition, key)?;
    epochs.remove(epoch);
    if epochs.is_empty() {
        transition.view.remove(key);
    } else {
        transition.view.put(key, &epochs);
    }
    Ok(())
}
