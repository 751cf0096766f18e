//! What the repository promises about itself, checked: arrows between crates, which crate may name which foreign
//! world, what pure crates ban, file heads, file lengths, inherited lints, unfinished words, the map, decisions that are
//! listed. The tables below are checked too: an entry for what is gone is a finding.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell;

/// Layers from the bottom up. A crate may depend on crates of its own layer that stand before it, and on any crate
/// of a lower layer.
const LAYERS: &[&[&str]] = &[
    &["types"],
    &["ledger", "sim", "datanet", "attribution", "receipt", "routing"],
    &["store", "model", "inference", "retrieval", "chain", "query"],
    &["client", "upstream", "worker", "gateway", "explorer"],
    &["openledger"],
];

/// Pure crates: they may depend on pure crates and on third-party crates, but on none of these.
const PURE: &[&str] = &["types", "ledger", "sim", "datanet", "attribution", "receipt", "routing"];
const IMPURE: &[&str] = &["tokio", "axum", "reqwest", "redb", "tantivy", "memmap2", "rand", "getrandom"];

/// What the clippy.toml of every pure crate bans at least.
const BANS: &[&str] = &[
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::fs::File",
    "std::net::TcpStream",
    "std::thread::spawn",
    "std::fs::read",
    "std::fs::write",
];

/// Foreign worlds and the only crates that may name them in production code.
const FOREIGN: &[(&str, &[&str])] = &[
    ("commonware-", &["chain"]),
    ("tantivy", &["retrieval"]),
    ("libsais", &["attribution"]),
    ("zstd", &["attribution"]),
    ("crc32fast", &["attribution", "store"]),
    ("tokenizers", &["model"]),
    ("safetensors", &["model"]),
    ("redb", &["store"]),
    ("memmap2", &["model", "store", "openledger"]),
    ("parquet", &["openledger"]),
    ("askama", &["explorer"]),
    ("reqwest", &["client", "upstream", "openledger"]),
    ("axum", &["gateway", "explorer", "openledger"]),
];

/// Longest source file, in lines; tables and tests included.
const FILE_LINES_MAX: usize = 800;

/// Words that say that something is unfinished.
const UNFINISHED: &[&str] = &["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("];

pub(crate) fn run() -> Result<()> {
    let mut findings = Vec::new();
    let packages = workspace_packages()?;
    check_arrows(&packages, &mut findings);
    check_foreign_worlds(&packages, &mut findings);
    check_tables(&packages, &mut findings);
    check_bans(&packages, &mut findings)?;
    check_map(&packages, &mut findings)?;
    check_manifests(&packages, &mut findings)?;
    check_sources(&mut findings)?;
    check_decisions(&mut findings)?;
    if findings.is_empty() {
        println!("tidy: {} crates, nothing to mend", packages.len());
        return Ok(());
    }
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    bail!("{} findings", findings.len())
}

struct Package {
    folder: PathBuf,
    dependencies: Vec<String>,
}

