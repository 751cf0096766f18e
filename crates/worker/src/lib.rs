//! A provider: serves completions through an inference backend within its capacity, and countersigns receipts that say
//! what it served, and nothing else.
//!
//! Absent: HTTP, consumers, prices of others. A worker on another machine will speak to gateways through the same two
//! methods.

use std::sync::Arc;

use openledger_inference::{
    Adapter, Backend, Completion, CompletionRequest, Event, RegisterError, SubmitError,
};
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
    /// The name that consumers ask for, where it is not the ledger's.
    listed: Option<String>,
    backend: Arc<dyn Backend>,
    places: Arc<Semaphore>,
}

/// A job that runs; its place is free again when it ends or is dropped.
pub struct Job {
    completion: Completion,
    served: Served,
    _place: OwnedSemaphorePermit,
}

impl Job {
    /// The next event; `None` when there is nothing more. What passes here is what the worker signs for.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.completion.events.recv().await;
        self.served.count(event.as_ref());
        event
    }

    /// Ends the job, finished or not, and says what was served.
    pub fn end(self) -> Served {
        self.served
    }
}

/// What a worker served, by its own count. Only a worker makes one, so that it never signs somebody else's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    prompt_tokens: u32,
    completion_tokens: u32,
    commitment: String,
    windows: u32,
    /// What was computed, by the evidence: the adapter, or without one the model.
    computed: Option<Hash>,
}

impl Served {
    /// Tokens read.
    pub fn prompt_tokens(&self) -> u32 {
        self.prompt_tokens
    }

    /// Tokens written.
    pub fn completion_tokens(&self) -> u32 {
        self.completion_tokens
    }

    /// The evidence's commitment; empty when the job did not come to its end or the engine is not exact.
    pub fn commitment(&self) -> &str {
        &self.commitment
    }

    /// Windows of the evidence.
    pub fn windows(&self) -> u32 {
        self.windows
    }

    fn count(&mut self, event: Option<&Event>) {
        match event {
            Some(Event::Token { .. }) => self.completion_tokens = self.completion_tokens.saturating_add(1),
            Some(Event::Done(done)) => {
                self.prompt_tokens = done.prompt_tokens;
                self.completion_tokens = done.completion_tokens;
                if let Some(evidence) = done.proof.evidence() {
                    self.commitment = evidence.commitment.to_string();
                    self.windows = evidence.windows();
                    self.computed = Some(Hash(evidence.adapter.unwrap_or(evidence.model_sha256).0));
                }
            }
            Some(Event::Error(_)) | None => {}
        }
    }
}

impl Worker {
    /// A worker for this offer.
    pub fn new(offer: Offer, service: ServiceSecret, backend: Arc<dyn Backend>) -> Self {
        let places = Arc::new(Semaphore::new(usize::try_from(offer.capacity).unwrap_or(usize::MAX >> 4)));
        Self { offer, service, listed: None, backend, places }
    }

    /// The same worker, for which consumers ask by another name than the ledger's.
    #[must_use]
    pub fn listed_as(mut self, name: String) -> Self {
        self.listed = Some(name);
        self
    }

    /// The name that consumers ask for.
    pub fn listed(&self) -> &str {
        self.listed.as_deref().unwrap_or(self.offer.model.as_str())
    }

    /// What it promises.
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    /// The backend's model: context length and numeric specification.
    pub fn model_info(&self) -> openledger_inference::ModelInfo {
        self.backend.model_info()
    }

    /// The adapter that every answer is made under; none where the model itself answers. May read it from disk.
    pub fn adapter(&self) -> Result<Option<Arc<Adapter>>, RegisterError> {
        self.backend.adapter()
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
        let completion = self.backend.submit(request)?;
        let prompt_tokens = completion.prompt_tokens;
        let served = Served {
            prompt_tokens,
            completion_tokens: 0,
            commitment: String::new(),
            windows: 0,
            computed: None,
        };
        Ok(Job { completion, served, _place: place })
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
        let specification = self.model_info().numeric_specification.unwrap_or(0);
        let rows = [
            ("provider", said.served.provider.to_string(), offer.provider.to_string()),
            ("model", said.served.model.to_string(), offer.model.to_string()),
            ("weights", said.served.weights.to_string(), offer.weights.to_string()),
            // Of an engine that commits to what it computed, that is what is signed for.
            (
                "weights",
                said.served.weights.to_string(),
                served.computed.unwrap_or(offer.weights).to_string(),
            ),
            ("prompt_tokens", said.usage.prompt_tokens.to_string(), served.prompt_tokens.to_string()),
            (
                "completion_tokens",
                said.usage.completion_tokens.to_string(),
                served.completion_tokens.to_string(),
            ),
            ("prompt_price", said.price.prompt_price.to_string(), offer.prompt_price.to_string()),
            ("completion_price", said.price.completion_price.to_string(), offer.completion_price.to_string()),
            (
                "numeric_specification",
                said.served.numeric_specification.to_string(),
                specification.to_string(),
            ),
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

#[cfg(test)]
mod tests {
    use openledger_inference::{ModelInfo, Prompt};
    use tokio::sync::mpsc;

    use super::*;

    /// A backend that plays events which the test sends.
    struct Played(std::sync::Mutex<Option<mpsc::Receiver<Event>>>);

    impl Backend for Played {
        fn model_info(&self) -> ModelInfo {
            ModelInfo { name: "played".into(), sha256: None, context_tokens: 64, numeric_specification: None }
        }

        fn submit(&self, _request: CompletionRequest) -> Result<Completion, SubmitError> {
            let events = self.0.lock().unwrap().take().ok_or(SubmitError::Stopped)?;
            Ok(Completion { prompt_tokens: 7, events })
        }
    }

    fn worker(events: mpsc::Receiver<Event>) -> Worker {
        let offer = Offer {
            provider: AccountId([1; 20]),
            model: "played".parse().unwrap(),
            weights: Hash([2; 32]),
            prompt_price: Amount(5),
            completion_price: Amount(40),
            capacity: 1,
        };
        let backend = Arc::new(Played(std::sync::Mutex::new(Some(events))));
        Worker::new(offer, ServiceSecret::from_bytes([3; 32]), backend)
    }

    fn request() -> CompletionRequest {
        CompletionRequest::new(Prompt::Text("hello".into()))
    }

    #[tokio::test]
    async fn a_worker_counts_for_itself_and_a_job_that_is_cut_has_no_evidence() {
        let (sender, events) = mpsc::channel(8);
        let worker = worker(events);
        let mut job = worker.start(request()).unwrap();
        assert!(matches!(worker.start(request()), Err(WorkError::AtCapacity { capacity: 1 })));
        for token_id in 0..3 {
            sender
                .send(Event::Token { token_id: Some(token_id), text: "word".into(), logprob: None })
                .await
                .unwrap();
        }
        for _ in 0..2 {
            assert!(matches!(job.next().await, Some(Event::Token { .. })));
        }
        let served = job.end();
        assert_eq!((served.prompt_tokens(), served.completion_tokens()), (7, 2));
        assert_eq!((served.commitment(), served.windows()), ("", 0));
        assert_eq!(worker.free(), 1, "the place is free again");
        assert!(matches!(worker.start(request()), Err(WorkError::Refused(SubmitError::Stopped))));
    }
}
