//! The sources of an answer: their numbers, and the passages that the answer repeats, in their context.
//!
//! Ranges come from a receipt and may be wrong: what does not lie on characters of the text is left out.
//! Absent: how spans are found, which is attribution's; how the answer is divided among them (`marks`).

use std::collections::BTreeMap;

use openledger_attribution::Strength;
use openledger_receipt::{PassageRef, SpanFacts};
use openledger_types::{ContributionId, Name};

use crate::format::count;

/// Characters of context on each side of a passage: some twelve words.
const CONTEXT_CHARACTERS: usize = 90;
/// Characters of each end of a long passage in a card.
const CARD_CHARACTERS: usize = 120;
/// Passages shown for one source.
const PASSAGES_MAX: usize = 4;
/// Spans looked at in one answer.
pub(crate) const SPANS_MAX: usize = 2_000;

/// Which contribution.
pub(crate) type SourceKey = (Name, ContributionId);

/// The contribution that a passage is of.
pub(crate) fn key_of(passage: &PassageRef) -> SourceKey {
    (passage.datanet.clone(), passage.contribution)
}

/// A passage of a source that the answer repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) before: String,
    pub(crate) matched: String,
    pub(crate) after: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// How the span stands out: class and words.
    pub(crate) class: String,
    pub(crate) says: String,
}

/// Numbers of sources, from 1: in order of the text first, then as they are asked for.
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

/// The classes that say how strong a span is, and whether it is word for word.
pub(crate) fn class(span: &SpanFacts) -> String {
    if span.common {
        return "common".to_owned();
    }
    let near = if span.edits > 0 { " near" } else { "" };
    format!("strength-{}{near}", Strength::of(span.value).step())
}

/// The same in words.
pub(crate) fn says(span: &SpanFacts) -> String {
    if span.common {
        return format!("common: {} texts or more hold these words, so they are nobody's", span.clusters);
    }
    let strength = Strength::said(span.value);
    match span.edits {
        0 => strength,
        1 => format!("{strength}, nearly word for word: 1 word differs"),
        edits => format!("{strength}, nearly word for word: {edits} words differ"),
    }
}

/// The passages of one source that the answer repeats, with what stands around them, in the order of the source.
pub(crate) fn passages(spans: &[SpanFacts], source: &SourceKey, text: &str) -> Vec<Passage> {
    let mut found: BTreeMap<(usize, usize), &SpanFacts> = BTreeMap::new();
    for span in spans.iter().take(SPANS_MAX) {
        for passage in span.sources.iter().filter(|passage| key_of(passage) == *source) {
            let Some(place) = place(passage, text) else { continue };
            found.entry(place).or_insert(span);
        }
    }
    found.into_iter().take(PASSAGES_MAX).map(|(place, span)| passage(text, place, span)).collect()
}

/// Where the passages of a source stand whose text is not shown, with their strength.
pub(crate) fn places(spans: &[SpanFacts], source: &SourceKey) -> Vec<String> {
    let mut found: BTreeMap<(u64, u64), &SpanFacts> = BTreeMap::new();
    for span in spans.iter().take(SPANS_MAX) {
        for passage in span.sources.iter().filter(|passage| key_of(passage) == *source) {
            found.entry((passage.start, passage.end)).or_insert(span);
        }
    }
    let said = |((start, end), span): ((u64, u64), &SpanFacts)| {
        format!("bytes {} to {}, {}", count(start), count(end), says(span))
    };
    found.into_iter().take(PASSAGES_MAX).map(said).collect()
}

/// The range of a passage in its text, if it is one.
pub(crate) fn place(passage: &PassageRef, text: &str) -> Option<(usize, usize)> {
    let (start, end) = (usize::try_from(passage.start).ok()?, usize::try_from(passage.end).ok()?);
    text.get(start..end).filter(|text| !text.is_empty()).map(|_| (start, end))
}

