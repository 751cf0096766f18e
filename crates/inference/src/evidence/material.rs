//! What an auditor is handed beside the model's file: the tokens, the salt and the evidence.
//!
//! Rule: whoever holds it can replay the answer. It says what prompt and answer were, so it is for whoever
//! may read them.
//! Absent: where it is kept, and its JSON's bytes.

use serde::{Deserialize, Serialize};

use super::{Evidence, Hash};
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

impl Material {
    /// The answer as its provider claims to have computed it.
    pub fn claim(&self) -> Claim<'_> {
        Claim {
            prompt: &self.prompt,
            output: &self.output,
            salt: &self.salt.0,
            evidence: &self.evidence,
            grammar: None,
        }
    }
}
