//! What an engine commits to with every answer.
//!
//! Rule: the commitment covers the model's file, the adapter, the numeric specification, the prompt, the
//! answer, the sampling parameters with the seed, and the hidden state of every position, those of the
//! prompt too, behind every layer. A changed weight, prompt, token or cache changes it. Its size does not
//! depend on the answer's. It proves nothing by itself: someone who has the same file recomputes it, whole
//! or where chance chooses (see [`crate::Auditor`]). Every hash is salted, because prompts can be guessed.
//! Absent: evidence of engines whose arithmetic is not exact.

mod hash;
mod material;
mod opening;
mod scope;
mod tree;

use openledger_model::{Cache, NUMERIC_SPECIFICATION, PAGE_TOKENS, Sequence};
use serde::{Deserialize, Serialize};
use sha2::Digest;

use crate::sampler::Sampling;

pub use hash::{Hash, NotAHash};
pub(crate) use hash::{hash_tokens, hasher};
pub use material::{MATERIAL_BYTES_MAX, Material, MaterialError};
pub use opening::{OPENING_BYTES_MAX, Opening, OpeningBytesError};
pub(crate) use scope::OpenedLeaf;
pub use scope::{Scope, ScopeError, WINDOWS_MAX};
pub(crate) use tree::{leaf, path, root, root_along};

/// Positions whose hidden states behind one layer share one leaf: a page of the cache.
pub const WINDOW_TOKENS: usize = PAGE_TOKENS;

/// The evidence of one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Version of the arithmetic.
    pub numeric_specification: u32,
    /// The model's file.
    pub model_sha256: Hash,
    /// The adapter's files, where one was used.
    pub adapter: Option<Hash>,
    /// The prompt's tokens, salted.
    pub prompt_sha256: Hash,
    /// The answer's tokens, salted.
    pub output_sha256: Hash,
    /// How tokens were chosen.
    pub sampling: Sampling,
    /// Positions that were computed: those of prompt and answer but for the last token.
    pub positions: u32,
    /// Layers of the model.
    pub layers: u32,
    /// Root over the hidden states of all windows behind all layers, salted; RFC 6962's shape.
    pub states_root: Hash,
    /// Everything above.
    pub commitment: Hash,
}

/// One answer, as evidence is made of it.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// SHA-256 of the model's file.
    pub model_sha256: [u8; 32],
    /// What names the adapter's files, where one was used.
    pub adapter: Option<[u8; 32]>,
    /// The prompt's tokens.
    pub prompt: &'a [u32],
    /// The answer's tokens, the one that ended it included.
    pub output: &'a [u32],
    /// How they were chosen.
    pub sampling: Sampling,
    /// Mixed into every hash.
    pub salt: [u8; 32],
}

impl Evidence {
    /// The evidence of an answer that a runner which keeps digests
    /// ([`Runner::recording`](openledger_model::Runner::recording)) has computed in `sequence`, of a model
    /// with `layers` layers.
    pub fn of(answer: &Answer<'_>, layers: usize, cache: &Cache, sequence: &Sequence) -> Evidence {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let salt = &answer.salt;
        let evidence = Evidence {
            numeric_specification: NUMERIC_SPECIFICATION,
            model_sha256: Hash(answer.model_sha256),
            adapter: answer.adapter.map(Hash),
            prompt_sha256: hash_tokens("prompt", salt, answer.prompt),
            output_sha256: hash_tokens("output", salt, answer.output),
            sampling: answer.sampling,
            positions: count(sequence.length()),
            layers: count(layers),
            states_root: root(&leaves(salt, layers, cache, sequence)),
            commitment: Hash([0; 32]),
        };
        evidence.committed(salt)
    }

    /// The same evidence with the commitment that its fields call for. Anyone can commit to anything; whether
    /// it is true is for a replay to find out.
    #[must_use]
    pub fn committed(mut self, salt: &[u8; 32]) -> Evidence {
        self.commitment = self.compute_commitment(salt);
        self
    }

    /// Windows of 32 positions, the last one perhaps shorter.
    pub fn windows(&self) -> u32 {
        self.positions.div_ceil(WINDOW_TOKENS as u32)
    }

    /// The commitment that the other fields call for.
    pub(crate) fn compute_commitment(&self, salt: &[u8; 32]) -> Hash {
        let mut hasher = hasher("commitment", salt);
        hasher.update(self.numeric_specification.to_le_bytes());
        hasher.update(self.model_sha256.0);
        hasher.update([u8::from(self.adapter.is_some())]);
        hasher.update(self.adapter.map_or([0; 32], |adapter| adapter.0));
        hasher.update(self.prompt_sha256.0);
        hasher.update(self.output_sha256.0);
        let sampling = self.sampling.to_bytes();
        hasher.update((sampling.len() as u64).to_le_bytes());
        hasher.update(sampling);
        hasher.update(self.positions.to_le_bytes());
        hasher.update(self.layers.to_le_bytes());
        hasher.update(self.states_root.0);
        Hash(hasher.finalize().into())
    }
}

