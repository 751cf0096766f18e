//! A passage of a source with the words around it, and how far it is from chance, for a terminal.

use std::ops::Range;

use openledger_attribution::{Strength, words};

use crate::layout::Styled;
use crate::output::{Paint, printable};

/// Words of the source before and behind a passage, and of each end of a long passage.
pub const CONTEXT_WORDS: usize = 12;

/// The passage in its source, with the words around it: `… before «passage» behind …`. `None` when the place is none of
/// the text.
pub fn in_context(color: usize, text: &str, place: &Range<usize>) -> Option<Styled> {
    text.get(place.clone()).filter(|passage| !passage.is_empty())?;
    let places: Vec<_> = words::words(text).map(|(range, _)| range).collect();
    let first = places.partition_point(|word| word.start < place.start);
    let behind = places.partition_point(|word| word.start < place.end);
    let start = places
        .get(first.saturating_sub(CONTEXT_WORDS))
        .map_or(place.start, |word| word.start.min(place.start));
    let end = match places.get((behind + CONTEXT_WORDS).min(places.len()).saturating_sub(1)) {
        Some(word) => word.end.max(place.end),
        None => place.end,
    };
    let long = behind.saturating_sub(first) > 2 * CONTEXT_WORDS;
    let quoted = if long {
        let (left, right) = (places[first + CONTEXT_WORDS - 1].end, places[behind - CONTEXT_WORDS].start);
        format!("{} … {}", one_line(text.get(place.start..left)?), one_line(text.get(right..place.end)?))
    } else {
        one_line(&text[place.clone()])
    };
    let (left, right) = (text.get(start..place.start)?, text.get(place.end..end)?);
    let space = |is_there: bool| if is_there { " " } else { "" };
    let mut styled = Styled::default();
    styled.push("", if first > CONTEXT_WORDS { "… " } else { "" });
    styled.push("", &format!("{}{}«", one_line(left), space(left.ends_with(char::is_whitespace))));
    styled.push(&Paint::note(color), &quoted);
    styled.push("", &format!("»{}{}", space(right.starts_with(char::is_whitespace)), one_line(right)));
    styled.push("", if behind + CONTEXT_WORDS < places.len() { " …" } else { "" });
    Some(styled)
}

fn one_line(text: &str) -> String {
    printable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The strength of a value as bars: `▮▮▯▯`.
pub fn bars(value: u64) -> String {
    let step = Strength::of(value).step();
    "▮".repeat(step) + &"▯".repeat(Strength::ALL.len() - step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::ColorChoice;

    fn check(text: &str, place: Range<usize>, expected: Option<&str>) {
        let found =
            in_context(1, text, &place).map(|styled| styled.lines(Paint::new(ColorChoice::Never), 999));
        assert_eq!(found, expected.map(|expected| vec![expected.to_owned()]));
    }

    #[test]
    fn a_passage_has_twelve_words_around_it() {
        check("one two three", 4..7, Some("one «two» three"));
        check("one-two\nthree", 0..3, Some("«one»-two three"));
        check("aé", 0..2, None);
        check("abc", 2..9, None);
        check("abc", 1..1, None);
        let long: Vec<String> = (0..100).map(|number| format!("w{number}")).collect();
        let (text, at) = (long.join(" "), |word: &str| long.join(" ").find(word).unwrap());
        let before: Vec<String> = (38..50).map(|number| format!("w{number}")).collect();
        let after: Vec<String> = (52..64).map(|number| format!("w{number}")).collect();
        let expected = format!("… {} «w50 w51» {} …", before.join(" "), after.join(" "));
        check(&text, at("w50")..at(" w52"), Some(&expected));
        let expected =
            format!("«{} … {}» {} …", long[..12].join(" "), long[28..40].join(" "), long[40..52].join(" "));
        check(&text, 0..at(" w40"), Some(&expected));
    }
}
