//! What the node's own engine takes at a time.
//!
//! Absent: prices, and what other providers take.

use openledger_inference::EngineConfig;
use openledger_model::BATCH_OUTPUTS_MAX;
use serde::Deserialize;

/// The `[serving]` of a node's configuration. The engine brings numbers that it cannot honour into its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServingLimits {
    /// Answers that are computed at the same time, 1 to 64; the capacity that the provider's offer states.
    pub sequences: u32,
    /// Requests that wait for a place beside those, over all callers.
    pub waiting: u32,
    /// Requests of one caller that may wait.
    pub waiting_per_caller: u32,
    /// Positions of the key-value cache, shared by all answers and remembered prompts; memory is taken as it is used.
    pub cache_tokens: u32,
}

impl Default for ServingLimits {
    fn default() -> Self {
        Self { sequences: 64, waiting: 64, waiting_per_caller: 32, cache_tokens: 32_768 }
    }
}

impl ServingLimits {
    /// Answers at a time that the engine really computes: what an offer may state.
    pub fn capacity(self) -> u32 {
        self.sequences.clamp(1, u32::try_from(BATCH_OUTPUTS_MAX).unwrap_or(u32::MAX))
    }

    /// The engine's configuration.
    pub fn engine(self) -> EngineConfig {
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        EngineConfig {
            sequences_max: size(self.sequences),
            queue_requests_max: size(self.waiting),
            lane_requests_max: size(self.waiting_per_caller),
            cache_tokens_max: size(self.cache_tokens),
            ..EngineConfig::default()
        }
    }
}
