//! `docs/numerics.md` says what the code does: its number, its hashes, the types that it lists.

mod common;

use common::tiny;
use openledger_model::NUMERIC_SPECIFICATION;
use openledger_model::gguf::{Gguf, GgufError};

const PAGE: &str = include_str!("../../../docs/numerics.md");

/// Numbers that GGUF gives to types of tensors, and their names.
const TYPES: [(u32, &str); 12] = [
    (0, "F32"),
    (1, "F16"),
    (2, "Q4_0"),
    (3, "Q4_1"),
    (6, "Q5_0"),
    (7, "Q5_1"),
    (8, "Q8_0"),
    (10, "Q2_K"),
    (12, "Q4_K"),
    (14, "Q6_K"),
    (16, "IQ2_XXS"),
    (30, "BF16"),
];

#[test]
fn the_page_states_the_number_and_the_recorded_hashes() {
    let title = format!("# Numeric specification {NUMERIC_SPECIFICATION}\n");
    assert!(PAGE.starts_with(&title), "the page is of another number than {NUMERIC_SPECIFICATION}");
    for (name, hash) in [
        ("tiny-hidden-states.sha256", include_str!("fixtures/tiny-hidden-states.sha256")),
        ("smollm2-hidden-states.sha256", include_str!("fixtures/smollm2-hidden-states.sha256")),
        ("tiny-adapted-states.sha256", include_str!("fixtures/tiny-adapted-states.sha256")),
        ("smollm2-adapted-states.sha256", include_str!("fixtures/smollm2-adapted-states.sha256")),
    ] {
        let line = PAGE.lines().find(|line| line.contains(name)).expect("the page names the fixture");
        assert!(line.contains(&format!("`{}`", hash.trim())), "{name} is {}", hash.trim());
    }
}

#[test]
fn the_page_lists_the_types_that_are_read() {
    let row = PAGE.lines().find(|line| line.starts_with("| tensor types |")).expect("the page has the row");
    let accepted: Vec<&str> =
        row.split('|').nth(2).expect("accepted ones").split(',').map(str::trim).collect();
    for (number, name) in TYPES {
        let mut writer = tiny();
        writer.tensors[2].2 = number;
        let bytes = writer.bytes();
        let is_read = !matches!(Gguf::parse(&bytes), Err(GgufError::TensorType { .. }));
        assert_eq!(accepted.contains(&name), is_read, "{name}");
    }
    assert!(accepted.iter().all(|name| TYPES.iter().any(|(_, known)| known == name)), "{accepted:?}");
}
