//! The actions, keys and records of this step whose encodings are recorded.

use openledger_types::datanets::{DatanetAction, DatanetRole, Policy, RulesRecord};
use openledger_types::{Action, codec};

use super::DatanetKey;
use super::tests::open_policy;
use crate::StateKey;
use crate::tests::{account, name};

pub(crate) fn actions() -> Vec<Action> {
    let (datanet, account) = (name("open"), account(1));
    let actions = vec![
        DatanetAction::Create {
            name: datanet.clone(),
            title: "Open".into(),
            policy: Box::new(open_policy()),
        },
        DatanetAction::SetPolicy { datanet: datanet.clone(), policy: Box::new(Policy::imports_only()) },
        DatanetAction::Grant { datanet: datanet.clone(), account, role: DatanetRole::Reviewer },
        DatanetAction::Withdraw { datanet: datanet.clone(), account, role: DatanetRole::Labeller },
        DatanetAction::OfferCuratorship { datanet: datanet.clone(), to: Some(account) },
        DatanetAction::AcceptCuratorship { datanet },
    ];
    actions.into_iter().map(Action::Datanets).collect()
}

pub(crate) fn keys() -> Vec<StateKey> {
    let (datanet, account) = (name("open"), account(1));
    let keys = vec![
        DatanetKey::Rules(datanet.clone()),
        DatanetKey::Role(datanet, account, DatanetRole::Contributor),
    ];
    keys.into_iter().map(StateKey::Datanets).collect()
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    vec![("RulesRecord", codec::encode(&RulesRecord::beginning(open_policy(), 1)))]
}
