//! `openledger keys`: account keys in a folder, and API keys on a network.

use anyhow::{Context, Result};
use serde_json::json;

use super::Session;
use crate::cli::KeysCommand;
use crate::keystore::fresh_secret;
use crate::output::parse_credits;

pub async fn run(session: &Session, command: KeysCommand) -> Result<()> {
    match command {
        KeysCommand::New { name } => {
            let account = session.keys()?.ensure(&name)?.account();
            print_key(session, &name, &account.to_string(), None);
        }
        KeysCommand::List => {
            for (name, account) in session.keys()?.list()? {
                print_key(session, &name, &account.to_string(), None);
            }
        }
        KeysCommand::Show { name, secret } => {
            let key = session.keys()?.account(&name)?;
            let hidden = secret.then(|| format!("0x{}", hex::encode(key.to_bytes())));
            print_key(session, &name, &key.account().to_string(), hidden);
        }
        KeysCommand::Api { deposit, key } => api_key(session, &deposit, &key).await?,
    }
    Ok(())
}

async fn api_key(session: &Session, deposit: &str, key: &str) -> Result<()> {
    let deposit = parse_credits(deposit)?;
    let client = session.client(None);
    let gateway = client.network().await?.gateway;
    let operator = session.operator(&client, key).await?;
    let api_key = operator
        .open_api_key(gateway, &fresh_secret()?, deposit)
        .await
        .with_context(|| format!("the account {key:?} could not open a channel"))?;
    if session.json {
        session.print_json(
            &json!({ "key": api_key, "deposit": deposit.0, "consumer": operator.secret.account() }),
        );
    } else {
        println!("{api_key}");
        println!("It can spend {deposit} C and no more. It is shown once; whoever holds it can spend it.");
    }
    Ok(())
}

fn print_key(session: &Session, name: &str, account: &str, secret: Option<String>) {
    if session.json {
        let mut value = json!({ "name": name, "account": account });
        if let Some(secret) = secret {
            value["secret"] = secret.into();
        }
        session.print_json(&value);
        return;
    }
    println!("{account}  {name}");
    if let Some(secret) = secret {
        println!("secret  {secret}");
    }
}
