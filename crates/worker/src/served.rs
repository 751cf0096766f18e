//! What a job was, by the worker's own count, and the most that it may come to.
//!
//! Rule: whatever an engine says, what is charged never goes beyond what could be reserved before the engine was asked: the
//! tokens of the prompt where they are known, as many as it has bytes (and a template may write) where not, and the tokens
//! that were allowed. What was written is at least one token.

use openledger_inference::{Done, Embedded, Event, ModelInfo, Prompt, Tier};
use openledger_types::Hash;

/// The most tokens that a job may be charged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Tokens read.
    pub prompt_tokens: u32,
    /// Tokens written.
    pub completion_tokens: u32,
}

impl Bound {
    /// The bound of a request to a model that is served like this.
    pub fn of(info: &ModelInfo, prompt: &Prompt, max_tokens: u32) -> Self {
        let context = u32::try_from(info.context_tokens).unwrap_or(u32::MAX);
        let max_tokens = max_tokens.min(info.completion_tokens_max);
        match (info.tier(), prompt) {
            (Tier::Exact, Prompt::Tokens(tokens)) => {
                let prompt_tokens = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
                let room = context.saturating_sub(prompt_tokens);
                Self { prompt_tokens, completion_tokens: max_tokens.min(room) }
            }
            _ => Self {
                prompt_tokens: prompt.tokens_max().min(context),
                completion_tokens: max_tokens.min(context),
            },
        }
    }
}

/// What a worker served, by its own count. Only a worker makes one, so that it never signs somebody else's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    bound: Bound,
    prompt_tokens: u32,
    completion_tokens: u32,
    commitment: String,
    windows: u32,
    /// What was computed, by the evidence: the adapter, or without one the model.
    computed: Option<Hash>,
}

impl Served {
    /// A job that begins; `prompt_tokens` is what the engine knows of its prompt.
    pub(crate) fn new(bound: Bound, prompt_tokens: u32) -> Self {
        let prompt_tokens = prompt_tokens.min(bound.prompt_tokens);
        Self {
            bound,
            prompt_tokens,
            completion_tokens: 0,
            commitment: String::new(),
            windows: 0,
            computed: None,
        }
    }

    /// Vectors that were made of tokens by this model: nothing was written.
    pub(crate) fn embedded(embedded: &Embedded, model: Hash) -> Self {
        let bound = Bound { prompt_tokens: embedded.tokens, completion_tokens: 0 };
        let (commitment, computed) = (embedded.commitment.to_string(), Some(model));
        Self { commitment, computed, ..Self::new(bound, embedded.tokens) }
    }

    /// Tokens read.
    pub fn prompt_tokens(&self) -> u32 {
        self.prompt_tokens
    }

    /// Tokens written.
    pub fn completion_tokens(&self) -> u32 {
        self.completion_tokens
    }

    /// The evidence's commitment; empty when the engine has not committed to the answer, or is not exact.
    pub fn commitment(&self) -> &str {
        &self.commitment
    }

    /// Windows of the evidence.
    pub fn windows(&self) -> u32 {
        self.windows
    }

    /// The adapter or the model that the evidence names.
    pub(crate) fn computed(&self) -> Option<Hash> {
        self.computed
    }

    pub(crate) fn count(&mut self, event: Option<&Event>) {
        match event {
            Some(Event::Token { .. }) => {
                let counted = self.completion_tokens.saturating_add(1);
                self.completion_tokens = counted.min(self.bound.completion_tokens);
            }
            Some(Event::Done(done)) => self.end(done),
            Some(Event::Error(_)) | None => {}
        }
    }

    fn end(&mut self, done: &Done) {
        let written = u32::from(self.completion_tokens > 0);
        self.prompt_tokens = done.prompt_tokens.min(self.bound.prompt_tokens);
        self.completion_tokens = done.completion_tokens.min(self.bound.completion_tokens).max(written);
        if let Some(evidence) = done.proof.evidence() {
            self.commitment = evidence.commitment.to_string();
            self.windows = evidence.windows();
            self.computed = Some(Hash(evidence.adapter.unwrap_or(evidence.model_sha256).0));
        }
    }
}

#[cfg(test)]
mod tests {
    use openledger_inference::{FinishReason, Proof};

    use super::*;

    fn info(numeric_specification: Option<u32>) -> ModelInfo {
        ModelInfo {
            name: "m".into(),
            engine: "e".into(),
            sha256: None,
            context_tokens: 1_000,
            completion_tokens_max: 400,
            numeric_specification,
        }
    }

    fn bound(specification: Option<u32>, prompt: Prompt, max_tokens: u32) -> (u32, u32) {
        let bound = Bound::of(&info(specification), &prompt, max_tokens);
        (bound.prompt_tokens, bound.completion_tokens)
    }

    #[test]
    fn tokens_are_counted_where_they_are_known_and_bytes_where_not() {
        assert_eq!(bound(Some(1), Prompt::Tokens(vec![7; 990]), 160), (990, 10));
        assert_eq!(bound(None, Prompt::Tokens(vec![7; 9]), 160), (10, 160));
        assert_eq!(bound(Some(1), Prompt::Tokens(vec![7; 9]), 2_000), (9, 400));
        assert_eq!(bound(None, Prompt::Text("x".repeat(99)), 2_000), (100, 400));
        assert_eq!(bound(None, Prompt::Text("x".repeat(9_999)), 5), (1_000, 5));
    }

    #[test]
    fn no_engine_is_believed_beyond_the_bound_and_none_writes_for_nothing() {
        let done = |prompt_tokens, completion_tokens| {
            Event::Done(Done {
                finish_reason: FinishReason::Stop,
                prompt_tokens,
                cached_tokens: 0,
                completion_tokens,
                proof: Proof::None,
            })
        };
        let token = Event::Token { token_id: None, text: "word".into(), logprob: None };
        let bound = Bound { prompt_tokens: 50, completion_tokens: 8 };
        // Pieces that came, what the engine says at the end, and what is charged.
        for (pieces, said, charged) in [
            (4, Some((31, 6)), (31, 6)),
            (4, Some((900, 7_000)), (50, 8)),
            (4, Some((0, 0)), (0, 1)),
            (0, Some((31, 0)), (31, 0)),
            (4, None, (0, 4)),
            (99, None, (0, 8)),
        ] {
            let mut served = Served::new(bound, 0);
            (0..pieces).for_each(|_| served.count(Some(&token)));
            if let Some((prompt, completion)) = said {
                served.count(Some(&done(prompt, completion)));
            }
            assert_eq!((served.prompt_tokens(), served.completion_tokens()), charged, "{pieces} {said:?}");
        }
    }
}
