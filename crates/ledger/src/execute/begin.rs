//! What happens at the beginning of every block, before its transactions: the turn of an epoch.
//!
//! Rule (mechanism notes, section 4 and invariant I12): the first block of an epoch leaves its randomness under
//! [`StateKey::Beacon`]. Whatever must be drawn after a commitment of epoch `e` is drawn with the first beacon after
//! `e`: the one whose `previous` is at most `e`. So nobody chooses among beacons, also where epochs passed without a block.
//!
//! Absent: everything else that depends on time. It is computed when a record is touched, so a block's beginning costs the
//! same however many accounts there are.

use openledger_types::Parameters;
use openledger_types::record::BeaconRecord;

use super::{BlockContext, Loaded, Outcome, Step};
use crate::state::{StateKey, View};

/// Runs first in each block. Pure, like [`super::execute()`].
///
/// # Panics
/// When the state has no parameters: it was not written by this ledger.
pub fn begin_block(context: &BlockContext, loaded: &Loaded) -> Step {
    let mut view = View::new(loaded);
    let Ok(parameters) = view.get::<Parameters>(&StateKey::Parameters) else {
        return Step::Load(view.missing());
    };
    let parameters = parameters.expect("genesis wrote the parameters and nothing removes them");
    let epoch = parameters.epoch_at(context.timestamp_ms);
    let key = StateKey::Beacon(epoch);
    let (Ok(last), Ok(beacon)) = (view.get::<u64>(&StateKey::LastBeacon), view.get::<BeaconRecord>(&key))
    else {
        return Step::Load(view.missing());
    };
    if beacon.is_none() {
        let previous = last.unwrap_or_default();
        view.put(&key, &BeaconRecord { randomness: context.randomness, height: context.height, previous });
        view.put(&StateKey::LastBeacon, &epoch);
    }
    Step::Done(Outcome { result: Ok(()), events: Vec::new(), changes: view.into_changes() })
}
