//! A job that makes vectors: it holds a place while it runs, and what it made is what the worker signs for.
//!
//! Absent: queues; a worker without a free place refuses.

use std::sync::Arc;

use openledger_inference::{Backend, Embedded, EmbeddingFailure, EmbeddingRequest, SubmitError};
use openledger_types::Hash;
use tokio::sync::OwnedSemaphorePermit;

use crate::{Running, Served, WorkError, Worker};

/// Vectors that are to be made; the place is free again when they are, or when this is dropped.
pub struct EmbeddingJob {
    backend: Arc<dyn Backend>,
    request: EmbeddingRequest,
    running: Running,
    _place: OwnedSemaphorePermit,
}

impl EmbeddingJob {
    pub(crate) fn of(
        worker: &Worker,
        request: EmbeddingRequest,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, WorkError> {
        if worker.backend.embedder().is_none() {
            return Err(SubmitError::Unsupported { what: "texts to embed" }.into());
        }
        let running = Running::new(worker.clock.clone());
        Ok(Self { backend: worker.backend.clone(), request, running, _place: place })
    }

    /// Makes the vectors, on the caller's thread.
    ///
    /// # Errors
    /// Of an input there is no vector.
    pub fn run(mut self) -> Result<(Embedded, Served), EmbeddingFailure> {
        let embedder = self.backend.embedder().expect("it was looked for before the job was made");
        let embedded = embedder.embed(&self.request)?;
        let served = Served::embedded(&embedded, Hash(embedder.model().id()));
        self.running.count(&served);
        Ok((embedded, served))
    }
}
