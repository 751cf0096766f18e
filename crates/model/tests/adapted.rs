//! What adapters compute has the same bits on every instruction set, with any number of threads, in decode and prefill, alone
//! and in a batch with other adapters of other ranks and projections.
//!
//! The hashes are fixtures of the numeric specification, as in `determinism.rs`.

mod common;
#[path = "common/peft.rs"]
mod peft;

use std::sync::Arc;

use openledger_model::{
    Adapter, Chunk, ForwardError, InstructionSet, Model, Module, Outputs, Runner, RunnerConfig, Sequence,
};
use sha2::{Digest, Sha256};

const TINY: &str = include_str!("fixtures/tiny-adapted-states.sha256");
const REAL: &str = include_str!("fixtures/smollm2-adapted-states.sha256");
const LENGTH: usize = 70;

fn runner(model: &Arc<Model>, set: InstructionSet, threads: usize) -> Runner {
    let config = RunnerConfig { threads, cache_tokens_max: 4_096, instruction_set: Some(set) };
    Runner::new(Arc::clone(model), config).expect("the machine offers this set")
}

fn start(runner: &mut Runner, tokens: usize) -> Sequence {
    let mut sequence = runner.cache.start(&[]);
    runner.cache.reserve(&mut sequence, tokens).expect("the cache is large enough");
    sequence
}

/// Eight rows of a batch: none, several ranks, several sets of projections, two that are the same.
fn adapters(model: &Model) -> Vec<Option<Arc<Adapter>>> {
    use Module::{Down, Gate, Key, Output, Query, Up, Value};
    let shape = model.shape();
    let of = |seed, rank, modules: &[Module]| Some(Arc::new(peft::adapter(shape, seed, rank, modules)));
    let uneven = |layer: usize, module: Module| {
        (!(layer + module as usize).is_multiple_of(3)).then_some(1 + layer * 7 + module as usize * 5)
    };
    let uneven = Adapter::new(shape, peft::parts(shape, 5, uneven)).expect("the factors fit");
    let last = |layer: usize, _| (layer + 1 == shape.layers).then_some(2);
    let last = Adapter::new(shape, peft::parts(shape, 6, last)).expect("the factors fit");
    let first = of(1, 8, &[Query, Key, Value, Output]);
    vec![
        first.clone(),
        None,
        of(2, 4, &Module::ALL),
        of(3, 16, &[Query, Value]),
        of(4, 33, &[Gate, Up, Down]),
        Some(Arc::new(uneven)),
        first,
        Some(Arc::new(last)),
    ]
}

fn tokens(row: usize, vocabulary: usize) -> Vec<u32> {
    (0..LENGTH).map(|index| ((index * 37 + 11 + row * 5) % vocabulary) as u32).collect()
}

/// The hashes of all rows' hidden states and logits, each sequence in pieces of `lengths`, all in one batch.
fn together(
    runner: &mut Runner,
    adapters: &[Option<Arc<Adapter>>],
    all: &[Vec<u32>],
    lengths: &[usize],
) -> Vec<[u8; 32]> {
    let mut sequences: Vec<Sequence> = adapters.iter().map(|_| start(runner, LENGTH)).collect();
    let mut hashers = vec![Sha256::new(); adapters.len()];
    let mut step = 0;
    while sequences.iter().any(|sequence| sequence.length() < LENGTH) {
        let mut fed = Vec::new();
        let mut chunks = Vec::new();
        for (row, sequence) in sequences.iter_mut().enumerate() {
            let from = sequence.length();
            let until = LENGTH.min(from + lengths[(row + step) % lengths.len()]);
            if from < until {
                fed.extend(std::iter::repeat_n(row, until - from));
                let chunk = Chunk::new(sequence, &all[row][from..until], Outputs::All);
                chunks.push(chunk.under(adapters[row].clone()));
            }
        }
        runner.forward(&mut chunks).expect("the batch is good");
        for (output, row) in fed.into_iter().enumerate() {
            for value in runner.hidden(output).iter().chain(runner.logits(output)) {
                hashers[row].update(value.to_bits().to_le_bytes());
            }
        }
        step += 1;
    }
    sequences.into_iter().for_each(|sequence| runner.cache.finish(sequence));
    hashers.into_iter().map(|hasher| hasher.finalize().into()).collect()
}

