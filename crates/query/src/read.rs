//! [`ReadModels`]: one writer, many readers. Every question takes the read lock for as long as it takes to copy the
//! answer out, and answers are bounded by pages. Absent: waiting for a height; the chain does that.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use openledger_types::AccountId;

use crate::facts::{BlockFacts, ReceiptFacts};
use crate::settings::Settings;
use crate::state::{Applied, ApplyError, ReceiptError, State};
use crate::views::AccountRef;

mod account;
mod chain;
mod datanet;
mod market;
mod network;
mod settlement;

/// The read models of one network.
#[derive(Debug)]
pub struct ReadModels {
    state: RwLock<State>,
}

impl ReadModels {
    /// Empty models, before the first block.
    pub fn new(settings: Settings) -> Self {
        Self { state: RwLock::new(State::new(settings)) }
    }

    /// Applies the next finalized block. A block that was applied changes nothing.
    pub fn apply(&self, block: BlockFacts) -> Result<Applied, ApplyError> {
        self.write().apply(block)
    }

    /// The height that was applied last; 0 before the first block.
    pub fn height(&self) -> u64 {
        self.read().blocks.kept.back().map_or(0, |block| block.height)
    }

    /// Takes in a receipt, before or after its batch. The same receipt again changes nothing.
    pub fn add_receipt(&self, receipt: ReceiptFacts) -> Result<Applied, ReceiptError> {
        self.write().add_receipt(receipt)
    }

    /// Sets the local name and note of an account; an empty name removes both. False when the limit of names is
    /// reached.
    pub fn set_account_name(&self, account: AccountId, name: &str, note: &str) -> bool {
        let mut state = self.write();
        let names_max = state.settings.limits.names_max;
        state.accounts.label(account, name, note, names_max)
    }

    /// An account with its local name.
    pub fn account_ref(&self, account: AccountId) -> AccountRef {
        self.read().account_ref(account)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // A writer that panicked stops the node; readers that are still here may finish.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn account_ref(&self, id: AccountId) -> AccountRef {
        AccountRef { id, name: self.accounts.labels.get(&id).map(|label| label.name.clone()) }
    }
}
