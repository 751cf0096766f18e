//! The Mersenne Twister MT19937 (Matsumoto, Nishimura 1998), as C++'s standard library has it: llama.cpp draws with it.
//!
//! Absent: any other generator; what is drawn with its numbers (`draws`).

const LENGTH: usize = 624;
const SHIFT: usize = 397;

/// The generator `std::mt19937`.
pub(super) struct Twister {
    state: [u32; LENGTH],
    next: usize,
}

impl Twister {
    pub(super) fn new(seed: u32) -> Twister {
        let mut state = [seed; LENGTH];
        for place in 1..LENGTH {
            let before = state[place - 1];
            // The place is below 624.
            state[place] = 1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(place as u32);
        }
        Twister { state, next: LENGTH }
    }

    fn turn(&mut self) {
        for place in 0..LENGTH {
            let after = self.state[(place + 1) % LENGTH];
            let joined = (self.state[place] & 0x8000_0000) | (after & 0x7fff_ffff);
            let twisted = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[place] = self.state[(place + SHIFT) % LENGTH] ^ (joined >> 1) ^ twisted;
        }
        self.next = 0;
    }

    fn next(&mut self) -> u32 {
        if self.next == LENGTH {
            self.turn();
        }
        let mut number = self.state[self.next];
        self.next += 1;
        number ^= number >> 11;
        number ^= (number << 7) & 0x9d2c_5680;
        number ^= (number << 15) & 0xefc6_0000;
        number ^ (number >> 18)
    }

    /// A number from 0 to 1 as `std::uniform_real_distribution<double>` makes it of two draws, the lower half first.
    pub(super) fn uniform(&mut self) -> f64 {
        let (low, high) = (f64::from(self.next()), f64::from(self.next()));
        let number = (low + high * 2_f64.powi(32)) / 2_f64.powi(64);
        // Rounding must not reach 1.
        number.min(1.0 - f64::EPSILON / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_generator_of_the_standard() {
        // C++17, [rand.predef]: the 10,000th number of a generator with the default seed.
        let mut twister = Twister::new(5_489);
        let last = (0..10_000).map(|_| twister.next()).last();
        assert_eq!(last, Some(4_123_659_995));
    }

    #[test]
    fn numbers_are_below_one_and_from_two_draws() {
        let (mut pairs, mut single) = (Twister::new(7), Twister::new(7));
        for _ in 0..1_000 {
            let (low, high) = (u64::from(single.next()), u64::from(single.next()));
            let number = pairs.uniform();
            assert!((0.0..1.0).contains(&number));
            assert!((number - ((high << 32) | low) as f64 / 2_f64.powi(64)).abs() < 1e-15);
        }
    }
}
