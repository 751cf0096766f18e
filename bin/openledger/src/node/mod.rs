//! One node with all roles in one process: chain, provider, gateway, explorer, network API.
//!
//! The order of start is the order of the flow; the order of shutdown is the same: stop admitting, finish streams, settle,
//! stop the chain. Absent: rules of any role; this is wiring.

pub mod adapters;
pub mod api;
pub mod attribute;
pub mod embeddings;
pub mod feed;
pub mod library;
pub mod machine;
mod names;
mod parts;
pub mod provider;
pub mod provision;
mod secrets;
pub mod serving;
pub mod shelf;
pub mod upstreams;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use openledger_chain::{Chain, ChainConfig};
use openledger_gateway::{Gateway, LookupLimits};
use openledger_inference::Engine;
use openledger_model::Model;
use openledger_store::DirectoryLock;
use openledger_types::Name;
use openledger_upstream::Upstream;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::adapters::{AdapterFolder, Adapters};
use self::embeddings::EmbeddingsSetting;
use self::machine::LedgerMachine;
use self::parts::Parts;
use self::provider::Provider;
use self::provision::{Roles, provision};
use self::secrets::Secrets;
use self::serving::ServingLimits;
use self::upstreams::{UpstreamSetting, introduce};
use crate::files;
use crate::keystore::Keystore;

/// How long streams may take to end at shutdown.
const SHUTDOWN_MAX: Duration = Duration::from_secs(20);

/// What an operator chooses.
pub struct NodeConfig {
    /// Folder of everything.
    pub dir: PathBuf,
    /// Port on the loopback address.
    pub port: u16,
    /// The model file.
    pub model: PathBuf,
    /// What the network begins with; the starting values without a file.
    pub genesis: Option<PathBuf>,
    /// Derives every key, for runs that can be reproduced.
    pub seed: Option<u64>,
    /// How many lookups are answered.
    pub lookups: LookupLimits,
    /// What the engine takes at a time.
    pub serving: ServingLimits,
    /// Engines behind HTTP that are served beside it.
    pub upstreams: Vec<UpstreamSetting>,
    /// The class in which the provider reports its capacity; without one it reports none.
    pub class: Option<Name>,
    /// Where the adapters are.
    pub adapters: AdapterFolder,
    /// What makes embeddings; without it none are made.
    pub embeddings: Option<EmbeddingsSetting>,
}

/// A running node.
pub struct Node {
    port: u16,
    chain_id: u64,
    chain: Chain,
    gateway: Arc<Gateway>,
    engine: Arc<Engine>,
    provider: Arc<Provider>,
    stop_serving: watch::Sender<bool>,
    stop_beating: watch::Sender<bool>,
    beating: JoinHandle<()>,
    /// The server, which ends by itself when it is told to stop.
    serving: JoinHandle<()>,
    feeding: JoinHandle<()>,
    failures: mpsc::Receiver<anyhow::Error>,
    _lock: DirectoryLock,
}

