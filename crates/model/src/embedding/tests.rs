//! A table of four rows, by hand: what its vectors are, that every instruction set has the same bits, and what is refused.

use proptest::prelude::*;

use super::*;

/// Words that a space parts, in a form that the library reads.
fn tokenizer(words: &[&str]) -> Vec<u8> {
    let vocabulary: Vec<String> =
        words.iter().enumerate().map(|(id, word)| format!("{word:?}:{id}")).collect();
    format!(
        r#"{{"version":"1.0","truncation":{{"direction":"Right","max_length":1,"strategy":"LongestFirst","stride":0}},
        "padding":null,"added_tokens":[],"normalizer":null,"pre_tokenizer":{{"type":"WhitespaceSplit"}},
        "post_processor":null,"decoder":null,
        "model":{{"type":"WordLevel","vocab":{{{}}},"unk_token":"?"}}}}"#,
        vocabulary.join(",")
    )
    .into_bytes()
}

/// A file of one tensor of binary32 numbers.
fn table(name: &str, shape: &str, numbers: &[f32]) -> Vec<u8> {
    let bytes = numbers.len() * 4;
    let header = format!(r#"{{"{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{bytes}]}}}}"#);
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    numbers.iter().for_each(|number| file.extend(number.to_le_bytes()));
    file
}

const WORDS: [&str; 4] = ["?", "a", "b", "c"];
const ROWS: [f32; 8] = [0.0, 0.0, 3.0, 4.0, -3.0, -4.0, 1.0, 0.0];

fn small() -> EmbeddingModel {
    EmbeddingModel::from_bytes(&table(TABLE, "[4,2]", &ROWS), &tokenizer(&WORDS)).expect("it is good")
}

#[test]
fn a_vector_is_the_mean_of_the_rows_with_length_one() {
    let model = small();
    assert_eq!((model.vocabulary(), model.dimensions()), (4, vec![2]));
    // A file that cuts texts does not cut them here.
    assert_eq!(model.encode("a c nothing").expect("a text"), [1, 3, 0]);
    assert_eq!(model.embed(&[1], 2), Ok(vec![0.6, 0.8]));
    assert_eq!(model.embed(&[1, 1, 1], 2), Ok(vec![0.6, 0.8]));
    assert_eq!(model.embed(&[3, 0, 0, 0], 2), Ok(vec![1.0, 0.0]));
    assert_eq!(model.embed(&[1, 2, 3], 2), Ok(vec![1.0, 0.0]));
}

#[test]
fn what_has_no_vector_says_why() {
    let model = small();
    let rows = [
        (vec![], 2, EmbedError::Empty),
        (vec![1; EMBEDDED_TOKENS_MAX + 1], 2, EmbedError::TooLong { tokens: EMBEDDED_TOKENS_MAX + 1 }),
        (vec![1, 4], 2, EmbedError::TokenOutOfRange { token: 4, vocabulary: 4 }),
        (vec![1], 1, EmbedError::Dimensions { dimensions: 1, accepted: "2".to_owned() }),
        (vec![1, 2], 2, EmbedError::NoDirection),
        (vec![0], 2, EmbedError::NoDirection),
    ];
    for (tokens, dimensions, error) in rows {
        assert_eq!(model.embed(&tokens, dimensions), Err(error));
    }
    assert!(model.embed(&[1; EMBEDDED_TOKENS_MAX], 2).is_ok());
    let long = "a ".repeat(EMBEDDED_TEXT_BYTES_MAX / 2);
    assert!(model.encode(&long).is_ok());
    assert!(matches!(model.encode(&format!("{long}a")), Err(EmbedError::TooLarge { .. })));
}

#[test]
fn a_model_is_named_by_both_its_files() {
    let table = table(TABLE, "[4,2]", &ROWS);
    let other = EmbeddingModel::from_bytes(&table, &tokenizer(&["?", "a", "c", "b"])).expect("it is good");
    assert_ne!(small().id(), other.id());
}

#[test]
fn files_that_are_no_model_are_refused() {
    let good = tokenizer(&WORDS);
    let check = |table: &[u8], tokenizer: &[u8], says: &str| {
        let error = EmbeddingModel::from_bytes(table, tokenizer).err().expect("it is refused").to_string();
        assert!(error.contains(says), "{error}");
    };
    check(&table("other", "[4,2]", &ROWS), &good, "no tensor embedding.weight");
    check(&table(TABLE, "[8]", &ROWS), &good, "expected are tokens and width");
    check(&table(TABLE, "[0,2]", &[]), &good, "0 rows of 2 numbers");
    check(&table(TABLE, "[2,2,2]", &ROWS), &good, "expected are tokens and width");
    check(&table(TABLE, "[4,3]", &ROWS), &good, "the table");
    check(&table(TABLE, "[2,4]", &ROWS), &good, "it has 4 tokens, the table has 2 rows");
    check(&table(TABLE, "[4,2]", &[f32::NAN; 8]), &good, "not finite");
    check(&table(TABLE, "[4,2]", &ROWS)[..40], &good, "beyond its end");
    check(&table(TABLE, "[4,2]", &ROWS), b"{}", "the tokenizer");
    check(&table(TABLE, "[4,2]", &ROWS), &tokenizer(&WORDS[..3]), "it has 3 tokens, the table has 4 rows");
}

proptest! {
    #[test]
    fn no_bytes_are_read_as_a_table_that_they_are_not(
        place in 0_usize..200, byte in any::<u8>(), cut in 0_usize..200, tail in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut file = table(TABLE, "[4,2]", &ROWS);
        let places = file.len();
        file[place % places] = byte;
        file.truncate(places - cut % places);
        file.extend(tail);
        if let Ok((rows, width)) = read_table(&file) {
            prop_assert!(width >= 1 && rows.len() % width == 0 && rows.len() * 2 <= file.len());
            prop_assert!(rows.iter().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn every_instruction_set_has_the_same_bits(
        numbers in prop::collection::vec(-70_000.0_f32..70_000.0, 300),
        tokens in prop::collection::vec(0_u32..4, 1..40),
    ) {
        let model = EmbeddingModel::from_bytes(&table(TABLE, "[4,75]", &numbers), &tokenizer(&WORDS));
        let model = model.expect("it is good");
        for dimensions in [64, 75] {
            let vectors: Vec<Vec<u32>> = InstructionSet::available()
                .into_iter()
                .map(|set| model.embed_with(set, &tokens, dimensions).expect("it has a direction"))
                .map(|vector| vector.iter().map(|value| value.to_bits()).collect())
                .collect();
            prop_assert!(vectors.windows(2).all(|pair| pair[0] == pair[1]));
            let length: f64 = vectors[0].iter().map(|bits| f64::from(f32::from_bits(*bits)).powi(2)).sum();
            prop_assert!((length - 1.0).abs() < 1e-6, "{length}");
        }
    }
}
