//! One request while it is computed.
//!
//! Rule: tokens, text and evidence of a request live here and nowhere else; a sequence knows nothing of
//! the batch that it is part of.
//! Absent: the cache and the forward pass.

use std::sync::Arc;
use std::time::{Duration, Instant};

use openledger_model::{Adapter, AdapterId, Cache, Detokenizer, Model, Sequence};
use tokio::sync::mpsc;

use crate::adapters::AdapterName;
use crate::choose::{Chooser, Constraint};
use crate::config::EngineConfig;
use crate::events::{Cancel, Done, Event, FinishReason, GenerationError, Proof};
use crate::evidence::{Answer, Evidence};
use crate::logprobs::token_logprob;
use crate::sampler::Sampling;
use crate::stop::StopMatcher;

/// A request that has been checked and turned into tokens.
pub(crate) struct Job {
    pub(crate) prompt: Vec<u32>,
    pub(crate) adapter: JobAdapter,
    pub(crate) max_tokens: usize,
    pub(crate) sampling: Sampling,
    pub(crate) constraint: Option<Constraint>,
    /// See [`crate::CompletionRequest::logprobs`].
    pub(crate) logprobs: Option<u8>,
    pub(crate) lane: u64,
    pub(crate) stop: Vec<String>,
    pub(crate) salt: [u8; 32],
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) cancel: Cancel,
}

impl Job {
    /// Whether somebody still waits for it. One that was cancelled before it began gets its last event here.
    pub(crate) fn is_wanted(&self) -> bool {
        if self.cancel.is_asked() {
            let _ = self.events.try_send(Event::Error(GenerationError::Cancelled));
        }
        !self.events.is_closed() && !self.cancel.is_asked()
    }
}

/// What a job is to be computed under.
pub(crate) enum JobAdapter {
    /// The model itself.
    None,
    /// An adapter, which may have to be read first.
    Wanted(AdapterName),
    /// An adapter in memory, which stays there while this is held.
    Ready(Arc<Adapter>),
    /// The adapter could not be read.
    Failed(Arc<str>),
}

/// A request that has pages in the cache.
pub(crate) struct Active {
    /// Prompt, then the answer so far.
    pub(crate) tokens: Vec<u32>,
    prompt_length: usize,
    cached_length: usize,
    max_tokens: usize,
    sampling: Sampling,
    logprobs: Option<u8>,
    chooser: Chooser,
    pub(crate) sequence: Sequence,
    pub(crate) adapter: Option<Arc<Adapter>>,
    detokenizer: Detokenizer,
    stop: StopMatcher,
    salt: [u8; 32],
    events: mpsc::Sender<Event>,
    cancel: Cancel,
    /// When the reader was last known to keep up.
    read_at: Instant,
    /// How long it did not, in all its pauses that are over.
    paused: Duration,
    is_paused: bool,
}

impl JobAdapter {
    /// The adapter that is in memory.
    pub(crate) fn ready(self) -> Option<Arc<Adapter>> {
        match self {
            JobAdapter::Ready(adapter) => Some(adapter),
            _ => None,
        }
    }

    /// What it computes.
    pub(crate) fn id(&self) -> Option<AdapterId> {
        match self {
            JobAdapter::Ready(adapter) => Some(adapter.id()),
            _ => None,
        }
    }
}

impl Active {
    /// Starts a job on a sequence that may already hold a remembered prefix.
    pub(crate) fn new(job: Job, sequence: Sequence, model: &Model) -> Active {
        Active {
            chooser: Chooser::new(job.sampling, job.constraint, &job.prompt, model.tokenizer()),
            prompt_length: job.prompt.len(),
            cached_length: sequence.length(),
            tokens: job.prompt,
            max_tokens: job.max_tokens,
            sampling: job.sampling,
            logprobs: job.logprobs,
            sequence,
            adapter: job.adapter.ready(),
            detokenizer: Detokenizer::default(),
            stop: StopMatcher::new(job.stop),
            salt: job.salt,
            events: job.events,
            cancel: job.cancel,
            read_at: Instant::now(),
            paused: Duration::ZERO,
            is_paused: false,
        }
    }

    /// Tokens that are known but not yet computed; one when the request is streaming.
    pub(crate) fn pending(&self) -> &[u32] {
        &self.tokens[self.sequence.length()..]
    }

