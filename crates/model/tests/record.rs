//! Digests of hidden states: the same in every way of computing them, kept with pages, and one layer alone gives those of the
//! whole.

mod common;

use std::sync::Arc;

use openledger_model::{
    Chunk, ForwardError, InstructionSet, Model, Outputs, Runner, RunnerConfig, Sequence, StateDigest,
    state_digest,
};

const TOKENS: usize = 75;

fn tiny() -> Arc<Model> {
    Arc::new(Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good"))
}

fn runner(model: &Arc<Model>, set: InstructionSet, threads: usize) -> Runner {
    let config = RunnerConfig { threads, cache_tokens_max: 1_024, instruction_set: Some(set) };
    Runner::new(Arc::clone(model), config).expect("the machine offers this set").recording()
}

fn tokens() -> Vec<u32> {
    (0..TOKENS as u32).map(|index| (index * 37 + 11) % 250).collect()
}

fn start(runner: &mut Runner) -> Sequence {
    let mut sequence = runner.cache.start(&[]);
    runner.cache.reserve(&mut sequence, TOKENS).expect("the cache is large enough");
    sequence
}

fn feed(runner: &mut Runner, sequence: &mut Sequence, tokens: &[u32], piece: usize) {
    for piece in tokens.chunks(piece) {
        runner.forward(&mut [Chunk::new(sequence, piece, Outputs::Last)]).expect("the batch is good");
    }
}

/// All digests of a sequence, `[window][layer][position]`.
fn digests(runner: &Runner, sequence: &Sequence) -> Vec<StateDigest> {
    let places = (0..TOKENS.div_ceil(32)).flat_map(|window| (0..2).map(move |layer| (window, layer)));
    places.flat_map(|(window, layer)| runner.cache.states(sequence, window, layer).to_vec()).collect()
}

#[test]
fn digests_do_not_depend_on_how_they_come_about() {
    let (model, tokens) = (tiny(), tokens());
    let mut expected = None;
    for set in InstructionSet::available() {
        for threads in [1, 2, 3] {
            for piece in [1, 7, TOKENS] {
                let mut runner = runner(&model, set, threads);
                let mut sequence = start(&mut runner);
                feed(&mut runner, &mut sequence, &tokens, piece);
                let found = digests(&runner, &sequence);
                assert_eq!(found.len(), TOKENS * 2);
                let expected = expected.get_or_insert_with(|| found.clone());
                assert_eq!(found, *expected, "{set:?}, {threads} threads, pieces of {piece}");
            }
        }
    }
    let expected = expected.expect("at least the portable set is there");
    assert!(expected.iter().enumerate().all(|(index, digest)| !expected[..index].contains(digest)));
}

#[test]
fn a_reused_page_brings_its_digests_and_a_freed_one_leaves_none() {
    let (model, tokens) = (tiny(), tokens());
    let mut runner = runner(&model, InstructionSet::best(), 1);
    let mut first = start(&mut runner);
    feed(&mut runner, &mut first, &tokens, 20);
    let expected = digests(&runner, &first);
    let shared = first.full_pages().to_vec();
    let mut second = runner.cache.start(&shared);
    runner.cache.reserve(&mut second, TOKENS - 64).expect("a page is free");
    feed(&mut runner, &mut second, &tokens[64..], 3);
    assert_eq!(digests(&runner, &second), expected);
    assert_eq!(runner.cache.states(&second, 3, 0), &[] as &[StateDigest], "there is no fourth window");
    assert_eq!(runner.cache.states(&second, 0, 2), &[] as &[StateDigest], "there is no third layer");
    assert_eq!(runner.cache.states(&second, usize::MAX, usize::MAX), &[] as &[StateDigest]);
    runner.cache.finish(first);
    runner.cache.finish(second);
    let third = start(&mut runner);
    assert!(digests(&runner, &third).is_empty(), "nothing is computed yet");
}

#[test]
fn without_recording_there_are_no_digests_and_the_same_results() {
    let (model, tokens) = (tiny(), tokens());
    let config = RunnerConfig { threads: 1, cache_tokens_max: 1_024, instruction_set: None };
    let mut plain = Runner::new(Arc::clone(&model), config).expect("one thread starts");
    let mut recording = runner(&model, InstructionSet::best(), 1);
    let (mut one, mut other) = (start(&mut plain), start(&mut recording));
    feed(&mut plain, &mut one, &tokens, 16);
    feed(&mut recording, &mut other, &tokens, 16);
    assert!(digests(&plain, &one).is_empty());
    assert_eq!(plain.logits(0), recording.logits(0));
}

#[test]
fn layers_one_by_one_are_the_whole_pass() {
    let (model, tokens) = (tiny(), tokens());
    let mut whole = runner(&model, InstructionSet::best(), 2);
    let mut sequence = start(&mut whole);
    feed(&mut whole, &mut sequence, &tokens, TOKENS);
    let (expected, logits) = (digests(&whole, &sequence), whole.logits(0).to_vec());

    let mut single = runner(&model, InstructionSet::best(), 1);
    let mut states = Vec::new();
    let mut found = vec![Vec::new(); 2];
    let mut outputs = 0;
    for (layer, found) in found.iter_mut().enumerate() {
        let mut sequence = start(&mut single);
        let mut left = Vec::new();
        for (index, piece) in tokens.chunks(30).enumerate() {
            let width = model.shape().width;
            let mut rows = match layer {
                0 => Vec::new(),
                _ => states[index * 30 * width..][..piece.len() * width].to_vec(),
            };
            let chunk = Chunk::new(&mut sequence, piece, Outputs::Last);
            outputs = single.layers(chunk, layer..layer + 1, &mut rows).expect("the layer is the model's");
            left.extend(rows);
        }
        states = left;
        for window in 0..3 {
            found.push(single.cache.states(&sequence, window, layer).to_vec());
        }
    }
    let found: Vec<StateDigest> =
        (0..3).flat_map(|window| [found[0][window].clone(), found[1][window].clone()].concat()).collect();
    assert_eq!(found, expected);
    assert_eq!((outputs, single.logits(0)), (1, logits.as_slice()));
    let width = model.shape().width;
    assert_eq!(state_digest(&states[..width]), single_digest(&whole, &sequence));
}

/// The digest of the first position behind the last layer.
fn single_digest(runner: &Runner, sequence: &Sequence) -> StateDigest {
    runner.cache.states(sequence, 0, 1)[0]
}

#[test]
fn layers_that_are_not_the_models_are_refused() {
    let model = tiny();
    let mut runner = runner(&model, InstructionSet::best(), 1);
    let width = model.shape().width;
    let mut refuse = |layers: std::ops::Range<usize>, mut states: Vec<f32>| {
        let mut sequence = start(&mut runner);
        let chunk = Chunk::new(&mut sequence, &[1, 2], Outputs::All);
        let refused = runner.layers(chunk, layers, &mut states).expect_err("it is bad");
        assert_eq!(sequence.length(), 0);
        runner.cache.finish(sequence);
        refused
    };
    let is_layers = |error| matches!(error, ForwardError::Layers { tokens: 2, layers: 2, .. });
    assert!(is_layers(refuse(1..3, vec![0.0; 2 * width])));
    let reversed = std::ops::Range { start: 2, end: 1 };
    assert!(is_layers(refuse(reversed, vec![0.0; 2 * width])));
    assert!(is_layers(refuse(1..2, vec![0.0; width])));
    assert!(is_layers(refuse(1..2, Vec::new())));
    for wrong in [f32::NAN, f32::INFINITY] {
        let mut states = vec![0.0; 2 * width];
        states[width] = wrong;
        assert_eq!(refuse(1..2, states), ForwardError::NotFinite { chunks: vec![0] });
    }
}
