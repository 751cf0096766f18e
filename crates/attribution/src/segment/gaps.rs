//! What a text has beside its folded words: the characters between them and the form of each word, so that the text
//! comes back byte for byte.
//!
//! Every word, and the end of every document, is one entry: a byte `form * 64 + gap`, then the gap where it is none of
//! [`GAPS`] and the word where it has none of the three forms, each behind its length. Entries stand in blocks, which
//! may begin and end inside a document. Absent: compression (`blocks`).

use std::ops::Range;

use super::dictionary::{read_bytes, write_length};
use super::intern::short_key;

/// The most frequent gaps of a corpus of manuals and dictionaries, measured; each saves its length.
const GAPS: [&str; 63] = [
    " ", "", ", ", ". ", "\n", " (", ") ", ".", ": ", "-", "/", "\n\n", ".\n", "; ", " \"", "\" ", ",\n",
    "(", ")", "\"", "'", "' ", " '", ".\n\n", ". \n", " \n", "\n ", " - ", " = ", "=", "::", ":", " [", "] ",
    "), ", "). ", "(\"", ", \"", "\", \"", ")\n", ":\n", ":\n\n", "\n\n ", " -", " --", "--", " <", "> ",
    "<", ">", "&", " & ", "\n- ", "\n  ", "\n    ", "  ", "@", "#", "\\", " /", "[", "]", "...",
];

/// The gap is written out.
const OTHER_GAP: u8 = 63;

/// How a word differs from its folded form: one of the four below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FormCode(u8);

const AS_FOLDED: u8 = 0;
const FIRST_UPPER: u8 = 1;
const ALL_UPPER: u8 = 2;
const OTHER_FORM: u8 = 3;

/// The codes of [`GAPS`] by their bytes. Three in four slots are free, so a search is over in a step or two.
pub(crate) struct GapCodes([GapSlot; 4 * (GAPS.len() + 1)]);

/// The first eight bytes of a gap, its length and its code; [`OTHER_GAP`] is a free slot.
type GapSlot = (u64, usize, u8);

impl GapCodes {
    pub(crate) fn new() -> Self {
        let mut codes = Self([(0, 0, OTHER_GAP); 4 * (GAPS.len() + 1)]);
        for (gap, code) in GAPS.iter().zip(0..) {
            let at = codes.place(gap);
            codes.0[at] = (short_key(gap.as_bytes()), gap.len(), code);
        }
        codes
    }

    #[inline]
    fn code_of(&self, gap: &str) -> u8 {
        if gap == GAPS[0] {
            return 0;
        }
        self.0[self.place(gap)].2
    }

    /// The slot of a gap, or the free one where it would be.
    #[inline]
    fn place(&self, gap: &str) -> usize {
        let key = short_key(gap.as_bytes());
        let mixed = (key ^ gap.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut at = (mixed >> 56) as usize % self.0.len();
        while self.0[at].2 != OTHER_GAP && (self.0[at].0, self.0[at].1) != (key, gap.len()) {
            at = (at + 1) % self.0.len();
        }
        at
    }
}

/// Appends the entry of a word: the text since the last word, the word, and how it differs from its folded form.
pub(crate) fn write(codes: &GapCodes, gap: &str, word: &str, form: FormCode, entries: &mut Vec<u8>) {
    let FormCode(form) = form;
    let gap_code = codes.code_of(gap);
    entries.push(form << 6 | gap_code);
    if gap_code == OTHER_GAP {
        write_length(gap.len(), entries);
        entries.extend_from_slice(gap.as_bytes());
    }
    if form == OTHER_FORM {
        write_length(word.len(), entries);
        entries.extend_from_slice(word.as_bytes());
    }
}

/// The form of a word of ASCII: which of its bytes are capitals, and whether any is a small letter.
#[inline]
pub(crate) fn form_of_ascii(first_is_capital: bool, others_are_capitals: bool, has_small: bool) -> FormCode {
    FormCode(match (first_is_capital, others_are_capitals) {
        (false, false) => AS_FOLDED,
        (true, false) => FIRST_UPPER,
        (_, true) if !has_small => ALL_UPPER,
        (_, true) => OTHER_FORM,
    })
}

/// The form of a word.
pub(crate) fn form_of(word: &[u8], folded: &[u8]) -> FormCode {
    FormCode(form_code(word, folded))
}

fn form_code(word: &[u8], folded: &[u8]) -> u8 {
    if word == folded {
        return AS_FOLDED;
    }
    let (Some((first, rest)), Some((folded_first, folded_rest))) = (word.split_first(), folded.split_first())
    else {
        return OTHER_FORM;
    };
    if *first == folded_first.to_ascii_uppercase() && rest == folded_rest {
        FIRST_UPPER
    } else if word.len() == folded.len() && word.iter().zip(folded).all(|(a, b)| *a == b.to_ascii_uppercase())
    {
        ALL_UPPER
    } else {
        OTHER_FORM
    }
}

/// What one entry says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) gap: &'a [u8],
    pub(crate) form: Form<'a>,
}

/// How a word is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form<'a> {
    /// The folded form, with these of its bytes as ASCII capitals.
    Folded(Capitals),
    /// As it stands here.
    Written(&'a [u8]),
}

/// Which bytes of a word are ASCII capitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capitals {
    None,
    First,
    All,
}

impl Capitals {
    /// Changes `word` from its folded form to its written one.
    pub(crate) fn apply(self, word: &mut [u8]) {
        let range: Range<usize> = match self {
            Self::None => 0..0,
            Self::First => 0..word.len().min(1),
            Self::All => 0..word.len(),
        };
        word[range].make_ascii_uppercase();
    }
}

/// Takes an entry off the front of a block; `None` when there is no whole one.
#[inline]
pub(crate) fn read<'a>(block: &mut &'a [u8]) -> Option<Entry<'a>> {
    let (first, rest) = block.split_first()?;
    *block = rest;
    let gap = match first & 63 {
        OTHER_GAP => read_bytes(block)?,
        place => GAPS[usize::from(place)].as_bytes(),
    };
    let form = match first >> 6 {
        AS_FOLDED => Form::Folded(Capitals::None),
        FIRST_UPPER => Form::Folded(Capitals::First),
        ALL_UPPER => Form::Folded(Capitals::All),
        _ => Form::Written(read_bytes(block)?),
    };
    Some(Entry { gap, form })
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_datanet::words;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_gap_has_one_code() {
        assert_eq!(GAPS.iter().collect::<BTreeSet<_>>().len(), GAPS.len());
    }

    proptest! {
        #[test]
        fn gives_back_what_was_written(gap in ".{0,3}|[ \n.,()-]{0,4}", word in "[a-zA-ZéÉİß\u{2019}']{0,6}") {
            let folded = words::fold(&word);
            let mut block = Vec::new();
            write(&GapCodes::new(), &gap, &word, form_of(word.as_bytes(), folded.as_bytes()), &mut block);
            let mut rest = &block[..];
            let entry = read(&mut rest).expect("whole");
            prop_assert_eq!((entry.gap, rest.len()), (gap.as_bytes(), 0));
            let mut found = folded.into_bytes();
            match entry.form {
                Form::Folded(capitals) => capitals.apply(&mut found),
                Form::Written(written) => found = written.to_vec(),
            }
            prop_assert_eq!(found, word.as_bytes());
            for cut in 0..block.len() {
                prop_assert!(read(&mut &block[..cut]).is_none());
            }
        }
    }
}
