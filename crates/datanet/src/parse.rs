//! JSON lines to contributions. One object a line: `id`, `text`, `authors`, and where there are such: `title`, `others`,
//! `license`, `source`, `version`. An author is a name, or an object with `name` and `account` (0x and 40 digits).
//!
//! Rules: a carriage return before a line feed is dropped; a missing title is the id; missing authors, a missing id,
//! licence or source are the caller's defaults, where there are such; blank lines and unknown fields are passed over. Bytes are hostile: a line is refused as soon
//! as it grows past its limit, and every error names its line, the cause and what to do.
//! Absent: files. The parser takes pieces of any size and gives the same result for every way of cutting.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::contribution::{AuthorRef, Contribution, ContributionError, limits};

/// What the lines themselves do not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// The licence of lines that name none; without it such a line is refused.
    pub default_license: Option<String>,
    /// The source of lines that name none; may be empty.
    pub default_source: String,
    /// The authors of lines that name none; without any such a line is refused.
    pub default_authors: Vec<String>,
    /// Before the number of a line it is the id of a line that gives none; without it such a line is refused.
    pub default_id: Option<String>,
}

/// Why a file is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {cause}")]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    #[source]
    pub cause: LineError,
}

/// Why a line is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line is longer than any line may be.
    #[error("longer than {limit} bytes; split the text into several contributions")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The line is no UTF-8.
    #[error("not UTF-8 at byte {at}; convert the file to UTF-8")]
    NotUtf8 {
        /// The first bad byte of the line.
        at: usize,
    },
    /// The line is not the JSON object that is expected.
    #[error("not a contribution in JSON ({cause}); write one object with \"id\", \"text\" and \"authors\"")]
    NotJson {
        /// What the JSON reader says.
        cause: String,
    },
    /// No id is known for the line.
    #[error("no \"id\"; add the field, another one in each line")]
    NoId,
    /// No licence is known for the line.
    #[error("no \"license\"; add the field or give a default licence for the file")]
    NoLicense,
    /// Another line has this id.
    #[error("the id {id:?} was given before; ids are unique in a file")]
    IdTwice {
        /// The id.
        id: String,
    },
    /// There are more contributions than a snapshot may hold.
    #[error("more than {limit} contributions; split the file into several datanets")]
    TooManyLines {
        /// The limit.
        limit: usize,
    },
    /// The contribution breaks a rule.
    #[error(transparent)]
    Contribution(ContributionError),
}

