//! The frozen word splitter, version 1. Clusters, the attribution index and the judging of outputs all use this one
//! rule; two parties that split differently would pay differently.
//!
//! A word is a segment between the word boundaries of Unicode Standard Annex 29 (tables of Unicode 17.0) which holds
//! at least one alphanumeric character. Everything else (punctuation, white space, symbols, emoji) is between words
//! and takes no part. Words are compared folded: each character mapped to lower case by itself, and the right single
//! quotation mark U+2019 to the apostrophe, because models type one where pages have the other.
//!
//! Absent: stemming, canonical equivalence (a composed and a decomposed letter are different words), languages.

use std::ops::Range;

use crate::ids::ClusterId;
use crate::split::{Words, is_settled_at};
use sha2::{Digest, Sha256};

/// The version of this rule. A change of the rule, of the Unicode tables or of the folding is a new version.
pub const WORDS_VERSION: u16 = 1;

/// The Unicode version whose tables the rule is frozen to.
pub const UNICODE_VERSION: (u64, u64, u64) = (17, 0, 0);

/// The words of `text` in order, each with its byte range, not folded.
pub fn words(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    Words::new(text)
}

/// Replaces `folded` by the form of `word` that is compared.
pub fn fold_into(word: &str, folded: &mut String) {
    folded.clear();
    if word.is_ascii() {
        folded.push_str(word);
        folded.make_ascii_lowercase();
        return;
    }
    for character in word.chars() {
        match character {
            '\u{2019}' => folded.push('\''),
            other => folded.extend(other.to_lowercase()),
        }
    }
}

/// The form of `word` that is compared.
pub fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    fold_into(word, &mut folded);
    folded
}

/// How many leading bytes of `text` have words that no further text can change.
///
/// The cut stands between a space or line feed and an ASCII letter or digit: no rule of the annex looks across that
/// place, so the words before it are final and splitting may begin anew behind it. 0 when there is no such place.
pub fn settled_bytes(text: &str) -> usize {
    let bytes = text.as_bytes();
    (1..bytes.len()).rev().find(|&at| is_settled_at(bytes, at)).unwrap_or(0)
}

/// Hands over every word of `text` in the form that is compared.
pub(crate) fn for_each_folded(text: &str, mut take: impl FnMut(&str)) {
    let mut folded = String::new();
    for (_, word) in words(text) {
        fold_into(word, &mut folded);
        take(&folded);
    }
}

/// The cluster of a text: a hash of its folded words, each behind its length so that no two sequences collide.
pub fn cluster_of(text: &str) -> ClusterId {
    let mut cluster = ClusterHasher::default();
    for_each_folded(text, |folded| cluster.push(folded));
    cluster.finish()
}

/// Computes [`cluster_of`] from folded words, for those who need the words anyway.
#[derive(Debug, Clone)]
pub struct ClusterHasher {
    hasher: Sha256,
    /// Words that wait: the hash is several times as fast at long pieces.
    encoded: Vec<u8>,
}

impl Default for ClusterHasher {
    fn default() -> Self {
        Self { hasher: Sha256::new_with_prefix(b"openledger/cluster/1"), encoded: Vec::new() }
    }
}

impl ClusterHasher {
    /// When the words that wait are hashed.
    const ENCODED_BYTES: usize = 4096;

    /// Takes the next folded word.
    pub fn push(&mut self, folded: &str) {
        self.encoded.extend_from_slice(&(folded.len() as u64).to_le_bytes());
        self.encoded.extend_from_slice(folded.as_bytes());
        if self.encoded.len() >= Self::ENCODED_BYTES {
            self.hasher.update(&self.encoded);
            self.encoded.clear();
        }
    }

