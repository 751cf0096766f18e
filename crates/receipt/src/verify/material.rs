//! What the provider committed to, and what the file holds to replay it from.
//!
//! Rule: the material is the one of this answer, down to the last byte, or the file is refused. Absent: its form, which the engine
//! that made it defines, and the replay itself: no receipt proves that the model was run, a replay does.

use openledger_types::Hash;

use super::{Step, require};
use crate::{EMBEDDINGS_ENDPOINT, Opening, Predicate};

/// What material says when every byte of it is bound to the commitment that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The commitment, hexadecimal, as receipts tell it.
    pub commitment: String,
    /// What its hashes are salted with.
    pub salt: [u8; 32],
    /// The weights that it commits to.
    pub weights: Hash,
    /// Version of the arithmetic.
    pub numeric_specification: u32,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
    /// Windows that it covers.
    pub windows: u32,
}

/// The tier of the evidence, and whether the file's material is what was committed to.
pub(super) fn evidence(
    predicate: &Predicate,
    opening: Option<&Opening>,
    material: Option<&[u8]>,
    read_material: &dyn Fn(&[u8]) -> Result<Committed, String>,
) -> Step {
    let (served, said) = (&predicate.served, &predicate.evidence);
    let Some(bytes) = material else { return Ok(tier(predicate)) };
    let Some(Opening { salt, .. }) = opening else {
        return Err("the file has what the answer is replayed from and not the answer".to_owned());
    };
    let found = read_material(bytes)?;
    let same = |what: &str, said: &str, found: &str| {
        require(said == found, || {
            format!("the {what} of the receipt is {said}, the provider's evidence has {found}")
        })
    };
    same("commitment", &said.commitment, &found.commitment)?;
    same("salt", &Hash(*salt).to_string(), &Hash(found.salt).to_string())?;
    same("model", &served.weights.to_string(), &found.weights.to_string())?;
    let rows = [
        ("numeric specification", served.numeric_specification, found.numeric_specification),
        ("number of prompt tokens", predicate.usage.prompt_tokens, found.prompt_tokens),
        ("number of completion tokens", predicate.usage.completion_tokens, found.completion_tokens),
        ("number of windows", said.windows, found.windows),
    ];
    for (what, said, found) in rows {
        same(what, &said.to_string(), &found.to_string())?;
    }
    Ok(format!(
        "exact: the provider committed to {} tokens in {} windows; `openledger audit replay` computes them again",
        u64::from(found.prompt_tokens).saturating_add(found.completion_tokens.into()),
        found.windows
    ))
}

/// What stands behind an answer whose file has nothing to replay.
fn tier(predicate: &Predicate) -> String {
    let windows = predicate.evidence.windows;
    let served = &predicate.served;
    if served.numeric_specification == 0 && served.weights.is_unknown() {
        return "none: an engine behind HTTP; nothing to replay".to_owned();
    }
    if served.numeric_specification == 0 {
        return format!(
            "consistent at best: an engine behind HTTP, whose operator names the weights {}; `openledger audit replay` follows the answer with them",
            served.weights
        );
    }
    if predicate.evidence.commitment.is_empty() {
        return format!(
            "none: the answer ended with \"{}\" before the provider committed to it; nothing to replay",
            predicate.response.finish_reason
        );
    }
    if predicate.request.endpoint == EMBEDDINGS_ENDPOINT {
        return "exact: the provider committed to the vectors; `openledger receipt recompute` makes them again from the texts"
            .to_owned();
    }
    format!(
        "exact: the provider committed to {windows} windows; what they are replayed from is not in the file"
    )
}
