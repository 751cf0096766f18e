//! Choices by a seed: the same seed gives the same history on every machine. Not random in any stronger sense.

use openledger_types::{Amount, Hash, codec, sha256};

use super::PEOPLE;

/// A sequence of numbers that a seed fixes (SplitMix64).
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// What is fixed by something and not by the history: whoever decides about it again decides the same.
    pub(crate) fn about(what: &impl borsh::BorshSerialize) -> Self {
        let Hash(bytes) = sha256(&codec::encode(what));
        Self(bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when there is none.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.number().checked_rem(end).unwrap_or(0)
    }

    /// Whether one chance in `of` came true.
    pub(crate) fn chance(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Anybody.
    pub(crate) fn who(&mut self) -> u8 {
        self.below(u64::from(PEOPLE)) as u8
    }

    /// Mostly a part of `most`; now and then nothing, all of it, or more than anybody has.
    pub(crate) fn amount(&mut self, most: u64) -> Amount {
        Amount(match self.below(24) {
            0 => 0,
            1 => most,
            2 => most.saturating_add(1),
            3 => self.number(),
            4..8 => self.below(10),
            _ => self.below(most.saturating_add(1)),
        })
    }
}
