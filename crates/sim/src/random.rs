//! The only source of chance: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
//! OOPSLA 2014; constants as in Vigna's public-domain splitmix64.c).
//!
//! Rule: every stream is named, and its state begins at the first eight bytes of SHA-256(seed ‖ name). So one seed
//! gives a whole run, and a new stream does not move the draws of another.
//! Absent: security; nothing here is a secret, the keys of simulated accounts included.

use openledger_types::{Hash, sha256};

/// A stream of draws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitMix64 {
    state: u64,
}

/// SHA-256 over a seed and a name: the root of everything that a run derives.
pub fn derived(seed: u64, name: &str) -> Hash {
    let mut bytes = seed.to_le_bytes().to_vec();
    bytes.extend_from_slice(name.as_bytes());
    sha256(&bytes)
}

impl SplitMix64 {
    /// The generator with this state.
    pub fn new(state: u64) -> Self {
        Self { state }
    }

    /// The stream `name` of the run with this seed.
    pub fn stream(seed: u64, name: &str) -> Self {
        let mut first = [0u8; 8];
        first.copy_from_slice(&derived(seed, name).0[..8]);
        Self::new(u64::from_le_bytes(first))
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, by the high half of a product (its bias is below `bound` / 2^64); 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.draw()) * u128::from(bound);
        u64::try_from(product >> 64).expect("the high half of a product of two u64 fits a u64")
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// A place in a list of this length; 0 for an empty one.
    pub fn place(&mut self, length: usize) -> usize {
        let drawn = self.below(u64::try_from(length).unwrap_or(u64::MAX));
        usize::try_from(drawn).expect("a place is below a length")
    }

    /// Whether an event of probability `one / in_all` happens.
    pub fn happens(&mut self, one: u64, in_all: u64) -> bool {
        self.below(in_all) < one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence() {
        let mut random = SplitMix64::new(1_234_567);
        let draws = [random.draw(), random.draw(), random.draw()];
        assert_eq!(draws, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn draws_stay_below_their_bound_and_reach_it() {
        let mut random = SplitMix64::stream(7, "bounds");
        let draws: Vec<u64> = (0..1_000).map(|_| random.between(3, 5)).collect();
        assert!(
            (3..=5).all(|value| draws.contains(&value)) && draws.iter().all(|draw| (3..=5).contains(draw))
        );
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn streams_of_one_seed_differ_by_name() {
        assert_eq!(SplitMix64::stream(1, "a"), SplitMix64::stream(1, "a"));
        assert_ne!(SplitMix64::stream(1, "a"), SplitMix64::stream(1, "b"));
        assert_ne!(SplitMix64::stream(1, "a"), SplitMix64::stream(2, "a"));
    }
}
