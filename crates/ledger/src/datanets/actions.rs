//! Which keys an action of this step names, and which transition it runs.

use openledger_types::datanets::{DatanetAction, DatanetRole};
use openledger_types::{AccountId, Name};

use super::rules::{self, role_key, rules_key};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

/// The datanet and its rules: what most actions read.
fn ruled(datanet: &Name) -> Vec<StateKey> {
    vec![StateKey::Datanet(datanet.clone()), rules_key(datanet)]
}

fn with_role(datanet: &Name, account: AccountId, role: DatanetRole) -> Vec<StateKey> {
    let mut keys = ruled(datanet);
    keys.push(role_key(datanet, account, role));
    keys
}

pub(crate) fn keys(_sender: AccountId, action: &DatanetAction) -> Vec<StateKey> {
    match action {
        DatanetAction::Create { name, .. } => ruled(name),
        DatanetAction::SetPolicy { datanet, .. }
        | DatanetAction::OfferCuratorship { datanet, .. }
        | DatanetAction::AcceptCuratorship { datanet } => ruled(datanet),
        DatanetAction::Grant { datanet, account, role }
        | DatanetAction::Withdraw { datanet, account, role } => with_role(datanet, *account, *role),
    }
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &DatanetAction) -> Applied {
    match action {
        DatanetAction::Create { name, title, policy } => {
            let license = policy.licenses.first().cloned().unwrap_or_default();
            rules::create(transition, name, title, &license, (**policy).clone())
        }
        DatanetAction::SetPolicy { datanet, policy } => rules::set_policy(transition, datanet, policy),
        DatanetAction::Grant { datanet, account, role } => rules::grant(transition, datanet, *account, *role),
        DatanetAction::Withdraw { datanet, account, role } => {
            rules::withdraw(transition, datanet, *account, *role)
        }
        DatanetAction::OfferCuratorship { datanet, to } => rules::offer_curatorship(transition, datanet, *to),
        DatanetAction::AcceptCuratorship { datanet } => rules::accept_curatorship(transition, datanet),
    }
}
