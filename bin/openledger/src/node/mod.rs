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
pub mod provider;
pub mod provision;
pub mod serving;
pub mod shelf;
pub mod upstreams;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use openledger_chain::{Chain, ChainConfig};
use openledger_client::api::NetworkReply;
use openledger_explorer::ExplorerState;
use openledger_gateway::{Gateway, GatewayConfig, LookupLimits, Services};
use openledger_inference::{Backend, Engine};
use openledger_ledger::Genesis;
use openledger_model::Model;
use openledger_query::{ReadModels, Settings};
use openledger_receipt::SnapshotRef;
use openledger_store::DirectoryLock;
use openledger_types::{Hash, Name};
use openledger_upstream::Upstream;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use self::adapters::{Adapted, AdapterFolder, Adapters};
use self::embeddings::EmbeddingsSetting;
use self::library::{Joined, Library};
use self::machine::LedgerMachine;
use self::provider::{Provider, workers};
use self::provision::{Promise, Roles, provision};
use self::serving::ServingLimits;
use self::shelf::Shelf;
use self::upstreams::{UpstreamSetting, introduce};
use crate::files;
use crate::genesis::Beginning;
use crate::keystore::Keystore;
use crate::models;

/// How long streams may take to end at shutdown.
const SHUTDOWN_MAX: Duration = Duration::from_secs(20);
/// Between two looks for receipts to settle.
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);

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

/// Keys and names of the local network's roles, and what the network began with.
struct Secrets {
    keys: Keystore,
    name: String,
    genesis: Genesis,
}

impl Secrets {
    fn new(mut keys: Keystore, config: &NodeConfig) -> Result<Self> {
        keys.add(["treasury", "provider", "gateway", "builder", "tuner", "curator", "consumer"])?;
        let builders: Vec<String> = config.upstreams.iter().map(UpstreamSetting::builder).collect();
        keys.add(builders.iter().map(String::as_str))?;
        if let Some(embeddings) = &config.embeddings {
            keys.add([embeddings.builder().as_str()])?;
        }
        let treasury = keys.account("treasury")?.account();
        let Beginning { name, genesis } = Beginning::of(&config.dir, config.genesis.as_deref(), treasury)?;
        Ok(Self { keys, name, genesis })
    }

    fn chain_id(&self) -> u64 {
        self.genesis.parameters.chain_id
    }

    fn check_class(&self, class: Option<&Name>) -> Result<()> {
        let markets = &self.genesis.parameters.markets;
        if let Some(class) = class.filter(|class| markets.class(class).is_none()) {
            let known: Vec<&str> = markets.classes.iter().map(|class| class.name.as_str()).collect();
            bail!(
                "[provider] is of the class {class}, which this network does not have; it has {}",
                known.join(", ")
            );
        }
        Ok(())
    }

    fn roles(&self, config: &NodeConfig, model: &Model) -> Result<Roles> {
        let packaged = hex::encode(model.sha256()) == models::DEFAULT.sha256();
        let name = if packaged { models::DEFAULT.name.to_owned() } else { slug(model.name()) };
        let own = Promise {
            model: name.parse()?,
            weights: Hash(model.sha256()),
            license: model.license().map_or_else(|| "unstated".to_owned(), |license| license.to_string()),
            builder: self.keys.account("builder")?,
            lineage: None,
            listed: None,
            prices: None,
            capacity: config.serving.capacity(),
        };
        if config.upstreams.iter().any(|setting| setting.model == own.model) {
            bail!(
                "{} is the node's own model; serve the engine's in [[provider.upstreams]] under another name",
                own.model
            );
        }
        let engines = config.upstreams.iter().map(|setting| setting.promise(&self.keys));
        let embeddings = config.embeddings.iter().map(|setting| self.embedding(config, setting, &own.model));
        let embeddings: Vec<Promise> = embeddings.collect::<Result<_>>()?;
        Ok(Roles {
            chain_id: self.chain_id(),
            treasury: self.keys.account("treasury")?,
            provider: (self.keys.account("provider")?, self.keys.service("provider").key()),
            gateway: (self.keys.account("gateway")?, self.keys.service("gateway").key()),
            promises: std::iter::once(Ok(own))
                .chain(engines)
                .chain(embeddings.into_iter().map(Ok))
                .collect::<Result<_>>()?,
            endpoint: format!("http://127.0.0.1:{}", config.port),
        })
    }
}

