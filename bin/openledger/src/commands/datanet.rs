//! `openledger datanet`: contributions with authors, sealed into versions.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use openledger_client::ClientError;
use openledger_datanet::{ParseOptions, parse_json_lines};
use openledger_ledger::StateKey;
use openledger_types::record::{DatanetRecord, SnapshotRecord};
use openledger_types::{Action, BasisPoints, Hash, Name};
use serde_json::{Value, json};

use super::Session;
use crate::cli::DatanetCommand;
use crate::node::library::read_snapshot;
use crate::operator::read;
use crate::output::units;

pub async fn run(session: &Session, command: DatanetCommand) -> Result<()> {
    let client = session.client(None);
    match command {
        DatanetCommand::Create { name, title, license, context, key } => {
            let name: Name = name.parse()?;
            session.new_keys()?.ensure(&key)?;
            let operator = session.operator(&client, &key).await?;
            operator.create_datanet(&name, &title, &license, BasisPoints(context)).await?;
            said(session, json!({ "datanet": name }), &format!("{name} is there; its curator is {key}"));
        }
        DatanetCommand::Contribute { name, file, key } => {
            contribute(session, &client, &name.parse()?, &file, &key).await?;
        }
        DatanetCommand::Status { name } => status(session, &client, name).await?,
        DatanetCommand::Seal { name, key } => {
            let name: Name = name.parse()?;
            let version = session.operator(&client, &key).await?.seal(&name).await?;
            said(
                session,
                json!({ "datanet": name, "version": version }),
                &format!("{name} is sealed as version {version}"),
            );
        }
        DatanetCommand::Revoke { name, contribution, key } => {
            let (datanet, contribution) = (name.parse()?, contribution.parse()?);
            let operator = session.operator(&client, &key).await?;
            let reply = operator.act(Action::RevokeContribution { datanet, contribution }).await?;
            let text = format!("revoked in block {}: from now on nothing is paid for it", reply.height);
            said(session, json!({ "contribution": contribution, "height": reply.height }), &text);
        }
        DatanetCommand::Export { name, out, segments, key: None } => {
            export(session, &client, name, &out, segments).await?;
        }
        DatanetCommand::Export { name, out, segments, key: Some(key) } => {
            let reader = session.operator(&client, &key).await?.reader().await?;
            export(session, &reader, name, &out, segments).await?;
        }
    }
    Ok(())
}

fn said(session: &Session, value: Value, text: &str) {
    if session.json {
        session.print_json(&value);
    } else {
        println!("{text}");
    }
}

/// A progress bar with a message and a count.
pub fn progress_bar(message: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg:28} [{bar:32}] {pos}/{len} ({elapsed})")
        .expect("the template is valid")
        .progress_chars("=> ");
    bar.set_style(style);
    bar.set_message(message.to_owned());
    bar
}

async fn contribute(
    session: &Session,
    client: &openledger_client::Client,
    name: &Name,
    file: &Path,
    key: &str,
) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let Some(record) = read::<DatanetRecord>(client, StateKey::Datanet(name.clone())).await? else {
        bail!("there is no datanet {name}; create it with `openledger datanet create {name}`");
    };
    let options = ParseOptions {
        default_license: Some(record.license),
        default_source: name.to_string(),
        ..ParseOptions::default()
    };
    let contributions = parse_json_lines(&bytes, &options)
        .with_context(|| format!("{} was not contributed", file.display()))?;
    let count = contributions.len();
    let mut keys = session.keys()?;
    let operator = session.operator(client, key).await?;
    let bar = progress_bar(&format!("contributing to {name}"));
    let added = operator.contribute(&mut keys, name, contributions, &bar).await?;
    bar.finish_and_clear();
    let text = format!("{added} contributions are new in {name}, {} were there already", count - added);
    said(session, json!({ "datanet": name, "added": added, "known": count - added }), &text);
    Ok(())
}

async fn status(session: &Session, client: &openledger_client::Client, name: Option<String>) -> Result<()> {
    let value: Value = match &name {
        Some(name) => {
            let name: Name = name.parse()?;
            client.get(&format!("/api/v1/datanets/{name}")).await?
        }
        None => client.get("/api/v1/datanets").await?,
    };
    if session.json {
        session.print_json(&value);
        return Ok(());
    }
    let one = [value.clone()];
    for datanet in value["entries"].as_array().map_or(&one[..], Vec::as_slice) {
        println!("{}", described(datanet));
    }
    Ok(())
}

/// A datanet in plain words.
fn described(datanet: &Value) -> String {
    let text = |name: &str| datanet[name].as_str().unwrap_or("?").to_owned();
    let number = |name: &str| datanet[name].as_u64().unwrap_or_default();
    let sealed = match number("version") {
        0 => "not sealed yet".to_owned(),
        version => format!("version {version}, root {}", text("root")),
    };
    format!(
        "{}  {} ({})\n  {} contributions by {} authors, {} revoked, {} repeats\n  {sealed}\n  {} answers grounded, {} uC earned",
        text("name"),
        text("title"),
        text("license"),
        number("contributions"),
        number("authors"),
        number("revoked"),
        number("repeats"),
        number("answers"),
        units(number("earned")),
    )
}

async fn export(
    session: &Session,
    client: &openledger_client::Client,
    name: Option<String>,
    out: &Path,
    with_segments: bool,
) -> Result<()> {
    let is_named = name.is_some();
    let names: Vec<Name> = match name {
        Some(name) => vec![name.parse()?],
        None => names(client).await?,
    };
    fs::create_dir_all(out).with_context(|| format!("{} cannot be created", out.display()))?;
    for name in names {
        let Some(record) = read::<DatanetRecord>(client, StateKey::Datanet(name.clone())).await? else {
            bail!("there is no datanet {name}; `openledger datanet status` lists them");
        };
        for version in 1..=record.version {
            let manifest = match client.manifest(name.as_str(), version).await {
                Err(ClientError::Refused { status: 403, message, .. }) if !is_named => {
                    eprintln!("{name} is left out: {message}");
                    break;
                }
                manifest => manifest?,
            };
            let sealed = read_snapshot(name.as_str(), version, &manifest)?;
            let on_ledger = read::<SnapshotRecord>(client, StateKey::Snapshot(name.clone(), version)).await?;
            if on_ledger.is_none_or(|record| record.root != Hash(sealed.snapshot.root())) {
                bail!("version {version} of {name} does not have the root that was sealed; ask another node");
            }
            let path = out.join(format!("{name}.v{version}.jsonl"));
            write(&path, &manifest)?;
            if with_segments {
                write(&out.join(format!("{name}.v{version}.segment")), sealed.segment.as_bytes())?;
            }
            let text = format!(
                "{}: {} contributions, root checked",
                path.display(),
                sealed.snapshot.entries().len()
            );
            said(session, json!({ "datanet": name, "version": version, "file": path }), &text);
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

async fn names(client: &openledger_client::Client) -> Result<Vec<Name>> {
    let value: Value = client.get("/api/v1/datanets").await?;
    let list = value["entries"].as_array().context("the node lists no datanets")?;
    list.iter()
        .filter_map(|datanet| datanet["name"].as_str())
        .map(|name| name.parse().map_err(anyhow::Error::from))
        .collect()
}
