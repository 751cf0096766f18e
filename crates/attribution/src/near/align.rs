//! The few words between two seeds of one text, aligned: which of the output's are the text's, and how many edits lead
//! from one to the other. A word put in, left out or changed for another is an edit, and so are two neighbours swapped
//! (optimal string alignment, Damerau 1964, over words with weights). Absent: which seeds are linked (`chain`).

use std::cmp::Reverse;

use crate::parameters::{NEAR_DRIFT_WORDS_MAX, NEAR_EDIT_WEIGHT, NEAR_GAP_WORDS_MAX};

/// The most words of the text that lie between two seeds.
pub(super) const TEXT_WORDS_MAX: usize = NEAR_GAP_WORDS_MAX + NEAR_DRIFT_WORDS_MAX;

/// How words are aligned. The greater is the better: the greater score, then fewer edits, then the earlier words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Alignment {
    /// The weight of the matched words less that of the edits.
    pub(super) score: i64,
    pub(super) edits: Reverse<u32>,
    /// The matched words of the output, the first in the highest bit.
    matched: u8,
}

impl Alignment {
    /// Whether the output's word of this number is matched.
    pub(super) fn is_matched(&self, word: usize) -> bool {
        self.matched & bit(word) != 0
    }

    fn edited(self) -> Self {
        Self { score: self.score - NEAR_EDIT_WEIGHT as i64, edits: Reverse(self.edits.0 + 1), ..self }
    }

    fn with(self, word: usize, weight: u64) -> Self {
        Self { score: self.score + weight as i64, matched: self.matched | bit(word), ..self }
    }
}

fn bit(word: usize) -> u8 {
    1 << (7 - word.min(7))
}

/// The best alignment of words of the output, each with its weight, and words of a text. There are no more of them than
/// [`NEAR_GAP_WORDS_MAX`] and [`TEXT_WORDS_MAX`].
pub(super) fn align(output: &[(u32, u64)], text: &[u32]) -> Alignment {
    let mut best = [[Alignment::default(); TEXT_WORDS_MAX + 1]; NEAR_GAP_WORDS_MAX + 1];
    for i in 0..=output.len() {
        for j in 0..=text.len() {
            best[i][j] = last_steps(&best, output, text, (i, j)).max().unwrap_or_default();
        }
    }
    best[output.len()][text.len()]
}

/// The alignments of the first `i` and `j` words, by what they do last.
fn last_steps(
    best: &[[Alignment; TEXT_WORDS_MAX + 1]],
    output: &[(u32, u64)],
    text: &[u32],
    (i, j): (usize, usize),
) -> impl Iterator<Item = Alignment> {
    let put_in = (i > 0).then(|| best[i - 1][j].edited());
    let left_out = (j > 0).then(|| best[i][j - 1].edited());
    let aligned = (i > 0 && j > 0).then(|| {
        let (word, weight) = output[i - 1];
        let before = best[i - 1][j - 1];
        if word == text[j - 1] { before.with(i - 1, weight) } else { before.edited() }
    });
    let is_swapped = i > 1 && j > 1 && output[i - 2].0 == text[j - 1] && output[i - 1].0 == text[j - 2];
    let swapped = is_swapped
        .then(|| best[i - 2][j - 2].edited().with(i - 2, output[i - 2].1).with(i - 1, output[i - 1].1));
    [put_in, left_out, aligned, swapped].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::NAT;

    #[test]
    fn edits() {
        // The output's words, the text's, the edits, and the matched words.
        let rows = [
            ("", "", 0, ""),
            ("a", "a", 0, "a"),
            ("a", "", 1, "-"),
            ("", "ab", 2, ""),
            ("a", "b", 1, "-"),
            ("abcd", "abcd", 0, "abcd"),
            ("axcd", "abcd", 1, "a-cd"),
            ("abc", "aabbc", 2, "abc"),
            ("ba", "ab", 1, "ba"),
            ("cbad", "cabd", 1, "cbad"),
            ("xyab", "ab", 2, "--ab"),
            ("abab", "ab", 2, "ab--"),
            ("cab", "abc", 2, "-ab"),
        ];
        for (output, text, edits, expected) in rows {
            let output: Vec<(u32, u64)> = output.bytes().map(|word| (word.into(), 8 * NAT)).collect();
            let text: Vec<u32> = text.bytes().map(u32::from).collect();
            let found = align(&output, &text);
            let word =
                |place: usize| if found.is_matched(place) { char::from(output[place].0 as u8) } else { '-' };
            let matched: String = (0..output.len()).map(word).collect();
            assert_eq!((found.edits.0, matched.as_str()), (edits, expected), "{output:?} {text:?}");
            let weight: i64 = 8 * NAT as i64 * expected.matches(|word| word != '-').count() as i64;
            assert_eq!(found.score, weight - i64::from(edits) * NEAR_EDIT_WEIGHT as i64);
        }
    }
}