impl Secrets {
    /// What is promised of embeddings, whose model is no other one that is served.
    fn embedding(&self, config: &NodeConfig, setting: &EmbeddingsSetting, own: &Name) -> Result<Promise> {
        let others = config.upstreams.iter().map(|upstream| &upstream.model).chain([own]);
        if others.into_iter().any(|other| *other == setting.model) {
            bail!("{} makes embeddings; serve the other model of this name under another one", setting.model);
        }
        setting.promise(&self.keys, config.serving.capacity())
    }
}

/// A model file's own name as a name on the ledger.
fn slug(name: &str) -> String {
    let text: String = name
        .to_lowercase()
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() || character == '.' { character } else { '-' })
        .take(Name::LENGTH_MAX)
        .collect();
    let text = text.trim_matches(['-', '.']).to_owned();
    if text.is_empty() { "model".to_owned() } else { text }
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

/// Everything that serves, built and not yet reachable.
struct Parts {
    chain: Chain,
    gateway: Arc<Gateway>,
    engine: Arc<Engine>,
    provider: Arc<Provider>,
    models: Arc<ReadModels>,
    library: Arc<Library>,
    network: NetworkReply,
}

impl Parts {
    async fn build(
        config: &NodeConfig,
        secrets: &Secrets,
        roles: &Roles,
        (model, adapters, engines): (Arc<Model>, Adapters, Vec<(UpstreamSetting, Arc<Upstream>)>),
        chain: Chain,
    ) -> Result<Self> {
        let library = Arc::new(Library::open(&config.dir.join("datanets"))?);
        let models = Arc::new(ReadModels::new(Settings::new(
            secrets.name.as_str(),
            secrets.genesis.parameters.clone(),
        )));
        name_accounts(&models, secrets, config, &library.joined())?;
        let engine = Arc::new(Engine::start_with(model.clone(), config.serving.engine(), adapters.store)?);
        let mut backends: Vec<Arc<dyn Backend>> = vec![engine.clone()];
        let adapted = adapters.served.into_iter().map(|adapter| Adapted { engine: engine.clone(), adapter });
        backends.extend(adapted.map(|adapted| Arc::new(adapted) as Arc<dyn Backend>));
        backends.extend(engines.into_iter().map(|(_, engine)| engine as Arc<dyn Backend>));
        backends.extend(config.embeddings.iter().map(EmbeddingsSetting::backend));
        let service = || secrets.keys.service("provider");
        let workers = workers(roles, &chain, backends, config.serving, service).await?;
        let provider = Arc::new(Provider {
            chain_id: secrets.chain_id(),
            account: secrets.keys.account("provider")?,
            service: secrets.keys.service("provider"),
            workers: workers.clone(),
            class: config.class.clone(),
        });
        let (told, owned) = (models.clone(), models.clone());
        let services = Services {
            chain: chain.clone(),
            account: secrets.keys.account("gateway")?,
            service: secrets.keys.service("gateway"),
            workers,
            library: gateway_library(&library.joined()),
            model,
            sink: Box::new(move |predicate| {
                if let Err(error) = told.add_receipt(openledger_explorer::facts_of(predicate)) {
                    tracing::error!("the read models refused receipt {}: {error}", predicate.id);
                }
            }),
            owns: Box::new(move |datanet, account| owned.owns_in(datanet, account)),
        };
        let gateway_config = GatewayConfig {
            chain_id: secrets.chain_id(),
            genesis: Hash(chain.identity().genesis_hash.0),
            salt_secret: secrets.keys.secret("receipt-salt", "first"),
            receipts: config.dir.join("gateway").join("receipts.redb"),
            settle_interval: SETTLE_INTERVAL,
            lookups: config.lookups,
        };
        let network = NetworkReply {
            identity: serde_json::from_str(&chain.identity().to_json())?,
            chain_id: secrets.chain_id(),
            local: true,
            gateway: services.account.account(),
            default_model: roles.own().model.to_string(),
        };
        let gateway = Gateway::start(gateway_config, services).await?;
        Ok(Self { chain, gateway, engine, provider, models, library, network })
    }

