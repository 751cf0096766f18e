//! `openledger audit replay`: the part that is looked at, its opening from the provider, the computation, and what was found.
//!
//! Rule: windows are drawn by a number that nobody knew when the answer was committed to. Bytes from the provider are compared
//! with the commitment before they are used; an opening that is another's says nothing against the answer.
//! Absent: the terminal (`picture`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use openledger_client::Client;
use openledger_client::api::OpeningRequest;
use openledger_inference::{Adapter, AdapterBase, Auditor, Difference, Evidence, Opening, Report, Scope};
use openledger_model::Model;
use openledger_receipt::Check;
use openledger_types::Hash;
use serde_json::{Value, json};

use super::claim::{Beacon, Claimed};
use crate::cli::ReplayArguments;
use crate::models;

/// Windows that are drawn for `--layer` unless `--windows` says how many.
const WINDOWS_DEFAULT: u32 = 4;
/// The most threads that compute.
const THREADS_MAX: usize = 8;

/// What an audit found.
pub struct Found {
    pub file: PathBuf,
    /// Steps that need no computation; the last one fails where nothing was computed.
    pub checks: Vec<Check>,
    /// What was computed; `None` where a check failed before.
    pub replayed: Option<Replayed>,
}

/// A part of an answer that was computed again.
pub struct Replayed {
    pub receipt: String,
    pub model: String,
    pub evidence: Evidence,
    pub scope: Scope,
    pub beacon: Option<Beacon>,
    pub report: Report,
    pub opening: Option<Duration>,
    pub computing: Duration,
}

/// Draws, asks, computes and compares.
pub async fn run(client: &Client, arguments: &ReplayArguments, mut claimed: Box<Claimed>) -> Result<Found> {
    let file = arguments.file.clone();
    if let Some(randomness) = arguments.beacon {
        claimed.beacon = Some(Beacon { height: None, randomness: randomness.0 });
    }
    let model = open_model(arguments.model.as_deref(), claimed.weights()).await?;
    let adapter = open_adapter(arguments.adapter.as_deref(), &claimed.material.evidence, &model)?;
    let mut checks = vec![verified()];
    checks.push(held("tier", &tier(&claimed.material.evidence)));
    checks.extend(claimed.checks(&model));
    if checks.iter().any(|check| !check.ok) {
        return Ok(Found { file, checks, replayed: None });
    }
    let scope = scope(arguments, &claimed)?;
    let begun = Instant::now();
    let opening = match &scope {
        Scope::All => None,
        _ => Some(fetch(client, &claimed, &scope).await?),
    };
    let opened = opening.is_some().then(|| begun.elapsed());
    let is_drawn = scope != Scope::All && arguments.window.is_empty();
    let mut replayed = compute(claimed, (model, adapter), scope, opening).await?;
    replayed.beacon = replayed.beacon.filter(|_| is_drawn);
    Ok(Found { file, checks, replayed: Some(Replayed { opening: opened, ..replayed }) })
}

/// What a receipt that was read has passed.
pub(super) fn verified() -> Check {
    held("receipt", "signatures, money and texts hold; `openledger receipt verify` lists them")
}

pub(super) fn held(name: &'static str, detail: &str) -> Check {
    Check { name, ok: true, detail: detail.to_owned() }
}

fn tier(evidence: &Evidence) -> String {
    format!(
        "exact: the provider committed to {} positions in {} windows behind {} layers ({}…)",
        evidence.positions,
        evidence.windows(),
        evidence.layers,
        &evidence.commitment.to_string()[..16]
    )
}

/// The part that is looked at.
fn scope(arguments: &ReplayArguments, claimed: &Claimed) -> Result<Scope> {
    let evidence = &claimed.material.evidence;
    if arguments.windows.is_none() && arguments.layer.is_none() && arguments.window.is_empty() {
        return Ok(Scope::All);
    }
    let mut windows = match arguments.window.as_slice() {
        [] => drawn(arguments, claimed)?,
        named => named.to_vec(),
    };
    windows.sort_unstable();
    windows.dedup();
    Ok(match arguments.layer {
        Some(layer) if layer >= evidence.layers => {
            bail!("there is no layer {layer}: the model has {}, from 0", evidence.layers)
        }
        Some(layer) => Scope::Layer { layer, windows },
        None => Scope::Windows(windows),
    })
}

