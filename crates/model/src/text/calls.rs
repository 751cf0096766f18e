//! Calls of tools as models write them into their answers: one form, that of Hermes and Qwen.
//!
//! ```text
//! <tool_call>
//! {"name": "weather", "arguments": {"city": "Oslo"}}
//! </tool_call>
//! ```
//!
//! Rule: what is read does not depend on how the text was cut into pieces, and nothing of it is lost: a beginning that does not become
//! a call is content as it stands. Blanks beside calls and the signs around their arguments are no content.
//! Absent: other forms; whether the arguments are what the tool's schema describes (`inference` sees to that with a grammar).

/// What a call begins with.
pub const CALL_MARK: &str = "<tool_call>";
/// What stands after its arguments.
pub const CALL_END: &str = "}\n</tool_call>";
/// The last mark of a call.
const END_MARK: &str = "</tool_call>";
/// Most bytes before the arguments, and behind them.
const SIGNS_BYTES_MAX: usize = 512;
/// Most bytes of a tool's name.
const NAME_BYTES_MAX: usize = 64;

/// What stands before the arguments of a call. `name` is made of letters, digits, `_` and `-`.
pub fn call_begin(name: &str) -> String {
    format!("{CALL_MARK}\n{{\"name\": \"{name}\", \"arguments\": ")
}

/// A part of what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallPiece {
    /// Text beside calls.
    Content(String),
    /// A call of this tool begins.
    Begin(String),
    /// More of the JSON of its arguments.
    Arguments(String),
}

/// Reads an answer that arrives in pieces.
#[derive(Debug, Default)]
pub struct CallReader {
    /// Text of which it is not known yet what it is.
    held: String,
    place: Place,
    /// Whether blanks that come next stand behind a call.
    after_call: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Content,
    /// At the mark of a call, which is held with the blanks before it.
    Head,
    Arguments(Nesting),
    /// Behind the arguments.
    Tail,
}

/// Where in the JSON of arguments.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Nesting {
    depth: u32,
    in_text: bool,
    escaped: bool,
}

/// Why signs were not read.
enum Stop {
    /// More of the text may bring them.
    Cut,
    /// Others stand there.
    Other,
}

impl CallReader {
    /// Reads more of the answer.
    pub fn push(&mut self, piece: &str) -> Vec<CallPiece> {
        self.held.push_str(piece);
        let mut pieces = Vec::new();
        // Every step but the last takes a part of what is held, or goes on to the next place of a call.
        while self.step(&mut pieces) {}
        pieces
    }

    /// The answer ended: gives what was held back.
    pub fn finish(&mut self) -> Vec<CallPiece> {
        let held = std::mem::take(&mut self.held);
        let is_content = match self.place {
            Place::Content => !(self.after_call && held.trim().is_empty()),
            Place::Head => true,
            Place::Arguments(_) | Place::Tail => false,
        };
        self.place = Place::Content;
        let mut pieces = Vec::new();
        if is_content {
            content(held, &mut pieces);
        }
        pieces
    }

    /// Reads what is held as far as it can; false when more of the answer is needed.
    fn step(&mut self, pieces: &mut Vec<CallPiece>) -> bool {
        match self.place {
            Place::Content => self.content(pieces),
            Place::Head => self.head(pieces),
            Place::Arguments(nesting) => self.arguments(nesting, pieces),
            Place::Tail => self.tail(),
        }
    }

    /// Text up to the next mark. Blanks and what may become a mark are held back at its end.
    fn content(&mut self, pieces: &mut Vec<CallPiece>) -> bool {
        if self.after_call {
            self.held = self.held.trim_start().to_owned();
            self.after_call = self.held.is_empty();
        }
        let mark = self.held.find(CALL_MARK);
        let end = mark.unwrap_or_else(|| self.held.len() - begun(&self.held));
        let rest = self.held.split_off(self.held[..end].trim_end().len());
        content(std::mem::replace(&mut self.held, rest), pieces);
        if mark.is_some() {
            self.place = Place::Head;
        }
        mark.is_some()
    }

