//! What the gateway reads from the ledger, cached: records that never change (contributions, models) are read once, those
//! that do (parameters, providers, offers, gateways) are read again after a moment.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use borsh::BorshDeserialize;
use openledger_chain::{Chain, ChainError};
use openledger_ledger::StateKey;
use openledger_types::{codec, limits};

/// How long a record that may change is trusted.
const FRESH: Duration = Duration::from_secs(2);
/// Records kept in memory.
const RECORDS_MAX: usize = 100_000;

/// A failure to read the ledger.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FactError {
    /// The chain does not answer.
    #[error("the ledger cannot be read: {0}")]
    Chain(#[from] ChainError),
    /// A record that must exist does not.
    #[error("the ledger holds no {0}; the network was not set up")]
    Absent(&'static str),
}

/// The ledger, read through a cache.
pub(crate) struct Facts {
    chain: Chain,
    cache: Mutex<BTreeMap<Vec<u8>, (Instant, Option<Vec<u8>>)>>,
}

impl Facts {
    pub(crate) fn new(chain: Chain) -> Self {
        Self { chain, cache: Mutex::new(BTreeMap::new()) }
    }

    /// A record, at most [`FRESH`] old.
    pub(crate) async fn get<T: BorshDeserialize>(&self, key: &StateKey) -> Result<Option<T>, FactError> {
        let encoded = key.encode();
        if let Some(value) = self.cached(&encoded) {
            return Ok(value.map(|bytes| decode(&bytes)));
        }
        let value = self.chain.get(&encoded).await?.value;
        let mut cache = self.cache.lock().expect("no holder of the lock panics");
        if cache.len() >= RECORDS_MAX {
            cache.clear();
        }
        cache.insert(encoded, (Instant::now(), value.clone()));
        Ok(value.map(|bytes| decode(&bytes)))
    }

    fn cached(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let cache = self.cache.lock().expect("no holder of the lock panics");
        let (read, value) = cache.get(key)?;
        (read.elapsed() < FRESH).then(|| value.clone())
    }

    /// A record as it is now.
    pub(crate) async fn now<T: BorshDeserialize>(&self, key: &StateKey) -> Result<Option<T>, FactError> {
        Ok(self.chain.get(&key.encode()).await?.value.map(|bytes| decode(&bytes)))
    }

    /// A record that must exist; `what` names it.
    pub(crate) async fn must<T: BorshDeserialize>(
        &self,
        key: &StateKey,
        what: &'static str,
    ) -> Result<T, FactError> {
        self.get(key).await?.ok_or(FactError::Absent(what))
    }
}

fn decode<T: BorshDeserialize>(bytes: &[u8]) -> T {
    codec::decode("record", bytes, limits::RECORD_BYTES_MAX).expect("the ledger wrote this record")
}
