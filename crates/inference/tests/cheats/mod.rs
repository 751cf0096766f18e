//! Providers who compute something else than they commit to; `weights` has the files that some of them use.
//!
//! Rule: a cheat claims the honest hashes and does everything else as well as it can.
//! Absent: who finds out.

#![allow(dead_code, unused_imports, reason = "each user takes a part")]

#[path = "weights.rs"]
mod weights;

use std::sync::Arc;

use openledger_inference::{Adapter, Answer, Auditor, Claim, Evidence, Model, Opening, Sampling, Scope};
use openledger_model::{Chunk, Outputs, Runner, RunnerConfig};

pub(crate) use weights::{Numbers, rewritten};

pub(crate) const SALT: [u8; 32] = [5; 32];

/// What a provider computes instead of what it claims.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cheat {
    /// The position of the prompt whose token is another one.
    pub(crate) edited: Option<usize>,
    /// Keys and values are rounded to 8 bits after every step.
    pub(crate) rounds_cache: bool,
    /// The index in the answer at which the second most likely token is taken.
    pub(crate) second_best: Option<usize>,
    /// This token of the answer ends the text, and more are written.
    pub(crate) goes_on_after: Option<usize>,
}

/// What a provider hands out.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) prompt: Vec<u32>,
    pub(crate) output: Vec<u32>,
    pub(crate) evidence: Evidence,
    /// The opening of each window, of what it kept.
    pub(crate) openings: Vec<Opening>,
    /// The opening of all windows together.
    pub(crate) all: Opening,
}

impl Made {
    pub(crate) fn claim(&self) -> Claim<'_> {
        Claim {
            prompt: &self.prompt,
            output: &self.output,
            salt: &SALT,
            evidence: &self.evidence,
            grammar: None,
        }
    }
}

/// Answers greedily with the weights of `model` up to an end or `length` tokens, and claims to have used the file `claimed` on `prompt`.
pub(crate) fn answer(
    model: &Arc<Model>,
    claimed: [u8; 32],
    prompt: &[u32],
    length: usize,
    cheat: Cheat,
) -> Made {
    answer_under((model, None), (claimed, None), prompt, length, cheat)
}

/// The same under an adapter, and claims another one or none.
pub(crate) fn answer_under(
    (model, adapter): (&Arc<Model>, Option<&Arc<Adapter>>),
    (claimed, claimed_adapter): ([u8; 32], Option<[u8; 32]>),
    prompt: &[u32],
    length: usize,
    cheat: Cheat,
) -> Made {
    let tokens_max = model.context_length().next_multiple_of(32);
    let config = RunnerConfig { threads: 1, cache_tokens_max: tokens_max, instruction_set: None };
    let mut runner = Runner::new(Arc::clone(model), config).expect("one thread starts").recording();
    let mut sequence = runner.cache.start(&[]);
    runner.cache.reserve(&mut sequence, prompt.len() + length).expect("the cache holds a context");
    let mut fed = prompt.to_vec();
    if let Some(position) = cheat.edited {
        fed[position] = (fed[position] + 1) % 200;
    }
    let mut output = Vec::new();
    while output.len() < length {
        for tokens in fed.chunks(if cheat.rounds_cache { 8 } else { 64 }) {
            let from = sequence.length();
            let chunk = Chunk::new(&mut sequence, tokens, Outputs::Last).under(adapter.cloned());
            runner.forward(&mut [chunk]).expect("the batch is good");
            if cheat.rounds_cache {
                runner.cache.spoil(&sequence, from..from + tokens.len(), round_to_8_bits);
            }
        }
        let mut logits = runner.logits(0).to_vec();
        if cheat.second_best == Some(output.len()) {
            let best = largest(&logits);
            logits[best] = f32::NEG_INFINITY;
        }
        fed = vec![largest(&logits) as u32];
        if cheat.goes_on_after == Some(output.len()) {
            fed = (0..logits.len() as u32).filter(|token| model.tokenizer().is_end(*token)).take(1).collect();
        }
        output.extend(&fed);
        if cheat.goes_on_after.is_none() && fed.iter().any(|token| model.tokenizer().is_end(*token)) {
            break;
        }
    }
    let sampling = Sampling::default();
    let (layers, salt) = (model.shape().layers, SALT);
    let (model_sha256, adapter) = (claimed, claimed_adapter);
    let answer = Answer { model_sha256, adapter, prompt, output: &output, sampling, salt };
    let evidence = Evidence::of(&answer, layers, &runner.cache, &sequence);
    let open = |windows| {
        let scope = Scope::Windows(windows);
        Opening::of(&scope, &evidence, &SALT, (&runner.cache, &sequence), Vec::new())
    };
    let openings = (0..evidence.windows()).map(|window| open(vec![window])).collect();
    let all = open((0..evidence.windows()).collect());
    Made { prompt: prompt.to_vec(), output, evidence, openings, all }
}

/// The windows in which an auditor who looks at all of them at once finds something.
pub(crate) fn differing_at_once(auditor: &mut Auditor, made: &Made) -> Vec<u32> {
    let scope = Scope::Windows((0..made.evidence.windows()).collect());
    let report = auditor.replay(&made.claim(), &scope, Some(&made.all)).expect("it can be computed");
    let mut windows: Vec<u32> =
        report.differences.iter().map(|difference| difference.window().unwrap_or(u32::MAX)).collect();
    windows.dedup();
    windows
}

/// The windows in which an auditor who looks at one after the other finds something.
pub(crate) fn differing(auditor: &mut Auditor, made: &Made) -> Vec<u32> {
    let is_wrong = |window: &u32| {
        let (scope, opening) = (Scope::Windows(vec![*window]), &made.openings[*window as usize]);
        let report = auditor.replay(&made.claim(), &scope, Some(opening)).expect("it can be computed");
        assert!(report.differences.iter().all(|difference| difference.window() == Some(*window)));
        !report.is_equal()
    };
    (0..made.evidence.windows()).filter(is_wrong).collect()
}

fn largest(logits: &[f32]) -> usize {
    (0..logits.len()).rev().max_by(|one, two| logits[*one].total_cmp(&logits[*two])).expect("a vocabulary")
}

fn round_to_8_bits(values: &mut [f32]) {
    let scale = values.iter().fold(0.0_f32, |most, value| most.max(value.abs())) / 127.0;
    if scale > 0.0 {
        values.iter_mut().for_each(|value| *value = (*value / scale).round() * scale);
    }
}