/// One hash over those of all rows.
fn joined(hashes: &[[u8; 32]]) -> String {
    Sha256::digest(hashes.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_tiny_model_gives_the_recorded_bits_in_every_way() {
    let model = Arc::new(Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good"));
    let adapters = adapters(&model);
    let all: Vec<Vec<u32>> = (0..8).map(|row| tokens(row, model.shape().vocabulary)).collect();
    let mut plain = runner(&model, InstructionSet::Portable, 1);
    let alone: Vec<[u8; 32]> =
        (0..8).map(|row| together(&mut plain, &adapters[row..=row], &all[row..=row], &[1])[0]).collect();
    assert_eq!(joined(&alone), TINY.trim(), "decode, each alone");
    for set in InstructionSet::available() {
        for threads in [1, 2, 4] {
            let mut runner = runner(&model, set, threads);
            for lengths in [&[1][..], &[7], &[8, 1, 3]] {
                let found = together(&mut runner, &adapters, &all, lengths);
                assert_eq!(
                    found, alone,
                    "{set:?}, {threads} threads, eight at once in pieces of {lengths:?}"
                );
            }
            for row in 0..8 {
                let found = together(&mut runner, &adapters[row..=row], &all[row..=row], &[64]);
                assert_eq!(found[0], alone[row], "{set:?}, {threads} threads, row {row} alone at once");
            }
        }
    }
}

#[test]
fn every_adapter_changes_every_state_and_only_its_own() {
    let model = Arc::new(Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good"));
    let adapters = adapters(&model);
    let same: Vec<Vec<u32>> = (0..8).map(|_| tokens(0, model.shape().vocabulary)).collect();
    let mut runner = runner(&model, InstructionSet::best(), 2);
    let found = together(&mut runner, &adapters, &same, &[5]);
    for (row, hash) in found.iter().enumerate() {
        let equal: Vec<usize> = (0..8).filter(|other| found[*other] == *hash).collect();
        assert_eq!(equal, if row % 6 == 0 { vec![0, 6] } else { vec![row] });
    }
    let base = together(&mut runner, &[None], &same[..1], &[64]);
    assert_eq!(base[0], found[1], "a row without an adapter is the base model's");
}

#[test]
fn the_packaged_model_gives_the_recorded_bits_in_every_way() {
    let model = Arc::new(Model::open(&common::real_model_path()).expect("the packaged model is good"));
    let adapters = adapters(&model);
    let all: Vec<Vec<u32>> = (0..8).map(|row| tokens(row, 40_000)).collect();
    let mut two = runner(&model, InstructionSet::best(), 2);
    let eight = together(&mut two, &adapters, &all, &[1]);
    assert_eq!(joined(&eight), REAL.trim(), "decode in a batch of eight on two threads");
    let mut one = runner(&model, InstructionSet::best(), 1);
    let alone = together(&mut one, &adapters[5..6], &all[5..6], &[64]);
    assert_eq!(alone[0], eight[5], "prefill alone on one thread");
    let mut portable = runner(&model, InstructionSet::Portable, 2);
    assert_eq!(together(&mut portable, &adapters[2..3], &all[2..3], &[64])[0], eight[2], "without vectors");
}

#[test]
fn an_adapter_for_another_shape_is_refused() {
    let model = Arc::new(Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good"));
    let shape = openledger_model::Shape { feed_forward: 192, ..*model.shape() };
    let adapter = Arc::new(peft::adapter(&shape, 1, 2, &[Module::Query]));
    let mut runner = runner(&model, InstructionSet::best(), 1);
    let mut sequence = start(&mut runner, 1);
    let refused = runner.forward(&mut [Chunk::new(&mut sequence, &[1], Outputs::None).under(Some(adapter))]);
    assert_eq!(refused, Err(ForwardError::Adapter { model: "tiny".to_owned() }));
}
