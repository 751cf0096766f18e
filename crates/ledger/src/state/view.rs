//! A transaction's sight of the state: loaded records below, its own changes above. Reading a key that was not loaded
//! stops the transaction; the missing keys are what the caller loads before it tries again.
//! Absent: partial effects. A stopped or rejected transaction's view is thrown away.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};

use borsh::{BorshDeserialize, BorshSerialize};
use openledger_types::record::{
    AccountRecord, ChannelRecord, ClusterRecord, ContributionRecord, DatanetRecord, GatewayRecord,
    ModelRecord, Pool, ProviderRecord,
};
use openledger_types::{AccountId, Amount, ChannelId, ContributionId, Hash, Name, Rejection, codec, limits};

use super::StateKey;
use crate::places::Places;

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

/// A record that was touched.
struct Slot<'a> {
    key: Cow<'a, [u8]>,
    /// What the caller loaded; `None` when it did not.
    loaded: Option<&'a Option<Vec<u8>>>,
    /// What the transaction wrote.
    change: Option<Option<Vec<u8>>>,
}

impl Slot<'_> {
    fn value(&self) -> Option<&Option<Vec<u8>>> {
        self.change.as_ref().or(self.loaded)
    }
}

/// A batch touches thousands of long keys with the same beginnings, many of them several times. So they are found by a hash.
/// Whatever leaves the view is in the order of the keys.
pub(crate) struct View<'a> {
    slots: Vec<Slot<'a>>,
    places: Places,
    missing: BTreeSet<usize>,
    buffer: Vec<u8>,
}

impl<'a> View<'a> {
    pub(crate) fn new(loaded: &'a Bytes) -> Self {
        let mut places = Places::with_capacity(loaded.len());
        let slots = loaded.iter().enumerate().map(|(place, (key, loaded))| {
            places.add(hash(key), place);
            Slot { key: Cow::Borrowed(key), loaded: Some(loaded), change: None }
        });
        Self { slots: slots.collect(), places, missing: BTreeSet::new(), buffer: Vec::new() }
    }

    /// Asks for keys at once, so that one round of loading suffices.
    pub(crate) fn need(&mut self, keys: impl IntoIterator<Item = StateKey>) -> Applied {
        for key in keys {
            let place = self.place(&key);
            if self.slots[place].value().is_none() {
                self.missing.insert(place);
            }
        }
        if self.missing.is_empty() { Ok(()) } else { Err(Stop::Missing) }
    }

    /// Keys that were read and not loaded.
    pub(crate) fn missing(mut self) -> Vec<Vec<u8>> {
        let taken = |place: &usize| std::mem::take(&mut self.slots[*place].key).into_owned();
        let mut missing: Vec<Vec<u8>> = self.missing.iter().map(taken).collect();
        missing.sort_unstable();
        missing
    }

    /// What differs from what was loaded.
    pub(crate) fn into_changes(self) -> Bytes {
        let changed = self.slots.into_iter().filter_map(|slot| {
            let change = slot.change?;
            if slot.loaded == Some(&change) { None } else { Some((slot.key.into_owned(), change)) }
        });
        changed.collect()
    }

    /// The record under `key`.
    pub(crate) fn get<T: BorshDeserialize>(&mut self, key: &StateKey) -> Applied<Option<T>> {
        let place = self.place(key);
        let Some(value) = self.slots[place].value() else {
            self.missing.insert(place);
            return Err(Stop::Missing);
        };
        Ok(value.as_ref().map(|value| {
            codec::decode("record", value, limits::RECORD_BYTES_MAX)
                .expect("a record in the state was written by this ledger under this key")
        }))
    }

    /// Writes the record under `key`.
    pub(crate) fn put<T: BorshSerialize>(&mut self, key: &StateKey, value: &T) {
        let place = self.place(key);
        self.slots[place].change = Some(Some(codec::encode(value)));
    }

    /// Removes the record under `key`.
    pub(crate) fn remove(&mut self, key: &StateKey) {
        let place = self.place(key);
        self.slots[place].change = Some(None);
    }

    /// The slot of a key.
    fn place(&mut self, key: &StateKey) -> usize {
        self.buffer.clear();
        key.serialize(&mut self.buffer).expect("writing to memory cannot fail");
        let hash = hash(&self.buffer);
        if let Some(place) = self.places.find(hash, |place| *self.slots[place].key == *self.buffer) {
            return place;
        }
        let place = self.slots.len();
        self.slots.push(Slot { key: Cow::Owned(self.buffer.clone()), loaded: None, change: None });
        self.places.add(hash, place);
        place
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

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    hasher.finish()
}
