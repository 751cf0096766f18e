//! The words of governance: classes and contents of proposals, votes of two houses, the emergency council, records and
//! parameters. Absent: the rules; they are in `ledger`, folder `governance`.

mod action;
mod event;
mod parameters;
mod record;

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

pub use action::GovernanceAction;
pub use event::GovernanceEvent;
pub use parameters::GovernanceParameters;
pub use record::*;

use crate::datanets::Policy;
use crate::record::Pool;
use crate::{AccountId, Amount, Name};

/// What a proposal needs to pass. What it changes decides, never the proposer.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ProposalClass {
    /// A small step that passes unless enough object.
    Routine,
    /// A majority of both houses.
    Money,
    /// Two thirds of both houses, and time to leave.
    Constitution,
}

impl ProposalClass {
    /// The class in plain words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Routine => "routine",
            Self::Money => "money",
            Self::Constitution => "constitution",
        }
    }
}

/// What is governed: the network, or one datanet.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The network's parameters and treasury.
    Protocol,
    /// A datanet's policy, curator and treasury.
    Datanet(Name),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol => f.write_str("the network"),
            Self::Datanet(name) => write!(f, "the datanet {name}"),
        }
    }
}

/// One of the two houses.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum House {
    /// Locked OPEN, by conviction.
    Token,
    /// Audited work, by reputation.
    Contributors,
}

/// One thing that a proposal does when it is executed.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Give a parameter another value.
    Parameter {
        /// Its name, as genesis files write it.
        name: String,
        /// The new value.
        value: u64,
    },
    /// Pay from the treasury of the scope.
    Grant {
        /// Who is paid.
        to: AccountId,
        /// How much, in credits.
        amount: Amount,
    },
    /// Let the changes of an executed constitutional proposal stand for another term.
    Renew {
        /// Which proposal of the same scope.
        proposal: u64,
    },
    /// Give a datanet another policy. It comes into force after the delay of policies.
    Policy {
        /// The policy to come.
        policy: Box<Policy>,
    },
    /// Appoint another curator of a datanet.
    Curator {
        /// Whom.
        to: AccountId,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter { name, value } => write!(f, "{name} becomes {value}"),
            Self::Grant { to, amount } => write!(f, "{amount} C go to {to}"),
            Self::Renew { proposal } => write!(f, "proposal {proposal} stands for another term"),
            Self::Policy { policy } => write!(f, "the policy {} comes into force", policy.hash()),
            Self::Curator { to } => write!(f, "{to} becomes the curator"),
        }
    }
}

/// A quantity of the ledger by which the success of a proposal is measured.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Credits burned per epoch since the execution, in uC: paid use, because every answer burns a part of its price.
    BurnedPerEpoch,
    /// Credits deposited per epoch since the execution, in uC.
    DepositedPerEpoch,
    /// Credits withdrawn per epoch since the execution, in uC.
    WithdrawnPerEpoch,
    /// OPEN at stake, in millionths: the capacity that providers, gateways and auditors stand for.
    Bonded,
    /// Credits in escrow, in uC.
    Escrowed,
    /// What a pool holds: the treasury, insurance, maintenance, verification, capacity, or what was slashed.
    Pool(Pool),
    /// Credits that the treasury of a datanet holds, in uC; of the datanet that is governed.
    DatanetTreasury(Name),
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BurnedPerEpoch => f.write_str("uC burned per epoch"),
            Self::DepositedPerEpoch => f.write_str("uC deposited per epoch"),
            Self::WithdrawnPerEpoch => f.write_str("uC withdrawn per epoch"),
            Self::Bonded => f.write_str("OPEN/1000000 at stake"),
            Self::Escrowed => f.write_str("uC in escrow"),
            Self::Pool(pool) => write!(f, "held by {pool:?}"),
            Self::DatanetTreasury(name) => write!(f, "uC in the treasury of {name}"),
        }
    }
}

/// What a proposal promises: a metric stays on its side of a value, looked at in a named epoch after execution.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Target {
    /// Which quantity.
    pub metric: Metric,
    /// Whether the value is the least that is promised; otherwise it is the most.
    pub at_least: bool,
    /// The value.
    pub value: u64,
    /// Epochs from execution to the review.
    pub review_after_epochs: u64,
}

/// What the emergency council can pause. Claims, releases, withdrawals, closing of channels and leaving are on no list:
/// nobody can pause an exit. A consumer who closes a channel waits for what a paused gateway has to settle first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Pausable {
    /// New datanets, contributions and snapshots.
    Datanets,
    /// New models.
    Models,
    /// New providers, gateways and offers.
    Providers,
    /// Opening and filling channels.
    Channels,
    /// Settlement of batches.
    Settlement,
    /// Execution of proposals.
    Proposals,
    /// Payments of maintenance.
    Funds,
}

impl Pausable {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Datanets,
        Self::Models,
        Self::Providers,
        Self::Channels,
        Self::Settlement,
        Self::Proposals,
        Self::Funds,
    ];
}