/// Packages of the workspace by their short name, with their normal and build dependencies.
fn workspace_packages() -> Result<BTreeMap<String, Package>> {
    let text = shell::output(shell::cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata printed no JSON")?;
    let mut packages = BTreeMap::new();
    for package in metadata["packages"].as_array().context("cargo metadata lists no packages")? {
        let name = package["name"].as_str().unwrap_or_default();
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let dependencies = package["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
            .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
            .collect();
        let folder = manifest.parent().context("a manifest has no folder")?.to_path_buf();
        packages.insert(short(name).to_owned(), Package { folder, dependencies });
    }
    Ok(packages)
}

fn short(name: &str) -> &str {
    name.strip_prefix("openledger-").unwrap_or(name)
}

fn position(name: &str) -> Option<(usize, usize)> {
    LAYERS.iter().enumerate().find_map(|(layer, crates)| {
        crates.iter().position(|other| *other == name).map(|index| (layer, index))
    })
}

fn check_arrows(packages: &BTreeMap<String, Package>, findings: &mut Vec<String>) {
    for (name, package) in packages.iter().filter(|(name, _)| name.as_str() != "xtask") {
        let Some(own) = position(name) else {
            findings.push(format!(
                "{name} has no layer; add it to LAYERS in xtask/src/tidy.rs and to ARCHITECTURE.md"
            ));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|other| other.starts_with("openledger-")) {
            let below = position(short(dependency)).is_some_and(|other| other < own);
            let pure = !PURE.contains(&name.as_str()) || PURE.contains(&short(dependency));
            if !below || !pure {
                findings.push(format!("{name} may not depend on {dependency}: arrows go down only"));
            }
        }
    }
}

fn check_foreign_worlds(packages: &BTreeMap<String, Package>, findings: &mut Vec<String>) {
    for (name, package) in packages {
        for dependency in &package.dependencies {
            for (world, owners) in FOREIGN {
                if dependency.starts_with(world) && !owners.contains(&name.as_str()) {
                    findings.push(format!("{name} names {dependency}; only {owners:?} may"));
                }
            }
            if PURE.contains(&name.as_str()) && IMPURE.contains(&dependency.as_str()) {
                findings.push(format!("{name} is pure and may not use {dependency}"));
            }
        }
    }
}

/// The tables above name nothing that is gone.
fn check_tables(packages: &BTreeMap<String, Package>, findings: &mut Vec<String>) {
    let named = LAYERS.iter().copied().flatten().chain(PURE);
    for name in named.copied().collect::<BTreeSet<&str>>() {
        if !packages.contains_key(name) {
            findings.push(format!("there is no crate {name}; take it out of xtask/src/tidy.rs"));
        }
    }
    for (world, owners) in FOREIGN {
        for owner in *owners {
            let names_it = packages
                .get(*owner)
                .is_some_and(|package| package.dependencies.iter().any(|other| other.starts_with(world)));
            if !names_it {
                findings.push(format!(
                    "{owner} may name {world} and does not; take it out of FOREIGN in xtask/src/tidy.rs"
                ));
            }
        }
    }
}

/// Every pure crate has bans of its own.
fn check_bans(packages: &BTreeMap<String, Package>, findings: &mut Vec<String>) -> Result<()> {
    for (name, package) in packages.iter().filter(|(name, _)| PURE.contains(&name.as_str())) {
        let path = package.folder.join("clippy.toml");
        if !path.exists() {
            findings.push(format!("{name} is pure and has no clippy.toml with its bans"));
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        for ban in BANS.iter().filter(|ban| !text.contains(&format!("path = \"{ban}\""))) {
            findings.push(format!("{name}/clippy.toml does not ban {ban}"));
        }
    }
    Ok(())
}

/// Every crate has its place in ARCHITECTURE.md.
fn check_map(packages: &BTreeMap<String, Package>, findings: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(shell::root().join("ARCHITECTURE.md"))
        .context("ARCHITECTURE.md cannot be read")?;
    for name in packages.keys() {
        if !text.contains(&format!("| `{name}` |")) && !text.contains(&format!("| `bin/{name}` |")) {
            findings.push(format!("ARCHITECTURE.md has no row for {name}"));
        }
    }
    Ok(())
}

fn check_manifests(packages: &BTreeMap<String, Package>, findings: &mut Vec<String>) -> Result<()> {
    for (name, package) in packages {
        let path = package.folder.join("Cargo.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        for needed in ["[lints]\nworkspace = true", "license.workspace = true", "edition.workspace = true"] {
            if !text.contains(needed) {
                findings.push(format!("{name}/Cargo.toml lacks {needed:?}"));
            }
        }
        if !text.contains("description = ") {
            findings.push(format!("{name}/Cargo.toml has no description"));
        }
    }
    Ok(())
}

fn check_sources(findings: &mut Vec<String>) -> Result<()> {
    for path in source_files()? {
        let shown = path.strip_prefix(shell::root()).unwrap_or(&path).display().to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("{shown} cannot be read"))?;
        if !text.starts_with("//!") {
            findings.push(format!("{shown} does not begin with a //! head that says its purpose"));
        }
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(format!("{shown} has {lines} lines, more than {FILE_LINES_MAX}; split it"));
        }
        if !shown.starts_with("xtask") {
            for word in UNFINISHED.iter().filter(|word| text.contains(**word)) {
                findings.push(format!("{shown} contains {word}"));
            }
        }
    }
    Ok(())
}

fn source_files() -> Result<Vec<PathBuf>> {
    let list = shell::output(std::process::Command::new("git").current_dir(shell::root()).args([
        "ls-files",
        "-co",
        "--exclude-standard",
        "*.rs",
    ]))?;
    Ok(list.lines().map(|line| shell::root().join(line)).filter(|path| path.exists()).collect())
}

/// Every decision is listed in `docs/decisions/README.md`, and every listed one exists.
fn check_decisions(findings: &mut Vec<String>) -> Result<()> {
    let folder = shell::root().join("docs/decisions");
    let index =
        fs::read_to_string(folder.join("README.md")).context("docs/decisions/README.md cannot be read")?;
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "README.md" && !index.contains(&format!("({name})")) {
            findings.push(format!("docs/decisions/{name} is not listed in docs/decisions/README.md"));
        }
    }
    let links = index.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| link.ends_with(".md") && !link.contains("://")) {
        if !folder.join(link).exists() {
            findings.push(format!("docs/decisions/README.md lists {link}, which does not exist"));
        }
    }
    Ok(())
}
