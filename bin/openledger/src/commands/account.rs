//! `openledger account`: balances, statements, transfers, the faucet, and the supply.

use anyhow::{Context, Result, bail};
use openledger_types::{Action, Asset};
use serde_json::{Value, json};

use super::Session;
use crate::cli::AccountCommand;
use crate::output::{parse_credits, units};

pub async fn run(session: &Session, command: AccountCommand) -> Result<()> {
    let client = session.client(None);
    match command {
        AccountCommand::Statement { account, page } => {
            let account = session.account(&account)?;
            let value: Value =
                client.get(&format!("/api/v1/accounts/{account}/statement?page={page}")).await?;
            print(session, &value, statement);
        }
        AccountCommand::Balance { account } => {
            let account = session.account(&account)?;
            let value: Value = client.get(&format!("/api/v1/accounts/{account}")).await?;
            print(session, &value, balance);
        }
        AccountCommand::Transfer { to, amount, key } => {
            let (to, amount) = (session.account(&to)?, parse_credits(&amount)?);
            let operator = session.operator(&client, &key).await?;
            let reply = operator.act(Action::Transfer { to, asset: Asset::Credit, amount }).await?;
            done(session, reply.height, &format!("sent {amount} C to {to}"));
        }
        AccountCommand::Faucet { to, amount } => {
            let (to, amount) = (session.account(&to)?, parse_credits(&amount)?);
            let operator = session.operator(&client, "treasury").await?;
            let reply = operator.act(Action::Faucet { to, asset: Asset::Credit, amount }).await?;
            done(session, reply.height, &format!("{to} has {amount} C more"));
        }
        AccountCommand::Supply => supply(session, &client.get("/api/v1/supply").await?)?,
    }
    Ok(())
}

fn print(session: &Session, value: &Value, human: fn(&Value) -> String) {
    if session.json {
        session.print_json(value);
    } else {
        println!("{}", human(value));
    }
}

fn done(session: &Session, height: u64, text: &str) {
    if session.json {
        session.print_json(&json!({ "height": height }));
    } else {
        println!("{text} (block {height})");
    }
}

fn amount(value: &Value) -> String {
    units(value.as_u64().unwrap_or_default())
}

/// The name of an account where it has one, else its address.
pub fn shown(account: &Value) -> String {
    account["name"].as_str().or(account["id"].as_str()).unwrap_or("?").to_owned()
}

fn balance(value: &Value) -> String {
    let mut lines = vec![
        format!("{}  {}", account_id(&value["account"]), shown(&value["account"])),
        format!("  liquid      {:>16} uC", amount(&value["credits"])),
        format!("  in escrow   {:>16} uC", amount(&value["escrowed"])),
        format!("  in channels {:>16} uC", amount(&value["in_channels"])),
        format!(
            "  OPEN        {:>16} (in millionths), {} at stake",
            amount(&value["open"]),
            amount(&value["open_bonded"])
        ),
    ];
    for earning in value["earnings"].as_array().into_iter().flatten() {
        lines.push(format!(
            "  earned as {:12} {:>12} uC liquid {:>12} uC in escrow",
            earning["role"].as_str().unwrap_or_default(),
            amount(&earning["liquid"]),
            amount(&earning["escrowed"])
        ));
    }
    lines.join("\n")
}

fn account_id(account: &Value) -> &str {
    account["id"].as_str().unwrap_or("?")
}

fn statement(value: &Value) -> String {
    let mut lines =
        vec![format!("Statement of {} ({})", shown(&value["account"]), account_id(&value["account"]))];
    lines.push(format!(
        "{:>8}  {:16} {:>14} {:>14} {:>14}  receipts",
        "block", "what", "liquid uC", "escrow uC", "channels uC"
    ));
    for line in value["lines"]["entries"].as_array().into_iter().flatten() {
        let change = |place: &str| line["changes"][place].as_i64().unwrap_or_default();
        let receipts: Vec<&str> = line["receipts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|receipt| receipt["id"].as_str())
            .collect();
        lines.push(format!(
            "{:>8}  {:16} {:>14} {:>14} {:>14}  {}",
            line["height"].as_u64().unwrap_or_default(),
            line["kind"].as_str().unwrap_or_default(),
            change("liquid"),
            change("escrowed"),
            change("in_channels"),
            receipts.join(" ")
        ));
    }
    let pages = &value["lines"];
    lines.push(format!("page {} of entries, {} lines in all", pages["page"], pages["total"]));
    lines.join("\n")
}

fn supply(session: &Session, value: &Value) -> Result<()> {
    let number = |name: &str| value[name].as_u64().with_context(|| format!("the node does not tell {name}"));
    let places = [
        "credits_in_balances",
        "credits_in_channels",
        "credits_in_escrow",
        "credits_in_pools",
        "credits_in_custody",
    ];
    let mut held = 0u64;
    for place in places {
        held = held.checked_add(number(place)?).context("the supply overflows")?;
    }
    let (deposited, withdrawn, burned) =
        (number("credits_deposited")?, number("credits_withdrawn")?, number("credits_burned")?);
    let balanced = held.checked_add(burned).and_then(|sum| sum.checked_add(withdrawn)) == Some(deposited)
        && value["conserved"] == Value::Bool(true);
    if session.json {
        session.print_json(&json!({
            "held": held, "deposited": deposited, "withdrawn": withdrawn, "burned": burned, "balanced": balanced, "where": value,
        }));
    } else {
        for place in places {
            println!("{:22} {:>20} uC", place.replace('_', " "), units(number(place)?));
        }
        println!("{:22} {:>20} uC", "burned", units(burned));
        println!("{:22} {:>20} uC", "withdrawn", units(withdrawn));
        println!("{:22} {:>20} uC", "deposited", units(deposited));
    }
    if !balanced {
        bail!(
            "the supply does not add up: this node's read model and the ledger disagree; stop and report it"
        );
    }
    Ok(())
}
