//! `openledger keys`: account keys in a folder, and API keys on a network.

use anyhow::{Context, Result};
use serde_json::json;

use super::Session;
use crate::cli::KeysCommand;
use crate::files;
use crate::output::parse_credits;

/// API keys of one account in one folder.
const API_KEYS_MAX: u32 = 10_000;

pub async fn run(session: &Session, command: KeysCommand) -> Result<()> {
    match command {
        KeysCommand::New { name } => {
            let account = session.new_keys()?.ensure(&name)?.account();
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

/// The key's secret comes from the key store and a number, so that a run that ended between the deposit and the key is
/// finished by the next one: a number whose key is not in a file yet is used again.
async fn api_key(session: &Session, deposit: &str, key: &str) -> Result<()> {
    let deposit = parse_credits(deposit)?;
    let client = session.client(None);
    let gateway = client.network().await?.gateway;
    let operator = session.operator(&client, key).await?;
    let keys = session.keys()?;
    let folder = session.dir.join("api-keys");
    let (purpose, path) = (1..=API_KEYS_MAX)
        .map(|number| format!("{} {number}", operator.secret.account()))
        .map(|purpose| (folder.join(purpose.replace(' ', "-")), purpose))
        .find(|(path, _)| !path.exists())
        .map(|(path, purpose)| (purpose, path))
        .with_context(|| {
            format!("{} holds {API_KEYS_MAX} keys already; remove old ones", folder.display())
        })?;
    let secret = keys.secret("api-key", &purpose);
    let (api_key, deposit) = operator
        .open_api_key(gateway, &secret, deposit)
        .await
        .with_context(|| format!("the account {key:?} could not open a channel"))?;
    files::create(&path, format!("{api_key}\n").as_bytes())?;
    if session.json {
        let consumer = operator.secret.account();
        session
            .print_json(&json!({ "key": api_key, "deposit": deposit.0, "consumer": consumer, "file": path }));
    } else {
        println!("{api_key}");
        println!(
            "It can spend {deposit} C and no more; whoever holds it can spend it. It is kept in {}.",
            path.display()
        );
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
