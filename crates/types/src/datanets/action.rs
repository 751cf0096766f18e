//! What can be asked of a datanet beyond creating, importing, revoking and sealing.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{DatanetRole, Policy};
use crate::{AccountId, Name};

/// An action of the step `datanets`.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DatanetAction {
    /// Create a datanet with a policy; the sender becomes its curator.
    Create {
        /// Unique name.
        name: Name,
        /// Title for people.
        title: String,
        /// Its rules.
        policy: Box<Policy>,
    },
    /// Change the policy. It comes into force after the delay and touches nothing that was contributed before.
    /// Sender: the curator.
    SetPolicy {
        /// Which datanet.
        datanet: Name,
        /// The rules to come.
        policy: Box<Policy>,
    },
    /// Give an account a role. Sender: the curator.
    Grant {
        /// Which datanet.
        datanet: Name,
        /// Who.
        account: AccountId,
        /// Which role.
        role: DatanetRole,
    },
    /// Take a role back. Sender: the curator, or whoever holds it.
    Withdraw {
        /// Which datanet.
        datanet: Name,
        /// Who.
        account: AccountId,
        /// Which role.
        role: DatanetRole,
    },
    /// Offer the curatorship to somebody, or to nobody any more. Sender: the curator.
    OfferCuratorship {
        /// Which datanet.
        datanet: Name,
        /// To whom.
        to: Option<AccountId>,
    },
    /// Become the curator. Sender: to whom it was offered.
    AcceptCuratorship {
        /// Which datanet.
        datanet: Name,
    },
}

impl DatanetAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "Create datanet with policy",
            Self::SetPolicy { .. } => "Set policy",
            Self::Grant { .. } => "Grant role",
            Self::Withdraw { .. } => "Withdraw role",
            Self::OfferCuratorship { .. } => "Offer curatorship",
            Self::AcceptCuratorship { .. } => "Accept curatorship",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::Create { name, title, policy } => {
                format!("Create the datanet {name} ({title}): {}", shares(policy))
            }
            Self::SetPolicy { datanet, policy } => {
                format!("Change the policy of {datanet} to {}: {}", policy.hash(), shares(policy))
            }
            Self::Grant { datanet, account, role } => {
                format!("Make {account} a {} of {datanet}", role.name())
            }
            Self::Withdraw { datanet, account, role } => {
                format!("Withdraw the role of {} of {datanet} from {account}", role.name())
            }
            Self::OfferCuratorship { datanet, to: Some(to) } => {
                format!("Offer the curatorship of {datanet} to {to}")
            }
            Self::OfferCuratorship { datanet, to: None } => {
                format!("Offer the curatorship of {datanet} to nobody")
            }
            Self::AcceptCuratorship { datanet } => format!("Become the curator of {datanet}"),
        }
    }
}

fn shares(policy: &Policy) -> String {
    format!(
        "{} basis points of what contributions earn to the curator, {} to the treasury",
        policy.curator_share.0, policy.treasury_share.0
    )
}
