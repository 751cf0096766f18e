//! The genesis of a network from a readable file (`docs/genesis.toml` is one, with every parameter explained), or the
//! starting values of a local network.
//!
//! The first start copies the file into the network's folder, and later starts read the copy, so a network cannot begin
//! twice by accident. Absent: the rules that a genesis must obey; they are in `ledger`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use openledger_ledger::{Genesis, GenesisAccount};
use openledger_types::{AccountId, Parameters};
use serde::Deserialize;
use toml::{Table, Value};

use crate::files;

/// Chain id of local networks.
const LOCAL_CHAIN_ID: u64 = 31_337;
/// Name of local networks.
const LOCAL_NAME: &str = "local";
/// The copy in a network's folder.
const COPY: &str = "genesis.toml";

/// The file as it was typed; the parameters are checked by name before they are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "local_name")]
    name: String,
    parameters: Table,
    #[serde(default)]
    accounts: Vec<GenesisAccount>,
}

fn local_name() -> String {
    LOCAL_NAME.to_owned()
}

/// What a network begins with.
#[derive(Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The network's name.
    pub name: String,
    /// Parameters and first balances.
    pub genesis: Genesis,
}

impl Beginning {
    /// The network in `folder`: by `file` when it is given, by the copy of an earlier start, or by the starting values.
    pub fn of(folder: &Path, file: Option<&Path>, treasury: AccountId) -> Result<Self> {
        let copy = folder.join(COPY);
        let known = match files::read_text(&copy)? {
            Some(text) => Some(Self::read(&text, &copy, treasury)?),
            None => folder.join("network.json").exists().then(|| Self::local(treasury)),
        };
        let Some(path) = file else {
            return Ok(known.unwrap_or_else(|| Self::local(treasury)));
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the genesis {} cannot be read", path.display()))?;
        let beginning = Self::read(&text, path, treasury)?;
        match known {
            Some(known) if known != beginning => bail!(
                "the network in {} began with another genesis than {}; choose another --dir",
                folder.display(),
                path.display()
            ),
            Some(_) => {}
            None => files::write(&copy, text.as_bytes())?,
        }
        Ok(beginning)
    }

    fn local(treasury: AccountId) -> Self {
        let parameters = Parameters::starting(LOCAL_CHAIN_ID, true, treasury);
        Self { name: local_name(), genesis: Genesis { parameters, accounts: Vec::new() } }
    }

    /// Reads and checks a file. Whoever types a name wrong is told so, instead of starting a network without it.
    fn read(text: &str, path: &Path, treasury: AccountId) -> Result<Self> {
        let shown = path.display();
        let mut file: File = toml::from_str(text)
            .with_context(|| format!("{shown} is not a genesis; see docs/genesis.toml"))?;
        file.parameters.entry("treasury").or_insert_with(|| Value::String(treasury.to_string()));
        let parameters: Parameters = Value::Table(file.parameters.clone())
            .try_into()
            .with_context(|| format!("the parameters in {shown} are not complete; see docs/genesis.toml"))?;
        let known = Table::try_from(&parameters)?;
        if let Some(unknown) = unknown_name(&file.parameters, &known) {
            bail!("{shown} names the parameter {unknown}, which does not exist; see docs/genesis.toml");
        }
        let genesis = Genesis { parameters, accounts: file.accounts };
        genesis.state().with_context(|| format!("{shown} cannot start a network"))?;
        if !genesis.parameters.local {
            bail!(
                "{shown} is no local network (local = false), and this node runs all roles of one; set local = true"
            );
        }
        Ok(Self { name: file.name, genesis })
    }
}

/// A name in `given` that is not in `known`, with the tables it is in.
fn unknown_name(given: &Table, known: &Table) -> Option<String> {
    given.iter().find_map(|(name, value)| match (value, known.get(name)) {
        (Value::Table(given), Some(Value::Table(known))) => {
            unknown_name(given, known).map(|inner| format!("{name}.{inner}"))
        }
        (Value::Array(given), Some(Value::Array(known))) => {
            let rows =
                given.iter().zip(known).filter_map(|(given, known)| given.as_table().zip(known.as_table()));
            let mut unknown = rows.filter_map(|(given, known)| unknown_name(given, known));
            unknown.next().map(|inner| format!("{name}.{inner}"))
        }
        (_, None) => Some(name.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATED: &str = include_str!("../../../docs/genesis.toml");

    fn read(text: &str) -> Result<Beginning> {
        Beginning::read(text, Path::new("genesis.toml"), AccountId([7; 20]))
    }

    #[test]
    fn the_stated_genesis_is_the_one_that_networks_start_with() {
        assert_eq!(read(STATED).unwrap(), Beginning::local(AccountId([7; 20])));
    }

    #[test]
    fn a_genesis_says_what_is_wrong_with_it() {
        let check = |from: &str, to: &str, expected: &str| {
            assert!(STATED.contains(from), "{from}");
            let error = format!("{:#}", read(&STATED.replacen(from, to, 1)).unwrap_err());
            assert!(error.contains(expected), "{error}");
        };
        check("epoch_ms = ", "epoch_millis = ", "missing field `epoch_ms`");
        check("epoch_ms = ", "hurry = 1\nepoch_ms = ", "hurry");
        check(
            "[[parameters.markets.classes]]",
            "[[parameters.markets.classes]]\nspeed = 1",
            "markets.classes.speed",
        );
        check("[parameters.split]", "[parameters.split]\nfounders = 500", "split.founders");
        check("burn = 500", "burn = 501", "sums to 10001");
        check("local = true", "local = false", "set local = true");
        check("epoch_ms = 3600000", "epoch_ms = 0", "its bounds are 1 to");
        check("name = \"local\"", "title = \"local\"", "not a genesis");
    }

    #[test]
    fn a_folder_remembers_its_genesis() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, STATED.replacen("name = \"local\"", "name = \"town\"", 1)).unwrap();
        let network = folder.path().join("network");
        files::private_folder(&network).unwrap();
        let treasury = AccountId([7; 20]);
        assert_eq!(Beginning::of(&network, None, treasury).unwrap().name, "local");
        assert_eq!(Beginning::of(&network, Some(&file), treasury).unwrap().name, "town");
        assert_eq!(Beginning::of(&network, None, treasury).unwrap().name, "town");
        std::fs::write(&file, STATED).unwrap();
        let error = Beginning::of(&network, Some(&file), treasury).unwrap_err().to_string();
        assert!(error.contains("another genesis"), "{error}");
        // A network that began without a file has the starting values.
        let old = folder.path().join("old");
        files::write(&old.join("network.json"), b"{}").unwrap();
        assert_eq!(Beginning::of(&old, Some(&file), treasury).unwrap().name, "local");
        std::fs::write(&file, STATED.replacen("name = \"local\"", "name = \"town\"", 1)).unwrap();
        assert!(Beginning::of(&old, Some(&file), treasury).is_err());
    }
}
