//! Numbers words as they come. The numbers depend on the order of the words and on nothing else: the table is never
//! walked, so its hash decides only the speed. Not even that where words were chosen to collide, since the hash has no
//! secret: a word that finds no place in a few steps goes to an ordered map. Absent: the final order of words (`build`).

use std::collections::BTreeMap;

/// Words by the number of their arrival, from 0.
pub(crate) struct Interner {
    /// A power of two, at most five eighths full.
    slots: Vec<Slot>,
    /// The words whose [`STEPS_MAX`] slots are taken, with their numbers.
    crowded: BTreeMap<Box<[u8]>, u32>,
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

/// How many slots are looked at for a word. In the fullest table, one word in some hundreds takes more.
const STEPS_MAX: usize = 32;

/// One word of the table. Most are of up to eight bytes, which are the key: they are found without looking elsewhere.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// The bytes of a short word, the hash of a longer one.
    key: u64,
    length: u32,
    /// The number plus one; 0 is free.
    number: u32,
}

/// What the slots of a word say.
enum Place {
    /// It has this number.
    Taken(u32),
    /// It is not there, and this slot is its.
    Free(usize),
    /// All its slots are taken by others.
    Crowded,
}

impl Interner {
    pub(crate) fn new() -> Self {
        Self {
            slots: vec![Slot::default(); 1024],
            crowded: BTreeMap::new(),
            bytes: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The word with this number, which was given out.
    pub(crate) fn word(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.bytes[start..self.ends[number] as usize]
    }

    /// The number of a word; `None` when it did not come.
    #[inline]
    pub(crate) fn find(&self, word: &[u8]) -> Option<u32> {
        match self.look(Slot::of(word), word) {
            Place::Taken(number) => Some(number),
            Place::Free(_) => None,
            Place::Crowded => self.crowded.get(word).copied(),
        }
    }

    /// The number of a word, a new one if it is new; `None` when there is no room for it.
    #[inline]
    pub(crate) fn intern(&mut self, word: &[u8]) -> Option<u32> {
        self.intern_slot(Slot::of(word), word)
    }

    /// The same for a word whose [`short_key`] is known: its first `length` bytes, eight at most.
    #[inline]
    pub(crate) fn intern_short(&mut self, key: u64, length: usize) -> Option<u32> {
        let slot = Slot { key, length: length as u32, number: 0 };
        self.intern_slot(slot, &key.to_le_bytes()[..length])
    }

    #[inline]
    fn intern_slot(&mut self, slot: Slot, word: &[u8]) -> Option<u32> {
        match self.look(slot, word) {
            Place::Taken(number) => Some(number),
            Place::Free(at) => {
                let number = self.append(word)?;
                self.slots[at] = Slot { number: number + 1, ..slot };
                Some(self.with_room(number))
            }
            Place::Crowded => {
                if let Some(number) = self.crowded.get(word) {
                    return Some(*number);
                }
                let number = self.append(word)?;
                self.crowded.insert(word.into(), number);
                Some(self.with_room(number))
            }
        }
    }

    /// Where a word is in the table, or would be.
    #[inline]
    fn look(&self, slot: Slot, word: &[u8]) -> Place {
        let is_short = word.len() <= 8;
        for at in slot.places(self.slots.len()) {
            let other = self.slots[at];
            if other.number == 0 {
                return Place::Free(at);
            }
            let is_alike = other.key == slot.key && other.length == slot.length;
            if is_alike && (is_short || self.word(other.number - 1) == word) {
                return Place::Taken(other.number - 1);
            }
        }
        Place::Crowded
    }

    /// Adds a new word to the list, not to the table.
    fn append(&mut self, word: &[u8]) -> Option<u32> {
        let number = u32::try_from(self.len()).ok().filter(|number| *number < u32::MAX)?;
        let end = u32::try_from(self.bytes.len() + word.len()).ok()?;
        self.bytes.extend_from_slice(word);
        self.ends.push(end);
        Some(number)
    }

    /// Passes on the number of a word that was added, and makes room for the next.
    fn with_room(&mut self, number: u32) -> u32 {
        if 8 * self.len() > 5 * self.slots.len() {
            self.grow();
        }
        number
    }

    /// Moves all words to a larger table. A crowded word may find a place there, and then has to have it: the search
    /// for a word ends at the first free place.
    fn grow(&mut self) {
        let size = 2 * self.slots.len();
        let slots = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        let crowded = std::mem::take(&mut self.crowded);
        let moved = slots.into_iter().filter(|slot| slot.number != 0);
        let crowded =
            crowded.into_iter().map(|(word, number)| Slot { number: number + 1, ..Slot::of(&word) });
        for slot in moved.chain(crowded) {
            match slot.places(size).find(|at| self.slots[*at].number == 0) {
                Some(at) => self.slots[at] = slot,
                None => {
                    self.crowded.insert(self.word(slot.number - 1).into(), slot.number - 1);
                }
            }
        }
    }
}

impl Slot {
    /// The slot of a word that has no number yet.
    #[inline]
    fn of(word: &[u8]) -> Self {
        let key = if word.len() <= 8 { short_key(word) } else { hash_long(word) };
        Self { key, length: word.len() as u32, number: 0 }
    }

    /// The places in a table of `size` slots where the word may be, in the order in which they are tried.
    #[inline]
    fn places(&self, size: usize) -> impl Iterator<Item = usize> + use<> {
        let first = hash_short(self.key, self.length) as usize;
        (0..STEPS_MAX).map(move |step| (first + step) & (size - 1))
    }
}

/// Up to eight bytes as a number, zeros behind them.
#[inline]
pub(crate) fn short_key(word: &[u8]) -> u64 {
    let half = |at: usize| {
        word.get(at..).and_then(|rest| rest.first_chunk::<4>()).map_or(0, |four| u32::from_le_bytes(*four))
    };
    match word.len() {
        0 => 0,
        1..4 => word.iter().rev().fold(0, |key, byte| key << 8 | u64::from(*byte)),
        length @ 4..=8 => u64::from(half(0)) | u64::from(half(length - 4)) << (8 * (length - 4)),
        _ => short_key(&word[..8]),
    }
}

const KEYS: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93];

/// A wide product whose halves are folded together.
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

fn hash_short(key: u64, length: u32) -> u64 {
    mix(key ^ KEYS[0], KEYS[1] ^ u64::from(length))
}

/// Eight bytes a step.
fn hash_long(word: &[u8]) -> u64 {
    let (chunks, rest) = word.as_chunks::<8>();
    let state = chunks.iter().fold(KEYS[0], |state, chunk| mix(state ^ u64::from_le_bytes(*chunk), KEYS[1]));
    mix(state ^ short_key(rest), KEYS[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn short_keys_are_the_bytes(word in prop::collection::vec(any::<u8>(), 0..=8)) {
            let mut padded = [0; 8];
            padded[..word.len()].copy_from_slice(&word);
            prop_assert_eq!(short_key(&word), u64::from_le_bytes(padded));
        }

        #[test]
        fn numbers_are_those_of_arrival(words in prop::collection::vec("[ab\0]{0,20}", 0..3000)) {
            let mut interner = Interner::new();
            let mut expected: BTreeMap<String, u32> = BTreeMap::new();
            for word in &words {
                let next = expected.len() as u32;
                let number = *expected.entry(word.clone()).or_insert(next);
                prop_assert_eq!(interner.find(word.as_bytes()), Some(number).filter(|number| *number < next));
                prop_assert_eq!(interner.intern(word.as_bytes()), Some(number));
            }
            prop_assert_eq!(interner.len(), expected.len());
            for (word, number) in expected {
                prop_assert_eq!(interner.word(number), word.as_bytes());
            }
        }
    }

    /// Words whose first place is the same in every table of up to 2^14 slots, among others that make the table grow:
    /// each keeps its number, and none is looked for further than the limit.
    #[test]
    fn chosen_collisions_go_to_the_map() {
        let chosen = (0u64..)
            .map(|number| format!("{number:x}").into_bytes())
            .filter(|word| {
                let slot = Slot::of(word);
                hash_short(slot.key, slot.length).is_multiple_of(1 << 14)
            })
            .take(200);
        let mut words: Vec<Vec<u8>> = Vec::new();
        for (place, word) in chosen.enumerate() {
            words.extend((0..30).map(|other| format!("other {place} {other}").into_bytes()));
            words.push(word);
        }
        let mut interner = Interner::new();
        for _ in 0..2 {
            for (number, word) in (0..).zip(&words) {
                assert_eq!(interner.intern(word), Some(number), "{word:?}");
            }
            assert!(interner.crowded.len() >= 200 - STEPS_MAX, "{} in the map", interner.crowded.len());
        }
        // A larger table has places for them, and they are found there.
        for number in 0..40_000u32 {
            assert_eq!(
                interner.intern(format!("later {number}").as_bytes()),
                Some(words.len() as u32 + number)
            );
        }
        for (number, word) in (0..).zip(&words) {
            assert_eq!((interner.intern(word), interner.word(number)), (Some(number), &word[..]));
        }
    }
}
