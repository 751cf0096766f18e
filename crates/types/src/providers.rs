//! Words of providers beside offers: capacity by resource class, heartbeats, and what changes at a running provider.
//! Capacity is counted in reference price per epoch (uC): what a provider could serve in one epoch at the prices that it
//! offers. So it compares with what stake backs and with what was settled, and nobody has to believe a count of devices.
//! Absent: the rules; they are in `ledger`.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Amount, Name, ServiceKey};

/// What a provider says about one class for one epoch.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Load {
    /// Which resource class.
    pub class: Name,
    /// What it measured that it can serve in an epoch, in uC of reference price.
    pub capacity: Amount,
    /// What of it is busy; at most the capacity.
    pub busy: Amount,
}

/// What a provider asks for beside registering and offering.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProviderAction {
    /// Say once in an epoch what capacity there is. Sender: the provider.
    Heartbeat {
        /// By class, sorted, each once, at most `CLASSES_MAX`.
        loads: Vec<Load>,
    },
    /// Withdraw the offer for a model. Sender: the provider.
    WithdrawOffer {
        /// Which model.
        model: Name,
    },
    /// Change the key that countersigns receipts, or the address. Sender: the provider.
    ChangeService {
        /// The new key, if it changes; the old one stays provable.
        service_key: Option<ServiceKey>,
        /// The new address, if it changes.
        endpoint: Option<String>,
    },
}

impl ProviderAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Heartbeat { .. } => "Heartbeat",
            Self::WithdrawOffer { .. } => "Withdraw offer",
            Self::ChangeService { .. } => "Change service",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::Heartbeat { loads } => {
                let loads: Vec<String> = loads
                    .iter()
                    .map(|load| {
                        format!("{} C of {} per epoch, {} C busy", load.capacity, load.class, load.busy)
                    })
                    .collect();
                format!("Report capacity: {}", loads.join("; "))
            }
            Self::WithdrawOffer { model } => format!("Withdraw the offer for {model}"),
            Self::ChangeService { service_key, endpoint } => {
                let key = service_key.map(|key| format!("countersign with {key}"));
                let endpoint = endpoint.as_ref().map(|endpoint| format!("serve at {endpoint}"));
                let parts: Vec<String> = key.into_iter().chain(endpoint).collect();
                format!("Change the provider: {}", parts.join(", "))
            }
        }
    }
}

/// What happened to providers.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's documented fields")]
pub enum ProviderEvent {
    /// A provider reported its capacity; `counted` is what the network believes of it.
    Heartbeat { provider: AccountId, cluster: AccountId, epoch: u64, loads: Vec<CountedLoad> },
    /// An offer ended.
    OfferWithdrawn { provider: AccountId, model: Name },
    /// A provider countersigns or serves elsewhere from now on.
    ServiceChanged { provider: AccountId, service_key: ServiceKey, endpoint: String },
}

/// A load with the part of it that counts.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CountedLoad {
    /// Which resource class.
    pub class: Name,
    /// What was reported.
    pub capacity: Amount,
    /// What was reported busy.
    pub busy: Amount,
    /// What counts: backed by stake, and shown by audited work or within a newcomer's allowance.
    pub counted: Amount,
    /// What of it audited work has shown.
    pub proven: Amount,
}

/// A provider's last heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct HeartbeatRecord {
    /// The epoch it was for.
    pub epoch: u64,
    /// The provider's cluster at that time.
    pub cluster: AccountId,
    /// Its loads, by class.
    pub loads: Vec<CountedLoad>,
}

/// What one cluster of providers counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ClusterShare {
    /// Which cluster.
    pub cluster: AccountId,
    /// Its counted capacity in the round.
    pub capacity: Amount,
}

/// What happened in one round of a class: from one closing to the next.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct RoundTotals {
    /// Counted capacity, summed over heartbeats.
    pub capacity: Amount,
    /// Reference price of what was settled.
    pub served: Amount,
}

/// A resource class: the totals of its running round. The largest clusters are enough to know what is left without them,
/// because a cluster's capacity only grows within a round.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ClassRecord {
    /// The running round, from 0.
    pub round: u64,
    /// The epoch in which it began.
    pub since_epoch: u64,
    /// Its totals so far.
    pub running: RoundTotals,
    /// The three clusters with the most capacity so far, largest first.
    pub largest: Vec<ClusterShare>,
    /// The totals of the round before.
    pub last: RoundTotals,
}

/// A cluster in a class. Counters of an older round count as zero.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// The epoch of its first heartbeat or settled work in this class.
    pub first_epoch: u64,
    /// The round of the counters.
    pub round: u64,
    /// Its totals in that round.
    pub totals: RoundTotals,
}

/// A key that countersigned receipts for a provider until it was changed.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct RetiredKeyRecord {
    /// Height of the change.
    pub height: u64,
}
