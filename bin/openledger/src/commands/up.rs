//! `openledger up`: a local network with all roles in one process, filled with datanets as a user would fill it.
//!
//! Every step can be repeated: after a stop at any moment the next start goes on where it was.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use openledger_client::Client;
use openledger_datanet::{ParseOptions, parse_json_lines};
use openledger_gateway::LookupLimits;
use openledger_ledger::StateKey;
use openledger_types::record::{AccountRecord, DatanetRecord};
use openledger_types::{Action, Amount, Asset, BasisPoints, Name};
use serde::Deserialize;

use super::Session;
use super::datanet::progress_bar;
use crate::cli::UpArguments;
use crate::files;
use crate::keystore::Keystore;
use crate::node::adapters::AdapterFolder;
use crate::node::embeddings::EmbeddingsFile;
use crate::node::serving::ServingLimits;
use crate::node::upstreams::ProviderFile;
use crate::node::{Node, NodeConfig};
use crate::operator::{Operator, read};

/// What the local consumer starts with.
const CONSUMER_CREDITS: Amount = Amount(1_000_000_000);
/// What the first API key may spend.
const KEY_DEPOSIT: Amount = Amount(100_000_000);

/// `datanets.json` in a data folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DatanetFile {
    name: Name,
    title: String,
    license: String,
    file: PathBuf,
}

/// A node's configuration file: what `openledger up` takes on the command line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeFile {
    dir: PathBuf,
    #[serde(default = "default_port")]
    port: u16,
    model: Option<PathBuf>,
    data: Option<PathBuf>,
    genesis: Option<PathBuf>,
    seed: Option<u64>,
    /// How many lookups are answered; the gateway's own limits unless named.
    #[serde(default)]
    lookups: LookupLimits,
    /// What the engine takes at a time; what a local network takes unless named.
    #[serde(default)]
    serving: ServingLimits,
    /// What the node's provider serves beside the node's own model, and where its capacity counts.
    provider: Option<ProviderFile>,
    /// Where the adapters are.
    #[serde(default)]
    adapters: AdapterFolder,
    /// What makes embeddings; without it none are made.
    embeddings: Option<EmbeddingsFile>,
}

fn default_port() -> u16 {
    8080
}

/// `openledger node --config FILE`.
pub async fn run_config(mut session: Session, path: &Path) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let file: NodeFile =
        toml::from_str(&text).with_context(|| format!("{} is not a node configuration", path.display()))?;
    session.dir = file.dir;
    let arguments = UpArguments {
        port: file.port,
        model: file.model,
        data: file.data,
        genesis: file.genesis,
        seed: file.seed,
        lookups: file.lookups,
        serving: file.serving,
        provider: file.provider,
        adapters: file.adapters,
        makes_embeddings: file.embeddings.is_some(),
        embeddings: file.embeddings,
    };
    run(&session, arguments).await
}

pub async fn run(session: &Session, arguments: UpArguments) -> Result<()> {
    let variable = |name: &str| std::env::var(name).ok();
    let upstreams = arguments.provider.as_ref().map(|provider| provider.resolve(variable)).transpose()?;
    let model = crate::models::resolve(arguments.model.as_deref()).await?;
    let embeddings = match arguments.makes_embeddings {
        true => Some(arguments.embeddings.unwrap_or_default().resolve().await?),
        false => None,
    };
    let config = NodeConfig {
        dir: session.dir.clone(),
        port: arguments.port,
        model,
        genesis: arguments.genesis,
        seed: arguments.seed,
        lookups: arguments.lookups,
        serving: arguments.serving,
        upstreams: upstreams.unwrap_or_default(),
        class: arguments.provider.map(|provider| provider.class),
        adapters: arguments.adapters,
        embeddings,
    };
    let mut node = Node::start(config).await?;
    let address = format!("http://127.0.0.1:{}", node.port());
    let filled = fill(session, node.chain_id(), &address, arguments.data.as_deref());
    let stopped = tokio::select! {
        filled = filled => filled.map(|()| true),
        stopped = node.wait_until_stopped() => stopped.map(|()| false),
    };
    let stopped = match stopped {
        Ok(true) => {
            node.ready();
            let key = session.dir.join("api-key");
            println!(
                "ready: {address}/  (explorer)   {address}/v1  (OpenAI-compatible; key in {})",
                key.display()
            );
            node.wait_until_stopped().await
        }
        other => other.map(drop),
    };
    let closed = node.shutdown().await;
    stopped.and(closed)
}

