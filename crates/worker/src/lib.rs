//! A provider: serves completions through an inference backend within its capacity, countersigns receipts that say what it
//! served and nothing else, and opens parts of what it committed to.
//!
//! Absent: HTTP, consumers, prices of others. A worker on another machine will speak to gateways through the same
//! methods.

mod embedding;
mod meter;
mod served;
mod tokens;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use openledger_inference::{
    Adapter, Backend, Claim, Completion, CompletionRequest, Embedder, EmbeddingRequest, Event, Material,
    ModelInfo, Opening, Prompt, RegisterError, ReplayError, Scope, SubmitError,
};
use openledger_receipt::{Predicate, ReceiptError, Statement, pre_authentication_encoding};
use openledger_types::{AccountId, Amount, Hash, Name, ServiceKey, ServiceSecret, ServiceSignature};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

pub use embedding::EmbeddingJob;
pub use meter::Measured;
use meter::Meter;
pub use served::{Bound, Served};
use tokens::Tokens;

/// Why a worker takes no job.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Every place is taken.
    #[error("all {capacity} places of the provider are taken; try again in a moment")]
    AtCapacity {
        /// How many places it has.
        capacity: u32,
    },
    /// It ends what it has begun and begins nothing.
    #[error("the provider is stopping; try again in a moment")]
    Draining,
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
    /// SHA-256 of the weights; zeros where nobody can know them, as of an engine behind HTTP.
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
    clock: Arc<Clock>,
    /// Whether places and clock are another worker's.
    is_beside: bool,
}

/// What passes, by the time since the worker began.
struct Clock {
    begun: Instant,
    meter: Mutex<Meter>,
}

impl Clock {
    fn meter<T>(&self, change: impl FnOnce(&mut Meter, std::time::Duration) -> T) -> T {
        let mut meter = self.meter.lock().expect("no holder of the lock panics");
        change(&mut meter, self.begun.elapsed())
    }
}

/// A job that runs; its place is free again when it ends or is dropped.
pub struct Job {
    completion: Completion,
    served: Served,
    running: Running,
    tokens: Tokens,
    _place: OwnedSemaphorePermit,
}

/// The time in which a job runs, and the tokens of it that the meter knows.
struct Running {
    clock: Arc<Clock>,
    counted: (u32, u32),
}

impl Running {
    fn new(clock: Arc<Clock>) -> Self {
        clock.meter(Meter::begin);
        Self { clock, counted: (0, 0) }
    }

    fn count(&mut self, served: &Served) {
        let now = (served.prompt_tokens(), served.completion_tokens());
        let more = (now.0.saturating_sub(self.counted.0), now.1.saturating_sub(self.counted.1));
        self.counted = now;
        self.clock.meter(|meter, time| meter.add(time, more.0, more.1));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.clock.meter(Meter::end);
    }
}

impl Job {
    /// The next event; `None` when there is nothing more. What passes here is what the worker signs for.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.completion.events.recv().await;
        self.served.count(event.as_ref());
        self.running.count(&self.served);
        self.tokens.keep(event.as_ref());
        event
    }

    /// Asks an engine that commits to its answers to end this one where it is; its last events are still to be read. False of
    /// another engine, whose answer ends when the job is dropped.
    pub fn cancel(&self) -> bool {
        self.completion.cancel.as_ref().inspect(|cancel| cancel.ask()).is_some()
    }

    /// Ends the job, finished or not, and says what was served, and what it is replayed from: nothing where the engine has not
    /// committed to it, or is not exact.
    pub fn end(self) -> (Served, Option<Material>) {
        (self.served, self.tokens.material())
    }
}

impl Worker {
    /// A worker for this offer.
    pub fn new(offer: Offer, service: ServiceSecret, backend: Arc<dyn Backend>) -> Self {
        let places = Arc::new(Semaphore::new(usize::try_from(offer.capacity).unwrap_or(usize::MAX >> 4)));
        let clock = Arc::new(Clock { begun: Instant::now(), meter: Mutex::default() });
        Self { offer, service, listed: None, backend, places, clock, is_beside: false }
    }

