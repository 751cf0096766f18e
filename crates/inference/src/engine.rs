//! The embedded engine: a model, a thread that schedules, and threads that compute.
//!
//! Rule: the engine owns its threads and joins them when it is shut down or dropped.
//! Absent: the schedule itself (`scheduler`), the arithmetic (`model`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use openledger_model::{Model, NUMERIC_SPECIFICATION, PAGE_TOKENS, Runner, RunnerConfig, RunnerError};
use tokio::sync::mpsc;

use crate::adapters::{AdapterStore, RegisterError};
use crate::admission::Admission;
use crate::backend::{Backend, ModelInfo};
use crate::choose::Constraint;
use crate::config::EngineConfig;
use crate::events::{Cancel, Completion};
use crate::evidence::{Hash, Opening, Scope};
use crate::grammar::TokenTable;
use crate::replay::{Auditor, Claim, ReplayError};
use crate::request::{self, CompletionRequest, SubmitError};
use crate::sampler::Sampling;
use crate::scheduler::Scheduler;
use crate::sequence::{Job, JobAdapter};

/// Name and version, as receipts tell them.
const NAME: &str = concat!("openledger-inference/", env!("CARGO_PKG_VERSION"));

/// Completes prompts with one model, several at a time.
pub struct Engine {
    model: Arc<Model>,
    config: EngineConfig,
    adapters: Option<Arc<AdapterStore>>,
    admission: Arc<Admission>,
    gauges: Arc<Gauges>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The vocabulary as grammars need it, made for the first of them.
    table: OnceLock<Arc<TokenTable>>,
}

/// What an engine is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Requests that wait.
    pub waiting: usize,
    /// Requests that are computed.
    pub running: usize,
    /// Pages of the key-value cache that requests hold. What is only remembered gives way and is not counted.
    pub pages_held: usize,
    /// Pages of the key-value cache.
    pub pages: usize,
}

/// What the engine's thread tells about itself after every step.
#[derive(Default)]
pub(crate) struct Gauges {
    pub(crate) running: AtomicUsize,
    pub(crate) pages_held: AtomicUsize,
}

/// Why an engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its computing threads could not start.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The adapters are for another model.
    #[error(
        "the adapters are for a model of another shape than {model}; start the engine with their base model"
    )]
    Adapters {
        /// The model's name.
        model: String,
    },
    /// Its own thread could not start.
    #[error("the engine's thread could not be started: {0}; free some memory or threads")]
    Thread(std::io::Error),
}

impl Engine {
    /// Starts an engine. Numbers out of range in `config` are brought into it.
    pub fn start(model: Arc<Model>, config: EngineConfig) -> Result<Engine, StartError> {
        Engine::start_with(model, config, None)
    }

    /// Starts an engine that also answers under the adapters of a store.
    pub fn start_with(
        model: Arc<Model>,
        config: EngineConfig,
        adapters: Option<Arc<AdapterStore>>,
    ) -> Result<Engine, StartError> {
        if adapters.as_ref().is_some_and(|store| store.base().shape != *model.shape()) {
            return Err(StartError::Adapters { model: model.name().to_owned() });
        }
        let config = config.bounded();
        let runner = Runner::new(
            Arc::clone(&model),
            RunnerConfig {
                threads: config.threads,
                cache_tokens_max: config.cache_tokens_max,
                instruction_set: None,
            },
        )?
        .recording();
        let (queue, lane) = (config.queue_requests_max, config.lane_requests_max);
        let admission = Arc::new(Admission::new(queue, lane, adapters.clone()));
        if let Some(store) = &adapters {
            let admission = Arc::downgrade(&admission);
            store.subscribe(Box::new(move || {
                if let Some(admission) = admission.upgrade() {
                    admission.wake();
                }
            }));
        }
        let gauges = Arc::new(Gauges::default());
        let scheduler = Scheduler::new(runner, config.clone(), Arc::clone(&admission), Arc::clone(&gauges));
        let thread = std::thread::Builder::new()
            .name("inference".to_owned())
            .spawn(move || scheduler.run())
            .map_err(StartError::Thread)?;
        Ok(Engine {
            model,
            config,
            adapters,
            admission,
            gauges,
            thread: Mutex::new(Some(thread)),
            table: OnceLock::new(),
        })
    }

