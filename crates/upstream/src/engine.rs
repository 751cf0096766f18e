//! An engine behind HTTP as a [`Backend`].

use std::sync::{Arc, Mutex, MutexGuard};

use openledger_inference::{
    Backend, Completion, CompletionRequest, Event, ModelInfo, PROMPT_BYTES_MAX, SubmitError, check_request,
};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::answer::{self, End};
use crate::config::{ConfigError, UpstreamConfig};
use crate::connection::Connection;
use crate::error::{UpstreamError, unavailable};
use crate::health::{Circuit, Passage};
use crate::probe;
use crate::protocol;

/// Requests that one engine is given at a time. What it cannot compute at once waits in its own queue.
pub const REQUESTS_MAX: usize = 256;
/// Events of one answer that wait for its reader.
const EVENTS_MAX: usize = 64;

/// An engine behind HTTP. Dropping it ends its answers and its looks at the engine's health.
pub struct Upstream {
    shared: Arc<Shared>,
    runtime: Handle,
    places: Arc<Semaphore>,
    /// The looks, and the answers in flight.
    tasks: Mutex<JoinSet<()>>,
}

/// What answers and looks have in common.
struct Shared {
    connection: Connection,
    circuit: Mutex<Circuit>,
    /// Told of failures, after which the next look comes sooner.
    failed: Notify,
}

impl Upstream {
    /// Begins to look at the engine, on `runtime`. It may start later: until then requests are refused with the reason.
    pub fn start(config: UpstreamConfig, runtime: &Handle) -> Result<Self, ConfigError> {
        let connection = Connection::new(config)?;
        let shared =
            Arc::new(Shared { connection, circuit: Mutex::new(Circuit::default()), failed: Notify::new() });
        let mut tasks = JoinSet::new();
        let looking = shared.clone();
        tasks.spawn_on(async move { looking.keep_looking().await }, runtime);
        Ok(Self {
            shared,
            runtime: runtime.clone(),
            places: Arc::new(Semaphore::new(REQUESTS_MAX)),
            tasks: Mutex::new(tasks),
        })
    }

    /// Looks at the engine now: whether it answers, serves the model and has the promised context.
    pub async fn look(&self) -> Result<(), UpstreamError> {
        self.shared.look().await
    }
}

impl Backend for Upstream {
    fn model_info(&self) -> ModelInfo {
        let config = &self.shared.connection.config;
        ModelInfo {
            name: config.model.clone(),
            engine: config.kind.said().to_owned(),
            sha256: config.weights,
            context_tokens: usize::try_from(config.context_tokens).unwrap_or(usize::MAX),
            completion_tokens_max: config.context_tokens,
            numeric_specification: None,
        }
    }

    /// Tokens of the prompt are counted by the engine, and known at the end: [`Completion::prompt_tokens`] is 0.
    fn submit(&self, request: CompletionRequest) -> Result<Completion, SubmitError> {
        check_request(&request, PROMPT_BYTES_MAX)?;
        let config = &self.shared.connection.config;
        let call = protocol::call(config, &request)?;
        let place = self
            .places
            .clone()
            .try_acquire_owned()
            .map_err(|_| SubmitError::QueueFull { limit: REQUESTS_MAX })?;
        let passage = self.shared.circuit().pass().map_err(unavailable)?;
        let trial = match passage {
            Passage::Ordinary => None,
            Passage::Trial(number) => Some(Tried { shared: self.shared.clone(), number }),
        };
        let tokens_max = request.max_tokens.unwrap_or(u32::MAX).min(config.context_tokens);
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let shared = self.shared.clone();
        let mut tasks = self.tasks.lock().expect("no holder of the lock panics");
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(
            async move {
                shared.answer(&call, tokens_max, sender, trial).await;
                drop(place);
            },
            &self.runtime,
        );
        Ok(Completion { prompt_tokens: 0, events, cancel: None })
    }
}

/// A request that tries an engine. Dropping it lets the next one try: when the answer begins, at its end, or with the engine.
pub(crate) struct Tried {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Tried {
    fn drop(&mut self) {
        self.shared.circuit().tried(self.number);
    }
}

impl Shared {
    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().expect("no holder of the lock panics")
    }

    async fn answer(
        &self,
        call: &protocol::Call,
        tokens_max: u32,
        sender: mpsc::Sender<Event>,
        trial: Option<Tried>,
    ) {
        // A place for the last event, so that it comes even to a reader that left the others lying.
        let Ok(last) = sender.clone().reserve_owned().await else { return };
        let ended = tokio::select! {
            ended = answer::run(&self.connection, call, tokens_max, &sender, trial) => ended,
            // Nobody listens: the connection is dropped, and the engine stops.
            () = sender.closed() => return,
        };
        match &ended {
            Ok(_) => self.circuit().answered(),
            Err(End::Engine(error)) => {
                self.note(error);
                self.failed.notify_one();
            }
            Err(End::Stalled(_)) => {}
        }
        last.send(match ended {
            Ok(done) => Event::Done(done),
            Err(end) => Event::Error((&end).into()),
        });
    }

    async fn look(&self) -> Result<(), UpstreamError> {
        let seen = probe::look(&self.connection).await;
        match &seen {
            Ok(()) => self.circuit().looked_well(),
            Err(error) => self.note(error),
        }
        seen
    }

    async fn keep_looking(&self) {
        loop {
            // The reason is kept, and told to whoever asks for an answer.
            let _ = self.look().await;
            let every = self.connection.config.limits.probe_every;
            let wait = self.circuit().wait(every);
            if tokio::time::timeout(wait, self.failed.notified()).await.is_ok() {
                // An answer failed: the wait is another one from now.
                let wait = self.circuit().wait(every);
                tokio::time::sleep(wait).await;
            }
        }
    }

    /// Counts a failure of the engine, not of one request.
    fn note(&self, error: &UpstreamError) {
        tracing::warn!("{error}");
        if error.is_of_engine() {
            self.circuit().failed(error.to_string());
        }
    }
}
