//! The answer as the page shows it: pieces of text, those that are reused marked in the colour of their contributor,
//! with the numbers of their sources, their strength, and a card with the passage in its source.
//!
//! Absent: script. A card is there for pointer and keyboard; the same stands in the list of sources for everybody.

use std::collections::BTreeMap;

use openledger_receipt::{SpanFacts, answer_pieces};

use crate::contributors::Contributors;
use crate::spans::{Numbers, Passage, SPANS_MAX, SourceKey, class, key_of, passage, place, says};

/// Numbers shown at one piece.
const NUMBERS_MAX: usize = 3;
/// Cards of one page; later pieces have their numbers.
const CARDS_MAX: usize = 300;

/// A piece of the answer.
pub(crate) struct Piece {
    /// Its text.
    pub(crate) text: String,
    /// How it is reused; `None` for text that nobody explains.
    pub(crate) mark: Option<Mark>,
}

/// A piece that somebody else wrote before.
pub(crate) struct Mark {
    /// Classes of colour and strength.
    pub(crate) class: String,
    /// Numbers of its sources, the one that is paid first; none for a common piece.
    pub(crate) numbers: Vec<usize>,
    /// Its strength, in words.
    pub(crate) says: String,
    /// What its card shows.
    pub(crate) card: Option<Card>,
}

/// The source of a piece.
pub(crate) struct Card {
    pub(crate) who: String,
    pub(crate) title: String,
    /// Where it stands, if the text may be shown.
    pub(crate) passage: Option<Passage>,
}

/// What the page knows of a source.
pub(crate) struct Known<'a> {
    pub(crate) who: String,
    pub(crate) title: &'a str,
    pub(crate) text: Option<&'a str>,
}

/// Gives the sources of an answer their numbers, in the order of the text.
pub(crate) fn number(answer: &str, spans: &[SpanFacts], numbers: &mut Numbers) {
    let spans = spans.get(..SPANS_MAX).unwrap_or(spans);
    let found = answer_pieces(answer, spans).into_iter().filter_map(|piece| spans.get(piece.span?));
    for source in found.flat_map(|span| span.sources.iter().take(NUMBERS_MAX)) {
        numbers.of(key_of(source));
    }
}

/// Divides an answer into pieces whose sources have numbers.
pub(crate) fn pieces(
    answer: &str,
    spans: &[SpanFacts],
    numbers: &mut Numbers,
    contributors: &Contributors,
    sources: &BTreeMap<SourceKey, Known<'_>>,
) -> Vec<Piece> {
    let spans = spans.get(..SPANS_MAX).unwrap_or(spans);
    let mut cards = CARDS_MAX;
    let mut piece = |span: Option<usize>, text: &str| {
        let mark = span.and_then(|span| spans.get(span)).map(|span| {
            let owner = span.sources.first().map(key_of);
            let colour = owner.as_ref().filter(|_| !span.common).map(|owner| contributors.colour(owner));
            let colour = colour.map(|colour| format!("who-{colour} ")).unwrap_or_default();
            let mut found: Vec<usize> = Vec::new();
            for source in span.sources.iter().take(NUMBERS_MAX) {
                let number = numbers.of(key_of(source));
                if !found.contains(&number) {
                    found.push(number);
                }
            }
            let known = owner.filter(|_| cards > 0).and_then(|owner| sources.get(&owner));
            cards -= usize::from(known.is_some());
            let card = known.map(|known| card(known, span));
            Mark { class: format!("{colour}{}", class(span)), numbers: found, says: says(span), card }
        });
        Piece { text: text.to_owned(), mark }
    };
    let divided = answer_pieces(answer, spans).into_iter();
    divided.map(|place| piece(place.span, answer.get(place.start..place.end).unwrap_or_default())).collect()
}

fn card(known: &Known<'_>, span: &SpanFacts) -> Card {
    let found = known.text.and_then(|text| Some((text, place(span.sources.first()?, text)?)));
    let passage = found.map(|(text, place)| passage(text, place, span).shortened());
    Card { who: known.who.clone(), title: known.title.to_owned(), passage }
}
