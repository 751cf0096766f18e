//! Texts of any characters. Properties: words stand in the text as they say, in order; what is settled stays as it is whatever
//! follows; an output that streams in any pieces is attributed as a whole one is.

use std::ops::Range;
use std::sync::Arc;

use openledger_attribution::{Matcher, attribute};
use openledger_datanet::words::{fold, settled_bytes, words};

use crate::edit::edited;
use crate::world::{OUTPUT, index};

/// Splits the data, and the output edited by them.
pub(crate) fn run(data: &[u8]) {
    for bytes in [data.to_vec(), edited(OUTPUT.as_bytes(), data)] {
        let text = String::from_utf8_lossy(&bytes);
        split(&text);
        stream(&text, data);
    }
}

fn split(text: &str) {
    let mut reached = 0;
    for (range, word) in words(text) {
        assert!(reached <= range.start && range.start < range.end, "words in order in {text:?}");
        assert_eq!(text.get(range.clone()), Some(word), "the word stands where it says");
        assert!(!fold(word).is_empty(), "{word:?} is empty when it is folded");
        reached = range.end;
    }
    let ranges = |text: &str| words(text).map(|(range, _)| range).collect::<Vec<Range<usize>>>();
    let (settled, rest) = text.split_at(settled_bytes(text));
    let behind = ranges(rest).into_iter().map(|word| word.start + settled.len()..word.end + settled.len());
    let parts: Vec<_> = ranges(settled).into_iter().chain(behind).collect();
    assert_eq!(ranges(text), parts, "what is settled is split as if it stood alone: {text:?}");
}

fn stream(text: &str, data: &[u8]) {
    let whole = attribute(text, index());
    let mut matcher = Matcher::new(Arc::new(index().clone()));
    let (mut rest, mut lengths) = (text.as_bytes(), data.iter().chain([&7]).cycle());
    let mut pushed = Ok(());
    while let (false, Ok(())) = (rest.is_empty(), &pushed) {
        let length = lengths.next().map_or(1, |length| usize::from(*length).clamp(1, rest.len()));
        pushed = matcher.push(&rest[..length]);
        rest = &rest[length..];
    }
    assert_eq!(pushed.and_then(|()| matcher.finish()), whole, "streamed or whole: {text:?}");
}
