//! An answer divided among the spans of its receipt, for whoever shows it: each word with the span that it went to, by the
//! rule that shares are worked out by. Absent: colours, and whether the spans are true; a receipt that was not verified
//! may say anything.

use openledger_attribution::{
    Attribution, ByteRange, ClusterId, ContributionId, MatchedRun, SourceRef, Span, WordRange, words,
};

use crate::SpanFacts;

/// A stretch of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerPiece {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The position of its span; `None` for words that went to none.
    pub span: Option<usize>,
}

/// Divides `answer` into pieces that cover it. Spans may overlap and nest; one that is not of whole words of the answer,
/// or has neither source nor is common, is left out.
pub fn answer_pieces(answer: &str, spans: &[SpanFacts]) -> Vec<AnswerPiece> {
    let places: Vec<(u64, u64)> =
        words::words(answer).map(|(range, _)| (range.start as u64, range.end as u64)).collect();
    let (numbers, shown): (Vec<usize>, Vec<Span>) =
        spans.iter().enumerate().filter_map(|(number, span)| Some((number, span_of(span, &places)?))).unzip();
    let attribution = Attribution {
        version: 0,
        unigrams: 0,
        index_root: [0; 32],
        spans: shown,
        shares: Vec::new(),
        common: 0,
        unattributed: 0,
        total: 0,
    };
    let pieces = attribution.segments(answer).into_iter().filter_map(|segment| {
        Some(AnswerPiece {
            start: usize::try_from(segment.bytes.start).ok()?,
            end: usize::try_from(segment.bytes.end).ok()?,
            span: segment.span.and_then(|span| numbers.get(span).copied()),
        })
    });
    pieces.collect()
}

/// A span in the words of attribution, as far as it matters for who has which word.
fn span_of(facts: &SpanFacts, places: &[(u64, u64)]) -> Option<Span> {
    let MatchedRun { bytes, words } = run_of(facts.start, facts.end, places)?;
    let owner = facts.sources.first().filter(|_| !facts.common);
    if owner.is_none() != facts.common {
        return None;
    }
    let matched = facts.matched.iter().map(|run| run_of(run.start, run.end, places));
    let source = |bytes: ByteRange| {
        owner.map(|owner| SourceRef {
            cluster: ClusterId([0; 32]),
            contribution: ContributionId(owner.contribution.0),
            datanet: owner.datanet.to_string(),
            bytes,
        })
    };
    Some(Span {
        bytes,
        words,
        value: facts.value,
        mass: facts.mass,
        count: facts.count,
        clusters: facts.clusters,
        is_common: facts.common,
        committed: facts.committed,
        edits: facts.edits,
        matched: matched.collect::<Option<_>>()?,
        sources: source(bytes).into_iter().collect(),
    })
}

/// The words that take just these bytes.
fn run_of(start: u64, end: u64, places: &[(u64, u64)]) -> Option<MatchedRun> {
    let first = places.binary_search_by_key(&start, |(start, _)| *start).ok()?;
    let last = places.binary_search_by_key(&end, |(_, end)| *end).ok()?;
    let words = WordRange { start: first as u64, end: (last as u64).checked_add(1)? };
    (words.start < words.end).then_some(MatchedRun { bytes: ByteRange { start, end }, words })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PassageRef;

    /// Words that no table knows: three of them are a passage, two are chance.
    const ANSWER: &str = "Blorvik zenta quop, miral doxu vennit (plash) ogren.";

    /// A span of the words from one to another, of the commitment with this number; common with none.
    fn span(from: &str, to: &str, committed: u64) -> SpanFacts {
        let (start, end) = (ANSWER.find(from).unwrap(), ANSWER.find(to).unwrap() + to.len());
        let source = PassageRef {
            datanet: "net".parse().unwrap(),
            contribution: openledger_types::ContributionId([7; 32]),
            start: 0,
            end: 1,
        };
        SpanFacts {
            start: start as u64,
            end: end as u64,
            value: 1 << 16,
            mass: 1,
            count: 1,
            clusters: 1,
            common: committed == 0,
            committed,
            edits: 0,
            matched: vec![],
            sources: if committed == 0 { vec![] } else { vec![source] },
        }
    }

    fn check(answer: &str, spans: &[SpanFacts], expected: &[(&str, Option<usize>)]) {
        let pieces = answer_pieces(answer, spans);
        let said: Vec<_> = pieces.iter().map(|piece| (&answer[piece.start..piece.end], piece.span)).collect();
        assert_eq!(said, expected);
        assert_eq!(said.iter().map(|(text, _)| *text).collect::<String>(), answer);
    }

    #[test]
    fn each_word_is_shown_with_the_span_that_it_went_to() {
        check("", &[], &[]);
        check(ANSWER, &[], &[(ANSWER, None)]);
        let all = span("Blorvik", "ogren", 9);
        let whole = "Blorvik zenta quop, miral doxu vennit (plash) ogren";
        check(ANSWER, std::slice::from_ref(&all), &[(whole, Some(0)), (".", None)]);
        let nested = [all.clone(), span("quop", "doxu", 3)];
        check(
            ANSWER,
            &nested,
            &[
                ("Blorvik zenta ", None),
                ("quop, miral doxu", Some(1)),
                (" ", None),
                ("vennit (plash) ogren", Some(0)),
                (".", None),
            ],
        );
        let later = [all.clone(), span("quop", "doxu", 10)];
        check(ANSWER, &later, &[(whole, Some(0)), (".", None)]);
        let common = [span("Blorvik", "ogren", 0), span("Blorvik", "quop", 99)];
        check(
            ANSWER,
            &common,
            &[
                ("Blorvik zenta quop", Some(1)),
                (", ", None),
                ("miral doxu vennit (plash) ogren", Some(0)),
                (".", None),
            ],
        );
    }

    #[test]
    fn what_is_no_run_of_words_is_left_out() {
        let all = span("Blorvik", "ogren", 9);
        let ownerless = SpanFacts { sources: vec![], ..all.clone() };
        let wrong = [(0, 5), (1, 7), (0, u64::MAX), (u64::MAX, 7), (8, 7), (13, 0), (0, 0)];
        let mut spans: Vec<SpanFacts> =
            wrong.iter().map(|(start, end)| SpanFacts { start: *start, end: *end, ..all.clone() }).collect();
        spans.push(ownerless);
        check(ANSWER, &spans, &[(ANSWER, None)]);
        check("aé", &[SpanFacts { start: 0, end: 2, ..all }], &[("aé", None)]);
    }
}
