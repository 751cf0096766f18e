//! The words of a text by Annex 29, at the price of ASCII where the text is ASCII.
//!
//! The text is cut where its words are settled, so that one accent does not make the whole text dear; pieces of ASCII
//! are split by the annex's rules as far as they concern ASCII, the others by `unicode-segmentation`. Tests hold the
//! two against each other. Absent: folding (`words`).

use std::ops::Range;

use unicode_segmentation::{UnicodeSegmentation, UnicodeWordIndices};

/// The words of a text in order, each with its byte range.
pub(crate) struct Words<'a> {
    text: &'a str,
    /// Up to where the text was given out; in a piece of ASCII, the next byte to look at.
    at: usize,
    piece: Piece<'a>,
}

/// What is being split.
enum Piece<'a> {
    /// ASCII up to here.
    Ascii(usize),
    /// Other text that ends at `at`, with its start.
    Other(usize, UnicodeWordIndices<'a>),
}

impl<'a> Words<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, piece: Piece::Ascii(0) }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = (Range<usize>, &'a str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let word = match &mut self.piece {
                Piece::Ascii(end) => next_ascii(self.text.as_bytes(), &mut self.at, *end),
                Piece::Other(start, words) => {
                    words.next().map(|(at, word)| *start + at..*start + at + word.len())
                }
            };
            if let Some(range) = word {
                return Some((range.clone(), &self.text[range]));
            }
            if self.at >= self.text.len() {
                return None;
            }
            self.next_piece();
        }
    }
}

impl Words<'_> {
    fn next_piece(&mut self) {
        let (bytes, from) = (self.text.as_bytes(), self.at);
        let is_cut = |at: &usize| is_settled_at(bytes, *at);
        let foreign = ascii_end(bytes, from);
        let last_cut = || (from + 1..foreign).rev().find(is_cut);
        let ascii = if foreign == bytes.len() { Some(foreign) } else { last_cut() };
        self.piece = match ascii {
            Some(end) => Piece::Ascii(end),
            None => {
                let end = (foreign + 1..bytes.len()).find(is_cut).unwrap_or(bytes.len());
                self.at = end;
                Piece::Other(from, self.text[from..end].unicode_word_indices())
            }
        };
    }
}

/// Whether no rule of the annex looks across the place before byte `at`: it stands between a space or line feed and
/// an ASCII letter or digit.
pub(crate) fn is_settled_at(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at - 1], b' ' | b'\n') && bytes[at].is_ascii_alphanumeric()
}

/// The first byte from `from` on that is not ASCII.
fn ascii_end(bytes: &[u8], from: usize) -> usize {
    const BLOCK: usize = 32;
    let blocks = bytes[from..].as_chunks::<BLOCK>().0;
    let start = from + BLOCK * blocks.iter().take_while(|block| block.is_ascii()).count();
    bytes[start..].iter().position(|byte| !byte.is_ascii()).map_or(bytes.len(), |at| start + at)
}

/// The next run of letters, digits and underscores (WB5, WB8 to WB10, WB13a, WB13b), with single signs inside it
/// between two letters (WB6, WB7) or two digits (WB11, WB12), which has a letter or digit; leaves `at` behind it, or at
/// `end` when there is none.
fn next_ascii(bytes: &[u8], at: &mut usize, end: usize) -> Option<Range<usize>> {
    let bytes = &bytes[..end];
    loop {
        *at = first_where(bytes, *at, true);
        if *at == end {
            return None;
        }
        let start = *at;
        loop {
            *at = first_where(bytes, *at, false);
            let Some(pair) = bytes.get(*at..).and_then(|rest| rest.first_chunk::<2>()) else { break };
            if !is_inside(pair[0], bytes[*at - 1], pair[1]) {
                break;
            }
            *at += 1;
        }
        if bytes[start] != b'_' || bytes[start..*at].iter().any(u8::is_ascii_alphanumeric) {
            return Some(start..*at);
        }
    }
}