/// The windows that chance chooses.
fn drawn(arguments: &ReplayArguments, claimed: &Claimed) -> Result<Vec<u32>> {
    let Some(beacon) = &claimed.beacon else {
        bail!(
            "the receipt is not settled yet, so nothing random is known that came after it; fetch it again in a moment, name a number with --beacon or windows with --window, or replay --all"
        );
    };
    let evidence = &claimed.material.evidence;
    let count = usize::try_from(arguments.windows.unwrap_or(WINDOWS_DEFAULT))?;
    Ok(Scope::sample(evidence, &beacon.randomness, count).windows(evidence))
}

/// The provider's opening of a part.
async fn fetch(client: &Client, claimed: &Claimed, scope: &Scope) -> Result<Opening> {
    let layer = match scope {
        Scope::Layer { layer, .. } => Some(*layer),
        Scope::Windows(_) | Scope::All => None,
    };
    let part = OpeningRequest { windows: scope.windows(&claimed.material.evidence), layer };
    let salt = hex::encode(claimed.opening.salt);
    let bytes = client
        .opening(&claimed.predicate.id, &salt, &part)
        .await
        .context("the provider did not open this part; `--all` needs nobody's help")?;
    Ok(Opening::from_bytes(&bytes)?)
}

async fn compute(
    claimed: Box<Claimed>,
    (model, adapter): (Arc<Model>, Option<Arc<Adapter>>),
    scope: Scope,
    opening: Option<Opening>,
) -> Result<Replayed> {
    let positions = claimed.material.evidence.positions;
    let spinner = models::spinner(format!("computing {positions} positions again"));
    let computed = tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        let claim = claimed.material.claim(claimed.asked.grammar());
        let auditor = Auditor::new(model, threads(), None)?;
        let mut auditor = match adapter {
            Some(adapter) => auditor.under(adapter),
            None => auditor,
        };
        let report = auditor.replay(&claim, &scope, opening.as_ref())?;
        Ok::<_, anyhow::Error>((claimed, scope, report, begun.elapsed()))
    });
    let (claimed, scope, report, computing) = computed.await??;
    spinner.finish_and_clear();
    let untrue = |difference: &&Difference| {
        matches!(difference, Difference::Opening { .. } | Difference::Inputs { .. })
    };
    if let Some(difference) = report.differences.iter().find(untrue) {
        bail!("{difference}; whoever sent it may be wrong and the answer right: ask again, or replay --all");
    }
    let Claimed { predicate, material, beacon, .. } = *claimed;
    let (receipt, model, evidence) = (predicate.id, predicate.served.model.to_string(), material.evidence);
    Ok(Replayed { receipt, model, evidence, scope, beacon, report, opening: None, computing })
}

/// The file of the model that answered: the one that is named, else the one in the cache with its hash.
pub(super) async fn open_model(given: Option<&Path>, weights: Hash) -> Result<Arc<Model>> {
    let wanted = hex::encode(weights.0);
    let path = match given {
        Some(path) => path.to_path_buf(),
        None => models::find(&wanted).await?.with_context(|| {
            format!("the model with SHA-256 {wanted} answered, and it is not in the cache; name its file with --model")
        })?,
    };
    let shown = path.display().to_string();
    let opened = tokio::task::spawn_blocking(move || Model::open(&path)).await?;
    let model = opened.with_context(|| format!("{shown} is not a model that can be computed"))?;
    let found = hex::encode(model.sha256());
    if found != wanted {
        bail!("{shown} has SHA-256 {found}, and {wanted} answered; name its file with --model");
    }
    Ok(Arc::new(model))
}

