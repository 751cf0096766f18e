//! Engines behind HTTP that a node's provider serves beside its own: what the operator writes about each, and the engines as
//! they run.
//!
//! Rule: everything that can be wrong without asking an engine is found before the node writes anything. An engine that is
//! down stops nobody: it is named, its model is offered, and requests are refused with the reason until it is up.
//! Absent: how an engine is asked and watched (`upstream`); what its answers cost (`provision` posts the offers).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use openledger_types::{Amount, Hash, Name};
use openledger_upstream::{Kind, Limits, Upstream, UpstreamConfig, UpstreamError};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::provision::Promise;
use crate::keystore::Keystore;
use crate::models;

/// Engines of one node.
const UPSTREAMS_MAX: usize = 32;
/// Requests that one engine may be given at a time.
const CAPACITY_MAX: u32 = 256;

/// The `[provider]` of a node's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderFile {
    /// The resource class in which its capacity counts.
    #[serde(default = "general")]
    pub class: Name,
    /// Engines behind HTTP.
    #[serde(default)]
    pub upstreams: Vec<UpstreamFile>,
}

/// The class that networks begin with.
fn general() -> Name {
    "general".parse().expect("it is a name")
}

/// One `[[provider.upstreams]]`, as it was typed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamFile {
    /// The model's name on the ledger.
    model: Name,
    kind: Kind,
    /// The engine's address, without `/v1`.
    url: String,
    /// The model as the engine names it.
    engine_model: String,
    /// Longest prompt and answer together.
    context_tokens: u32,
    /// The variable of the environment that holds the engine's key, where it wants one.
    key_env: Option<String>,
    /// uC for a token of the prompt, and for one of the answer.
    prompt_price: Amount,
    completion_price: Amount,
    /// Answers at a time.
    capacity: u32,
    /// Licence of the weights.
    license: String,
    /// SHA-256 of the file of weights (GGUF) that the engine serves, where the operator stands by one: whoever has the file can
    /// say whether answers are consistent with it.
    weights: Option<String>,
    /// How long it may take, where the usual times do not fit it.
    #[serde(default)]
    timeouts: TimeoutsFile,
}

/// The `timeouts` of an engine, in seconds.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutsFile {
    /// Until it takes the connection.
    connect: Option<u32>,
    /// From the request to the first event of the answer.
    first: Option<u32>,
    /// Between two events of an answer.
    idle: Option<u32>,
    /// A whole answer.
    whole: Option<u32>,
}

/// The longest of these times, in seconds: a day.
const TIMEOUT_MAX: u32 = 86_400;

impl TimeoutsFile {
    fn resolve(self) -> Result<Limits> {
        let usual = Limits::default();
        let time = |name: &str, given: Option<u32>, usual: Duration| match given {
            None => Ok(usual),
            Some(seconds) if (1..=TIMEOUT_MAX).contains(&seconds) => Ok(Duration::from_secs(seconds.into())),
            Some(seconds) => bail!("timeouts.{name} is {seconds} seconds; it is 1 to {TIMEOUT_MAX}"),
        };
        Ok(Limits {
            connect: time("connect", self.connect, usual.connect)?,
            first: time("first", self.first, usual.first)?,
            idle: time("idle", self.idle, usual.idle)?,
            whole: time("whole", self.whole, usual.whole)?,
            ..usual
        })
    }
}

/// An engine that can be started.
#[derive(Debug, Clone)]
pub struct UpstreamSetting {
    /// The model's name on the ledger.
    pub model: Name,
    engine: UpstreamConfig,
    prices: (Amount, Amount),
    capacity: u32,
    license: String,
}

impl ProviderFile {
    /// Checks every engine; `variable` reads the environment.
    pub fn resolve(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<UpstreamSetting>> {
        if self.upstreams.len() > UPSTREAMS_MAX {
            bail!("{} engines are configured; a node takes {UPSTREAMS_MAX}", self.upstreams.len());
        }
        let mut names = BTreeSet::new();
        let mut settings = Vec::with_capacity(self.upstreams.len());
        for file in &self.upstreams {
            let setting = file
                .resolve(&variable)
                .with_context(|| format!("the engine of {} in [[provider.upstreams]]", file.model))?;
            if !names.insert(&file.model) {
                bail!("two engines in [[provider.upstreams]] are of {}; name each model once", file.model);
            }
            settings.push(setting);
        }
        Ok(settings)
    }
}

impl UpstreamFile {
    fn resolve(&self, variable: impl Fn(&str) -> Option<String>) -> Result<UpstreamSetting> {
        let key = self.key_env.as_ref().map(|name| {
            let key = variable(name).filter(|key| !key.is_empty());
            key.with_context(|| format!("key_env names {name}, which the environment does not have; set it"))
        });
        if self.prompt_price == Amount::ZERO || self.completion_price == Amount::ZERO {
            bail!("prompt_price and completion_price are in uC for a token, and at least 1");
        }
        if !(1..=CAPACITY_MAX).contains(&self.capacity) {
            bail!(
                "capacity is {}; it is how many answers are made at a time, 1 to {CAPACITY_MAX}",
                self.capacity
            );
        }
        let weights = self.weights.as_deref().map(weights).transpose()?;
        let engine = UpstreamConfig {
            kind: self.kind,
            url: self.url.clone(),
            model: self.engine_model.clone(),
            key: key.transpose()?,
            context_tokens: self.context_tokens,
            weights,
            limits: self.timeouts.resolve()?,
        };
        engine.validate()?;
        Ok(UpstreamSetting {
            model: self.model.clone(),
            engine,
            prices: (self.prompt_price, self.completion_price),
            capacity: self.capacity,
            license: self.license.clone(),
        })
    }
}

/// The SHA-256 of a file of weights.
fn weights(hex: &str) -> Result<openledger_inference::Hash> {
    let hex = models::parse_sha256(hex).map_err(|error| anyhow!("weights: {error}"))?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(hex, &mut bytes)?;
    Ok(openledger_inference::Hash(bytes))
}

impl UpstreamSetting {
    /// The key of the account that stands for whoever made the model: it registers it, and the model's owner can be given it
    /// by a transfer.
    pub fn builder(&self) -> String {
        format!("builder of {}", self.model)
    }

