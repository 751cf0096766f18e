//! Embeddings that a node's provider makes beside its answers: which model makes them, and for how much.
//!
//! Rule: they are made where the operator says so, of a packaged model, whose files have recorded hashes. The model is one on the
//! ledger like every other: its weights there are the hash of both its files.
//! Absent: embeddings of engines behind HTTP, and tables that nobody vouches for.

use std::sync::Arc;

use anyhow::{Result, bail};
use openledger_inference::{Backend, Embedder};
use openledger_model::EmbeddingModel;
use openledger_types::{Amount, Hash, Name};
use serde::Deserialize;

use super::provision::Promise;
use crate::keystore::Keystore;
use crate::models::{self, EMBEDDINGS};

/// The `[embeddings]` of a node's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddingsFile {
    /// The packaged model.
    model: Name,
    /// uC for a token.
    prompt_price: Amount,
}

impl Default for EmbeddingsFile {
    fn default() -> Self {
        let model = EMBEDDINGS.name.parse().expect("a packaged model's name is one on the ledger");
        Self { model, prompt_price: Amount(1) }
    }
}

/// A model that makes embeddings.
#[derive(Clone)]
pub struct EmbeddingsSetting {
    /// Its name on the ledger.
    pub model: Name,
    table: Arc<EmbeddingModel>,
    prompt_price: Amount,
}

impl EmbeddingsFile {
    /// Checks what was typed, and opens the model, which is fetched when it is missing.
    pub async fn resolve(&self) -> Result<EmbeddingsSetting> {
        if self.model.as_str() != EMBEDDINGS.name {
            bail!("[embeddings] names {}; the packaged model is {}", self.model, EMBEDDINGS.name);
        }
        if self.prompt_price == Amount::ZERO {
            bail!("prompt_price in [embeddings] is in uC for a token, and at least 1");
        }
        let table = models::embeddings().await?;
        Ok(EmbeddingsSetting { model: self.model.clone(), table, prompt_price: self.prompt_price })
    }
}

impl EmbeddingsSetting {
    /// The key of the account that stands for whoever made the model.
    pub fn builder(&self) -> String {
        format!("builder of {}", self.model)
    }

    /// What the provider promises. Nothing is written, so only what is read has a price.
    pub fn promise(&self, keys: &Keystore, capacity: u32) -> Result<Promise> {
        Ok(Promise {
            model: self.model.clone(),
            weights: Hash(self.table.id()),
            license: EMBEDDINGS.license.to_owned(),
            builder: keys.account(&self.builder())?,
            lineage: None,
            listed: None,
            prices: Some((self.prompt_price, Amount::ZERO)),
            capacity,
        })
    }

    /// What makes them.
    pub fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(Embedder::new(self.model.to_string(), self.table.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_wrong_is_said_before_anything_is_fetched() {
        for (text, says) in [
            ("model = \"bert\"", "the packaged model is wordllama"),
            ("prompt_price = 0", "at least 1"),
            ("prompt_price = -1", "invalid value"),
            ("price = 1", "unknown field `price`"),
        ] {
            let read: Result<EmbeddingsFile, _> = toml::from_str(text);
            let error = match read {
                Ok(file) => file.resolve().await.err().map(|error| error.to_string()).unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
