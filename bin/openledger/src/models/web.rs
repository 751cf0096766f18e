//! Files of the web that are asked for from a byte on.
//!
//! Rule: redirections are counted, and neither they nor links go from https to http, or to what is neither. Absent: what
//! addresses mean (`hub`, `package`); where the bytes go (`download`).

use std::error::Error;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::header::{LOCATION, RANGE};
use reqwest::{Client, Method, Response, StatusCode, Url};

/// Redirections of one request.
pub const REDIRECTIONS_MAX: usize = 5;
/// Until a server takes a connection, and between two pieces of a file.
const CONNECT_MAX: Duration = Duration::from_secs(10);
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A kind of server, and what its users are told of it.
#[derive(Debug)]
pub struct Kind {
    /// The variable that names its address, and an address that would do.
    pub setting: &'static str,
    pub example: &'static str,
    /// What to look at when it has no such file.
    pub check: &'static str,
}

/// What lies below an address.
#[derive(Debug, Clone)]
pub struct Web {
    pub base: Url,
    kind: &'static Kind,
    http: Client,
}

/// A file of the web.
pub struct Remote {
    pub web: Web,
    pub url: Url,
    /// What stands beside its bar.
    pub name: String,
    /// What it is called where something is said of it.
    pub shown: String,
}

impl Web {
    /// What lies below the address that the environment names, or else the example.
    pub fn from_environment(kind: &'static Kind) -> Result<Self> {
        let named = std::env::var(kind.setting).ok().filter(|address| !address.is_empty());
        Self::new(named.as_deref().unwrap_or(kind.example), kind)
    }

    /// What lies below this address.
    pub fn new(address: &str, kind: &'static Kind) -> Result<Self> {
        let Kind { setting, example, .. } = kind;
        // What stands before an @ may be a password, and is not repeated.
        if address.contains('@') {
            bail!(
                "{setting} holds a name or a password, which are not supported; write for example {example}"
            );
        }
        let base = Url::parse(address)
            .with_context(|| format!("{setting} is {address:?}; write for example {example}"))?;
        if !matches!(base.scheme(), "http" | "https") {
            bail!(
                "{setting} is {address:?}, and only http and https are spoken; write for example {example}"
            );
        }
        let build = |is_tls: bool| {
            let builder = Client::builder()
                .connect_timeout(CONNECT_MAX)
                .read_timeout(SILENCE_MAX)
                .redirect(reqwest::redirect::Policy::none())
                // A server that closes a connection without a word does not fail the request after it.
                .pool_max_idle_per_host(0);
            if is_tls { builder.build() } else { builder.tls_certs_only([]).build() }
        };
        // A mirror is asked over http without the system's certificates too; where it redirects to https, that fails.
        let http = if base.scheme() == "https" { build(true) } else { build(true).or_else(|_| build(false)) };
        let http = http.context(
            "the HTTP client does not start; https needs the certificates of the system (Debian: ca-certificates)",
        )?;
        Ok(Self { base, kind, http })
    }

    /// Asks once; redirections are not followed.
    pub async fn send(&self, method: Method, url: &Url, from: Option<u64>) -> Result<Response> {
        let mut request = self.http.request(method, url.clone());
        if let Some(from) = from {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        request.send().await.map_err(|error| {
            anyhow::anyhow!(
                "{} does not answer: {}; check the network, or {}",
                host(url),
                innermost(&error),
                self.kind.setting
            )
        })
    }

    /// Where a redirection leads; anything else that is no success is an error.
    pub fn next(&self, from: &Url, response: &Response, shown: &str) -> Result<Url> {
        let status = response.status();
        if !status.is_redirection() {
            let next = match status.as_u16() {
                401 | 403 => "it does not exist or is not public, and accounts are not supported",
                404 => self.kind.check,
                429 => "the server wants fewer requests; try again later",
                _ => "try again later",
            };
            bail!("{} answered {status} for {shown}: {next}", host(from));
        }
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let next = location.and_then(|location| from.join(location).ok());
        let next = next.with_context(|| format!("{} redirects to nowhere", host(from)))?;
        followed(from, next)
    }
}

/// The address, if it may be followed from the other one.
pub fn followed(from: &Url, next: Url) -> Result<Url> {
    match (from.scheme(), next.scheme()) {
        ("https", "https") | ("http", "http" | "https") => Ok(next),
        (_, other) => bail!("{} leads to {other}, which is not followed", host(from)),
    }
}

/// Of an address, what can be shown: its path may hold what is nobody else's business.
pub fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

impl Remote {
    /// Asks for the file from a byte on; the answer is 200 (from its begin), 206 or 416.
    pub async fn open(&self, from: u64) -> Result<Response> {
        let mut url = self.url.clone();
        for _ in 0..=REDIRECTIONS_MAX {
            let response = self.web.send(Method::GET, &url, Some(from).filter(|from| *from > 0)).await?;
            if response.status().is_success() || response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
                return Ok(response);
            }
            url = self.web.next(&url, &response, &self.shown)?;
        }
        bail!("{} redirects more than {REDIRECTIONS_MAX} times for {}", host(&self.web.base), self.shown)
    }
}

/// The innermost reason of a failure.
pub fn innermost(error: &reqwest::Error) -> String {
    let mut reason: &dyn Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { setting: "HUB", example: "http://hub.example", check: "" };

    #[test]
    fn passwords_are_refused_and_not_repeated() {
        for address in ["http://me:secret@hub.example", "http://me:secret@hub ."] {
            let refused = Web::new(address, &KIND).expect_err("it holds a password").to_string();
            assert!(refused.contains("password") && !refused.contains("secret"), "{refused}");
        }
    }
}