    /// What the provider promises. Nobody sees the engine's files: its weights are those that the operator names, or unknown.
    pub fn promise(&self, keys: &Keystore) -> Result<Promise> {
        Ok(Promise {
            model: self.model.clone(),
            weights: self.engine.weights.map_or(Hash::UNKNOWN, |weights| Hash(weights.0)),
            license: self.license.clone(),
            builder: keys.account(&self.builder())?,
            lineage: None,
            listed: None,
            prices: Some(self.prices),
            capacity: self.capacity,
        })
    }

    /// Begins to watch the engine.
    pub fn start(&self) -> Result<Arc<Upstream>> {
        let started = Upstream::start(self.engine.clone(), &Handle::current());
        Ok(Arc::new(started.with_context(|| format!("the engine of {}", self.model))?))
    }
}

/// Looks at every engine and says how it is; they are looked at together, so this takes as long as the slowest.
pub async fn introduce(engines: &[(UpstreamSetting, Arc<Upstream>)]) {
    let mut looks: JoinSet<(usize, Result<(), UpstreamError>)> = JoinSet::new();
    for (place, (_, engine)) in engines.iter().enumerate() {
        let engine = engine.clone();
        looks.spawn(async move { (place, engine.look().await) });
    }
    let mut seen = looks.join_all().await;
    seen.sort_by_key(|(place, _)| *place);
    for ((setting, _), (_, seen)) in engines.iter().zip(seen) {
        match seen {
            Ok(()) => println!("engine: {} at {}", setting.model, setting.engine.url),
            Err(error) => println!("engine: {} is served when its engine is up: {error}", setting.model),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: &str = r#"
        [[upstreams]]
        model = "qwen2.5-7b-instruct"
        kind = "vllm"
        url = "http://127.0.0.1:8000"
        engine_model = "Qwen/Qwen2.5-7B-Instruct"
        context_tokens = 32768
        key_env = "VLLM_KEY"
        prompt_price = 5
        completion_price = 40
        capacity = 64
        license = "Apache-2.0"
    "#;

    fn resolved(text: &str) -> Result<Vec<UpstreamSetting>> {
        let file: ProviderFile = toml::from_str(text)?;
        file.resolve(|name| (name == "VLLM_KEY").then(|| "hush".to_owned()))
    }

    #[test]
    fn an_engine_is_read_whole_and_its_key_is_not_shown() {
        let settings = resolved(ENGINE).unwrap();
        assert_eq!(settings[0].builder(), "builder of qwen2.5-7b-instruct");
        assert_eq!(settings[0].engine.key.as_deref(), Some("hush"));
        assert!(!format!("{settings:?}").contains("hush"));
        assert_eq!(settings[0].engine.weights, None);
        let slow = ENGINE.replacen("license", "timeouts = { first = 300, whole = 3600 }\n        license", 1);
        let limits = resolved(&slow).unwrap()[0].engine.limits;
        let seconds = [limits.first, limits.idle, limits.whole].map(|time| time.as_secs());
        assert_eq!(seconds, [300, 20, 3_600]);
        let hex = "ab".repeat(32);
        let named = ENGINE.replacen("license", &format!("weights = \"{hex}\"\n        license"), 1);
        let weights = resolved(&named).unwrap()[0].engine.weights.expect("they are named");
        assert_eq!(weights.0, [0xab; 32]);
        assert!(resolved("").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_with_an_engine_is_said_before_it_is_asked() {
        let check = |from: &str, to: &str, says: &str| {
            assert!(ENGINE.contains(from), "{from}");
            let error = format!("{:#}", resolved(&ENGINE.replacen(from, to, 1)).unwrap_err());
            assert!(error.contains(says), "{error}");
        };
        check("VLLM_KEY", "OTHER_KEY", "the environment does not have; set it");
        check("\"vllm\"", "\"tgi\"", "unknown variant `tgi`");
        check("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1", "ends in /v1");
        check("qwen2.5-7b-instruct", "Qwen 7B", "is not a name");
        check("prompt_price = 5", "prompt_price = 0", "at least 1");
        check("completion_price = 40", "completion_price = -1", "invalid value");
        check("capacity = 64", "capacity = 0", "1 to 256");
        check("context_tokens = 32768", "context_tokens = 0", "context_tokens is 0");
        check("license", "licence", "unknown field `licence`");
        check(
            "license =",
            "timeouts = { first = 0 }\n        license =",
            "timeouts.first is 0 seconds; it is 1 to",
        );
        check("license =", "timeouts = { never = 1 }\n        license =", "unknown field `never`");
        check("license =", "weights = \"a1b2\"\n        license =", "weights: ");
        let twice = format!("{:#}", resolved(&[ENGINE, ENGINE].concat()).unwrap_err());
        assert!(twice.contains("name each model once"), "{twice}");
        let many: Vec<String> =
            (0..33).map(|number| ENGINE.replace("qwen2.5-7b", &format!("q{number}"))).collect();
        assert!(resolved(&many.concat()).unwrap_err().to_string().contains("33 engines"));
    }
}
