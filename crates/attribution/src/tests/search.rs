//! The search against a scan, on segments of thousands of words, where samples, windows and listing all take part.

use proptest::prelude::*;

use super::*;
use crate::parameters::Rules;
use crate::segment::Pattern;
use crate::spans::attribute_by;
use crate::{Matcher, matches};

/// Words by their numbers, drawn so that low numbers are frequent.
fn numbers(distinct: u32, longest: usize) -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec((0..distinct, 0..distinct).prop_map(|(a, b)| a.min(b)), 1..longest)
}

fn text_of(numbers: &[u32]) -> String {
    numbers.iter().map(|number| format!("w{number} ")).collect()
}

/// Words of its own at the end of each text, so many that none is a near-copy of another.
fn with_own_words(texts: &mut [Vec<u32>]) {
    for (text, first) in texts.iter_mut().zip((1..).map(|text| 10_000 * text)) {
        text.extend(first..first + text.len() as u32 / 3 + 5);
    }
}

/// Words that occur in none of the texts are added to the output too.
fn case() -> impl Strategy<Value = (Vec<Vec<u32>>, Vec<u32>)> {
    prop_oneof![Just(1u32), Just(2), Just(5), Just(40), Just(400)].prop_flat_map(|distinct| {
        let texts = prop::collection::vec(numbers(distinct, 700), 1..6);
        let pieces = prop::collection::vec((any::<usize>(), any::<usize>(), 1usize..30), 1..5);
        (texts, pieces, numbers(distinct + 1, 12)).prop_map(|(mut texts, pieces, free)| {
            with_own_words(&mut texts);
            let mut output = free;
            for (pick, start, length) in pieces {
                let text = &texts[pick % texts.len()];
                output.extend(text[start % text.len()..].iter().take(length));
            }
            (texts, output)
        })
    })
}

fn occurrences(texts: &[Vec<u32>], words: &[u32]) -> usize {
    texts.iter().map(|text| text.windows(words.len()).filter(|window| *window == words).count()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn search_equals_a_scan((texts, output) in case()) {
        let entries: Vec<Entry> =
            texts.iter().zip(1..).map(|(text, sequence)| entry(sequence, "X", &text_of(text))).collect();
        let segment = Segment::build("demo", &entries).expect("builds");
        let view = segment.view();
        let mut pattern = Pattern::default();
        output.iter().for_each(|number| pattern.push(&view, view.word_id(&format!("w{number}"))));
        let all = view.longest_all(&pattern);
        let mut maximal: Vec<(usize, usize, usize)> = Vec::new();
        for start in 0..output.len() {
            let unknown = (start..output.len()).find(|&at| !pattern.is_known(at, at + 1));
            let end = unknown.unwrap_or(output.len());
            let longest = (start + 1..=end).take_while(|&to| occurrences(&texts, &output[start..to]) > 0).count();
            prop_assert_eq!(all[start].longest, longest, "from {}", start);
            let reached = start + longest;
            if longest > 0 && maximal.last().is_none_or(|last| last.1 < reached) {
                maximal.push((start, reached, occurrences(&texts, &output[start..reached])));
            }
            let mut narrowed = view.range(&pattern, start, start + 1);
            for to in (start + 1..=output.len()).take(longest + 2) {
                let range = view.range(&pattern, start, to);
                prop_assert_eq!(range.len(), occurrences(&texts, &output[start..to]), "{}..{}", start, to);
                if to > start + 1 {
                    narrowed = view.narrow(narrowed, &pattern, start, to - 1);
                    prop_assert_eq!(narrowed.len(), range.len());
                    prop_assert!(range.is_empty() || narrowed == range);
                }
                let documents = view.first_ranks(range.start, range.end, 3);
                let expected = texts.iter().filter(|text| occurrences(&[text.to_vec()], &output[start..to]) > 0).count();
                prop_assert_eq!(documents.len(), expected.min(3));
            }
        }
        let index = Index::join(vec![Arc::new(segment.clone())]).expect("joins");
        let found = matches(&text_of(&output), &index).expect("short");
        let found: Vec<_> =
            found.iter().map(|m| (m.words.start as usize, m.words.end as usize, m.count as usize)).collect();
        prop_assert_eq!(found, maximal);
    }

    #[test]
    fn streaming_equals_batch_on_long_texts((texts, output) in case(), split in 0usize..6, rules in rules()) {
        let split = split.min(texts.len());
        let corpus: Corpus =
            [&texts[..split], &texts[split..]].iter().map(|texts| texts.iter().map(|text| text_of(text)).collect()).collect();
        let index = index_of(&entries_of(&corpus));
        let output = text_of(&output);
        let mut matcher = Matcher::new(index.clone());
        for piece in output.as_bytes().chunks(7) {
            matcher.push(piece).expect("good bytes");
        }
        let rules = Rules { span_clusters_max: rules.span_clusters_max + 1, ..rules };
        prop_assert_eq!(matcher.finish_by(rules), attribute_by(&output, &index, rules));
    }
}

/// Codes of one, two and three bytes, and texts that end inside blocks.
#[test]
fn a_vocabulary_with_codes_of_every_length() {
    let numbers: Vec<u32> = (0..60_000u32)
        .map(|at| if at % 3 == 0 { at % 100 } else { at.wrapping_mul(7919) % 20_011 })
        .collect();
    let entries: Vec<Entry> = numbers
        .chunks(7001)
        .zip(1..)
        .map(|(numbers, sequence)| entry(sequence, "X", &text_of(numbers)))
        .collect();
    let segment = Segment::build("demo", &entries).expect("builds");
    segment.verify().expect("what the texts give");
    let view = segment.view();
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(segment.entry(at).expect("reads"), *entry);
        let words = &numbers[7001 * at..][..300];
        let mut pattern = Pattern::default();
        words.iter().for_each(|number| pattern.push(&view, view.word_id(&format!("w{number}"))));
        assert_eq!((view.longest_all(&pattern)[0].longest, view.range(&pattern, 0, 300).len()), (300, 1));
        let found = view.suffixes.get(view.range(&pattern, 0, 300).start);
        assert_eq!(view.document_at(found), at);
        let place = view.place(found, 300, &mut crate::segment::Unpacker::new()).expect("reads");
        assert_eq!(place, (0, text_of(words).trim_end().len() as u64));
    }
}