    /// What the adapter computes.
    pub(crate) fn adapter_id(&self) -> Option<AdapterId> {
        self.adapter.as_ref().map(|adapter| adapter.id())
    }

    /// Whether the first token of the answer has been chosen.
    pub(crate) fn is_streaming(&self) -> bool {
        self.tokens.len() > self.prompt_length
    }

    /// Whether the caller has dropped the receiver.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.events.is_closed()
    }

    /// Ends the answer where it is, if that was asked for: with evidence for the tokens that there are.
    pub(crate) fn end_if_asked(&self, model: &Model, cache: &Cache) -> bool {
        if !self.cancel.is_asked() {
            return false;
        }
        if self.is_streaming() {
            self.finish(model, cache, FinishReason::Cancelled);
        } else {
            self.fail(GenerationError::Cancelled);
        }
        true
    }

    /// Whether the reader has room for a token and a last event. Remembers when it had.
    pub(crate) fn has_room(&mut self) -> bool {
        let room = self.events.capacity() >= 2;
        if room && self.is_paused {
            self.paused += self.read_at.elapsed();
        }
        self.is_paused = !room;
        if room {
            self.read_at = Instant::now();
        }
        room
    }

    /// How long all pauses for the reader took together, in milliseconds, if that or the last of them is too long.
    pub(crate) fn stalled(&mut self, config: &EngineConfig) -> Option<u64> {
        if self.has_room() {
            return None;
        }
        let last = self.read_at.elapsed();
        let [last, all] =
            [last, self.paused + last].map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        (last > config.stall_ms_max || all > config.stalls_ms_max).then_some(all)
    }

    /// Chooses the next token, sends it, and says whether the answer is complete.
    pub(crate) fn step(&mut self, model: &Model, cache: &Cache, logits: &[f32]) -> bool {
        let answer = &self.tokens[self.prompt_length..];
        let token = self.chooser.choose(logits, answer, model.tokenizer());
        self.tokens.push(token);
        let (text, reason) = self.text_of(model, token);
        let told = |top| Box::new(token_logprob(logits, token, top, model.tokenizer()));
        let logprob = self.logprobs.map(told);
        // The room for both events was checked before the step; a closed channel cancels on the next.
        let _ = self.events.try_send(Event::Token { token_id: Some(token), text, logprob });
        if let Some(reason) = reason {
            self.finish(model, cache, reason);
        }
        reason.is_some()
    }

    /// The text that becomes certain with `token`, and why the answer ends here, if it does.
    fn text_of(&mut self, model: &Model, token: u32) -> (String, Option<FinishReason>) {
        let tokenizer = model.tokenizer();
        let ended = tokenizer.is_end(token);
        let answer_length = self.tokens.len() - self.prompt_length;
        let full = answer_length >= self.max_tokens || self.tokens.len() >= model.context_length();
        let mut piece = self.detokenizer.push(tokenizer.bytes(token));
        if ended || full {
            piece.push_str(&self.detokenizer.finish());
        }
        let mut passed = self.stop.push(&piece);
        if passed.stopped {
            return (passed.text, Some(FinishReason::Stop));
        }
        let reason = match (ended, full) {
            (true, _) => Some(FinishReason::Stop),
            (false, true) => Some(FinishReason::Length),
            (false, false) => None,
        };
        if reason.is_some() {
            passed.text.push_str(&self.stop.finish());
        }
        (passed.text, reason)
    }

    fn finish(&self, model: &Model, cache: &Cache, finish_reason: FinishReason) {
        let (prompt, output) = self.tokens.split_at(self.prompt_length);
        let answer = Answer {
            model_sha256: model.sha256(),
            adapter: self.adapter_id(),
            prompt,
            output,
            sampling: self.sampling,
            salt: self.salt,
        };
        let evidence = Evidence::of(&answer, model.shape().layers, cache, &self.sequence);
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let done = Done {
            finish_reason,
            prompt_tokens: count(prompt.len()),
            cached_tokens: count(self.cached_length),
            completion_tokens: count(output.len()),
            proof: Proof::Exact(Box::new(evidence)),
        };
        let _ = self.events.try_send(Event::Done(done));
    }

    /// Ends the request early. One place for a last event is always kept free.
    pub(crate) fn fail(&self, error: GenerationError) {
        let _ = self.events.try_send(Event::Error(error));
    }
}
