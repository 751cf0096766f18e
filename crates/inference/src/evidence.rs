//! What an engine commits to with every answer.
//!
//! Rule: the commitment covers the model's file, the numeric specification, the prompt, the answer, the
//! sampling parameters with the seed, and the final hidden state of every step in windows of 32. A
//! changed weight, prompt or token changes it. It proves nothing by itself: someone who has the same
//! file recomputes it (see [`crate::replay`]). Every hash is salted, because prompts can be guessed.
//! Absent: commitments to single layers, evidence of engines whose arithmetic is not exact.

use std::fmt;

use openledger_model::NUMERIC_SPECIFICATION;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::sampler::Sampling;

/// Steps whose hidden states share one hash.
pub const WINDOW_TOKENS: usize = 32;

/// A SHA-256 hash; 64 hexadecimal digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> String {
        hash.to_string()
    }
}

/// A text is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a hash of 64 hexadecimal digits")]
pub struct NotAHash {
    text: String,
}

impl TryFrom<String> for Hash {
    type Error = NotAHash;

    fn try_from(text: String) -> Result<Hash, NotAHash> {
        let mut bytes = [0; 32];
        match hex::decode_to_slice(&text, &mut bytes) {
            Ok(()) => Ok(Hash(bytes)),
            Err(_) => Err(NotAHash { text }),
        }
    }
}

/// The evidence of one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Version of the arithmetic.
    pub numeric_specification: u32,
    /// The model's file.
    pub model_sha256: Hash,
    /// The prompt's tokens, salted.
    pub prompt_sha256: Hash,
    /// The answer's tokens, salted.
    pub output_sha256: Hash,
    /// How tokens were chosen.
    pub sampling: Sampling,
    /// Hidden states of each window of 32 steps, salted.
    pub windows: Vec<Hash>,
    /// Everything above.
    pub commitment: Hash,
}

/// Gathers the evidence of one answer while it is computed.
pub(crate) struct EvidenceBuilder {
    salt: [u8; 32],
    steps: usize,
    window: Sha256,
    windows: Vec<Hash>,
}

impl EvidenceBuilder {
    pub(crate) fn new(salt: [u8; 32]) -> EvidenceBuilder {
        EvidenceBuilder { salt, steps: 0, window: hasher("hidden-states", &salt), windows: Vec::new() }
    }

    /// Adds the hidden state from which one token was chosen.
    pub(crate) fn push(&mut self, hidden: &[f32]) {
        for value in hidden {
            self.window.update(value.to_bits().to_le_bytes());
        }
        self.steps += 1;
        if self.steps.is_multiple_of(WINDOW_TOKENS) {
            self.close_window();
        }
    }

    fn close_window(&mut self) {
        let window = std::mem::replace(&mut self.window, hasher("hidden-states", &self.salt));
        self.windows.push(Hash(window.finalize().into()));
    }

    /// The evidence of all steps so far.
    pub(crate) fn finish(
        mut self,
        model_sha256: [u8; 32],
        prompt: &[u32],
        output: &[u32],
        sampling: Sampling,
    ) -> Evidence {
        if !self.steps.is_multiple_of(WINDOW_TOKENS) {
            self.close_window();
        }
        let mut evidence = Evidence {
            numeric_specification: NUMERIC_SPECIFICATION,
            model_sha256: Hash(model_sha256),
            prompt_sha256: hash_tokens("prompt", &self.salt, prompt),
            output_sha256: hash_tokens("output", &self.salt, output),
            sampling,
            windows: self.windows,
            commitment: Hash([0; 32]),
        };
        evidence.commitment = evidence.compute_commitment(&self.salt);
        evidence
    }
}

impl Evidence {
    /// The commitment that the other fields call for.
    pub(crate) fn compute_commitment(&self, salt: &[u8; 32]) -> Hash {
        let mut hasher = hasher("commitment", salt);
        hasher.update(self.numeric_specification.to_le_bytes());
        hasher.update(self.model_sha256.0);
        hasher.update(self.prompt_sha256.0);
        hasher.update(self.output_sha256.0);
        hasher.update(self.sampling.to_bytes());
        hasher.update((self.windows.len() as u64).to_le_bytes());
        for window in &self.windows {
            hasher.update(window.0);
        }
        Hash(hasher.finalize().into())
    }
}

pub(crate) fn hash_tokens(domain: &str, salt: &[u8; 32], tokens: &[u32]) -> Hash {
    let mut hasher = hasher(domain, salt);
    for token in tokens {
        hasher.update(token.to_le_bytes());
    }
    Hash(hasher.finalize().into())
}

/// A hasher that separates the uses of the hash from each other.
fn hasher(domain: &str, salt: &[u8; 32]) -> Sha256 {
    let mut hasher = Sha256::new();
    hasher.update(b"openledger inference evidence 1\0");
    hasher.update(domain.as_bytes());
    hasher.update([0]);
    hasher.update(salt);
    hasher
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(prompt: &[u32], steps: usize) -> Evidence {
        let mut builder = EvidenceBuilder::new([7; 32]);
        for step in 0..steps {
            builder.push(&[step as f32, 0.5]);
        }
        builder.finish([1; 32], prompt, &[9; 3], Sampling::default())
    }

    #[test]
    fn windows_close_every_thirty_two_steps() {
        for (steps, windows) in [(1, 1), (31, 1), (32, 1), (33, 2), (64, 2), (65, 3)] {
            assert_eq!(evidence(&[1], steps).windows.len(), windows, "{steps}");
        }
        assert_eq!(evidence(&[1], 33).windows[0], evidence(&[1], 64).windows[0]);
    }

    #[test]
    fn every_field_changes_the_commitment() {
        let base = evidence(&[1, 2], 40);
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
        change(&|evidence| evidence.prompt_sha256.0[31] ^= 1);
        change(&|evidence| evidence.output_sha256.0[0] ^= 128);
        change(&|evidence| evidence.sampling.seed += 1);
        change(&|evidence| evidence.sampling.temperature = 0.1);
        change(&|evidence| evidence.windows[1].0[3] ^= 4);
        change(&|evidence| evidence.windows.truncate(1));
        change(&|evidence| evidence.sampling.quote.end = 1);
        assert!(changed.iter().all(|hash| *hash != base.commitment));
    }

    #[test]
    fn the_encoding_is_fixed() {
        let json = serde_json::to_string(&evidence(&[1, 2], 2)).expect("evidence is plain data");
        assert_eq!(json, include_str!("../tests/fixtures/evidence.json").trim_end());
        let back: Evidence = serde_json::from_str(&json).expect("its own encoding reads back");
        assert_eq!(back, evidence(&[1, 2], 2));
        assert!(serde_json::from_str::<Evidence>(&json.replace("0101", "01x1")).is_err());
    }
}
