//! What an operator chooses about an engine.
//!
//! Rule: nothing here changes what an answer says.
//! Absent: which model (that is the caller's choice).

use openledger_model::{BATCH_OUTPUTS_MAX, BATCH_TOKENS_MAX};

use crate::request::PROMPT_BYTES_MAX;

/// Limits and resources of one engine.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Threads that compute.
    pub threads: usize,
    /// Requests that may wait. The next one is refused.
    pub queue_requests_max: usize,
    /// Requests of one caller that may wait; at most `queue_requests_max`.
    pub lane_requests_max: usize,
    /// Requests that are computed at the same time, 1 to 64.
    pub sequences_max: usize,
    /// Prompt tokens computed per step while other requests are streaming, so that they keep streaming; of the prompts that
    /// wait, those with the least left come first, and a quarter is the oldest one's.
    pub prefill_chunk_tokens: usize,
    /// Positions held in the key-value cache, over all requests and remembered prompts.
    pub cache_tokens_max: usize,
    /// Largest prompt, in bytes, before it is turned into tokens; at most [`PROMPT_BYTES_MAX`].
    pub prompt_bytes_max: usize,
    /// Longest answer, in tokens, also when a request names none.
    pub completion_tokens_max: u32,
    /// Events that may wait for a slow reader; its request then pauses.
    pub event_capacity: usize,
    /// How long a request may pause for its reader before it ends, in milliseconds.
    pub stall_ms_max: u64,
    /// How long all its pauses may take together: a reader who takes a token now and then holds its pages all the same.
    pub stalls_ms_max: u64,
}

impl Default for EngineConfig {
    fn default() -> EngineConfig {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        EngineConfig {
            threads: cores.min(8),
            queue_requests_max: 64,
            lane_requests_max: 32,
            sequences_max: 8,
            prefill_chunk_tokens: 64,
            cache_tokens_max: 16_384,
            prompt_bytes_max: PROMPT_BYTES_MAX,
            completion_tokens_max: 1_024,
            event_capacity: 64,
            stall_ms_max: 30_000,
            stalls_ms_max: 300_000,
        }
    }
}

impl EngineConfig {
    /// The same configuration with every number inside of the range that the engine can honour.
    pub(crate) fn bounded(mut self) -> EngineConfig {
        self.threads = self.threads.clamp(1, openledger_model::THREADS_MAX);
        self.queue_requests_max = self.queue_requests_max.clamp(1, 65_536);
        self.lane_requests_max = self.lane_requests_max.clamp(1, self.queue_requests_max);
        self.sequences_max = self.sequences_max.clamp(1, BATCH_OUTPUTS_MAX);
        self.prefill_chunk_tokens = self.prefill_chunk_tokens.clamp(1, BATCH_TOKENS_MAX - self.sequences_max);
        self.completion_tokens_max = self.completion_tokens_max.max(1);
        self.event_capacity = self.event_capacity.clamp(2, 4_096);
        self
    }
}
