//! Scores with shared beginnings are those of `score` alone, bit for bit, and cost the tokens that are not shared.

#[path = "../../model/tests/common/mod.rs"]
mod common;

use std::sync::Arc;

use openledger_inference::{Model, ReplayError, Scorer, score, value};

const PAGE: usize = 32;

fn tiny() -> Arc<Model> {
    Arc::new(Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good"))
}

/// Tokens that differ from piece to piece.
fn piece(number: u32, length: u32) -> Vec<u32> {
    (0..length).map(|place| 40 + (number * 17 + place * (number + 3)) % 150).collect()
}

/// One prompt for each set of passages between a common beginning and end.
fn prompts(begin: &[u32], passages: &[Vec<u32>], end: &[u32]) -> Vec<Vec<u32>> {
    let chosen = |set: usize| {
        let passages = passages.iter().enumerate().filter(move |(place, _)| set >> place & 1 == 1);
        passages.flat_map(|(_, passage)| passage)
    };
    let sets = 0..1usize << passages.len();
    sets.map(|set| begin.iter().chain(chosen(set)).chain(end).copied().collect()).collect()
}

fn check(model: &Arc<Model>, scorer: &mut Scorer, prompts: &[Vec<u32>], continuation: &[u32]) {
    let together = scorer.score_all(prompts, continuation).expect("it can be computed");
    for (prompt, scores) in prompts.iter().zip(together) {
        let alone = score(model, prompt, continuation).expect("it can be computed");
        let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&scores), bits(&alone), "{} tokens", prompt.len());
    }
}

/// Tokens that go through the model when whole pages of what came before are shared, and when nothing is.
fn costs(prompts: &[Vec<u32>], continuation: &[u32]) -> (u64, u64) {
    let mut sorted = prompts.to_vec();
    sorted.sort();
    let shared = |place: usize| {
        let prompt = &sorted[place];
        let common = |other: &Vec<u32>| prompt.iter().zip(other).take_while(|(one, two)| one == two).count();
        let longest = sorted[..place].iter().map(common).max().unwrap_or(0);
        longest.min(prompt.len() - 1) / PAGE * PAGE
    };
    let fed: usize = sorted.iter().map(|prompt| prompt.len() + continuation.len() - 1).sum();
    let spared: usize = (0..sorted.len()).map(shared).sum();
    ((fed - spared) as u64, fed as u64)
}

#[test]
fn shared_beginnings_change_no_bit_and_are_computed_once() {
    let model = tiny();
    let passages: Vec<Vec<u32>> = (1..4).map(|number| piece(number, 33)).collect();
    let prompts = prompts(&piece(0, 70), &passages, &piece(9, 10));
    let answer = piece(7, 15);
    let mut scorer = Scorer::new(Arc::clone(&model), 2, 2_048).expect("threads start");
    check(&model, &mut scorer, &prompts, &answer);
    let (shared, alone) = costs(&prompts, &answer);
    assert_eq!((scorer.tokens_computed(), scorer.tokens_given()), (shared, alone));
    assert!(shared * 10 < alone * 6, "{shared} of {alone} tokens");

    // The next answer to the same prompts costs what is left of their last pages.
    let before = scorer.tokens_computed();
    check(&model, &mut scorer, &prompts, &piece(8, 5));
    let rest: usize = prompts.iter().map(|prompt| (prompt.len() - 1) % PAGE + 1 + 4).sum();
    assert_eq!(scorer.tokens_computed() - before, rest as u64);
}

#[test]
fn a_small_cache_costs_time_alone() {
    let model = tiny();
    let passages: Vec<Vec<u32>> = (1..4).map(|number| piece(number, 40)).collect();
    let prompts = prompts(&piece(0, 40), &passages, &piece(9, 10));
    let mut scorer = Scorer::new(Arc::clone(&model), 1, 192).expect("threads start");
    check(&model, &mut scorer, &prompts, &piece(7, 15));
    let (shared, alone) = costs(&prompts, &piece(7, 15));
    assert!((shared..=alone).contains(&scorer.tokens_computed()));
    // What does not fit is refused, and takes nothing from what does.
    let long = vec![piece(1, 190)];
    let refused = scorer.score_all(&long, &piece(7, 15)).expect_err("the cache is too small");
    assert!(matches!(refused, ReplayError::CacheTooSmall { tokens: 204, limit: 192 }), "{refused}");
    check(&model, &mut scorer, &prompts, &piece(7, 15));
}

#[test]
fn what_cannot_be_scored_is_refused() {
    let model = tiny();
    let vocabulary = model.tokenizer().vocabulary() as u32;
    let mut scorer = Scorer::new(Arc::clone(&model), 1, 4_096).expect("threads start");
    let rows = [
        (vec![], vec![1], "at least one token"),
        (vec![1], vec![], "at least one token"),
        (vec![1], vec![vocabulary], "outside of the vocabulary"),
        (vec![vocabulary], vec![1], "outside of the vocabulary"),
        (piece(1, 250), piece(2, 20), "the model's context holds 256"),
    ];
    for (prompt, answer, reason) in rows {
        let refused = scorer.score_all(&[prompt], &answer).expect_err("it cannot be scored").to_string();
        assert!(refused.contains(reason), "{refused}");
    }
    check(&model, &mut scorer, &[piece(1, 100)], &piece(2, 20));
}

#[test]
fn values_are_whole_numbers_below_zero() {
    let nat = 65_536.0;
    let rows: [(&[f64], i64); 5] =
        [(&[], 0), (&[-1.0, -2.0], -196_608), (&[-0.5 / nat], -1), (&[-0.4 / nat], 0), (&[1e-12], 0)];
    for (scores, expected) in rows {
        assert_eq!(value(scores), expected, "{scores:?}");
    }
}

#[test]
fn the_packaged_model_scores_alike_with_shared_beginnings() {
    let model = Arc::new(Model::open(&common::real_model_path()).expect("the packaged model is good"));
    let encode = |text: &str| model.tokenizer().encode(text).expect("a text");
    let begin = encode(
        "Passage: A fern needs moist soil at all times. Water it twice a week in summer and once a week in \
         winter.\nQuestion: How often do I water a fern in winter?\nAnswer: Water it once a week in winter.\n\nPassage:",
    );
    let passages = [
        encode(" To take a screenshot of the whole screen, press the Print key on your keyboard."),
        encode(" The desktop shows the time at the top of the screen and hides it in full-screen windows."),
    ];
    let prompts = prompts(&begin, &passages, &encode("\nQuestion: How do I take a screenshot?\nAnswer:"));
    let answer = encode(" press the Print key on your keyboard.");
    let mut scorer = Scorer::new(Arc::clone(&model), 2, 2_048).expect("threads start");
    check(&model, &mut scorer, &prompts, &answer);
    let (shared, alone) = costs(&prompts, &answer);
    assert_eq!(scorer.tokens_computed(), shared);
    assert!(shared < alone, "{shared} of {alone} tokens");
    let scores = scorer.score_all(&prompts, &answer).expect("it can be computed");
    let values: Vec<i64> = scores.iter().map(|scores| value(scores)).collect();
    assert!(values[1] > values[0] && values[3] > values[2], "the quoted passage helps: {values:?}");
}
