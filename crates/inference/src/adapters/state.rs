//! Which adapters there are and which of them are in memory.
//!
//! Rule: values in, values out, under one lock; nothing here reads a file. Room is reserved before a file is read, so the
//! limits hold while it is.
//! Absent: the thread that reads.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use openledger_model::Adapter;

use super::{AdapterInfo, AdapterName, AdapterStoreConfig, HotAdapters, RegisterError};
use crate::evidence::Hash;

/// What is known of one adapter now.
pub(crate) enum Poll {
    /// It is in memory.
    Ready(Arc<Adapter>),
    /// It is being read.
    Waiting,
    /// It could not be read.
    Failed(Arc<str>),
}

/// What is needed to read an adapter.
pub(super) struct Place {
    pub(super) name: AdapterName,
    pub(super) folder: PathBuf,
    pub(super) id: Hash,
    pub(super) bytes: u64,
    pub(super) hot: Option<Arc<Adapter>>,
}

#[derive(Default)]
pub(super) struct State {
    entries: BTreeMap<AdapterName, Entry>,
    /// Names that are to be read, each once.
    queue: VecDeque<AdapterName>,
    /// What is in memory or has room reserved.
    hot_count: usize,
    hot_bytes: u64,
    /// Counts uses, so that the longest unused can be found without a clock.
    uses: u64,
    closed: bool,
}

struct Entry {
    info: AdapterInfo,
    folder: PathBuf,
    stage: Stage,
    last_use: u64,
}

enum Stage {
    Cold,
    Queued,
    Hot(Arc<Adapter>),
    Failed(Arc<str>),
}

impl State {
    pub(super) fn register(
        &mut self,
        info: AdapterInfo,
        folder: PathBuf,
        limit: usize,
    ) -> Result<(), RegisterError> {
        let name = info.name.clone();
        if self.entries.contains_key(&name) {
            return Err(RegisterError::Twice { name });
        }
        if self.entries.len() >= limit {
            return Err(RegisterError::TooMany { name, limit });
        }
        self.entries.insert(name, Entry { info, folder, stage: Stage::Cold, last_use: 0 });
        Ok(())
    }

    pub(super) fn list(&self) -> Vec<AdapterInfo> {
        self.entries.values().map(|entry| entry.info.clone()).collect()
    }

    pub(super) fn info(&self, name: &AdapterName) -> Option<AdapterInfo> {
        self.entries.get(name).map(|entry| entry.info.clone())
    }

    pub(super) fn hot(&self) -> HotAdapters {
        HotAdapters { count: self.hot_count, bytes: self.hot_bytes }
    }

    /// The adapter that computes this.
    pub(super) fn find(&self, id: Hash) -> Option<Place> {
        self.entries.values().find(|entry| entry.info.id == id).map(Entry::place)
    }

    /// Has an adapter read, also one that could not be read before; false where there is none of this name.
    pub(super) fn want(&mut self, name: &AdapterName) -> bool {
        let Some(entry) = self.entries.get_mut(name) else { return false };
        self.uses += 1;
        entry.last_use = self.uses;
        if matches!(entry.stage, Stage::Cold | Stage::Failed(_)) {
            entry.stage = Stage::Queued;
            self.queue.push_back(name.clone());
        }
        true
    }

    /// What is known now; what gave way meanwhile is read again.
    pub(super) fn poll(&mut self, name: &AdapterName) -> Poll {
        match self.entries.get_mut(name).map(|entry| &entry.stage) {
            Some(Stage::Failed(reason)) => return Poll::Failed(Arc::clone(reason)),
            None => return Poll::Failed("it is not registered".into()),
            Some(_) => self.want(name),
        };
        match self.entries.get(name).map(|entry| &entry.stage) {
            Some(Stage::Hot(adapter)) => Poll::Ready(Arc::clone(adapter)),
            _ => Poll::Waiting,
        }
    }

    /// The next adapter that is to be read.
    pub(super) fn next(&mut self) -> Option<Place> {
        let name = self.queue.pop_front()?;
        self.entries.get(&name).map(Entry::place)
    }

    /// Reserves room for so many bytes; the longest unused give way, unless somebody computes with them. False where there
    /// is no room yet.
    pub(super) fn reserve(&mut self, bytes: u64, config: &AdapterStoreConfig) -> bool {
        while self.hot_count >= config.hot_max.max(1) || self.hot_bytes + bytes > config.hot_bytes_max {
            let idle = self.entries.values_mut().filter(
                |entry| matches!(&entry.stage, Stage::Hot(adapter) if Arc::strong_count(adapter) == 1),
            );
            let Some(oldest) = idle.min_by_key(|entry| entry.last_use) else { return false };
            oldest.stage = Stage::Cold;
            self.hot_count -= 1;
            self.hot_bytes -= oldest.info.bytes;
        }
        self.hot_count += 1;
        self.hot_bytes += bytes;
        true
    }

    /// Notes how reading ended; room that was reserved in vain is given back.
    pub(super) fn finish(&mut self, place: &Place, read: Result<Arc<Adapter>, Arc<str>>) {
        if read.is_err() {
            self.hot_count -= 1;
            self.hot_bytes -= place.bytes;
        }
        if let Some(entry) = self.entries.get_mut(&place.name) {
            entry.stage = read.map_or_else(Stage::Failed, Stage::Hot);
        }
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }
}

impl Entry {
    fn place(&self) -> Place {
        let hot = match &self.stage {
            Stage::Hot(adapter) => Some(Arc::clone(adapter)),
            _ => None,
        };
        let AdapterInfo { name, id, bytes } = self.info.clone();
        Place { name, folder: self.folder.clone(), id, bytes, hot }
    }
}
