//! What every engine offers, the embedded one and those behind a network alike.
//!
//! Rule: submitting never waits for computation; the answer arrives as events.
//! Absent: any implementation; the embedded engine and those behind HTTP (`upstream`) are two.

use std::sync::Arc;

use openledger_model::Adapter;

use crate::adapters::RegisterError;
use crate::embedding::Embedder;
use crate::events::Completion;
use crate::evidence::{Hash, Opening, Scope};
use crate::replay::{Claim, ReplayError};
use crate::request::{CompletionRequest, SubmitError};

/// An engine that completes prompts with one model.
pub trait Backend: Send + Sync {
    /// The model that this backend serves.
    fn model_info(&self) -> ModelInfo;

    /// Accepts a request, or says why not.
    fn submit(&self, request: CompletionRequest) -> Result<Completion, SubmitError>;

    /// The adapter that every answer is made under; none where the model itself answers. May read it from disk.
    fn adapter(&self) -> Result<Option<Arc<Adapter>>, RegisterError> {
        Ok(None)
    }

    /// Opens a part of an answer that this backend gave, by computing it anew, on the caller's thread. Engines
    /// whose arithmetic cannot be repeated have nothing to open.
    fn open(&self, _claim: &Claim<'_>, _scope: &Scope) -> Result<Opening, ReplayError> {
        Err(ReplayError::NotExact)
    }

    /// What makes vectors of texts here; none where texts are completed.
    fn embedder(&self) -> Option<&Embedder> {
        None
    }
}

/// What receipts and lists call the strength of what stands behind answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Whoever has the model's file recomputes an answer bit by bit.
    Exact,
    /// Whoever has the file that the provider names finds out whether an answer is as near to it as roundings are
    /// ([`crate::consistency()`]), and never a proof.
    Consistent,
    /// Nothing: which model answered is the provider's word.
    None,
}

impl Tier {
    /// The customary name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Tier::Exact => "exact",
            Tier::Consistent => "consistent",
            Tier::None => "none",
        }
    }
}

impl ModelInfo {
    /// What stands behind the answers of this backend.
    pub const fn tier(&self) -> Tier {
        match (self.numeric_specification, self.sha256) {
            (Some(_), _) => Tier::Exact,
            (None, Some(_)) => Tier::Consistent,
            (None, None) => Tier::None,
        }
    }
}

/// A model as a backend serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// The name that the model gives itself.
    pub name: String,
    /// Name and version of the engine, as receipts tell it.
    pub engine: String,
    /// SHA-256 of the model's file, where it is known; of an engine behind HTTP by its operator's word.
    pub sha256: Option<Hash>,
    /// Longest prompt and answer together, in tokens.
    pub context_tokens: usize,
    /// Most tokens of one answer; a request for more gets so many.
    pub completion_tokens_max: u32,
    /// The numeric specification of exact backends; `None` where results cannot be recomputed exactly.
    pub numeric_specification: Option<u32>,
}
