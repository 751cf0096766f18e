//! An answer as the page shows it: text divided into pieces, each with the numbers of the sources that it is found in,
//! and the sources with the passages in their context.
//!
//! Ranges come from a receipt and may be wrong: what does not lie on characters of the text, or overlaps what came
//! before, is left out. Absent: how spans are found; that is attribution's.

use std::collections::BTreeMap;

use openledger_types::{ContributionId, Name};

use crate::library::{AnswerSpan, ContributionText};

/// Characters of context on each side of a passage.
const CONTEXT_CHARACTERS: usize = 90;
/// Passages shown for one source.
const PASSAGES_MAX: usize = 4;
/// Numbers shown at one piece.
const NUMBERS_MAX: usize = 3;
/// Spans shown in one answer.
const SPANS_MAX: usize = 2_000;

/// Which contribution.
pub(crate) type SourceKey = (Name, ContributionId);

/// A piece of the answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its text.
    pub(crate) text: String,
    /// Numbers of its sources, the one that counts first; empty for text that nobody explains.
    pub(crate) numbers: Vec<usize>,
}

/// A passage of a source that the answer repeats.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) before: String,
    pub(crate) matched: String,
    pub(crate) after: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Numbers of sources: those that are paid first, in order of their shares, then others as they appear.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    by_source: BTreeMap<SourceKey, usize>,
    pub(crate) order: Vec<SourceKey>,
}

impl Numbers {
    pub(crate) fn of(&mut self, source: SourceKey) -> usize {
        if let Some(number) = self.by_source.get(&source) {
            return *number;
        }
        self.order.push(source.clone());
        self.by_source.insert(source, self.order.len());
        self.order.len()
    }
}

/// Spans that lie on the text, in order, without overlaps.
fn valid<'a>(answer: &str, spans: &'a [AnswerSpan]) -> Vec<&'a AnswerSpan> {
    let mut ordered: Vec<&AnswerSpan> = spans.iter().take(SPANS_MAX).collect();
    ordered.sort_by_key(|span| (span.start, span.end));
    let mut end = 0;
    ordered.retain(|span| {
        let fits = span.start >= end && span.start < span.end && answer.get(span.start..span.end).is_some();
        if fits {
            end = span.end;
        }
        fits && !span.sources.is_empty()
    });
    ordered
}

/// Divides an answer into pieces.
pub(crate) fn pieces(answer: &str, spans: &[AnswerSpan], numbers: &mut Numbers) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut position = 0;
    for span in valid(answer, spans) {
        push(&mut pieces, answer, position, span.start, Vec::new());
        let mut found: Vec<usize> = Vec::new();
        for source in &span.sources {
            let number = numbers.of((source.datanet.clone(), source.contribution));
            if !found.contains(&number) && found.len() < NUMBERS_MAX {
                found.push(number);
            }
        }
        push(&mut pieces, answer, span.start, span.end, found);
        position = span.end;
    }
    push(&mut pieces, answer, position, answer.len(), Vec::new());
    pieces
}

fn push(pieces: &mut Vec<Piece>, answer: &str, start: usize, end: usize, numbers: Vec<usize>) {
    let text = answer.get(start..end).unwrap_or_default();
    if !text.is_empty() {
        pieces.push(Piece { text: text.to_owned(), numbers });
    }
}

/// The passages of one source that the answer repeats, with what stands around them.
pub(crate) fn passages(spans: &[AnswerSpan], source: &SourceKey, text: &ContributionText) -> Vec<Passage> {
    let mut ranges: Vec<(usize, usize)> = spans
        .iter()
        .take(SPANS_MAX)
        .flat_map(|span| &span.sources)
        .filter(|found| found.datanet == source.0 && found.contribution == source.1)
        .map(|found| (found.start, found.end))
        .filter(|(start, end)| start < end && text.text.get(*start..*end).is_some())
        .collect();
    ranges.sort();
    ranges.dedup();
    ranges.into_iter().take(PASSAGES_MAX).map(|(start, end)| passage(&text.text, start, end)).collect()
}

/// One passage with what stands around it.
pub(crate) fn passage(text: &str, start: usize, end: usize) -> Passage {
    let (head, tail) = (text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default());
    let from = head.char_indices().rev().nth(CONTEXT_CHARACTERS).map_or(0, |(index, _)| index);
    let to = tail.char_indices().nth(CONTEXT_CHARACTERS).map_or(tail.len(), |(index, _)| index);
    let (before, after) = (head.get(from..).unwrap_or_default(), tail.get(..to).unwrap_or_default());
    // Context begins and ends between words.
    let before = if from > 0 {
        before.split_once(char::is_whitespace).map_or(before, |(_, rest)| rest)
    } else {
        before
    };
    let after = if to < tail.len() {
        after.rsplit_once(char::is_whitespace).map_or(after, |(kept, _)| kept)
    } else {
        after
    };
    Passage {
        before: if from > 0 { format!("… {}", before.trim_start()) } else { before.to_owned() },
        matched: text.get(start..end).unwrap_or_default().to_owned(),
        after: if to < tail.len() { format!("{} …", after.trim_end()) } else { after.to_owned() },
        start,
        end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::SpanSource;

    fn source(number: u8) -> SpanSource {
        let datanet = "net".parse().expect("a name");
        SpanSource { datanet, contribution: ContributionId([number; 32]), start: 0, end: 3 }
    }

    fn span(start: usize, end: usize, numbers: &[u8]) -> AnswerSpan {
        AnswerSpan { start, end, sources: numbers.iter().map(|number| source(*number)).collect() }
    }

    fn check(answer: &str, spans: &[AnswerSpan], expected: &[(&str, &[usize])]) {
        let mut numbers = Numbers::default();
        let pieces = pieces(answer, spans, &mut numbers);
        let joined: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(joined, answer);
        let said: Vec<_> =
            pieces.iter().map(|piece| (piece.text.as_str(), piece.numbers.as_slice())).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn pieces_cover_the_answer_and_wrong_ranges_are_left_out() {
        check("abcdef", &[], &[("abcdef", &[])]);
        check("", &[span(0, 1, &[1])], &[]);
        check(
            "abcdef",
            &[span(1, 3, &[1]), span(3, 4, &[2, 1])],
            &[("a", &[]), ("bc", &[1]), ("d", &[2, 1]), ("ef", &[])],
        );
        check("abcdef", &[span(3, 5, &[2]), span(0, 4, &[1])], &[("abcd", &[1]), ("ef", &[])]);
        check("abcdef", &[span(4, 99, &[1]), span(3, 3, &[1]), span(0, 2, &[])], &[("abcdef", &[])]);
        check("aéb", &[span(0, 2, &[1])], &[("aéb", &[])]);
        check("aéb", &[span(0, 3, &[1])], &[("aé", &[1]), ("b", &[])]);
    }

    #[test]
    fn a_passage_stands_in_its_context() {
        let text = format!("{}needle{}", "é".repeat(200), "ü".repeat(10));
        let found = passage(&text, 400, 406);
        assert_eq!(found.matched, "needle");
        assert!(found.before.starts_with('…') && found.after == "ü".repeat(10), "{found:?}");
        let words = "one two ".repeat(40);
        let found = passage(&words, 160, 163);
        assert!(found.before.starts_with("… two") || found.before.starts_with("… one"), "{found:?}");
        assert!(found.after.ends_with("two …") || found.after.ends_with("one …"), "{found:?}");
    }
}
