//! A transaction's sight of the state: loaded records below, its own changes above. Reading a key that was not loaded
//! stops the transaction; the missing keys are what the caller loads before it tries again.
//! Absent: partial effects. A stopped or rejected transaction's view is thrown away.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::record::{
    AccountRecord, ChannelRecord, ClusterRecord, ContributionRecord, DatanetRecord, GatewayRecord,
    ModelRecord, Pool, ProviderRecord,
};
use openledger_types::{AccountId, Amount, ChannelId, ContributionId, Hash, Name, Rejection, codec, limits};

use super::StateKey;

/// Why a transition did not run to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A key that it reads was not loaded; [`View::missing`] names it.
    Missing,
    /// A rule refuses it.
    Rejected(Rejection),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// What a transition returns.
pub(crate) type Applied<T = ()> = Result<T, Stop>;

/// Records by encoded key; `None` means that the state holds nothing there.
pub(crate) type Bytes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

pub(crate) struct View<'a> {
    loaded: &'a Bytes,
    changes: Bytes,
    missing: BTreeSet<Vec<u8>>,
}

impl<'a> View<'a> {
    pub(crate) fn new(loaded: &'a Bytes) -> Self {
        Self { loaded, changes: BTreeMap::new(), missing: BTreeSet::new() }
    }

    /// Asks for keys at once, so that one round of loading suffices.
    pub(crate) fn need(&mut self, keys: impl IntoIterator<Item = StateKey>) -> Applied {
        for key in keys {
            let bytes = key.encode();
            if !self.loaded.contains_key(&bytes) && !self.changes.contains_key(&bytes) {
                self.missing.insert(bytes);
            }
        }
        if self.missing.is_empty() { Ok(()) } else { Err(Stop::Missing) }
    }

    /// Keys that were read and not loaded.
    pub(crate) fn missing(self) -> Vec<Vec<u8>> {
        self.missing.into_iter().collect()
    }

    /// What differs from what was loaded.
    pub(crate) fn into_changes(self) -> Bytes {
        let loaded = self.loaded;
        self.changes.into_iter().filter(|(key, value)| loaded.get(key) != Some(value)).collect()
    }

    /// The record under `key`.
    pub(crate) fn get<T: BorshDeserialize>(&mut self, key: &StateKey) -> Applied<Option<T>> {
        let bytes = key.encode();
        let Some(value) = self.changes.get(&bytes).or_else(|| self.loaded.get(&bytes)) else {
            self.missing.insert(bytes);
            return Err(Stop::Missing);
        };
        Ok(value.as_ref().map(|value| {
            codec::decode("record", value, limits::RECORD_BYTES_MAX)
                .expect("a record in the state was written by this ledger under this key")
        }))
    }

    /// Writes the record under `key`.
    pub(crate) fn put<T: BorshSerialize>(&mut self, key: &StateKey, value: &T) {
        self.changes.insert(key.encode(), Some(codec::encode(value)));
    }

    /// Removes the record under `key`.
    pub(crate) fn remove(&mut self, key: &StateKey) {
        self.changes.insert(key.encode(), None);
    }

    pub(crate) fn account(&mut self, account: AccountId) -> Applied<AccountRecord> {
        Ok(self.get(&StateKey::Account(account))?.unwrap_or_default())
    }

    pub(crate) fn datanet(&mut self, name: &Name) -> Applied<DatanetRecord> {
        Ok(self.get(&StateKey::Datanet(name.clone()))?.ok_or(Rejection::DatanetUnknown)?)
    }

    pub(crate) fn contribution(&mut self, datanet: &Name, id: ContributionId) -> Applied<ContributionRecord> {
        let key = StateKey::Contribution(datanet.clone(), id);
        Ok(self.get(&key)?.ok_or(Rejection::ContributionUnknown)?)
    }

    pub(crate) fn cluster(&mut self, datanet: &Name, cluster: Hash) -> Applied<Option<ClusterRecord>> {
        self.get(&StateKey::Cluster(datanet.clone(), cluster))
    }

    pub(crate) fn model(&mut self, name: &Name) -> Applied<ModelRecord> {
        Ok(self.get(&StateKey::Model(name.clone()))?.ok_or(Rejection::ModelUnknown)?)
    }

    pub(crate) fn provider(&mut self, account: AccountId) -> Applied<ProviderRecord> {
        Ok(self.get(&StateKey::Provider(account))?.ok_or(Rejection::ProviderUnknown)?)
    }

    pub(crate) fn gateway(&mut self, account: AccountId) -> Applied<GatewayRecord> {
        Ok(self.get(&StateKey::Gateway(account))?.ok_or(Rejection::GatewayUnknown)?)
    }

    pub(crate) fn channel(&mut self, channel: ChannelId) -> Applied<ChannelRecord> {
        Ok(self.get(&StateKey::Channel(channel))?.ok_or(Rejection::ChannelUnknown)?)
    }

    pub(crate) fn pool(&mut self, pool: &Pool) -> Applied<Amount> {
        Ok(self.get(&StateKey::Pool(pool.clone()))?.unwrap_or_default())
    }
}