    fn head(&mut self, pieces: &mut Vec<CallPiece>) -> bool {
        match head(&self.held) {
            Ok((name, length)) => {
                pieces.push(CallPiece::Begin(name));
                self.held.drain(..length);
                self.place = Place::Arguments(Nesting::default());
                true
            }
            Err(Stop::Cut) if self.held.len() <= SIGNS_BYTES_MAX => false,
            Err(_) => {
                let mark = self.held.find(CALL_MARK).map_or(0, |at| at + CALL_MARK.len());
                let rest = self.held.split_off(mark);
                content(std::mem::replace(&mut self.held, rest), pieces);
                self.place = Place::Content;
                true
            }
        }
    }

    fn arguments(&mut self, mut nesting: Nesting, pieces: &mut Vec<CallPiece>) -> bool {
        let end = self.held.bytes().position(|byte| nesting.ends_with(byte));
        let rest = self.held.split_off(end.map_or(self.held.len(), |end| end + 1));
        let read = std::mem::replace(&mut self.held, rest);
        if !read.is_empty() {
            pieces.push(CallPiece::Arguments(read));
        }
        self.place = if end.is_some() { Place::Tail } else { Place::Arguments(nesting) };
        end.is_some()
    }

    fn tail(&mut self) -> bool {
        let mut rest = self.held.as_str();
        match sign(&mut rest, "}").and_then(|()| sign(&mut rest, END_MARK)) {
            Ok(()) => {
                self.held = rest.to_owned();
                self.after_call = true;
            }
            Err(Stop::Cut) if self.held.len() <= SIGNS_BYTES_MAX => return false,
            Err(_) => {}
        }
        self.place = Place::Content;
        true
    }
}

