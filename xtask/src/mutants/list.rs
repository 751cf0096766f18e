//! What can be broken: the list that `cargo mutants --list` prints, and the numbers that mutants have in a woven tree.
//!
//! Absent: any opinion on which mutations are worth trying; `.cargo/mutants.toml` and cargo-mutants decide that.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// A place in a source file, as cargo-mutants and rustc count: lines and columns from 1, columns in characters.
pub(crate) type Place = (usize, usize);

/// One way to break the code.
#[derive(Debug, Clone)]
pub(crate) struct Mutant {
    /// What switches it on in a woven tree; from 1, because 0 is the code as it is written.
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) step: String,
    pub(crate) file: String,
    pub(crate) genre: String,
    pub(crate) start: Place,
    pub(crate) replacement: String,
}

/// The mutants of these steps, in the order of the source text.
pub(crate) fn of_steps(steps: &[&str]) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for step in steps {
        let files = format!("crates/ledger/src/{step}/**/*.rs");
        let mut command = shell::cargo();
        command.args(["mutants", "--package", "openledger-ledger", "--file", &files, "--list", "--json"]);
        let listed: Value = serde_json::from_str(&shell::output(&mut command)?)
            .context("the list of cargo mutants is not JSON")?;
        for value in listed.as_array().context("the list of cargo mutants is no list")? {
            let mutant = read(mutants.len() + 1, step, value);
            let mutant = mutant.with_context(|| format!("a mutant that is not understood: {value}"))?;
            mutants.extend(without_alias(mutant));
        }
    }
    Ok(mutants)
}

/// cargo-mutants takes the ledger's `Applied<T>` for a container, and tries `Applied::new(0)`, `Applied::from(0)` and more.
/// It is a `Result`: one of them is tried as `Ok(0)`, and the others are no mutants.
fn without_alias(mut mutant: Mutant) -> Option<Mutant> {
    let replacement = match mutant.replacement.as_str() {
        "Default::default()" if mutant.name.contains("-> Applied with") => "Ok(())".to_owned(),
        text if !text.starts_with("Applied::") => return Some(mutant),
        text => format!("Ok({})", text.strip_prefix("Applied::from(")?.strip_suffix(')')?),
    };
    mutant.name = mutant.name.replace(&mutant.replacement, &replacement);
    mutant.replacement = replacement;
    Some(mutant)
}

fn read(number: usize, step: &str, value: &Value) -> Option<Mutant> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let of = |name: &str| value["span"]["start"][name].as_u64().and_then(|count| usize::try_from(count).ok());
    Some(Mutant {
        number,
        name: text("name")?,
        step: step.to_owned(),
        file: text("file")?,
        genre: text("genre")?,
        start: (of("line")?, of("column")?),
        replacement: text("replacement")?,
    })
}
