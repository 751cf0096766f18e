//! The parts of a node that serve, put together: engines, workers, gateway, pages, and the server in front of them.
//!
//! Absent: rules of any part; this is wiring.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use openledger_chain::Chain;
use openledger_client::api::NetworkReply;
use openledger_explorer::ExplorerState;
use openledger_gateway::{Gateway, GatewayConfig, Services};
use openledger_inference::{Backend, Engine};
use openledger_model::Model;
use openledger_query::{ReadModels, Settings};
use openledger_receipt::SnapshotRef;
use openledger_store::DirectoryLock;
use openledger_types::Hash;
use openledger_upstream::Upstream;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::adapters::{Adapted, Adapters};
use super::embeddings::EmbeddingsSetting;
use super::library::{Joined, Library};
use super::names::{name_accounts, name_authors};
use super::provider::{Provider, workers};
use super::provision::Roles;
use super::secrets::Secrets;
use super::shelf::Shelf;
use super::upstreams::UpstreamSetting;
use super::{Node, NodeConfig, api, feed};

/// Between two looks for receipts to settle.
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);

/// Everything that serves, built and not yet reachable.
pub(super) struct Parts {
    chain: Chain,
    gateway: Arc<Gateway>,
    engine: Arc<Engine>,
    provider: Arc<Provider>,
    models: Arc<ReadModels>,
    library: Arc<Library>,
    network: NetworkReply,
}

impl Parts {
    pub(super) async fn build(
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

    pub(super) async fn serve(
        self,
        listener: TcpListener,
        config: &NodeConfig,
        lock: DirectoryLock,
    ) -> Result<Node> {
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
