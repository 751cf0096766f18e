//! Styled text broken into lines of a width, so that a long answer and its footnotes stay in their columns. Absent: what
//! styles mean; an empty style is plain text.

use crate::output::{Paint, printable};

/// A text in pieces, each with its style.
#[derive(Default)]
pub struct Styled {
    characters: Vec<(char, u16)>,
    styles: Vec<String>,
}

impl Styled {
    /// Adds a piece; control characters are left out, so nothing that was added commands the terminal.
    pub fn push(&mut self, style: &str, text: &str) {
        let style = match self.styles.iter().position(|known| known == style) {
            Some(known) => known,
            None => {
                self.styles.push(style.to_owned());
                self.styles.len() - 1
            }
        };
        let style = u16::try_from(style).unwrap_or(0);
        self.characters.extend(printable(text).chars().map(|character| (character, style)));
    }

    /// The text in lines of at most `columns`, where words allow it: broken at spaces, a word that is longer than a
    /// line within itself.
    pub fn lines(&self, paint: Paint, columns: usize) -> Vec<String> {
        let broken = self.characters.split(|(character, _)| *character == '\n');
        broken.flat_map(|line| wrapped(line, columns.max(1))).map(|line| self.painted(paint, line)).collect()
    }

    fn painted(&self, paint: Paint, line: &[(char, u16)]) -> String {
        let runs = line.chunk_by(|(_, one), (_, two)| one == two);
        let painted = |run: &[(char, u16)]| {
            let text: String = run.iter().map(|(character, _)| character).collect();
            let style = run.first().and_then(|(_, style)| self.styles.get(usize::from(*style)));
            paint.code(style.map(String::as_str).unwrap_or_default(), &text)
        };
        runs.map(painted).collect()
    }
}

fn width(character: char) -> usize {
    console::measure_text_width(character.encode_utf8(&mut [0; 4]))
}

/// Breaks one line.
fn wrapped(mut rest: &[(char, u16)], columns: usize) -> Vec<&[(char, u16)]> {
    let mut lines = Vec::new();
    loop {
        let (mut end, mut used, mut space) = (0, 0, None);
        while let Some((character, _)) = rest.get(end) {
            if *character == ' ' {
                space = Some(end);
            }
            used += width(*character);
            if used > columns {
                break;
            }
            end += 1;
        }
        if end == rest.len() {
            lines.push(rest);
            return lines;
        }
        let at = space.filter(|at| *at > 0).unwrap_or(end.max(1));
        lines.push(&rest[..at]);
        rest = &rest[at..];
        while let [(' ', _), more @ ..] = rest {
            rest = more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::ColorChoice;

    fn check(pieces: &[(&str, &str)], columns: usize, choice: ColorChoice, expected: &[&str]) {
        let mut styled = Styled::default();
        pieces.iter().for_each(|(style, text)| styled.push(style, text));
        assert_eq!(styled.lines(Paint::new(choice), columns), expected);
    }

    #[test]
    fn lines_break_at_spaces_and_styles_go_on() {
        use ColorChoice::{Always, Never};
        check(&[("", "")], 5, Never, &[""]);
        check(&[("", "one two three")], 7, Never, &["one two", "three"]);
        check(&[("", "one  two")], 4, Never, &["one ", "two"]);
        check(&[("", "abcdefgh ij")], 3, Never, &["abc", "def", "gh", "ij"]);
        check(&[("", "a\n\nb")], 9, Never, &["a", "", "b"]);
        check(&[("", "a \u{1b}[31mb\u{7}")], 9, Never, &["a [31mb"]);
        check(&[("", "日本語")], 4, Never, &["日本", "語"]);
        let styled = [("", "say "), ("1", "one two"), ("", ".")];
        check(&styled, 7, Always, &["say \u{1b}[1mone\u{1b}[0m", "\u{1b}[1mtwo\u{1b}[0m."]);
        check(&styled, 7, Never, &["say one", "two."]);
    }
}