    /// The model that this engine computes.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The adapters that this engine answers under.
    pub fn adapters(&self) -> Option<&Arc<AdapterStore>> {
        self.adapters.as_ref()
    }

    /// Accepts a request and returns at once; only its prompt is turned into tokens here.
    pub fn submit(&self, request: CompletionRequest) -> Result<Completion, SubmitError> {
        request::check_request(&request, self.config.prompt_bytes_max)?;
        let prompt = request::prompt_tokens(&self.model, &request.prompt)?;
        let prompt_tokens = u32::try_from(prompt.len()).unwrap_or(u32::MAX);
        let max_tokens = self.max_tokens(&request, prompt.len())?;
        let adapter = match request.adapter {
            None => JobAdapter::None,
            Some(name) => {
                match &self.adapters {
                    Some(store) => store.want(&name)?,
                    None => return Err(SubmitError::UnknownAdapter { name }),
                }
                JobAdapter::Wanted(name)
            }
        };
        let (events, receiver) = mpsc::channel(self.config.event_capacity);
        let grammar = request.grammar.as_ref().map(|grammar| grammar.hash());
        let constraint = request.grammar.map(|grammar| Constraint { grammar, table: self.table() });
        let job = Job {
            prompt,
            adapter,
            max_tokens,
            sampling: Sampling { grammar, ..request.sampling },
            constraint,
            logprobs: request.logprobs,
            lane: request.lane,
            stop: request.stop,
            salt: request.salt,
            events,
            cancel: Cancel::default(),
        };
        let cancel = Some(job.cancel.clone());
        self.admission.push(job)?;
        Ok(Completion { prompt_tokens, events: receiver, cancel })
    }

    fn table(&self) -> Arc<TokenTable> {
        self.table.get_or_init(|| Arc::new(TokenTable::new(self.model.tokenizer()))).clone()
    }

    /// What the engine is busy with now.
    pub fn load(&self) -> Load {
        Load {
            waiting: self.admission.waiting(),
            running: self.gauges.running.load(Ordering::Relaxed),
            pages_held: self.gauges.pages_held.load(Ordering::Relaxed),
            pages: self.config.cache_tokens_max.div_ceil(PAGE_TOKENS),
        }
    }

    /// The longest answer that request, engine and context allow.
    fn max_tokens(&self, request: &CompletionRequest, prompt: usize) -> Result<usize, SubmitError> {
        let limit = self.config.completion_tokens_max;
        let wanted = request.max_tokens.unwrap_or(limit).min(limit) as usize;
        let max_tokens = wanted.min(self.model.context_length() - prompt);
        let tokens = prompt + max_tokens;
        let cache = self.config.cache_tokens_max / PAGE_TOKENS * PAGE_TOKENS;
        if tokens > cache {
            return Err(SubmitError::CacheTooSmall { tokens, limit: cache });
        }
        Ok(max_tokens)
    }

    /// Ends all requests with [`crate::GenerationError::ShuttingDown`] and joins the threads. A second
    /// call does nothing.
    pub fn shutdown(&self) {
        self.admission.close();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // The thread's own panic has been reported by its hook; there is nothing to add here.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl Backend for Engine {
    fn model_info(&self) -> ModelInfo {
        ModelInfo {
            name: self.model.name().to_owned(),
            engine: NAME.to_owned(),
            sha256: Some(Hash(self.model.sha256())),
            context_tokens: self.model.context_length(),
            completion_tokens_max: self.config.completion_tokens_max,
            numeric_specification: Some(NUMERIC_SPECIFICATION),
        }
    }

    fn submit(&self, request: CompletionRequest) -> Result<Completion, SubmitError> {
        Engine::submit(self, request)
    }

    fn open(&self, claim: &Claim<'_>, scope: &Scope) -> Result<Opening, ReplayError> {
        let mut auditor = Auditor::new(Arc::clone(&self.model), 1, None)?;
        if let Some(id) = claim.evidence.adapter {
            let store = self.adapters.as_ref().ok_or(RegisterError::Unknown { id })?;
            auditor = auditor.under(store.open(id)?);
        }
        auditor.open(claim, scope)
    }
}
