//! The frozen table of words that every weight comes from: how surprising a word is in running text.
//!
//! A word that makes up the part `p` of the table's corpus weighs `round(2^16 * -ln p)`, and never more than
//! [`UNKNOWN_WEIGHT`]; a word that is not in the table weighs just that. So a rarer word never weighs less, the table
//! ends where its words would weigh as much as unknown ones, and nothing that is indexed, registered or revoked moves a
//! weight: an attribution of today can be checked in ten years, and stuffing an index with a rival's words is in vain.
//!
//! The bytes, little-endian: `OLUNI`, two zeros, 1; the version of the splitter (u16), the number of words (u32), the
//! words of the corpus (u64); then for each word, in rising order of its bytes, in LEB128: how many bytes it shares with
//! the word before, how many follow, these, and how often it occurs. One table has one encoding; `read` refuses others.
//!
//! Where the words come from, under which licences, and how to make the table again: `data/README.md` beside it. Absent:
//! languages other than those of the corpus, which weigh as unknown words do; tables of a datanet's own.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use openledger_datanet::words::WORDS_VERSION;

use crate::logarithm::ln_ratio;
use crate::parameters::UNKNOWN_WEIGHT;
use crate::segment::Interner;

/// The table of [`UNIGRAMS_VERSION`](crate::parameters::UNIGRAMS_VERSION), as it is shipped.
pub const FROZEN_BYTES: &[u8] = include_bytes!("../data/unigrams.v1");

static FROZEN: LazyLock<Unigrams> =
    LazyLock::new(|| Unigrams::read(FROZEN_BYTES).expect("a test reads the table that is shipped"));

const MAGIC: &[u8; 8] = b"OLUNI\0\0\x01";
const HEAD_BYTES: usize = 22;

/// The longest word of a table, in bytes. Longer ones are unknown.
const WORD_BYTES_MAX: usize = 64;

/// What is wrong with the bytes of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the table of words is damaged at byte {at}: {cause}; take it from the release, or make it with `cargo xtask unigrams`"
)]
pub struct UnigramsError {
    /// Where.
    pub at: usize,
    /// What.
    pub cause: &'static str,
}

/// How much words weigh.
pub struct Unigrams {
    words: Interner,
    /// By the number of the word, in 2^-16 nat.
    weights: Vec<u64>,
}

impl Unigrams {
    /// The table that attributions are made with. Read once, at the first call.
    pub fn frozen() -> &'static Self {
        &FROZEN
    }

    /// The weight of a folded word, in 2^-16 nat: from 1 to [`UNKNOWN_WEIGHT`].
    #[inline]
    pub fn weight(&self, folded: &str) -> u64 {
        let number = self.words.find(folded.as_bytes());
        number.and_then(|number| self.weights.get(number as usize)).copied().unwrap_or(UNKNOWN_WEIGHT)
    }

    /// How many words the table knows.
    pub fn word_count(&self) -> usize {
        self.weights.len()
    }

    /// Reads a table. Bytes are hostile: memory is bounded by their number.
    ///
    /// # Errors
    /// The first place that is not as [`write`] would have written it.
    pub fn read(bytes: &[u8]) -> Result<Self, UnigramsError> {
        let mut reader = Reader { bytes, at: 0 };
        let head: &[u8; HEAD_BYTES] =
            reader.take(HEAD_BYTES)?.try_into().map_err(|_| reader.error("it is too short"))?;
        let (words, total) = read_head(head).map_err(|cause| UnigramsError { at: 0, cause })?;
        let mut table = Self { words: Interner::new(), weights: Vec::new() };
        let mut by_count = BTreeMap::new();
        let (mut word, mut rest) = (Vec::new(), total);
        for _ in 0..words {
            let count = reader.word(&mut word)?;
            rest = rest.checked_sub(count).ok_or_else(|| reader.error("the words are more than all"))?;
            let weight = *by_count.entry(count).or_insert_with(|| weight_of(count, total));
            if weight >= UNKNOWN_WEIGHT {
                return Err(reader.error("the word is so rare that it is unknown"));
            }
            table.words.intern(&word).ok_or_else(|| reader.error("there are too many words"))?;
            table.weights.push(weight);
        }
        if reader.at == bytes.len() { Ok(table) } else { Err(reader.error("bytes follow the last word")) }
    }
}

