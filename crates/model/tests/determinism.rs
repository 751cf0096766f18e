//! One result on every machine: the bits do not depend on the instruction set, the number of threads, the
//! shape of the batch, or on whether positions are computed one by one or at once.
//!
//! The hashes are fixtures of the numeric specification: another value on any machine is a defect, and a
//! wanted change is a new number of the specification.

mod common;

use std::sync::Arc;

use openledger_model::{Chunk, InstructionSet, Model, Outputs, Runner, RunnerConfig, Sequence};
use sha2::{Digest, Sha256};

const TINY: &str = include_str!("fixtures/tiny-hidden-states.sha256");
const REAL: &str = include_str!("fixtures/smollm2-hidden-states.sha256");

fn runner(model: &Arc<Model>, set: InstructionSet, threads: usize) -> Runner {
    let config = RunnerConfig { threads, cache_tokens_max: 2_048, instruction_set: Some(set) };
    Runner::new(Arc::clone(model), config).expect("the machine offers this set")
}

fn start(runner: &mut Runner, tokens: usize) -> Sequence {
    let mut sequence = runner.cache.start(&[]);
    runner.cache.reserve(&mut sequence, tokens).expect("the cache is large enough");
    sequence
}

#[derive(Default)]
struct States(Sha256);

impl States {
    fn push(&mut self, runner: &Runner, output: usize) {
        for value in runner.hidden(output).iter().chain(runner.logits(output)) {
            self.0.update(value.to_bits().to_le_bytes());
        }
    }

    fn hex(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Hidden states and logits of every token, computed in pieces of the given lengths.
fn in_pieces(runner: &mut Runner, tokens: &[u32], lengths: &[usize]) -> String {
    let mut sequence = start(runner, tokens.len());
    let mut states = States::default();
    let (mut rest, mut lengths) = (tokens, lengths.iter().cycle());
    while !rest.is_empty() {
        let (piece, later) = rest.split_at((*lengths.next().expect("a cycle")).min(rest.len()));
        let chunk = Chunk::new(&mut sequence, piece, Outputs::All);
        let outputs = runner.forward(&mut [chunk]).expect("the batch is good");
        (0..outputs).for_each(|output| states.push(runner, output));
        rest = later;
    }
    runner.cache.finish(sequence);
    states.hex()
}

/// The same, one token at a time, in a batch with seven other sequences at other positions.
fn in_company(runner: &mut Runner, tokens: &[u32], vocabulary: u32) -> String {
    let mut own = start(runner, tokens.len());
    let mut others: Vec<Sequence> = (0..7).map(|_| start(runner, tokens.len() * 2)).collect();
    let mut states = States::default();
    for (step, token) in tokens.iter().enumerate() {
        let strangers: Vec<[u32; 2]> =
            (0..7).map(|index| [(token + index * 31) % vocabulary, (index * 7 + 3) % vocabulary]).collect();
        let mut chunks: Vec<Chunk<'_>> = others
            .iter_mut()
            .zip(&strangers)
            .enumerate()
            .map(|(index, (sequence, tokens))| {
                let tokens = &tokens[..1 + (index + step) % 2];
                Chunk::new(sequence, tokens, Outputs::Last)
            })
            .collect();
        let tokens = std::slice::from_ref(token);
        chunks.insert(3, Chunk::new(&mut own, tokens, Outputs::Last));
        runner.forward(&mut chunks).expect("the batch is good");
        states.push(runner, 3);
    }
    others.into_iter().chain([own]).for_each(|sequence| runner.cache.finish(sequence));
    states.hex()
}

#[test]
fn the_tiny_model_gives_the_recorded_bits_in_every_way() {
    let model = Arc::new(Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good"));
    let vocabulary = u32::try_from(model.shape().vocabulary).expect("it is tiny");
    let tokens: Vec<u32> = (0..110).map(|index| (index * 37 + 11) % vocabulary).collect();
    for set in InstructionSet::available() {
        for threads in [1, 2, 4] {
            let mut runner = runner(&model, set, threads);
            for lengths in [&[1][..], &[64], &[33, 1, 17], &[5, 40]] {
                let found = in_pieces(&mut runner, &tokens, lengths);
                assert_eq!(found, TINY.trim(), "{set:?}, {threads} threads, pieces of {lengths:?}");
            }
            let found = in_company(&mut runner, &tokens, vocabulary);
            assert_eq!(found, TINY.trim(), "{set:?}, {threads} threads, in company");
        }
    }
}

#[test]
fn the_packaged_model_gives_the_recorded_bits_in_every_way() {
    let model = Model::open(&common::real_model_path()).expect("the packaged model is good");
    let model = Arc::new(model);
    let text = "Press the Print key or launch Take a Screenshot from the Activities overview. The overlay \
                presents you with handles to select the area to capture.";
    let tokens = model.tokenizer().encode(text).expect("it is a text");
    let best = InstructionSet::best();
    let mut one = runner(&model, best, 1);
    assert_eq!(in_pieces(&mut one, &tokens, &[1]), REAL.trim(), "decode on one thread");
    let mut two = runner(&model, best, 2);
    assert_eq!(in_pieces(&mut two, &tokens, &[64]), REAL.trim(), "prefill on two threads");
    assert_eq!(in_company(&mut two, &tokens, 49_152), REAL.trim(), "decode in a batch of eight");
    let mut portable = runner(&model, InstructionSet::Portable, 2);
    assert_eq!(in_pieces(&mut portable, &tokens, &[64]), REAL.trim(), "prefill without vectors");
}

#[test]
fn pages_of_another_sequence_give_the_same_bits() {
    let model = Arc::new(Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good"));
    let mut runner = runner(&model, InstructionSet::best(), 1);
    let tokens: Vec<u32> = (0..80).map(|index| (index * 29 + 5) % 200).collect();
    let mut first = start(&mut runner, 80);
    runner.forward(&mut [Chunk::new(&mut first, &tokens, Outputs::Last)]).expect("the batch is good");
    let expected: Vec<u32> = runner.logits(0).iter().map(|logit| logit.to_bits()).collect();
    let shared = first.full_pages().to_vec();
    runner.cache.finish(first);

    let mut other = start(&mut runner, 80);
    let stale: Vec<u32> = (0..80).collect();
    runner
        .forward(&mut [Chunk::new(&mut other, &stale, Outputs::None)])
        .expect("freed pages are written again");
    let mut again = start(&mut runner, 80);
    runner.forward(&mut [Chunk::new(&mut again, &tokens[..64], Outputs::None)]).expect("the batch is good");
    let pages = again.full_pages().to_vec();
    let mut second = runner.cache.start(&pages);
    runner.cache.reserve(&mut second, 16).expect("a page is free");
    runner.forward(&mut [Chunk::new(&mut second, &tokens[64..], Outputs::Last)]).expect("the batch is good");
    let found: Vec<u32> = runner.logits(0).iter().map(|logit| logit.to_bits()).collect();
    assert_eq!(found, expected);
    assert_eq!(shared.len(), 2);
}
