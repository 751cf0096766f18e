//! The words of a segment in alphabetical order, front-coded: groups of sixteen, the first word of each whole, the
//! others behind the length of what they share with the word before (Witten, Moffat, Bell: Managing Gigabytes, 4.1).
//!
//! `heads` holds the first eight bytes of each group's first word as a big-endian number, so that finding a group
//! touches one small array. Lengths are LEB128. Words are numbered from 1; 0 is the end of a document.
//! Absent: how often words occur, and their codes.

use super::bits::width_of;

const GROUP: usize = 16;

/// The stored parts of a dictionary, under construction.
#[derive(Debug, Default)]
pub(crate) struct DictionaryBytes {
    pub(crate) heads: Vec<u8>,
    pub(crate) groups: Vec<u8>,
    pub(crate) words: Vec<u8>,
    pub(crate) lengths: Vec<u8>,
}

impl DictionaryBytes {
    /// Codes the words, which rise. `None` when they take more than 4 GiB.
    pub(crate) fn write<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut parts = Self::default();
        let mut previous: &[u8] = &[];
        for (place, word) in words.enumerate() {
            if place % GROUP == 0 {
                parts.heads.extend_from_slice(&head_of(word).to_le_bytes());
                parts.groups.extend_from_slice(&u32::try_from(parts.words.len()).ok()?.to_le_bytes());
                previous = &[];
            }
            let shared = previous.iter().zip(word).take_while(|(a, b)| a == b).count();
            if place % GROUP != 0 {
                write_length(shared, &mut parts.words);
            }
            write_length(word.len() - shared, &mut parts.words);
            parts.words.extend_from_slice(&word[shared..]);
            parts.lengths.push(u8::try_from(word.len()).unwrap_or(u8::MAX));
            previous = word;
        }
        Some(parts)
    }
}

/// How many groups `vocabulary` words make.
pub(crate) fn group_count(vocabulary: usize) -> usize {
    vocabulary.div_ceil(GROUP)
}

/// The width of word numbers, the separator's 0 included.
pub(crate) fn word_bits(vocabulary: usize) -> u32 {
    width_of(vocabulary)
}

/// The first eight bytes of a word, so that numbers compare as the bytes do.
pub(crate) fn head_of(word: &[u8]) -> u64 {
    let mut head = [0u8; 8];
    let length = word.len().min(8);
    head[..length].copy_from_slice(&word[..length]);
    u64::from_be_bytes(head)
}

/// Appends a length as LEB128.
pub(crate) fn write_length(length: usize, bytes: &mut Vec<u8>) {
    let mut rest = length;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

/// Takes a length of at most four bytes off the front.
#[inline]
pub(crate) fn read_length(bytes: &mut &[u8]) -> Option<usize> {
    let mut length = 0;
    for place in 0..4 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        length |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

/// Takes a length and as many bytes off the front.
#[inline]
pub(crate) fn read_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = read_length(bytes)?;
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// A dictionary where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dictionary<'a> {
    pub(crate) heads: &'a [[u8; 8]],
    pub(crate) groups: &'a [[u8; 4]],
    pub(crate) words: &'a [u8],
    pub(crate) lengths: &'a [u8],
}

impl<'a> Dictionary<'a> {
    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// The bytes from a group's first word on.
    fn group(&self, group: usize) -> &'a [u8] {
        let start = self.groups.get(group).map_or(usize::MAX, |offset| u32::from_le_bytes(*offset) as usize);
        self.words.get(start..).unwrap_or_default()
    }

    /// The number of a word; `None` when it is not there.
    pub(crate) fn find(&self, word: &[u8]) -> Option<u32> {
        let head = head_of(word);
        let after = self.heads.partition_point(|other| u64::from_le_bytes(*other) <= head);
        // Most words start as no group does, and are in the last group before them.
        let is_alike = after > 0 && u64::from_le_bytes(self.heads[after - 1]) == head;
        let same = if is_alike {
            self.heads[..after].partition_point(|other| u64::from_le_bytes(*other) < head)
        } else {
            after
        };
        // Of the groups that start with the same eight bytes, the last that does not start behind the word.
        let (mut low, mut high) = (same, after);
        while low < high {
            let middle = low + (high - low) / 2;
            let is_behind = read_bytes(&mut self.group(middle)).is_none_or(|first| first > word);
            (low, high) = if is_behind { (low, middle) } else { (middle + 1, high) };
        }
        let group = low.checked_sub(1)?;
        let place = group * GROUP + self.find_in_group(group, word)?;
        (place < self.len()).then_some(place as u32 + 1)
    }

    /// The place of a word in its group: each entry is compared by what it shares with the one before, so none is
    /// put together.
    fn find_in_group(&self, group: usize, word: &[u8]) -> Option<usize> {
        let mut rest = self.group(group);
        let mut known = 0;
        for place in 0..GROUP.min(self.len().saturating_sub(group * GROUP)) {
            let shared = if place == 0 { 0 } else { read_length(&mut rest)? };
            let tail = read_bytes(&mut rest)?;
            if shared > known {
                continue;
            }
            if shared < known {
                return None;
            }
            let wanted = word.get(known..)?;
            let common = tail.iter().zip(wanted).take_while(|(a, b)| a == b).count();
            known += common;
            if common == tail.len() && common == wanted.len() {
                return Some(place);
            }
        }
        None
    }

    /// Replaces `word` by the word with this number; false when there is none.
    pub(crate) fn word(&self, number: usize, word: &mut Vec<u8>) -> bool {
        word.clear();
        let Some(place) = number.checked_sub(1).filter(|place| *place < self.len()) else { return false };
        let mut rest = self.group(place / GROUP);
        for entry in 0..=place % GROUP {
            let shared = if entry == 0 { Some(0) } else { read_length(&mut rest) };
            let (Some(shared), Some(tail)) = (shared, read_bytes(&mut rest)) else { return false };
            word.truncate(shared);
            word.extend_from_slice(tail);
        }
        true
    }

    /// The length of a word in bytes, without reading the word where that can be avoided.
    #[inline]
    pub(crate) fn word_length(&self, number: usize) -> usize {
        match number.checked_sub(1).and_then(|place| self.lengths.get(place)) {
            Some(&u8::MAX) => {
                let mut word = Vec::new();
                self.word(number, &mut word);
                word.len()
            }
            Some(length) => usize::from(*length),
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn finds_what_is_there(words in prop::collection::btree_set("[ab]{1,14}|aaaaaaaa[ab]{0,9}|é{1,300}", 0..120), absent in "[ab]{0,16}|é{0,9}") {
            let parts = DictionaryBytes::write(words.iter().map(|word| word.as_bytes())).expect("small");
            let dictionary = Dictionary {
                heads: parts.heads.as_chunks().0,
                groups: parts.groups.as_chunks().0,
                words: &parts.words,
                lengths: &parts.lengths,
            };
            let mut found = Vec::new();
            for (number, word) in (1..).zip(&words) {
                prop_assert_eq!(dictionary.find(word.as_bytes()), Some(number as u32));
                prop_assert!(dictionary.word(number, &mut found));
                prop_assert_eq!(&found, word.as_bytes());
                prop_assert_eq!(dictionary.word_length(number), word.len());
            }
            let words: BTreeSet<String> = words;
            prop_assert_eq!(dictionary.find(absent.as_bytes()).is_some(), words.contains(&absent));
            prop_assert!(!dictionary.word(0, &mut found) && !dictionary.word(words.len() + 1, &mut found));
        }
    }
}
