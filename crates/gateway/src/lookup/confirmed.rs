//! How much of private texts lookups have confirmed to a key today. A lookup that finds its words in a private text tells
//! whoever asks that the text holds them: guess by guess, that gives the text away. So a key has an allowance of distinct
//! private words a day, and what would exceed it is answered as if the private texts were not there.
//!
//! Rule: whether an answer was held back cannot be seen in it. A lookup that finds nothing private and one that finds too
//! much get the same answer and leave the same allowance. Memory is bounded: keys beyond the limit get no private words
//! until the next day. Absent: who may read the texts and has no allowance at all (`access`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use openledger_types::{ContributionId, Hash};

/// Keys that may be confirmed private words on one day.
const KEYS_MAX: usize = 1_000;
/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// A word of a private text: its contribution and its first byte there.
pub(super) type PrivateWord = (ContributionId, u64);

#[derive(Debug, Default)]
struct Day {
    number: u64,
    words: BTreeMap<Hash, BTreeSet<PrivateWord>>,
}

/// What was confirmed to each key today.
#[derive(Debug)]
pub(super) struct Confirmed {
    words_max: usize,
    day: Mutex<Day>,
}

impl Confirmed {
    /// So many distinct words a day for each key.
    pub(super) fn new(words_max: usize) -> Self {
        Self { words_max, day: Mutex::default() }
    }

    /// Whether all these words may be confirmed to a key at this time, in milliseconds since the Unix epoch; then they
    /// are, and words that it knew count no more. Otherwise nothing changes.
    pub(super) fn allow(&self, key: &Hash, words: &[PrivateWord], now_ms: u64) -> bool {
        let mut day = self.today(now_ms);
        let keys = day.words.len();
        let known = match day.words.get_mut(key) {
            Some(known) => known,
            None if words.is_empty() => return true,
            None if keys >= KEYS_MAX => return false,
            None => day.words.entry(*key).or_default(),
        };
        let new: BTreeSet<PrivateWord> = words.iter().filter(|word| !known.contains(word)).copied().collect();
        if known.len().saturating_add(new.len()) > self.words_max {
            return false;
        }
        known.extend(new);
        true
    }

    /// How many words are left to a key today.
    pub(super) fn left(&self, key: &Hash, now_ms: u64) -> usize {
        let day = self.today(now_ms);
        self.words_max.saturating_sub(day.words.get(key).map_or(0, BTreeSet::len))
    }

    /// A clock that was set back stays in the day that it had reached.
    fn today(&self, now_ms: u64) -> std::sync::MutexGuard<'_, Day> {
        let mut day = self.day.lock().expect("no holder of the lock panics");
        let number = now_ms / DAY_MS;
        if number > day.number {
            *day = Day { number, words: BTreeMap::new() };
        }
        day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(places: std::ops::Range<u64>) -> Vec<PrivateWord> {
        places.map(|place| (ContributionId([1; 32]), place)).collect()
    }

    #[test]
    fn a_key_is_confirmed_no_more_than_its_allowance() {
        let (confirmed, key, other) = (Confirmed::new(10), Hash([1; 32]), Hash([2; 32]));
        let rows: &[(&Hash, std::ops::Range<u64>, u64, bool, usize)] = &[
            (&key, 0..6, 0, true, 4),
            (&key, 0..6, 0, true, 4),
            (&key, 0..11, 0, false, 4),
            (&key, 4..10, 0, true, 0),
            (&key, 0..10, 0, true, 0),
            (&key, 10..11, 0, false, 0),
            (&key, 0..0, 0, true, 0),
            (&other, 0..10, 0, true, 0),
            (&key, 10..11, DAY_MS, true, 9),
            (&key, 0..10, 0, false, 9),
        ];
        for (key, places, now_ms, allowed, left) in rows {
            assert_eq!(
                confirmed.allow(key, &words(places.clone()), *now_ms),
                *allowed,
                "{places:?} {now_ms}"
            );
            assert_eq!(confirmed.left(key, *now_ms), *left, "{places:?} {now_ms}");
        }
    }

    #[test]
    fn keys_beyond_the_limit_are_confirmed_nothing() {
        let confirmed = Confirmed::new(10);
        for number in 0..KEYS_MAX as u64 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            assert!(confirmed.allow(&Hash(key), &words(0..1), 0));
        }
        assert!(!confirmed.allow(&Hash([255; 32]), &words(0..1), 0));
        assert!(confirmed.allow(&Hash([0; 32]), &words(1..2), 0), "a key that is known goes on");
        assert!(confirmed.allow(&Hash([255; 32]), &words(0..1), DAY_MS));
    }
}
