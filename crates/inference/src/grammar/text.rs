//! Strings and numbers of JSON (RFC 8259), byte by byte.
//!
//! Rule: what passes is valid UTF-8, and every reader of JSON can hold it: no half of a surrogate pair, no number of more
//! digits than a double keeps.

/// Digits before the point, after it, and of the exponent.
const WHOLE_DIGITS_MAX: u8 = 15;
const FRACTION_DIGITS_MAX: u8 = 15;
const EXPONENT_DIGITS_MAX: u8 = 2;

/// Inside of a string, after its opening quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Text {
    /// Between characters.
    Plain,
    /// After a backslash.
    Escape,
    /// In `\u` and four digits: so many are left, and whether the first one was a d.
    Hex { left: u8, d: bool },
    /// In a character: so many bytes are left, the next one in this range (Unicode, table 3-7).
    Character { left: u8, low: u8, high: u8 },
}

impl Text {
    /// After `byte`; `None` when it cannot stand here. The closing quote is the caller's.
    pub(super) fn advance(self, byte: u8) -> Option<Text> {
        let character = |left, low, high| Some(Text::Character { left, low, high });
        match self {
            Text::Plain => match byte {
                b'\\' => Some(Text::Escape),
                b'"' => None,
                0x20..=0x7f => Some(Text::Plain),
                0xc2..=0xdf => character(1, 0x80, 0xbf),
                0xe0 => character(2, 0xa0, 0xbf),
                0xed => character(2, 0x80, 0x9f),
                0xe1..=0xef => character(2, 0x80, 0xbf),
                0xf0 => character(3, 0x90, 0xbf),
                0xf1..=0xf3 => character(3, 0x80, 0xbf),
                0xf4 => character(3, 0x80, 0x8f),
                _ => None,
            },
            Text::Escape => match byte {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(Text::Plain),
                b'u' => Some(Text::Hex { left: 4, d: false }),
                _ => None,
            },
            // D800 to DFFF are halves of pairs.
            Text::Hex { left: 3, d: true } if !(b'0'..=b'7').contains(&byte) => None,
            Text::Hex { .. } if !byte.is_ascii_hexdigit() => None,
            Text::Hex { left: 1, .. } => Some(Text::Plain),
            Text::Hex { left, .. } => {
                Some(Text::Hex { left: left - 1, d: left == 4 && byte.eq_ignore_ascii_case(&b'd') })
            }
            Text::Character { low, high, .. } if !(low..=high).contains(&byte) => None,
            Text::Character { left: 1, .. } => Some(Text::Plain),
            Text::Character { left, .. } => character(left - 1, 0x80, 0xbf),
        }
    }
}

/// Inside of a number, after its first byte. `digits` counts those of the current part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    integer: bool,
    part: Part,
    digits: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Minus,
    Zero,
    Whole,
    Fraction,
    Exponent,
    SignedExponent,
}

impl Number {
    /// A number that starts with `byte`.
    pub(super) fn start(byte: u8, integer: bool) -> Option<Number> {
        let (part, digits) = match byte {
            b'-' => (Part::Minus, 0),
            b'0' => (Part::Zero, 1),
            b'1'..=b'9' => (Part::Whole, 1),
            _ => return None,
        };
        Some(Number { integer, part, digits })
    }

    /// After `byte`; `None` when it is no part of the number.
    pub(super) fn advance(self, byte: u8) -> Option<Number> {
        let part = |part, digits| Some(Number { part, digits, ..self });
        match (self.part, byte) {
            (Part::Minus, b'0') => part(Part::Zero, 1),
            (Part::Minus, b'1'..=b'9') => part(Part::Whole, 1),
            (Part::Zero | Part::Whole, b'.') if !self.integer => part(Part::Fraction, 0),
            (Part::Zero | Part::Whole | Part::Fraction, b'e' | b'E') if !self.integer && self.can_end() => {
                part(Part::Exponent, 0)
            }
            (Part::Exponent, b'+' | b'-') if self.digits == 0 => part(Part::SignedExponent, 0),
            (_, b'0'..=b'9') if self.digits < self.digits_max() => part(self.part, self.digits + 1),
            _ => None,
        }
    }

    fn digits_max(self) -> u8 {
        match self.part {
            Part::Minus | Part::Zero => 0,
            Part::Whole => WHOLE_DIGITS_MAX,
            Part::Fraction => FRACTION_DIGITS_MAX,
            Part::Exponent | Part::SignedExponent => EXPONENT_DIGITS_MAX,
        }
    }

    /// Whether what was written is a number.
    pub(super) fn can_end(self) -> bool {
        self.digits > 0
    }
}
