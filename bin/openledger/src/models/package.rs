//! Files of a package index, by the simple repository API (PEP 503): a page for each project, whose links end with the
//! hashes of the files.
//!
//! Rule: a file is found by its hash alone. Absent: whatever else pip can be told; where this does not find a file, pip
//! itself is asked (`packaged`).

use anyhow::{Context, Result, bail};

use super::web::{Remote, Web};

/// The index unless `PIP_INDEX_URL` names another, as for pip.
const INDEX: &str = "https://pypi.org/simple";
/// The longest page of a project, in bytes.
const PAGE_BYTES_MAX: usize = 8 << 20;

/// A package index.
pub struct Index {
    web: Web,
}

impl Index {
    /// The index of the environment.
    pub fn from_environment() -> Result<Self> {
        if std::env::var_os("PIP_NO_INDEX").is_some() {
            bail!("PIP_NO_INDEX is set");
        }
        let base = std::env::var("PIP_INDEX_URL").unwrap_or_else(|_| INDEX.to_owned());
        Ok(Self { web: Web::new(&base, "PIP_INDEX_URL", INDEX)? })
    }

    /// Where the project's file with this hash lies.
    pub async fn find(&self, project: &str, sha256: &str) -> Result<Remote<'_>> {
        let mut url = self.web.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([project, ""]);
        }
        let name = project.to_owned();
        let shown = format!("{project} of {}", self.web.base);
        let page = Remote { web: &self.web, url, name: name.clone(), shown: shown.clone() };
        let mut response = page.open(0).await?;
        let mut text = Vec::new();
        while let Some(piece) = response.chunk().await? {
            text.extend_from_slice(&piece);
            if text.len() > PAGE_BYTES_MAX {
                bail!("the page of {shown} is longer than {PAGE_BYTES_MAX} bytes");
            }
        }
        let link = link(&String::from_utf8_lossy(&text), sha256)
            .with_context(|| format!("{shown} has no file with SHA-256 {sha256}"))?;
        let url = response.url().join(&link).with_context(|| format!("{shown} has the link {link:?}"))?;
        // What leads here is checked as a redirection is.
        match (self.web.base.scheme(), url.scheme()) {
            ("https", "https") | ("http", "http" | "https") => {}
            (_, other) => bail!("{shown} links to {other}, which is not followed"),
        }
        Ok(Remote { web: &self.web, url, name, shown })
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
