//! One way to divide an answer into the tokens that made it, as far as it is followed.
//!
//! Rule: a step is one token and one draw. Which tokens come into question follows from the text, how far they are believed from
//! the draw. Absent: what the model computes, and which paths are followed on (`search`).

use openledger_model::Tokenizer;

use super::draws::Place;
use super::{Drawn, TextEnd, Told};

/// Tokens that are tried at each place, the most likely ones.
const BRANCHES_MAX: usize = 4;
/// By how much roundings move draws, about. It decides which division is believed and not what is found: a token further away
/// than this is believed less and less.
const ROUNDING: f64 = 0.02;
/// Tokens of nothing but white space that may stand before an answer without being told.
const BLANKS_MAX: usize = 8;
/// What stands in a text for bytes that are none (U+FFFD).
const UNTOLD: char = '\u{fffd}';
/// Bytes of a character that is not whole.
const PART_BYTES_MAX: usize = 3;

/// A division of the beginning of an answer.
#[derive(Debug, Clone)]
pub(super) struct Path<'a> {
    /// The prompt's tokens, and those of the answer so far.
    pub(super) tokens: Vec<u32>,
    pub(super) drawn: Vec<Drawn>,
    /// The logarithm of how likely it is, roundings granted.
    pub(super) likely: f64,
    pub(super) has_ended: bool,
    /// No token of the model writes what comes next.
    pub(super) is_foreign: bool,
    /// What of the text is still to come.
    rest: &'a [u8],
    /// White space may come that is not told.
    may_be_blank: bool,
    end: TextEnd,
}

impl<'a> Path<'a> {
    pub(super) fn new(told: &Told<'a>) -> Self {
        // An answer that is cut may end in the middle of a character, which is a part of its last token.
        let text = if told.end == TextEnd::Cut { without_part(told.text) } else { told.text };
        Self {
            tokens: told.prompt.to_vec(),
            drawn: Vec::new(),
            likely: 0.0,
            has_ended: false,
            is_foreign: false,
            rest: text.as_bytes(),
            may_be_blank: told.is_trimmed,
            end: told.end,
        }
    }

    /// Bytes that are still to come, or that could not be followed.
    pub(super) fn bytes_left(&self) -> usize {
        self.rest.len()
    }

    /// The likeliest ways on, each with one token more or at its end.
    pub(super) fn steps(&self, tokenizer: &Tokenizer, place: &Place) -> Vec<Self> {
        if self.rest.is_empty() {
            return vec![self.ended(tokenizer, place)];
        }
        if self.is_untold() {
            return vec![Self { has_ended: true, ..self.clone() }];
        }
        let mut fitting: Vec<(f64, u32, Drawn)> = Vec::new();
        for token in 0..u32::try_from(tokenizer.vocabulary()).unwrap_or(u32::MAX) {
            let Some(bytes) = self.fits(tokenizer.bytes(token)) else { continue };
            let drawn = Drawn { bytes, missed: place.missed(token as usize) };
            // White space that is not told is believed of the token that is drawn, and of no other.
            if bytes > 0 || drawn.missed == 0.0 {
                fitting.push((believed(place, token, drawn), token, drawn));
            }
        }
        if fitting.is_empty() {
            return vec![self.broken()];
        }
        fitting.sort_by(|left, right| right.0.total_cmp(&left.0));
        fitting.truncate(BRANCHES_MAX);
        fitting.into_iter().map(|(likely, token, drawn)| self.with(likely, token, drawn)).collect()
    }

    /// Whether what comes next stands for bytes that are no text.
    fn is_untold(&self) -> bool {
        self.rest.starts_with(UNTOLD.encode_utf8(&mut [0; 4]).as_bytes())
    }

    fn with(&self, likely: f64, token: u32, drawn: Drawn) -> Self {
        let mut next = self.clone();
        next.tokens.push(token);
        next.drawn.push(drawn);
        next.likely += likely;
        next.rest = &self.rest[drawn.bytes..];
        next.may_be_blank &= drawn.bytes == 0 && next.drawn.len() < BLANKS_MAX;
        next.has_ended = next.rest.is_empty() && self.end == TextEnd::Cut;
        next
    }

