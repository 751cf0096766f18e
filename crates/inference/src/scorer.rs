//! Likelihoods of one continuation after many prompts that begin alike, as attribution by context asks for.
//!
//! Rule: each result is bit-equal to [`score`](crate::score()) of its prompt alone. What is shared are whole pages of keys and
//! values of equal beginnings, which are the same bits whoever computed them; the order of the prompts and what was scored
//! before change the time alone.
//! Absent: which prompts to score, and what follows from the results.

use std::collections::BTreeMap;
use std::sync::Arc;

use openledger_model::{Adapter, Model, PAGE_TOKENS, Runner, RunnerConfig, Sequence};

use crate::prefix::PrefixIndex;
use crate::replay::{ReplayError, force};
use crate::score::{check_tokens, log_probability};

/// One unit of [`value`]: 2^-16 nat.
const UNITS_PER_NAT: f64 = 65_536.0;

/// Scores continuations on threads and a cache of its own, and remembers the beginnings of prompts.
pub struct Scorer {
    runner: Runner,
    adapter: Option<Arc<Adapter>>,
    prefixes: PrefixIndex,
    tokens_computed: u64,
    tokens_given: u64,
}

impl Scorer {
    /// A scorer with `threads` threads (the caller's included) whose cache holds `cache_tokens_max` positions, taken as they
    /// are needed.
    ///
    /// # Errors
    /// The threads cannot start.
    pub fn new(model: Arc<Model>, threads: usize, cache_tokens_max: usize) -> Result<Self, ReplayError> {
        let runner = Runner::new(model, RunnerConfig { threads, cache_tokens_max, instruction_set: None })?;
        Ok(Self {
            runner,
            adapter: None,
            prefixes: PrefixIndex::default(),
            tokens_computed: 0,
            tokens_given: 0,
        })
    }

    /// Scores under this adapter from now on, or under none. What was remembered under others stays theirs.
    pub fn adapt(&mut self, adapter: Option<Arc<Adapter>>) {
        self.adapter = adapter;
    }

    /// How many tokens went through the model so far.
    pub fn tokens_computed(&self) -> u64 {
        self.tokens_computed
    }

    /// How many would have gone through it if nothing were shared.
    pub fn tokens_given(&self) -> u64 {
        self.tokens_given
    }

    /// The natural logarithm of the probability of each token of `continuation`, after each of `prompts`. Equal prompts are
    /// computed once.
    ///
    /// # Errors
    /// A prompt or the continuation is empty, does not fit the context or the cache, or holds tokens that the model does not
    /// know. What was computed before stays remembered.
    pub fn score_all(
        &mut self,
        prompts: &[Vec<u32>],
        continuation: &[u32],
    ) -> Result<Vec<Vec<f64>>, ReplayError> {
        // In the order of their tokens each prompt stands beside those with which it shares the most.
        let mut scores: BTreeMap<&[u32], Vec<f64>> = BTreeMap::new();
        for prompt in prompts {
            scores.insert(prompt, Vec::new());
        }
        for (prompt, scores) in &mut scores {
            *scores = self.score(prompt, continuation)?;
        }
        Ok(prompts.iter().map(|prompt| scores[prompt.as_slice()].clone()).collect())
    }

    /// Keeps no more than `tokens` positions of what was computed, those that were used last. The memory stays for the next
    /// prompts.
    pub fn forget(&mut self, tokens: usize) {
        let cache = &mut self.runner.cache;
        let free = cache.pages_max().saturating_sub(tokens / PAGE_TOKENS);
        self.prefixes.make_room(cache, free);
    }

    fn score(&mut self, prompt: &[u32], continuation: &[u32]) -> Result<Vec<f64>, ReplayError> {
        if prompt.is_empty() || continuation.is_empty() {
            return Err(ReplayError::Empty);
        }
        check_tokens(self.runner.model(), continuation)?;
        // The last token of the continuation is predicted and not fed.
        let tokens = prompt.len() + continuation.len() - 1;
        let adapter = self.adapter.as_ref().map(|adapter| adapter.id());
        let pages = self.prefixes.longest(adapter, prompt);
        let cache = &mut self.runner.cache;
        let mut sequence = cache.start(&pages);
        let missing = tokens.div_ceil(PAGE_TOKENS).saturating_sub(pages.len());
        self.prefixes.make_room(cache, missing);
        let rest = tokens - sequence.length();
        if cache.reserve(&mut sequence, rest).is_err() {
            let limit = cache.pages_max() * PAGE_TOKENS;
            cache.finish(sequence);
            return Err(ReplayError::CacheTooSmall { tokens, limit });
        }
        self.tokens_given += tokens as u64;
        self.tokens_computed += rest as u64;
        let scores = self.forced(&mut sequence, prompt, continuation);
        let cache = &mut self.runner.cache;
        if scores.is_ok() {
            self.prefixes.remember(cache, adapter, prompt, sequence.full_pages());
        }
        cache.finish(sequence);
        scores
    }

    fn forced(
        &mut self,
        sequence: &mut Sequence,
        prompt: &[u32],
        continuation: &[u32],
    ) -> Result<Vec<f64>, ReplayError> {
        let mut scores = Vec::with_capacity(continuation.len());
        let adapter = self.adapter.as_ref();
        force(&mut self.runner, adapter, sequence, prompt, continuation, |_, logits| {
            scores.push(log_probability(logits, continuation[scores.len()]));
        })?;
        Ok(scores)
    }
}

/// The logarithm of the probability of the whole continuation, in 2^-16 nat, rounded to the nearest, half away from zero; no
/// more than 0. Summed in the order of the tokens, so it is the same everywhere.
pub fn value(scores: &[f64]) -> i64 {
    let nats: f64 = scores.iter().sum();
    ((nats * UNITS_PER_NAT).round() as i64).min(0)
}
