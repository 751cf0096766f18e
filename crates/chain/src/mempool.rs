//! Transactions that wait for a block, and callers that wait for a transaction.
//!
//! Rule: first in, first out, within limits on count and bytes; a transaction leaves only by being finalized. A
//! duplicate is answered with the same hash. The content is lost when the process ends: only finalized is durable.
//! Absent: order by fee; replay protection beyond the recently finalized (the rules carry nonces).

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use commonware_cryptography::sha256;
use tokio::sync::{Notify, oneshot};

use crate::block::{Block, Transaction};
use crate::config::MempoolLimits;
use crate::error::SubmitError;
use crate::shared::Finalized;

/// How many finalized transactions are remembered to answer duplicates.
const RECENT_MAX: usize = 65_536;
/// How many callers may wait for one transaction.
const WAITERS_PER_TRANSACTION_MAX: usize = 64;

/// Where a finalized transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) height: u64,
    pub(crate) index: usize,
}

/// What became of an insertion.
#[derive(Debug)]
pub(crate) enum Inserted {
    /// New here: tell the other validators.
    New,
    /// It waits already.
    Duplicate,
    /// It is final already.
    Finalized(Place),
}

#[derive(Default)]
struct State {
    /// Waiting transactions by order of arrival.
    waiting: BTreeMap<u64, Transaction>,
    order: HashMap<sha256::Digest, u64>,
    next: u64,
    bytes: usize,
    /// Orders that no block in flight contains.
    fresh: BTreeSet<u64>,
    waiters: HashMap<sha256::Digest, Vec<oneshot::Sender<Finalized>>>,
    recent: HashMap<sha256::Digest, Place>,
    recent_order: VecDeque<sha256::Digest>,
}

pub(crate) struct Mempool {
    limits: MempoolLimits,
    state: Mutex<State>,
    arrived: Notify,
}