    /// How many bytes of the text a token is that could come next.
    fn fits(&self, token: &[u8]) -> Option<usize> {
        if token.is_empty() {
            return None;
        }
        let told = if self.may_be_blank { trimmed(token) } else { token };
        if self.rest.starts_with(told) {
            Some(told.len())
        } else if self.end == TextEnd::Cut && told.starts_with(self.rest) {
            Some(self.rest.len())
        } else {
            None
        }
    }

    /// With the token that ends a text behind it.
    fn ended(&self, tokenizer: &Tokenizer, place: &Place) -> Self {
        let of = |token: &u32| {
            let drawn = Drawn { bytes: 0, missed: place.missed(*token as usize) };
            (believed(place, *token, drawn), drawn)
        };
        let nearest = tokenizer.end_tokens().iter().map(of).max_by(|left, right| left.0.total_cmp(&right.0));
        let mut next = self.clone();
        next.has_ended = true;
        if self.end == TextEnd::Cut {
            return next;
        }
        let (likely, drawn) = nearest.unwrap_or((-1.0 / ROUNDING, Drawn { bytes: 0, missed: 1.0 }));
        next.likely += likely;
        next.drawn.push(drawn);
        next
    }

    /// No token goes on.
    fn broken(&self) -> Self {
        Self { has_ended: true, is_foreign: true, ..self.clone() }
    }
}

/// Without white space at the beginning, as texts are told.
fn trimmed(token: &[u8]) -> &[u8] {
    std::str::from_utf8(token).map_or_else(|_| token.trim_ascii_start(), |text| text.trim_start().as_bytes())
}

/// The text without the beginning of a last character, which some engines tell as up to three U+FFFD.
fn without_part(text: &str) -> &str {
    let strip = |text: &str| text.strip_suffix(UNTOLD).map_or(text.len(), str::len);
    (0..PART_BYTES_MAX).fold(text, |text, _| &text[..strip(text)])
}

/// The logarithm of how likely an honest engine writes a token with this draw: less the further its part of the line is away, and
/// less the smaller that part is beside what roundings move.
fn believed(place: &Place, token: u32, drawn: Drawn) -> f64 {
    let part = f64::from(place.probability(token as usize)).max(f64::MIN_POSITIVE);
    (part / ROUNDING).min(1.0).ln() - f64::from(drawn.missed) / ROUNDING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_last_character_is_not_looked_for() {
        let (ended, cut) = (TextEnd::EndToken, TextEnd::Cut);
        for (text, end, left) in [
            ("fern", cut, "fern"),
            ("fern\u{fffd}\u{fffd}", cut, "fern"),
            ("fern\u{fffd}\u{fffd}", ended, "fern\u{fffd}\u{fffd}"),
            ("f\u{fffd}ern", cut, "f\u{fffd}ern"),
            ("\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}", cut, "\u{fffd}\u{fffd}"),
        ] {
            let path = Path::new(&Told { prompt: &[1], text, is_trimmed: false, end });
            assert_eq!(path.rest, left.as_bytes(), "{text:?}");
            assert_eq!(path.is_untold(), left.starts_with(UNTOLD));
        }
    }

    #[test]
    fn tokens_fit_the_text_that_is_told() {
        let fits = |text: &str, is_trimmed, end, token: &str| {
            let told = Told { prompt: &[1], text, is_trimmed, end };
            Path::new(&told).fits(token.as_bytes())
        };
        let (ended, cut) = (TextEnd::EndToken, TextEnd::Cut);
        for (text, is_trimmed, end, token, expected) in [
            ("ferns grow", false, ended, "fern", Some(4)),
            ("ferns grow", false, ended, " fern", None),
            ("ferns grow", true, ended, " fern", Some(4)),
            ("ferns grow", true, ended, "\n\u{3000}", Some(0)),
            ("ferns grow", false, ended, "\n\n", None),
            ("fern", false, ended, "ferns", None),
            ("fern", false, cut, "ferns", Some(4)),
            ("fern", false, cut, "fir", None),
            ("fern", false, cut, "", None),
        ] {
            assert_eq!(fits(text, is_trimmed, end, token), expected, "{text:?} {token:?}");
        }
    }
}
