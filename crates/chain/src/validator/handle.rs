//! The handle to a running validator. Cheap to clone; its methods work from any tokio runtime.
//!
//! Rule: what is answered as finalized is on disk and survives `kill -9`; what is only submitted does not.
//! Absent: the engine ([`crate::validator::engine`]) and its decisions.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_cryptography::{ed25519, sha256};
use commonware_glue::stateful::db::DatabaseSet;
use commonware_runtime::tokio as runtime;
use commonware_utils::ordered::Set;
use tokio::sync::{mpsc, oneshot, watch};

use crate::beacon::Beacon;
use crate::block::{Block, Transaction};
use crate::config::{ChainConfig, IDLE_INTERVAL_MAX, MIN_INTERVAL_MAX};
use crate::directory;
use crate::error::{ChainError, StartError, SubmitError};
use crate::identity::{Digest, NetworkIdentity, Validator, ValidatorKey, private_key};
use crate::limits::{STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX};
use crate::machine::StateMachine;
use crate::mempool::{Inserted, Mempool};
use crate::proof::InclusionProof;
use crate::shared::{Finalized, FinalizedBlock, Stopped, Tip};
use crate::state::Databases;
use crate::validator::admission::{Admission, Questions};
use crate::validator::application::Ledger;
use crate::validator::engine::{self, EngineConfig, EngineEnds};
use crate::validator::link::Addresses;
use crate::validator::service::Question;

/// Questions to the engine that may wait.
const QUESTIONS_MAX: usize = 1024;
/// Transactions that may wait to be told to other validators; more are not told.
const GOSSIP_MAX: usize = 4096;
/// Blocks read at start, so that duplicates of recent transactions are recognised.
const RECENT_BLOCKS: u64 = 128;

/// A running validator.
#[derive(Clone)]
pub struct Chain {
    inner: Arc<Inner>,
}

struct Inner {
    identity: NetworkIdentity,
    admission: Admission,
    gossip: Option<mpsc::Sender<Bytes>>,
    shutdown: Mutex<Option<oneshot::Sender<()>>>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("network", &self.inner.identity.name).field("tip", &self.tip()).finish()
    }
}

/// A value of the finalized state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateValue {
    /// The height that was read.
    pub height: u64,
    /// The value; `None` when the key is absent.
    pub value: Option<Vec<u8>>,
}

/// Values of the finalized state, all at one height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateValues {
    /// The height that was read.
    pub height: u64,
    /// One for each key, in their order.
    pub values: Vec<Option<Vec<u8>>>,
}

/// At which height to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProveAt {
    /// The newest finalized height.
    Latest,
    /// The newest finalized height once it is at least this one.
    AtLeast(u64),
}

impl Chain {
    /// Starts the validator and returns when everything that was final before is applied again.
    ///
    /// The directory is locked until [`Chain::shutdown`] returns or the last handle is dropped and the engine ends.
    pub async fn start(config: ChainConfig, machine: Arc<dyn StateMachine>) -> Result<Self, StartError> {
        let participants = check(&config)?;
        let addresses = addresses(&config)?;
        let signer = private_key(&config.validator_seed);
        let namespace = config.identity.namespace();
        let scheme = Scheme::signer(&namespace, participants.clone(), signer.clone())
            .ok_or(StartError::NotAValidator { key: ValidatorKey::from_seed(&config.validator_seed) })?;
        let directory = directory::open(&config.dir, &config.identity)?;

        let ledger = ledger(&config, machine, &participants);
        let stopped = Stopped::new();
        let (questions, questions_end) = mpsc::channel(QUESTIONS_MAX);
        let (gossip, gossip_end) = mpsc::channel(GOSSIP_MAX);
        let (shutdown, shutdown_end) = oneshot::channel();
        let (ready, ready_end) = oneshot::channel();
        let questions = Questions { sender: questions, stopped: stopped.clone() };
        let admission = Admission { ledger: Arc::clone(&ledger), questions };
        let validators = u32::try_from(config.identity.validators.len()).unwrap_or(u32::MAX);
        let engine = EngineConfig {
            storage: directory.engine,
            namespace,
            scheme,
            signer,
            validators,
            addresses,
            idle_interval: config.idle_interval,
            min_interval: config.min_interval,
            lock: directory.lock,
        };
        let ends = EngineEnds {
            ledger,
            questions: questions_end,
            gossip: gossip_end,
            admission: admission.clone(),
            shutdown: shutdown_end,
            ready,
            stopped: stopped.clone(),
        };
        engine::spawn(engine, ends)
            .map_err(|error| StartError::Directory { dir: config.dir.clone(), reason: error.to_string() })?;
        if ready_end.await.is_err() {
            let reason = match stopped.wait().await {
                ChainError::Halted(reason) => reason,
                other => other.to_string(),
            };
            return Err(StartError::Damaged { dir: config.dir, reason });
        }
        let inner = Inner {
            identity: config.identity,
            admission,
            gossip: (validators > 1).then_some(gossip),
            shutdown: Mutex::new(Some(shutdown)),
        };
        let chain = Self { inner: Arc::new(inner) };
        chain.remember_recent().await;
        Ok(chain)
    }

