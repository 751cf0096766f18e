//! What an auditor is handed beside the model's file: the tokens, the salt and the evidence.
//!
//! Rule: whoever holds it can replay the answer. It says what prompt and answer were, so it is for whoever
//! may read them. The grammar of an answer is not in it: it follows from the request, so that nobody who
//! answers can name another one than was asked for; the evidence binds its hash. One material has one
//! encoding, byte for byte.
//! Absent: where it is kept; whether what was committed to is true ([`crate::Auditor::replay`]).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Evidence, Hash, hash_tokens};
use crate::grammar::Grammar;
use crate::replay::Claim;

/// The largest material that is read, in bytes of JSON: a prompt and an answer of half a million tokens.
pub const MATERIAL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What an auditor is handed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Material {
    /// What every hash of the evidence was salted with.
    pub salt: Hash,
    /// The prompt's tokens.
    pub prompt: Vec<u32>,
    /// The answer's tokens, the one that ended it included.
    pub output: Vec<u32>,
    /// What was committed to.
    pub evidence: Evidence,
}

/// Bytes that are no material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// Too many bytes.
    #[error("the evidence has {bytes} bytes, at most {MATERIAL_BYTES_MAX} are read")]
    TooLong {
        /// How many there are.
        bytes: usize,
    },
    /// Not the JSON of a material.
    #[error("the evidence cannot be read: {reason}; fetch the receipt again")]
    Malformed {
        /// What the reader said.
        reason: String,
    },
    /// The same material written otherwise.
    #[error("the evidence is not written in its only form; fetch the receipt again")]
    NotCanonical,
    /// Tokens, salt or a field belong to another answer.
    #[error("the {part} are not those that were committed to")]
    NotCommitted {
        /// Which part.
        part: &'static str,
    },
}

impl Material {
    /// The answer as its provider claims to have computed it, under the grammar that the request asked for.
    pub fn claim<'a>(&'a self, grammar: Option<&'a Arc<Grammar>>) -> Claim<'a> {
        Claim {
            prompt: &self.prompt,
            output: &self.output,
            salt: &self.salt.0,
            evidence: &self.evidence,
            grammar,
        }
    }

    /// Its only encoding: JSON without spaces.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Numbers, texts and lists always have a JSON form; an empty one would be refused when it is read.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads bytes of strangers; nothing is checked but their form.
    ///
    /// # Errors
    /// They are too many, malformed, or not the only encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Material, MaterialError> {
        if bytes.len() > MATERIAL_BYTES_MAX {
            return Err(MaterialError::TooLong { bytes: bytes.len() });
        }
        let material: Material = serde_json::from_slice(bytes)
            .map_err(|error| MaterialError::Malformed { reason: error.to_string() })?;
        if material.to_bytes() == bytes { Ok(material) } else { Err(MaterialError::NotCanonical) }
    }

    /// Whether tokens, salt and evidence belong together: every byte follows from the commitment then.
    ///
    /// # Errors
    /// The first part that belongs to another answer.
    pub fn check(&self) -> Result<(), MaterialError> {
        let (salt, evidence) = (&self.salt.0, &self.evidence);
        let refused = |part| Err(MaterialError::NotCommitted { part });
        if evidence.commitment != evidence.compute_commitment(salt) {
            return refused("salt and the fields of the evidence");
        }
        if evidence.prompt_sha256 != hash_tokens("prompt", salt, &self.prompt) {
            return refused("tokens of the prompt");
        }
        if evidence.output_sha256 != hash_tokens("output", salt, &self.output) {
            return refused("tokens of the answer");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sampling;

    fn material() -> Material {
        let salt = [7; 32];
        let (prompt, output) = (vec![1, 20, 300], vec![4_000, 2]);
        let evidence = Evidence {
            numeric_specification: 2,
            model_sha256: Hash([1; 32]),
            adapter: None,
            prompt_sha256: hash_tokens("prompt", &salt, &prompt),
            output_sha256: hash_tokens("output", &salt, &output),
            sampling: Sampling { temperature: 0.7, seed: u64::MAX, ..Sampling::default() },
            positions: 4,
            layers: 2,
            states_root: Hash([3; 32]),
            commitment: Hash([0; 32]),
        };
        Material { salt: Hash(salt), prompt, output, evidence: evidence.committed(&salt) }
    }

    #[test]
    fn every_byte_of_a_material_counts() {
        let honest = material();
        let bytes = honest.to_bytes();
        assert_eq!(Material::from_bytes(&bytes).as_ref(), Ok(&honest));
        assert_eq!(honest.check(), Ok(()));
        let accepted = |bytes: &[u8]| Material::from_bytes(bytes).is_ok_and(|read| read.check().is_ok());
        for place in 0..bytes.len() {
            for other in [b'0', b'1', b'9', b'a', b'f', b' ', b'"', b',', b'.', b'e', bytes[place] ^ 1] {
                let mut changed = bytes.clone();
                changed[place] = other;
                let is_same = changed == bytes;
                assert_eq!(accepted(&changed), is_same, "byte {place} as {:?}", char::from(other));
            }
        }
    }

    #[test]
    fn what_is_no_material_is_refused() {
        let text = String::from_utf8(material().to_bytes()).expect("JSON is a text");
        let rows = [
            (String::new(), "cannot be read"),
            (text.replacen('{', "{ ", 1), "only form"),
            (text.replacen("0.7", "0.70", 1), "only form"),
            (text.replacen("300", "4294967296", 1), "cannot be read"),
            (text.replacen("\"salt\"", "\"pepper\"", 1), "cannot be read"),
            (" ".repeat(MATERIAL_BYTES_MAX + 1), "at most"),
        ];
        for (bytes, said) in rows {
            let error = Material::from_bytes(bytes.as_bytes()).expect_err("it is no material").to_string();
            assert!(error.contains(said), "{error}");
        }
        let mut other = material();
        other.output[0] += 1;
        assert_eq!(other.check(), Err(MaterialError::NotCommitted { part: "tokens of the answer" }));
        other = material();
        other.prompt.pop();
        assert_eq!(other.check(), Err(MaterialError::NotCommitted { part: "tokens of the prompt" }));
    }
}
