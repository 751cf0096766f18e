//! `openledger ledger`: any action of the ledger, as JSON. Each step of the ledger has actions that no other command sends;
//! here they are all within reach, shown in plain words before they are signed. And any record of the state.

use std::io::Read as _;

use anyhow::{Context, Result, bail};
use openledger_ledger::{StateKey, StateRecord};
use openledger_types::{Action, limits};
use serde_json::{Value, json};

use super::Session;
use crate::cli::LedgerCommand;
use crate::operator::read_raw;

pub async fn run(session: &Session, command: LedgerCommand) -> Result<()> {
    match command {
        LedgerCommand::Act { action, key, dry_run } => act(session, &action, &key, dry_run).await,
        LedgerCommand::Show { keys } => show(session, &keys).await,
    }
}

async fn act(session: &Session, text: &str, key: &str, dry_run: bool) -> Result<()> {
    let action = parse(session, &given(text)?)?;
    let (name, summary) = (action.name(), action.summary());
    if dry_run {
        return said(session, &json!({ "action": name, "summary": summary }), &summary);
    }
    let client = session.client(None);
    let reply = session.operator(&client, key).await?.act(action).await?;
    let mut text = format!("{summary} (block {})", reply.height);
    for event in &reply.events {
        text.push_str("\n  ");
        text.push_str(&serde_json::to_string(event)?);
    }
    let value = json!({ "action": name, "summary": summary, "height": reply.height, "events": reply.events });
    said(session, &value, &text)
}

async fn show(session: &Session, texts: &[String]) -> Result<()> {
    let keys = texts.iter().map(|text| key(session, text)).collect::<Result<Vec<StateKey>>>()?;
    let client = session.client(None);
    let (height, records) = read_raw(&client, &keys).await?;
    for ((text, key), record) in texts.iter().zip(&keys).zip(records) {
        let record = record.map(|bytes| StateRecord::decode(key, &bytes)).transpose()?;
        let value = json!({ "key": key, "height": height, "record": record });
        let shown = match &record {
            Some(record) => format!("{text} at height {height}\n{:#}", serde_json::to_value(record)?),
            None => format!("{text} at height {height}\nnothing there"),
        };
        said(session, &value, &shown)?;
    }
    Ok(())
}

/// The key of a JSON text; a bare name needs no quotes.
fn key(session: &Session, text: &str) -> Result<StateKey> {
    let mut value: Value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    resolve(session, &mut value)?;
    serde_json::from_value(value)
        .with_context(|| format!("{text} is no key of the state; docs/economy.md lists keys under \"State\""))
}

fn said(session: &Session, value: &Value, text: &str) -> Result<()> {
    if session.json {
        session.print_json(value);
    } else {
        println!("{text}");
    }
    Ok(())
}

/// What was typed, or standard input for `-`.
fn given(text: &str) -> Result<String> {
    if text != "-" {
        return Ok(text.to_owned());
    }
    let limit = u64::try_from(limits::TRANSACTION_BYTES_MAX).unwrap_or(u64::MAX).saturating_mul(4);
    let mut read = String::new();
    std::io::stdin().take(limit).read_to_string(&mut read).context("standard input cannot be read")?;
    Ok(read)
}

/// The action of a JSON object; a text `@name` in it stands for the address of that key.
fn parse(session: &Session, text: &str) -> Result<Action> {
    let mut value: Value = serde_json::from_str(text).context("the action is not JSON")?;
    resolve(session, &mut value)?;
    let kind = value.get("action").and_then(Value::as_str).map(str::to_owned);
    match serde_json::from_value(value) {
        Ok(action) => Ok(action),
        Err(error) => match kind {
            Some(kind) => Err(error).with_context(|| {
                format!("the action {kind:?} is not complete; docs/economy.md lists actions and their fields")
            }),
            None => {
                bail!("the JSON object has no field \"action\"; docs/economy.md lists the names of actions")
            }
        },
    }
}

fn resolve(session: &Session, value: &mut Value) -> Result<()> {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix('@') {
                *text = session.account(name)?.to_string();
            }
            Ok(())
        }
        Value::Array(values) => values.iter_mut().try_for_each(|value| resolve(session, value)),
        Value::Object(fields) => fields.values_mut().try_for_each(|value| resolve(session, value)),
        _ => Ok(()),
    }
}