#[derive(Deserialize)]
struct RawLine {
    id: Option<String>,
    title: Option<String>,
    text: String,
    authors: Option<Vec<RawAuthor>>,
    others: Option<Vec<String>>,
    license: Option<String>,
    source: Option<String>,
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawAuthor {
    Name(String),
    Ref(AuthorRef),
}

/// Parses all of `bytes`; see [`JsonLinesParser`] for pieces.
///
/// # Errors
/// The first line that is refused, with its cause.
pub fn parse_json_lines(bytes: &[u8], options: &ParseOptions) -> Result<Vec<Contribution>, ParseError> {
    let mut parser = JsonLinesParser::new(options.clone());
    parser.push(bytes)?;
    parser.finish()
}

/// Parses the line with this number, counted from 1, without what ends it; `None` when it is blank. Whether its id is
/// another line's too is for the caller to see.
///
/// # Errors
/// The line is refused.
pub fn parse_json_line(
    line: &[u8],
    number: u64,
    options: &ParseOptions,
) -> Result<Option<Contribution>, LineError> {
    if line.len() > limits::LINE_BYTES_MAX {
        return Err(LineError::TooLong { limit: limits::LINE_BYTES_MAX });
    }
    let line = std::str::from_utf8(line).map_err(|error| LineError::NotUtf8 { at: error.valid_up_to() })?;
    if line.trim().is_empty() {
        return Ok(None);
    }
    let raw: RawLine =
        serde_json::from_str(line).map_err(|error| LineError::NotJson { cause: error.to_string() })?;
    let contribution = resolve(raw, number, options)?;
    contribution.validate().map_err(LineError::Contribution)?;
    Ok(Some(contribution))
}

/// Parses a file that arrives in pieces. Holds at most one line and the contributions so far.
#[derive(Debug)]
pub struct JsonLinesParser {
    options: ParseOptions,
    unfinished_line: Vec<u8>,
    lines_seen: u64,
    ids: BTreeSet<String>,
    contributions: Vec<Contribution>,
}

impl JsonLinesParser {
    /// A parser before its first line.
    pub fn new(options: ParseOptions) -> Self {
        Self {
            options,
            unfinished_line: Vec::new(),
            lines_seen: 0,
            ids: BTreeSet::new(),
            contributions: Vec::new(),
        }
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// The first line that is refused. The parser is of no further use then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        let mut pieces = bytes.split(|&byte| byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            if self.unfinished_line.len() + piece.len() > limits::LINE_BYTES_MAX {
                let cause = LineError::TooLong { limit: limits::LINE_BYTES_MAX };
                return Err(ParseError { line: self.lines_seen + 1, cause });
            }
            self.unfinished_line.extend_from_slice(piece);
            if pieces.peek().is_some() {
                self.take_line()?;
            }
        }
        Ok(())
    }

    /// The contributions in the order of the lines.
    ///
    /// # Errors
    /// The last line is refused.
    pub fn finish(mut self) -> Result<Vec<Contribution>, ParseError> {
        self.take_line()?;
        Ok(self.contributions)
    }

    fn take_line(&mut self) -> Result<(), ParseError> {
        let line = std::mem::take(&mut self.unfinished_line);
        self.lines_seen += 1;
        self.read_line(&line).map_err(|cause| ParseError { line: self.lines_seen, cause })
    }

    fn read_line(&mut self, line: &[u8]) -> Result<(), LineError> {
        let Some(contribution) = parse_json_line(line, self.lines_seen, &self.options)? else {
            return Ok(());
        };
        if self.contributions.len() == limits::CONTRIBUTIONS_MAX {
            return Err(LineError::TooManyLines { limit: limits::CONTRIBUTIONS_MAX });
        }
        if !self.ids.insert(contribution.external_id.clone()) {
            return Err(LineError::IdTwice { id: contribution.external_id });
        }
        self.contributions.push(contribution);
        Ok(())
    }
}

