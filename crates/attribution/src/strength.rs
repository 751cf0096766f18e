//! How far a span is from chance, for eyes: four steps over its value. No share depends on it.

use crate::parameters::NAT;

/// From which value on a span is of the second, third and fourth step, in 2^-16 nat beyond chance: 10, 20 and 40 nats.
/// Twenty nats are the surprise of two or three rare words, or of four ordinary ones.
pub const STRENGTH_BOUNDS: [u64; 3] = [10 * NAT, 20 * NAT, 40 * NAT];

/// How far a span is from chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Below the first of [`STRENGTH_BOUNDS`].
    Weak,
    /// Below the second.
    Fair,
    /// Below the third.
    Clear,
    /// From there on.
    Strong,
}

impl Strength {
    /// The steps, rising.
    pub const ALL: [Self; 4] = [Self::Weak, Self::Fair, Self::Clear, Self::Strong];

    /// The step of a span's value, in 2^-16 nat beyond chance.
    pub fn of(value: u64) -> Self {
        match STRENGTH_BOUNDS.iter().filter(|bound| value >= **bound).count() {
            0 => Self::Weak,
            1 => Self::Fair,
            2 => Self::Clear,
            _ => Self::Strong,
        }
    }

    /// From 1 to 4.
    pub fn step(self) -> usize {
        match self {
            Self::Weak => 1,
            Self::Fair => 2,
            Self::Clear => 3,
            Self::Strong => 4,
        }
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Fair => "fair",
            Self::Clear => "clear",
            Self::Strong => "strong",
        }
    }

    /// A value with its step: `strong: 84 nats beyond chance`.
    pub fn said(value: u64) -> String {
        format!("{}: {} nats beyond chance", Self::of(value).name(), value / NAT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_four_steps() {
        for (nats, step, said) in [
            (0, 1, "weak: 0 nats beyond chance"),
            (9, 1, "weak: 9 nats beyond chance"),
            (10, 2, "fair: 10 nats beyond chance"),
            (20, 3, "clear: 20 nats beyond chance"),
            (40, 4, "strong: 40 nats beyond chance"),
            (u64::MAX / NAT, 4, "strong: 281474976710655 nats beyond chance"),
        ] {
            assert_eq!((Strength::of(nats * NAT).step(), Strength::said(nats * NAT).as_str()), (step, said));
        }
        assert_eq!(Strength::of(10 * NAT - 1), Strength::Weak);
        assert!(Strength::ALL.iter().zip(1..).all(|(strength, step)| strength.step() == step));
    }
}
