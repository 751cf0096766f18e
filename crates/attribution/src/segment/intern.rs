//! Numbers words as they come. The numbers depend on the order of the words and on nothing else: the table is never
//! walked, so its hash decides only the speed. Absent: the final order of words, which `build` makes.

/// Words by the number of their arrival, from 0.
pub(crate) struct Interner {
    /// The upper half of each word's hash beside its number plus one; 0 is free. A power of two, at most half full.
    slots: Vec<u64>,
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Interner {
    pub(crate) fn new() -> Self {
        Self { slots: vec![0; 1024], bytes: Vec::new(), ends: Vec::new() }
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

    /// The number of a word, a new one if it is new; `None` when there is no room for it.
    pub(crate) fn intern(&mut self, word: &[u8]) -> Option<u32> {
        let hash = hash(word);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] != 0 {
            let slot = self.slots[at];
            let number = (slot as u32) - 1;
            if slot >> 32 == hash >> 32 && self.word(number) == word {
                return Some(number);
            }
            at = (at + 1) & mask;
        }
        let number = u32::try_from(self.len()).ok().filter(|number| *number < u32::MAX)?;
        let end = u32::try_from(self.bytes.len() + word.len()).ok()?;
        self.bytes.extend_from_slice(word);
        self.ends.push(end);
        self.slots[at] = (hash >> 32) << 32 | u64::from(number + 1);
        if 2 * self.len() > self.slots.len() {
            self.grow();
        }
        Some(number)
    }

    fn grow(&mut self) {
        let mut slots = vec![0u64; 4 * self.slots.len()];
        let mask = slots.len() - 1;
        for number in 0..self.len() as u32 {
            let hash = hash(self.word(number));
            let mut at = hash as usize & mask;
            while slots[at] != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = (hash >> 32) << 32 | u64::from(number + 1);
        }
        self.slots = slots;
    }
}

/// Eight bytes a step, mixed by a wide product whose halves are folded together.
fn hash(word: &[u8]) -> u64 {
    const KEYS: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93];
    let mix = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    };
    let (chunks, rest) = word.as_chunks::<8>();
    let mut state = KEYS[0] ^ word.len() as u64;
    for chunk in chunks {
        state = mix(state ^ u64::from_le_bytes(*chunk), KEYS[1]);
    }
    let mut last = [0u8; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(state ^ u64::from_le_bytes(last), KEYS[1]), KEYS[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn numbers_are_those_of_arrival(words in prop::collection::vec("[ab]{0,20}", 0..3000)) {
            let mut interner = Interner::new();
            let mut expected: BTreeMap<String, u32> = BTreeMap::new();
            for word in &words {
                let next = expected.len() as u32;
                let number = *expected.entry(word.clone()).or_insert(next);
                prop_assert_eq!(interner.intern(word.as_bytes()), Some(number));
            }
            prop_assert_eq!(interner.len(), expected.len());
            for (word, number) in expected {
                prop_assert_eq!(interner.word(number), word.as_bytes());
            }
        }
    }
}
