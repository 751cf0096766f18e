//! Counters for operators, in the Prometheus text format (prometheus.io, exposition format 0.0.4).

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a gateway counts.
#[derive(Default)]
pub(crate) struct Metrics {
    /// Completions that were asked for.
    pub(crate) requests: AtomicU64,
    /// Completions that were refused or failed.
    pub(crate) refused: AtomicU64,
    /// Completions whose client left before the end.
    pub(crate) cancelled: AtomicU64,
    /// Receipts stored.
    pub(crate) receipts: AtomicU64,
    /// Receipts settled.
    pub(crate) settled: AtomicU64,
    /// Certificates stored.
    pub(crate) certificates: AtomicU64,
    /// Certificates that could not be made.
    pub(crate) certificates_failed: AtomicU64,
    /// Answers whose context was valued.
    pub(crate) contexts: AtomicU64,
    /// Likelihoods computed for them.
    pub(crate) context_values: AtomicU64,
    /// Milliseconds that this took.
    pub(crate) context_ms: AtomicU64,
    /// Batches refused by the ledger.
    pub(crate) batches_refused: AtomicU64,
    /// Microcredits charged.
    pub(crate) charged: AtomicU64,
    /// Tokens read.
    pub(crate) prompt_tokens: AtomicU64,
    /// Tokens written.
    pub(crate) completion_tokens: AtomicU64,
    /// Milliseconds to the first token, summed over answers.
    pub(crate) first_token_ms: AtomicU64,
}

impl Metrics {
    /// Adds to a counter.
    pub(crate) fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    /// The exposition.
    pub(crate) fn render(&self) -> String {
        let rows = [
            ("requests_total", "Completions asked for", &self.requests),
            ("refused_total", "Completions refused or failed", &self.refused),
            ("cancelled_total", "Completions whose client left", &self.cancelled),
            ("receipts_total", "Receipts stored", &self.receipts),
            ("receipts_settled_total", "Receipts settled on the ledger", &self.settled),
            ("certificates_total", "Certificates of receipts stored", &self.certificates),
            ("certificates_failed_total", "Certificates that could not be made", &self.certificates_failed),
            ("contexts_total", "Answers whose context was valued", &self.contexts),
            ("context_values_total", "Likelihoods computed for contexts", &self.context_values),
            ("context_milliseconds_sum", "Milliseconds of valuing contexts, summed", &self.context_ms),
            ("batches_refused_total", "Batches refused by the ledger", &self.batches_refused),
            ("charged_microcredits_total", "Microcredits charged", &self.charged),
            ("prompt_tokens_total", "Tokens read", &self.prompt_tokens),
            ("completion_tokens_total", "Tokens written", &self.completion_tokens),
            ("first_token_milliseconds_sum", "Milliseconds to the first token, summed", &self.first_token_ms),
        ];
        let mut text = String::new();
        for (name, help, counter) in rows {
            let value = counter.load(Ordering::Relaxed);
            let _ = writeln!(text, "# HELP openledger_gateway_{name} {help}.");
            let _ = writeln!(text, "# TYPE openledger_gateway_{name} counter");
            let _ = writeln!(text, "openledger_gateway_{name} {value}");
        }
        text
    }
}
