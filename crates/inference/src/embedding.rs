//! The embedded engine for embeddings: lists of tokens to vectors, and a commitment to them.
//!
//! Rule: a vector depends on its tokens and the model alone, so whoever has the texts, the salt and the model's files computes the
//! commitment again. The digest of vectors is theirs alone: whoever received them can compare them with a receipt.
//! Absent: queues (a vector takes less time than a token of a chat), texts' limits over a whole request, prices.

use std::sync::Arc;

use openledger_model::{EmbedError, EmbeddingModel, NUMERIC_SPECIFICATION};
use sha2::{Digest as _, Sha256};

use crate::backend::{Backend, ModelInfo};
use crate::events::Completion;
use crate::evidence::{Hash, hasher};
use crate::request::{CompletionRequest, SubmitError};

/// Name and version of the engine, as receipts tell it.
const NAME: &str = concat!("openledger-embeddings/", env!("CARGO_PKG_VERSION"));

/// Lists of tokens that become vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingRequest {
    /// The tokens of each vector.
    pub inputs: Vec<Vec<u32>>,
    /// The length of the vectors; the model's own where none is named.
    pub dimensions: Option<usize>,
    /// What the commitment is salted with.
    pub salt: [u8; 32],
}

/// Why there are no vectors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddingFailure {
    /// Of one input there is no vector.
    #[error("input {place}: {reason}")]
    Input {
        /// Which, from 0.
        place: usize,
        /// Why.
        reason: EmbedError,
    },
    /// The model has no such vectors.
    #[error("{0}")]
    Dimensions(EmbedError),
}

/// Vectors, and what their provider commits to.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// One for each input.
    pub vectors: Vec<Vec<f32>>,
    /// SHA-256 over all of them, in order, as little-endian binary32.
    pub digest: Hash,
    /// The salted hash of the model, the inputs and the vectors.
    pub commitment: Hash,
    /// The tokens of all inputs.
    pub tokens: u32,
}

/// An engine that makes vectors of one model.
pub struct Embedder {
    name: String,
    model: Arc<EmbeddingModel>,
}

impl Embedder {
    /// An engine for a model of this name.
    pub fn new(name: String, model: Arc<EmbeddingModel>) -> Self {
        Self { name, model }
    }

    /// The model.
    pub fn model(&self) -> &EmbeddingModel {
        &self.model
    }

    /// The length of vectors where none is named.
    pub fn dimensions(&self) -> usize {
        self.model.dimensions().last().copied().unwrap_or(0)
    }

    /// Finds what is wrong with a request, without computing anything.
    ///
    /// # Errors
    /// The model has no vectors of such a length, or none of one of the inputs.
    pub fn check(&self, request: &EmbeddingRequest) -> Result<(), EmbeddingFailure> {
        let dimensions = request.dimensions.unwrap_or(self.dimensions());
        self.model.check_dimensions(dimensions).map_err(EmbeddingFailure::Dimensions)?;
        for (place, tokens) in request.inputs.iter().enumerate() {
            self.model.check(tokens).map_err(|reason| EmbeddingFailure::Input { place, reason })?;
        }
        Ok(())
    }

    /// The vectors of a request, on the caller's thread.
    ///
    /// # Errors
    /// [`Embedder::check`], or an input's tokens sum to nothing.
    pub fn embed(&self, request: &EmbeddingRequest) -> Result<Embedded, EmbeddingFailure> {
        self.check(request)?;
        let dimensions = request.dimensions.unwrap_or(self.dimensions());
        let mut vectors = Vec::with_capacity(request.inputs.len());
        for (place, tokens) in request.inputs.iter().enumerate() {
            let vector = self.model.embed(tokens, dimensions);
            vectors.push(vector.map_err(|reason| EmbeddingFailure::Input { place, reason })?);
        }
        let digest = digest(&vectors);
        let tokens = request.inputs.iter().map(Vec::len).sum::<usize>();
        Ok(Embedded {
            commitment: self.commitment(request, dimensions, digest),
            vectors,
            digest,
            tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
        })
    }

    fn commitment(&self, request: &EmbeddingRequest, dimensions: usize, digest: Hash) -> Hash {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
        let mut hasher = hasher("embeddings", &request.salt);
        hasher.update(self.model.id());
        hasher.update(NUMERIC_SPECIFICATION.to_le_bytes());
        hasher.update(count(dimensions));
        hasher.update(count(request.inputs.len()));
        for tokens in &request.inputs {
            hasher.update(count(tokens.len()));
            tokens.iter().for_each(|token| hasher.update(token.to_le_bytes()));
        }
        hasher.update(digest.0);
        Hash(hasher.finalize().into())
    }
}

/// SHA-256 over vectors, in order, as little-endian binary32.
fn digest(vectors: &[Vec<f32>]) -> Hash {
    let mut hasher = Sha256::new();
    for vector in vectors {
        let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
        hasher.update(bytes);
    }
    Hash(hasher.finalize().into())
}

impl Backend for Embedder {
    fn model_info(&self) -> ModelInfo {
        ModelInfo {
            name: self.name.clone(),
            engine: NAME.to_owned(),
            sha256: Some(Hash(self.model.id())),
            context_tokens: openledger_model::EMBEDDED_TOKENS_MAX,
            completion_tokens_max: 0,
            numeric_specification: Some(NUMERIC_SPECIFICATION),
        }
    }

    fn submit(&self, _request: CompletionRequest) -> Result<Completion, SubmitError> {
        Err(SubmitError::Unsupported { what: "prompts: it makes embeddings" })
    }

    fn embedder(&self) -> Option<&Embedder> {
        Some(self)
    }
}