impl Mempool {
    pub(crate) fn new(limits: MempoolLimits) -> Self {
        Self { limits, state: Mutex::default(), arrived: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every critical section leaves the state consistent, also when a later one panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a transaction, or says why not.
    pub(crate) fn insert(&self, transaction: Transaction) -> Result<Inserted, SubmitError> {
        let mut state = self.lock();
        if let Some(place) = state.recent.get(&transaction.hash) {
            return Ok(Inserted::Finalized(*place));
        }
        if state.order.contains_key(&transaction.hash) {
            return Ok(Inserted::Duplicate);
        }
        let bytes = state.bytes.saturating_add(transaction.bytes.len());
        if state.waiting.len() >= self.limits.transactions_max || bytes > self.limits.bytes_max {
            return Err(SubmitError::MempoolFull { transactions: state.waiting.len(), bytes: state.bytes });
        }
        let order = state.next;
        state.next = state.next.saturating_add(1);
        state.bytes = bytes;
        state.order.insert(transaction.hash, order);
        state.fresh.insert(order);
        state.waiting.insert(order, transaction);
        drop(state);
        self.arrived.notify_waiters();
        Ok(Inserted::New)
    }

    /// What is known of a transaction without inserting it.
    pub(crate) fn lookup(&self, hash: &sha256::Digest) -> Option<Inserted> {
        let state = self.lock();
        if let Some(place) = state.recent.get(hash) {
            return Some(Inserted::Finalized(*place));
        }
        state.order.contains_key(hash).then_some(Inserted::Duplicate)
    }

    /// Resolves when the transaction is finalized. Register before inserting.
    pub(crate) fn wait_for(&self, hash: sha256::Digest) -> Result<oneshot::Receiver<Finalized>, SubmitError> {
        let mut state = self.lock();
        let waiters = state.waiters.entry(hash).or_default();
        waiters.retain(|waiter| !waiter.is_closed());
        if waiters.len() >= WAITERS_PER_TRANSACTION_MAX {
            return Err(SubmitError::TooManyWaiters);
        }
        let (sender, receiver) = oneshot::channel();
        waiters.push(sender);
        Ok(receiver)
    }

    /// Forgets callers that gave up waiting for `hash`.
    pub(crate) fn forget_waiters(&self, hash: &sha256::Digest) {
        let mut state = self.lock();
        if let Some(waiters) = state.waiters.get_mut(hash) {
            waiters.retain(|waiter| !waiter.is_closed());
            if waiters.is_empty() {
                state.waiters.remove(hash);
            }
        }
    }

    /// The oldest transactions that are not in `excluded`, at most `count_max` with at most `bytes_max` bytes.
    pub(crate) fn select(
        &self,
        excluded: &BTreeSet<sha256::Digest>,
        count_max: usize,
        bytes_max: usize,
    ) -> Vec<Transaction> {
        let state = self.lock();
        let mut selected = Vec::new();
        let mut bytes = 0usize;
        for transaction in state.waiting.values() {
            if selected.len() >= count_max {
                break;
            }
            if excluded.contains(&transaction.hash) {
                continue;
            }
            bytes = bytes.saturating_add(transaction.bytes.len());
            if bytes > bytes_max {
                break;
            }
            selected.push(transaction.clone());
        }
        selected
    }

    /// These are in a block that is being decided: they do not call for another block.
    pub(crate) fn mark_in_flight(&self, transactions: &[Transaction]) {
        let mut state = self.lock();
        for transaction in transactions {
            if let Some(order) = state.order.get(&transaction.hash).copied() {
                state.fresh.remove(&order);
            }
        }
    }

    /// Resolves when a transaction waits that is in no block in flight.
    pub(crate) async fn has_fresh(&self) {
        loop {
            let arrived = self.arrived.notified();
            if !self.lock().fresh.is_empty() {
                return;
            }
            arrived.await;
        }
    }

    /// A block is final: its transactions leave, those who wait for them are told.
    pub(crate) fn finalized(&self, block: &Block) {
        let mut state = self.lock();
        for (index, transaction) in block.transactions.iter().enumerate() {
            state.remember(transaction.hash, Place { height: block.header.height.get(), index });
            if let Some(order) = state.order.remove(&transaction.hash) {
                state.fresh.remove(&order);
                if let Some(gone) = state.waiting.remove(&order) {
                    state.bytes = state.bytes.saturating_sub(gone.bytes.len());
                }
            }
            if let Some(waiters) = state.waiters.remove(&transaction.hash)
                && let Some(finalized) = Finalized::at(block, index)
            {
                for waiter in waiters {
                    // A caller that gave up has dropped its end.
                    let _ = waiter.send(finalized.clone());
                }
            }
        }
    }

    /// Ends all waiting; the chain has stopped.
    pub(crate) fn close(&self) {
        self.lock().waiters.clear();
    }
}

impl State {
    fn remember(&mut self, hash: sha256::Digest, place: Place) {
        if self.recent.insert(hash, place).is_none() {
            self.recent_order.push_back(hash);
            if self.recent_order.len() > RECENT_MAX
                && let Some(oldest) = self.recent_order.pop_front()
            {
                self.recent.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::FutureExt as _;

    use super::*;

    fn transaction(text: &str) -> Transaction {
        Transaction::new(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn small() -> Mempool {
        Mempool::new(MempoolLimits { transactions_max: 3, bytes_max: 10 })
    }

    #[test]
    fn duplicates_are_not_new_and_limits_hold() {
        let mempool = small();
        assert!(matches!(mempool.insert(transaction("aaaa")), Ok(Inserted::New)));
        assert!(matches!(mempool.insert(transaction("aaaa")), Ok(Inserted::Duplicate)));
        assert!(matches!(
            mempool.insert(transaction("bbbbbbb")),
            Err(SubmitError::MempoolFull { transactions: 1, bytes: 4 })
        ));
        assert!(matches!(mempool.insert(transaction("b")), Ok(Inserted::New)));
        assert!(matches!(mempool.insert(transaction("c")), Ok(Inserted::New)));
        assert!(matches!(
            mempool.insert(transaction("d")),
            Err(SubmitError::MempoolFull { transactions: 3, bytes: 6 })
        ));
    }

    #[test]
    fn selection_is_first_in_first_out_within_limits() {
        let mempool = small();
        for text in ["one", "two", "six"] {
            mempool.insert(transaction(text)).expect("fits");
        }
        let names = |excluded: &[&str], count, bytes| -> Vec<Bytes> {
            let excluded = excluded.iter().map(|text| transaction(text).hash).collect();
            mempool.select(&excluded, count, bytes).into_iter().map(|one| one.bytes).collect()
        };
        assert_eq!(names(&[], 9, 100), ["one", "two", "six"]);
        assert_eq!(names(&[], 2, 100), ["one", "two"]);
        assert_eq!(names(&[], 9, 6), ["one", "two"]);
        assert_eq!(names(&["one"], 9, 6), ["two", "six"]);
    }

    #[test]
    fn transactions_in_flight_do_not_call_for_a_block() {
        let mempool = small();
        assert!(mempool.has_fresh().now_or_never().is_none());
        mempool.insert(transaction("one")).expect("fits");
        assert!(mempool.has_fresh().now_or_never().is_some());
        mempool.mark_in_flight(&[transaction("one")]);
        assert!(mempool.has_fresh().now_or_never().is_none());
        assert_eq!(mempool.select(&BTreeSet::new(), 9, 100).len(), 1);
    }

    #[test]
    fn waiters_are_bounded() {
        let mempool = small();
        let hash = transaction("one").hash;
        let kept: Vec<_> =
            (0..WAITERS_PER_TRANSACTION_MAX).map(|_| mempool.wait_for(hash).expect("room")).collect();
        assert_eq!(mempool.wait_for(hash).err(), Some(SubmitError::TooManyWaiters));
        drop(kept);
        assert!(mempool.wait_for(hash).is_ok());
    }
}
