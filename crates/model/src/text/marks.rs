//! Marks in the place of what people wrote: a template writes the marks, and the texts take their places afterwards.
//!
//! Rule: a mark is two private-use characters around the number of a text, with `j` before it where the text stands in JSON. What people
//! wrote never goes through a template, so characters of marks in it are ordinary.
//! Absent: the template (`render`), tokens (`chat`).

/// What a mark is made of.
pub(super) const MARK_START: char = '\u{f0000}';
const MARK_END: char = '\u{f0001}';
/// Says that the text stands between the quotes of JSON.
const IN_JSON: char = 'j';

/// The texts of one conversation, by their numbers.
#[derive(Default)]
pub(super) struct Texts(Vec<String>);

impl Texts {
    /// The mark in the place of a text.
    pub(super) fn mark(&mut self, text: &str) -> String {
        self.0.push(text.to_owned());
        format!("{MARK_START}{}{MARK_END}", self.0.len() - 1)
    }

    /// What a template wrote, taken apart.
    pub(super) fn pieces<'a>(&'a self, rendered: &'a str) -> Result<Vec<Piece<'a>>, &'static str> {
        let mut parts = rendered.split(MARK_START);
        let first = parts.next().unwrap_or_default();
        let mut pieces = vec![own(first)?];
        for part in parts {
            let (mark, rest) = part.split_once(MARK_END).ok_or(TORN)?;
            let (number, is_json) = match mark.strip_prefix(IN_JSON) {
                Some(number) => (number, true),
                None => (mark, false),
            };
            let text = number.parse().ok().and_then(|number: usize| self.0.get(number));
            let text = text.ok_or("it invented a message")?;
            pieces.push(if is_json { Piece::InJson(text) } else { Piece::Text(text) });
            pieces.push(own(rest)?);
        }
        Ok(pieces)
    }
}

const TORN: &str = "it tore the place of a message apart";

fn own(text: &str) -> Result<Piece<'_>, &'static str> {
    if text.contains(MARK_END) { Err(TORN) } else { Ok(Piece::Template(text)) }
}

/// A piece of what a template wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The template's own text, in which control tokens are written out.
    Template(&'a str),
    /// What somebody wrote.
    Text(&'a str),
    /// What somebody wrote, between the quotes of JSON.
    InJson(&'a str),
}

/// A text of a template's, which may hold marks, with its quotes as JSON writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    let mut parts = text.split(MARK_START);
    written.push_str(&inner(parts.next().unwrap_or_default()));
    for part in parts {
        written.extend([MARK_START, IN_JSON]);
        // Quoted twice, as a text within a text, is what no template in use writes; the first quoting counts.
        written.push_str(&inner(part.strip_prefix(IN_JSON).unwrap_or(part)));
    }
    written.push('"');
    written
}

/// A text as it stands between the quotes of JSON.
pub(super) fn inner(text: &str) -> String {
    let written = serde_json::Value::from(text).to_string();
    written[1..written.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_take_the_places_of_their_marks() {
        let mut texts = Texts::default();
        let (one, two) = (texts.mark("a\"\u{f0000}0\u{f0001}"), texts.mark("b"));
        let rendered = format!("<{one}> {}{two}", quoted(&format!("x\n{one}")));
        let pieces = texts.pieces(&rendered).expect("the marks are whole");
        let text = "a\"\u{f0000}0\u{f0001}";
        let expected = [
            Piece::Template("<"),
            Piece::Text(text),
            Piece::Template("> \"x\\n"),
            Piece::InJson(text),
            Piece::Template("\""),
            Piece::Text("b"),
            Piece::Template(""),
        ];
        assert_eq!(pieces, expected);
        assert_eq!(inner(text), "a\\\"\u{f0000}0\u{f0001}");
        for (wrong, says) in [
            ("\u{f0000}2\u{f0001}", "invented"),
            ("\u{f0000}j\u{f0001}", "invented"),
            ("\u{f0000}0", "tore"),
            ("0\u{f0001}", "tore"),
            ("\u{f0000}0\u{f0001}\u{f0001}", "tore"),
        ] {
            assert!(texts.pieces(wrong).expect_err(wrong).contains(says), "{wrong:?}");
        }
    }
}
