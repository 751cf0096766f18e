//! Method C: how much the passages in the prompt helped the model to give this answer, in integers.
//!
//! 1. The players are the clusters of the passages that were put into the prompt, sorted by id: copies of a text are one
//!    player, however many of them were retrieved. A player's owner is its cluster's earliest commitment.
//! 2. The value of a set of players is `v(S) = round(2^16 ln p(answer | prompt with the passages of S alone))`, computed
//!    bit for bit alike everywhere. `-v(nobody)` is the answer's surprise without any passage.
//! 3. Up to five players, all `2^d` sets are valued, and a player's part is its Shapley value: over `d!`, the sum of
//!    `|S|! (d-|S|-1)! (v(S + player) - v(S))` over the sets `S` without it.
//! 4. Above five, its part is the mean of what it adds in 64 orders of the players: 32 drawn by Fisher and Yates from a
//!    seed, and each of them backwards. The seed is the SHA-256 of the index's root, the players and the answer's salted
//!    hash: who has these has the orders. At most 16 players, so at most 962 sets are valued.
//! 5. A part below zero counts as zero. A player's mass is the answer's weight times its part, over the larger of the
//!    answer's surprise and the sum of all parts, floored. What passages did not explain, and the remainders, are unattributed.
//! 6. Each datanet mixes both methods in basis points: a cluster claims `verbatim` of its mass by words and `context` of
//!    its mass by this method, with the mix of its owner's datanet, over 10,000, floored. Where datanets with different mixes
//!    meet, claims may exceed the answer's weight; then those by words stand, and each by help is its part of what they leave,
//!    floored. So no datanet's mix takes from another's words. Common mass follows the claims, as far as they leave room; the
//!    rest is unattributed.
//!
//! Sources: Shapley, "A value for n-person games" (1953); ablation of contexts as in ContextCite (arXiv 2409.00729).
//!
//! A part says what this model made of these passages in this prompt, not what caused the answer. Absent: the model (the
//! likelihoods are given), and the form of the prompts, which is the gateway's.

mod ablation;
mod mix;
mod players;
mod shapley;

#[cfg(test)]
mod tests;

use openledger_datanet::ClusterId;
use sha2::{Digest, Sha256};

pub use mix::{Mixed, Part, mix};
pub use players::{Player, players};

/// The version of players, prompts, values, parts and mixing taken together.
pub const CONTEXT_VERSION: u16 = 2;

/// The most players whose sets are all valued.
pub const PLAYERS_EXACT_MAX: usize = 5;

/// The most players.
pub const PLAYERS_MAX: usize = 16;

/// In how many orders players are added when there are too many for all sets. Half of them are the others backwards.
pub const ORDERS: usize = 64;

/// The largest magnitude of a value, in 2^-16 nat: far above any answer's.
pub const VALUE_MAX: i64 = 1 << 48;

/// The largest weight of an answer whose methods are mixed, in 2^-16 nat.
pub const TOTAL_MAX: u64 = 1 << 40;

/// Why contexts cannot be attributed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// More players than are ever valued.
    #[error("{players} texts in the context, at most {PLAYERS_MAX} are valued: retrieve fewer passages")]
    TooManyPlayers {
        /// How many there are.
        players: usize,
    },
    /// Not one value for each set.
    #[error("{values} values for {subsets} sets of texts; value exactly the sets of the plan")]
    ValuesWrong {
        /// How many are given.
        values: usize,
        /// How many the plan asks for.
        subsets: usize,
    },
    /// A value that is not the logarithm of a probability.
    #[error("the value {value} is no logarithm of a probability; value the sets again")]
    ValueOutOfRange {
        /// The value.
        value: i64,
    },
    /// Masses or mixes that cannot be of one answer.
    #[error("the masses or mixes are not of one answer ({what}); attribute the answer again")]
    PartsWrong {
        /// What does not fit.
        what: &'static str,
    },
}

/// Which sets of players are valued, and how parts follow from the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    players: usize,
    /// None when all sets are valued.
    orders: Vec<Vec<usize>>,
    subsets: Vec<u32>,
}

impl Plan {
    /// The plan for this many players. The seed matters above [`PLAYERS_EXACT_MAX`] alone.
    ///
    /// # Errors
    /// More than [`PLAYERS_MAX`] players.
    pub fn new(players: usize, seed: &[u8; 32]) -> Result<Self, ContextError> {
        match players {
            0..=PLAYERS_EXACT_MAX => {
                Ok(Self { players, orders: Vec::new(), subsets: (0..1 << players).collect() })
            }
            _ if players > PLAYERS_MAX => Err(ContextError::TooManyPlayers { players }),
            _ => {
                let orders = ablation::orders(players, seed);
                let subsets = ablation::subsets(&orders);
                Ok(Self { players, orders, subsets })
            }
        }
    }

    /// The sets to value, rising: bit `n` stands for player `n`. The first is empty, the last holds all players.
    pub fn subsets(&self) -> &[u32] {
        &self.subsets
    }

    /// What each player weighs in an answer of the weight `total`, given one value for each of [`subsets`](Self::subsets), in
    /// 2^-16 nat. The masses sum to at most `total`.
    ///
    /// # Errors
    /// Another number of values, or a value that is positive or too large.
    pub fn masses(&self, values: &[i64], total: u64) -> Result<Vec<u64>, ContextError> {
        let parts = self.parts(values)?;
        let surprise = -i128::from(values.first().copied().unwrap_or_default()) * parts.denominator;
        let positive: Vec<i128> = parts.numerators.iter().map(|part| (*part).max(0)).collect();
        let whole = surprise.max(positive.iter().sum());
        let mass = |part: i128| (i128::from(total) * part).checked_div(whole).unwrap_or(0);
        Ok(positive.into_iter().map(|part| u64::try_from(mass(part)).unwrap_or(total)).collect())
    }

    /// The players' parts of `v(all) - v(nobody)`.
    fn parts(&self, values: &[i64]) -> Result<Parts, ContextError> {
        if values.len() != self.subsets.len() {
            return Err(ContextError::ValuesWrong { values: values.len(), subsets: self.subsets.len() });
        }
        if let Some(value) = values.iter().copied().find(|value| !(-VALUE_MAX..=0).contains(value)) {
            return Err(ContextError::ValueOutOfRange { value });
        }
        Ok(if self.orders.is_empty() {
            shapley::parts(self.players, values)
        } else {
            ablation::parts(self.players, &self.orders, &self.subsets, values)
        })
    }
}

/// Fractions with one denominator; they sum to `v(all) - v(nobody)`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    numerators: Vec<i128>,
    denominator: i128,
}

/// The seed of a receipt's orders: its index, its players in their order, and the salted hash of its answer.
pub fn seed(index_root: &[u8; 32], players: &[ClusterId], answer: &[u8; 32]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"openledger/context/1");
    hasher.update(index_root);
    hasher.update(answer);
    for player in players {
        hasher.update(player.0);
    }
    hasher.finalize().into()
}