/// The weight of a word that occurs `count` times among `total` words.
fn weight_of(count: u64, total: u64) -> u64 {
    ln_ratio(total, count).clamp(1, UNKNOWN_WEIGHT)
}

/// The number of words, and the size of the corpus.
fn read_head(head: &[u8; HEAD_BYTES]) -> Result<(u32, u64), &'static str> {
    let (magic, numbers) = head.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err("it is no table of version 1");
    }
    let (version, numbers) = numbers.split_first_chunk().ok_or("it is too short")?;
    if u16::from_le_bytes(*version) != WORDS_VERSION {
        return Err("its words were split by another rule");
    }
    let (words, numbers) = numbers.split_first_chunk().ok_or("it is too short")?;
    let total = numbers.first_chunk().ok_or("it is too short")?;
    Ok((u32::from_le_bytes(*words), u64::from_le_bytes(*total)))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, cause: &'static str) -> UnigramsError {
        UnigramsError { at: self.at, cause }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], UnigramsError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..length).ok_or_else(|| self.error("it ends too early"))?;
        self.at += length;
        Ok(taken)
    }

    /// A number in LEB128, in its shortest form.
    fn number(&mut self) -> Result<u64, UnigramsError> {
        let mut number = 0u64;
        for place in 0..9 {
            let byte = self.take(1)?.first().copied().unwrap_or_default();
            number |= u64::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                let is_shortest = byte != 0 || place == 0;
                return if is_shortest { Ok(number) } else { Err(self.error("a number is padded")) };
            }
        }
        Err(self.error("a number is too large"))
    }

    /// Replaces `word` by the next one; says how often it occurs.
    fn word(&mut self, word: &mut Vec<u8>) -> Result<u64, UnigramsError> {
        let (shared, added) = (self.number()? as usize, self.number()? as usize);
        if added == 0 || shared > word.len() || shared.saturating_add(added) > WORD_BYTES_MAX {
            return Err(self.error("a word is empty, too long, or shares what is not there"));
        }
        let tail = self.take(added)?;
        // Rising, and sharing all that can be shared: the first byte that differs is greater, or the word goes on.
        if word.get(shared).is_some_and(|before| tail.first() <= Some(before)) {
            return Err(self.error("the words do not rise"));
        }
        word.truncate(shared);
        word.extend_from_slice(tail);
        if std::str::from_utf8(word).is_err() {
            return Err(self.error("a word is not UTF-8"));
        }
        match self.number()? {
            0 => Err(self.error("a word does not occur")),
            count => Ok(count),
        }
    }
}

/// The table of a corpus in which each folded word occurs as often as `counts` says, every word of it counted. Words
/// that are rarer than [`UNKNOWN_WEIGHT`] says, or too long, are left out.
pub fn write(counts: &BTreeMap<String, u64>) -> Vec<u8> {
    let total = counts.values().fold(0, |sum: u64, count| sum.saturating_add(*count));
    let is_known = |word: &str, count: u64| {
        (1..=WORD_BYTES_MAX).contains(&word.len()) && count > 0 && weight_of(count, total) < UNKNOWN_WEIGHT
    };
    let known: Vec<_> = counts.iter().filter(|(word, count)| is_known(word, **count)).collect();
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&WORDS_VERSION.to_le_bytes());
    bytes.extend_from_slice(&(known.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&total.to_le_bytes());
    let mut previous: &[u8] = &[];
    for (word, count) in known {
        let word = word.as_bytes();
        let shared = previous.iter().zip(word).take_while(|(a, b)| a == b).count();
        write_number(shared as u64, &mut bytes);
        write_number((word.len() - shared) as u64, &mut bytes);
        bytes.extend_from_slice(&word[shared..]);
        write_number(*count, &mut bytes);
        previous = word;
    }
    bytes
}