    /// The network's public identity.
    pub fn identity(&self) -> &NetworkIdentity {
        &self.inner.identity
    }

    /// The newest finalized block.
    pub fn tip(&self) -> Tip {
        Tip::of(&self.ledger().tip.borrow())
    }

    /// Takes a transaction into the mempool and answers its hash; finality comes later, if the process lives.
    pub async fn submit(&self, transaction: impl Into<Bytes>) -> Result<Digest, SubmitError> {
        let transaction = Transaction::new(transaction.into());
        let hash = transaction.hash;
        self.admit(transaction).await?;
        Ok(hash.into())
    }

    /// Submits and waits until the transaction is final. A transaction that is final already is answered from the
    /// chain.
    pub async fn submit_and_wait(&self, transaction: impl Into<Bytes>) -> Result<Finalized, SubmitError> {
        let transaction = Transaction::new(transaction.into());
        let mut waiting = Waiting::new(&self.ledger().mempool, transaction.hash)?;
        if let Inserted::Finalized(place) = self.admit(transaction).await? {
            let block = self.stored_block(place.height).await?;
            let missing = ChainError::BlockMissing { height: place.height };
            return block
                .and_then(|block| Finalized::at(&block, place.index))
                .ok_or(SubmitError::Stopped(missing));
        }
        let stopped = &self.inner.admission.questions.stopped;
        tokio::select! {
            biased;
            finalized = &mut waiting.receiver => match finalized {
                Ok(finalized) => Ok(finalized),
                Err(_) => Err(stopped.wait().await.into()),
            },
            error = stopped.wait() => Err(error.into()),
        }
    }

    /// The value of `key` in the newest finalized state.
    pub async fn get(&self, key: &[u8]) -> Result<StateValue, ChainError> {
        let StateValues { height, mut values } = self.get_many(&[key.to_vec()]).await?;
        Ok(StateValue { height, value: values.pop().flatten() })
    }

    /// The values of `keys`, all in the same finalized state.
    pub async fn get_many(&self, keys: &[Vec<u8>]) -> Result<StateValues, ChainError> {
        let (height, values) = self.inner.admission.questions.values(keys.to_vec()).await?;
        Ok(StateValues { height, values })
    }

    /// A finalized block; `None` above the tip.
    pub async fn block(&self, height: u64) -> Result<Option<FinalizedBlock>, ChainError> {
        Ok(self.stored_block(height).await?.map(|block| block.as_ref().into()))
    }

    /// All finalized blocks from `from_height` (at least 1) on, first from disk, then as they come.
    pub fn subscribe(&self, from_height: u64) -> Subscription {
        Subscription { chain: self.clone(), next_height: from_height.max(1) }
    }

    /// Waits until a block of at least `height` is final.
    pub async fn wait_for_height(&self, height: u64) -> Result<Tip, ChainError> {
        let mut tip = self.ledger().tip.subscribe();
        let stopped = &self.inner.admission.questions.stopped;
        tokio::select! {
            biased;
            reached = tip.wait_for(|tip| tip.header.height.get() >= height) => match reached {
                Ok(tip) => Ok(Tip::of(&tip)),
                Err(_) => Err(stopped.reason()),
            },
            error = stopped.wait() => Err(error),
        }
    }

    /// Proves the value that `key` has now, for [`crate::verify_inclusion`].
    pub async fn prove(&self, key: &[u8], at: ProveAt) -> Result<InclusionProof, ChainError> {
        if let ProveAt::AtLeast(height) = at {
            self.wait_for_height(height).await?;
        }
        let key = key.to_vec();
        self.inner.admission.questions.ask(|answer| Question::Prove { key, answer }).await
    }

    /// Resolves when the chain no longer runs: with [`ChainError::ShutDown`] after a shutdown, with
    /// [`ChainError::Halted`] when the engine stopped by itself. A process should exit then.
    pub async fn stopped(&self) -> ChainError {
        self.inner.admission.questions.stopped.wait().await
    }

    /// Stops the validator and waits until its directory is free. An error is the reason why it had halted before.
    pub async fn shutdown(&self) -> Result<(), ChainError> {
        let sender = self.inner.shutdown.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // The engine may have ended by itself.
            let _ = sender.send(());
        }
        match self.stopped().await {
            ChainError::ShutDown => Ok(()),
            error => Err(error),
        }
    }

    fn ledger(&self) -> &Arc<Ledger> {
        &self.inner.admission.ledger
    }

    async fn admit(&self, transaction: Transaction) -> Result<Inserted, SubmitError> {
        let bytes = transaction.bytes.clone();
        let inserted = self.inner.admission.admit(transaction).await?;
        if let (Inserted::New, Some(gossip)) = (&inserted, &self.inner.gossip) {
            // Full: not told; this validator proposes it itself when its turn comes.
            let _ = gossip.try_send(bytes);
        }
        Ok(inserted)
    }

    async fn stored_block(&self, height: u64) -> Result<Option<Arc<Block>>, ChainError> {
        self.inner.admission.questions.ask(|answer| Question::Block { height, answer }).await
    }

    async fn remember_recent(&self) {
        let tip = self.tip().height;
        for height in tip.saturating_sub(RECENT_BLOCKS).max(1)..=tip {
            if let Ok(Some(block)) = self.stored_block(height).await {
                self.ledger().mempool.finalized(&block);
            }
        }
    }
}

