//! Providers who compute something else than they commit to, and the files that some of them use.
//!
//! Rule: a cheat claims the honest hashes and does everything else as well as it can.
//! Absent: who finds out.

#![allow(dead_code, reason = "each user takes a part")]

use std::sync::Arc;

use openledger_inference::{Adapter, Answer, Auditor, Claim, Evidence, Model, Opening, Sampling, Scope};
use openledger_model::gguf::Gguf;
use openledger_model::{Chunk, Outputs, Runner, RunnerConfig};

pub(crate) const SALT: [u8; 32] = [5; 32];

/// A small generator with a fixed sequence (SplitMix64, Steele, Lea, Flood 2014).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// From -1 to 1.
    fn signed(&mut self) -> f32 {
        (self.next() % 2_001) as f32 / 1_000.0 - 1.0
    }
}

/// A model file with every matrix rounded to the nearest of `2^bits - 1` steps for each block of 32, stored as
/// Q8_0; and before that a low-rank product added to queries and values, as merging an adapter does, made from
/// a seed.
pub(crate) fn rewritten(file: &[u8], bits: u32, adapter: Option<u64>) -> Vec<u8> {
    let gguf = Gguf::parse(file).expect("the file is good");
    let mut infos = Vec::new();
    let mut data = Vec::new();
    for (name, tensor) in gguf.tensors() {
        let is_matrix = tensor.dimensions.len() == 2;
        let mut values = tensor.to_f32();
        let adapted = name.contains("attn_q") || name.contains("attn_v");
        if let Some(seed) = adapter.filter(|_| adapted) {
            let seed = name.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
            add_low_rank(&mut values, tensor.dimensions[0], &mut Numbers(seed));
        }
        let bytes = if is_matrix { rounded(&values, bits) } else { tensor.bytes.to_vec() };
        infos.extend((name.len() as u64).to_le_bytes());
        infos.extend(name.as_bytes());
        infos.extend((tensor.dimensions.len() as u32).to_le_bytes());
        tensor.dimensions.iter().for_each(|size| infos.extend((*size as u64).to_le_bytes()));
        infos.extend((if is_matrix { 8_u32 } else { 0 }).to_le_bytes());
        infos.extend((data.len() as u64).to_le_bytes());
        data.extend(bytes);
        data.resize(data.len().next_multiple_of(32), 0);
    }
    let mut written = file[..metadata_end(file)].to_vec();
    written.extend(infos);
    written.resize(written.len().next_multiple_of(32), 0);
    written.extend(data);
    written
}

/// `W + 0.02 * B A` of rank 4.
fn add_low_rank(values: &mut [f32], width: usize, numbers: &mut Numbers) {
    let down: Vec<f32> = (0..4 * width).map(|_| numbers.signed()).collect();
    for row in values.chunks_exact_mut(width) {
        for down in down.chunks_exact(width) {
            let up = 0.02 * numbers.signed();
            row.iter_mut().zip(down).for_each(|(value, down)| *value += up * down);
        }
    }
}

/// Blocks of Q8_0 whose integers have `bits` bits.
fn rounded(values: &[f32], bits: u32) -> Vec<u8> {
    let most = ((1 << (bits - 1)) - 1) as f32;
    let mut bytes = Vec::new();
    for block in values.chunks_exact(32) {
        let largest = block.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let (scale, half) = to_half(largest / most);
        bytes.extend(half.to_le_bytes());
        for value in block {
            let integer = if scale > 0.0 { (value / scale).round().clamp(-most, most) } else { 0.0 };
            bytes.push((integer as i8).to_le_bytes()[0]);
        }
    }
    bytes
}

/// A positive number cut to half precision, and its bits; 0 where it is too small for a normal one.
fn to_half(value: f32) -> (f32, u16) {
    let cut = f32::from_bits(value.to_bits() & !0x1fff);
    let exponent = (cut.to_bits() >> 23) as i32 - 127 + 15;
    if !(1..31).contains(&exponent) {
        return (0.0, 0);
    }
    (cut, (((exponent as u32) << 10) | ((cut.to_bits() >> 13) & 0x3ff)) as u16)
}

/// Where the metadata of a good file ends and its list of tensors begins.
fn metadata_end(file: &[u8]) -> usize {
    let number = |at: usize, size: usize| {
        file[at..at + size].iter().rev().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte))
    };
    let mut at = 24;
    for _ in 0..number(16, 8) {
        at += 8 + number(at, 8);
        at = value_end(&number, at + 4, number(at, 4));
    }
    at
}

fn value_end(number: &impl Fn(usize, usize) -> usize, at: usize, kind: usize) -> usize {
    match kind {
        0 | 1 | 7 => at + 1,
        2 | 3 => at + 2,
        4..=6 => at + 4,
        8 => at + 8 + number(at, 8),
        9 => {
            let (inner, count) = (number(at, 4), number(at + 4, 8));
            (0..count).fold(at + 12, |at, _| value_end(number, at, inner))
        }
        _ => at + 8,
    }
}

/// What a provider computes instead of what it claims.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cheat {
    /// The position of the prompt whose token is another one.
    pub(crate) edited: Option<usize>,
    /// Keys and values are rounded to 8 bits after every step.
    pub(crate) rounds_cache: bool,
    /// The index in the answer at which the second most likely token is taken.
    pub(crate) second_best: Option<usize>,
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

/// Answers greedily with the weights of `model`, and claims to have used the file `claimed` on `prompt`.
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
        output.extend(&fed);
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
