//! What an operator says about an engine, and how long it may take.

use std::fmt;
use std::time::Duration;

use openledger_inference::Hash;
use reqwest::Url;
use serde::Deserialize;

/// Which engine it is: they differ in what they take beyond OpenAI's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// vLLM's OpenAI-compatible server.
    Vllm,
    /// SGLang's OpenAI-compatible server.
    Sglang,
    /// `llama-server` of llama.cpp.
    LlamaServer,
    /// Anything that speaks OpenAI's protocol and nothing beyond it.
    Openai,
}

impl Kind {
    /// The engine as receipts name it. Nobody knows its version, and nothing shows that it is this one.
    pub(crate) const fn said(self) -> &'static str {
        match self {
            Kind::Vllm => "vllm behind HTTP",
            Kind::Sglang => "sglang behind HTTP",
            Kind::LlamaServer => "llama-server behind HTTP",
            Kind::Openai => "openai behind HTTP",
        }
    }

    /// The kind of the engine that receipts name like this.
    pub(crate) fn of_said(said: &str) -> Option<Self> {
        let all = [Kind::Vllm, Kind::Sglang, Kind::LlamaServer, Kind::Openai];
        all.into_iter().find(|kind| kind.said() == said)
    }

    /// The path that says whether the engine is well, where it has one.
    pub(crate) const fn health_path(self) -> Option<&'static str> {
        match self {
            Kind::Vllm | Kind::Sglang | Kind::LlamaServer => Some("health"),
            Kind::Openai => None,
        }
    }
}

/// One engine.
#[derive(Clone)]
pub struct UpstreamConfig {
    /// Which engine it is.
    pub kind: Kind,
    /// Its base address without `/v1`, for example `http://127.0.0.1:8000`; `http` or `https`.
    pub url: String,
    /// The model as the engine names it.
    pub model: String,
    /// Sent as the bearer token, where the engine wants one.
    pub key: Option<String>,
    /// Longest prompt and answer together that the engine serves, in tokens.
    pub context_tokens: u32,
    /// SHA-256 of the file of weights that it serves, where its operator stands by one.
    pub weights: Option<Hash>,
    /// How long it may take.
    pub limits: Limits,
}

impl fmt::Debug for UpstreamConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_ref().map(|_| "(kept back)");
        formatter
            .debug_struct("UpstreamConfig")
            .field("kind", &self.kind)
            .field("url", &shown(&self.url))
            .field("model", &self.model)
            .field("key", &key)
            .field("context_tokens", &self.context_tokens)
            .field("weights", &self.weights)
            .finish_non_exhaustive()
    }
}

/// How long an engine may take, and how often it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until it takes the connection.
    pub connect: Duration,
    /// From the request to the first event of the answer: it waits in the engine's queue and the prompt is read.
    pub first: Duration,
    /// Between two events of an answer. Comments and half lines are no events.
    pub idle: Duration,
    /// A whole answer.
    pub whole: Duration,
    /// How long whoever reads the answer may leave it lying.
    pub stall: Duration,
    /// A look at the engine's health.
    pub probe: Duration,
    /// Between two looks while all is well; after failures the time starts at a fifth of it and doubles up to twelve
    /// times as long.
    pub probe_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            first: Duration::from_secs(60),
            idle: Duration::from_secs(20),
            whole: Duration::from_secs(600),
            stall: Duration::from_secs(30),
            probe: Duration::from_secs(5),
            probe_every: Duration::from_secs(5),
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The address is none.
    #[error("url {url:?} is not the address of an engine: {reason}; write for example http://127.0.0.1:8000")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The name of the model is empty or too long.
    #[error(
        "model has {bytes} bytes; name the model as the engine does (GET /v1/models), in 1 to {MODEL_BYTES_MAX} bytes"
    )]
    Model {
        /// Its length.
        bytes: usize,
    },
    /// The context has no room.
    #[error(
        "context_tokens is {tokens}; it is 2 to {CONTEXT_TOKENS_MAX}, and no more than the engine serves"
    )]
    Context {
        /// What was given.
        tokens: u32,
    },
    /// The key cannot be sent.
    #[error("key holds characters that no HTTP header may have; copy it again")]
    Key,
    /// The HTTP client does not start.
    #[error("the HTTP client does not start: {reason}")]
    Client {
        /// What it says.
        reason: String,
    },
}

