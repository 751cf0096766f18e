//! The loop of the engine's thread: admit, compute one step for everyone, repeat.
//!
//! Rule: a step holds one token of every streaming request and a bounded piece of the prompts that
//! wait, so that a long prompt never stops a stream. A request is admitted only with all the pages that
//! it can ever need, so that none fails for lack of memory later. Callers are served in turn (see
//! `admission`); of the prompts that wait, the one with the least left comes first and the oldest always goes on, so that a long
//! one does not hold up a short one ([`shares`]). Absent: passing by a request that waits for pages, which would let small ones
//! starve it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use openledger_model::{BATCH_TOKENS_MAX, Chunk, ForwardError, Model, Outputs, PAGE_TOKENS, Runner};

use crate::admission::Admission;
use crate::config::EngineConfig;
use crate::engine::Gauges;
use crate::events::{Event, GenerationError};
use crate::prefix::PrefixIndex;
use crate::sequence::{Active, Job, JobAdapter};

/// How long the loop rests when every request waits for its reader.
const REST: Duration = Duration::from_millis(1);

pub(crate) struct Scheduler {
    runner: Runner,
    config: EngineConfig,
    admission: Arc<Admission>,
    gauges: Arc<Gauges>,
    active: Vec<Active>,
    /// The next job, when it had to wait for pages.
    waiting: Option<Job>,
    prefixes: PrefixIndex,
}

impl Scheduler {
    pub(crate) fn new(
        runner: Runner,
        config: EngineConfig,
        admission: Arc<Admission>,
        gauges: Arc<Gauges>,
    ) -> Scheduler {
        let prefixes = PrefixIndex::default();
        Scheduler { runner, config, admission, gauges, active: Vec::new(), waiting: None, prefixes }
    }

    /// Runs until the engine is stopped or dropped, then ends all requests.
    pub(crate) fn run(mut self) {
        while !self.admission.is_closed() && self.admit() {
            self.drop_cancelled();
            self.step();
            self.tell_load();
        }
    }

    /// Takes in jobs while there is room; waits for one when there is nothing else to do. False when
    /// the engine is gone.
    fn admit(&mut self) -> bool {
        while self.active.len() < self.config.sequences_max {
            let job = match self.waiting.take() {
                Some(job) => job,
                None if self.active.is_empty() => match self.admission.wait() {
                    Some(job) => job,
                    None => return false,
                },
                None => match self.admission.take() {
                    Some(job) => job,
                    None => return true,
                },
            };
            if !job.is_wanted() {
                continue;
            }
            if let JobAdapter::Failed(reason) = &job.adapter {
                let error = GenerationError::Adapter(reason.to_string());
                let _ = job.events.try_send(Event::Error(error));
                continue;
            }
            if let Some(job) = self.start(job) {
                self.waiting = Some(job);
                return true;
            }
        }
        true
    }

    /// Gives a job its pages; gives the job back when there are too few.
    fn start(&mut self, job: Job) -> Option<Job> {
        let cache = &mut self.runner.cache;
        let shared = self.prefixes.longest(job.adapter.id(), &job.prompt);
        let mut sequence = cache.start(&shared);
        let tokens = job.prompt.len() + job.max_tokens - sequence.length();
        self.prefixes.make_room(cache, tokens.div_ceil(PAGE_TOKENS));
        if cache.reserve(&mut sequence, tokens).is_err() {
            cache.finish(sequence);
            return Some(job);
        }
        let model = Arc::clone(self.runner.model());
        self.active.push(Active::new(job, sequence, &model));
        None
    }

    fn drop_cancelled(&mut self) {
        let model = Arc::clone(self.runner.model());
        let mut index = 0;
        while index < self.active.len() {
            let active = &mut self.active[index];
            let stalled = active.stalled(&self.config);
            if let Some(stall_ms) = stalled {
                active.fail(GenerationError::Stalled { stall_ms });
            }
            if stalled.is_some() || active.is_cancelled() || active.end_if_asked(&model, &self.runner.cache) {
                self.end(index);
            } else {
                index += 1;
            }
        }
    }

    /// Computes one step of every request that can take one.
    fn step(&mut self) {
        let planned = self.plan();
        if planned.iter().all(|tokens| *tokens == 0) {
            if !self.active.is_empty() {
                std::thread::sleep(REST);
            }
            return;
        }
        // Chunks borrow the sequences, and the tokens lie beside them: copy the few that are fed.
        let fed: Vec<Vec<u32>> = self
            .active
            .iter()
            .zip(&planned)
            .map(|(active, tokens)| active.pending()[..*tokens].to_vec())
            .collect();
        let (mut wanted, mut computed) = (Vec::new(), Vec::new());
        let mut chunks = Vec::new();
        for (index, (active, tokens)) in self.active.iter_mut().zip(&fed).enumerate() {
            if tokens.is_empty() {
                continue;
            }
            let complete = tokens.len() == active.pending().len();
            if complete {
                wanted.push(index);
            }
            let outputs = if complete { Outputs::Last } else { Outputs::None };
            computed.push(index);
            let adapter = active.adapter.clone();
            chunks.push(Chunk::new(&mut active.sequence, tokens, outputs).under(adapter));
        }
        let Err(error) = self.runner.forward(&mut chunks) else { return self.take_outputs(&wanted, &[]) };
        // One request's prompt or adapter is no reason to end the others.
        let failed = match &error {
            ForwardError::NotFinite { chunks } => chunks.iter().map(|chunk| computed[*chunk]).collect(),
            _ => computed,
        };
        for index in &failed {
            self.active[*index].fail(GenerationError::Backend(error.to_string()));
        }
        self.take_outputs(&wanted, &failed);
    }

