//! Files of a hub that speaks as huggingface.co does: `BASE/OWNER/REPO/resolve/REVISION/FILE`, whose answer tells the size
//! and the SHA-256 of a large file in `X-Linked-Size` and `X-Linked-Etag`, and redirects to where it lies.
//!
//! Rule: nothing that the hub says becomes a path or a request to another scheme: names are checked here, redirections are
//! counted, and none goes from https to http. Absent: accounts, and with them files that are not public; lists of files.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::header::{CONTENT_LENGTH, ETAG, HeaderMap, LOCATION, RANGE};
use reqwest::{Client, Method, Response, StatusCode, Url};

/// The hub unless `OPENLEDGER_HUB` names another.
const HUB: &str = "https://huggingface.co";
/// Redirections of one request.
const REDIRECTIONS_MAX: usize = 5;
/// Until the hub takes a connection, and between two pieces of a file.
const CONNECT_MAX: Duration = Duration::from_secs(10);
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Characters of a part of a name.
const PART_CHARACTERS_MAX: usize = 200;

/// A file of a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubFile {
    owner: String,
    repository: String,
    /// Its folders and its name.
    path: Vec<String>,
    revision: String,
}

impl FromStr for HubFile {
    type Err = anyhow::Error;

    /// Reads `OWNER/REPO/FILE[@REVISION]`; FILE may lie in folders.
    fn from_str(text: &str) -> Result<Self> {
        let (path, revision) = text.rsplit_once('@').unwrap_or((text, "main"));
        let parts: Vec<&str> = path.split('/').collect();
        let [owner, repository, path @ ..] = parts.as_slice() else {
            bail!("hub:{text} names no file; write hub:OWNER/REPO/FILE[@REVISION]")
        };
        if path.is_empty() {
            bail!("hub:{text} names no file; write hub:OWNER/REPO/FILE[@REVISION]");
        }
        for part in parts.iter().copied().chain(revision.split('/')) {
            check_part(part).with_context(|| format!("hub:{text} is no file of a hub"))?;
        }
        Ok(Self {
            owner: (*owner).to_owned(),
            repository: (*repository).to_owned(),
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            revision: revision.to_owned(),
        })
    }
}

/// Names of hubs have few characters; these are the ones that are also safe as the name of a file.
fn check_part(part: &str) -> Result<()> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-+ ".contains(character);
    if part.is_empty()
        || part.starts_with('.')
        || part.len() > PART_CHARACTERS_MAX
        || !part.chars().all(is_plain)
    {
        bail!(
            "{part:?} is not a name: letters, digits, '.', '_', '-', '+' and spaces, without '.' at its begin"
        );
    }
    Ok(())
}

impl fmt::Display for HubFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "hub:{}/{}/{}@{}", self.owner, self.repository, self.path.join("/"), self.revision)
    }
}

impl HubFile {
    /// Its own name, without folders.
    pub fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// Where it lies in the cache, below the hub's folder.
    pub fn folder(&self) -> [&str; 3] {
        ["hub", &self.owner, &self.repository]
    }

    fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([self.owner.as_str(), &self.repository, "resolve"]);
            path.extend([self.revision.as_str()]).extend(&self.path);
        }
        url
    }
}

/// What a hub says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal, if the hub tells one.
    pub sha256: Option<String>,
}

/// A hub.
pub struct Hub {
    base: Url,
    http: Client,
}

impl Hub {
    /// The hub of the environment.
    pub fn from_environment() -> Result<Self> {
        let base = std::env::var("OPENLEDGER_HUB").unwrap_or_else(|_| HUB.to_owned());
        Self::new(&base)
    }

    /// The hub at this address.
    pub fn new(address: &str) -> Result<Self> {
        // What stands before an @ may be a password, and is not repeated.
        if address.contains('@') {
            bail!(
                "OPENLEDGER_HUB holds a name or a password, which are not supported; write for example {HUB}"
            );
        }
        let base = Url::parse(address)
            .with_context(|| format!("OPENLEDGER_HUB is {address:?}; write for example {HUB}"))?;
        if !matches!(base.scheme(), "http" | "https") {
            bail!(
                "OPENLEDGER_HUB is {address:?}, and only http and https are spoken; write for example {HUB}"
            );
        }
        let build = |is_tls: bool| {
            let builder = Client::builder()
                .connect_timeout(CONNECT_MAX)
                .read_timeout(SILENCE_MAX)
                .redirect(reqwest::redirect::Policy::none())
                // A hub that closes a connection without a word does not fail the request after it.
                .pool_max_idle_per_host(0);
            if is_tls { builder.build() } else { builder.tls_certs_only([]).build() }
        };
        // A mirror is asked over http without the system's certificates too; where it redirects to https, that fails.
        let http = if base.scheme() == "https" { build(true) } else { build(true).or_else(|_| build(false)) };
        let http = http.context(
            "the HTTP client does not start; https needs the certificates of the system (Debian: ca-certificates)",
        )?;
        Ok(Self { base, http })
    }