/// Consumer, API key and datanets, through the HTTP interface.
async fn fill(session: &Session, chain_id: u64, address: &str, data: Option<&Path>) -> Result<()> {
    files::write(&session.dir.join("address"), address.as_bytes())?;
    let client = Client::new(address, None);
    let mut keys = session.keys()?;
    consumer(session, &client, &mut keys, chain_id).await?;
    let folder = match data {
        Some(folder) => Some(folder.to_path_buf()),
        None => Some(PathBuf::from("data")).filter(|folder| folder.join("datanets.json").exists()),
    };
    let Some(folder) = folder else {
        println!("no datanets to fill; make one with `openledger datanet create`");
        return Ok(());
    };
    let curator = Operator { client: &client, chain_id, secret: keys.ensure("curator")? };
    for datanet in datanet_files(&folder)? {
        fill_datanet(&curator, &mut keys, &folder, &datanet).await?;
    }
    Ok(())
}

/// An account with credits and an API key for whoever uses this network first.
async fn consumer(session: &Session, client: &Client, keys: &mut Keystore, chain_id: u64) -> Result<()> {
    let secret = keys.ensure("consumer")?;
    let account = secret.account();
    let record: Option<AccountRecord> = read(client, StateKey::Account(account)).await?;
    if record.is_none_or(|record| record.credits == Amount::ZERO && record.nonce == 0) {
        let treasury = Operator { client, chain_id, secret: keys.ensure("treasury")? };
        treasury.act(Action::Faucet { to: account, asset: Asset::Credit, amount: CONSUMER_CREDITS }).await?;
    }
    let gateway = client.network().await?.gateway;
    let operator = Operator { client, chain_id, secret };
    let api_secret = keys.secret("api-key", "first");
    let (key, _) = operator.open_api_key(gateway, &api_secret, KEY_DEPOSIT).await?;
    files::write(&session.dir.join("api-key"), format!("{key}\n").as_bytes())
}

fn datanet_files(folder: &Path) -> Result<Vec<DatanetFile>> {
    let path = folder.join("datanets.json");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a list of datanets", path.display()))
}

async fn fill_datanet(
    curator: &Operator<'_>,
    keys: &mut Keystore,
    folder: &Path,
    datanet: &DatanetFile,
) -> Result<()> {
    let record = read::<DatanetRecord>(curator.client, StateKey::Datanet(datanet.name.clone())).await?;
    // Sealed on the ledger is not enough: a stop may have come before the node had the snapshot.
    if let Some(version) = record.map(|record| record.version).filter(|version| *version > 0)
        && curator.client.manifest(datanet.name.as_str(), version).await.is_ok()
    {
        return Ok(());
    }
    let path = folder.join(&datanet.file);
    let bytes = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let options = ParseOptions {
        default_license: Some(datanet.license.clone()),
        default_source: datanet.name.to_string(),
        ..ParseOptions::default()
    };
    let contributions = parse_json_lines(&bytes, &options)
        .with_context(|| format!("{} was not contributed", path.display()))?;
    if contributions.is_empty() {
        bail!("{} holds no contributions", path.display());
    }
    let count = contributions.len();
    curator.create_datanet(&datanet.name, &datanet.title, &datanet.license, BasisPoints(0)).await?;
    let bar = progress_bar(&format!("contributing to {}", datanet.name));
    curator.contribute(keys, &datanet.name, contributions, &bar).await?;
    bar.finish_and_clear();
    let version = curator.seal(&datanet.name).await?;
    println!("{}: {count} contributions, sealed as version {version}", datanet.name);
    Ok(())
}