/// A caller that waits for a transaction; forgotten when dropped.
struct Waiting<'a> {
    mempool: &'a Mempool,
    hash: sha256::Digest,
    receiver: oneshot::Receiver<Finalized>,
}

impl<'a> Waiting<'a> {
    fn new(mempool: &'a Mempool, hash: sha256::Digest) -> Result<Self, SubmitError> {
        Ok(Self { mempool, hash, receiver: mempool.wait_for(hash)? })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.receiver.close();
        self.mempool.forget_waiters(&self.hash);
    }
}

/// Finalized blocks in order, each exactly once. Pulled by the reader: nothing is buffered, nothing can be lost.
#[derive(Debug, Clone)]
pub struct Subscription {
    chain: Chain,
    next_height: u64,
}

impl Subscription {
    /// The next block; waits until it is final.
    pub async fn next(&mut self) -> Result<FinalizedBlock, ChainError> {
        self.chain.wait_for_height(self.next_height).await?;
        let block = self.chain.block(self.next_height).await?;
        let block = block.ok_or(ChainError::BlockMissing { height: self.next_height })?;
        self.next_height = self.next_height.saturating_add(1);
        Ok(block)
    }

    /// The height that [`Subscription::next`] gives.
    pub fn next_height(&self) -> u64 {
        self.next_height
    }
}

/// Everything that can be wrong before the disk is touched.
fn check(config: &ChainConfig) -> Result<Set<ed25519::PublicKey>, StartError> {
    let identity = &config.identity;
    let participants = identity.participants().map_err(StartError::Identity)?;
    for (key, value) in &config.genesis {
        if key.is_empty() || key.len() > STATE_KEY_BYTES_MAX || value.len() > STATE_VALUE_BYTES_MAX {
            return Err(StartError::GenesisEntry { key_bytes: key.len(), value_bytes: value.len() });
        }
    }
    if !identity.matches_genesis(&config.genesis) {
        return Err(StartError::GenesisMismatch {
            network: identity.name.clone(),
            genesis_hash: identity.genesis_hash,
        });
    }
    let problem = if config.idle_interval.is_zero() || config.idle_interval > IDLE_INTERVAL_MAX {
        Some("idle_interval must be above zero and at most 10 minutes")
    } else if config.min_interval > MIN_INTERVAL_MAX {
        Some("min_interval must be at most 10 seconds")
    } else if NonZeroUsize::new(config.mempool.transactions_max).is_none() {
        Some("mempool.transactions_max must be above zero")
    } else {
        None
    };
    problem.map_or(Ok(participants), |reason| Err(StartError::Configuration { reason }))
}

/// The addresses of all validators, when there is more than one; checks that the own one can be used.
fn addresses(config: &ChainConfig) -> Result<Option<Addresses>, StartError> {
    let validators = &config.identity.validators;
    if validators.len() < 2 {
        return Ok(None);
    }
    let missing =
        |key: &ValidatorKey| StartError::AddressMissing { validators: validators.len(), missing: *key };
    let Some(network) = &config.network else { return Err(missing(&validators[0].key)) };
    let mut peers = Vec::with_capacity(validators.len());
    for Validator { key, .. } in validators {
        let address = network.peers.get(key).ok_or_else(|| missing(key))?;
        peers.push((key.public_key().map_err(StartError::Identity)?, *address));
    }
    std::net::TcpListener::bind(network.listen)
        .map_err(|error| StartError::Listen { address: network.listen, reason: error.to_string() })?;
    Ok(Some(Addresses { listen: network.listen, peers }))
}

fn ledger(
    config: &ChainConfig,
    machine: Arc<dyn StateMachine>,
    participants: &Set<ed25519::PublicKey>,
) -> Arc<Ledger> {
    let first = participants.iter().next().cloned().expect("checked: a network has a validator");
    let empty = <Databases as DatabaseSet<runtime::Context>>::initial_sync_targets();
    let genesis =
        Arc::new(Block::genesis(config.identity.genesis_hash.into(), first, empty.root, empty.range));
    Arc::new(Ledger {
        machine,
        chain_id: config.identity.chain_id,
        beacon: Beacon::new(config.identity.namespace(), &config.validator_seed),
        beacons: config.identity.beacons().expect("checked: the keys are points of their curves"),
        genesis_state: config.genesis.clone(),
        genesis_block: Arc::clone(&genesis),
        mempool: Arc::new(Mempool::new(config.mempool)),
        tip: watch::Sender::new(genesis),
    })
}
