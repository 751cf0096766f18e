//! Blocks and transactions, newest kept. Absent: bytes; whoever wants to verify a block asks the chain.

use std::collections::{BTreeMap, VecDeque};

use openledger_types::{AccountId, Event, Hash, Rejection};

/// A block.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) height: u64,
    pub(crate) digest: Hash,
    pub(crate) parent: Hash,
    pub(crate) timestamp_ms: u64,
    pub(crate) state_root: Hash,
    pub(crate) transactions: Vec<Hash>,
    pub(crate) events: u64,
}

/// A transaction.
#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    pub(crate) height: u64,
    pub(crate) index: u32,
    pub(crate) timestamp_ms: u64,
    pub(crate) sender: Option<AccountId>,
    pub(crate) nonce: u64,
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) result: Result<(), Rejection>,
    pub(crate) event_count: u64,
    pub(crate) events: Option<Vec<Event>>,
}

/// What is kept of the chain.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    pub(crate) kept: VecDeque<Block>,
    pub(crate) transactions: BTreeMap<Hash, Transaction>,
    pub(crate) transaction_order: VecDeque<Hash>,
    events_order: VecDeque<(Hash, usize)>,
    events_kept: usize,
    pub(crate) transactions_seen: u64,
    pub(crate) rejected_seen: u64,
}

impl Blocks {
    pub(crate) fn push(&mut self, block: Block, blocks_max: usize) {
        self.kept.push_back(block);
        while self.kept.len() > blocks_max {
            self.kept.pop_front();
        }
    }

    pub(crate) fn push_transaction(
        &mut self,
        hash: Hash,
        transaction: Transaction,
        transactions_max: usize,
        events_max: usize,
    ) {
        self.transactions_seen += 1;
        self.rejected_seen += u64::from(transaction.result.is_err());
        let events = transaction.events.as_ref().map_or(0, Vec::len);
        // The chain may order the same bytes twice; the ledger refuses the second, and the first is what happened.
        if self.transactions.contains_key(&hash) {
            return;
        }
        self.transactions.insert(hash, transaction);
        self.transaction_order.push_back(hash);
        self.events_order.push_back((hash, events));
        self.events_kept += events;
        while self.events_kept > events_max {
            let Some((oldest, count)) = self.events_order.pop_front() else { break };
            self.events_kept -= count;
            if let Some(transaction) = self.transactions.get_mut(&oldest) {
                transaction.events = None;
            }
        }
        while self.transaction_order.len() > transactions_max {
            let Some(oldest) = self.transaction_order.pop_front() else { break };
            self.transactions.remove(&oldest);
            if self.events_order.front().is_some_and(|(hash, _)| *hash == oldest)
                && let Some((_, count)) = self.events_order.pop_front()
            {
                self.events_kept -= count;
            }
        }
    }

    /// The block at a height, if it is kept.
    pub(crate) fn at(&self, height: u64) -> Option<&Block> {
        let first = self.kept.front()?.height;
        self.kept.get(usize::try_from(height.checked_sub(first)?).ok()?)
    }
}
