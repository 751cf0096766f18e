//! Cutting a text into passages: consecutive paragraphs of up to about [`PASSAGE_WORDS`] words.
//!
//! Rule: a paragraph ends at a blank line; one that is too long alone is cut after sentences, and a sentence that is too
//! long after words. Pieces are joined while they fit. Passages follow each other, do not overlap, and are slices of the
//! text, so that a passage can be shown in its place. Absent: titles, which belong to the contribution.

use std::ops::Range;

/// About how many words a passage has at most.
pub const PASSAGE_WORDS: usize = 120;

/// The byte ranges of the passages of `text`, in order; white space around them is left out.
pub(crate) fn passages_of(text: &str) -> Vec<Range<usize>> {
    let mut passages: Vec<Range<usize>> = Vec::new();
    let mut words_in_last = 0;
    for piece in split(text, 0..text.len(), "\n\n").into_iter().flat_map(|paragraph| fit(text, paragraph)) {
        let words = count_words(&text[piece.clone()]);
        match passages.last_mut() {
            Some(last) if words_in_last + words <= PASSAGE_WORDS => {
                last.end = piece.end;
                words_in_last += words;
            }
            _ => {
                passages.push(piece);
                words_in_last = words;
            }
        }
    }
    passages
}

fn count_words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// A paragraph in pieces that fit.
fn fit(text: &str, paragraph: Range<usize>) -> Vec<Range<usize>> {
    if count_words(&text[paragraph.clone()]) <= PASSAGE_WORDS {
        return vec![paragraph];
    }
    let mut pieces = Vec::new();
    for sentence in split(text, paragraph, ". ") {
        if count_words(&text[sentence.clone()]) <= PASSAGE_WORDS {
            pieces.push(sentence);
            continue;
        }
        let words = split(text, sentence, " ");
        pieces.extend(words.chunks(PASSAGE_WORDS).map(|run| run[0].start..run[run.len() - 1].end));
    }
    pieces
}

/// The parts of a range that end with `end`, trimmed; empty ones are left out.
fn split(text: &str, range: Range<usize>, end: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = range.start;
    for part in text[range].split_inclusive(end) {
        let from = start + part.len() - part.trim_start().len();
        let to = start + part.trim_end().len();
        if from < to {
            parts.push(from..to);
        }
        start += part.len();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paragraphs_are_joined_while_they_fit() {
        let long = ["word"; 100].join(" ");
        let text = format!("Title\n\nshort one\n\n{long}\n\n{long}\n\nend");
        let found: Vec<&str> = passages_of(&text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, [format!("Title\n\nshort one\n\n{long}"), format!("{long}\n\nend")]);
    }

    #[test]
    fn a_long_paragraph_is_cut_after_sentences() {
        let sentence = format!("{}end. ", "word ".repeat(49));
        let text = sentence.repeat(5);
        let found = passages_of(&text);
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|range| text[range.clone()].ends_with("end.")));
    }

    proptest! {
        /// No word is lost or doubled, and no passage is too long.
        #[test]
        fn passages_hold_every_word(
            pieces in prop::collection::vec(prop::sample::select(vec!["a", "é ", "b. ", "\n", "\n\n", " ", "long "]), 0..600)
        ) {
            let text = pieces.concat();
            let passages = passages_of(&text);
            let words: Vec<&str> = passages.iter().flat_map(|range| text[range.clone()].split_whitespace()).collect();
            prop_assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
            prop_assert!(passages.iter().all(|range| count_words(&text[range.clone()]) <= PASSAGE_WORDS));
            prop_assert!(passages.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}
