//! The adapters of an engine: thousands by name, a few of them in memory.
//!
//! Rule: an adapter is read once when it is registered, and named from then on by what it computes; files that changed are
//! another adapter and are refused. Reading happens on a thread of its own, so no running stream waits for a disk. What is in
//! memory is bounded in number and bytes; the longest unused gives way, and what a request computes with never does.
//! Absent: fetching, and who may use which.

mod loader;
mod name;
mod state;

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use openledger_model::{Adapter, AdapterBase, AdapterError};

use crate::evidence::Hash;
use crate::request::SubmitError;

pub use name::{ADAPTER_NAME_BYTES_MAX, AdapterName, NotAnAdapterName};
pub(crate) use state::Poll;
use state::State;

/// Limits of a store.
#[derive(Debug, Clone, Copy)]
pub struct AdapterStoreConfig {
    /// Adapters that may be registered.
    pub registered_max: usize,
    /// Adapters that are held in memory.
    pub hot_max: usize,
    /// Bytes of adapters that are held in memory, also of those that are in use.
    pub hot_bytes_max: u64,
}

impl Default for AdapterStoreConfig {
    fn default() -> AdapterStoreConfig {
        AdapterStoreConfig { registered_max: 16_384, hot_max: 64, hot_bytes_max: 1 << 30 }
    }
}

/// A registered adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterInfo {
    /// Its name at this engine.
    pub name: AdapterName,
    /// SHA-256 over what it computes.
    pub id: Hash,
    /// Bytes that it takes in memory.
    pub bytes: u64,
}

/// What of a store is in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HotAdapters {
    /// How many.
    pub count: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Why an adapter was not registered, or not read again.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Its files are refused.
    #[error("adapter {name}: {reason}")]
    Adapter {
        /// The name.
        name: AdapterName,
        /// Why.
        reason: AdapterError,
    },
    /// The name is taken.
    #[error("adapter {name} is registered already; name the other one differently")]
    Twice {
        /// The name.
        name: AdapterName,
    },
    /// It does not fit in memory by itself.
    #[error("adapter {name} takes {bytes} bytes, all adapters together may take {limit}; raise the limit")]
    TooLarge {
        /// The name.
        name: AdapterName,
        /// Its size in memory.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Too many are registered.
    #[error("adapter {name}: {limit} adapters are registered already; remove some")]
    TooMany {
        /// The name.
        name: AdapterName,
        /// The limit.
        limit: usize,
    },
    /// The files are not those that were registered.
    #[error("adapter {name}: its files changed since it was registered; start the engine again")]
    Changed {
        /// The name.
        name: AdapterName,
    },
    /// No adapter computes this.
    #[error("no adapter {id} is registered; register the one that was used")]
    Unknown {
        /// The adapter.
        id: Hash,
    },
}

/// The adapters of one engine.
pub struct AdapterStore {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the store shares with the thread that reads files.
struct Shared {
    base: AdapterBase,
    config: AdapterStoreConfig,
    state: Mutex<State>,
    /// Told when an adapter is wanted or the store is closed.
    wanted: Condvar,
    /// Called after an adapter was read or could not be.
    listeners: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

impl AdapterStore {
    /// An empty store, with its thread.
    ///
    /// # Errors
    /// The thread cannot start.
    pub fn start(base: AdapterBase, config: AdapterStoreConfig) -> std::io::Result<Arc<AdapterStore>> {
        let shared = Arc::new(Shared {
            base,
            config,
            state: Mutex::new(State::default()),
            wanted: Condvar::new(),
            listeners: Mutex::new(Vec::new()),
        });
        let reading = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("adapters".to_owned()).spawn(move || reading.read_wanted())?;
        Ok(Arc::new(AdapterStore { shared, thread: Mutex::new(Some(thread)) }))
    }

    /// The model that the adapters are for.
    pub fn base(&self) -> &AdapterBase {
        &self.shared.base
    }

    /// Reads the adapter in a folder and keeps its name, its size and what it computes.
    ///
    /// # Errors
    /// Its files are refused, it is larger than the store may be, or name or place are taken.
    pub fn register(&self, name: AdapterName, folder: PathBuf) -> Result<AdapterInfo, RegisterError> {
        let limit = self.shared.config.hot_bytes_max;
        let adapter = match Adapter::open(&folder, &self.shared.base) {
            Ok(adapter) => adapter,
            Err(reason) => return Err(RegisterError::Adapter { name, reason }),
        };
        let info = AdapterInfo { name, id: Hash(adapter.id()), bytes: adapter.bytes() };
        if info.bytes > limit {
            return Err(RegisterError::TooLarge { name: info.name, bytes: info.bytes, limit });
        }
        self.shared.state().register(info.clone(), folder, self.shared.config.registered_max)?;
        Ok(info)
    }

    /// Every registered adapter, by name.
    pub fn list(&self) -> Vec<AdapterInfo> {
        self.shared.state().list()
    }

    /// The adapter of this name.
    pub fn info(&self, name: &AdapterName) -> Option<AdapterInfo> {
        self.shared.state().info(name)
    }

    /// What is in memory.
    pub fn hot(&self) -> HotAdapters {
        self.shared.state().hot()
    }

    /// Notes that a request will need an adapter, and has it read where it is not in memory.
    pub(crate) fn want(&self, name: &AdapterName) -> Result<(), SubmitError> {
        let is_known = self.shared.state().want(name);
        if !is_known {
            return Err(SubmitError::UnknownAdapter { name: name.clone() });
        }
        self.shared.wanted.notify_all();
        Ok(())
    }

    /// The adapter, where it is in memory; otherwise it is being read from now on.
    pub(crate) fn poll(&self, name: &AdapterName) -> Poll {
        let poll = self.shared.state().poll(name);
        if matches!(poll, Poll::Waiting) {
            self.shared.wanted.notify_all();
        }
        poll
    }

    /// Calls `listener` whenever an adapter was read or could not be.
    pub(crate) fn subscribe(&self, listener: Box<dyn Fn() + Send + Sync>) {
        self.shared.listeners().push(listener);
    }

    /// The adapter that computes this, read on the caller's thread where it is not in memory, and then not kept there.
    ///
    /// # Errors
    /// None is registered, or its files changed.
    pub fn open(&self, id: Hash) -> Result<Arc<Adapter>, RegisterError> {
        let place = self.shared.state().find(id).ok_or(RegisterError::Unknown { id })?;
        match place.hot {
            Some(adapter) => Ok(adapter),
            None => self.shared.read(&place.name, &place.folder, id).map(Arc::new),
        }
    }
}

impl Drop for AdapterStore {
    fn drop(&mut self) {
        self.shared.state().close();
        self.shared.wanted.notify_all();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // The thread's own panic has been reported by its hook; there is nothing to add here.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Box<dyn Fn() + Send + Sync>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