/// Longest name of a model, in bytes.
const MODEL_BYTES_MAX: usize = 512;
/// Longest context, in tokens.
const CONTEXT_TOKENS_MAX: u32 = 16_777_216;

impl UpstreamConfig {
    /// Checks everything that can be checked without the engine.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.check().map(drop)
    }

    /// Checks everything that can be checked without the engine, and gives the base of its paths.
    pub(crate) fn check(&self) -> Result<Url, ConfigError> {
        if self.model.is_empty() || self.model.len() > MODEL_BYTES_MAX {
            return Err(ConfigError::Model { bytes: self.model.len() });
        }
        if !(2..=CONTEXT_TOKENS_MAX).contains(&self.context_tokens) {
            return Err(ConfigError::Context { tokens: self.context_tokens });
        }
        let printable = |key: &String| key.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.key.as_ref().is_none_or(printable) {
            return Err(ConfigError::Key);
        }
        base(&self.url)
    }
}

/// An address as it may be repeated: what stands before an `@` may be a password.
fn shown(address: &str) -> &str {
    if address.contains('@') { "(kept back)" } else { address }
}

/// The base of an engine's paths, with a slash at its end.
fn base(text: &str) -> Result<Url, ConfigError> {
    let refuse = |text: &str, reason: &str| ConfigError::Url {
        url: shown(text).to_owned(),
        reason: reason.to_owned(),
    };
    let mut url = Url::parse(text).map_err(|error| refuse(text, &error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(text, "it holds a name or a password, which belong into `key`"));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse(text, "only http and https are spoken"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse(text, "it has a part after ? or #"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if path.ends_with("/v1") {
        return Err(refuse(text, "it ends in /v1, which is added to it"));
    }
    url.set_path(&format!("{path}/"));
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> UpstreamConfig {
        UpstreamConfig {
            kind: Kind::Vllm,
            url: url.to_owned(),
            model: "m".to_owned(),
            key: None,
            context_tokens: 4096,
            weights: None,
            limits: Limits::default(),
        }
    }

    #[test]
    fn addresses_are_checked_and_get_one_slash() {
        for (given, base) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
            ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
            ("http://engines.example/eu//", "http://engines.example/eu/"),
            ("https://engines.example", "https://engines.example/"),
        ] {
            assert_eq!(config(given).check().unwrap().as_str(), base);
        }
        for (given, says) in [
            ("127.0.0.1:8000", "is not the address"),
            ("", "is not the address"),
            ("ftp://host", "only http and https"),
            ("http://host/v1", "ends in /v1"),
            ("http://host/v1/", "ends in /v1"),
            ("http://host/?a=b", "after ?"),
            ("http://me:secret@host/", "belong into `key`"),
            ("http://me:secret@ho st/", "is not the address"),
            ("me:secret@host", "only http and https"),
        ] {
            let error = config(given).check().unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("secret"), "{given}: {error}");
            assert!(!format!("{:?}", config(given)).contains("secret"));
        }
    }

    #[test]
    fn what_cannot_be_served_is_refused_and_keys_are_not_shown() {
        let good = config("http://host");
        let refused = |change: &dyn Fn(&mut UpstreamConfig)| {
            let mut config = good.clone();
            change(&mut config);
            config.check().unwrap_err()
        };
        assert_eq!(refused(&|config| config.model.clear()), ConfigError::Model { bytes: 0 });
        assert_eq!(refused(&|config| config.context_tokens = 1), ConfigError::Context { tokens: 1 });
        assert_eq!(refused(&|config| config.key = Some("a\nb".to_owned())), ConfigError::Key);
        let config = UpstreamConfig { key: Some("hush".to_owned()), ..good };
        assert!(!format!("{config:?}").contains("hush"));
    }
}