/// One passage with what stands around it.
pub(crate) fn passage(text: &str, (start, end): (usize, usize), span: &SpanFacts) -> Passage {
    let (head, tail) = (text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default());
    let (before, after) = (last_of(head, CONTEXT_CHARACTERS), first_of(tail, CONTEXT_CHARACTERS));
    Passage {
        before: if before.len() < head.len() {
            format!("… {}", before.trim_start())
        } else {
            before.to_owned()
        },
        matched: text.get(start..end).unwrap_or_default().to_owned(),
        after: if after.len() < tail.len() { format!("{} …", after.trim_end()) } else { after.to_owned() },
        start,
        end,
        class: class(span),
        says: says(span),
    }
}

impl Passage {
    /// As a card shows it: a long passage is told by its two ends.
    pub(crate) fn shortened(mut self) -> Self {
        let (first, last) =
            (first_of(&self.matched, CARD_CHARACTERS), last_of(&self.matched, CARD_CHARACTERS));
        if first.len() + last.len() < self.matched.len() {
            self.matched = format!("{} … {}", first.trim_end(), last.trim_start());
        }
        self
    }
}

/// The end of a text, beginning between words.
fn last_of(text: &str, characters: usize) -> &str {
    let from = text.char_indices().rev().nth(characters).map_or(0, |(index, _)| index);
    let kept = text.get(from..).unwrap_or_default();
    if from == 0 { kept } else { kept.split_once(char::is_whitespace).map_or(kept, |(_, rest)| rest) }
}

/// The beginning of a text, ending between words.
fn first_of(text: &str, characters: usize) -> &str {
    let to = text.char_indices().nth(characters).map_or(text.len(), |(index, _)| index);
    let kept = text.get(..to).unwrap_or_default();
    if to == text.len() { kept } else { kept.rsplit_once(char::is_whitespace).map_or(kept, |(kept, _)| kept) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(value: u64, common: bool) -> SpanFacts {
        SpanFacts {
            start: 0,
            end: 1,
            value,
            mass: 1,
            count: 1,
            clusters: 65,
            common,
            committed: 0,
            edits: 0,
            matched: vec![],
            sources: vec![],
        }
    }

    #[test]
    fn a_passage_stands_in_its_context() {
        let text = format!("{}needle{}", "é".repeat(200), "ü".repeat(10));
        let found = passage(&text, (400, 406), &span(84 << 16, false));
        assert_eq!(found.matched, "needle");
        assert!(found.before.starts_with('…') && found.after == "ü".repeat(10), "{found:?}");
        assert_eq!(
            (found.class.as_str(), found.says.as_str()),
            ("strength-4", "strong: 84 nats beyond chance")
        );
        let words = "one two ".repeat(100);
        let found = passage(&words, (160, 163), &span(0, false));
        assert!(found.before.starts_with("… two") || found.before.starts_with("… one"), "{found:?}");
        assert!(found.after.ends_with("two …") || found.after.ends_with("one …"), "{found:?}");
        assert_eq!(found.clone().shortened(), found);
        let whole = passage(&words, (0, words.len()), &span(0, true)).shortened();
        assert!(whole.matched.starts_with("one two") && whole.matched.contains(" … "), "{whole:?}");
        assert!(whole.matched.len() < 260 && whole.says.starts_with("common: 65 texts or more"), "{whole:?}");
    }

    #[test]
    fn a_source_has_the_passages_that_lie_on_its_text() {
        let key: SourceKey = ("net".parse().expect("a name"), ContributionId([1; 32]));
        let other =
            PassageRef { datanet: key.0.clone(), contribution: ContributionId([2; 32]), start: 0, end: 3 };
        let at = |start, end| PassageRef { start, end, contribution: key.1, ..other.clone() };
        let spans = [at(4, 7), at(0, 3), at(2, 99), at(5, 5), at(6, 2), at(0, 3), other.clone()]
            .map(|source| SpanFacts { sources: vec![source], ..span(0, false) });
        let found = passages(&spans, &key, "one two");
        let matched: Vec<&str> = found.iter().map(|passage| passage.matched.as_str()).collect();
        assert_eq!(matched, ["one", "two"]);
    }
}