fn write_number(number: u64, bytes: &mut Vec<u8>) {
    let mut rest = number;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::NAT;
    use openledger_datanet::words;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    fn words_of(bytes: &[u8]) -> Vec<(String, u64)> {
        let mut reader = Reader { bytes, at: HEAD_BYTES };
        let (mut word, mut found) = (Vec::new(), Vec::new());
        while reader.at < bytes.len() {
            let count = reader.word(&mut word).expect("reads");
            found.push((String::from_utf8(word.clone()).expect("text"), count));
        }
        found
    }

    #[test]
    fn the_shipped_table_is_the_frozen_one() {
        let hash: [u8; 32] = Sha256::digest(FROZEN_BYTES).into();
        assert_eq!(hex::encode(hash), hex::encode(crate::parameters::UNIGRAMS_SHA256));
        assert!(FROZEN_BYTES.len() <= 300_000, "{} bytes", FROZEN_BYTES.len());
        let table = Unigrams::frozen();
        assert!(table.word_count() > 20_000, "{} words", table.word_count());
        for (word, _) in words_of(FROZEN_BYTES) {
            let found: Vec<String> = words::words(&word).map(|(_, word)| words::fold(word)).collect();
            assert_eq!(found, [word], "one folded word");
        }
    }

    #[test]
    fn frequent_words_weigh_little() {
        let weight = |word: &str| Unigrams::frozen().weight(word);
        let rising = ["the", "this", "because", "battery", "patience", "zyzzyva"];
        assert!(rising.is_sorted_by_key(|word| weight(word)), "{:?}", rising.map(weight));
        assert!((2 * NAT..4 * NAT).contains(&weight("the")), "{}", weight("the"));
        assert_eq!([weight("zyzzyva"), weight(""), weight("The")], [UNKNOWN_WEIGHT; 3], "folded words only");
    }

    fn counts() -> impl Strategy<Value = BTreeMap<String, u64>> {
        prop::collection::btree_map("[ab]{1,6}|é{1,40}|日本?", 1u64..1 << 40, 0..40)
    }

    proptest! {
        #[test]
        fn tables_are_read_back(counts in counts()) {
            let bytes = write(&counts);
            let table = Unigrams::read(&bytes).expect("reads");
            let total: u64 = counts.values().sum();
            let known: BTreeMap<_, _> = words_of(&bytes).into_iter().collect();
            prop_assert_eq!(known.len(), table.word_count());
            for (word, count) in &counts {
                let expected = -(*count as f64 / total as f64).ln() * 65536.0;
                let expected = if word.len() > WORD_BYTES_MAX { f64::MAX } else { expected };
                let expected = expected.clamp(1.0, UNKNOWN_WEIGHT as f64);
                prop_assert!((table.weight(word) as f64 - expected).abs() <= 0.51, "{}", word);
                prop_assert_eq!(known.contains_key(word), table.weight(word) < UNKNOWN_WEIGHT);
            }
        }

        /// Whatever is accepted is what `write` gives for these words; everything else is refused, without a panic.
        #[test]
        fn no_table_has_two_encodings(counts in counts(), at: usize, flip in 1u8.., cut in any::<bool>()) {
            let mut bytes = write(&counts);
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] ^= flip }
            if Unigrams::read(&bytes).is_ok() {
                let mut again = write(&words_of(&bytes).into_iter().collect());
                // The words that are left out are in the total alone.
                again[14..HEAD_BYTES].copy_from_slice(&bytes[14..HEAD_BYTES]);
                prop_assert_eq!(again, bytes);
            }
        }

        #[test]
        fn hostile_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), words in 0u32..9) {
            let mut headed = write(&BTreeMap::new());
            headed[10..14].copy_from_slice(&words.to_le_bytes());
            headed[14..22].copy_from_slice(&u64::MAX.to_le_bytes());
            headed.extend(&bytes);
            prop_assert!(Unigrams::read(&bytes).is_err());
            prop_assert!(words > 0 || Unigrams::read(&headed).is_ok() == bytes.is_empty());
        }
    }
}
