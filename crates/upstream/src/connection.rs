//! The way to one engine: its paths, its key, and what is read of an answer that is no stream.
//!
//! Rule: nobody else is asked. Redirections are not followed, so a key reaches the engine alone, and proxies of the
//! environment are not used.

use std::error::Error;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde_json::Value;

use crate::config::{ConfigError, UpstreamConfig};
use crate::error::{UpstreamError, shown};

/// Most bytes of an error's body.
const ERROR_BYTES_MAX: usize = 64 << 10;
/// Most bytes of a list of models.
pub(crate) const LIST_BYTES_MAX: usize = 1 << 20;

/// One engine, as it is reached.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) config: UpstreamConfig,
    base: Url,
    http: Client,
}

impl Connection {
    /// Checks the configuration; connects to nothing yet.
    pub(crate) fn new(config: UpstreamConfig) -> Result<Self, ConfigError> {
        let base = config.check()?;
        let builder = Client::builder()
            .connect_timeout(config.limits.connect)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy();
        // The certificates of the system are read where they are used: a node without them reaches engines over http.
        let builder = if base.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
        let http = builder.build().map_err(|error| ConfigError::Client { reason: cause(&error) })?;
        Ok(Self { config, base, http })
    }

    /// The engine's address, for people.
    pub(crate) fn url(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// A request for a path below the base.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        let request = self.http.request(method, url);
        match &self.config.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// What a failed call means, whether it failed to connect or later.
    pub(crate) fn failed(&self, error: &reqwest::Error) -> UpstreamError {
        let (url, cause) = (self.url(), cause(error));
        if error.is_connect() {
            UpstreamError::Unreachable { url, cause }
        } else {
            UpstreamError::Cut { url, cause }
        }
    }

    /// What an answer that is no success means.
    pub(crate) async fn refused(&self, response: Response) -> UpstreamError {
        let status = response.status().as_u16();
        let body = tokio::time::timeout(self.config.limits.probe, self.read(response, ERROR_BYTES_MAX)).await;
        let message = match body {
            Ok(Ok(body)) => error_message(&body),
            // The status says it already.
            Ok(Err(_)) | Err(_) => "(no message)".to_owned(),
        };
        UpstreamError::Refused { url: self.url(), status, message, next: next_step(status) }
    }

    /// A whole body of at most `bytes_max`.
    pub(crate) async fn read(
        &self,
        mut response: Response,
        bytes_max: usize,
    ) -> Result<Vec<u8>, UpstreamError> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.failed(&error))? {
            if body.len() + piece.len() > bytes_max {
                return Err(self.malformed(format!("a body of more than {bytes_max} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    pub(crate) fn malformed(&self, what: impl Into<String>) -> UpstreamError {
        UpstreamError::Malformed { url: self.url(), what: what.into() }
    }

    pub(crate) fn silent(&self, limit: Duration, phase: &'static str) -> UpstreamError {
        UpstreamError::Silent { url: self.url(), ms: milliseconds(limit), phase }
    }
}

/// A time in whole milliseconds.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The type of an answer without its parameters, in small letters.
pub(crate) fn content_type(response: &Response) -> String {
    let value =
        response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The message in an error's body: OpenAI's form, the older one of vLLM, or what stands there.
pub(crate) fn error_message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let Ok(value) = serde_json::from_str::<Value>(&text) else { return shown(&text) };
    let places = [&value["error"]["message"], &value["message"], &value["error"], &value["detail"]];
    places.iter().find_map(|place| place.as_str()).map_or_else(|| shown(&text), shown)
}

fn next_step(status: u16) -> &'static str {
    match status {
        401 | 403 => "correct `key`",
        404 => "correct `url` or `model`",
        413 | 422 | 400 => "send a request that it takes",
        429 | 503 => "try again in a moment",
        300..400 => "redirections are not followed; correct `url`",
        _ => "see its log",
    }
}

/// The innermost reason of a call's failure, which names what happened; the outer ones name our own steps.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    shown(&innermost.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_in_every_form_of_an_error() {
        for (body, message) in [
            (r#"{"error":{"message":"Loading model","code":503}}"#, "Loading model"),
            (r#"{"object":"error","message":"too long","code":400}"#, "too long"),
            (r#"{"error":"not here"}"#, "not here"),
            (r#"{"detail":"Unauthorized"}"#, "Unauthorized"),
            (r#"{"detail":[{"loc":1}]}"#, r#"{"detail":[{"loc":1}]}"#),
            ("<html>\nBad Gateway", "<html> Bad Gateway"),
            ("", "(nothing)"),
        ] {
            assert_eq!(error_message(body.as_bytes()), message);
        }
    }
}
