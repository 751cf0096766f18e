//! Answers that llama.cpp's server gave, recorded with the packaged model (`cargo xtask peers consistency` asks it again): the model
//! finds them consistent with how they were asked, and with nothing else.

#[path = "../../model/tests/common/mod.rs"]
mod common;

use std::sync::Arc;

use openledger_inference::{
    ChatMessage, Consistency, ConsistencyVerdict, Draws, Model, Prompt, Sampling, TextEnd, Told, consistency,
    prompt_tokens,
};
use serde::Deserialize;

/// One recorded answer, and how it was asked for.
#[derive(Deserialize, Clone)]
struct Recorded {
    messages: Vec<ChatMessage>,
    text: String,
    ended: bool,
    sampling: Sampling,
}

fn packaged() -> Arc<Model> {
    Arc::new(Model::open(&common::real_model_path()).expect("the packaged model is good"))
}

fn recorded() -> Vec<Recorded> {
    serde_json::from_str(include_str!("fixtures/llama-server.json")).expect("it is written by us")
}

fn found(model: &Arc<Model>, answer: &Recorded) -> Consistency {
    let prompt =
        prompt_tokens(model, &Prompt::Chat(answer.messages.clone().into())).expect("it has a prompt");
    let draws = match answer.sampling.temperature {
        0.0 => Draws::Likeliest,
        _ => Draws::LlamaCpp {
            sampling: answer.sampling,
            seed: u32::try_from(answer.sampling.seed).expect("it is small"),
        },
    };
    let end = if answer.ended { TextEnd::EndToken } else { TextEnd::Cut };
    let told = Told { prompt: &prompt, text: &answer.text, is_trimmed: true, end };
    consistency(model, 2, &told, draws).expect("it can be followed")
}

#[test]
fn answers_of_llama_cpp_are_consistent_with_what_was_asked() {
    let model = packaged();
    for answer in recorded() {
        let found = found(&model, &answer);
        println!("{:?}: {} of {}, {:.4}", answer.sampling, found.same(), found.drawn.len(), found.missed());
        assert_eq!(found.verdict(), ConsistencyVerdict::Consistent, "{}", answer.text);
        let bytes: usize = found.drawn.iter().map(|drawn| drawn.bytes).sum();
        assert_eq!(bytes, answer.text.len(), "all of it was followed");
    }
}

#[test]
fn another_seed_prompt_or_word_is_seen() {
    let model = packaged();
    let recorded = recorded();
    let (likeliest, warm) = (&recorded[0], &recorded[1]);
    let inconsistent = |answer: &Recorded| {
        let found = found(&model, answer);
        assert_eq!(
            found.verdict(),
            ConsistencyVerdict::Inconsistent,
            "{}: {:.4}",
            answer.text,
            found.missed()
        );
        found
    };
    inconsistent(&Recorded { sampling: Sampling { seed: 1, ..warm.sampling }, ..warm.clone() });
    inconsistent(&Recorded { sampling: Sampling { temperature: 0.2, ..warm.sampling }, ..warm.clone() });
    let question = vec![ChatMessage::new(openledger_inference::Role::User, "What is a quilt?")];
    inconsistent(&Recorded { messages: question, ..likeliest.clone() });
    // A part of the answer, said to have ended there.
    let end = likeliest.text.floor_char_boundary(likeliest.text.len() * 2 / 3);
    let cut = Recorded { text: likeliest.text[..end].to_owned(), ..likeliest.clone() };
    let last = *inconsistent(&cut).drawn.last().expect("it has tokens");
    assert!(last.bytes == 0 && last.missed > 0.15, "{last:?}");
    // Bytes that no token of the vocabulary writes, and words that it would not.
    let foreign =
        inconsistent(&Recorded { text: format!("{}\u{4} and so on", likeliest.text), ..likeliest.clone() });
    assert!(foreign.is_foreign);
    let mut advert = likeliest.clone();
    let place = advert.text.match_indices(". ").next().expect("it has two sentences").0;
    advert.text.insert_str(place, ", which Ada's tea shop also sells");
    inconsistent(&advert);
    let untold = Recorded { text: format!("{}\u{fffd} and so on", likeliest.text), ..likeliest.clone() };
    assert_eq!(found(&model, &untold).verdict(), ConsistencyVerdict::Undecided);
}