    /// Takes the next folded word where it is at most eight bytes: `length` bytes of `folded`, the first one lowest, zeros
    /// behind them.
    #[inline]
    pub fn push_short(&mut self, folded: u64, length: usize) {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(length as u64).to_le_bytes());
        bytes[8..].copy_from_slice(&folded.to_le_bytes());
        self.encoded.extend_from_slice(&bytes);
        self.encoded.truncate(self.encoded.len() - (8 - length.min(8)));
        if self.encoded.len() >= Self::ENCODED_BYTES {
            self.hasher.update(&self.encoded);
            self.encoded.clear();
        }
    }

    /// The cluster of the words so far. The next word is the first of another text.
    pub fn finish(&mut self) -> ClusterId {
        let Self { mut hasher, encoded } = std::mem::take(self);
        hasher.update(&encoded);
        self.encoded = Vec::with_capacity(encoded.capacity());
        ClusterId(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = words(text).map(|(_, word)| fold(word)).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn words_of_texts() {
        check("", &[]);
        check(" -- \n", &[]);
        check("Press Ctrl+Alt, then don't.", &["press", "ctrl", "alt", "then", "don't"]);
        check("they\u{2019}re", &["they're"]);
        check("git-annex 2.5 at example.com.", &["git", "annex", "2.5", "at", "example.com"]);
        check("Österreich ΣΑΣ İ", &["österreich", "σασ", "i\u{307}"]);
        check("日本語 テスト", &["日", "本", "語", "テスト"]);
        check("😀 ok", &["ok"]);
    }

    #[test]
    fn tables_are_the_frozen_ones() {
        assert_eq!(unicode_segmentation::UNICODE_VERSION, UNICODE_VERSION);
        let (major, minor, update) = char::UNICODE_VERSION;
        assert_eq!((u64::from(major), u64::from(minor), u64::from(update)), UNICODE_VERSION);
    }

    /// Every assigned character alone, between letters and doubled: a change of any table changes this hash.
    #[test]
    fn rule_is_the_recorded_one() {
        let mut hasher = Sha256::new();
        for character in (0..=0x10FFFFu32).filter_map(char::from_u32) {
            let text = format!("a{character}b {character}{character}1");
            for (range, word) in words(&text) {
                hasher.update((range.start as u64).to_le_bytes());
                hasher.update(fold(word).as_bytes());
            }
        }
        let recorded = "f0224c619dcbfc7959e7e1df37a0bb7a7ccfffcb1ccc8486d542538481d43d93";
        assert_eq!(hex::encode(hasher.finalize()), recorded);
    }

    #[test]
    fn clusters_ignore_case_punctuation_and_space() {
        assert_eq!(cluster_of("Press  the key."), cluster_of("press THE\nkey"));
        assert_ne!(cluster_of("press the key"), cluster_of("press key the"));
        assert_ne!(cluster_of("ab c"), cluster_of("a bc"));
    }

    proptest! {
        /// What `settled_bytes` calls final is final, whatever follows.
        #[test]
        fn settled_words_stay(head in hostile_text(), tail in hostile_text()) {
            let cut = settled_bytes(&head);
            let whole = format!("{head}{tail}");
            let mut found: Vec<_> = words(&whole[..cut]).map(|(range, _)| range).collect();
            found.extend(words(&whole[cut..]).map(|(range, _)| range.start + cut..range.end + cut));
            let expected: Vec<_> = words(&whole).map(|(range, _)| range).collect();
            prop_assert_eq!(found, expected);
        }
    }

    proptest! {
        /// Splitting piece by piece is splitting the whole by the annex.
        #[test]
        fn pieces_change_nothing(pieces in prop::collection::vec(hostile_text(), 0..8)) {
            let text = pieces.join(" a");
            let found: Vec<_> = words(&text).map(|(range, word)| (range.start, word)).collect();
            let expected: Vec<_> = unicode_segmentation::UnicodeSegmentation::unicode_word_indices(text.as_str()).collect();
            prop_assert_eq!(found, expected);
        }
    }

    /// Texts made of the characters on which word boundaries turn.
    fn hostile_text() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "a",
            "Z",
            "7",
            " ",
            "\n",
            "\r",
            "'",
            ".",
            ",",
            ":",
            "_",
            "-",
            "\u{2019}",
            "\u{301}",
            "\u{200D}",
            "Ⓜ",
            "\u{1F1E6}",
            "א",
            "\"",
            "ア",
            "漢",
            "\u{FE0F}",
            "👩",
            "\u{3000}",
            "\u{AD}",
            "é",
            "ก",
        ]);
        prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
    }
}