/// The leaves of all windows that `sequence` has computed, `[window][layer]`.
pub(crate) fn leaves(salt: &[u8; 32], layers: usize, cache: &Cache, sequence: &Sequence) -> Vec<Hash> {
    let windows = sequence.length().div_ceil(WINDOW_TOKENS);
    let mut leaves = Vec::with_capacity(windows * layers);
    for window in 0..windows {
        for layer in 0..layers {
            leaves.push(leaf_of(salt, cache, sequence, window, layer));
        }
    }
    leaves
}

/// The leaf of one window behind one layer, both from 0, as `sequence` has it computed.
pub(crate) fn leaf_of(
    salt: &[u8; 32],
    cache: &Cache,
    sequence: &Sequence,
    window: usize,
    layer: usize,
) -> Hash {
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    leaf(salt, number(window), number(layer), cache.states(sequence, window, layer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence() -> Evidence {
        let evidence = Evidence {
            numeric_specification: NUMERIC_SPECIFICATION,
            model_sha256: Hash([1; 32]),
            adapter: None,
            prompt_sha256: hash_tokens("prompt", &[7; 32], &[1, 2]),
            output_sha256: hash_tokens("output", &[7; 32], &[9; 3]),
            sampling: Sampling::default(),
            positions: 4,
            layers: 2,
            states_root: root(&[leaf(&[7; 32], 0, 0, &[[1; 32]; 4]), leaf(&[7; 32], 0, 1, &[[2; 32]; 4])]),
            commitment: Hash([0; 32]),
        };
        evidence.committed(&[7; 32])
    }

    #[test]
    fn every_field_changes_the_commitment() {
        let base = evidence();
        let salt = [7; 32];
        assert_eq!(base.compute_commitment(&salt), base.commitment);
        let mut changed = vec![base.compute_commitment(&[8; 32])];
        let mut change = |edit: &dyn Fn(&mut Evidence)| {
            let mut copy = base.clone();
            edit(&mut copy);
            changed.push(copy.compute_commitment(&salt));
        };
        change(&|evidence| evidence.numeric_specification += 1);
        change(&|evidence| evidence.model_sha256.0[0] ^= 1);
        change(&|evidence| evidence.adapter = Some(Hash([0; 32])));
        change(&|evidence| evidence.prompt_sha256.0[31] ^= 1);
        change(&|evidence| evidence.output_sha256.0[0] ^= 128);
        change(&|evidence| evidence.positions += 1);
        change(&|evidence| evidence.layers -= 1);
        change(&|evidence| evidence.states_root.0[3] ^= 4);
        let fields = changed.len();
        assert!(changed.iter().all(|hash| *hash != base.commitment), "{fields} fields");
    }

    #[test]
    fn every_field_of_the_sampling_changes_the_commitment() {
        let base = evidence();
        // A field that is new is named here, or this does not compile.
        let Sampling {
            temperature,
            top_p,
            top_k,
            min_p,
            seed,
            frequency_penalty,
            presence_penalty,
            quote,
            grammar,
        } = base.sampling;
        let with = |sampling: Sampling| Evidence { sampling, ..base.clone() }.compute_commitment(&[7; 32]);
        let of = || base.sampling;
        let changed = [
            with(Sampling { temperature: temperature + 0.1, ..of() }),
            with(Sampling { top_p: top_p - 0.1, ..of() }),
            with(Sampling { top_k: top_k + 1, ..of() }),
            with(Sampling { min_p: min_p + 0.1, ..of() }),
            with(Sampling { grammar: Some(grammar.unwrap_or(Hash([1; 32]))), ..of() }),
            with(Sampling { seed: seed + 1, ..of() }),
            with(Sampling { frequency_penalty: frequency_penalty + 1.0, ..of() }),
            with(Sampling { presence_penalty: presence_penalty + 1.0, ..of() }),
            with(Sampling { quote: crate::Quote { end: quote.end + 1, ..quote }, ..of() }),
        ];
        for (index, hash) in changed.iter().enumerate() {
            assert_ne!(*hash, base.commitment, "field {index}");
            assert!(!changed[..index].contains(hash), "field {index} and one before");
        }
    }

    #[test]
    fn the_encoding_is_fixed() {
        let json = serde_json::to_string(&evidence()).expect("evidence is plain data");
        assert_eq!(json, include_str!("../../tests/fixtures/evidence.json").trim_end());
        let back: Evidence = serde_json::from_str(&json).expect("its own encoding reads back");
        assert_eq!(back, evidence());
        assert!(serde_json::from_str::<Evidence>(&json.replace("0101", "01x1")).is_err());
    }
}