    async fn serve(self, listener: TcpListener, config: &NodeConfig, lock: DirectoryLock) -> Result<Node> {
        let (failed, failures) = mpsc::channel(2);
        let chain_id = self.network.chain_id;
        let follow = feed::follow(self.chain.clone(), self.models.clone());
        let feeding = watched("the pages do not follow the chain", failed.clone(), follow);
        let (gateway, models) = (self.gateway.clone(), self.models.clone());
        let api = api::router(Arc::new(api::ApiState {
            chain: self.chain.clone(),
            library: self.library.clone(),
            gateway: self.gateway.clone(),
            network: self.network,
            provider: self.provider.clone(),
            installed: Box::new(move |joined| {
                name_authors(&models, joined);
                gateway.set_library(gateway_library(joined));
            }),
        }));
        let shelf =
            Shelf { gateway: self.gateway.clone(), library: self.library, models: self.models.clone() };
        let shelf = Arc::new(shelf);
        let explorer = openledger_explorer::router(ExplorerState { models: self.models, library: shelf });
        let router = openledger_gateway::router(self.gateway.clone()).merge(api).merge(explorer);
        let (stop_serving, mut stopping) = watch::channel(false);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service).with_graceful_shutdown(async move {
            // A closed channel means that the node is gone; then the server stops as well.
            let _ = stopping.wait_for(|stop| *stop).await;
        });
        let (stop_beating, beating_stops) = watch::channel(false);
        let (provider, chain) = (self.provider.clone(), self.chain.clone());
        let beating = tokio::spawn(async move { provider.beat(&chain, beating_stops).await });
        Ok(Node {
            port: config.port,
            chain_id,
            chain: self.chain,
            gateway: self.gateway,
            engine: self.engine,
            provider: self.provider,
            stop_beating,
            beating,
            stop_serving,
            serving: watched("the server failed", failed, async { Ok(server.await?) }),
            feeding,
            failures,
            _lock: lock,
        })
    }
}

/// Runs a part of the node; its failure, a panic included, is told to whoever waits for the node.
fn watched(
    what: &'static str,
    failed: mpsc::Sender<anyhow::Error>,
    part: impl Future<Output = Result<()>> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        // A set ends what it holds when this task is ended.
        let mut running = JoinSet::new();
        running.spawn(part);
        let error = match running.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => error.into(),
            Some(Ok(Ok(()))) | None => return,
        };
        // Nobody waits any more when the node is stopping.
        let _ = failed.try_send(error.context(what));
    })
}

/// The engines behind HTTP, watched from now on.
fn started(settings: &[UpstreamSetting]) -> Result<Vec<(UpstreamSetting, Arc<Upstream>)>> {
    settings.iter().map(|setting| Ok((setting.clone(), setting.start()?))).collect()
}

/// The library as the gateway answers from it.
fn gateway_library(joined: &Joined) -> openledger_gateway::Library {
    let snapshots = joined.latest.iter().filter_map(|(name, sealed)| {
        Some(SnapshotRef {
            datanet: name.parse().ok()?,
            version: sealed.version,
            root: Hash(sealed.snapshot.root()),
            index_root: Hash(sealed.segment.root()),
        })
    });
    openledger_gateway::Library {
        retriever: joined.retriever.clone(),
        index: joined.index.clone(),
        snapshots: snapshots.collect(),
    }
}

/// Local labels of the network's own roles and of the authors that the snapshots name.
fn name_accounts(models: &ReadModels, secrets: &Secrets, config: &NodeConfig, joined: &Joined) -> Result<()> {
    let roles = [
        ("provider", "this network's provider"),
        ("gateway", "this network's gateway"),
        ("builder", models::DEFAULT.builder),
        ("tuner", "tuned the adapters of this node"),
        ("curator", "curator of the datanets"),
        ("consumer", "the first consumer"),
        ("treasury", "gives from the faucet"),
    ];
    for (key, note) in roles {
        let shown = if key == "builder" { models::DEFAULT.builder } else { key };
        models.set_account_name(secrets.keys.account(key)?.account(), shown, note);
    }
    let engines = config.upstreams.iter().map(UpstreamSetting::builder);
    for key in engines.chain(config.embeddings.iter().map(EmbeddingsSetting::builder)) {
        models.set_account_name(
            secrets.keys.account(&key)?.account(),
            &key,
            "kept here for whoever made the model",
        );
    }
    name_authors(models, joined);
    Ok(())
}

fn name_authors(models: &ReadModels, joined: &Joined) {
    for (datanet, sealed) in &joined.latest {
        for author in sealed.snapshot.entries().iter().flat_map(|entry| &entry.contribution.authors) {
            if let Some(account) = author.account {
                let note = format!("author in {datanet}, account not claimed yet");
                models.set_account_name(openledger_types::AccountId(account), &author.name, &note);
            }
        }
    }
}
