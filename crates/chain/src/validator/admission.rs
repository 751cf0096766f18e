//! The way of a transaction into the mempool, from a caller or from another validator.
//! Absent: the wait for finality ([`crate::validator::handle`]).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::block::Transaction;
use crate::error::{ChainError, SubmitError};
use crate::execution::{StateReader, settle};
use crate::limits::TRANSACTION_BYTES_MAX;
use crate::machine::{BlockContext, Loaded};
use crate::mempool::Inserted;
use crate::shared::Stopped;
use crate::validator::application::Ledger;
use crate::validator::service::{Question, ValuesAt};

/// Asks the service; cheap to clone.
#[derive(Clone)]
pub(crate) struct Questions {
    pub(crate) sender: mpsc::Sender<Question>,
    pub(crate) stopped: Stopped,
}

impl Questions {
    /// Sends the question that `build` makes and waits for its answer.
    pub(crate) async fn ask<T>(
        &self,
        build: impl FnOnce(oneshot::Sender<Result<T, ChainError>>) -> Question,
    ) -> Result<T, ChainError> {
        if let Some(error) = self.stopped.get() {
            return Err(error);
        }
        let (answer, receiver) = oneshot::channel();
        if self.sender.send(build(answer)).await.is_err() {
            return Err(self.stopped.wait().await);
        }
        match receiver.await {
            Ok(result) => result,
            Err(_) => Err(self.stopped.wait().await),
        }
    }

    pub(crate) async fn values(&self, keys: Vec<Vec<u8>>) -> Result<ValuesAt, ChainError> {
        self.ask(|answer| Question::Values { keys, answer }).await
    }
}

/// Reads the finalized state for a check. A failure is kept aside, because the rules only know values.
struct FinalizedState<'a> {
    questions: &'a Questions,
    failure: Mutex<Option<ChainError>>,
}

impl StateReader for FinalizedState<'_> {
    async fn read(&self, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        match self.questions.values(keys.to_vec()).await {
            Ok((_, values)) => values,
            Err(error) => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                vec![None; keys.len()]
            }
        }
    }
}

/// Checks and inserts.
#[derive(Clone)]
pub(crate) struct Admission {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) questions: Questions,
}

impl Admission {
    /// Takes a transaction into the mempool, or says why not.
    pub(crate) async fn admit(&self, transaction: Transaction) -> Result<Inserted, SubmitError> {
        let bytes = transaction.bytes.len();
        if bytes == 0 {
            return Err(SubmitError::Empty);
        }
        if bytes > TRANSACTION_BYTES_MAX {
            return Err(SubmitError::TooLarge { bytes });
        }
        if let Some(error) = self.questions.stopped.get() {
            return Err(error.into());
        }
        if let Some(known) = self.ledger.mempool.lookup(&transaction.hash) {
            return Ok(known);
        }
        self.check(&transaction.bytes).await?;
        self.ledger.mempool.insert(transaction)
    }

    async fn check(&self, transaction: &Bytes) -> Result<(), SubmitError> {
        let context = {
            let tip = self.ledger.tip.borrow();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
            BlockContext {
                height: tip.header.height.get().saturating_add(1),
                timestamp_ms: now_ms.max(tip.header.timestamp_ms.saturating_add(1)),
                chain_id: self.ledger.chain_id,
                // The next block's is not known; a check for the mempool draws nothing.
                randomness: crate::beacon::randomness(&tip.header.reveal),
            }
        };
        let state = FinalizedState { questions: &self.questions, failure: Mutex::default() };
        let mut known = Loaded::new();
        let machine = &self.ledger.machine;
        let settled = settle(&mut known, &state, |loaded| machine.check(transaction, &context, loaded)).await;
        if let Some(error) = state.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error.into());
        }
        match settled {
            Ok(outcome) => {
                outcome.result.map_err(|number| SubmitError::Rejected { number, output: outcome.output })
            }
            Err(number) => Err(SubmitError::Rejected { number, output: Vec::new() }),
        }
    }
}
