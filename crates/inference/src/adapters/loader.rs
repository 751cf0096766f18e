//! The thread that reads adapters.
//!
//! Rule: one after the other, in the order in which they were wanted; a file that cannot be read fails the requests for it
//! and nothing else.
//! Absent: reading several at once, which would only share the disk and the cores.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use openledger_model::Adapter;

use super::state::Place;
use super::{AdapterName, RegisterError, Shared};
use crate::evidence::Hash;

/// How often it is looked whether somebody stopped computing with an adapter, while all that fit are in use.
const LOOK: Duration = Duration::from_millis(5);

/// How far the reading thread stands behind those that compute, where all cores are busy: it gets a tenth of what they get.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// On Linux this is of the calling thread alone. Where it is refused, reading takes turns with computing.
fn give_way() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICE);
}

impl Shared {
    /// Reads what is wanted until the store is closed.
    pub(super) fn read_wanted(&self) {
        give_way();
        while let Some(place) = self.next() {
            let opened = catch_unwind(AssertUnwindSafe(|| self.read(&place.name, &place.folder, place.id)));
            let read = match opened {
                Ok(Ok(adapter)) => Ok(Arc::new(adapter)),
                Ok(Err(error)) => Err(error.to_string().into()),
                Err(_) => Err(format!("adapter {}: reading it failed; see the log", place.name).into()),
            };
            self.state().finish(&place, read);
            self.listeners().iter().for_each(|listener| listener());
        }
    }

    /// Waits for an adapter that is wanted and for room to read it into; `None` once the store is closed.
    fn next(&self) -> Option<Place> {
        let mut state = self.state();
        let place = loop {
            if state.is_closed() {
                return None;
            }
            if let Some(place) = state.next() {
                break place;
            }
            state = self.wanted.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        while !state.reserve(place.bytes, &self.config) {
            if state.is_closed() {
                return None;
            }
            state = self.wanted.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(place)
    }

    /// Reads an adapter's files, which must be those that were registered.
    pub(super) fn read(&self, name: &AdapterName, folder: &Path, id: Hash) -> Result<Adapter, RegisterError> {
        let adapter = Adapter::open(folder, &self.base)
            .map_err(|reason| RegisterError::Adapter { name: name.clone(), reason })?;
        if Hash(adapter.id()) == id {
            Ok(adapter)
        } else {
            Err(RegisterError::Changed { name: name.clone() })
        }
    }
}
