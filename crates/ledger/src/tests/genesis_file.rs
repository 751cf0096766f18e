//! `docs/genesis.toml` is written from the code: the starting parameters, each with its unit, its bounds and who may change it.
//! The binary reads it in a test of its own; with `OPENLEDGER_WRITE_DOCS=1` the test here writes it.
#![expect(clippy::disallowed_methods, reason = "the test writes a document of the repository")]

use std::fmt::Write as _;

use serde_json::Value;

use super::World;
use crate::{GOVERNED, Governed};

const INTRODUCTION: &str = "\
# A genesis: what a network agrees on before its first block.
#
#   openledger up --genesis docs/genesis.toml
#
# This one states the starting values, so a network with it is the network that `openledger up` starts without a file.
# It is written from the code; change the code and run
#   OPENLEDGER_WRITE_DOCS=1 cargo nextest run -p openledger-ledger economy
# A value out of its bounds, a split that does not sum to 10000, an unknown name or a missing one is refused.

# Shown to people.
name = \"local\"

# Who holds what in the first block. On a local network the faucet gives, so nobody needs anything.
#
# [[accounts]]
# account = \"0x1111111111111111111111111111111111111111\"
# credits = 1000000000   # in uC: 1,000 C
# open = 10000000000     # in millionths: 10,000 OPEN
";

/// What is fixed at genesis and no proposal changes.
const FIXED: [(&str, &str); 8] = [
    ("chain_id", "EIP-155 chain id, part of every signature"),
    (
        "local",
        "a local network has a faucet; \"up\" and \"node\" need it, because they register their own roles",
    ),
    ("faucet_max", "the most that one faucet action gives, in millionths"),
    ("bridge", "the account through which credits come in and go out; none when left out"),
    ("markets.classes.name", "a resource class: offers that can stand in for each other; at most 16 classes"),
    ("markets.classes.prompt_price", "uC per prompt token: offers of the class ask for at most this"),
    ("markets.classes.completion_price", "uC per completion token, likewise"),
    ("treasury", "the operators' account; when left out, the key \"treasury\" of the folder"),
];

fn comment(path: &str) -> String {
    if let Some(Governed { unit, low, high, class, .. }) = GOVERNED.iter().find(|row| row.name == path) {
        return format!("{unit}, {low} to {high}, {}", format!("{class:?}").to_lowercase());
    }
    let fixed = FIXED.iter().find(|(name, _)| *name == path);
    fixed.unwrap_or_else(|| panic!("{path} is neither governed nor fixed")).1.to_owned()
}

fn is_table(value: &Value) -> bool {
    value.is_object() || value.as_array().is_some_and(|rows| rows.iter().any(Value::is_object))
}

/// Writes a table: its own values first, then the tables in it.
fn table(document: &mut String, path: &str, header: &str, fields: &serde_json::Map<String, Value>) {
    let full = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let _ = writeln!(document, "\n{header}");
    for (name, value) in fields.iter().filter(|(_, value)| !is_table(value)) {
        let comment = comment(&full(name));
        let _ = match value {
            Value::Null => writeln!(document, "# {name} = \"0x...\" # {comment}"),
            _ if name == "treasury" => writeln!(document, "# {name} = \"0x...\" # {comment}"),
            value => writeln!(document, "{name} = {value} # {comment}"),
        };
    }
    for (name, value) in fields {
        let path = full(name);
        match value {
            Value::Object(inner) => table(document, &path, &format!("[parameters.{path}]"), inner),
            Value::Array(rows) if is_table(value) => {
                for row in rows.iter().filter_map(Value::as_object) {
                    table(document, &path, &format!("[[parameters.{path}]]"), row);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn the_starting_economy_is_a_genesis_file() {
    let mut written = INTRODUCTION.to_owned();
    let json = serde_json::to_value(World::new().parameters).unwrap();
    table(&mut written, "", "[parameters]", json.as_object().unwrap());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/genesis.toml");
    if std::env::var("OPENLEDGER_WRITE_DOCS").is_ok() {
        std::fs::write(path, &written).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == written,
        "docs/genesis.toml is not what the code says; write it with OPENLEDGER_WRITE_DOCS=1"
    );
}
