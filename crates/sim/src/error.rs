//! What can stop a simulation. Absent: rejections as results; a scenario that expects one looks for
//! [`SimError::Rejected`].

use openledger_ledger::settlement::NettingError;
use openledger_ledger::{ConservationError, GenesisError};
use openledger_types::Rejection;

/// Why a simulation has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SimError {
    /// No scenario has this name.
    #[error("there is no scenario {name:?}; choose one of: {known}")]
    ScenarioUnknown {
        /// What was asked for.
        name: String,
        /// All names, separated by commas.
        known: String,
    },
    /// An interval needs two values.
    #[error("{seeds} seeds give no interval; run at least 2")]
    SeedsTooFew {
        /// How many were asked for.
        seeds: u32,
    },
    /// The simulated network cannot start.
    #[error("the genesis of the simulated network is refused; mend the scenario's parameters or balances")]
    Genesis(#[source] GenesisError),
    /// The ledger refused an action that the scenario counts on.
    #[error("the ledger refuses {action}: {rejection}; mend the scenario, it breaks a rule")]
    Rejected {
        /// The action in plain words.
        action: String,
        /// Why.
        rejection: Rejection,
    },
    /// The ledger asked for records again and again.
    #[error("the ledger loads records without end for {action}; this is a fault of the ledger")]
    LoadsWithoutEnd {
        /// The action in plain words.
        action: String,
    },
    /// Money was made or lost.
    #[error("money was made or lost by the end of epoch {epoch}; this is a fault of the ledger")]
    Conservation {
        /// The epoch that ended.
        epoch: u64,
        /// What does not sum.
        #[source]
        source: ConservationError,
    },
    /// The state lacks a record that the scenario made before.
    #[error("the state has no {what}; the scenario uses it before it makes it")]
    RecordMissing {
        /// What was looked for.
        what: String,
    },
    /// A completion cannot be split.
    #[error("a completion at a price of {price} C cannot be split; lower the scenario's prices")]
    Unsplittable {
        /// Its reference price.
        price: openledger_types::Amount,
    },
    /// A completion cannot be netted.
    #[error("a completion cannot be netted into a batch; mend the order of the scenario's sales")]
    Netting(#[source] NettingError),
    /// A scenario did not measure what its bars name.
    #[error("the scenario {scenario} measures no {metric} with this seed; add it to its outcome")]
    MetricMissing {
        /// Which scenario.
        scenario: &'static str,
        /// Which metric.
        metric: &'static str,
    },
}
