//! What a process may choose for itself; what the network must agree on is in [`crate::limits`] and the identity.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::identity::{NetworkIdentity, Validator, ValidatorKey};

/// Largest idle interval: consensus timeouts grow with it.
pub const IDLE_INTERVAL_MAX: Duration = Duration::from_secs(600);
/// Largest interval between two blocks that both have transactions.
pub const MIN_INTERVAL_MAX: Duration = Duration::from_secs(10);

/// How one validator runs.
#[derive(Debug, Clone)]
pub struct ChainConfig {
    /// Directory of this validator's chain; created when missing, locked while running.
    pub dir: PathBuf,
    /// The network.
    pub identity: NetworkIdentity,
    /// The secret seed of this validator's ed25519 key.
    pub validator_seed: [u8; 32],
    /// The first state; must hash to the identity's genesis hash.
    pub genesis: BTreeMap<Vec<u8>, Vec<u8>>,
    /// With nothing to order, a block is proposed after this long all the same. Equal on all validators, at most
    /// [`IDLE_INTERVAL_MAX`].
    pub idle_interval: Duration,
    /// Shortest time between two proposals of this validator, at most [`MIN_INTERVAL_MAX`].
    pub min_interval: Duration,
    /// What the mempool may hold.
    pub mempool: MempoolLimits,
    /// Addresses of the validators; `None` for a network of one, which then opens no port.
    pub network: Option<NetworkConfig>,
}

impl ChainConfig {
    /// A network of one validator with the default pace.
    pub fn single(
        dir: impl Into<PathBuf>,
        name: &str,
        chain_id: u64,
        validator_seed: [u8; 32],
        genesis: BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> Self {
        let identity =
            NetworkIdentity::new(name, chain_id, vec![Validator::from_seed(&validator_seed)], &genesis);
        Self {
            dir: dir.into(),
            identity,
            validator_seed,
            genesis,
            idle_interval: Duration::from_secs(2),
            min_interval: Duration::from_millis(5),
            mempool: MempoolLimits::default(),
            network: None,
        }
    }
}

/// What the mempool may hold. Its content is lost when the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MempoolLimits {
    /// Most transactions that wait.
    pub transactions_max: usize,
    /// Most bytes of transactions that wait.
    pub bytes_max: usize,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self { transactions_max: 65_536, bytes_max: 64 << 20 }
    }
}

/// Where the validators are.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Address of every validator, this one included.
    pub peers: BTreeMap<ValidatorKey, SocketAddr>,
}