/// The first place from `at` on whose byte is of a word's core, or is not; the end of `bytes` when there is none. Eight
/// bytes are looked at together, since where words end is what a processor guesses wrong.
#[inline]
fn first_where(bytes: &[u8], mut at: usize, is_sought: bool) -> usize {
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let core = core_of(u64::from_le_bytes(*eight));
        let found = if is_sought { core } else { core ^ HIGH };
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes[at..].iter().position(|byte| is_core(*byte) == is_sought);
    rest.map_or(bytes.len(), |place| at + place)
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = ONES << 7;

/// The highest bit of each of eight bytes of ASCII that is a letter, a digit or an underscore.
#[inline]
fn core_of(bytes: u64) -> u64 {
    let from = |least: u8| u64::from(0x80 - least) * ONES;
    let within = |bytes: u64, first: u8, last: u8| (bytes + from(first)) & !(bytes + from(last + 1));
    let letters = within(bytes | (0x20 * ONES), b'a', b'z');
    (letters | within(bytes, b'0', b'9') | within(bytes, b'_', b'_')) & HIGH
}

fn is_core(byte: u8) -> bool {
    const CORE: [bool; 256] = {
        let mut core = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            core[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
            byte += 1;
        }
        core
    };
    CORE[usize::from(byte)]
}

/// Whether a sign between these two does not part a word.
fn is_inside(sign: u8, before: u8, behind: u8) -> bool {
    match sign {
        b'.' | b'\'' => {
            before.is_ascii_digit() && behind.is_ascii_digit()
                || before.is_ascii_alphabetic() && behind.is_ascii_alphabetic()
        }
        b',' | b';' => before.is_ascii_digit() && behind.is_ascii_digit(),
        b':' => before.is_ascii_alphabetic() && behind.is_ascii_alphabetic(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str) {
        let found: Vec<_> = Words::new(text).map(|(range, word)| (range.start, word)).collect();
        let expected: Vec<_> = text.unicode_word_indices().collect();
        assert_eq!(found, expected, "{text:?}");
    }

    /// Every text of up to five characters of which one stands for each class that the annex knows in ASCII, and every
    /// character between any two of them.
    #[test]
    fn short_texts_of_ascii() {
        let classes = b"a0_.,:'\" \n\r-";
        for length in 0..=5 {
            for number in 0..classes.len().pow(length) {
                let class = |place| number / classes.len().pow(place) % classes.len();
                check(&(0..length).map(|place| char::from(classes[class(place)])).collect::<String>());
            }
        }
        for middle in (0..128u8).map(char::from) {
            for (a, b) in
                classes.iter().flat_map(|a| classes.iter().map(move |b| (char::from(*a), char::from(*b))))
            {
                check(&format!("{a}{middle}{b}"));
            }
        }
    }

    /// What stands behind the last word, of a text and of a piece, is passed over.
    #[test]
    fn texts_that_end_between_words() {
        for text in
            ["a. ", "a .. b\u{e9}", " ", "_ _", "a \u{e9}. ", "a\n\u{301}b ", "\u{301} a", "a. b. \u{3000}"]
        {
            check(text);
        }
    }

    /// Pieces on which boundaries turn: classes of ASCII, places where a text is cut, and characters that join what
    /// stands before them, of one to four bytes.
    fn hostile() -> impl Strategy<Value = String> {
        let signs = "a Z 7 _ . , : ; ' \" - \r \t é ß \u{301} \u{200D} \u{FE0F} \u{AD} \u{2019} \u{2018} \u{B7} \u{37E} \u{589} \u{203F} \
                     א ״ ア 漢 ก 한 Ⓜ \u{1F1E6} 👩 🏽 😀 \u{3000} \u{85} \u{2028} \u{E0001} ٣ \u{66B} \u{FF0E}";
        let mut pieces: Vec<String> = signs.split(' ').map(str::to_owned).collect();
        pieces.extend(
            [" ", "\n", " a", "\nb", "\r\n", " 1", "  ", "word ", "sixteen letters ", "1,000.5"]
                .map(str::to_owned),
        );
        prop::collection::vec(prop::sample::select(pieces), 0..80).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn equals_the_annex(text: String, ascii in "[a-c0-2_.,:;' \n-]{0,60}", hostile in hostile(), tail: String) {
            check(&text);
            check(&hostile);
            check(&format!("{ascii}{text} a{tail}\nb{ascii}"));
            check(&format!("{hostile}{ascii}{hostile}"));
        }
    }
}
