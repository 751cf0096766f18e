//! The adapters that a node serves: each sub-folder of one folder is one, and its name is the adapter's.
//!
//! Rule: every adapter is a model on the ledger, made from the base and named `BASE.NAME` there; consumers ask for `BASE:NAME`. Its
//! weights are the hash of what it computes, so the receipt, the offer and the evidence name the same thing. One that is refused
//! is named at the start and not served; the others are.
//! Absent: fetching adapters, and taking in new ones while the node runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use openledger_inference::{
    Adapter, AdapterBase, AdapterInfo, AdapterName, AdapterStore, AdapterStoreConfig, Backend, Claim,
    Completion, CompletionRequest, Engine, ModelInfo, Opening, RegisterError, ReplayError, Scope,
    SubmitError,
};
use openledger_model::Model;
use openledger_types::{Hash, Name};
use serde::Deserialize;

use crate::models;

/// Most adapters of a node: each has a record and an offer on the ledger.
const SERVED_MAX: usize = 4_096;
/// Most entries of the folder that are looked at.
const ENTRIES_MAX: usize = 16_384;

/// The `[adapters]` of a node's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdapterFolder {
    /// The folder; `adapters` in the node's own where none is named.
    pub dir: Option<PathBuf>,
}

/// An adapter as a node serves it.
#[derive(Debug, Clone)]
pub struct ServedAdapter {
    /// Its name at the engine.
    pub name: AdapterName,
    /// Its name on the ledger.
    pub ledger: Name,
    /// What it computes.
    pub id: Hash,
}

/// The adapters of a node.
pub struct Adapters {
    /// Those in the folder; none without a folder.
    pub store: Option<Arc<AdapterStore>>,
    /// Those that are served.
    pub served: Vec<ServedAdapter>,
}

impl Adapters {
    /// Registers every adapter of the folder for a model; `names` are those of the model, the ledger's first.
    pub fn open(folder: &Path, is_named: bool, model: &Model, names: Vec<String>) -> Result<Self> {
        let base = names.first().cloned().context("a model has a name")?;
        if !folder.is_dir() {
            if is_named {
                bail!(
                    "{} is no folder; make it, or take `adapters` out of the configuration",
                    folder.display()
                );
            }
            return Ok(Self { store: None, served: Vec::new() });
        }
        let store = AdapterStore::start(
            AdapterBase { shape: *model.shape(), names },
            AdapterStoreConfig { registered_max: SERVED_MAX, ..AdapterStoreConfig::default() },
        )
        .context("the thread that reads adapters could not be started; free some memory or threads")?;
        let mut served = Vec::new();
        let found = folders(folder)?;
        let bar = models::count_bar(found.len(), "reading adapters");
        for path in bar.wrap_iter(found.into_iter()) {
            let shown = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match register(&store, &base, &shown, path) {
                Ok(adapter) => served.push(adapter),
                Err(error) => bar.suspend(|| println!("not served: {error:#}")),
            }
        }
        bar.finish_and_clear();
        Ok(Self { store: Some(store), served })
    }
}

/// The sub-folders, by name.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("{} cannot be read", folder.display());
    let mut found = Vec::new();
    for (index, entry) in folder.read_dir().with_context(failed)?.enumerate() {
        if index >= ENTRIES_MAX {
            bail!(
                "{} has more than {ENTRIES_MAX} entries; move what is no adapter elsewhere",
                folder.display()
            );
        }
        let path = entry.with_context(failed)?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn register(store: &AdapterStore, base: &str, shown: &str, path: PathBuf) -> Result<ServedAdapter> {
    let ledger: Name = format!("{base}.{shown}").parse().with_context(|| {
        format!("adapter {shown}: {base}.{shown} is no name on the ledger; name the folder differently")
    })?;
    let AdapterInfo { name, id, .. } = store.register(AdapterName::new(shown)?, path)?;
    Ok(ServedAdapter { name, ledger, id: Hash(id.0) })
}

/// The node's engine, which answers under one adapter.
pub struct Adapted {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The adapter.
    pub adapter: ServedAdapter,
}

impl Backend for Adapted {
    fn model_info(&self) -> ModelInfo {
        self.engine.model_info()
    }

    fn submit(&self, request: CompletionRequest) -> Result<Completion, SubmitError> {
        self.engine.submit(CompletionRequest { adapter: Some(self.adapter.name.clone()), ..request })
    }

    fn adapter(&self) -> Result<Option<Arc<Adapter>>, RegisterError> {
        let id = openledger_inference::Hash(self.adapter.id.0);
        let store = self.engine.adapters().ok_or(RegisterError::Unknown { id })?;
        store.open(id).map(Some)
    }

    fn open(&self, claim: &Claim<'_>, scope: &Scope) -> Result<Opening, ReplayError> {
        self.engine.open(claim, scope)
    }
}
