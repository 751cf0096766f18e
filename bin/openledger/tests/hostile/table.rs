//! Files that say they are a table of embeddings. Properties: nothing panics or asks for memory without a bound; what is read has a
//! row for every token, and each vector of it has length one or is refused.

use openledger_model::EmbeddingModel;

use crate::edit::edited;

const WORDS: [&str; 4] = ["?", "the", "end", "then"];

/// The header of an honest file of four rows of 64 numbers.
const HEADER: &str = r#"{"embedding.weight":{"dtype":"F16","shape":[4,64],"data_offsets":[0,512]}}"#;

fn tokenizer() -> Vec<u8> {
    let words: Vec<String> = WORDS.iter().enumerate().map(|(id, word)| format!("{word:?}:{id}")).collect();
    format!(
        r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
        "pre_tokenizer":{{"type":"WhitespaceSplit"}},"post_processor":null,"decoder":null,
        "model":{{"type":"WordLevel","vocab":{{{}}},"unk_token":"?"}}}}"#,
        words.join(",")
    )
    .into_bytes()
}

fn file(header: &[u8], data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

/// Reads the data as a file, as a header, and as edits of an honest file and of its header.
pub(crate) fn run(data: &[u8]) {
    // Small numbers of either sign in half precision.
    let numbers: Vec<u8> = (0..512_u16).map(|place| (place * 37 % 256) as u8 & 0xbf).collect();
    let honest = file(HEADER.as_bytes(), &numbers);
    let tokenizer = tokenizer();
    assert!(EmbeddingModel::from_bytes(&honest, &tokenizer).is_ok(), "the honest table is read");
    for bytes in [
        data.to_vec(),
        file(data, &numbers),
        edited(&honest, data),
        file(&edited(HEADER.as_bytes(), data), &numbers),
    ] {
        let Ok(model) = EmbeddingModel::from_bytes(&bytes, &tokenizer) else { continue };
        assert_eq!(model.vocabulary(), WORDS.len(), "a row for every token");
        let tokens = model.encode("the end and then").expect("a text");
        for dimensions in model.dimensions() {
            let Ok(vector) = model.embed(&tokens, dimensions) else { continue };
            let square: f64 = vector.iter().map(|value| f64::from(*value).powi(2)).sum();
            assert!(vector.len() == dimensions && (square - 1.0).abs() < 1e-3, "{square}");
        }
    }
}