/// The adapter that answered, where one did.
fn open_adapter(given: Option<&Path>, evidence: &Evidence, model: &Model) -> Result<Option<Arc<Adapter>>> {
    let (wanted, folder) = match (evidence.adapter, given) {
        (None, None) => return Ok(None),
        (Some(wanted), Some(folder)) => (wanted, folder),
        (Some(wanted), None) => bail!("the adapter {wanted} answered; name its folder with --adapter"),
        (None, Some(_)) => bail!("the model answered without an adapter; leave out --adapter"),
    };
    // Which base it names was the node's to compare; here its hash decides.
    let base = AdapterBase { shape: *model.shape(), names: Vec::new() };
    let opened = Adapter::open(folder, &base);
    let adapter = opened.with_context(|| format!("{} is no adapter of the model", folder.display()))?;
    let found = openledger_inference::Hash(adapter.id());
    if found != wanted {
        bail!("{} is {found}, and {wanted} answered; name its folder with --adapter", folder.display());
    }
    Ok(Some(Arc::new(adapter)))
}

impl Found {
    /// Of a receipt that does not verify.
    pub fn refused(file: &Path, check: Check) -> Self {
        Self { file: file.to_path_buf(), checks: vec![check], replayed: None }
    }

    /// Whether everything that was looked at is as committed to.
    pub fn is_equal(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
            && self.replayed.as_ref().is_some_and(|replayed| replayed.report.is_equal())
    }

    /// The result in plain words.
    pub fn verdict(&self) -> String {
        if let Some(check) = self.checks.iter().find(|check| !check.ok) {
            return format!("FRAUD: {}: {}", check.name, check.detail);
        }
        let differences = self.replayed.as_ref().map_or(&[][..], |replayed| &replayed.report.differences);
        let mut windows: Vec<u32> = differences.iter().filter_map(Difference::window).collect();
        windows.dedup();
        match (differences.first(), windows.len()) {
            (None, _) => "every checked window is what was committed to".to_owned(),
            (Some(first), 0 | 1) => format!("FRAUD: {first}"),
            (Some(first), count) => format!("FRAUD: {first}; {count} windows differ"),
        }
    }

    /// All of it as JSON (stable).
    pub fn to_json(&self) -> Value {
        let mut value = json!({
            "file": self.file, "ok": self.is_equal(), "verdict": self.verdict(), "checks": self.checks,
            "replay": Value::Null,
        });
        if let Some(replayed) = &self.replayed {
            value["replay"] = replayed.to_json();
        }
        value
    }
}

impl Replayed {
    fn to_json(&self) -> Value {
        let Self { receipt, model, evidence, report, .. } = self;
        let (kind, layer) = match &self.scope {
            Scope::All => ("all", None),
            Scope::Windows(_) => ("windows", None),
            Scope::Layer { layer, .. } => ("layer", Some(layer)),
        };
        let beacon = self
            .beacon
            .as_ref()
            .map(|beacon| json!({ "height": beacon.height, "randomness": hex::encode(beacon.randomness) }));
        let differences: Vec<Value> = report
            .differences
            .iter()
            .map(|difference| {
                let layer = match difference {
                    Difference::State { layer, .. } => Some(layer),
                    _ => None,
                };
                json!({ "window": difference.window(), "layer": layer, "what": difference.to_string() })
            })
            .collect();
        json!({
            "receipt": receipt, "tier": "exact", "model": model, "model_sha256": evidence.model_sha256,
            "commitment": evidence.commitment, "scope": kind, "layer": layer, "windows_checked": report.windows,
            "windows": evidence.windows(), "layers": evidence.layers, "beacon": beacon,
            "positions_computed": report.positions, "tokens_chosen": report.tokens,
            "opening_ms": self.opening.map(milliseconds), "computing_ms": milliseconds(self.computing),
            "differences": differences,
        })
    }
}

/// How many threads compute here.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX)
}

pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