/// What was written, completed by what the caller knows.
fn resolve(raw: RawLine, number: u64, options: &ParseOptions) -> Result<Contribution, LineError> {
    let default_id = || options.default_id.as_ref().map(|before| format!("{before}{number}"));
    let external_id = raw.id.or_else(default_id).ok_or(LineError::NoId)?;
    let license = raw.license.or_else(|| options.default_license.clone()).ok_or(LineError::NoLicense)?;
    let source = match (raw.source, raw.version) {
        (Some(source), Some(version)) => format!("{source} {version}"),
        (Some(source), None) => source,
        (None, _) => options.default_source.clone(),
    };
    let named = |name| AuthorRef { name, account: None };
    let authors: Vec<AuthorRef> = raw
        .authors
        .into_iter()
        .flatten()
        .map(|author| match author {
            RawAuthor::Name(name) => named(name),
            RawAuthor::Ref(author) => author,
        })
        .collect();
    let is_unnamed = authors.is_empty();
    Ok(Contribution {
        title: raw.title.filter(|title| !title.trim().is_empty()).unwrap_or_else(|| external_id.clone()),
        external_id,
        text: raw.text.replace("\r\n", "\n"),
        authors: if is_unnamed {
            options.default_authors.iter().cloned().map(named).collect()
        } else {
            authors
        },
        others: raw.others.unwrap_or_default(),
        license,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn options() -> ParseOptions {
        ParseOptions {
            default_license: Some("MIT".into()),
            default_source: "here 1".into(),
            ..ParseOptions::default()
        }
    }

    #[test]
    fn a_full_and_a_bare_line() {
        let lines = concat!(
            r#"{"id":"a","title":"A","text":"one\r\ntwo","authors":["X",{"name":"Y","account":"0x0101010101010101010101010101010101010101"}],"others":["Z"],"license":"L","source":"s","version":"2","lang":"en"}"#,
            "\n\n",
            r#"{"id":"b","text":"three","authors":["X"]}"#
        );
        let found = parse_json_lines(lines.as_bytes(), &options()).expect("both lines are good");
        assert_eq!(found[0].text, "one\ntwo");
        assert_eq!(found[0].source, "s 2");
        assert_eq!(found[0].authors[1].account, Some([1; 20]));
        assert_eq!(found[0].others, ["Z"]);
        assert_eq!((found[1].title.as_str(), found[1].license.as_str()), ("b", "MIT"));
        assert_eq!(found[1].source, "here 1");
    }

    #[test]
    fn what_a_line_does_not_say_is_the_callers() {
        let options = ParseOptions {
            default_authors: vec!["X".into(), "Y".into()],
            default_id: Some("file:".into()),
            ..options()
        };
        let lines = concat!(r#"{"id":"a","text":"one","authors":["Z"]}"#, "\n\n", r#"{"text":"two"}"#);
        let found = parse_json_lines(lines.as_bytes(), &options).expect("both lines are good");
        let names = |place: usize| -> Vec<&str> {
            found[place].authors.iter().map(|author| author.name.as_str()).collect()
        };
        assert_eq!((found[0].external_id.as_str(), names(0)), ("a", vec!["Z"]));
        assert_eq!((found[1].external_id.as_str(), names(1)), ("file:3", vec!["X", "Y"]));
        assert_eq!(found[1].title, "file:3");
    }

    #[test]
    fn bad_lines_name_line_cause_and_next_step() {
        let good = r#"{"id":"a","text":"t","authors":["X"]}"#;
        let long = format!(r#"{{"id":"b","text":"{}"#, "x".repeat(limits::LINE_BYTES_MAX));
        let rows: Vec<(Vec<u8>, &str)> = vec![
            (b"{".to_vec(), "line 2: not a contribution in JSON"),
            (b"[]".to_vec(), "line 2: not a contribution in JSON"),
            (vec![b'"', 0xff], "line 2: not UTF-8 at byte 1; convert"),
            (b"\xef\xbb\xbf{}".to_vec(), "line 2: not a contribution in JSON"),
            (br#"{"id":"b","text":"t"}"#.to_vec(), "line 2: no author is named"),
            (br#"{"text":"t","authors":["X"]}"#.to_vec(), "line 2: no \"id\"; add the field"),
            (br#"{"id":"b","text":"t","authors":[]}"#.to_vec(), "line 2: no author is named"),
            (br#"{"id":"b","text":"a\u0000","authors":["X"]}"#.to_vec(), "control character U+0000"),
            (br#"{"id":"b","id":"c","text":"t","authors":["X"]}"#.to_vec(), "duplicate field `id`"),
            (good.as_bytes().to_vec(), "line 2: the id \"a\" was given before"),
            (long.into_bytes(), "line 2: longer than 1048576 bytes; split"),
            ("[".repeat(100_000).into_bytes(), "line 2: not a contribution in JSON"),
        ];
        for (line, expected) in rows {
            let mut bytes = format!("{good}\n").into_bytes();
            bytes.extend_from_slice(&line);
            let message = parse_json_lines(&bytes, &options()).expect_err(expected).to_string();
            assert!(message.contains(expected), "{message:?} does not say {expected:?}");
        }
        let error = parse_json_lines(good.as_bytes(), &ParseOptions::default()).expect_err("no licence");
        assert_eq!(error, ParseError { line: 1, cause: LineError::NoLicense });
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_json_lines(&bytes, &options());
        }

        #[test]
        fn cutting_the_input_changes_nothing(
            texts in prop::collection::vec("[a-zé\\\\u0009 ]{1,12}", 0..6),
            cuts in prop::collection::vec(0usize..400, 0..8),
        ) {
            let lines: Vec<String> = texts.iter().enumerate()
                .map(|(i, text)| serde_json::json!({"id": format!("{i}"), "text": text, "authors": ["X"]}).to_string())
                .collect();
            let bytes = lines.join("\n").into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut parser = JsonLinesParser::new(options());
            let in_pieces = cuts.windows(2)
                .try_for_each(|cut| parser.push(&bytes[cut[0]..cut[1]]))
                .and_then(|()| parser.finish());
            prop_assert_eq!(in_pieces, parse_json_lines(&bytes, &options()));
        }
    }
}
