//! What `--input` names: files, and folders with everything below them, sorted into sources.
//!
//! A source becomes one segment, or several where it is large. A file of JSON lines or of Parquet is a source named after
//! itself, the plain texts of a folder are one named after the folder, and files of one name are one source. Sources
//! stand in the order of their names, files in the order of their paths: of two equal texts the earlier one's is the
//! original. Absent: the files' content (`read`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail};

/// The most files of one run.
const FILES_MAX: usize = 1_000_000;

/// The longest name of a source: a segment's name has 64 characters with its number.
pub const NAME_LENGTH_MAX: usize = 56;

/// How a file is read, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One JSON object a line.
    Lines,
    /// One text.
    Text,
    /// A Parquet table.
    Table,
}

/// Extensions and what they say.
const KINDS: [(&str, Kind); 7] = [
    ("jsonl", Kind::Lines),
    ("ndjson", Kind::Lines),
    ("json", Kind::Lines),
    ("txt", Kind::Text),
    ("md", Kind::Text),
    ("markdown", Kind::Text),
    ("parquet", Kind::Table),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Absolute, without links.
    pub path: PathBuf,
    /// Its path as it was typed, or from the folder that was typed: the id of a plain text.
    pub id: String,
    pub kind: Kind,
    pub bytes: u64,
    /// In microseconds since 1970.
    pub modified_us: u64,
}

/// Files by the names of their sources, in order.
pub type Sources = BTreeMap<String, Vec<InputFile>>;

/// The sources of `inputs`, without what is in the folder `out`; with a `name`, all of it is one source.
pub fn find(inputs: &[PathBuf], out: &Path, name: Option<&str>) -> Result<Sources> {
    let mut found = Found { name, out: out.canonicalize().ok(), ..Found::default() };
    for input in inputs {
        let is_folder = fs::metadata(input)
            .with_context(|| format!("{} cannot be read; --input names files and folders", input.display()))?
            .is_dir();
        if is_folder {
            found.add_folder(input, input)?;
        } else {
            let Some(kind) = kind_of(input) else {
                let known = KINDS.map(|(extension, _)| format!(".{extension}")).join(", ");
                bail!("{}: what it holds is not known; its name must end in {known}", input.display());
            };
            let name = if kind == Kind::Text { "texts".to_owned() } else { slug(stem(input))? };
            found.add(input, input, kind, name)?;
        }
    }
    if found.sources.is_empty() {
        let known = KINDS.map(|(extension, _)| format!(".{extension}")).join(", ");
        bail!("there is nothing to index in what --input names; files end in {known}");
    }
    for files in found.sources.values_mut() {
        files.sort_by(|one, two| one.path.cmp(&two.path));
    }
    Ok(found.sources)
}

#[derive(Default)]
struct Found<'a> {
    name: Option<&'a str>,
    out: Option<PathBuf>,
    paths: BTreeSet<PathBuf>,
    sources: Sources,
}

impl Found<'_> {
    /// Everything below `folder`, which is `root` or in it. Hidden files and links to folders are passed over.
    fn add_folder(&mut self, folder: &Path, root: &Path) -> Result<()> {
        let cannot = || format!("{} cannot be read", folder.display());
        for entry in fs::read_dir(folder).with_context(cannot)? {
            let entry = entry.with_context(cannot)?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if entry.file_type().with_context(cannot)?.is_dir() {
                self.add_folder(&path, root)?;
                continue;
            }
            // Most files of JSON are not lines of texts; such a file is read when it is named itself.
            let is_json = path.extension().is_some_and(|extension| extension == "json");
            let Some(kind) = kind_of(&path).filter(|_| path.is_file() && !is_json) else { continue };
            let below = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            let name = match kind {
                Kind::Text => {
                    let root = root.canonicalize().with_context(cannot)?;
                    slug(root.file_name().map_or(Path::new("texts"), Path::new))
                }
                Kind::Lines | Kind::Table => slug(&below.with_extension("")),
            };
            self.add(&path, &below, kind, name?)?;
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, shown: &Path, kind: Kind, name: String) -> Result<()> {
        let cannot = || format!("{} cannot be read", path.display());
        let absolute = path.canonicalize().with_context(cannot)?;
        let is_ours = self.out.as_ref().is_some_and(|out| absolute.starts_with(out));
        if is_ours || !self.paths.insert(absolute.clone()) {
            return Ok(());
        }
        if self.paths.len() > FILES_MAX {
            bail!("--input names more than {FILES_MAX} files; put texts together into files of JSON lines");
        }
        let Some(id) = shown.to_str() else {
            bail!("{} is not named in UTF-8; rename it", path.display());
        };
        let metadata = fs::metadata(path).with_context(cannot)?;
        let modified = metadata.modified().with_context(cannot)?.duration_since(UNIX_EPOCH);
        let file = InputFile {
            path: absolute,
            id: id.to_owned(),
            kind,
            bytes: metadata.len(),
            modified_us: modified.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX)),
        };
        self.sources.entry(self.name.map_or(name, str::to_owned)).or_default().push(file);
        Ok(())
    }
}

fn stem(path: &Path) -> &Path {
    path.file_stem().map_or(path, Path::new)
}

fn kind_of(path: &Path) -> Option<Kind> {
    let extension = path.extension()?.to_str()?.to_lowercase();
    KINDS.iter().find(|(known, _)| *known == extension).map(|(_, kind)| *kind)
}

/// The name of a source: lower-case letters, digits and dashes.
fn slug(path: &Path) -> Result<String> {
    let text = path.to_string_lossy().to_lowercase();
    let dashed: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(NAME_LENGTH_MAX).collect();
    let name = dashed.trim_matches('-');
    if name.is_empty() {
        bail!("{} has no ASCII letter or digit in its name; name the source with --name", path.display());
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_into_sources() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("My notes");
        for path in ["b.md", "a.TXT", "sub/c.md", "sub/d.jsonl", "d.parquet", ".hidden/e.md", "f.pdf"] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let loose = folder.path().join("sub-d.jsonl");
        fs::write(&loose, "x").unwrap();
        let named = |sources: Sources| -> Vec<(String, Vec<String>)> {
            let ids = |files: Vec<InputFile>| files.into_iter().map(|file| file.id).collect();
            sources.into_iter().map(|(name, files)| (name, ids(files))).collect()
        };
        let typed = loose.to_str().unwrap();
        let found =
            named(find(&[root.clone(), loose.clone(), root.join("b.md")], &root.join("out"), None).unwrap());
        let expected = [
            ("d", vec!["d.parquet"]),
            ("my-notes", vec!["a.TXT", "b.md", "sub/c.md"]),
            ("sub-d", vec!["sub/d.jsonl", typed]),
        ];
        let expected =
            expected.map(|(name, ids)| (name.to_owned(), ids.into_iter().map(str::to_owned).collect()));
        assert_eq!(found, expected);
        assert_eq!(
            find(std::slice::from_ref(&root), &root.join("sub"), Some("all"))
                .unwrap()
                .keys()
                .collect::<Vec<_>>(),
            ["all"]
        );
        for (path, says) in
            [("f.pdf", "must end in .jsonl"), ("absent", "cannot be read"), (".hidden", "nothing to")]
        {
            let error = format!("{:#}", find(&[root.join(path)], &root, None).unwrap_err());
            assert!(error.contains(says), "{path}: {error}");
        }
    }
}