impl Nesting {
    /// Goes on by a byte; true if it is the last one of the arguments.
    fn ends_with(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_text => self.escaped = true,
            b'"' => self.in_text = !self.in_text,
            b'{' | b'[' if !self.in_text => self.depth += 1,
            b'}' | b']' if !self.in_text => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

fn content(text: String, pieces: &mut Vec<CallPiece>) {
    if !text.is_empty() {
        pieces.push(CallPiece::Content(text));
    }
}

/// How many bytes at the end of a text may become the mark of a call.
fn begun(text: &str) -> usize {
    let longest = text.len().min(CALL_MARK.len() - 1);
    (1..=longest).rev().find(|length| text.ends_with(&CALL_MARK[..*length])).unwrap_or(0)
}

/// The tool of a call that stands at the beginning of a text, and where its arguments begin.
fn head(text: &str) -> Result<(String, usize), Stop> {
    let mut rest = text;
    for word in [CALL_MARK, "{", "\"name\"", ":", "\""] {
        sign(&mut rest, word)?;
    }
    let (name, after) = match rest.split_once('"') {
        Some((name, after)) if name.len() <= NAME_BYTES_MAX && !name.contains(['\\', '\n']) => (name, after),
        None if rest.len() <= NAME_BYTES_MAX => return Err(Stop::Cut),
        _ => return Err(Stop::Other),
    };
    rest = after;
    for word in [",", "\"arguments\"", ":"] {
        sign(&mut rest, word)?;
    }
    rest = rest.trim_start();
    match rest.bytes().next() {
        Some(b'{') => Ok((name.to_owned(), text.len() - rest.len())),
        Some(_) => Err(Stop::Other),
        None => Err(Stop::Cut),
    }
}

/// Takes a word from the beginning of a text, after blanks.
fn sign(rest: &mut &str, word: &str) -> Result<(), Stop> {
    let text = rest.trim_start();
    match text.strip_prefix(word) {
        Some(after) => {
            *rest = after;
            Ok(())
        }
        None if word.starts_with(text) => Err(Stop::Cut),
        None => Err(Stop::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read, joined: content, and calls with their arguments.
    fn read(pieces: &[&str]) -> (String, Vec<(String, String)>) {
        let mut reader = CallReader::default();
        let mut read: Vec<CallPiece> = pieces.iter().flat_map(|piece| reader.push(piece)).collect();
        read.extend(reader.finish());
        let (mut content, mut calls) = (String::new(), Vec::<(String, String)>::new());
        for piece in read {
            match piece {
                CallPiece::Content(text) => content.push_str(&text),
                CallPiece::Begin(name) => calls.push((name, String::new())),
                CallPiece::Arguments(text) => calls.last_mut().expect("a call began").1.push_str(&text),
            }
        }
        (content, calls)
    }

    /// The same whole, and cut everywhere.
    fn check(text: &str, content: &str, calls: &[(&str, &str)]) {
        let calls: Vec<(String, String)> =
            calls.iter().map(|(name, arguments)| ((*name).to_owned(), (*arguments).to_owned())).collect();
        let expected = (content.to_owned(), calls);
        assert_eq!(read(&[text]), expected, "{text:?}");
        let characters: Vec<String> = text.chars().map(String::from).collect();
        assert_eq!(read(&characters.iter().map(String::as_str).collect::<Vec<_>>()), expected, "{text:?}");
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            assert_eq!(read(&[&text[..at], &text[at..]]), expected, "{text:?} cut at {at}");
        }
    }

    #[test]
    fn calls_are_read_however_the_text_is_cut() {
        let call = |name: &str, arguments: &str| format!("{}{arguments}{CALL_END}", call_begin(name));
        let one = call("add", r#"{"a": [1, {"é": "}\"]"}]}"#);
        let two = call("now", "{}");
        check("no call at all\n", "no call at all\n", &[]);
        check(&one, "", &[("add", r#"{"a": [1, {"é": "}\"]"}]}"#)]);
        let text = format!("Let me see.\n\n{one}\n{two}\n");
        check(&text, "Let me see.", &[("add", r#"{"a": [1, {"é": "}\"]"}]}"#), ("now", "{}")]);
        check(&format!("{two} and so on "), "and so on ", &[("now", "{}")]);
        check("<tool_call>{\"name\":\"a-b\",\"arguments\":{}}</tool_call>", "", &[("a-b", "{}")]);
    }

    #[test]
    fn what_becomes_no_call_is_content_as_it_stands() {
        for text in [
            "a <tool_call> b",
            "1 < 2 <tool",
            " <tool_call>\n{\"name\": \"add\", \"arguments\": 7}\n</tool_call>",
            "<tool_call>\n{\"arguments\": {}, \"name\": \"add\"}\n</tool_call>",
            "<tool_call>\n{\"name\": \"a\\n\", \"arguments\": {}}",
            "<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>",
            "x\n<tool_call>\n{\"name\": \"add\", \"argum",
            "</tool_call>",
        ] {
            check(text, text, &[]);
        }
        let long = format!("<tool_call>{}{{\"name\": \"a\", \"arguments\": {{}}}}", " ".repeat(600));
        assert_eq!(read(&[&long[..520], &long[520..]]), (long.clone(), vec![]));
        check(
            "<tool_call><tool_call>{\"name\":\"a\",\"arguments\":{}}</tool_call>",
            "<tool_call>",
            &[("a", "{}")],
        );
    }

    #[test]
    fn a_call_that_is_cut_keeps_what_there_is() {
        let text = format!("{}{{\"a\": \"b", call_begin("add"));
        check(&text, "", &[("add", "{\"a\": \"b")]);
        check(&format!("{}{{}}}}\n</tool", call_begin("add")), "", &[("add", "{}")]);
        // An end that is none: what follows is content.
        check(&format!("{}{{}} and", call_begin("add")), " and", &[("add", "{}")]);
    }
}
