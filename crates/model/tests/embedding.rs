//! The packaged embedding model against the Python package that it comes in, and its bits.
//!
//! `fixtures/wordllama.json` says how its numbers were made. They agree to what binary32 sums in another order may differ by; the
//! bits are those of the numeric specification, whose hash is beside it.

use std::path::PathBuf;

use openledger_model::EmbeddingModel;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const FIXTURE: &str = include_str!("fixtures/wordllama.json");
const BITS: &str = include_str!("fixtures/wordllama-vectors.sha256");

fn packaged() -> EmbeddingModel {
    let home = std::env::var_os("HOME").expect("HOME is set");
    let folder = PathBuf::from(home).join(".cache/openledger/models/wordllama");
    let (table, tokenizer) =
        (folder.join("l2_supercat_256.safetensors"), folder.join("l2_supercat_tokenizer_config.json"));
    assert!(
        table.is_file(),
        "this test needs the packaged embedding model in {}: run `cargo xtask test`, which installs it, or \
         `openledger model pull wordllama`",
        folder.display()
    );
    EmbeddingModel::open(&table, &tokenizer).expect("the packaged model is good")
}

fn numbers(entry: &Value) -> Vec<f64> {
    entry.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

#[test]
fn vectors_are_those_of_the_package_and_have_these_bits() {
    let model = packaged();
    assert_eq!((model.vocabulary(), model.dimensions()), (32_000, vec![64, 128, 256]));
    let fixture: Value = serde_json::from_str(FIXTURE).expect("the fixture is JSON");
    let mut hasher = Sha256::new();
    for entry in fixture["texts"].as_array().expect("a list") {
        let text = entry["text"].as_str().expect("a text");
        let tokens = model.encode(text).expect("a text");
        assert_eq!(Some(tokens.len() as u64), entry["count"].as_u64(), "{text}");
        let first: Vec<f64> = tokens.iter().take(60).map(|token| f64::from(*token)).collect();
        assert_eq!(first, numbers(&entry["tokens"]), "{text}");
        for (dimensions, step) in [(64, 1), (128, 8), (256, 8)] {
            let vector = model.embed(&tokens, dimensions).expect("it has a vector");
            vector.iter().for_each(|value| hasher.update(value.to_le_bytes()));
            let told = numbers(&entry[dimensions.to_string()]);
            assert_eq!(told.len(), dimensions / step);
            for (value, told) in vector.iter().step_by(step).zip(told) {
                assert!((f64::from(*value) - told).abs() < 1e-6, "{text}: {value} and {told}");
            }
        }
    }
    let bits: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(bits, BITS.trim());
}

#[test]
fn what_means_the_same_lies_closer() {
    let model = packaged();
    let vector = |text: &str| model.embed(&model.encode(text).expect("a text"), 256).expect("a vector");
    let near = |left: &[f32], right: &[f32]| left.iter().zip(right).map(|(a, b)| a * b).sum::<f32>();
    let (dog, hound, stocks) = (
        vector("a dog barks at the cat"),
        vector("the hound growls at a kitten"),
        vector("stock markets fell today"),
    );
    assert!(near(&dog, &hound) > near(&dog, &stocks) + 0.1);
}
