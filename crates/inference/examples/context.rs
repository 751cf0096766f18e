//! What it costs to value the sets of some passages on one thread: tokens with and without shared beginnings, and seconds.
//!
//! `cargo run --release -p openledger-inference --example context -- TEXT [PASSAGES [MODEL]]` takes pieces of a plain text for the beginning
//! that all prompts share (1,500 bytes), for passages (900 bytes each) and for the answer (the first 160 bytes of a passage).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use openledger_inference::{Model, Scorer, score, value};

const BEGIN_BYTES: usize = 1_500;
const PASSAGE_BYTES: usize = 900;
const ANSWER_BYTES: usize = 160;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let text = arguments.next().ok_or("give a plain text")?;
    let text: String = std::fs::read_to_string(text)?.chars().filter(char::is_ascii).collect();
    let most: usize = arguments.next().map_or(Ok(3), |most| most.parse())?;
    let path = arguments.next().map_or_else(packaged, |path| Ok(PathBuf::from(path)))?;
    let model = Arc::new(Model::open(&path)?);
    println!("texts  sets  tokens alone  shared  again  seconds alone  shared  again");
    for count in 1..=most {
        let piece =
            |start: usize, bytes: usize| text.get(start..start + bytes).ok_or("the text is too short");
        let passages: Vec<&str> = (0..count)
            .map(|place| piece(BEGIN_BYTES + place * PASSAGE_BYTES, PASSAGE_BYTES))
            .collect::<Result<_, _>>()?;
        let begin = piece(0, BEGIN_BYTES)?;
        let prompts: Vec<Vec<u32>> = (0..1usize << count)
            .map(|set| {
                let chosen = passages.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1);
                let chosen: Vec<&str> = chosen.map(|(_, passage)| *passage).collect();
                let prompt =
                    format!("{begin}\n\nPassage: {}\nQuestion: What does it say?\nAnswer:", chosen.join(" "));
                model.tokenizer().encode(&prompt)
            })
            .collect::<Result<_, _>>()?;
        let answer = model.tokenizer().encode(&format!(" {}", &passages[0][..ANSWER_BYTES]))?;
        let begun = Instant::now();
        let alone: Vec<i64> = prompts
            .iter()
            .map(|prompt| Ok(value(&score(&model, prompt, &answer)?)))
            .collect::<Result<_, openledger_inference::ReplayError>>()?;
        let alone_s = begun.elapsed().as_secs_f64();
        let mut scorer = Scorer::new(Arc::clone(&model), 1, model.context_length())?;
        let mut round = || {
            let (begun, before) = (Instant::now(), scorer.tokens_computed());
            let scores = scorer.score_all(&prompts, &answer)?;
            let values: Vec<i64> = scores.iter().map(|scores| value(scores)).collect();
            assert_eq!(values, alone, "shared beginnings change nothing");
            Ok::<_, openledger_inference::ReplayError>((
                scorer.tokens_computed() - before,
                begun.elapsed().as_secs_f64(),
            ))
        };
        let ((shared, shared_s), (again, again_s)) = (round()?, round()?);
        let given = scorer.tokens_given() / 2;
        let sets = prompts.len();
        println!(
            "{count:>5} {sets:>5} {given:>13} {shared:>7} {again:>6} {alone_s:>14.2} {shared_s:>7.2} {again_s:>6.2}"
        );
    }
    Ok(())
}

fn packaged() -> Result<PathBuf, Box<dyn std::error::Error>> {
    let home = std::env::var_os("HOME").ok_or("HOME is not set; give the model's path")?;
    Ok(PathBuf::from(home).join(".cache/openledger/models/SmolLM2-135M-Instruct.Q4_1.gguf"))
}
