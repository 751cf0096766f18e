//! A transaction's sight of the state: loaded records below, its own changes above. Reading a key that was not loaded
//! stops the transaction; the missing keys are what the caller loads before it tries again.
//! Absent: partial effects. A stopped or rejected transaction's view is thrown away.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};

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

/// A record that was touched.
struct Slot<'a> {
    key: Vec<u8>,
    /// What the caller loaded; `None` when it did not.
    loaded: Option<&'a Option<Vec<u8>>>,
    /// What the transaction wrote.
    change: Option<Option<Vec<u8>>>,
    /// Another slot with the same hash.
    next: Option<usize>,
}

impl Slot<'_> {
    fn value(&self) -> Option<&Option<Vec<u8>>> {
        self.change.as_ref().or(self.loaded)
    }
}

/// A batch touches thousands of long keys with the same beginnings, many of them several times. So each is searched among the
/// loaded ones once, and then found by a hash. The hash decides nothing but where to look: keys with equal hashes are
/// chained and compared, and whatever leaves the view is in the order of the keys.
pub(crate) struct View<'a> {
    loaded: &'a Bytes,
    slots: Vec<Slot<'a>>,
    first: BTreeMap<u64, usize>,
    missing: BTreeSet<usize>,
    buffer: Vec<u8>,
}

impl<'a> View<'a> {
    pub(crate) fn new(loaded: &'a Bytes) -> Self {
        let (slots, first, missing, buffer) = (Vec::new(), BTreeMap::new(), BTreeSet::new(), Vec::new());
        Self { loaded, slots, first, missing, buffer }
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
        let mut missing: Vec<Vec<u8>> =
            self.missing.iter().map(|place| std::mem::take(&mut self.slots[*place].key)).collect();
        missing.sort_unstable();
        missing
    }

    /// What differs from what was loaded.
    pub(crate) fn into_changes(self) -> Bytes {
        let changed = self.slots.into_iter().filter_map(|slot| {
            let change = slot.change?;
            if slot.loaded == Some(&change) { None } else { Some((slot.key, change)) }
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
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.buffer);
        let hash = hasher.finish();
        let before = self.first.get(&hash).copied();
        let mut seen = before;
        while let Some(place) = seen {
            let slot = &self.slots[place];
            if slot.key == self.buffer {
                return place;
            }
            seen = slot.next;
        }
        let place = self.slots.len();
        let (key, loaded) = (self.buffer.clone(), self.loaded.get(&self.buffer));
        self.slots.push(Slot { key, loaded, change: None, next: before });
        self.first.insert(hash, place);
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
