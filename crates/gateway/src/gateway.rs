//! The gateway's parts and its life: what it is given, what it holds, how it stops.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use openledger_attribution::Index;
use openledger_chain::Chain;
use openledger_ledger::StateKey;
use openledger_receipt::{Predicate, SnapshotRef};
use openledger_retrieval::Retriever;
use openledger_store::{ReceiptStore, StoreError};
use openledger_types::record::ChannelRecord;
use openledger_types::{AccountId, AccountSecret, ChannelId, Hash, Name, ServiceSecret};
use openledger_worker::Worker;
use tokio::sync::{Mutex, Notify, Semaphore, watch};
use tokio::task::JoinSet;

use crate::auth::{ApiKey, KeyRecord};
use crate::budget::Budgets;
use crate::certify::Certifying;
use crate::context::Valuing;
use crate::error::ApiError;
use crate::evidence::Openings;
use crate::facts::Facts;
use crate::lookup::{LookupLimits, Lookups};
use crate::metrics::Metrics;
use crate::settle;

/// Requests in flight, waiting ones included.
const REQUESTS_MAX: usize = 256;
/// Bytes of an API key's name.
const KEY_NAME_BYTES_MAX: usize = 200;

/// What one process may choose.
pub struct GatewayConfig {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of the network's genesis.
    pub genesis: Hash,
    /// Secret from which salts are derived.
    pub salt_secret: [u8; 32],
    /// Where receipts are kept.
    pub receipts: PathBuf,
    /// Between two looks for receipts to settle.
    pub settle_interval: Duration,
    /// How many lookups are answered.
    pub lookups: LookupLimits,
}

/// What answers are made and traced with; swapped as a whole when a snapshot is sealed.
#[derive(Clone)]
pub struct Library {
    /// Search.
    pub retriever: Arc<Retriever>,
    /// Attribution index over all snapshots.
    pub index: Arc<Index>,
    /// The snapshots, sorted by datanet.
    pub snapshots: Vec<SnapshotRef>,
}

/// Told of every stored receipt, at start of the stored ones too.
pub type ReceiptSink = Box<dyn Fn(&Predicate) + Send + Sync>;

/// Tells whether an account owns a contribution of a datanet.
pub type Owns = Box<dyn Fn(&Name, &AccountId) -> bool + Send + Sync>;

/// The parts that a gateway is given.
pub struct Services {
    /// The chain.
    pub chain: Chain,
    /// The gateway's account.
    pub account: AccountSecret,
    /// Its service key, which signs receipts.
    pub service: ServiceSecret,
    /// Providers that it reaches.
    pub workers: Vec<Arc<Worker>>,
    /// What it answers from at start.
    pub library: Library,
    /// The model whose tokenizer grounds prompts.
    pub model: Arc<openledger_model::Model>,
    /// Who is told of receipts.
    pub sink: ReceiptSink,
    /// Who owns what, for the texts of private datanets.
    pub owns: Owns,
}

/// How long receipts of cut answers may take at shutdown: likelihoods of contexts are computed for some of them.
const SEALING_MAX: Duration = Duration::from_secs(600);

/// A running gateway.
pub struct Gateway {
    pub(crate) config: GatewayConfig,
    pub(crate) chain: Chain,
    pub(crate) account: AccountSecret,
    pub(crate) service: ServiceSecret,
    pub(crate) workers: Vec<Arc<Worker>>,
    pub(crate) store: Arc<ReceiptStore>,
    pub(crate) facts: Facts,
    pub(crate) budgets: Budgets,
    pub(crate) metrics: Metrics,
    pub(crate) model: Arc<openledger_model::Model>,
    pub(crate) sink: ReceiptSink,
    pub(crate) owns: Owns,
    pub(crate) lookups: Lookups,
    /// Computes likelihoods for contexts.
    pub(crate) valuing: Valuing,
    /// Held while a receipt gets its number: sequence, carry and voucher follow each other.
    pub(crate) sealing: Mutex<()>,
    /// Certificates that are to come.
    pub(crate) certifying: Certifying,
    /// Openings of answers for auditors.
    pub(crate) openings: Openings,
    /// Places for requests.
    pub(crate) places: Arc<Semaphore>,
    /// Wakes the settlement task.
    pub(crate) stored: Notify,
    /// Why settlement does not go on, if it does not.
    pub(crate) trouble: RwLock<Option<String>>,
    library: RwLock<Arc<Library>>,
    ready: AtomicBool,
    stopping: watch::Sender<bool>,
    /// Ends answers that are still being written.
    cutting: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
}

