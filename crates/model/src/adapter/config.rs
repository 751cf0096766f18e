//! `adapter_config.json` as PEFT writes it.
//!
//! Rule: what would change the result and is not computed here is refused by its name, also entries that later versions add:
//! an unknown entry must be off (null, false or empty).
//! Absent: what only training reads (dropout, initial values, the task).

use serde_json::{Map, Value};

use super::ADAPTER_RANK_MAX;
use super::error::AdapterError;
use super::module::Module;

/// Largest accepted configuration, in bytes.
pub(super) const CONFIG_BYTES_MAX: u64 = 64 << 10;
/// Most entries of a list or a pattern.
const ENTRIES_MAX: usize = 8_192;

/// Entries that change nothing about a trained adapter.
const IGNORED: [&str; 19] = [
    "auto_mapping",
    "corda_config",
    "eva_config",
    "exclude_modules",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_dropout",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
    "ensure_weight_tying",
    "lora_ga_config",
    "tokenizer_revision",
    "base_model_class",
];

/// What decides about the numbers of an adapter.
#[derive(Debug)]
pub(super) struct Config {
    /// The name or path of the base model, where one is stated.
    pub(super) base: Option<String>,
    rank: usize,
    alpha: f64,
    is_rank_stabilised: bool,
    ranks: Vec<(String, usize)>,
    alphas: Vec<(String, f64)>,
}

impl Config {
    /// Reads and checks a configuration.
    pub(super) fn parse(bytes: &[u8]) -> Result<Config, AdapterError> {
        let value =
            serde_json::from_slice(bytes).map_err(|error| config(format!("it is no JSON: {error}")))?;
        let Value::Object(entries) = value else { return Err(config("it is no JSON object".to_owned())) };
        entries.iter().try_for_each(|(name, value)| check_entry(name, value))?;
        if !entries.contains_key("peft_type") {
            return Err(config("peft_type is missing".to_owned()));
        }
        let base = match entries.get("base_model_name_or_path") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
            Some(_) => return Err(config("base_model_name_or_path is no text".to_owned())),
        };
        Ok(Config {
            base,
            rank: rank("r", entries.get("r"))?,
            alpha: alpha("lora_alpha", entries.get("lora_alpha"))?,
            is_rank_stabilised: entries.get("use_rslora").and_then(Value::as_bool).unwrap_or(false),
            ranks: pattern(&entries, "rank_pattern", rank)?,
            alphas: pattern(&entries, "alpha_pattern", alpha)?,
        })
    }

    /// Rank and scaling of one projection: `alpha / r`, or `alpha / sqrt(r)`, rounded once to binary32.
    pub(super) fn of(&self, path: &str) -> Result<(usize, f32), AdapterError> {
        let rank = *matching(&self.ranks, "rank_pattern", path)?.unwrap_or(&self.rank);
        let alpha = *matching(&self.alphas, "alpha_pattern", path)?.unwrap_or(&self.alpha);
        let divisor = if self.is_rank_stabilised { (rank as f64).sqrt() } else { rank as f64 };
        Ok((rank, (alpha / divisor) as f32))
    }
}

/// Refuses what would be computed otherwise.
fn check_entry(name: &str, value: &Value) -> Result<(), AdapterError> {
    let accepted = match name {
        "r" | "lora_alpha" | "rank_pattern" | "alpha_pattern" | "base_model_name_or_path" => true,
        "use_rslora" => value.is_boolean() || value.is_null(),
        "peft_type" => value == "LORA",
        "bias" => value == "none",
        "target_modules" => return check_targets(value),
        // The others change the base model's weights, or need them to come to theirs.
        "init_lora_weights" => {
            value.is_boolean()
                || value.is_null()
                || ["gaussian", "eva", "orthogonal"].iter().any(|start| value == start)
        }
        _ => IGNORED.contains(&name) || is_off(value),
    };
    if accepted { Ok(()) } else { Err(unsupported(name, value)) }
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Array(values) => values.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Number(_) | Value::String(_) => false,
    }
}

/// A list names projections that a model has; a text is a pattern over them, and the tensors say what it found.
fn check_targets(value: &Value) -> Result<(), AdapterError> {
    let names = match value {
        Value::Array(names) => names,
        Value::String(_) | Value::Null => return Ok(()),
        _ => return Err(config("target_modules is no list of names".to_owned())),
    };
    for name in names {
        let last = name.as_str().and_then(|name| name.rsplit('.').next());
        if !Module::ALL.iter().any(|module| Some(module.name()) == last) {
            return Err(unsupported("target_modules with", name));
        }
    }
    Ok(())
}

fn rank(name: &str, value: Option<&Value>) -> Result<usize, AdapterError> {
    let rank = value.and_then(Value::as_u64).and_then(|rank| usize::try_from(rank).ok());
    rank.filter(|rank| (1..=ADAPTER_RANK_MAX).contains(rank))
        .ok_or_else(|| config(format!("{name} is {}, accepted is 1 to {ADAPTER_RANK_MAX}", shown(value))))
}

fn alpha(name: &str, value: Option<&Value>) -> Result<f64, AdapterError> {
    let alpha = value.and_then(Value::as_f64).filter(|alpha| (1e-6..=1e6).contains(alpha));
    alpha.ok_or_else(|| config(format!("{name} is {}, accepted is 1e-6 to 1e6", shown(value))))
}

/// Exceptions for single projections: plain names, with their parents or without.
fn pattern<T>(
    entries: &Map<String, Value>,
    name: &str,
    read: impl Fn(&str, Option<&Value>) -> Result<T, AdapterError>,
) -> Result<Vec<(String, T)>, AdapterError> {
    let exceptions = match entries.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(exceptions)) if exceptions.len() <= ENTRIES_MAX => exceptions,
        Some(value) => return Err(unsupported(name, value)),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
    let mut read_all = Vec::with_capacity(exceptions.len());
    for (key, value) in exceptions {
        if key.is_empty() || !key.bytes().all(is_plain) {
            return Err(unsupported(&format!("{name} with"), &Value::String(key.clone())));
        }
        read_all.push((key.clone(), read(&format!("{name} of {key}"), Some(value))?));
    }
    Ok(read_all)
}

/// The exception for a projection. PEFT takes the first that matches; where that matters it is refused.
fn matching<'a, T: PartialEq>(
    exceptions: &'a [(String, T)],
    name: &str,
    path: &str,
) -> Result<Option<&'a T>, AdapterError> {
    let is_of = |key: &str| path.strip_suffix(key).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let mut found = exceptions.iter().filter(|(key, _)| is_of(key)).map(|(_, value)| value);
    let first = found.next();
    if found.any(|other| Some(other) != first) {
        return Err(AdapterError::Unsupported { what: format!("{name} that says two things of {path}") });
    }
    Ok(first)
}

fn config(reason: String) -> AdapterError {
    AdapterError::Config { reason }
}

fn unsupported(name: &str, value: &Value) -> AdapterError {
    AdapterError::Unsupported { what: format!("{name} {}", shown(Some(value))) }
}

/// The beginning of a value.
fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "missing".to_owned(), |value| value.to_string().chars().take(60).collect())
}
