//! What the command line does, one file per noun. Absent: rules and formats; the crates below have them.

pub mod account;
pub mod ask;
pub mod audit;
pub mod datanet;
pub mod index;
pub mod keys;
pub mod ledger;
pub mod model;
pub mod passage;
pub mod receipt;
pub mod sim;
pub mod trail;
pub mod up;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use openledger_client::Client;
use openledger_types::AccountId;

use crate::cli::Cli;
use crate::keystore::Keystore;
use crate::operator::Operator;
use crate::output::Paint;

/// What every command needs: where the network's files are, which node to talk to, how to print.
pub struct Session {
    /// Folder of the local network.
    pub dir: PathBuf,
    url: Option<String>,
    /// Print JSON.
    pub json: bool,
    /// Colour.
    pub paint: Paint,
}

impl Session {
    /// From what was typed.
    pub fn new(cli: &Cli) -> Result<Self> {
        let dir = match &cli.dir {
            Some(dir) => dir.clone(),
            None => PathBuf::from(
                std::env::var_os("HOME").context("HOME is not set; name the folder with --dir")?,
            )
            .join(".openledger"),
        };
        Ok(Self { dir, url: cli.url.clone(), json: cli.json, paint: Paint::new(cli.color) })
    }

    /// A client of the node: `--url`, else the address that the network in `--dir` wrote, else the default port.
    pub fn client(&self, key: Option<String>) -> Client {
        let url = self.url.clone().or_else(|| self.own_address());
        Client::new(url.as_deref().unwrap_or("http://127.0.0.1:8080"), key)
    }

    /// The address that the network in `--dir` wrote.
    fn own_address(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.dir.join("address")).ok()?;
        Some(text.trim().to_owned())
    }

    /// The API key: given, else the one that the network in `--dir` wrote, which only that network is sent.
    pub fn api_key(&self, given: Option<String>) -> Result<String> {
        if let Some(key) = given {
            return Ok(key);
        }
        let path = self.dir.join("api-key");
        if let Some(url) = &self.url
            && self.own_address().is_some_and(|own| own != url.trim_end_matches('/'))
        {
            bail!("the API key in {} is for another network than {url}; name one with --key", path.display());
        }
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "no API key: {} cannot be read; name one with --key, or make one with `openledger keys api`",
                path.display()
            )
        })?;
        Ok(text.trim().to_owned())
    }

    /// The key store of this folder.
    pub fn keys(&self) -> Result<Keystore> {
        Keystore::open(&self.dir.join("keys"))
    }

    /// The key store of this folder, created when there is none.
    pub fn new_keys(&self) -> Result<Keystore> {
        Keystore::open_or_create(&self.dir.join("keys"), None)
    }

    /// An operator for the account with this key name.
    pub async fn operator<'a>(&self, client: &'a Client, key: &str) -> Result<Operator<'a>> {
        let secret = self.keys()?.account(key)?;
        let chain_id = client.network().await?.chain_id;
        Ok(Operator { client, chain_id, secret })
    }

    /// The account of an address or a key name.
    pub fn account(&self, text: &str) -> Result<AccountId> {
        match text.parse() {
            Ok(account) => Ok(account),
            Err(_) => Ok(self.keys()?.account(text)?.account()),
        }
    }

    /// Prints JSON on one line.
    pub fn print_json(&self, value: &serde_json::Value) {
        println!("{value}");
    }
}
