//! A provider: serves completions through an inference backend within its capacity, and countersigns receipts that say
//! what it served, and nothing else.
//!
//! Absent: HTTP, consumers, prices of others. A worker on another machine will speak to gateways through the same two
//! methods.

use std::sync::Arc;

use openledger_inference::{Backend, Completion, CompletionRequest, SubmitError};
use openledger_receipt::{Predicate, ReceiptError, Statement, pre_authentication_encoding};
use openledger_types::{AccountId, Amount, Hash, Name, ServiceKey, ServiceSecret, ServiceSignature};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Why a worker takes no job.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Every place is taken.
    #[error("all {capacity} places of the provider are taken; try again in a moment")]
    AtCapacity {
        /// How many places it has.
        capacity: u32,
    },
    /// The backend refused the request.
    #[error(transparent)]
    Refused(#[from] SubmitError),
}

/// Why a worker does not sign a receipt.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The payload is not a statement.
    #[error("the provider cannot read the receipt: {0}")]
    Unreadable(#[from] ReceiptError),
    /// The receipt says something else than what was served.
    #[error("the provider does not sign a receipt that says {field} is {said}; it was {was}")]
    Differs {
        /// Which field.
        field: &'static str,
        /// What the receipt says.
        said: String,
        /// What the worker knows.
        was: String,
    },
}

/// A provider's promise for one model.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The provider's account.
    pub provider: AccountId,
    /// The model's name on the ledger.
    pub model: Name,
    /// SHA-256 of the weights.
    pub weights: Hash,
    /// Price of a prompt token.
    pub prompt_price: Amount,
    /// Price of a completion token.
    pub completion_price: Amount,
    /// Sequences at a time.
    pub capacity: u32,
}

/// A provider's worker.
pub struct Worker {
    offer: Offer,
    service: ServiceSecret,
    backend: Arc<dyn Backend>,
    places: Arc<Semaphore>,
}

/// A job that runs; its place is free again when it is dropped.
pub struct Job {
    /// Tokens as they are made.
    pub completion: Completion,
    _place: OwnedSemaphorePermit,
}

/// What the worker knows about a job that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Tokens read.
    pub prompt_tokens: u32,
    /// Tokens written.
    pub completion_tokens: u32,
    /// The evidence's commitment, empty when the job was cancelled.
    pub commitment: String,
}

impl Worker {
    /// A worker for this offer.
    pub fn new(offer: Offer, service: ServiceSecret, backend: Arc<dyn Backend>) -> Self {
        let places = Arc::new(Semaphore::new(usize::try_from(offer.capacity).unwrap_or(usize::MAX >> 4)));
        Self { offer, service, backend, places }
    }

    /// What it promises.
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    /// The backend's model: context length and numeric specification.
    pub fn model_info(&self) -> openledger_inference::ModelInfo {
        self.backend.model_info()
    }

    /// Places that are free now.
    pub fn free(&self) -> u32 {
        u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX)
    }

    /// Starts a job, or refuses at once.
    pub fn start(&self, request: CompletionRequest) -> Result<Job, WorkError> {
        let place = self
            .places
            .clone()
            .try_acquire_owned()
            .map_err(|_| WorkError::AtCapacity { capacity: self.offer.capacity })?;
        Ok(Job { completion: self.backend.submit(request)?, _place: place })
    }

    /// Countersigns a receipt's payload if it says what this worker served, at this worker's prices.
    pub fn countersign(
        &self,
        payload: &[u8],
        served: &Served,
    ) -> Result<(ServiceKey, ServiceSignature), SignError> {
        let statement = Statement::from_payload(payload)?;
        self.compare(statement.predicate(), served)?;
        Ok((self.service.key(), self.service.sign(&pre_authentication_encoding(payload))))
    }

    fn compare(&self, said: &Predicate, served: &Served) -> Result<(), SignError> {
        let offer = &self.offer;
        let rows = [
            ("provider", said.served.provider.to_string(), offer.provider.to_string()),
            ("model", said.served.model.to_string(), offer.model.to_string()),
            ("weights", said.served.weights.to_string(), offer.weights.to_string()),
            ("prompt_tokens", said.usage.prompt_tokens.to_string(), served.prompt_tokens.to_string()),
            (
                "completion_tokens",
                said.usage.completion_tokens.to_string(),
                served.completion_tokens.to_string(),
            ),
            ("prompt_price", said.price.prompt_price.to_string(), offer.prompt_price.to_string()),
            ("completion_price", said.price.completion_price.to_string(), offer.completion_price.to_string()),
            ("commitment", said.evidence.commitment.clone(), served.commitment.clone()),
        ];
        for (field, said, was) in rows {
            if said != was {
                return Err(SignError::Differs { field, said, was });
            }
        }
        Ok(())
    }
}