    /// The same worker on the engine of another one: both have that one's places and are measured as one.
    #[must_use]
    pub fn beside(mut self, other: &Self) -> Self {
        (self.places, self.clock, self.is_beside) = (other.places.clone(), other.clock.clone(), true);
        self
    }

    /// Whether its engine is another worker's, which has its places and its measure.
    pub fn is_beside(&self) -> bool {
        self.is_beside
    }

    /// The same worker, for which consumers ask by another name than the ledger's.
    #[must_use]
    pub fn listed_as(mut self, name: String) -> Self {
        self.listed = Some(name);
        self
    }

    /// Whether consumers may ask for it by this name: the one that is listed, or its name on the ledger.
    pub fn goes_by(&self, name: &str) -> bool {
        name == self.listed() || name == self.offer.model.as_str()
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
    pub fn model_info(&self) -> ModelInfo {
        self.backend.model_info()
    }

    /// The most tokens that a request is charged for here.
    pub fn bound(&self, prompt: &Prompt, max_tokens: u32) -> Bound {
        Bound::of(&self.backend.model_info(), prompt, max_tokens)
    }

    /// The adapter that every answer is made under; none where the model itself answers. May read it from disk.
    pub fn adapter(&self) -> Result<Option<Arc<Adapter>>, RegisterError> {
        self.backend.adapter()
    }

    /// Places that are free now.
    pub fn free(&self) -> u32 {
        u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX)
    }

    /// What it has shown that it can do, over the last minutes.
    pub fn measured(&self) -> Measured {
        self.clock.meter(Meter::measured)
    }

    /// Begins nothing from now on; what runs comes to its end.
    pub fn drain(&self) {
        self.places.close();
    }

    /// Starts a job, or refuses at once.
    pub fn start(&self, request: CompletionRequest) -> Result<Job, WorkError> {
        let place = self.place()?;
        let bound = self.bound(&request.prompt, request.max_tokens.unwrap_or(u32::MAX));
        let tokens = Tokens::of(&request);
        let completion = self.backend.submit(request)?;
        let served = Served::new(bound, completion.prompt_tokens);
        let running = Running::new(self.clock.clone());
        Ok(Job { completion, served, running, tokens, _place: place })
    }

    /// What makes vectors here; none where texts are completed.
    pub fn embedder(&self) -> Option<&Embedder> {
        self.backend.embedder()
    }

