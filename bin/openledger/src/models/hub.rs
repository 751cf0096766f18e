//! Files of a hub that speaks as huggingface.co does: `BASE/OWNER/REPO/resolve/REVISION/FILE`, whose answer tells the size
//! and the SHA-256 of a large file in `X-Linked-Size` and `X-Linked-Etag`, and redirects to where it lies.
//!
//! Rule: nothing that the hub says becomes a path: names are checked here. Absent: accounts, and with them files that are
//! not public; lists of files.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use reqwest::header::{CONTENT_LENGTH, ETAG, HeaderMap};
use reqwest::{Method, Url};

use super::web::{Kind, REDIRECTIONS_MAX, Remote, Web, host};

/// Where a hub is.
const HUB: Kind = Kind {
    setting: "OPENLEDGER_HUB",
    example: "https://huggingface.co",
    check: "check its name and its revision",
};
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
    web: Web,
}

impl Hub {
    /// The hub of the environment.
    pub fn from_environment() -> Result<Self> {
        Ok(Self { web: Web::from_environment(&HUB)? })
    }

    /// Asks how long the file is and what its hash is. The first answer that tells the hash counts: it is the hub's own, and
    /// whoever stores the file for it may tell other things.
    pub async fn find(&self, file: &HubFile) -> Result<Found> {
        let remote = self.file(file);
        let mut url = remote.url.clone();
        for _ in 0..=REDIRECTIONS_MAX {
            let response = self.web.send(Method::HEAD, &url, None).await?;
            let linked = linked(response.headers());
            if response.status().is_success() || linked.is_some() {
                let found = linked.or_else(|| plain(response.headers()));
                return found.with_context(|| {
                    format!("{} does not say how long {file} is; it is no such hub", host(&url))
                });
            }
            url = self.web.next(&url, &response, &remote.shown)?;
        }
        bail!("{} redirects more than {REDIRECTIONS_MAX} times for {file}", host(&self.web.base))
    }

    /// Where the file is asked for.
    pub fn file(&self, file: &HubFile) -> Remote {
        let url = file.url(&self.web.base);
        Remote { web: self.web.clone(), url, name: file.name().to_owned(), shown: file.to_string() }
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

#[cfg(test)]
mod tests {
    use super::*;

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
