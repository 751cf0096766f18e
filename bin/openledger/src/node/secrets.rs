//! Keys and names of the local network's roles, what the network began with, and what its provider promises.
//!
//! Absent: where keys are kept (`keystore`); the posting of what is promised (`provision`).

use anyhow::{Result, bail};
use openledger_ledger::Genesis;
use openledger_model::Model;
use openledger_types::{Hash, Name};

use super::NodeConfig;
use super::embeddings::EmbeddingsSetting;
use super::provision::{Promise, Roles};
use super::upstreams::UpstreamSetting;
use crate::genesis::Beginning;
use crate::keystore::Keystore;
use crate::models;

/// Keys and names of the local network's roles, and what the network began with.
pub(super) struct Secrets {
    pub(super) keys: Keystore,
    pub(super) name: String,
    pub(super) genesis: Genesis,
}

impl Secrets {
    pub(super) fn new(mut keys: Keystore, config: &NodeConfig) -> Result<Self> {
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

    pub(super) fn chain_id(&self) -> u64 {
        self.genesis.parameters.chain_id
    }

    pub(super) fn check_class(&self, class: Option<&Name>) -> Result<()> {
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

    pub(super) fn roles(&self, config: &NodeConfig, model: &Model) -> Result<Roles> {
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