impl Node {
    /// Starts every role. Bad input is found before anything is written: the port, the model, the directory.
    pub async fn start(config: NodeConfig) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", config.port)).await.with_context(|| {
            format!("port {} cannot be used; stop what uses it or choose another with --port", config.port)
        })?;
        println!("model: {}", config.model.display());
        let model = open_model(&config.model).await?;
        files::private_folder(&config.dir)?;
        let lock = DirectoryLock::acquire(&config.dir)?;
        let keys = Keystore::open_or_create(&config.dir.join("keys"), config.seed)?;
        let secrets = Secrets::new(keys, &config)?;
        secrets.check_class(config.class.as_ref())?;
        let chain = start_chain(&config, &secrets).await?;
        println!("chain: {} at height {}", chain.identity().name, chain.tip().height);
        let mut roles = secrets.roles(&config, &model)?;
        let adapters = open_adapters(&config, &roles, &model).await?;
        roles.serve_adapters(&adapters.served, &secrets.keys.account("tuner")?);
        provision(&chain, &roles).await?;
        let engines = started(&config.upstreams)?;
        introduce(&engines).await;
        let parts = Parts::build(&config, &secrets, &roles, (model, adapters, engines), chain).await?;
        parts.serve(listener, &config, lock).await
    }

    /// Port on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// EIP-155 chain id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Lets consumers in.
    pub fn ready(&self) {
        self.gateway.set_ready();
    }

    /// Resolves when the node is asked to stop (`Ok`) or cannot go on.
    pub async fn wait_until_stopped(&mut self) -> Result<()> {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => Ok(()),
            _ = terminate.recv() => Ok(()),
            error = self.chain.stopped() => Err(anyhow::Error::from(error)
                .context("the chain stopped; start again to replay it from disk")),
            Some(error) = self.failures.recv() => Err(error),
        }
    }

    /// Stops in the order of the flow.
    pub async fn shutdown(self) -> Result<()> {
        self.stop_beating.send_replace(true);
        let _ = self.beating.await;
        // Offers end while answers do.
        let drained = tokio::time::timeout(SHUTDOWN_MAX, self.provider.drain(&self.chain));
        let (_, drained) = tokio::join!(self.gateway.shutdown(SHUTDOWN_MAX), drained);
        if drained.is_err() {
            tracing::warn!(
                "some offers stand on the ledger: they were not withdrawn within {SHUTDOWN_MAX:?}"
            );
        }
        drop(self.provider);
        self.stop_serving.send_replace(true);
        let serving = self.serving;
        let abort = serving.abort_handle();
        if tokio::time::timeout(SHUTDOWN_MAX, serving).await.is_err() {
            abort.abort();
        }
        let stopped = self.chain.shutdown().await;
        self.feeding.abort();
        let _ = self.feeding.await;
        drop(self.gateway);
        if let Some(engine) = Arc::into_inner(self.engine) {
            tokio::task::spawn_blocking(move || engine.shutdown()).await?;
        }
        stopped.context("the chain did not stop in order")
    }
}

/// The adapters of the model, in the configured folder or the node's own.
async fn open_adapters(config: &NodeConfig, roles: &Roles, model: &Arc<Model>) -> Result<Adapters> {
    let folder = config.adapters.dir.clone().unwrap_or_else(|| config.dir.join("adapters"));
    let (is_named, model) = (config.adapters.dir.is_some(), model.clone());
    let file = config.model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    // What stands behind a dot is how the weights are rounded.
    let file = file.split('.').next().unwrap_or_default().to_owned();
    let names = vec![roles.own().model.to_string(), model.name().to_owned(), file];
    let opened =
        tokio::task::spawn_blocking(move || Adapters::open(&folder, is_named, &model, names)).await??;
    if opened.store.is_some() {
        println!("adapters: {} served", opened.served.len());
    }
    Ok(opened)
}

async fn open_model(path: &std::path::Path) -> Result<Arc<Model>> {
    let path = path.to_path_buf();
    tokio::task::spawn_blocking(move || {
        Model::open(&path).map(Arc::new).with_context(|| format!("{} cannot be served", path.display()))
    })
    .await?
}

async fn start_chain(config: &NodeConfig, secrets: &Secrets) -> Result<Chain> {
    let seed = secrets.keys.secret("validator-key", "first");
    let genesis = secrets.genesis.state()?;
    let chain_config =
        ChainConfig::single(config.dir.join("chain"), &secrets.name, secrets.chain_id(), seed, genesis);
    let identity = chain_config.identity.clone();
    let path = config.dir.join("network.json");
    match files::read_text(&path)? {
        Some(text) => {
            let known = openledger_chain::NetworkIdentity::from_json(&text).with_context(|| {
                format!("{} is damaged; remove it, and it is written again", path.display())
            })?;
            if known != identity {
                bail!(
                    "{} is of another network than the keys and the genesis in this folder; choose another --dir",
                    path.display()
                );
            }
        }
        None => files::write(&path, identity.to_json().as_bytes())?,
    }
    Chain::start(chain_config, Arc::new(LedgerMachine))
        .await
        .with_context(|| format!("the chain in {} does not start", config.dir.join("chain").display()))
}

/// The engines behind HTTP, watched from now on.
fn started(settings: &[UpstreamSetting]) -> Result<Vec<(UpstreamSetting, Arc<Upstream>)>> {
    settings.iter().map(|setting| Ok((setting.clone(), setting.start()?))).collect()
}
