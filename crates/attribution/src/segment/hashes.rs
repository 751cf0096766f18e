//! The hashes of the words of a segment's texts, by which near-copies are found. Absent: finding them
//! (`openledger_datanet::near`).

use openledger_datanet::near::word_hash;

use super::Segment;

/// The hash of each distinct word of a segment.
#[derive(Debug, Clone)]
pub struct WordHashes(Vec<u64>);

impl Segment {
    /// The hashes of all words: eight bytes for each distinct one.
    pub fn word_hashes(&self) -> WordHashes {
        let view = self.view();
        let mut word = Vec::new();
        // A forged segment may hold words that are no text; their hash finds nothing.
        WordHashes(
            (0..=view.word_total())
                .map(|number| {
                    view.dictionary.word(number, &mut word);
                    word_hash(std::str::from_utf8(&word).unwrap_or_default())
                })
                .collect(),
        )
    }

    /// The hashes of the words of a document in their order; none when there is no such document.
    pub fn words_hashed(&self, document: usize, hashes: &WordHashes) -> Vec<u64> {
        let view = self.view();
        view.words_of(document).map(|word| hashes.0.get(word).copied().unwrap_or_default()).collect()
    }
}