    /// How many tokens of each request the next step computes.
    fn plan(&mut self) -> Vec<usize> {
        let mut planned = vec![0; self.active.len()];
        let mut streams = 0;
        for (active, planned) in self.active.iter_mut().zip(&mut planned) {
            if active.is_streaming() && active.has_room() {
                *planned = 1;
                streams += 1;
            }
        }
        let budget = if streams > 0 { self.config.prefill_chunk_tokens } else { BATCH_TOKENS_MAX };
        let prompts: Vec<usize> =
            (0..self.active.len()).filter(|index| !self.active[*index].is_streaming()).collect();
        let pending: Vec<usize> = prompts.iter().map(|index| self.active[*index].pending().len()).collect();
        for (index, share) in prompts.into_iter().zip(shares(&pending, budget)) {
            planned[index] = share;
        }
        planned
    }

    /// Tells whoever asks what is running.
    fn tell_load(&self) {
        let cache = &self.runner.cache;
        let held = cache.pages_max() - cache.pages_free() - self.prefixes.idle(cache);
        self.gauges.running.store(self.active.len(), Ordering::Relaxed);
        self.gauges.pages_held.store(held, Ordering::Relaxed);
    }

    /// Takes the next token of each request in `wanted`, in the order of the outputs, and leaves out those that failed.
    fn take_outputs(&mut self, wanted: &[usize], failed: &[usize]) {
        let model: Arc<Model> = Arc::clone(self.runner.model());
        let mut finished = Vec::new();
        for (output, index) in wanted.iter().enumerate().filter(|(_, index)| !failed.contains(index)) {
            let active = &mut self.active[*index];
            if !active.is_streaming() {
                // The prompt is computed: others that start like it can use its pages from now on.
                let pages = active.sequence.full_pages().to_vec();
                let adapter = active.adapter_id();
                self.prefixes.remember(&mut self.runner.cache, adapter, &active.tokens, &pages);
            }
            if active.step(&model, &self.runner.cache, self.runner.logits(output)) {
                finished.push(*index);
            }
        }
        for index in (0..self.active.len()).rev() {
            if failed.contains(&index) {
                // What was computed is not to be trusted: nothing of it is remembered.
                let active = self.active.remove(index);
                self.runner.cache.finish(active.sequence);
            } else if finished.contains(&index) {
                self.end(index);
            }
        }
    }

    /// Ends request `index` and remembers its full pages.
    fn end(&mut self, index: usize) {
        let active = self.active.remove(index);
        let pages = active.sequence.full_pages().to_vec();
        let adapter = active.adapter_id();
        self.prefixes.remember(&mut self.runner.cache, adapter, &active.tokens, &pages);
        self.runner.cache.finish(active.sequence);
    }
}

impl Drop for Scheduler {
    /// Ends all requests, those that wait too, however the loop ended: a panic must not leave them without a last event.
    fn drop(&mut self) {
        self.admission.close();
        let error =
            || if std::thread::panicking() { GenerationError::Lost } else { GenerationError::ShuttingDown };
        for active in &self.active {
            active.fail(error());
        }
        let queued = self.waiting.take().into_iter().chain(self.admission.drain());
        for job in queued {
            let _ = job.events.try_send(Event::Error(error()));
        }
    }
}

/// The part of a step that is the oldest prompt's, however short others are: one in so many tokens.
const OLDEST_PART: usize = 4;

/// Divides `budget` tokens among prompts of which `pending` tokens are left, in the order of their arrival. Those with the
/// least left come first, of equals the older one (shortest remaining time first; Schrage 1968): most answers begin as soon as
/// they can, and a short prompt does not wait behind a long one. A part of each step is the oldest prompt's, so the oldest
/// goes on while short ones come and go, and every prompt is the oldest in the end.
fn shares(pending: &[usize], budget: usize) -> Vec<usize> {
    let mut shares = vec![0; pending.len()];
    let mut left = budget;
    let mut give = |index: usize, most: usize| {
        let more = most.min(left).min(pending[index] - shares[index]);
        shares[index] += more;
        left -= more;
        pending[index] - shares[index]
    };
    let mut order: Vec<(usize, usize)> = (0..pending.len())
        .map(|index| (give(index, if index == 0 { budget.div_ceil(OLDEST_PART) } else { 0 }), index))
        .collect();
    order.sort_unstable();
    for (_, index) in order {
        give(index, budget);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_prompts_come_first_and_the_oldest_goes_on() {
        let rows: [(&[usize], usize, &[usize]); 9] = [
            (&[], 64, &[]),
            (&[10], 64, &[10]),
            (&[1000], 64, &[64]),
            (&[1000, 20], 64, &[44, 20]),
            (&[1000, 1000, 5], 64, &[59, 0, 5]),
            (&[9, 9, 9], 2, &[2, 0, 0]),
            (&[500, 500], 64, &[64, 0]),
            (&[1000, 30, 20, 30], 64, &[16, 28, 20, 0]),
            (&[3, 100, 100], 64, &[3, 61, 0]),
        ];
        for (pending, budget, expected) in rows {
            assert_eq!(shares(pending, budget), expected, "{pending:?} {budget}");
        }
    }
}