    /// Asks how long the file is and what its hash is. The first answer that tells the hash counts: it is the hub's own, and
    /// whoever stores the file for it may tell other things.
    pub async fn find(&self, file: &HubFile) -> Result<Found> {
        let mut url = file.url(&self.base);
        for _ in 0..=REDIRECTIONS_MAX {
            let response = self.send(Method::HEAD, &url, None).await?;
            let linked = linked(response.headers());
            if response.status().is_success() || linked.is_some() {
                let found = linked.or_else(|| plain(response.headers()));
                return found
                    .with_context(|| format!("{url} does not say how long {file} is; it is no such hub"));
            }
            url = self.next(&url, &response, file)?;
        }
        bail!("{} redirects more than {REDIRECTIONS_MAX} times for {file}", self.base)
    }

    /// Asks for the file from a byte on; the answer is 200 (from its begin), 206 or 416.
    pub async fn open(&self, file: &HubFile, from: u64) -> Result<Response> {
        let mut url = file.url(&self.base);
        for _ in 0..=REDIRECTIONS_MAX {
            let response = self.send(Method::GET, &url, Some(from).filter(|from| *from > 0)).await?;
            if response.status().is_success() || response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
                return Ok(response);
            }
            url = self.next(&url, &response, file)?;
        }
        bail!("{} redirects more than {REDIRECTIONS_MAX} times for {file}", self.base)
    }

    async fn send(&self, method: Method, url: &Url, from: Option<u64>) -> Result<Response> {
        let mut request = self.http.request(method, url.clone());
        if let Some(from) = from {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        request.send().await.map_err(|error| {
            let host = url.host_str().unwrap_or_default();
            anyhow::anyhow!(
                "{host} does not answer: {}; check the network, or OPENLEDGER_HUB",
                innermost(&error)
            )
        })
    }

    /// Where a redirection leads; anything else that is no success is an error.
    fn next(&self, from: &Url, response: &Response, file: &HubFile) -> Result<Url> {
        let status = response.status();
        if !status.is_redirection() {
            let next = match status.as_u16() {
                401 | 403 => "it does not exist or is not public, and accounts of hubs are not supported",
                404 => "check its name and its revision",
                429 => "the hub wants fewer requests; try again later",
                _ => "try again later",
            };
            bail!("{} answered {status} for {file}: {next}", self.base);
        }
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let next = location.and_then(|location| from.join(location).ok());
        let next = next.with_context(|| format!("{from} redirects to nowhere"))?;
        match (from.scheme(), next.scheme()) {
            ("https", "https") | ("http", "http" | "https") => Ok(next),
            (_, other) => bail!("{from} redirects to {other}, which is not followed"),
        }
    }
}

/// What the hub says of a large file that lies elsewhere.
fn linked(headers: &HeaderMap) -> Option<Found> {
    let sha256 = sha256_of_tag(headers.get("x-linked-etag")?.to_str().ok()?)?;
    let bytes = headers.get("x-linked-size")?.to_str().ok()?.parse().ok()?;
    Some(Found { bytes, sha256: Some(sha256) })
}

/// What it says of a file of its own.
fn plain(headers: &HeaderMap) -> Option<Found> {
    let bytes = headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    let tag = headers.get("x-linked-etag").or_else(|| headers.get(ETAG)).and_then(|tag| tag.to_str().ok());
    Some(Found { bytes, sha256: tag.and_then(sha256_of_tag) })
}

/// The SHA-256 that a tag is. Tags of small files are something else.
fn sha256_of_tag(tag: &str) -> Option<String> {
    super::parse_sha256(tag.trim_start_matches("W/").trim_matches('"')).ok()
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

    #[test]
    fn passwords_of_hubs_are_refused_and_not_repeated() {
        for address in ["http://me:secret@hub.example", "http://me:secret@hub ."] {
            let refused = Hub::new(address).err().expect("it holds a password").to_string();
            assert!(refused.contains("password") && !refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn names_become_addresses_and_nothing_else() {
        let base = Url::parse("http://hub.example/mirror/").unwrap();
        for (text, url) in [
            ("o/r/f.gguf", "http://hub.example/mirror/o/r/resolve/main/f.gguf"),
            ("o/r/a/b c.gguf@v1", "http://hub.example/mirror/o/r/resolve/v1/a/b%20c.gguf"),
            ("o/r/f.gguf@refs/pr/1", "http://hub.example/mirror/o/r/resolve/refs%2Fpr%2F1/f.gguf"),
        ] {
            assert_eq!(text.parse::<HubFile>().unwrap().url(&base).as_str(), url);
        }
        for text in [
            "",
            "o",
            "o/r",
            "o/r/",
            "o//f",
            "../r/f",
            "o/r/../../f",
            "o/r/.ssh",
            "o/r/f@",
            "o/r/f\0",
            "o/r/f@../x",
            "o/r/a\\b",
        ] {
            assert!(text.parse::<HubFile>().is_err(), "{text:?}");
        }
    }
}