impl Gateway {
    /// Opens the receipts and starts settlement.
    pub async fn start(config: GatewayConfig, services: Services) -> Result<Arc<Self>, StoreError> {
        let store = Arc::new(ReceiptStore::open(&config.receipts)?);
        let gateway = Arc::new(Self {
            facts: Facts::new(services.chain.clone()),
            chain: services.chain,
            account: services.account,
            service: services.service,
            workers: services.workers,
            store,
            budgets: Budgets::default(),
            metrics: Metrics::default(),
            model: services.model,
            sink: services.sink,
            owns: services.owns,
            lookups: Lookups::new(config.lookups),
            valuing: Valuing::default(),
            sealing: Mutex::new(()),
            certifying: Certifying::new(),
            openings: Openings::default(),
            places: Arc::new(Semaphore::new(REQUESTS_MAX)),
            stored: Notify::new(),
            trouble: RwLock::new(None),
            library: RwLock::new(Arc::new(services.library)),
            ready: AtomicBool::new(false),
            stopping: watch::Sender::new(false),
            cutting: watch::Sender::new(false),
            tasks: Mutex::new(JoinSet::new()),
            config,
        });
        gateway.tell_stored_receipts()?;
        let settling = gateway.clone();
        gateway.tasks.lock().await.spawn(async move { settle::run(&settling).await });
        Ok(gateway)
    }

    fn tell_stored_receipts(&self) -> Result<(), StoreError> {
        let mut next = 1;
        loop {
            let receipts = self.store.range(next, 512)?;
            let Some(last) = receipts.last() else { return Ok(()) };
            next = last.sequence + 1;
            for receipt in &receipts {
                if let Some(statement) = crate::seal::statement_of(receipt) {
                    (self.sink)(statement.predicate());
                }
            }
        }
    }

    /// The gateway's account.
    pub fn account(&self) -> AccountId {
        self.account.account()
    }

    /// Lets requests in.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Why it does not take requests or does not settle; `None` when all is well.
    pub fn not_ready(&self) -> Option<String> {
        if !self.ready.load(Ordering::Relaxed) {
            return Some("the network is being set up".into());
        }
        if *self.stopping.borrow() {
            return Some("the gateway is stopping".into());
        }
        self.trouble.read().expect("no holder of the lock panics").clone()
    }

    /// Answers from other snapshots from now on.
    pub fn set_library(&self, library: Library) {
        *self.library.write().expect("no holder of the lock panics") = Arc::new(library);
    }

    /// What it answers from now.
    pub fn library(&self) -> Arc<Library> {
        self.library.read().expect("no holder of the lock panics").clone()
    }

    /// Resolves when the gateway stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Becomes true when answers are cut where they are.
    pub(crate) fn cutting(&self) -> watch::Receiver<bool> {
        self.cutting.subscribe()
    }

    /// Runs a task that shutdown waits for.
    pub(crate) async fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().await;
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// The receipt store, for whoever shows receipts.
    pub fn store(&self) -> &Arc<ReceiptStore> {
        &self.store
    }

    /// Binds an API key (the bearer token) to the channel whose vouchers it signs.
    pub async fn register_key(&self, headers: &HeaderMap, channel: ChannelId, name: &str) -> Response {
        match self.bind_key(headers, channel, name).await {
            Ok(()) => axum::Json(serde_json::json!({ "channel": channel, "name": name })).into_response(),
            Err(error) => error.into_response(),
        }
    }

    async fn bind_key(&self, headers: &HeaderMap, channel: ChannelId, name: &str) -> Result<(), ApiError> {
        let key = ApiKey::from_headers(headers).ok_or_else(ApiError::key)?;
        if name.len() > KEY_NAME_BYTES_MAX {
            return Err(ApiError::invalid(
                "name",
                format!("a key's name has at most {KEY_NAME_BYTES_MAX} bytes"),
            ));
        }
        let record: Option<ChannelRecord> =
            self.facts.now(&StateKey::Channel(channel)).await.map_err(ApiError::unavailable)?;
        let record = record.ok_or_else(|| {
            ApiError::not_found(
                "channel_not_found",
                format!("there is no channel {channel}; open it on the ledger first"),
            )
        })?;
        if record.gateway != self.account()
            || record.authorizer != key.authorizer().account()
            || record.closed
        {
            return Err(ApiError::invalid(
                "channel",
                format!(
                    "channel {channel} is not an open channel to this gateway whose vouchers this key signs; open one with `openledger keys api`"
                ),
            ));
        }
        let bytes =
            borsh::to_vec(&KeyRecord { channel, name: name.to_owned() }).expect("memory writes do not fail");
        self.store.put_key(&key.hash(), &bytes).map_err(ApiError::unavailable)
    }

    /// Stops admitting and lets answers end within `deadline`; those that have not ended are cut, and get their receipts for
    /// what was written. What is stored is settled.
    pub async fn shutdown(&self, deadline: Duration) {
        self.stopping.send_replace(true);
        self.stored.notify_waiters();
        self.places.close();
        let mut tasks = std::mem::take(&mut *self.tasks.lock().await);
        if tokio::time::timeout(deadline, all_of(&mut tasks)).await.is_ok() {
            return;
        }
        tracing::warn!("some answers did not end within {deadline:?} and are cut");
        self.cutting.send_replace(true);
        if tokio::time::timeout(SEALING_MAX, all_of(&mut tasks)).await.is_err() {
            tracing::error!("some answers have no receipt within {SEALING_MAX:?} more and are lost");
            tasks.shutdown().await;
        }
    }
}

async fn all_of(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}
