//! Files of a package index, by the simple repository API (PEP 503): a page for each project, whose links end with the
//! hashes of the files.
//!
//! Rule: a file is found by its hash alone. Absent: whatever else pip can be told; where this does not find a file, pip
//! itself is asked (`packaged`).

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use reqwest::Url;

use super::web::{Kind, Remote, Web, followed, host, innermost};

/// Where a package index is: as pip is told.
const INDEX: Kind = Kind {
    setting: "PIP_INDEX_URL",
    example: "https://pypi.org/simple",
    check: "check that PIP_INDEX_URL names a package index",
};
/// The longest page of a project, in bytes, and the longest time that it may take.
const PAGE_BYTES_MAX: usize = 8 << 20;
const PAGE_TIME_MAX: Duration = Duration::from_secs(60);

/// A package index.
pub struct Index {
    web: Web,
}

impl Index {
    /// The index of the environment.
    pub fn from_environment() -> Result<Self> {
        // As pip reads its flags.
        let no = ["", "0", "false", "no", "off"];
        let refused = std::env::var("PIP_NO_INDEX").unwrap_or_default().to_lowercase();
        if !no.contains(&refused.as_str()) {
            bail!("PIP_NO_INDEX is set");
        }
        Ok(Self { web: Web::from_environment(&INDEX)? })
    }

    #[cfg(test)]
    pub fn at(address: &str) -> Result<Self> {
        Ok(Self { web: Web::new(address, &INDEX)? })
    }

    /// Where the project's file with this hash lies.
    pub async fn find(&self, project: &str, sha256: &str) -> Result<Remote> {
        let mut url = self.web.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([project, ""]);
        }
        let (name, shown) = (project.to_owned(), format!("package {project}"));
        let page = Remote { web: self.web.clone(), url, name, shown };
        let read = tokio::time::timeout(PAGE_TIME_MAX, read(&page)).await;
        let (from, text) = read.with_context(|| {
            format!("{} takes longer than {PAGE_TIME_MAX:?} to tell its files", host(&page.url))
        })??;
        let link = link(&text, sha256).with_context(|| {
            format!("{} knows no file of {} with SHA-256 {sha256}", host(&from), page.shown)
        })?;
        let url = from
            .join(&link)
            .with_context(|| format!("what {} links to for {} is no address", host(&from), page.shown))?;
        Ok(Remote { url: followed(&from, url)?, ..page })
    }
}

/// A page, and from where it came in the end.
async fn read(page: &Remote) -> Result<(Url, String)> {
    let mut response = page.open(0).await?;
    let from = response.url().clone();
    let mut text = Vec::new();
    loop {
        let piece = response.chunk().await;
        let piece =
            piece.map_err(|error| anyhow!("the page of {} was cut: {}", page.shown, innermost(&error)))?;
        let Some(piece) = piece else { return Ok((from, String::from_utf8_lossy(&text).into_owned())) };
        text.extend_from_slice(&piece);
        if text.len() > PAGE_BYTES_MAX {
            bail!("the page of {} is longer than {PAGE_BYTES_MAX} bytes", page.shown);
        }
    }
}

/// The address of the link that ends with this hash.
fn link(page: &str, sha256: &str) -> Option<String> {
    let before = &page[..page.find(&format!("#sha256={sha256}"))?];
    let (_, address) = before.rsplit_once("href=")?;
    let address = address.strip_prefix(['"', '\''])?;
    (!address.contains(['"', '\'', '<', '>'])).then(|| address.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_hash() {
        let page = "<a href=\"../../p/a-1.whl#sha256=aa\">a-1.whl</a>\n\
            <a data-x='1' href='https://files.example/b?x=1&amp;y=2#sha256=bb' rel=x>b</a> <a href=c>sha</a> #sha256=cc";
        assert_eq!(link(page, "aa").as_deref(), Some("../../p/a-1.whl"));
        assert_eq!(link(page, "bb").as_deref(), Some("https://files.example/b?x=1&y=2"));
        for missing in ["dd", "cc"] {
            assert_eq!(link(page, missing), None);
        }
    }
}
