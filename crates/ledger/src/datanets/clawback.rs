//! What a contribution that was removed for a fault still holds is taken from its owners.
//!
//! Rule (mechanism notes, section 1 "Rewards" and section 2 step 6, attack A3): undisclosed synthetic text, a false licence and
//! other faults count for nothing, and what they earned before anybody knew is not kept. All of it that is not mature yet is
//! forfeited, owner by owner: curator and treasury too. The claimant is rewarded out of it.

use openledger_types::datanets::FaultRecord;
use openledger_types::record::{ImmatureRecord, Role};
use openledger_types::{AccountId, Amount, ContributionId, Name, Rejection};

use super::DatanetKey;
use crate::escrow::{self, Loss};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

pub(super) fn fault_key(datanet: &Name, id: ContributionId) -> StateKey {
    StateKey::Datanets(DatanetKey::Fault(datanet.clone(), id))
}

fn loss(datanet: &Name, id: ContributionId, claimant: AccountId, penalty: Amount) -> Loss {
    let (reporter, contribution) = (Some((claimant, penalty)), Some((datanet.clone(), id)));
    Loss { penalty, reporter, contribution, ..Loss::default() }
}

pub(super) fn keys(
    datanet: &Name,
    id: ContributionId,
    owner: AccountId,
    claimant: AccountId,
) -> Vec<StateKey> {
    let mut keys = vec![fault_key(datanet, id)];
    keys.extend(escrow::keys_of_forfeit(owner, Role::Data, &loss(datanet, id, claimant, Amount::ZERO)));
    keys
}

pub(super) fn take(
    transition: &mut Transition<'_>,
    datanet: &Name,
    id: ContributionId,
    owner: AccountId,
    claimant: AccountId,
) -> Applied {
    let fault: Option<FaultRecord> = transition.view.get(&fault_key(datanet, id))?;
    let held: Option<ImmatureRecord> =
        transition.view.get(&StateKey::Immature(datanet.clone(), id, owner))?;
    let penalty = held.map_or(Amount::ZERO, |held| held.amount);
    if fault.is_none_or(|fault| fault.claimant != claimant) || penalty == Amount::ZERO {
        return Err(Rejection::NothingToClaw.into());
    }
    escrow::forfeit(transition, owner, Role::Data, &loss(datanet, id, claimant, penalty))?;
    Ok(())
}
