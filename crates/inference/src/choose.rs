//! The choice of one answer's tokens, one after the other: the sampler with what it needs from prompt and grammar.
//!
//! Rule: the same for the request that is computed and for its replay. The grammar takes tokens away before penalties,
//! temperature and cuts are applied to those that are left.
//! Absent: the arithmetic of the choice (`sampler`).

use std::collections::BTreeMap;
use std::sync::Arc;

use openledger_model::Tokenizer;

use crate::grammar::{Grammar, Mask, State, TokenTable};
use crate::quote::QuoteSource;
use crate::sampler::Sampling;

/// Masks that are kept. In strings, where most tokens are written, one serves for all.
const MASKS_MAX: usize = 32;

/// A grammar and the vocabulary that it is applied to.
#[derive(Clone)]
pub(crate) struct Constraint {
    pub(crate) grammar: Arc<Grammar>,
    pub(crate) table: Arc<TokenTable>,
}

/// Chooses the tokens of one answer.
pub(crate) struct Chooser {
    sampling: Sampling,
    source: QuoteSource,
    follower: Option<Follower>,
}

/// Follows an answer through its grammar.
struct Follower {
    constraint: Constraint,
    /// `None` after a token that the grammar does not allow, which only a false claim has.
    state: Option<State>,
    /// Tokens of the answer that the state has seen.
    seen: usize,
    masks: BTreeMap<State, Mask>,
}

impl Chooser {
    pub(crate) fn new(
        sampling: Sampling,
        constraint: Option<Constraint>,
        prompt: &[u32],
        tokenizer: &Tokenizer,
    ) -> Chooser {
        let source = QuoteSource::new(sampling.quote, prompt, tokenizer);
        let follower = constraint.map(|constraint| Follower {
            state: Some(constraint.grammar.start()),
            constraint,
            seen: 0,
            masks: BTreeMap::new(),
        });
        Chooser { sampling, source, follower }
    }

    /// The next token after `answer`. Called with answers of which each begins with the one before.
    pub(crate) fn choose(&mut self, logits: &[f32], answer: &[u32], tokenizer: &Tokenizer) -> u32 {
        let Some(follower) = &mut self.follower else {
            return self.sampling.choose(logits, answer, &self.source);
        };
        let mut logits = logits.to_vec();
        follower.read(answer, tokenizer);
        follower.restrict(&mut logits, tokenizer);
        self.sampling.choose(&logits, answer, &self.source)
    }
}

impl Follower {
    /// Moves on to the end of `answer`.
    fn read(&mut self, answer: &[u32], tokenizer: &Tokenizer) {
        let grammar = &self.constraint.grammar;
        for token in answer.get(self.seen..).unwrap_or_default() {
            let bytes = tokenizer.bytes(*token);
            let goes_on = |state: &mut State| bytes.iter().all(|byte| state.advance(grammar, *byte));
            self.state = self.state.take().and_then(|mut state| goes_on(&mut state).then_some(state));
        }
        self.seen = answer.len();
    }

    fn restrict(&mut self, logits: &mut [f32], tokenizer: &Tokenizer) {
        let Some(state) = &self.state else { return };
        if let Some(mask) = self.masks.get(state) {
            return mask.apply(logits);
        }
        let mask = self.constraint.table.mask(tokenizer, &self.constraint.grammar, state);
        mask.apply(logits);
        if self.masks.len() >= MASKS_MAX {
            self.masks.clear();
        }
        self.masks.insert(state.clone(), mask);
    }
}
