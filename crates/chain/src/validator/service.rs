//! Answers questions about finalized blocks and state on the engine's own runtime.
//!
//! Questions arrive on a bounded channel and at most [`CONCURRENT_MAX`] are worked on at once.
//! Rule: a state is read together with the height it belongs to. Between applying a block and announcing it the two
//! differ for a moment; a reader then looks again.
//! Absent: writing.

use std::sync::Arc;
use std::time::Duration;

use commonware_consensus::{
    marshal::{core::Mailbox as MarshalMailbox, standard::Standard},
    simplex::scheme::ed25519::Scheme,
    types::Height,
};
use commonware_cryptography::sha256;
use commonware_runtime::{Clock as _, tokio as runtime};
use commonware_storage::qmdb::Error as StateError;
use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::{mpsc, oneshot};

use crate::block::Block;
use crate::error::ChainError;
use crate::proof::InclusionProof;
use crate::shared::TipBlock;
use crate::state::{Database, Databases, slot};
use crate::validator::application::Ledger;

/// Questions worked on at once; more wait in the channel.
const CONCURRENT_MAX: usize = 64;
/// How often a reader looks again when state and tip differ, or no certificate has come yet.
const ATTEMPTS_MAX: usize = 400;
/// How long it waits between two looks, unless the tip moves first.
const ATTEMPT_WAIT: Duration = Duration::from_millis(25);

pub(crate) type Marshal = MarshalMailbox<Scheme, Standard<Block>>;
type Answer<T> = oneshot::Sender<Result<T, ChainError>>;
/// Values with the height they belong to.
pub(crate) type ValuesAt = (u64, Vec<Option<Vec<u8>>>);

/// A question and where the answer goes.
pub(crate) enum Question {
    Values { keys: Vec<Vec<u8>>, answer: Answer<ValuesAt> },
    Block { height: u64, answer: Answer<Option<Arc<Block>>> },
    Prove { key: Vec<u8>, answer: Answer<InclusionProof> },
}

/// What answers need.
pub(crate) struct Service {
    pub(crate) runtime: runtime::Context,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) marshal: Marshal,
    pub(crate) databases: Databases,
}

impl Service {
    /// Serves until the channel closes.
    pub(crate) async fn run(self, mut questions: mpsc::Receiver<Question>) {
        let mut working = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(()) = working.next(), if !working.is_empty() => {}
                question = questions.recv(), if working.len() < CONCURRENT_MAX => match question {
                    Some(question) => working.push(self.answer(question)),
                    None => return,
                },
            }
        }
    }

    /// A caller that gave up has dropped its end; its answer goes nowhere.
    async fn answer(&self, question: Question) {
        match question {
            Question::Values { keys, answer } => drop(answer.send(self.values(&keys).await)),
            Question::Block { height, answer } => drop(answer.send(Ok(self.block(height).await))),
            Question::Prove { key, answer } => drop(answer.send(self.prove(key).await)),
        }
    }

    async fn block(&self, height: u64) -> Option<Arc<Block>> {
        let tip = self.ledger.tip.borrow().clone();
        if height > tip.header.height.get() {
            return None;
        }
        if height == tip.header.height.get() {
            return Some(tip);
        }
        let block = self.marshal.get_block(Height::new(height)).await?;
        Some(block.inner_shared())
    }

    async fn values(&self, keys: &[Vec<u8>]) -> Result<ValuesAt, ChainError> {
        for _ in 0..ATTEMPTS_MAX {
            let tip = self.ledger.tip.borrow().clone();
            let height = tip.header.height.get();
            if height == 0 {
                return Ok((0, keys.iter().map(|key| self.ledger.genesis_state.get(key).cloned()).collect()));
            }
            let database = self.databases.read().await;
            if database.root() == tip.header.state_root {
                let mut values = Vec::with_capacity(keys.len());
                for key in keys {
                    values.push(
                        database
                            .get(&slot(key))
                            .await
                            .expect("the state is readable; otherwise it is damaged"),
                    );
                }
                return Ok((height, values));
            }
            drop(database);
            self.next_look(&tip).await;
        }
        Err(ChainError::Busy)
    }

    /// Proves at the newest height that has its own certificate.
    async fn prove(&self, key: Vec<u8>) -> Result<InclusionProof, ChainError> {
        let mut height = 0;
        for _ in 0..ATTEMPTS_MAX {
            let tip = self.ledger.tip.borrow().clone();
            height = tip.header.height.get();
            if let Some(proof) = self.prove_at(&key, &tip).await? {
                return Ok(proof);
            }
            self.next_look(&tip).await;
        }
        Err(ChainError::NotCertified { height })
    }

    async fn prove_at(&self, key: &[u8], tip: &TipBlock) -> Result<Option<InclusionProof>, ChainError> {
        let height = tip.header.height;
        if height.get() == 0 {
            return Ok(None);
        }
        let (value, state) = {
            let database = self.databases.read().await;
            if database.root() != tip.header.state_root {
                return Ok(None);
            }
            match read_with_proof(&database, slot(key)).await {
                Some(found) => found,
                None => return Err(ChainError::KeyAbsent { height: height.get() }),
            }
        };
        // A block may be final through a descendant alone; then a later height is proven instead.
        let Some(certificate) = self.marshal.get_finalization(height).await else { return Ok(None) };
        Ok(Some(InclusionProof::new(key.to_vec(), value, state, tip.header.clone(), certificate)))
    }

    async fn next_look(&self, seen: &TipBlock) {
        let mut tip = self.ledger.tip.subscribe();
        let moved = async {
            // An error means that the ledger is gone; the attempts run out then.
            let _ = tip.wait_for(|tip| tip.header.height > seen.header.height).await;
        };
        tokio::select! {
            () = moved => {}
            () = self.runtime.sleep(ATTEMPT_WAIT) => {}
        }
    }
}

async fn read_with_proof(
    database: &Database,
    slot: sha256::Digest,
) -> Option<(Vec<u8>, crate::state::StateProof)> {
    let value = database.get(&slot).await.expect("the state is readable; otherwise it is damaged")?;
    match database.key_value_proof(slot).await {
        Ok(proof) => Some((value, proof)),
        Err(StateError::KeyNotFound) => None,
        Err(error) => panicked_state(error),
    }
}

#[expect(clippy::panic, reason = "a damaged store stops the validator; the supervisor reports it")]
fn panicked_state<E: std::fmt::Display>(error: E) -> ! {
    panic!("the state cannot be read: {error}")
}