    /// Takes a place for vectors, or refuses at once.
    ///
    /// # Errors
    /// There is no place, the worker stops, or it completes texts.
    pub fn embed(&self, request: EmbeddingRequest) -> Result<EmbeddingJob, WorkError> {
        EmbeddingJob::of(self, request, self.place()?)
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, WorkError> {
        self.places.clone().try_acquire_owned().map_err(|refused| match refused {
            TryAcquireError::NoPermits => WorkError::AtCapacity { capacity: self.offer.capacity },
            TryAcquireError::Closed => WorkError::Draining,
        })
    }

    /// Opens a part of an answer that it gave, on the caller's thread; it takes as long as reading prompt and answer does.
    ///
    /// # Errors
    /// The engine is not exact, the part is none of the answer, or the answer does not come again.
    pub fn open(&self, claim: &Claim<'_>, scope: &Scope) -> Result<Opening, ReplayError> {
        self.backend.open(claim, scope)
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
        let (offer, info) = (&self.offer, self.backend.model_info());
        let specification = info.numeric_specification.unwrap_or(0);
        let rows = [
            ("provider", said.served.provider.to_string(), offer.provider.to_string()),
            ("model", said.served.model.to_string(), offer.model.to_string()),
            ("weights", said.served.weights.to_string(), offer.weights.to_string()),
            // Of an engine that commits to what it computed, that is what is signed for.
            (
                "weights",
                said.served.weights.to_string(),
                served.computed().unwrap_or(offer.weights).to_string(),
            ),
            ("engine", said.served.engine.clone(), info.engine),
            (
                "numeric_specification",
                said.served.numeric_specification.to_string(),
                specification.to_string(),
            ),
            ("prompt_tokens", said.usage.prompt_tokens.to_string(), served.prompt_tokens().to_string()),
            (
                "completion_tokens",
                said.usage.completion_tokens.to_string(),
                served.completion_tokens().to_string(),
            ),
            ("prompt_price", said.price.prompt_price.to_string(), offer.prompt_price.to_string()),
            ("completion_price", said.price.completion_price.to_string(), offer.completion_price.to_string()),
            ("commitment", said.evidence.commitment.clone(), served.commitment().to_owned()),
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
    use tokio::sync::mpsc;

    use super::*;

    /// A backend that plays events which the test sends.
    struct Played(std::sync::Mutex<Option<mpsc::Receiver<Event>>>);

    impl Backend for Played {
        fn model_info(&self) -> ModelInfo {
            ModelInfo {
                name: "played".into(),
                engine: "player".into(),
                sha256: None,
                context_tokens: 64,
                completion_tokens_max: 64,
                numeric_specification: None,
            }
        }

        fn submit(&self, _request: CompletionRequest) -> Result<Completion, SubmitError> {
            let events = self.0.lock().unwrap().take().ok_or(SubmitError::Stopped)?;
            Ok(Completion { prompt_tokens: 5, events, cancel: None })
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
        let (served, material) = job.end();
        assert_eq!(material, None, "there is no evidence for a part");
        assert_eq!((served.prompt_tokens(), served.completion_tokens()), (5, 2));
        assert_eq!((served.commitment(), served.windows()), ("", 0));
        assert_eq!(worker.free(), 1, "the place is free again");
        let measured = worker.measured();
        assert_eq!((measured.prompt_tokens, measured.completion_tokens), (5, 2));
        assert!(!measured.busy.is_zero() && measured.busy <= measured.window, "{measured:?}");
        assert!(matches!(worker.start(request()), Err(WorkError::Refused(SubmitError::Stopped))));
    }

    #[tokio::test]
    async fn workers_of_one_engine_have_its_places_and_are_measured_as_one() {
        let (sender, events) = mpsc::channel(8);
        let own = worker(events);
        let adapter = worker(mpsc::channel(1).1).listed_as("played:poet".to_owned()).beside(&own);
        assert!(adapter.is_beside() && !own.is_beside());
        assert!(["played", "played:poet"].iter().all(|name| adapter.goes_by(name)));
        assert!(own.goes_by("played") && !own.goes_by("played:poet"));
        let mut job = own.start(request()).unwrap();
        assert!(matches!(adapter.start(request()), Err(WorkError::AtCapacity { capacity: 1 })));
        sender.send(Event::Token { token_id: None, text: "word".into(), logprob: None }).await.unwrap();
        assert!(matches!(job.next().await, Some(Event::Token { .. })));
        drop(job);
        assert_eq!((adapter.free(), adapter.measured().completion_tokens), (1, 1));
    }

    #[tokio::test]
    async fn a_worker_that_drains_begins_nothing_and_ends_what_runs() {
        let (sender, events) = mpsc::channel(8);
        let worker = worker(events);
        let mut job = worker.start(request()).unwrap();
        worker.drain();
        assert!(matches!(worker.start(request()), Err(WorkError::Draining)));
        sender.send(Event::Token { token_id: None, text: "word".into(), logprob: None }).await.unwrap();
        assert!(matches!(job.next().await, Some(Event::Token { .. })));
        assert_eq!(job.end().0.completion_tokens(), 1);
        assert!(matches!(worker.start(request()), Err(WorkError::Draining)), "nor when it is idle");
    }
}
